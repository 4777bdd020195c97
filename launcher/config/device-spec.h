#pragma once

#include "devices/device-ref.h"
#include "devices/plan.h"
#include "launcher/config/disk.h"
#include "launcher/config/nic.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** What QEMU takes as an id: a letter, then up to 63 of these. */
#define VP_ID_GRAMMAR "[A-Za-z][A-Za-z0-9_.-]{0,63}"

/** Longest path of a Unix socket, in bytes: what unix(7) calls sun_path, without its NUL. */
#define VP_DEVICE_SPEC_MAX_SOCKET 107

typedef enum
{
  VP_DEVICE_SPEC_VFIO, /* REF[,…]: a host device */
  VP_DEVICE_SPEC_QEMU, /* qemu,driver=…[,…] or rng: a PCI device that QEMU emulates */
  VP_DEVICE_SPEC_DISK, /* disk,FILE[,…]: the same, with a file of the host behind it */
  VP_DEVICE_SPEC_NIC, /* nic,user|tap|passt[,…]: the same, with a network of the host behind it */
  VP_DEVICE_SPEC_VFIO_USER, /* vfio-user,socket=…: a PCI device that another process emulates */
} VpDeviceSpecKind;

/**
 * VpIommufdMode:
 * @VP_IOMMUFD_AUTO: by its node where it is named by that, and the host and QEMU can; until that is
 *   decided
 * @VP_IOMMUFD_ON: by the device's node and /dev/iommu, or not at all
 * @VP_IOMMUFD_OFF: by the device's group
 *
 * How QEMU gets at a host device.
 */
typedef enum
{
  VP_IOMMUFD_AUTO,
  VP_IOMMUFD_ON,
  VP_IOMMUFD_OFF,
} VpIommufdMode;

/**
 * VpDeviceSpec:
 * @kind: a host device or an emulated one, and by whom
 * @text: as typed
 * @ref: the host device
 * @driver: (nullable): QEMU's name of the emulated PCI device
 * @disk: (nullable): what is behind a disk
 * @nic: (nullable): what is behind a network card
 * @socket: (nullable): absolute path of the socket on which its vfio-user server listens
 * @properties: further properties for QEMU, as JSON
 * @id: (nullable): the id asked for
 * @plug: where it shall go
 * @has_plug: whether that was said
 * @bind: whether to take the host device from its driver, and to give it back afterwards
 * @force: whether to take it even if the host lives on it; only with @bind
 * @iommufd: how QEMU gets at the host device
 *
 * One --device or attach argument:
 *
 *   REF[,plug=auto|cold|hot][,id=ID][,bind=on|off][,force=on|off][,iommufd=auto|on|off]
 *     [,rombar=on|off][,x-no-mmap=on|off]
 *   qemu,driver=NAME[,plug=…][,id=ID][,PROPERTY=VALUE]…
 *   rng[,plug=…][,id=ID]
 *   disk,FILE[,format=raw|qcow2][,readonly][,model=virtio-blk|virtio-scsi|nvme][,plug=…][,id=ID]
 *   nic,user|tap,ifname=NAME[,vhost=auto|on|off]|passt[,model=virtio-net|e1000e][,mac=MAC][,plug=…]
 *      [,id=ID]
 *   vfio-user,socket=PATH[,plug=…][,id=ID]
 *
 * Property values become JSON as QEMU's strictly typed -device wants it: "on", "off", "true" and
 * "false" booleans, decimal and 0x numbers integers, a number with K, M, G or T its bytes, the rest
 * strings; 'single quotes' around a value keep it a string. bus, addr, host and sysfsdev are
 * vmplug's to set and refused. The socket's path is absolute, because who connects to it may run in
 * another folder than who asks for it, and has at most %VP_DEVICE_SPEC_MAX_SOCKET bytes.
 */
typedef struct
{
  VpDeviceSpecKind kind;
  char *text;
  VpDeviceRef ref;
  char *driver;
  VpDisk *disk;
  VpNic *nic;
  char *socket;
  JsonObject *properties;
  char *id;
  VpPlug plug;
  gboolean has_plug;
  gboolean bind;
  gboolean force;
  VpIommufdMode iommufd;
} VpDeviceSpec;

/**
 * vp_device_spec_is_mediated:
 *
 * Returns: whether @spec names a mediated device
 */
gboolean vp_device_spec_is_mediated (const VpDeviceSpec *spec);

/**
 * vp_device_spec_is_by_iommufd:
 *
 * Returns: whether QEMU is to get at the host device by its own node; not so while that is
 * undecided
 */
gboolean vp_device_spec_is_by_iommufd (const VpDeviceSpec *spec);

/**
 * vp_device_spec_is_emulated:
 *
 * Returns: whether QEMU or another process makes the device, so that no host function stands behind
 *   it
 */
gboolean vp_device_spec_is_emulated (const VpDeviceSpec *spec);

/**
 * vp_device_spec_kind_to_string:
 *
 * Returns: (transfer none): "vfio", "qemu", "disk", "nic" or "vfio-user"
 */
const char *vp_device_spec_kind_to_string (VpDeviceSpecKind kind);

/**
 * vp_device_spec_parse:
 * @text: one SPEC
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_device_spec_free(); %NULL with %VP_ERROR_USAGE
 *   or %VP_DEVICE_ERROR_INVALID, naming the key that is unknown, given twice or malformed
 */
VpDeviceSpec *vp_device_spec_parse (const char *text, GError **error);
void vp_device_spec_free (VpDeviceSpec *spec);

/**
 * vp_device_spec_make_absolute:
 * @text: one SPEC
 * @folder: where a relative path of it starts
 *
 * Returns: (transfer full): the same for a process that is in another folder
 */
char *vp_device_spec_make_absolute (const char *text, const char *folder);

/**
 * vp_id_is_valid:
 *
 * Returns: whether @id matches %VP_ID_GRAMMAR
 */
gboolean vp_id_is_valid (const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpDeviceSpec, vp_device_spec_free)

G_END_DECLS
