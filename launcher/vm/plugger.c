#include "launcher/vm/plugger.h"

#include "qmp/error.h"

/* A device keeps its backend until QEMU frees it, which may be once no thread reads the old memory
 * map any more (RCU). QEMU 7.2 was never seen to be late; two seconds are for a busy host. */
#define FIRST_INTERVAL_MS 10
#define LAST_INTERVAL_MS  200
#define MAX_TRIES         12

struct _VpPlugger
{
  GObject parent_instance;

  VpPlugSequence *sequence;
  VpPlugOpenFunc open;
  gpointer user_data;
  VpQmpClient *client;
  GPtrArray *keepers;    /* (element-type GObject): of the file descriptors that QEMU has */
  guint n_done;          /* how many steps are carried out and not taken back */
  guint n_sent;          /* how many file descriptors of the step after those were sent */
  VpPlugOutcome outcome; /* of the last add */
  GError *failure;       /* nullable: why it failed */
  GError *left;          /* nullable: why a backend could not be taken back */
  guint n_tries;         /* of taking back the last step */
  guint timer;
  GTask *add;   /* nullable: who waits for the device to be added */
  GTask *clear; /* nullable: who waits for the backends to go */
};

G_DEFINE_FINAL_TYPE (VpPlugger, vp_plugger, G_TYPE_OBJECT)

static void carry_out (VpPlugger *self);
static void take_back (VpPlugger *self);

static const VpPlugStep *
get_step (VpPlugger *self, guint index)
{
  return self->sequence->steps->pdata[index];
}

static gboolean
has_pci_device (VpPlugger *self)
{
  for (guint i = 0; i < self->n_done; i++)
    if (get_step (self, i)->is_pci_device)
      return TRUE;
  return FALSE;
}

static void
begin_to_clear (VpPlugger *self)
{
  self->n_tries = 0;
  take_back (self);
}

static void
tell_added (VpPlugger *self, VpPlugOutcome outcome)
{
  g_autoptr (GTask) add = g_steal_pointer (&self->add);

  self->outcome = outcome;
  if (self->failure != NULL)
    g_task_return_error (add, g_steal_pointer (&self->failure));
  else
    g_task_return_boolean (add, TRUE);

  if (self->clear != NULL) /* its DEVICE_DELETED was faster than our last step */
    begin_to_clear (self);
}

/* Nothing of it is in QEMU any more, or nothing more can be done about it. */
static void
end_taking_back (VpPlugger *self)
{
  g_autoptr (GTask) clear = NULL;

  g_ptr_array_set_size (self->keepers, 0);
  if (self->add != NULL)
    {
      g_clear_error (&self->left);
      tell_added (self, VP_PLUG_UNDONE);
      return;
    }

  clear = g_steal_pointer (&self->clear);
  if (self->left != NULL)
    g_task_return_error (clear, g_steal_pointer (&self->left));
  else
    g_task_return_boolean (clear, TRUE);
}

static void
on_time (gpointer user_data)
{
  VpPlugger *self = VP_PLUGGER (user_data);

  self->timer = 0;
  take_back (self);
}

static void
on_taken_back (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpPlugger) self = VP_PLUGGER (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);
  gboolean is_over = reply != NULL || vp_qmp_client_is_closed (self->client) ||
                     g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DEVICE_NOT_FOUND);

  /* That it is busy, or never was there, are one class to QEMU. */
  if (!is_over && ++self->n_tries < MAX_TRIES)
    {
      self->timer = g_timeout_add_once (MIN (FIRST_INTERVAL_MS << self->n_tries, LAST_INTERVAL_MS),
                                        on_time, self);
      return;
    }
  if (!is_over)
    {
      g_clear_error (&self->left);
      self->left = g_steal_pointer (&error);
    }
  self->n_done--;
  self->n_tries = 0;
  take_back (self);
}

/* The last step that is carried out, and then those before it. */
static void
take_back (VpPlugger *self)
{
  while (self->n_done > 0 && get_step (self, self->n_done - 1)->undo == NULL)
    self->n_done--; /* it went with the device */
  if (self->n_done == 0)
    {
      end_taking_back (self);
      return;
    }

  vp_qmp_client_execute_async (self->client, get_step (self, self->n_done - 1)->undo,
                               json_object_ref (get_step (self, self->n_done - 1)->undo_arguments),
                               NULL, 0, NULL, on_taken_back, g_object_ref (self));
}

/* QEMU takes a file descriptor from its list when it reads the argument that names it: of a command
 * that failed nobody knows whether it came to that. */
static void
close_fds (VpPlugger *self)
{
  const VpPlugStep *step = get_step (self, self->n_done);

  for (guint i = 0; i < self->n_sent; i++)
    {
      const VpPlugFd *fd = step->fds->pdata[i];
      JsonObject *arguments = json_object_new ();

      json_object_set_string_member (arguments, "fdname", fd->name);
      vp_qmp_client_execute_async (self->client, "closefd", arguments, NULL, 0, NULL, NULL, NULL);
    }
}

static void
fail (VpPlugger *self, GError *error)
{
  self->failure = error;
  close_fds (self);
  if (has_pci_device (self))
    {
      tell_added (self, VP_PLUG_ACCEPTED);
      return;
    }
  self->n_tries = 0;
  take_back (self);
}

static void
on_step (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpPlugger) self = VP_PLUGGER (user_data);
  GError *error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (reply == NULL)
    {
      fail (self, error);
      return;
    }
  self->n_done++;
  self->n_sent = 0;
  carry_out (self);
}

static void
on_fd (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpPlugger) self = VP_PLUGGER (user_data);
  GError *error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (reply == NULL)
    fail (self, error);
  else
    carry_out (self);
}

static void
send_fd (VpPlugger *self, const VpPlugFd *fd)
{
  g_autoptr (GUnixFDList) fds = NULL;
  GObject *keeper = NULL;
  GError *error = NULL;
  int opened = self->open (fd, &keeper, self->user_data, &error);
  JsonObject *arguments;

  if (opened < 0)
    {
      fail (self, error);
      return;
    }
  if (keeper != NULL)
    g_ptr_array_add (self->keepers, keeper);

  fds = g_unix_fd_list_new_from_array (&opened, 1); /* which closes it once it is sent */
  arguments = json_object_new ();
  json_object_set_string_member (arguments, "fdname", fd->name);
  self->n_sent++;
  vp_qmp_client_execute_async (self->client, "getfd", arguments, fds, 0, NULL, on_fd,
                               g_object_ref (self));
}

/* The next thing that is to be done, and when it is done that after it. */
static void
carry_out (VpPlugger *self)
{
  const VpPlugStep *step;

  if (self->n_done == self->sequence->steps->len)
    {
      tell_added (self, VP_PLUG_DONE);
      return;
    }

  step = get_step (self, self->n_done);
  if (self->n_sent < step->fds->len)
    send_fd (self, step->fds->pdata[self->n_sent]);
  else
    vp_qmp_client_execute_async (self->client, step->command, json_object_ref (step->arguments),
                                 NULL, 0, NULL, on_step, g_object_ref (self));
}

void
vp_plugger_set_there (VpPlugger *self)
{
  self->n_done = self->sequence->steps->len;
}

gboolean
vp_plugger_has_backends (VpPlugger *self)
{
  for (guint i = 0; i < self->n_done; i++)
    if (get_step (self, i)->undo != NULL)
      return TRUE;
  return self->add != NULL || self->keepers->len > 0;
}

void
vp_plugger_add_async (VpPlugger *self,
                      VpQmpClient *client,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_return_if_fail (self->add == NULL && self->clear == NULL && self->n_done == 0);

  g_set_object (&self->client, client);
  self->n_sent = 0;
  self->add = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->add, vp_plugger_add_async);
  carry_out (self);
}

gboolean
vp_plugger_add_finish (VpPlugger *self,
                       GAsyncResult *result,
                       VpPlugOutcome *outcome,
                       GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  *outcome = self->outcome;
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
vp_plugger_clear_async (VpPlugger *self,
                        VpQmpClient *client,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_return_if_fail (self->clear == NULL);

  g_set_object (&self->client, client);
  self->clear = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->clear, vp_plugger_clear_async);
  if (self->add == NULL)
    begin_to_clear (self);
}

gboolean
vp_plugger_clear_finish (VpPlugger *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
vp_plugger_dispose (GObject *object)
{
  VpPlugger *self = VP_PLUGGER (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_ptr_array_set_size (self->keepers, 0);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (vp_plugger_parent_class)->dispose (object);
}

static void
vp_plugger_finalize (GObject *object)
{
  VpPlugger *self = VP_PLUGGER (object);

  vp_plug_sequence_free (self->sequence);
  g_ptr_array_unref (self->keepers);
  g_clear_error (&self->failure);
  g_clear_error (&self->left);

  G_OBJECT_CLASS (vp_plugger_parent_class)->finalize (object);
}

static void
vp_plugger_class_init (VpPluggerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_plugger_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_plugger_finalize;
}

static void
vp_plugger_init (VpPlugger *self)
{
  self->keepers = g_ptr_array_new_with_free_func (g_object_unref);
}

VpPlugger *
vp_plugger_new (VpPlugSequence *sequence, VpPlugOpenFunc open, gpointer user_data)
{
  VpPlugger *self = g_object_new (VP_TYPE_PLUGGER, NULL);

  self->sequence = sequence;
  self->open = open;
  self->user_data = user_data;
  return self;
}
