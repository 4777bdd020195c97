#include "launcher/vm/bindings.h"

#include "devices/error.h"
#include "devices/vfio-bind.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/private-dir.h"
#include "launcher/vm/run-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#define JOURNAL_NAME "bindings"
#define LOCK_NAME    ".lock"
#define KEY          "driver="
#define MAX_ENTRY    256

#define N_LOOKS       10
#define LOOK_AGAIN_US 20000

struct _VpBindings
{
  VpSysfs *sysfs;
  char *base;
};

/* One device while it changes hands: its journal entry, and the lock that keeps others away. */
typedef struct
{
  char *name;
  char *path;
  int dir_fd;
  int lock_fd;
} Entry;

VpBindings *
vp_bindings_new (VpSysfs *sysfs, const char *root)
{
  VpBindings *self = g_new0 (VpBindings, 1);

  self->sysfs = sysfs;
  self->base = vp_run_dir_base (root);
  return self;
}

void
vp_bindings_free (VpBindings *self)
{
  if (self == NULL)
    return;

  g_free (self->base);
  g_free (self);
}

static void
entry_clear (Entry *entry)
{
  vp_autofd_close (&entry->lock_fd);
  vp_autofd_close (&entry->dir_fd);
  g_free (entry->path);
  g_free (entry->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Entry, entry_clear)
#define ENTRY_INIT                                                                                 \
  {                                                                                                \
    NULL, NULL, -1, -1                                                                             \
  }

static void
set_error_from_errno (GError **error, const char *what, const char *path)
{
  int err = errno;

  g_set_error (error, VP_DEVICE_ERROR,
               err == EACCES || err == EPERM || err == EROFS ? VP_DEVICE_ERROR_PERMISSION
                                                             : VP_DEVICE_ERROR_IO,
               "%s %s: %s", what, path, g_strerror (err));
}

/* Opens the journal, which need not be there when @create is FALSE: dir_fd is -1 then. */
static gboolean
entry_open (
    Entry *entry, VpBindings *self, const VpPciAddress *address, gboolean create, GError **error)
{
  g_autoptr (GError) local = NULL;

  entry->name = vp_pci_address_to_string (address);
  entry->path = g_build_filename (self->base, JOURNAL_NAME, entry->name, NULL);
  entry->dir_fd = vp_private_dir_open_below (self->base, JOURNAL_NAME, create, &local);
  if (entry->dir_fd >= 0 || g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO, "%s", local->message);
  return FALSE;
}

/* One byte of one lock file for each address: a lock per device, and nothing to clean up. */
static gboolean
entry_lock (Entry *entry, const VpPciAddress *address, GError **error)
{
  struct flock lock = {
    .l_type = F_WRLCK,
    .l_whence = SEEK_SET,
    .l_start =
        (off_t) address->domain << 16 | address->bus << 8 | address->slot << 3 | address->function,
    .l_len = 1,
  };

  entry->lock_fd =
      openat (entry->dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (entry->lock_fd >= 0 && fcntl (entry->lock_fd, F_OFD_SETLK, &lock) == 0)
    return TRUE;

  if (entry->lock_fd >= 0 && (errno == EAGAIN || errno == EACCES))
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY,
                 "%s: another vmplug is changing its driver", entry->name);
  else
    set_error_from_errno (error, "cannot lock the journal of", entry->name);
  return FALSE;
}

/* A name that goes into a path below "drivers/": anything but a way out of there. */
static gboolean
is_driver_name (const char *name)
{
  for (const char *p = name; *p != '\0'; p++)
    if (*p == '/' || g_ascii_iscntrl (*p))
      return FALSE;

  return !g_str_equal (name, ".") && !g_str_equal (name, "..");
}

/* @driver: (out) (transfer full): NULL when there is no entry; "" when the device had no driver */
static gboolean
entry_read (Entry *entry, char **driver, GError **error)
{
  vp_autofd int fd = -1;
  char text[MAX_ENTRY + 1];
  ssize_t n;

  *driver = NULL;
  if (entry->dir_fd >= 0)
    fd = openat (entry->dir_fd, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && (entry->dir_fd < 0 || errno == ENOENT))
    return TRUE;

  n = fd < 0 ? -1 : TEMP_FAILURE_RETRY (read (fd, text, MAX_ENTRY));
  if (n < 0)
    {
      set_error_from_errno (error, "cannot read", entry->path);
      return FALSE;
    }

  text[n] = '\0';
  if (n > (ssize_t) strlen (KEY) && strlen (text) == (gsize) n && g_str_has_prefix (text, KEY) &&
      text[n - 1] == '\n')
    *driver = g_strndup (text + strlen (KEY), (gsize) n - strlen (KEY) - 1);
  if (*driver != NULL && is_driver_name (*driver))
    return TRUE;

  g_clear_pointer (driver, g_free);
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO,
               "%s: no journal entry (wanted " KEY "NAME); remove it, or write the driver into it",
               entry->path);
  return FALSE;
}

/* Afterwards the entry is on the disk, whole, whatever happens to this process or the host. */
static gboolean
entry_write (Entry *entry, const char *driver, GError **error)
{
  g_autofree char *temporary = g_strdup_printf (".%s.new", entry->name);
  g_autofree char *text = g_strdup_printf (KEY "%s\n", driver != NULL ? driver : "");
  gsize size = strlen (text);
  vp_autofd int fd = -1;

  unlinkat (entry->dir_fd, temporary, 0); /* of a process that was killed right here */
  fd = openat (entry->dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0 && TEMP_FAILURE_RETRY (write (fd, text, size)) == (ssize_t) size && fsync (fd) == 0 &&
      renameat (entry->dir_fd, temporary, entry->dir_fd, entry->name) == 0 &&
      fsync (entry->dir_fd) == 0)
    return TRUE;

  set_error_from_errno (error, "cannot write", entry->path);
  unlinkat (entry->dir_fd, temporary, 0);
  return FALSE;
}

static void
entry_remove (Entry *entry)
{
  if (unlinkat (entry->dir_fd, entry->name, 0) == 0)
    fsync (entry->dir_fd);
}

/* The kernel takes the driver from a device that goes, which is what we may have waited for, and
   only then its folder: in between it can be given to no driver. */
static gboolean
is_gone_soon (VpBindings *self, const Entry *entry)
{
  g_autofree char *device = g_build_filename ("sys/bus/pci/devices", entry->name, NULL);

  for (guint i = 0; i < N_LOOKS && vp_sysfs_exists (self->sysfs, device); i++)
    g_usleep (LOOK_AGAIN_US);
  return !vp_sysfs_exists (self->sysfs, device);
}

/* Puts the device back, and removes the entry when that has worked: when not, it stays for whoever
   repairs it. A device that is no more, because it was pulled out or was a virtual function, takes
   its entry along. */
static gboolean
entry_settle (
    Entry *entry, VpBindings *self, const VpPciAddress *address, const char *driver, GError **error)
{
  g_autoptr (GError) failure = NULL;

  if (vp_vfio_release (self->sysfs, address, driver, &failure) || is_gone_soon (self, entry))
    {
      entry_remove (entry);
      return TRUE;
    }

  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

gboolean
vp_bindings_take (VpBindings *self, const VpPciFunction *function, GError **error)
{
  const VpPciAddress *address = &function->address;
  g_auto (Entry) entry = ENTRY_INIT;
  g_autofree char *now = NULL;
  g_autofree char *noted = NULL;
  const char *owner;

  if (!entry_open (&entry, self, address, TRUE, error) || !entry_lock (&entry, address, error) ||
      !entry_read (&entry, &noted, error))
    return FALSE;

  /* the user has bound it, so it stays bound in the end; or we have, and the entry is there */
  now = vp_vfio_driver_of (self->sysfs, address);
  if (vp_vfio_is_vfio_driver (now))
    return TRUE;

  /* an entry of a device without a driver is from a process that was killed on the way */
  owner = now == NULL && noted != NULL && noted[0] != '\0' ? noted : now;
  if (!entry_write (&entry, owner, error))
    return FALSE;
  if (vp_vfio_bind (self->sysfs, address, error))
    return TRUE;

  entry_settle (&entry, self, address, owner, NULL);
  return FALSE;
}

/* Nobody has noted whose it was: the kernel asks every driver, as for a new device. */
static gboolean
give_to_anyone (VpBindings *self, Entry *entry, const VpPciAddress *address, GError **error)
{
  return vp_vfio_release (self->sysfs, address, NULL, error) &&
         vp_sysfs_write (self->sysfs, "sys/bus/pci/drivers_probe", entry->name, error);
}

gboolean
vp_bindings_give_back (VpBindings *self, const VpPciAddress *address, GError **error)
{
  g_auto (Entry) entry = ENTRY_INIT;
  g_autofree char *noted = NULL;
  g_autofree char *now = NULL;
  const char *owner;

  if (!entry_open (&entry, self, address, TRUE, error) || !entry_lock (&entry, address, error) ||
      !entry_read (&entry, &noted, error))
    return FALSE;

  now = vp_vfio_driver_of (self->sysfs, address);
  if (noted == NULL)
    return !vp_vfio_is_vfio_driver (now) || give_to_anyone (self, &entry, address, error);

  /* if somebody has bound it elsewhere by hand, only what we left behind is cleared */
  owner = now == NULL || vp_vfio_is_vfio_driver (now) ? noted : now;
  return entry_settle (&entry, self, address, owner[0] != '\0' ? owner : NULL, error);
}

gboolean
vp_bindings_has (VpBindings *self, const VpPciAddress *address)
{
  g_auto (Entry) entry = ENTRY_INIT;

  return entry_open (&entry, self, address, FALSE, NULL) && entry.dir_fd >= 0 &&
         faccessat (entry.dir_fd, entry.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
