#include "launcher/vm/memlock.h"

#define BESIDE_RAM (G_GUINT64_CONSTANT (1) << 30)

guint64
vp_memlock_need (guint64 ram, guint n_devices, gboolean has_viommu)
{
  guint64 need;

  if (n_devices == 0)
    return 0;
  if (!g_uint64_checked_mul (&need, ram, has_viommu ? n_devices : 1) ||
      !g_uint64_checked_add (&need, need, BESIDE_RAM))
    return G_MAXUINT64;
  return need;
}

guint
vp_memlock_count_devices (JsonObject *status)
{
  JsonArray *devices = json_object_get_array_member (status, "devices");
  guint n = 0;

  for (guint i = 0; i < json_array_get_length (devices); i++)
    {
      JsonObject *device = json_array_get_object_element (devices, i);

      n += g_str_equal (json_object_get_string_member (device, "kind"), "vfio");
    }
  return n;
}

gboolean
vp_memlock_has_viommu (char **argv)
{
  g_autoptr (GRegex) viommu = g_regex_new (
      "^(\\{.*\"driver\" *: *\")?(intel-iommu|amd-iommu|virtio-iommu(-pci)?)([\",]|$)", 0, 0, NULL);

  for (char **arg = argv; arg[0] != NULL && arg[1] != NULL; arg++)
    if ((g_str_equal (arg[0], "-device") || g_str_equal (arg[0], "--device")) &&
        g_regex_match (viommu, arg[1], 0, NULL))
      return TRUE;
  return FALSE;
}
