#include "launcher/wrapper/file-trust.h"

#include "launcher/error.h"

#include <errno.h>
#include <gio/gio.h>
#include <unistd.h>

#define ROOT 0

gboolean
vp_file_trust_is_safe (const struct stat *status, uid_t user)
{
  gboolean others_write = (status->st_mode & (S_IWGRP | S_IWOTH)) != 0;

  if (status->st_uid != ROOT && status->st_uid != user)
    return FALSE;
  return !others_write || (S_ISDIR (status->st_mode) && (status->st_mode & S_ISVTX) != 0);
}

gboolean
vp_file_trust_check (const char *path, GError **error)
{
  struct stat status;

  if (stat (path, &status) != 0)
    {
      int err = errno;

      if (err == ENOENT || err == ENOTDIR)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: there is no such file", path);
      else
        g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s: %s", path, g_strerror (err));
      return FALSE;
    }
  if (vp_file_trust_is_safe (&status, geteuid ()))
    return TRUE;

  g_set_error (
      error, VP_ERROR, VP_ERROR_HOST,
      "%s: others than root and uid %u may change it (mode %04o, uid %u, gid %u): chown it "
      "to root, and chmod go-w",
      path, (guint) geteuid (), (guint) status.st_mode & 07777, (guint) status.st_uid,
      (guint) status.st_gid);
  return FALSE;
}
