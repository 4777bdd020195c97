#include "launcher/vm/group-lock.h"

#include "devices/error.h"
#include "launcher/config/vm-name.h"
#include "launcher/vm/private-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUPS_NAME "groups"
#define MAX_NAME    128
#define MAX_TRIES   16

struct _VpGroupLock
{
  int dir_fd;
  char *name;
  int fd;
};

/* Returns: (transfer full) (nullable): the VM that has the lock of an opened file */
static char *
read_owner (int fd)
{
  char text[MAX_NAME + 2] = ""; /* its name and a newline */
  ssize_t n = pread (fd, text, sizeof text - 1, 0);

  text[MAX (n, 0)] = '\0';
  g_strchomp (text);
  return vp_vm_name_is_valid (text) ? g_strdup (text) : NULL;
}

static void
set_busy (GError **error, int group, const char *vm)
{
  if (vm != NULL)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY, "group %d: VM %s has it", group, vm);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY, "group %d: another vmplug has it",
                 group);
}

/* Opens the file of @group, which need not be there when @create is FALSE: its fd is -1 then. */
static VpGroupLock *
open_lock (const char *base, int group, gboolean create, GError **error)
{
  int dir_fd = vp_private_dir_open_below (base, GROUPS_NAME, create, error);
  VpGroupLock *self;

  if (dir_fd < 0)
    return NULL;

  self = g_new (VpGroupLock, 1);
  self->dir_fd = dir_fd;
  self->name = g_strdup_printf ("%d", group);
  self->fd =
      openat (dir_fd, self->name,
              (create ? O_RDWR | O_CREAT : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (self->fd < 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot open %s/" GROUPS_NAME "/%s: %s",
                 base, self->name, g_strerror (errno));
  return self;
}

static void
lock_free (VpGroupLock *self)
{
  if (self->fd >= 0)
    close (self->fd);
  close (self->dir_fd);
  g_free (self->name);
  g_free (self);
}

/* Whoever had it has removed the file between our opening and our lock: it is not the one that
 * others look at. */
static gboolean
is_stale (const VpGroupLock *self)
{
  struct stat status;

  return fstat (self->fd, &status) == 0 && status.st_nlink == 0;
}

static VpGroupLock *
try_to_take (const char *base, int group, gboolean *stale, GError **error)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  g_autoptr (GError) local = NULL;
  VpGroupLock *self = open_lock (base, group, TRUE, &local);

  if (local != NULL)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO, "%s", local->message);
  else if (fcntl (self->fd, F_OFD_SETLK, &lock) == 0)
    {
      *stale = is_stale (self);
      if (!*stale)
        return self;
    }
  else if (errno == EAGAIN || errno == EACCES)
    {
      g_autofree char *owner = read_owner (self->fd);

      set_busy (error, group, owner);
    }
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO, "cannot lock group %d: %s", group,
                 g_strerror (errno));
  g_clear_pointer (&self, lock_free);
  return NULL;
}

VpGroupLock *
vp_group_lock_take (const char *base, int group, const char *vm, GError **error)
{
  g_autofree char *text = g_strdup_printf ("%s\n", vm != NULL ? vm : "");
  VpGroupLock *self = NULL;
  gboolean stale = TRUE;

  for (guint i = 0; i < MAX_TRIES && stale; i++)
    {
      stale = FALSE;
      self = try_to_take (base, group, &stale, error);
    }
  if (self == NULL)
    {
      if (stale)
        g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY,
                     "group %d: others take it and let go of it all the time", group);
      return NULL;
    }

  /* Only a name for others to read: without it they learn less. */
  if (ftruncate (self->fd, 0) != 0 || pwrite (self->fd, text, strlen (text), 0) < 0)
    errno = 0;
  return self;
}

void
vp_group_lock_release (VpGroupLock *self)
{
  if (self == NULL)
    return;

  unlinkat (self->dir_fd, self->name, 0); /* while it is ours: who comes now makes another */
  lock_free (self);
}

gboolean
vp_group_lock_check (const char *base, int group, const char *vm, GError **error)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  VpGroupLock *self = open_lock (base, group, FALSE, NULL);
  gboolean is_free = TRUE;

  if (self == NULL)
    return TRUE;
  if (self->fd >= 0 && fcntl (self->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
    {
      g_autofree char *owner = read_owner (self->fd);

      is_free = vm != NULL && g_strcmp0 (owner, vm) == 0;
      if (!is_free)
        set_busy (error, group, owner);
    }
  lock_free (self);
  return is_free;
}
