#include "launcher/vm/private-dir.h"

#include "launcher/error.h"
#include "launcher/vm/autofd.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static gboolean
is_private (int fd, const char *path, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) != 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s: %s", path, g_strerror (errno));
      return FALSE;
    }
  if (st.st_uid != geteuid ())
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s: belongs to uid %u, not to uid %u", path,
                   st.st_uid, geteuid ());
      return FALSE;
    }
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s: other users may write to it (mode %04o)",
                   path, st.st_mode & 07777);
      return FALSE;
    }
  return TRUE;
}

int
vp_private_dir_open (int parent_fd, const char *path, gboolean create, GError **error)
{
  g_autofree char *name = parent_fd == AT_FDCWD ? g_strdup (path) : g_path_get_basename (path);
  vp_autofd int fd = -1;

  g_return_val_if_fail (g_path_is_absolute (path), -1);

  if (create && mkdirat (parent_fd, name, 0700) != 0 && errno != EEXIST)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "cannot make %s: %s", path, g_strerror (errno));
      return -1;
    }

  fd = openat (parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: no such folder", path);
      return -1;
    }
  if (fd < 0)
    {
      /* with O_DIRECTORY a link is ENOTDIR, without it ELOOP */
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s: %s", path,
                   errno == ENOTDIR || errno == ELOOP ? "not a folder, or a link to one"
                                                      : g_strerror (errno));
      return -1;
    }
  if (!is_private (fd, path, error))
    return -1;

  return g_steal_fd (&fd);
}

int
vp_private_dir_open_below (const char *base, const char *name, gboolean create, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (base);
  g_autofree char *path = g_build_filename (base, name, NULL);
  vp_autofd int base_fd = -1;

  if (create && g_mkdir_with_parents (parent, 0755) != 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "cannot make %s: %s", parent,
                   g_strerror (errno));
      return -1;
    }

  base_fd = vp_private_dir_open (AT_FDCWD, base, create, error);
  return base_fd < 0 ? -1 : vp_private_dir_open (base_fd, path, create, error);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char **
vp_private_dir_list (int fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}
