#include "launcher/vm/group-lock.h"

#include "devices/error.h"
#include "launcher/config/device-spec.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/private-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#define GROUPS_NAME "groups"
#define MAX_NAME    80

static void
set_busy (GError **error, int group, int fd)
{
  char text[MAX_NAME + 1] = "";
  ssize_t n = pread (fd, text, MAX_NAME, 0);

  text[MAX (n, 0)] = '\0';
  g_strchomp (text);
  if (vp_id_is_valid (text))
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY, "group %d: VM %s has it", group,
                 text);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY, "group %d: another vmplug has it",
                 group);
}

static int
open_lock (const char *base, int group, gboolean create, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%d", group);
  vp_autofd int dir_fd = vp_private_dir_open_below (base, GROUPS_NAME, create, error);
  int fd;

  if (dir_fd < 0)
    return -1;

  fd = openat (dir_fd, name,
               (create ? O_RDWR | O_CREAT : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (fd < 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot open %s/" GROUPS_NAME "/%s: %s",
                 base, name, g_strerror (errno));
  return fd;
}

int
vp_group_lock_take (const char *base, int group, const char *vm, GError **error)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  g_autofree char *text = g_strdup_printf ("%s\n", vm != NULL ? vm : "");
  g_autoptr (GError) local = NULL;
  vp_autofd int fd = open_lock (base, group, TRUE, &local);

  if (fd < 0)
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO, "%s", local->message);
      return -1;
    }
  if (fcntl (fd, F_OFD_SETLK, &lock) != 0)
    {
      if (errno == EAGAIN || errno == EACCES)
        set_busy (error, group, fd);
      else
        g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO, "cannot lock group %d: %s", group,
                     g_strerror (errno));
      return -1;
    }

  /* Only a name for others to read: without it they learn less. */
  if (ftruncate (fd, 0) != 0 || pwrite (fd, text, strlen (text), 0) < 0)
    errno = 0;
  return g_steal_fd (&fd);
}

gboolean
vp_group_lock_check (const char *base, int group, GError **error)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  vp_autofd int fd = open_lock (base, group, FALSE, NULL);

  if (fd < 0 || fcntl (fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
    return TRUE;

  set_busy (error, group, fd);
  return FALSE;
}
