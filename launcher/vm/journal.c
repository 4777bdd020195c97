#include "launcher/vm/journal.h"

#include "devices/error.h"
#include "launcher/config/vm-name.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/private-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define JOURNAL_NAME "bindings"
#define LOCK_NAME    ".lock"
#define DRIVER_KEY   "driver="
#define VM_KEY       "vm="
#define MAX_ENTRY    256

void
vp_journal_note_clear (VpJournalNote *note)
{
  g_clear_pointer (&note->driver, g_free);
  g_clear_pointer (&note->vm, g_free);
}

void
vp_journal_entry_free (VpJournalEntry *self)
{
  if (self == NULL)
    return;

  vp_autofd_close (&self->lock_fd);
  vp_autofd_close (&self->dir_fd);
  g_free (self->path);
  g_free (self->name);
  g_free (self);
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

/* Returns the opened journal in @dir_fd, or -1 there when it need not be. */
static gboolean
open_journal (const char *base, gboolean create, int *dir_fd, GError **error)
{
  g_autoptr (GError) local = NULL;

  *dir_fd = vp_private_dir_open_below (base, JOURNAL_NAME, create, &local);
  if (*dir_fd >= 0 || g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO, "%s", local->message);
  return FALSE;
}

VpJournalEntry *
vp_journal_entry_open (const char *base,
                       const VpPciAddress *address,
                       gboolean create,
                       GError **error)
{
  g_autoptr (VpJournalEntry) self = g_new0 (VpJournalEntry, 1);

  self->address = *address;
  self->name = vp_pci_address_to_string (address);
  self->path = g_build_filename (base, JOURNAL_NAME, self->name, NULL);
  self->dir_fd = self->lock_fd = -1;
  return open_journal (base, create, &self->dir_fd, error) ? g_steal_pointer (&self) : NULL;
}

/* One byte of one lock file for each address: a lock per device, and nothing to clean up. */
gboolean
vp_journal_entry_lock (VpJournalEntry *self, GError **error)
{
  const VpPciAddress *address = &self->address;
  struct flock lock = {
    .l_type = F_WRLCK,
    .l_whence = SEEK_SET,
    .l_start =
        (off_t) address->domain << 16 | address->bus << 8 | address->slot << 3 | address->function,
    .l_len = 1,
  };

  self->lock_fd = openat (self->dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (self->lock_fd >= 0 && fcntl (self->lock_fd, F_OFD_SETLK, &lock) == 0)
    return TRUE;

  if (self->lock_fd >= 0 && (errno == EAGAIN || errno == EACCES))
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY,
                 "%s: another vmplug is changing its driver", self->name);
  else
    set_error_from_errno (error, "cannot lock the journal of", self->name);
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

static gboolean
parse (const char *text, VpJournalNote *note)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", 4);
  guint n = g_strv_length (lines);

  /* Every line ends, so that the last piece is empty. */
  if (n < 2 || n > 3 || lines[n - 1][0] != '\0' || !g_str_has_prefix (lines[0], DRIVER_KEY) ||
      !is_driver_name (lines[0] + strlen (DRIVER_KEY)))
    return FALSE;
  if (n == 3 &&
      !(g_str_has_prefix (lines[1], VM_KEY) && vp_vm_name_is_valid (lines[1] + strlen (VM_KEY))))
    return FALSE;

  note->driver = g_strdup (lines[0] + strlen (DRIVER_KEY));
  note->vm = n == 3 ? g_strdup (lines[1] + strlen (VM_KEY)) : NULL;
  return TRUE;
}

/* Reads a file that is there. */
static gboolean
read_note (VpJournalEntry *self, int fd, VpJournalNote *note, GError **error)
{
  char text[MAX_ENTRY + 1];
  struct stat st;
  ssize_t n;

  if (fstat (fd, &st) == 0 && st.st_uid != geteuid ())
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO,
                   "%s: belongs to uid %u, not to uid %u", self->path, (guint) st.st_uid,
                   (guint) geteuid ());
      return FALSE;
    }

  n = TEMP_FAILURE_RETRY (read (fd, text, MAX_ENTRY));
  if (n < 0)
    {
      set_error_from_errno (error, "cannot read", self->path);
      return FALSE;
    }
  text[n] = '\0';
  if (strlen (text) == (gsize) n && parse (text, note))
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO,
               "%s: no journal entry (wanted " DRIVER_KEY
               "NAME); remove it, or write the driver into it",
               self->path);
  return FALSE;
}

gboolean
vp_journal_entry_read (VpJournalEntry *self, VpJournalNote *note, GError **error)
{
  vp_autofd int fd = -1;

  *note = (VpJournalNote){ NULL };
  if (self->dir_fd >= 0)
    fd = openat (self->dir_fd, self->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0)
    return read_note (self, fd, note, error);
  if (self->dir_fd < 0 || errno == ENOENT)
    return TRUE;

  set_error_from_errno (error, "cannot read", self->path);
  return FALSE;
}

gboolean
vp_journal_entry_write (VpJournalEntry *self, const VpJournalNote *note, GError **error)
{
  g_autofree char *temporary = g_strdup_printf (".%s.new", self->name);
  g_autofree char *text =
      g_strdup_printf (DRIVER_KEY "%s\n%s%s%s", note->driver != NULL ? note->driver : "",
                       note->vm != NULL ? VM_KEY : "", note->vm != NULL ? note->vm : "",
                       note->vm != NULL ? "\n" : "");
  gsize size = strlen (text);
  vp_autofd int fd = -1;

  unlinkat (self->dir_fd, temporary, 0); /* of a process that was killed right here */
  fd = openat (self->dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0 && TEMP_FAILURE_RETRY (write (fd, text, size)) == (ssize_t) size && fsync (fd) == 0 &&
      renameat (self->dir_fd, temporary, self->dir_fd, self->name) == 0 &&
      fsync (self->dir_fd) == 0)
    return TRUE;

  set_error_from_errno (error, "cannot write", self->path);
  unlinkat (self->dir_fd, temporary, 0);
  return FALSE;
}

void
vp_journal_entry_remove (VpJournalEntry *self)
{
  if (unlinkat (self->dir_fd, self->name, 0) == 0)
    fsync (self->dir_fd);
}

gboolean
vp_journal_entry_exists (VpJournalEntry *self)
{
  return self->dir_fd >= 0 && faccessat (self->dir_fd, self->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

char **
vp_journal_list (const char *base, GError **error)
{
  g_autoptr (GStrvBuilder) entries = g_strv_builder_new ();
  g_auto (GStrv) names = NULL;
  vp_autofd int dir_fd = -1;

  if (!open_journal (base, FALSE, &dir_fd, error))
    return NULL;

  /* A name with a dot in front is the lock, or of a writer that was killed: the next one clears it
   * away. */
  names = dir_fd < 0 ? g_new0 (char *, 1) : vp_private_dir_list (dir_fd);
  for (char **name = names; *name != NULL; name++)
    if ((*name)[0] != '.')
      g_strv_builder_add (entries, *name);
  return g_strv_builder_end (entries);
}
