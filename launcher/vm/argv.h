#pragma once

#include "devices/plan.h"
#include "launcher/config/config.h"

G_BEGIN_DECLS

/** File descriptors that QEMU finds open: its end of the QMP and of the console socketpair. */
#define VP_ARGV_QMP_FD     3
#define VP_ARGV_CONSOLE_FD 4

/** The first of those that vmplug opens for devices: see vp_cold_plugs_new(). */
#define VP_ARGV_PASSED_FD 5

/** Id of QEMU's object for /dev/iommu, one for all devices that are by iommufd. */
#define VP_ARGV_IOMMUFD_ID "iommufd0"

/**
 * VpArgvInput:
 * @config: what the user asked for, checked
 * @plan: where the devices go
 * @accel: kvm or tcg
 * @cpu: argument of -cpu
 * @cold_plugs: (element-type VpPlugSequence): the devices of @plan that QEMU starts with, from
 *   vp_cold_plugs_new()
 * @n_host_nodes: how many NUMA nodes the host has
 */
typedef struct
{
  const VpConfig *config;
  const VpPlan *plan;
  VpAccel accel;
  const char *cpu;
  const GPtrArray *cold_plugs;
  guint n_host_nodes;
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
 * vp_argv_add_topology:
 * @argv: (element-type utf8): a command line in the making
 * @plan: where the devices go
 *
 * Adds the ports, bridges, switches and expanders of @plan, each behind what it sits on.
 */
void vp_argv_add_topology (GPtrArray *argv, const VpPlan *plan);

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
 * to the device's folder, its group and /dev/vfio (QEMU hw/vfio/helpers.c, vfio_device_get_name()).
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
