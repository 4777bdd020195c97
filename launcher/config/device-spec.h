#pragma once

#include "devices/device-ref.h"
#include "devices/plan.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** What QEMU takes as an id, and we as the name of a VM: a letter, then up to 63 of these. */
#define VP_ID_GRAMMAR "[A-Za-z][A-Za-z0-9_.-]{0,63}"

/** Longest path of a Unix socket, in bytes: what unix(7) calls sun_path, without its NUL. */
#define VP_DEVICE_SPEC_MAX_SOCKET 107

typedef enum
{
  VP_DEVICE_SPEC_VFIO,      /* REF[,…]: a host device */
  VP_DEVICE_SPEC_QEMU,      /* qemu,driver=…[,…] or rng: a PCI device that QEMU emulates */
  VP_DEVICE_SPEC_VFIO_USER, /* vfio-user,socket=…: a PCI device that another process emulates */
} VpDeviceSpecKind;

/**
 * VpDeviceSpec:
 * @kind: a host device or an emulated one, and by whom
 * @text: as typed
 * @ref: the host device
 * @driver: (nullable): QEMU's name of the emulated device
 * @socket: (nullable): absolute path of the socket on which its vfio-user server listens
 * @properties: further properties for QEMU, as JSON
 * @id: (nullable): the id asked for
 * @plug: where it shall go
 * @bind: whether to take the host device from its driver, and to give it back afterwards
 *
 * One --device or attach argument:
 *
 *   REF[,plug=auto|cold|hot][,id=ID][,bind=on|off][,rombar=on|off][,x-no-mmap=on|off]
 *   qemu,driver=NAME[,plug=…][,id=ID][,PROPERTY=VALUE]…
 *   rng[,plug=…][,id=ID]
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
  char *socket;
  JsonObject *properties;
  char *id;
  VpPlug plug;
  gboolean bind;
} VpDeviceSpec;

/**
 * vp_device_spec_is_mediated:
 *
 * Returns: whether @spec names a mediated device
 */
gboolean vp_device_spec_is_mediated (const VpDeviceSpec *spec);

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
 * vp_id_is_valid:
 *
 * Returns: whether @id matches %VP_ID_GRAMMAR
 */
gboolean vp_id_is_valid (const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpDeviceSpec, vp_device_spec_free)

G_END_DECLS
