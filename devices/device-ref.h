#pragma once

#include "devices/pci-address.h"

G_BEGIN_DECLS

typedef enum
{
  VP_DEVICE_REF_GROUP, /* /dev/vfio/40: an IOMMU group */
  VP_DEVICE_REF_CDEV,  /* /dev/vfio/devices/vfio3: a VFIO character device (iommufd) */
  VP_DEVICE_REF_PCI,   /* 0000:41:00.0 or 41:00.0 */
  VP_DEVICE_REF_MDEV,  /* the UUID of a mediated device */
} VpDeviceRefKind;

/**
 * VpDeviceRef:
 * @kind: which of the other members counts
 * @number: group number, or N of "vfioN"
 * @address: PCI address
 * @uuid: lower case, NUL-terminated
 *
 * What a user types to name a host device. A plain value: copy it as you like.
 */
typedef struct
{
  VpDeviceRefKind kind;
  guint number;
  VpPciAddress address;
  char uuid[37];
} VpDeviceRef;

/**
 * vp_device_ref_parse:
 * @text: any of the four forms
 * @ref: (out caller-allocates): untouched on failure
 * @error: return location for a #GError
 *
 * Purely textual; whether the device exists is the inventory's business. "/dev/vfio/vfio" is the
 * control node and never a device.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_INVALID
 */
gboolean vp_device_ref_parse (const char *text, VpDeviceRef *ref, GError **error);

/**
 * vp_device_ref_to_string:
 *
 * Returns: (transfer full): the canonical spelling
 */
char *vp_device_ref_to_string (const VpDeviceRef *ref);

G_END_DECLS
