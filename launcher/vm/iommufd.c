#include "launcher/vm/iommufd.h"

#include "devices/error.h"
#include "devices/vfio-cdev.h"
#include "launcher/error.h"
#include "launcher/vm/plug-fd.h"
#include "launcher/vm/plugger.h"
#include "qmp/error.h"
#include "qmp/message.h"

struct _VpIommufd
{
  GObject parent_instance;

  VpSysfs *sysfs;
  gboolean is_there;  /* QEMU has it */
  VpPlugger *plugger; /* nullable: gives it to QEMU at this moment */
  GPtrArray *waiting; /* (element-type GTask): who waits for that */
};

G_DEFINE_FINAL_TYPE (VpIommufd, vp_iommufd, G_TYPE_OBJECT)

/* Tells everybody. */
static void
finish (VpIommufd *self, const GError *error)
{
  g_autoptr (GPtrArray) waiting = g_steal_pointer (&self->waiting);

  /* Whoever is told may come with the next. */
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  g_clear_object (&self->plugger);
  for (guint i = 0; i < waiting->len; i++)
    if (error != NULL)
      g_task_return_error (waiting->pdata[i], g_error_copy (error));
    else
      g_task_return_boolean (waiting->pdata[i], TRUE);
}

static void
on_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpIommufd) self = VP_IOMMUFD (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) refusal = NULL;
  VpPlugOutcome outcome;

  self->is_there = vp_plugger_add_finish (VP_PLUGGER (source), result, &outcome, &error);
  if (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_COMMAND))
    g_set_error (&refusal, VP_ERROR, VP_ERROR_REFUSED, "iommufd: QEMU refused it: %s",
                 error->message);
  finish (self, refusal != NULL ? refusal : error);
}

static gboolean
has_property (JsonArray *properties, const char *name)
{
  for (guint i = 0; i < json_array_get_length (properties); i++)
    {
      JsonNode *node = json_array_get_element (properties, i);

      if (JSON_NODE_HOLDS_OBJECT (node) &&
          g_strcmp0 (vp_qmp_message_get_string (json_node_get_object (node), "name"), name) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_properties (JsonNode *reply, GError **error)
{
  if (reply == NULL)
    return FALSE;
  if (JSON_NODE_HOLDS_ARRAY (reply) && has_property (json_node_get_array (reply), "iommufd") &&
      has_property (json_node_get_array (reply), "fd"))
    return TRUE;

  g_set_error_literal (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD,
                       "the VM's QEMU has no iommufd in its vfio-pci, as QEMU has since 9.0");
  return FALSE;
}

static void
on_properties (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (VpIommufd) self = VP_IOMMUFD (user_data);
  VpQmpClient *client = VP_QMP_CLIENT (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply = vp_qmp_client_execute_finish (client, result, &error);

  if (!check_properties (reply, &error))
    {
      finish (self, error);
      return;
    }
  self->plugger = vp_plugger_new (vp_plug_sequence_new_iommufd (-1), vp_plug_fd_open, self->sysfs);
  vp_plugger_add_async (self->plugger, client, on_added, g_object_ref (self));
}

void
vp_iommufd_prepare_async (VpIommufd *self,
                          VpQmpClient *client,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  JsonObject *arguments;

  g_task_set_source_tag (task, vp_iommufd_prepare_async);
  if (self->is_there)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  g_ptr_array_add (self->waiting, g_steal_pointer (&task));
  if (self->waiting->len > 1)
    return;
  arguments = json_object_new ();
  json_object_set_string_member (arguments, "typename", "vfio-pci");
  vp_qmp_client_execute_async (client, "device-list-properties", arguments, NULL, 0, NULL,
                               on_properties, g_object_ref (self));
}

gboolean
vp_iommufd_prepare_finish (VpIommufd *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
vp_iommufd_finalize (GObject *object)
{
  VpIommufd *self = VP_IOMMUFD (object);

  g_ptr_array_unref (self->waiting);

  G_OBJECT_CLASS (vp_iommufd_parent_class)->finalize (object);
}

static void
vp_iommufd_class_init (VpIommufdClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vp_iommufd_finalize;
}

static void
vp_iommufd_init (VpIommufd *self)
{
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
}

VpIommufd *
vp_iommufd_new (VpSysfs *sysfs, gboolean is_there)
{
  VpIommufd *self = g_object_new (VP_TYPE_IOMMUFD, NULL);

  self->sysfs = sysfs;
  self->is_there = is_there;
  return self;
}
