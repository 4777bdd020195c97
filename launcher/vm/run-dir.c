#include "launcher/vm/run-dir.h"

#include "launcher/config/vm-name.h"
#include "launcher/error.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/private-dir.h"
#include "launcher/vm/start-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define VMS_NAME  "vms"
#define LOCK_NAME "lock"

/* The longest of our own notes in there. */
#define MAX_TEXT 256

/* Each lost race against a supervisor that removes the folder costs one; there are never many. */
#define MAX_TRIES 100

struct _VpRunDir
{
  char *name;
  char *path;
  int vms_fd;
  int dir_fd;
  int lock_fd;
};

char *
vp_run_dir_base (const char *root)
{
  const char *runtime_dir = g_getenv ("XDG_RUNTIME_DIR");
  g_autofree char *absolute = NULL;
  struct stat st;

  g_return_val_if_fail (root != NULL, NULL);

  absolute = g_canonicalize_filename (root, NULL);
  if (absolute[strspn (absolute, "/")] != '\0' || geteuid () == 0)
    return g_build_filename (absolute, "run", "vmplug", NULL);

  /* left over by su, it is somebody else's */
  if (runtime_dir != NULL && g_path_is_absolute (runtime_dir) && stat (runtime_dir, &st) == 0 &&
      S_ISDIR (st.st_mode) && st.st_uid == geteuid ())
    return g_build_filename (runtime_dir, "vmplug", NULL);

  return g_strdup_printf ("/tmp/vmplug-%u", geteuid ());
}

/* An open file description lock: F_OFD_GETLK can ask who holds it without taking it, so that a look
   at the list of VMs never makes a supervisor that starts at that moment believe in a rival. */
static gboolean
is_locked (int dir_fd)
{
  vp_autofd int fd = openat (dir_fd, LOCK_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

  return fd >= 0 && fcntl (fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static void
remove_all_but (int dir_fd, const char *kept)
{
  g_auto (GStrv) names = vp_private_dir_list (dir_fd);

  for (char **name = names; *name != NULL; name++)
    {
      vp_autofd int fd = -1;

      if (g_strcmp0 (*name, kept) == 0 || unlinkat (dir_fd, *name, 0) == 0)
        continue;

      fd = openat (dir_fd, *name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (fd >= 0)
        remove_all_but (fd, NULL);
      unlinkat (dir_fd, *name, AT_REMOVEDIR);
    }
}

typedef enum
{
  LOCK_TAKEN,
  LOCK_LOST, /* a supervisor removed the folder under our hands: start over */
  LOCK_FAILED,
} LockResult;

static LockResult
take_lock (VpRunDir *self, GError **error)
{
  g_autofree char *lock_path = g_build_filename (self->name, LOCK_NAME, NULL);
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  struct stat ours, there;

  self->lock_fd = openat (self->dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (self->lock_fd < 0 && errno == ENOENT)
    return LOCK_LOST;
  if (self->lock_fd < 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s/" LOCK_NAME ": %s", self->path,
                   g_strerror (errno));
      return LOCK_FAILED;
    }

  if (fcntl (self->lock_fd, F_OFD_SETLK, &lock) != 0)
    {
      if (errno == EAGAIN || errno == EACCES)
        g_set_error (error, VP_ERROR, VP_ERROR_EXISTS, "a VM named %s is running", self->name);
      else
        g_set_error (error, VP_ERROR, VP_ERROR_HOST, "cannot lock %s/" LOCK_NAME ": %s", self->path,
                     g_strerror (errno));
      return LOCK_FAILED;
    }

  /* the file that is locked may have been unlinked between openat() and here */
  if (fstat (self->lock_fd, &ours) != 0 ||
      fstatat (self->vms_fd, lock_path, &there, AT_SYMLINK_NOFOLLOW) != 0 ||
      ours.st_dev != there.st_dev || ours.st_ino != there.st_ino)
    return LOCK_LOST;

  return LOCK_TAKEN;
}

/* Returns whether that is the end of it, well or with @error. */
static gboolean
try_to_own (VpRunDir *self, GError **error)
{
  g_autoptr (GError) local = NULL;

  vp_autofd_close (&self->dir_fd);
  vp_autofd_close (&self->lock_fd);
  self->lock_fd = -1;

  self->dir_fd = vp_private_dir_open (self->vms_fd, self->path, TRUE, &local);
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return FALSE;
  if (self->dir_fd < 0)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return TRUE;
    }

  return take_lock (self, error) != LOCK_LOST;
}

static gboolean
check_name (const char *name, GError **error)
{
  if (vp_vm_name_is_valid (name))
    return TRUE;
  g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
               "“%s” is no name for a VM: a letter, then up to 127 letters, digits, “_”, “.” "
               "or “-”",
               name);
  return FALSE;
}

/* Makes the folder, if it is not there, and takes its lock. */
static VpRunDir *
own (const char *root, const char *name, GError **error)
{
  g_autoptr (VpRunDir) self = NULL;
  g_autoptr (GError) local = NULL;
  g_autofree char *base = NULL;
  gboolean decided = FALSE;

  self = g_new0 (VpRunDir, 1);
  self->dir_fd = self->lock_fd = -1;
  self->name = g_strdup (name);
  base = vp_run_dir_base (root);
  self->path = g_build_filename (base, VMS_NAME, name, NULL);
  self->vms_fd = vp_private_dir_open_below (base, VMS_NAME, TRUE, error);
  if (self->vms_fd < 0)
    return NULL;

  for (guint i = 0; i < MAX_TRIES && !decided; i++)
    decided = try_to_own (self, &local);
  if (!decided)
    g_set_error (&local, VP_ERROR, VP_ERROR_HOST, "%s: somebody keeps removing it", self->path);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  return g_steal_pointer (&self);
}

VpRunDir *
vp_run_dir_create (const char *root, const char *name, GError **error)
{
  g_autofree char *base = NULL;
  VpRunDir *self;
  vp_autofd int vms_fd = -1;
  vp_autofd int guard = -1;

  g_return_val_if_fail (root != NULL && name != NULL, NULL);

  if (!check_name (name, error))
    return NULL;

  /* The first of all has nowhere to put the guard before this. */
  base = vp_run_dir_base (root);
  vms_fd = vp_private_dir_open_below (base, VMS_NAME, TRUE, error);
  if (vms_fd < 0)
    return NULL;
  guard = vp_start_guard_take (base, VP_START_GUARD_STARTING);
  self = own (root, name, error);
  if (self != NULL)
    remove_all_but (self->dir_fd, LOCK_NAME);
  return self;
}

VpRunDir *
vp_run_dir_adopt (const char *root, const char *name, GError **error)
{
  g_return_val_if_fail (root != NULL && name != NULL, NULL);

  return check_name (name, error) ? own (root, name, error) : NULL;
}

void
vp_run_dir_remove (VpRunDir *self)
{
  g_return_if_fail (self != NULL);

  /* the lock goes last: whoever opens the folder from then on makes, and locks, a file of his own,
     and then the folder is not empty and stays */
  remove_all_but (self->dir_fd, LOCK_NAME);
  unlinkat (self->dir_fd, LOCK_NAME, 0);
  unlinkat (self->vms_fd, self->name, AT_REMOVEDIR);
  vp_run_dir_free (self);
}

void
vp_run_dir_free (VpRunDir *self)
{
  if (self == NULL)
    return;

  vp_autofd_close (&self->lock_fd);
  vp_autofd_close (&self->dir_fd);
  vp_autofd_close (&self->vms_fd);
  g_free (self->name);
  g_free (self->path);
  g_free (self);
}

const char *
vp_run_dir_get_path (VpRunDir *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->path;
}

static struct sockaddr_un
socket_address (int dir_fd, const char *socket_name)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir_fd,
              socket_name);
  return address;
}

int
vp_run_dir_listen (VpRunDir *self, const char *socket_name, GError **error)
{
  struct sockaddr_un address = socket_address (self->dir_fd, socket_name);
  vp_autofd int fd = -1;

  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0)
    unlinkat (self->dir_fd, socket_name, 0);
  if (fd < 0 || bind (fd, (struct sockaddr *) &address, sizeof address) != 0 ||
      fchmodat (self->dir_fd, socket_name, 0600, 0) != 0 || listen (fd, SOMAXCONN) != 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "cannot listen at %s/%s: %s", self->path,
                   socket_name, g_strerror (errno));
      return -1;
    }

  return g_steal_fd (&fd);
}

int
vp_run_dir_open_log (VpRunDir *self, const char *file_name, GError **error)
{
  int fd = openat (self->dir_fd, file_name,
                   O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

  if (fd < 0)
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "cannot make %s/%s: %s", self->path, file_name,
                 g_strerror (errno));
  return fd;
}

gboolean
vp_run_dir_write (VpRunDir *self, const char *file_name, const char *text, GError **error)
{
  gsize size = strlen (text);
  vp_autofd int fd =
      openat (self->dir_fd, file_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

  if (fd >= 0 && TEMP_FAILURE_RETRY (write (fd, text, size)) == (ssize_t) size)
    return TRUE;

  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "cannot write %s/%s: %s", self->path, file_name,
               g_strerror (errno));
  return FALSE;
}

char *
vp_run_dir_read (VpRunDir *self, const char *file_name)
{
  char text[MAX_TEXT + 1];
  vp_autofd int fd =
      openat (self->dir_fd, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : TEMP_FAILURE_RETRY (read (fd, text, MAX_TEXT));

  return n < 0 ? NULL : g_strndup (text, (gsize) n);
}

/* Returns the opened folder of a VM whose supervisor lives. */
static int
open_live (int vms_fd, const char *base, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (base, VMS_NAME, name, NULL);
  vp_autofd int dir_fd = vp_private_dir_open (vms_fd, path, FALSE, error);

  if (dir_fd < 0)
    return -1;
  if (!is_locked (dir_fd))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: left over", path);
      return -1;
    }
  return g_steal_fd (&dir_fd);
}

int
vp_run_dir_connect (const char *root, const char *name, const char *socket_name, GError **error)
{
  g_autofree char *base = NULL;
  g_autoptr (GError) local = NULL;
  vp_autofd int vms_fd = -1;
  vp_autofd int dir_fd = -1;
  vp_autofd int fd = -1;
  struct sockaddr_un address;

  g_return_val_if_fail (root != NULL && name != NULL && socket_name != NULL, -1);

  base = vp_run_dir_base (root);
  if (vp_vm_name_is_valid (name))
    vms_fd = vp_private_dir_open_below (base, VMS_NAME, FALSE, &local);
  if (vms_fd >= 0)
    dir_fd = open_live (vms_fd, base, name, &local);
  if (dir_fd < 0 && (local == NULL || local->domain == G_IO_ERROR))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_NO_VM, "no VM named %s is running", name);
      return -1;
    }
  if (dir_fd < 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_NO_VM, "cannot reach %s: %s", name, local->message);
      return -1;
    }

  /* non-blocking: connect() would wait for a stopped supervisor whose queue is full */
  address = socket_address (dir_fd, socket_name);
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    {
      /* The console of an adopted QEMU is its owner's. */
      if (errno == ENOENT && g_str_equal (socket_name, "console") &&
          faccessat (dir_fd, "control", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        g_set_error (error, VP_ERROR, VP_ERROR_NO_VM,
                     "%s has no console here: whoever has started its QEMU has it", name);
      else
        g_set_error (error, VP_ERROR, VP_ERROR_NO_VM, "%s does not take connections (%s): %s", name,
                     socket_name,
                     errno == ENOENT || errno == ECONNREFUSED ? "it is starting or ending"
                                                              : g_strerror (errno));
      return -1;
    }

  return g_steal_fd (&fd);
}

static char **
list (const char *root, gboolean live, GError **error)
{
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  g_autofree char *base = vp_run_dir_base (root);
  g_autoptr (GError) local = NULL;
  g_auto (GStrv) names = NULL;
  vp_autofd int vms_fd = vp_private_dir_open_below (base, VMS_NAME, FALSE, &local);

  if (vms_fd < 0 && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }

  names = vms_fd < 0 ? g_new0 (char *, 1) : vp_private_dir_list (vms_fd);
  for (char **name = names; *name != NULL; name++)
    {
      vp_autofd int fd = vp_vm_name_is_valid (*name) ? open_live (vms_fd, base, *name, NULL) : -1;

      if ((fd >= 0) == live)
        g_strv_builder_add (found, *name);
    }
  return g_strv_builder_end (found);
}

char **
vp_run_dir_list (const char *root)
{
  char **names;

  g_return_val_if_fail (root != NULL, NULL);

  names = list (root, TRUE, NULL);
  return names != NULL ? names : g_new0 (char *, 1);
}

char **
vp_run_dir_list_left (const char *root, GError **error)
{
  g_return_val_if_fail (root != NULL, NULL);

  return list (root, FALSE, error);
}
