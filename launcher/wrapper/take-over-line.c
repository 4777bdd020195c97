#include "launcher/wrapper/take-over-line.h"

#include "launcher/wrapper/reply-reader.h"

#include "qmp/json-rewriter.h"
#include "qmp/message.h"

#include <string.h>

/* Most commands that wait for an answer. */
#define MAX_CALLS 4096

struct _VpTakeOverLine
{
  VpTakeOverDevices *devices;
  guint unplug_timeout_ms;
  VpReplyReader *reader;
  VpJsonRewriter *rewriter;
  GQueue calls;       /* (element-type VpTakeOverCall) */
  GPtrArray *special; /* (element-type VpTakeOverCall): those of them that are not plain */
  guint n_waiting;    /* of the others, for QEMU */
  gboolean is_negotiated;

  GString *output;
  GString *scratch;
  gboolean is_at_line_start; /* of the output */
  gboolean is_rewriting;     /* the value that QEMU is in */
  gboolean is_passing;       /* it goes to the output whatever it is */
  gboolean drops_gap;        /* behind it */
  VpTakeOverCall *current;   /* (nullable): whose reply it is, or the last one was */
};

static gboolean
is_special (const VpTakeOverCall *call)
{
  return call->kind != VP_TAKE_OVER_PLAIN || call->is_oob;
}

static void
say (VpTakeOverLine *self, const char *text, gsize len)
{
  if (len == 0)
    return;
  g_string_append_len (self->output, text, (gssize) len);
  self->is_at_line_start = text[len - 1] == '\n';
}

static void
remove_call (VpTakeOverLine *self, VpTakeOverCall *call)
{
  g_queue_remove (&self->calls, call);
  if (is_special (call))
    g_ptr_array_remove (self->special, call);
  if (self->current == call)
    self->current = NULL;
  vp_take_over_call_free (call);
}

void
vp_take_over_line_flush (VpTakeOverLine *self)
{
  for (;;)
    {
      VpTakeOverCall *head = g_queue_peek_head (&self->calls);

      if (head == NULL || head->state != VP_TAKE_OVER_DONE)
        return;
      /* Between two values of QEMU's there is a newline, which may not have come yet. */
      if (head->reply->len > 0 && !self->is_at_line_start)
        return;

      say (self, head->reply->str, head->reply->len);
      remove_call (self, head);
    }
}

static gboolean
has_oob (VpTakeOverLine *self)
{
  for (guint i = 0; i < self->special->len; i++)
    {
      const VpTakeOverCall *call = self->special->pdata[i];

      if (call->is_oob && call->state == VP_TAKE_OVER_WAITS_FOR_QEMU)
        return TRUE;
    }
  return FALSE;
}

void
vp_take_over_line_append (VpTakeOverLine *self, VpTakeOverCall *call)
{
  g_queue_push_tail (&self->calls, call);
  if (is_special (call))
    g_ptr_array_add (self->special, call);
  else
    self->n_waiting++;
  if (call->is_oob)
    vp_reply_reader_want_ids (self->reader, TRUE);
  vp_take_over_line_flush (self);
}

gboolean
vp_take_over_line_is_blocked (const VpTakeOverLine *self)
{
  guint n_waiting = self->n_waiting;
  gboolean is_deleting = FALSE;

  if (self->calls.length >= MAX_CALLS)
    return TRUE;
  for (guint i = 0; i < self->special->len; i++)
    {
      const VpTakeOverCall *call = self->special->pdata[i];

      if (call->state == VP_TAKE_OVER_DONE)
        continue;
      if (call->kind == VP_TAKE_OVER_CAPABILITIES || call->kind == VP_TAKE_OVER_ATTACH)
        return TRUE;
      if (call->state == VP_TAKE_OVER_WAITS_FOR_QEMU)
        n_waiting++;
      is_deleting |= call->kind == VP_TAKE_OVER_DELETE || call->kind == VP_TAKE_OVER_DETACH;
    }
  /* What comes behind is kept: one reply at a time. */
  return is_deleting && n_waiting > 0;
}

gboolean
vp_take_over_line_is_negotiated (const VpTakeOverLine *self)
{
  return self->is_negotiated;
}

gboolean
vp_take_over_line_is_empty (const VpTakeOverLine *self)
{
  return self->calls.length == 0;
}

GString *
vp_take_over_line_get_output (const VpTakeOverLine *self)
{
  return self->output;
}

/* Returns: (transfer none) (nullable): whose reply with @id comes now */
static VpTakeOverCall *
find_waiting (VpTakeOverLine *self, JsonNode *id)
{
  /* Out-of-band commands are the only ones whose replies can overtake others. */
  for (guint i = 0; i < self->special->len; i++)
    {
      VpTakeOverCall *call = self->special->pdata[i];
      JsonNode *own = call->is_oob ? vp_runtime_command_get_id (call->command) : NULL;

      if (!call->is_oob || call->state != VP_TAKE_OVER_WAITS_FOR_QEMU)
        continue;
      if (own == id || (own != NULL && id != NULL && json_node_equal (own, id)))
        return call;
    }
  for (GList *l = self->calls.head; l != NULL; l = l->next)
    {
      VpTakeOverCall *call = l->data;

      if (call->state == VP_TAKE_OVER_WAITS_FOR_QEMU && !call->is_oob)
        return call;
    }
  return NULL;
}

static void
begin_value (VpTakeOverLine *self, VpTakeOverCall *call)
{
  self->current = call;
  self->drops_gap = FALSE;
  self->is_passing = call == NULL || call->is_oob;
  self->is_rewriting = vp_id_map_is_needed (self->devices->ids);
}

static void
on_reply (JsonNode *id, gpointer user_data)
{
  VpTakeOverLine *self = user_data;

  begin_value (self, find_waiting (self, id));
}

static void
on_other (gpointer user_data)
{
  begin_value (user_data, NULL);
}

/* So much waits that nobody ahead of it can be waited for. */
static void
make_way (VpTakeOverLine *self, VpTakeOverCall *call)
{
  for (GList *l = self->calls.head; l != NULL && l->data != call; l = l->next)
    {
      VpTakeOverCall *ahead = l->data;
      g_autofree char *id = NULL;

      if (ahead->state != VP_TAKE_OVER_WAITS_FOR_EVENT && ahead->state != VP_TAKE_OVER_WAITS_FOR_VM)
        continue;
      id = vp_take_over_call_dup_runtime_device (ahead);
      vp_take_over_call_fail (
          ahead, g_strdup_printf ("vmplug: %s: still under way, but more than %u MiB of replies "
                                  "wait behind it; ask again later",
                                  id, VP_TAKE_OVER_MAX_QUEUED >> 20));
    }
  vp_take_over_line_flush (self);
}

static gsize
queued_bytes (const VpTakeOverLine *self)
{
  gsize n = 0;

  for (const GList *l = self->calls.head; l != NULL; l = l->next)
    n += ((const VpTakeOverCall *) l->data)->reply->len;
  return n;
}

static void
pass (VpTakeOverLine *self, const char *data, gsize len)
{
  VpTakeOverCall *call = self->current;

  if (self->is_passing)
    {
      say (self, data, len);
      return;
    }
  if (call->kind == VP_TAKE_OVER_PLAIN && call == g_queue_peek_head (&self->calls))
    {
      say (self, call->reply->str, call->reply->len);
      g_string_truncate (call->reply, 0);
      say (self, data, len);
      return;
    }

  g_string_append_len (call->reply, data, (gssize) len);
  if (call->reply->len > VP_TAKE_OVER_MAX_QUEUED)
    {
      make_way (self, call);
      say (self, call->reply->str, call->reply->len);
      g_string_truncate (call->reply, 0);
      self->is_passing = TRUE;
    }
}

static void
on_bytes (const char *data, gsize len, gpointer user_data)
{
  VpTakeOverLine *self = user_data;

  if (!self->is_rewriting)
    {
      pass (self, data, len);
      return;
    }
  g_string_truncate (self->scratch, 0);
  vp_json_rewriter_feed (self->rewriter, data, len, self->scratch);
  pass (self, self->scratch->str, self->scratch->len);
}

static void
end_rewriting (VpTakeOverLine *self)
{
  if (!self->is_rewriting)
    return;
  g_string_truncate (self->scratch, 0);
  vp_json_rewriter_end (self->rewriter, self->scratch);
  pass (self, self->scratch->str, self->scratch->len);
}

/* QEMU has taken or refused a device_add. */
static void
learn_added (VpTakeOverLine *self, VpTakeOverCall *call, gboolean is_return)
{
  if (!is_return && call->is_learnt)
    vp_bus_map_remove (self->devices->buses, call->device);
  if (is_return && call->device == NULL)
    {
      g_autofree char *place = vp_runtime_command_dup_place (call->command);

      vp_bus_map_add (self->devices->buses,
                      vp_runtime_command_get_argument (call->command, "driver"), NULL,
                      vp_runtime_command_get_argument (call->command, "bus"), place);
    }
}

static void
take_reply (VpTakeOverLine *self, VpTakeOverCall *call)
{
  g_autoptr (JsonObject) reply = NULL;
  gboolean is_return;

  call->state = VP_TAKE_OVER_DONE;
  if (!is_special (call))
    self->n_waiting--;
  if (call->is_oob)
    vp_reply_reader_want_ids (self->reader, has_oob (self));
  if (call->kind == VP_TAKE_OVER_PLAIN)
    return;

  reply = vp_qmp_message_parse (call->reply->str, NULL);
  is_return = reply != NULL && json_object_has_member (reply, "return");
  if (call->kind == VP_TAKE_OVER_CAPABILITIES)
    self->is_negotiated |= is_return;
  else if (call->kind == VP_TAKE_OVER_ADD)
    learn_added (self, call, is_return);
  else if (call->kind == VP_TAKE_OVER_DELETE && is_return && !call->is_deleted)
    {
      call->state = VP_TAKE_OVER_WAITS_FOR_EVENT;
      self->drops_gap = call->is_refused; /* it is that of the reply that is replaced */
      if (call->is_refused)
        vp_take_over_call_heed_refused (call);
    }
}

static void
on_end (gpointer user_data)
{
  VpTakeOverLine *self = user_data;

  end_rewriting (self);
  if (self->current == NULL)
    return;

  take_reply (self, self->current);
  if (self->current->is_oob) /* out of line */
    {
      remove_call (self, self->current);
      return;
    }
  if (self->current != g_queue_peek_head (&self->calls) &&
      queued_bytes (self) > VP_TAKE_OVER_MAX_QUEUED)
    make_way (self, self->current);
  vp_take_over_line_flush (self);
}

static void
on_gap (const char *data, gsize len, gpointer user_data)
{
  VpTakeOverLine *self = user_data;

  if (self->drops_gap)
    return;
  if (self->current != NULL && self->current->reply->len > 0)
    {
      g_string_append_len (self->current->reply, data, (gssize) len);
      return;
    }
  say (self, data, len);
  vp_take_over_line_flush (self);
}

static void
heed_event (VpTakeOverLine *self, JsonObject *message)
{
  const char *name = vp_qmp_message_get_string (message, "event");
  JsonObject *data = vp_qmp_message_get_object (message, "data");
  gboolean is_deleted = g_strcmp0 (name, "DEVICE_DELETED") == 0;
  const char *device, *path;

  if (data == NULL || (!is_deleted && g_strcmp0 (name, "DEVICE_UNPLUG_GUEST_ERROR") != 0 &&
                       g_strcmp0 (name, "MEM_UNPLUG_ERROR") != 0))
    return;

  device = vp_qmp_message_get_string (data, "device");
  path = vp_qmp_message_get_string (data, "path");
  for (guint i = 0; i < self->special->len; i++)
    {
      VpTakeOverCall *call = self->special->pdata[i];

      if (!vp_take_over_call_is_about (call, device, path))
        continue;
      if (is_deleted)
        vp_take_over_call_heed_deleted (call, self->devices);
      else
        vp_take_over_call_heed_refused (call);
    }
  if (is_deleted && device != NULL)
    vp_take_over_devices_deleted (self->devices, device);
}

static void
on_event (const char *text, gsize len, JsonObject *message, gpointer user_data)
{
  VpTakeOverLine *self = user_data;

  begin_value (self, NULL);
  on_bytes (text, len, self);
  end_rewriting (self);
  if (message != NULL)
    heed_event (self, message);
  vp_take_over_line_flush (self);
}

void
vp_take_over_line_push_qemu (VpTakeOverLine *self, const guint8 *data, gsize len)
{
  vp_reply_reader_push (self->reader, data, len);
}

void
vp_take_over_line_end_qemu (VpTakeOverLine *self)
{
  vp_reply_reader_end (self->reader);
}

gint64
vp_take_over_line_tick (VpTakeOverLine *self, gint64 now, gint64 real)
{
  gint64 next = -1;

  for (guint i = 0; i < self->special->len; i++)
    {
      VpTakeOverCall *call = self->special->pdata[i];
      gint64 deadline =
          vp_take_over_call_tick (call, self->devices, self->unplug_timeout_ms, now, real);

      if (deadline >= 0 && (next < 0 || deadline < next))
        next = deadline;
    }
  vp_take_over_line_flush (self);
  return next;
}

VpTakeOverLine *
vp_take_over_line_new (VpTakeOverDevices *devices, guint unplug_timeout_ms)
{
  static const VpReplyReaderHandler handler = { .event = on_event,
                                                .reply = on_reply,
                                                .other = on_other,
                                                .bytes = on_bytes,
                                                .end = on_end,
                                                .gap = on_gap };
  VpTakeOverLine *self = g_new0 (VpTakeOverLine, 1);

  self->devices = vp_take_over_devices_ref (devices);
  self->unplug_timeout_ms = unplug_timeout_ms;
  self->reader = vp_reply_reader_new (&handler, self);
  self->rewriter = vp_json_rewriter_new (vp_id_map_replace_in_reply, devices->ids);
  g_queue_init (&self->calls);
  self->special = g_ptr_array_new ();
  self->output = g_string_new (NULL);
  self->scratch = g_string_new (NULL);
  self->is_at_line_start = TRUE;
  return self;
}

void
vp_take_over_line_free (VpTakeOverLine *self)
{
  if (self == NULL)
    return;

  vp_reply_reader_free (self->reader);
  vp_json_rewriter_free (self->rewriter);
  g_ptr_array_unref (self->special);
  g_queue_clear_full (&self->calls, (GDestroyNotify) vp_take_over_call_free);
  g_string_free (self->output, TRUE);
  g_string_free (self->scratch, TRUE);
  vp_take_over_devices_unref (self->devices);
  g_free (self);
}
