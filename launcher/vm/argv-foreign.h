#pragma once

#include "launcher/vm/argv.h"
#include "launcher/vm/foreign.h"

G_BEGIN_DECLS

/** Id of the character device of our monitor in a foreign machine. */
#define VP_ARGV_FOREIGN_QMP_ID "vmplug-qmp"

/**
 * vp_argv_foreign_build:
 * @input: everything that decides; its first_device_fd is @foreign's first_fd + 1
 * @foreign: the machine
 * @bits: address width that its CPU is to have; 0 to leave it as it is
 *
 * The foreign command line as it is, and behind it what is ours: a monitor on the file descriptor
 * @foreign's first_fd, ports, bridges and cold devices, and where the plan needs it OVMF's aperture
 * and a wider CPU. The last is a -global property, for -cpu stands as it is: what that says of the
 * width goes first (measured with 7.2, 10.0 and 11.1). Pure.
 *
 * Returns: (transfer full): a %NULL-terminated array
 */
char **vp_argv_foreign_build (const VpArgvInput *input, const VpForeign *foreign, guint bits);

G_END_DECLS
