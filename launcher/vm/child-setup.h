#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_child_set_up:
 * @parent: our own process id, as a pointer
 *
 * What every program that we start does between fork and exec (a #GSpawnChildSetupFunc): signals as
 * they were made, a process group of its own, so that a terminal's Ctrl-C is for us to handle, and
 * an end that comes with ours. The kernel forgets the last when the program changes its user.
 */
void vp_child_set_up (gpointer parent);

G_END_DECLS
