#pragma once

#include "devices/pci-address.h"

G_BEGIN_DECLS

/**
 * VpJournalNote:
 * @driver: whose the device was; "" when it had no driver; %NULL when nothing is noted
 * @vm: (nullable): the VM that it was taken for; %NULL when it was taken to stay
 *
 * What the journal says of one device. As text: a line driver=NAME, and, of a VM's, a line vm=NAME.
 */
typedef struct
{
  char *driver;
  char *vm;
} VpJournalNote;

void vp_journal_note_clear (VpJournalNote *note);

/**
 * VpJournalEntry:
 * @address: the device
 * @name: its address as text
 * @path: of the file, for messages
 * @dir_fd: the opened journal, or -1 when there is none
 * @lock_fd: holds the lock of this device, or -1
 *
 * The place of one device in the journal, a file in BASE/bindings, and the lock that keeps others
 * away from the device while it changes hands. It may move from thread to thread.
 */
typedef struct
{
  VpPciAddress address;
  char *name;
  char *path;
  int dir_fd;
  int lock_fd;
} VpJournalEntry;

/**
 * vp_journal_entry_open:
 * @base: see vp_run_dir_base()
 * @address: a device
 * @create: whether to make the journal when there is none
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): its place; %NULL with %VP_DEVICE_ERROR_IO
 */
VpJournalEntry *vp_journal_entry_open (const char *base,
                                       const VpPciAddress *address,
                                       gboolean create,
                                       GError **error);
void vp_journal_entry_free (VpJournalEntry *self);

/**
 * vp_journal_entry_lock:
 *
 * Until the entry is freed nobody else changes the driver of its device.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_BUSY when somebody else does, or another %VP_DEVICE_ERROR
 */
gboolean vp_journal_entry_lock (VpJournalEntry *self, GError **error);

/**
 * vp_journal_entry_read:
 * @self: an entry
 * @note: (out caller-allocates): what it says; vp_journal_note_clear() it
 * @error: return location for a #GError
 *
 * A file of another user, or that says anything else, is no entry: the name of a driver becomes
 * part of a path.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR that begins with the path
 */
gboolean vp_journal_entry_read (VpJournalEntry *self, VpJournalNote *note, GError **error);

/**
 * vp_journal_entry_write:
 * @self: an entry
 * @note: what it shall say
 * @error: return location for a #GError
 *
 * Afterwards it is on the disk, whole, whatever happens to this process or the host.
 *
 * Returns: %FALSE with a %VP_DEVICE_ERROR; what it said before is still there
 */
gboolean vp_journal_entry_write (VpJournalEntry *self, const VpJournalNote *note, GError **error);

/**
 * vp_journal_entry_remove:
 * @self: an entry, which need not be there
 */
void vp_journal_entry_remove (VpJournalEntry *self);

/**
 * vp_journal_entry_exists:
 *
 * Returns: whether something is noted
 */
gboolean vp_journal_entry_exists (VpJournalEntry *self);

/**
 * vp_journal_list:
 * @base: see vp_run_dir_base()
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the names of the entries, sorted; what lies there under a
 *   name that is no address is among them; %NULL with %VP_DEVICE_ERROR_IO when the journal is not
 *   this user's alone
 */
char **vp_journal_list (const char *base, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpJournalEntry, vp_journal_entry_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VpJournalNote, vp_journal_note_clear)

G_END_DECLS
