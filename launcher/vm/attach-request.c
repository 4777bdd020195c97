#include "launcher/vm/attach-request.h"

#include "devices/mediated-device.h"
#include "launcher/config/device-check.h"
#include "launcher/vm/host-devices.h"
#include "launcher/vm/iommufd-choice.h"
#include "launcher/vm/vfio-user.h"

typedef struct
{
  VpSysfs *sysfs;
  VpHotplug *hotplug;
  VpAttachSource *source;
  GPtrArray *functions; /* nullable: not found yet */
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  g_object_unref (request->hotplug);
  g_clear_pointer (&request->source, vp_attach_source_unref);
  g_clear_pointer (&request->functions, g_ptr_array_unref);
  g_free (request);
}

/* That the host can give it now, and that what it is to be given by fits together with what the VM
 * has of its group already. */
static gboolean
check (const Request *request, GError **error)
{
  const VpDeviceSpec *spec = request->source->spec;

  if (vp_device_spec_is_mediated (spec) &&
      !vp_hotplug_holds_mediated (request->hotplug, spec->ref.uuid) &&
      !vp_mediated_device_check (request->sysfs, spec->ref.uuid, error))
    return FALSE;
  /* One that the VM has is refused for that, whatever became of its socket. */
  if (spec->kind == VP_DEVICE_SPEC_VFIO_USER &&
      !vp_hotplug_holds_socket (request->hotplug, spec->socket) &&
      !vp_vfio_user_check_socket (spec->socket, error))
    return FALSE;

  for (guint i = 0; i < request->functions->len; i++)
    {
      const VpPciFunction *function = request->functions->pdata[i];

      if (function != NULL &&
          !vp_host_devices_check (request->sysfs, request->source->inventory, function, spec,
                                  spec->bind ? request->functions : NULL, error))
        return FALSE;
    }
  return TRUE;
}

static void
finish (GTask *task)
{
  GError *error = NULL;

  if (check (g_task_get_task_data (task), &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
check_host (const Request *request, GError **error)
{
  for (guint i = 0; i < request->functions->len; i++)
    if (!vp_iommufd_choice_check_host (request->sysfs, request->source->spec,
                                       request->functions->pdata[i], error))
      return FALSE;
  return TRUE;
}

static void
decide (GTask *task, const GError *why_not)
{
  Request *request = g_task_get_task_data (task);
  GError *error = NULL;

  if (vp_iommufd_choice_decide (request->source->spec, why_not, &error))
    finish (task);
  else
    g_task_return_error (task, error);
}

static void
on_prepared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  g_autoptr (GError) why = NULL;

  vp_iommufd_prepare_finish (VP_IOMMUFD (source), result, &why);
  decide (task, why);
}

void
vp_attach_request_prepare_async (VpDeviceSpec *spec,
                                 VpSysfs *sysfs,
                                 VpHotplug *hotplug,
                                 VpIommufd *iommufd,
                                 VpQmpClient *client,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Request *request = g_new0 (Request, 1);
  g_autoptr (GError) error = NULL;
  VpInventory *inventory =
      vp_device_check (spec, &error) ? vp_inventory_read (sysfs, &error) : NULL;

  g_task_set_source_tag (task, vp_attach_request_prepare_async);
  g_task_set_task_data (task, request, request_free);
  request->sysfs = sysfs;
  request->hotplug = g_object_ref (hotplug);
  request->source = vp_attach_source_new (spec, inventory);
  if (inventory != NULL)
    request->functions = vp_host_devices_resolve (inventory, spec, &error);
  if (request->functions == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  if (!vp_iommufd_choice_is_wanted (spec) || client == NULL)
    finish (task);
  else if (!check_host (request, &error))
    decide (task, error);
  else
    vp_iommufd_prepare_async (iommufd, client, on_prepared, g_steal_pointer (&task));
}

VpAttachSource *
vp_attach_request_prepare_finish (GAsyncResult *result, GPtrArray **functions, GError **error)
{
  Request *request;

  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  request = g_task_get_task_data (G_TASK (result));
  *functions = g_steal_pointer (&request->functions);
  return g_steal_pointer (&request->source);
}
