#include "launcher/vm/nic-backend.h"

#include "launcher/vm/mac.h"

JsonObject *
vp_nic_backend_new (const VpNic *nic, const char *id)
{
  /* As VpNicKind. QEMU 7.2 says yes to a "stream" with a descriptor of getfd, and then looks for it
   * in a thread that has no monitor: "connection error" (measured). "socket" speaks the same. */
  static const char *const types[] = { "user", "tap", "socket" };
  JsonObject *backend = json_object_new ();

  json_object_set_string_member (backend, "type", types[nic->kind]);
  json_object_set_string_member (backend, "id", id);
  if (nic->kind == VP_NIC_TAP)
    {
      json_object_set_string_member (backend, "ifname", nic->ifname);
      json_object_set_string_member (backend, "script", "no"); /* the sandbox lets none run */
      json_object_set_string_member (backend, "downscript", "no");
    }
  return backend;
}

void
vp_nic_backend_set_device (JsonObject *device, const VpNic *nic, const char *vm, const char *id)
{
  g_autofree char *mac = nic->mac != NULL ? g_strdup (nic->mac) : vp_mac_make (vm, id);

  json_object_set_string_member (device, "netdev", id);
  json_object_set_string_member (device, "mac", mac);
  json_object_set_string_member (device, "romfile", ""); /* its package may be missing */
}
