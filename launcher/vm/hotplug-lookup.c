#include "launcher/vm/hotplug-lookup.h"

#include "launcher/error.h"
#include "launcher/vm/host-devices.h"

static GStrv
find_host_devices (VpHotplug *hotplug, VpSysfs *sysfs, VpDeviceSpec *spec, GError **error)
{
  g_autoptr (VpDeviceSpec) owned_spec = spec;
  g_autoptr (VpInventory) inventory = vp_inventory_read (sysfs, error);
  g_autoptr (GPtrArray) functions = NULL;
  g_autoptr (VpAttachSource) source = NULL;

  if (inventory != NULL)
    functions = vp_host_devices_resolve (inventory, owned_spec, error);
  if (functions == NULL)
    return NULL;

  source = vp_attach_source_new (g_steal_pointer (&owned_spec), g_steal_pointer (&inventory));
  return vp_hotplug_find_ids (hotplug, source, functions);
}

GStrv
vp_hotplug_lookup_ids (VpHotplug *hotplug, VpSysfs *sysfs, const char *text, GError **error)
{
  const char *const id[] = { text, NULL };
  g_autoptr (VpDeviceSpec) spec = NULL;
  g_auto (GStrv) found = NULL;

  /* An id comes before a reference that looks like one, as the UUID of a mediated device can. */
  if (!vp_hotplug_has (hotplug, text))
    spec = vp_device_spec_parse (text, NULL);
  if (spec == NULL || spec->kind != VP_DEVICE_SPEC_VFIO)
    return g_strdupv ((char **) id);

  found = find_host_devices (hotplug, sysfs, g_steal_pointer (&spec), error);
  if (found != NULL && found[0] == NULL)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_NO_DEVICE, "the VM has nothing of %s", text);
      return NULL;
    }
  return g_steal_pointer (&found);
}
