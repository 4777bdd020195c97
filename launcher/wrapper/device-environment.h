#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** SPECs separated by blanks, semicolons or newlines. */
#define VP_DEVICE_ENVIRONMENT_OWN "VMPLUG_DEVICES"

/**
 * VpDeviceEnvironment:
 * @specs: (element-type VpDeviceSpec): the devices, each text once
 * @reasons: (element-type utf8): the variable that names each of them
 * @warnings: (element-type utf8): what of these variables is no device
 *
 * The devices that the environment names: what a device plugin has allocated to the container that
 * QEMU is started in, and what whoever starts it asks for.
 */
typedef struct
{
  GPtrArray *specs;
  GPtrArray *reasons;
  GPtrArray *warnings;
} VpDeviceEnvironment;

/**
 * vp_device_environment_parse:
 * @environment: (nullable): "NAME=VALUE", ended by %NULL
 * @error: return location for a #GError
 *
 * Pure. Knows %VP_DEVICE_ENVIRONMENT_OWN and
 *
 * - PCIDEVICE_RESOURCE: addresses separated by commas, of the SR-IOV network device plugin
 *   (k8snetworkplumbingwg/sriov-network-device-plugin, README; PCIDEVICE_RESOURCE_INFO beside it is
 *   a JSON document about the same devices since its pull request 456, and is left alone);
 * - PCI_RESOURCE_RESOURCE: addresses, and MDEV_PCI_RESOURCE_RESOURCE: UUIDs of mediated devices, of
 *   KubeVirt's device plugins and those that follow them (kubevirt/kubevirt,
 *   docs/devel/host-devices-and-device-plugins.md). A list may end with a comma (its pull request
 *   2597), and RESOURCE hold a dash ("GRID_T4-1Q").
 *
 * What somebody else writes is no reason to fail: a word that is no address, or no UUID, is a
 * warning there, and an error only in our own variable. Ours comes first, the others in the order
 * of their names.
 *
 * Returns: (transfer full) (nullable): %NULL with %VP_ERROR_USAGE or %VP_DEVICE_ERROR_INVALID
 */
VpDeviceEnvironment *vp_device_environment_parse (const char *const *environment, GError **error);
void vp_device_environment_free (VpDeviceEnvironment *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpDeviceEnvironment, vp_device_environment_free)

G_END_DECLS
