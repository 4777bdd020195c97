#pragma once

#include "launcher/wrapper/foreign-argv.h"

G_BEGIN_DECLS

/** The first number that is not standard input, output or error. */
#define VP_FOREIGN_FIRST_FD 3

/**
 * vp_foreign_fds_find:
 * @argv: a foreign command line
 *
 * Finds numbers of file descriptors wherever QEMU takes one: fd=, fds=, vhostfd=, vhostfds=,
 * sock_fd= and the like, -add-fd, fd:N, addr.type=fd, /dev/fd/N. Rather one too many than one too
 * few. What else is open in the process it cannot know.
 *
 * Returns: (transfer full) (element-type int): in rising order, each once
 */
GArray *vp_foreign_fds_find (const VpForeignArgv *argv);

G_END_DECLS
