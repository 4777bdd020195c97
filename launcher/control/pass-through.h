#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_pass_through_check:
 * @command: name of a command that is none of vmplug's own
 * @error: return location for a #GError
 *
 * Which of QEMU's own commands a client of the control socket may have: those that only read, and
 * those after which the supervisor still knows its VM. Everything else is refused, also what a
 * later QEMU may bring: a list of what is forbidden would always be a version behind.
 *
 * Returns: %FALSE with %VP_QMP_ERROR_COMMAND_NOT_FOUND, saying what to use instead where there is
 *   something
 */
gboolean vp_pass_through_check (const char *command, GError **error);

G_END_DECLS
