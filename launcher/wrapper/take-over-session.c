#include "launcher/wrapper/take-over-session.h"

#include "launcher/wrapper/pci-driver.h"
#include "launcher/wrapper/take-over-line.h"

#include "qmp/json-splitter.h"
#include "qmp/message.h"

#include <string.h>

/* Most sets of descriptors that wait for a command to go with. */
#define MAX_FD_SETS 16

typedef struct
{
  guint64 position; /* of the first byte that they may have come with */
  GUnixFDList *fds;
} FdSet;

struct _VpTakeOverSession
{
  VpTakeOverDevices *devices;
  guint unplug_timeout_ms;
  VpTakeOverWake wake;
  gpointer user_data;
  VpTakeOverLine *line;
  guint n_busy; /* calls into the session that have not returned */

  VpJsonSplitter splitter;
  GString *input;      /* not looked at yet */
  GString *value;      /* the command that is being read */
  gboolean is_waiting; /* it can be handled, and is not yet */
  gboolean is_whole;   /* it is complete */
  gboolean is_passing; /* the rest of it goes to QEMU as it comes */
  gboolean drops_gap;  /* what follows belongs to a command that does not reach QEMU */
  gboolean is_ended;
  guint64 position; /* in the client's stream, of the end of @value */
  GQueue fd_sets;   /* (element-type FdSet) */

  GQueue output; /* (element-type VpTakeOverBytes) for QEMU */
  gsize n_output;
};

void
vp_take_over_bytes_free (VpTakeOverBytes *self)
{
  if (self == NULL)
    return;

  g_string_free (self->bytes, TRUE);
  g_clear_object (&self->fds);
  g_free (self);
}

static void
fd_set_free (gpointer data)
{
  FdSet *self = data;

  g_object_unref (self->fds);
  g_free (self);
}

/* Returns: (transfer full) (nullable): the descriptors for a command that ends at the position */
static GUnixFDList *
take_fds (VpTakeOverSession *self)
{
  FdSet *set = g_queue_peek_head (&self->fd_sets);
  GUnixFDList *fds;

  if (set == NULL || set->position >= self->position)
    return NULL;
  fds = g_object_ref (set->fds);
  fd_set_free (g_queue_pop_head (&self->fd_sets));
  return fds;
}

/* @fds: (transfer full) (nullable) */
static void
send (VpTakeOverSession *self, const char *data, gsize len, GUnixFDList *fds)
{
  VpTakeOverBytes *tail = g_queue_peek_tail (&self->output);

  if (tail == NULL || fds != NULL)
    {
      tail = g_new0 (VpTakeOverBytes, 1);
      tail->bytes = g_string_new (NULL);
      tail->fds = fds;
      g_queue_push_tail (&self->output, tail);
    }
  g_string_append_len (tail->bytes, data, (gssize) len);
  self->n_output += len;
}

/* Lets a command through. @command: (transfer full) (nullable) */
static VpTakeOverCall *
forward (VpTakeOverSession *self, VpTakeOverKind kind, VpRuntimeCommand *command)
{
  VpTakeOverCall *call = vp_take_over_call_new (kind, VP_TAKE_OVER_WAITS_FOR_QEMU, command);
  GUnixFDList *fds = take_fds (self);

  if (command != NULL && vp_id_map_occurs (self->devices->ids, self->value->str, self->value->len))
    {
      g_autoptr (GString) rewritten = g_string_new (NULL);

      vp_id_map_rewrite_command (self->devices->ids, command->name, self->value->str,
                                 self->value->len, rewritten);
      send (self, rewritten->str, rewritten->len, fds);
    }
  else
    send (self, self->value->str, self->value->len, fds);
  return call;
}

/* @command: (transfer full); @fault: (transfer full) (nullable): why not */
static VpTakeOverCall *
answer (VpRuntimeCommand *command, char *fault)
{
  VpTakeOverCall *call = vp_take_over_call_new (VP_TAKE_OVER_ANSWERED, VP_TAKE_OVER_DONE, command);

  if (fault != NULL)
    vp_take_over_call_fail (call, fault);
  else
    vp_take_over_call_succeed (call);
  return call;
}

static void
on_answered (VpTakeOverCall *call, gpointer user_data)
{
  VpTakeOverSession *self = user_data;

  if (self->n_busy == 0)
    self->wake (self->user_data);
}

/* Whether vmplug has to find a place: what the runtime names is not there, or taken. */
static gboolean
needs_place (VpTakeOverSession *self, const VpRuntimeCommand *command, const char *driver)
{
  const char *bus = vp_runtime_command_get_argument (command, "bus");
  g_autofree char *place = vp_runtime_command_dup_place (command);

  return vp_pci_driver_classify (driver) == VP_PCI_DRIVER_DEVICE && bus != NULL &&
         !vp_bus_map_takes (self->devices->buses, bus, place);
}

static VpTakeOverCall *
forward_add (VpTakeOverSession *self, VpRuntimeCommand *command, const char *driver)
{
  const char *id = vp_runtime_command_get_argument (command, "id");
  g_autofree char *place = vp_runtime_command_dup_place (command);
  VpTakeOverCall *call = forward (self, VP_TAKE_OVER_ADD, command);

  call->device = g_strdup (id);
  /* At once: the next command may want the same place, and is not to wait for this reply. */
  if (id != NULL)
    call->is_learnt = vp_bus_map_add (self->devices->buses, driver, id,
                                      vp_runtime_command_get_argument (command, "bus"), place);
  return call;
}

/* @command: (transfer full) */
static VpTakeOverCall *
handle_add (VpTakeOverSession *self, VpRuntimeCommand *command)
{
  VpTakeOverHost *host = &self->devices->host;
  const char *id = vp_runtime_command_get_argument (command, "id");
  const char *driver = vp_runtime_command_get_argument (command, "driver");
  g_autofree char *qemu = NULL;
  VpTakeOverCall *call;

  if (driver == NULL)
    return forward (self, VP_TAKE_OVER_PLAIN, command);
  if (id != NULL && vp_take_over_devices_is_taken (self->devices, id))
    return answer (command, g_strdup_printf ("Duplicate device ID '%s'", id));

  qemu = host->find_device (command->arguments, host->user_data);
  if (qemu != NULL)
    return answer (command, vp_take_over_devices_claim (self->devices, id, qemu));
  if (!needs_place (self, command, driver))
    return forward_add (self, command, driver);
  if (id != NULL && vp_bus_map_has_device (self->devices->buses, id))
    return answer (command, g_strdup_printf ("Duplicate device ID '%s'", id));

  call = vp_take_over_call_new (VP_TAKE_OVER_ATTACH, VP_TAKE_OVER_WAITS_FOR_VM, command);
  vp_take_over_call_request_attach (call, self->devices, on_answered, self);
  return call;
}

/* @command: (transfer full) */
static VpTakeOverCall *
handle_delete (VpTakeOverSession *self, VpRuntimeCommand *command)
{
  static const char peripheral[] = "/machine/peripheral/";
  VpTakeOverHost *host = &self->devices->host;
  const char *id = vp_runtime_command_get_argument (command, "id");
  const char *qemu;
  VpTakeOverCall *call;

  if (id == NULL)
    return forward (self, VP_TAKE_OVER_PLAIN, command);
  if (g_str_has_prefix (id, peripheral))
    id += strlen (peripheral);
  qemu = vp_id_map_to_qemu (self->devices->ids, id);
  if (qemu == NULL)
    qemu = id;

  if (host->has_device (qemu, host->user_data))
    {
      call = vp_take_over_call_new (VP_TAKE_OVER_DETACH, VP_TAKE_OVER_WAITS_FOR_VM, command);
      call->device = g_strdup (qemu);
      vp_take_over_call_request_detach (call, self->devices, on_answered, self);
      return call;
    }
  call = forward (self, self->unplug_timeout_ms > 0 ? VP_TAKE_OVER_DELETE : VP_TAKE_OVER_PLAIN,
                  command);
  call->device = g_strdup (qemu);
  return call;
}

/* Most commands are neither vmplug's business nor about its devices, and are not parsed. An escape
 * can hide any word. */
static gboolean
is_of_interest (VpTakeOverSession *self)
{
  static const char *const words[] = { "device_", "oob", "\\" };
  const char *text = self->value->str;
  gsize len = self->value->len;

  if (!vp_take_over_line_is_negotiated (self->line))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (memmem (text, len, words[i], strlen (words[i])) != NULL)
      return TRUE;
  return vp_id_map_occurs (self->devices->ids, text, len);
}

static VpTakeOverCall *
handle_command (VpTakeOverSession *self)
{
  VpRuntimeCommand *command = self->is_whole && is_of_interest (self)
                                  ? vp_runtime_command_parse (self->value->str, self->value->len)
                                  : NULL;
  gboolean is_negotiated = vp_take_over_line_is_negotiated (self->line);

  if (command == NULL || command->is_oob)
    return forward (self, VP_TAKE_OVER_PLAIN, command);
  if (!is_negotiated && strcmp (command->name, "qmp_capabilities") == 0)
    return forward (self, VP_TAKE_OVER_CAPABILITIES, command);
  if (is_negotiated && command->arguments != NULL && strcmp (command->name, "device_add") == 0)
    return handle_add (self, command);
  if (is_negotiated && strcmp (command->name, "device_del") == 0)
    return handle_delete (self, command);
  return forward (self, VP_TAKE_OVER_PLAIN, command);
}

static void
handle_value (VpTakeOverSession *self)
{
  VpTakeOverCall *call = handle_command (self);

  self->drops_gap = call->kind >= VP_TAKE_OVER_ATTACH;
  self->is_passing = !self->is_whole;
  self->is_waiting = FALSE;
  g_string_truncate (self->value, 0);
  vp_take_over_line_append (self->line, call);
}

/* Goes over one piece of @data. Returns: how many bytes that was */
static gsize
take_piece (VpTakeOverSession *self, const char *data, gsize len)
{
  VpJsonPiece piece;
  gsize n = vp_json_splitter_scan (&self->splitter, (const guint8 *) data, len, &piece);

  self->position += n;
  if (piece == VP_JSON_PIECE_GAP)
    {
      if (!self->drops_gap)
        send (self, data, n, NULL);
    }
  else if (self->is_passing)
    {
      send (self, data, n, take_fds (self));
      self->is_passing = piece != VP_JSON_PIECE_END;
    }
  else
    {
      g_string_append_len (self->value, data, (gssize) n);
      self->is_whole = piece == VP_JSON_PIECE_END;
      self->is_waiting = self->is_whole || self->value->len > VP_TAKE_OVER_MAX_COMMAND;
    }
  return n;
}

/* These are there to be executed while others are stuck. */
static gboolean
is_out_of_band (const VpTakeOverSession *self)
{
  g_autoptr (VpRuntimeCommand) command = NULL;

  if (memmem (self->value->str, self->value->len, "oob", 3) == NULL)
    return FALSE;
  command = vp_runtime_command_parse (self->value->str, self->value->len);
  return command != NULL && command->is_oob;
}

static gboolean
has_room (const VpTakeOverSession *self)
{
  return self->n_output < VP_TAKE_OVER_MAX_UNSENT &&
         vp_take_over_line_get_output (self->line)->len < VP_TAKE_OVER_MAX_UNSENT;
}

void
vp_take_over_session_resume (VpTakeOverSession *self)
{
  gsize done = 0;

  self->n_busy++;
  vp_take_over_line_flush (self->line);
  while (has_room (self))
    {
      if (self->is_waiting && vp_take_over_line_is_blocked (self->line) && !is_out_of_band (self))
        break;
      if (self->is_waiting)
        handle_value (self);
      else if (done < self->input->len)
        done += take_piece (self, self->input->str + done, self->input->len - done);
      else
        break;
    }
  g_string_erase (self->input, 0, (gssize) done);
  if (self->is_ended && self->input->len == 0 && !self->is_waiting && self->value->len > 0)
    {
      send (self, self->value->str, self->value->len, take_fds (self));
      g_string_truncate (self->value, 0);
    }
  self->n_busy--;
}

void
vp_take_over_session_push_client (VpTakeOverSession *self,
                                  const guint8 *data,
                                  gsize len,
                                  GUnixFDList *fds)
{
  if (fds != NULL)
    {
      FdSet *set = g_new0 (FdSet, 1);

      set->position = self->position + self->input->len;
      set->fds = g_object_ref (fds);
      g_queue_push_tail (&self->fd_sets, set);
      if (self->fd_sets.length > MAX_FD_SETS)
        fd_set_free (g_queue_pop_head (&self->fd_sets));
    }
  g_string_append_len (self->input, (const char *) data, (gssize) len);
  vp_take_over_session_resume (self);
}

void
vp_take_over_session_end_client (VpTakeOverSession *self)
{
  self->is_ended = TRUE;
  vp_take_over_session_resume (self);
}

void
vp_take_over_session_push_qemu (VpTakeOverSession *self, const guint8 *data, gsize len)
{
  self->n_busy++;
  vp_take_over_line_push_qemu (self->line, data, len);
  self->n_busy--;
  vp_take_over_session_resume (self);
}

void
vp_take_over_session_end_qemu (VpTakeOverSession *self)
{
  self->n_busy++;
  vp_take_over_line_end_qemu (self->line);
  self->n_busy--;
}

gboolean
vp_take_over_session_wants_client (const VpTakeOverSession *self)
{
  return self->input->len == 0 && has_room (self);
}

gboolean
vp_take_over_session_is_settled (const VpTakeOverSession *self)
{
  return self->input->len == 0 && !self->is_waiting && vp_take_over_line_is_empty (self->line);
}

gint64
vp_take_over_session_tick (VpTakeOverSession *self, gint64 now, gint64 real)
{
  gint64 next;

  self->n_busy++;
  next = vp_take_over_line_tick (self->line, now, real);
  self->n_busy--;
  vp_take_over_session_resume (self);
  return next;
}

GString *
vp_take_over_session_get_client_output (VpTakeOverSession *self)
{
  return vp_take_over_line_get_output (self->line);
}

VpTakeOverBytes *
vp_take_over_session_pop_qemu_output (VpTakeOverSession *self)
{
  VpTakeOverBytes *bytes = g_queue_pop_head (&self->output);

  if (bytes != NULL)
    self->n_output -= bytes->bytes->len;
  return bytes;
}

VpTakeOverSession *
vp_take_over_session_new (VpTakeOverDevices *devices,
                          guint unplug_timeout_ms,
                          VpTakeOverWake wake,
                          gpointer user_data)
{
  VpTakeOverSession *self = g_new0 (VpTakeOverSession, 1);

  self->devices = vp_take_over_devices_ref (devices);
  self->unplug_timeout_ms = unplug_timeout_ms;
  self->wake = wake;
  self->user_data = user_data;
  self->line = vp_take_over_line_new (devices, unplug_timeout_ms);
  vp_json_splitter_init (&self->splitter);
  self->input = g_string_new (NULL);
  self->value = g_string_new (NULL);
  g_queue_init (&self->fd_sets);
  g_queue_init (&self->output);
  return self;
}

void
vp_take_over_session_free (VpTakeOverSession *self)
{
  if (self == NULL)
    return;

  vp_take_over_line_free (self->line);
  g_queue_clear_full (&self->fd_sets, fd_set_free);
  g_queue_clear_full (&self->output, (GDestroyNotify) vp_take_over_bytes_free);
  g_string_free (self->input, TRUE);
  g_string_free (self->value, TRUE);
  vp_take_over_devices_unref (self->devices);
  g_free (self);
}
