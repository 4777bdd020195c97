#pragma once

#include "devices/plan.h"
#include "launcher/config/device-spec.h"

#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

/**
 * VpPassedFd:
 * @number: what the file descriptor is in QEMU
 * @index: which device of the plan it belongs to; -1 of /dev/iommu, which belongs to all
 * @folder: (nullable): that device's folder in sysfs; %NULL of /dev/iommu
 *
 * A file that vmplug opens for QEMU, which needs no access to /dev/iommu and /dev/vfio then.
 */
typedef struct
{
  int number;
  int index;
  char *folder;
} VpPassedFd;

/**
 * vp_passed_fds_new:
 * @plan: where the devices go
 * @specs: (array): the spec behind each device of @plan
 * @by_iommufd: (array) (nullable): of each device of @plan, whether QEMU gets at it by its own node
 *
 * Numbers the files of the devices that QEMU starts with, from %VP_ARGV_PASSED_FD on, /dev/iommu
 * first. Pure: nothing is opened, and a device need not be bound yet.
 *
 * Returns: (transfer full) (element-type VpPassedFd): in the order of their numbers, without gaps;
 *   empty when no such device is by iommufd
 */
GPtrArray *vp_passed_fds_new (const VpPlan *plan,
                              const VpDeviceSpec *const *specs,
                              const gboolean *by_iommufd);

/**
 * vp_passed_fds_find:
 * @fds: (nullable): from vp_passed_fds_new()
 * @index: a device of the plan, or -1 for /dev/iommu
 *
 * Returns: the number of its file descriptor, or -1
 */
int vp_passed_fds_find (const GPtrArray *fds, int index);

/**
 * vp_passed_fds_open:
 * @fds: from vp_passed_fds_new()
 * @sysfs: the host, with the devices bound to a VFIO driver
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the open files in the order of @fds, close-on-exec, closed
 *   with the list; %NULL with an error as of vp_vfio_cdev_open()
 */
GUnixFDList *vp_passed_fds_open (const GPtrArray *fds, VpSysfs *sysfs, GError **error);

G_END_DECLS
