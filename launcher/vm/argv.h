#pragma once

#include "devices/plan.h"
#include "launcher/config/config.h"
#include "launcher/vm/plug-sequence.h"

G_BEGIN_DECLS

/** File descriptors that QEMU finds open: its end of the QMP and of the console socketpair, and
 * then whatever the devices of its command line need, first those of vp_own_devices_add(). */
#define VP_ARGV_FIRST_FD   3
#define VP_ARGV_QMP_FD     3
#define VP_ARGV_CONSOLE_FD 4
#define VP_ARGV_DEVICE_FD  5

/** Id of QEMU's object for /dev/iommu, one for all devices that are by iommufd. */
#define VP_ARGV_IOMMUFD_ID "vmplug-iommufd"

/** OVMF's knob for the size of its 64-bit aperture, in MiB. */
#define VP_ARGV_OVMF_APERTURE "opt/ovmf/X-PciMmio64Mb"

/** Id of QEMU's object for the whole memory of a VM, where it is shared and there are no nodes. */
#define VP_ARGV_MEMORY_ID "ram"

/**
 * VpArgvInput:
 * @config: what the user asked for, checked
 * @plan: where the devices go
 * @specs: (array): for each device of @plan, in its order, the spec that it came from
 * @accel: kvm or tcg
 * @cpu: argument of -cpu
 * @n_host_nodes: how many NUMA nodes the host has
 * @has_vhost_net: whether /dev/vhost-net can be opened
 * @first_device_fd: the first file descriptor for the plan's devices; 0 for the first after those
 * of vp_own_devices_count_ports()
 */
typedef struct
{
  const VpConfig *config;
  const VpPlan *plan;
  const VpDeviceSpec *const *specs;
  VpAccel accel;
  const char *cpu;
  guint n_host_nodes;
  gboolean has_vhost_net;
  int first_device_fd;
} VpArgvInput;

/**
 * vp_argv_build:
 * @input: everything that decides
 *
 * The command line of QEMU, argv[0] included. Pure. Devices, objects, netdevs and blockdevs are
 * JSON, because QEMU creates key=value devices before JSON ones, whatever their order (vl.c), and
 * because JSON needs no escaping. QEMU starts paused (-S).
 *
 * Returns: (transfer full): a %NULL-terminated array
 */
char **vp_argv_build (const VpArgvInput *input);

/**
 * vp_argv_has_iommufd:
 *
 * Returns: whether any device of the plan, also one that comes later, is by iommufd
 */
gboolean vp_argv_has_iommufd (const VpArgvInput *input);

/**
 * vp_argv_get_cold_devices:
 * @input: everything that decides
 *
 * Returns: (transfer full) (element-type VpPlugSequence): what vp_argv_build() makes of the cold
 *   devices, in the order of the plan, after that of /dev/iommu, where vp_argv_has_iommufd(); their
 * file descriptors are those that QEMU is to inherit, from @input's first_device_fd on
 */
GPtrArray *vp_argv_get_cold_devices (const VpArgvInput *input);

/**
 * vp_argv_add_topology:
 * @argv: (element-type utf8): a command line in the making
 * @plan: where the devices go
 *
 * Adds the ports, bridges, switches and expanders of @plan, each behind what it sits on.
 */
void vp_argv_add_topology (GPtrArray *argv, const VpPlan *plan);

/**
 * vp_argv_add_aperture:
 * @argv: (element-type utf8): a command line in the making
 * @plan: where the devices go
 *
 * Asks OVMF for the 64-bit aperture that @plan needs, if it needs one.
 */
void vp_argv_add_aperture (GPtrArray *argv, const VpPlan *plan);

/**
 * vp_argv_device:
 * @spec: what was asked for
 * @function: (nullable): the host function that @spec, or its group, stands for
 * @id: QEMU id
 * @place: where it goes
 *
 * Returns: (transfer full): the arguments of -device and of device_add: the same object for both
 */
JsonObject *vp_argv_device (const VpDeviceSpec *spec,
                            const VpPciFunction *function,
                            const char *id,
                            const VpPlace *place);

/**
 * vp_argv_iommufd:
 *
 * Returns: (transfer full): the arguments of -object and of object-add for /dev/iommu, but for "fd"
 */
JsonObject *vp_argv_iommufd (void);

/**
 * vp_argv_use_iommufd:
 * @device: a host device from vp_argv_device()
 * @fd: its node: number of a file descriptor that QEMU has inherited, or name of one that it was
 *   given with getfd
 *
 * Makes QEMU get at it by that file, and not look for it by its address: then it needs no access
 * to its group and /dev/vfio (QEMU hw/vfio/helpers.c, vfio_device_get_name()). The folder of a
 * mediated device stays: by nothing else QEMU knows it for one (vfio_device_is_mdev()), and it asks
 * the hardware of any other.
 */
void vp_argv_use_iommufd (JsonObject *device, const char *fd);

/**
 * vp_argv_quote:
 * @argv: a command line
 *
 * Returns: (transfer full): the same as one line for a shell
 */
char *vp_argv_quote (char **argv);

G_END_DECLS
