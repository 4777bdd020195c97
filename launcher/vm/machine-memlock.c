#include "launcher/vm/machine-memlock.h"

#include "launcher/vm/memlock-limit.h"
#include "launcher/vm/memlock.h"

gboolean
vp_machine_memlock_raise (
    const VpBlueprint *blueprint, VpHotplug *hotplug, pid_t pid, guint n_more, GError **error)
{
  g_autoptr (JsonObject) status = json_object_new ();
  guint64 need;

  vp_hotplug_add_status (hotplug, status);
  need = vp_memlock_need (MAX (blueprint->config->memory, blueprint->config->max_memory),
                          vp_memlock_count_devices (status) + n_more,
                          vp_memlock_has_viommu (blueprint->argv));
  return vp_memlock_limit_raise (pid, need, error);
}
