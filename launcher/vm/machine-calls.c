#include "launcher/vm/machine-calls.h"

#include "launcher/vm/attach-request.h"
#include "launcher/vm/hotplug-lookup.h"
#include "launcher/vm/memlock-limit.h"
#include "launcher/vm/memlock.h"

typedef struct
{
  VpMachineParts parts; /* whose hotplug is referenced */
  guint timeout_ms;
  GTask *task;
} Attach;

static void
attach_free (Attach *attach)
{
  g_object_unref (attach->parts.hotplug);
  g_object_unref (attach->task);
  g_free (attach);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Attach, attach_free)

GArray *
vp_machine_calls_list_takes (const VpBlueprint *blueprint)
{
  GArray *takes = g_array_new (FALSE, FALSE, sizeof (VpHostTake));

  for (guint i = 0; i < blueprint->plan->devices->len; i++)
    {
      const VpPlanDevice *device = blueprint->plan->devices->pdata[i];
      const VpDeviceSpec *spec = blueprint->specs->pdata[i];
      const VpHostTake take = { device->function, spec->bind, vp_host_node_of (spec), FALSE };

      if (device->function != NULL)
        g_array_append_val (takes, take);
    }
  return takes;
}

gboolean
vp_machine_calls_raise_memlock (const VpMachineParts *parts, guint n_more, GError **error)
{
  const VpConfig *config = parts->blueprint->config;
  g_autoptr (JsonObject) status = json_object_new ();
  guint64 need;

  vp_hotplug_add_status (parts->hotplug, status);
  need = vp_memlock_need (MAX (config->memory, config->max_memory),
                          vp_memlock_count_devices (status) + n_more,
                          vp_memlock_has_viommu (parts->blueprint->argv));
  return vp_memlock_limit_raise (parts->pid, need, error);
}

static void
on_attached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;
  JsonObject *document = vp_hotplug_attach_finish (VP_HOTPLUG (source), result, &error);

  if (document != NULL)
    g_task_return_pointer (task, document, (GDestroyNotify) json_object_unref);
  else
    g_task_return_error (task, error);
}

static void
on_prepared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Attach) attach = user_data;
  g_autoptr (GPtrArray) functions = NULL;
  GError *error = NULL;
  g_autoptr (VpAttachSource) devices =
      vp_attach_request_prepare_finish (result, &functions, &error);

  if (devices == NULL || (devices->spec->kind == VP_DEVICE_SPEC_VFIO && attach->parts.pid != 0 &&
                          !vp_machine_calls_raise_memlock (&attach->parts, functions->len, &error)))
    g_task_return_error (attach->task, error);
  else
    vp_hotplug_attach_async (attach->parts.hotplug, devices, functions, attach->timeout_ms,
                             on_attached, g_object_ref (attach->task));
}

void
vp_machine_calls_attach (const VpMachineParts *parts,
                         VpDeviceSpec *spec,
                         guint timeout_ms,
                         GTask *task)
{
  Attach *attach = g_new (Attach, 1);

  *attach = (Attach){ .parts = *parts, .timeout_ms = timeout_ms, .task = task };
  g_object_ref (parts->hotplug);
  vp_attach_request_prepare_async (spec, parts->blueprint->sysfs, parts->hotplug, parts->iommufd,
                                   parts->client, on_prepared, attach);
}

static void
on_detached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;
  JsonObject *document = vp_hotplug_detach_finish (VP_HOTPLUG (source), result, &error);

  if (document != NULL)
    g_task_return_pointer (task, document, (GDestroyNotify) json_object_unref);
  else
    g_task_return_error (task, error);
}

void
vp_machine_calls_detach (
    const VpMachineParts *parts, const char *text, gboolean force, guint timeout_ms, GTask *task)
{
  g_autoptr (GTask) owned = task;
  GError *error = NULL;
  g_auto (GStrv) ids =
      vp_hotplug_lookup_ids (parts->hotplug, parts->blueprint->sysfs, text, &error);

  if (ids == NULL)
    g_task_return_error (owned, error);
  else
    vp_hotplug_detach_async (parts->hotplug, (const char *const *) ids, force, timeout_ms,
                             on_detached, g_steal_pointer (&owned));
}

static void
on_query_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;
  JsonNode *reply = vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);

  if (reply != NULL)
    g_task_return_pointer (task, reply, (GDestroyNotify) json_node_unref);
  else
    g_task_return_error (task, error);
}

void
vp_machine_calls_query (const VpMachineParts *parts,
                        const char *command,
                        JsonObject *arguments,
                        guint timeout_ms,
                        GTask *task)
{
  vp_qmp_client_execute_async (parts->client, command, arguments, NULL, timeout_ms, NULL,
                               on_query_reply, task);
}
