#pragma once

#include <glib.h>
#include <unistd.h>

G_BEGIN_DECLS

static inline void
vp_autofd_close (int *fd)
{
  if (*fd >= 0)
    close (*fd);
}

/** Closes the descriptor at the end of the scope: what g_autofd is from GLib 2.76 on. */
#define vp_autofd __attribute__ ((cleanup (vp_autofd_close)))

G_END_DECLS
