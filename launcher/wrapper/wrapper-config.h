#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Names another main file, which must be there then. */
#define VP_WRAPPER_CONFIG_VARIABLE "VMPLUG_WRAPPER_CONFIG"

/**
 * VpWrapperConfig:
 * @qemu: absolute path of the real QEMU
 * @take_over: whether to stand between the runtime and QEMU on the runtime's QMP channel
 * @unplug_timeout_ms: how long the guest may take to let go of a device
 * @attach_timeout_ms: how long it may take to find a new one
 * @ready: when hot devices are given to the guest, as --ready of vmplug(1): "now" or "after:…"
 * @large_bar: from which size on a BAR is large
 * @spare: root ports kept free
 * @spare_window: bytes of the window of each of these; 0: the firmware's default
 * @has_spare: whether a file says how many: they are wanted even without devices then
 * @rules: (element-type VpDeviceRule): which devices a VM gets, in order
 * @warnings: (element-type utf8): what the files say and nobody knows, each with its place
 *
 * What the administrator says about the VMs of vmplug-qemu, see vmplug-qemu(1), with the defaults
 * filled in.
 */
typedef struct
{
  char *qemu;
  gboolean take_over;
  guint unplug_timeout_ms;
  guint attach_timeout_ms;
  char *ready;
  guint64 large_bar;
  guint spare;
  guint64 spare_window;
  gboolean has_spare;
  GPtrArray *rules;
  GPtrArray *warnings;
} VpWrapperConfig;

/**
 * vp_wrapper_config_new:
 *
 * Returns: (transfer full): the defaults, without a QEMU
 */
VpWrapperConfig *vp_wrapper_config_new (void);
void vp_wrapper_config_free (VpWrapperConfig *self);

/**
 * vp_wrapper_config_read:
 * @root: where host paths start
 * @sandbox: (nullable): the name of the VM
 * @error: return location for a #GError
 *
 * Reads ROOT/etc/vmplug/wrapper.toml, or what %VP_WRAPPER_CONFIG_VARIABLE names instead, then every
 * file of ROOT/etc/vmplug/wrapper.d whose name ends in ".toml", in the order of their names, and
 * then ROOT/etc/vmplug/sandboxes/SANDBOX.toml. None of them need be there. A later file overrides
 * single keys of an earlier one and adds its rules and devices. A file that others than root and
 * this user could have written is refused, for it says which program root runs.
 *
 * Where no file says which QEMU, one is looked up, see vp_real_qemu_find().
 *
 * Returns: (transfer full) (nullable): %NULL with %VP_ERROR_USAGE, "FILE:LINE:COLUMN: …", or
 *   %VP_ERROR_HOST
 */
VpWrapperConfig *vp_wrapper_config_read (const char *root, const char *sandbox, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpWrapperConfig, vp_wrapper_config_free)

G_END_DECLS
