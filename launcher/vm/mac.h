#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_mac_make:
 * @vm: name of a VM
 * @id: QEMU id of its network card
 *
 * QEMU gives every VM the same addresses, but on one bridge they must differ. Equal names, equal
 * addresses: a guest finds its card again.
 *
 * Returns: (transfer full): an address, within the range that QEMU uses
 */
char *vp_mac_make (const char *vm, const char *id);

G_END_DECLS
