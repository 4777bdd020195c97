#include "devices/sysfs.h"

#include "devices/error.h"
#include "devices/quote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_ATTRIBUTE (64 * 1024)

struct _VpSysfs
{
  char *root;
  int root_fd;
};

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
}
#define vp_autofd __attribute__ ((cleanup (close_fd))) /* g_autofd needs GLib 2.76 */

static void
close_dir (DIR **dir)
{
  if (*dir != NULL)
    closedir (*dir);
}
#define vp_autodir __attribute__ ((cleanup (close_dir)))

static VpDeviceError
code_from_errno (int err)
{
  switch (err)
    {
    case ENOENT:
    case ENOTDIR:
    case ENODEV: /* what an open attribute says once its device is gone */
    case ENXIO:
      return VP_DEVICE_ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: /* sysfs in a container */
      return VP_DEVICE_ERROR_PERMISSION;
    default:
      return VP_DEVICE_ERROR_IO;
    }
}

static void
set_error (GError **error, VpSysfs *self, const char *path, VpDeviceError code, const char *why)
{
  g_autofree char *full = g_build_filename (self->root, path, NULL);

  g_set_error (error, VP_DEVICE_ERROR, code, "%s: %s", full, why);
}

static void
set_error_from_errno (GError **error, VpSysfs *self, const char *path, int err)
{
  set_error (error, self, path, code_from_errno (err), g_strerror (err));
}

static gboolean
is_relative (const char *path)
{
  return path != NULL && path[0] != '\0' && path[0] != '/';
}

VpSysfs *
vp_sysfs_open (const char *root, GError **error)
{
  g_autoptr (VpSysfs) self = NULL;

  g_return_val_if_fail (root != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self = g_new0 (VpSysfs, 1);
  self->root = g_strdup (root);
  self->root_fd = open (root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (self->root_fd < 0)
    {
      int err = errno;
      g_autofree char *quoted = vp_quote (root);

      g_set_error (error, VP_DEVICE_ERROR, code_from_errno (err), "root folder %s: %s", quoted,
                   g_strerror (err));
      return NULL;
    }

  return g_steal_pointer (&self);
}

VpSysfs *
vp_sysfs_open_folder (VpSysfs *self, const char *path, GError **error)
{
  VpSysfs *folder;
  int fd;

  g_return_val_if_fail (is_relative (path), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  fd = vp_sysfs_open_file (self, path, O_PATH | O_DIRECTORY);
  if (fd < 0)
    {
      set_error_from_errno (error, self, path, errno);
      return NULL;
    }

  folder = g_new0 (VpSysfs, 1);
  folder->root = g_build_filename (self->root, path, NULL);
  folder->root_fd = fd;
  return folder;
}

void
vp_sysfs_free (VpSysfs *self)
{
  if (self == NULL)
    return;

  close_fd (&self->root_fd);
  g_free (self->root);
  g_free (self);
}

const char *
vp_sysfs_get_root (VpSysfs *self)
{
  return self->root;
}

int
vp_sysfs_open_file (VpSysfs *self, const char *path, int flags)
{
  g_return_val_if_fail (is_relative (path), -1);

  return (int) TEMP_FAILURE_RETRY (openat (self->root_fd, path, flags | O_CLOEXEC));
}

char *
vp_sysfs_read (VpSysfs *self, const char *path, GError **error)
{
  vp_autofd int fd = -1;
  g_autofree char *buffer = NULL;
  gssize length;

  g_return_val_if_fail (is_relative (path), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  fd = vp_sysfs_open_file (self, path, O_RDONLY);
  if (fd < 0)
    {
      set_error_from_errno (error, self, path, errno);
      return NULL;
    }

  /* One byte more than allowed, to see a file that is too long. */
  buffer = g_malloc (MAX_ATTRIBUTE + 1);
  length = TEMP_FAILURE_RETRY (read (fd, buffer, MAX_ATTRIBUTE + 1));
  if (length < 0)
    {
      set_error_from_errno (error, self, path, errno);
      return NULL;
    }
  if (length > MAX_ATTRIBUTE)
    {
      set_error (error, self, path, VP_DEVICE_ERROR_IO, "longer than 64 KiB");
      return NULL;
    }
  if (memchr (buffer, '\0', (gsize) length) != NULL)
    {
      set_error (error, self, path, VP_DEVICE_ERROR_IO, "not text: it holds a NUL byte");
      return NULL;
    }

  if (length > 0 && buffer[length - 1] == '\n')
    length--;
  return g_strndup (buffer, (gsize) length);
}

char *
vp_sysfs_read_link_target (VpSysfs *self, const char *path)
{
  char target[PATH_MAX];
  gssize n;

  g_return_val_if_fail (is_relative (path), NULL);

  n = readlinkat (self->root_fd, path, target, sizeof target);
  if (n < 0 || (gsize) n == sizeof target)
    return NULL;

  return g_strndup (target, (gsize) n);
}

char *
vp_sysfs_read_head (VpSysfs *self, const char *path, gsize max)
{
  gsize length = 0;
  char *text;
  int fd;

  g_return_val_if_fail (self != NULL && path != NULL, NULL);

  text = g_malloc (max + 1);
  fd = vp_sysfs_open_file (self, path, O_RDONLY);
  while (fd >= 0 && length < max)
    {
      gssize n = read (fd, text + length, max - length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        break;
      length += (gsize) n;
    }
  if (fd >= 0)
    close (fd);
  text[length] = '\0';
  return text;
}

char *
vp_sysfs_read_link (VpSysfs *self, const char *path)
{
  g_autofree char *target = vp_sysfs_read_link_target (self, path);

  return target != NULL ? g_path_get_basename (target) : NULL;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char **
vp_sysfs_list (VpSysfs *self, const char *path, GError **error)
{
  vp_autodir DIR *dir = NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const struct dirent *entry;
  int fd;

  g_return_val_if_fail (is_relative (path), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  fd = vp_sysfs_open_file (self, path, O_RDONLY | O_DIRECTORY);
  dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL)
    {
      set_error_from_errno (error, self, path, errno);
      close_fd (&fd);
      return NULL;
    }

  for (errno = 0; (entry = readdir (dir)) != NULL; errno = 0)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      g_ptr_array_add (names, g_strdup (entry->d_name));
  if (errno != 0)
    {
      set_error_from_errno (error, self, path, errno);
      return NULL;
    }

  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

gboolean
vp_sysfs_exists (VpSysfs *self, const char *path)
{
  struct stat status;

  g_return_val_if_fail (is_relative (path), FALSE);

  return fstatat (self->root_fd, path, &status, 0) == 0;
}

gint64
vp_sysfs_size (VpSysfs *self, const char *path)
{
  struct stat status;

  g_return_val_if_fail (is_relative (path), -1);

  if (fstatat (self->root_fd, path, &status, 0) != 0 || !S_ISREG (status.st_mode))
    return -1;
  return status.st_size;
}

gboolean
vp_sysfs_write (VpSysfs *self, const char *path, const char *text, GError **error)
{
  vp_autofd int fd = -1;
  gsize length;
  gssize n;

  g_return_val_if_fail (is_relative (path) && text != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  /* O_TRUNC means nothing to sysfs; below a test's root it leaves exactly what was written last. */
  fd = vp_sysfs_open_file (self, path, O_WRONLY | O_TRUNC);
  if (fd < 0)
    {
      set_error_from_errno (error, self, path, errno);
      return FALSE;
    }

  length = strlen (text);
  n = TEMP_FAILURE_RETRY (write (fd, text, length));
  if (n < 0)
    {
      set_error_from_errno (error, self, path, errno);
      return FALSE;
    }
  if ((gsize) n != length)
    {
      g_autofree char *why = g_strdup_printf (
          "took only %" G_GSSIZE_FORMAT " of %" G_GSIZE_FORMAT " bytes", n, length);

      set_error (error, self, path, VP_DEVICE_ERROR_IO, why);
      return FALSE;
    }

  return TRUE;
}
