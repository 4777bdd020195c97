#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** What a VM can be called: a letter, then up to 127 of these. Container runtimes name a sandbox by
 * 64 hexadecimal digits behind "sandbox-", which is longer than an id of QEMU's may be. */
#define VP_VM_NAME_GRAMMAR "[A-Za-z][A-Za-z0-9_.-]{0,127}"

/**
 * vp_vm_name_is_valid:
 *
 * Returns: whether @name matches %VP_VM_NAME_GRAMMAR
 */
gboolean vp_vm_name_is_valid (const char *name);

G_END_DECLS
