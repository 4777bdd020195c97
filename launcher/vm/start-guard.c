#include "launcher/vm/start-guard.h"

#include "launcher/vm/autofd.h"
#include "launcher/vm/private-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>

#define LOCK_NAME    ".start-guard"
#define MAX_WAIT_MS  10000
#define TRY_AGAIN_MS 10

int
vp_start_guard_take (const char *base, VpStartGuard guard)
{
  struct flock lock = {
    .l_type = guard == VP_START_GUARD_STARTING ? F_RDLCK : F_WRLCK,
    .l_whence = SEEK_SET,
  };
  vp_autofd int base_fd = vp_private_dir_open (AT_FDCWD, base, FALSE, NULL);
  vp_autofd int fd = -1;

  if (base_fd >= 0)
    fd = openat (base_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  for (guint i = 0; fd >= 0 && i < MAX_WAIT_MS / TRY_AGAIN_MS; i++)
    {
      if (fcntl (fd, F_OFD_SETLK, &lock) == 0)
        return g_steal_fd (&fd);
      if (errno != EAGAIN && errno != EACCES)
        break;
      g_usleep (TRY_AGAIN_MS * G_TIME_SPAN_MILLISECOND);
    }
  return -1;
}
