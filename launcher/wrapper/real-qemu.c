#include "launcher/wrapper/real-qemu.h"

#include "launcher/error.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "qemu-system-x86_64"
#define SELF "/proc/self/exe"

/* Where distributions have it; the last is that of Red Hat. */
#define FIRST "/usr/bin/" NAME
#define LAST  "/usr/libexec/qemu-kvm"

static void
add (GPtrArray *list, const char *program)
{
  if (!g_ptr_array_find_with_equal_func (list, program, g_str_equal, NULL))
    g_ptr_array_add (list, g_strdup (program));
}

char **
vp_real_qemu_list (const char *path)
{
  g_auto (GStrv) folders = g_strsplit (path != NULL ? path : "", ":", -1);
  GPtrArray *list = g_ptr_array_new ();

  add (list, FIRST);
  for (char **folder = folders; *folder != NULL; folder++)
    {
      g_autofree char *program = g_build_filename (*folder, NAME, NULL);

      if (g_path_is_absolute (*folder))
        add (list, program);
    }
  add (list, LAST);
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

/* It may be called by any name, so it is told by what it is. */
static gboolean
is_self (const struct stat *status)
{
  struct stat self;

  return stat (SELF, &self) == 0 && self.st_dev == status->st_dev && self.st_ino == status->st_ino;
}

gboolean
vp_real_qemu_check (const char *program, GError **error)
{
  struct stat status;

  if (!g_path_is_absolute (program))
    return vp_error_refuse (error, program, "is not an absolute path of QEMU");
  if (stat (program, &status) != 0)
    g_set_error (error, VP_ERROR, VP_ERROR_HOST,
                 "%s: %s: install the Debian package qemu-system-x86, or give the right path",
                 program, g_strerror (errno));
  else if (!S_ISREG (status.st_mode) || access (program, X_OK) != 0)
    g_set_error (error, VP_ERROR, VP_ERROR_HOST,
                 "%s: it is no program that can be run: give the path of QEMU", program);
  else if (is_self (&status))
    g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                 "%s: it is vmplug-qemu itself: give the path of the real QEMU", program);
  else
    return TRUE;
  return FALSE;
}

char *
vp_real_qemu_find (const char *path, GError **error)
{
  g_auto (GStrv) list = vp_real_qemu_list (path);

  for (char **program = list; *program != NULL; program++)
    if (vp_real_qemu_check (*program, NULL))
      return g_strdup (*program);

  g_set_error_literal (error, VP_ERROR, VP_ERROR_HOST,
                       "there is no other " NAME " in /usr/bin and PATH: install the Debian "
                       "package qemu-system-x86, or set qemu in /etc/vmplug/wrapper.toml");
  return NULL;
}
