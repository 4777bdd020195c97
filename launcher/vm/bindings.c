#include "launcher/vm/bindings.h"

#include "devices/error.h"
#include "devices/vfio-bind.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/group-lock.h"
#include "launcher/vm/host-node.h"
#include "launcher/vm/journal.h"
#include "launcher/vm/run-dir.h"
#include "launcher/vm/timed-call.h"

#define N_LOOKS       10
#define LOOK_AGAIN_US 20000

struct _VpBindings
{
  VpSysfs *sysfs;
  char *base;
  char *vm; /* nullable: nobody's */
  GMutex mutex;
  GHashTable *groups; /* number -> VpGroupLock; under the mutex */
};

typedef gboolean (*Step) (VpSysfs *sysfs, const VpPciAddress *address, GError **error);

/* One device on its way to us. It has all that it needs, for it may outlast everybody. */
typedef struct
{
  VpSysfs *sysfs;
  VpJournalEntry *entry;
  const VpPciFunction *function; /* not for a thread that is late */
  char *driver;                  /* nullable: to whom it goes back; nobody */
  Step step;
  gboolean is_touched;
  GError *error; /* nullable: of the step */
} Move;

VpBindings *
vp_bindings_new (VpSysfs *sysfs, const char *root)
{
  VpBindings *self = g_new0 (VpBindings, 1);

  self->sysfs = sysfs;
  self->base = vp_run_dir_base (root);
  self->groups = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) vp_group_lock_release);
  g_mutex_init (&self->mutex);
  return self;
}

VpBindings *
vp_bindings_new_for_vm (VpSysfs *sysfs, const char *root, const char *vm)
{
  VpBindings *self = vp_bindings_new (sysfs, root);

  self->vm = g_strdup (vm);
  return self;
}

void
vp_bindings_free (VpBindings *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->groups);
  g_mutex_clear (&self->mutex);
  g_free (self->vm);
  g_free (self->base);
  g_free (self);
}

VpSysfs *
vp_bindings_get_sysfs (VpBindings *self)
{
  return self->sysfs;
}

static void
move_free (gpointer data)
{
  Move *move = data;

  if (move == NULL)
    return;
  g_clear_error (&move->error);
  g_free (move->driver);
  vp_journal_entry_free (move->entry);
  vp_sysfs_free (move->sysfs);
  g_free (move);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Move, move_free)

/* The kernel takes the driver from a device that goes, which is what we may have waited for, and
   only then its folder: in between it can be given to no driver. */
static gboolean
is_gone_soon (VpSysfs *sysfs, const VpJournalEntry *entry)
{
  g_autofree char *device = g_build_filename ("sys/bus/pci/devices", entry->name, NULL);

  for (guint i = 0; i < N_LOOKS && vp_sysfs_exists (sysfs, device); i++)
    g_usleep (LOOK_AGAIN_US);
  return !vp_sysfs_exists (sysfs, device);
}

/* Puts the device back, and removes the entry when that has worked: when not, it stays for whoever
   repairs it. A device that is no more, because it was pulled out or was a virtual function, takes
   its entry along. */
static gboolean
settle (VpSysfs *sysfs, VpJournalEntry *entry, const char *driver, GError **error)
{
  g_autoptr (GError) failure = NULL;

  if (vp_vfio_release (sysfs, &entry->address, driver, &failure) || is_gone_soon (sysfs, entry))
    {
      vp_journal_entry_remove (entry);
      return TRUE;
    }

  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* Notes whose the device is. @move is NULL when it is with VFIO already. */
static gboolean
note (VpBindings *self, const VpPciFunction *function, Move **move, GError **error)
{
  const VpPciAddress *address = &function->address;
  g_autoptr (VpJournalEntry) entry = vp_journal_entry_open (self->base, address, TRUE, error);
  g_auto (VpJournalNote) noted = { NULL };
  g_autofree char *now = NULL;
  g_autoptr (VpSysfs) sysfs = NULL;
  VpJournalNote wanted = { .vm = self->vm };

  *move = NULL;
  if (entry == NULL || !vp_journal_entry_lock (entry, error) ||
      !vp_journal_entry_read (entry, &noted, error))
    return FALSE;

  now = vp_vfio_driver_of (self->sysfs, address);
  if (vp_vfio_is_vfio_driver (now))
    {
      /* The user has bound it, so it stays bound in the end; or we have, and the entry is there. A
         VM's that the user binds now is to stay, too. */
      wanted.driver = noted.driver;
      return self->vm != NULL || noted.vm == NULL || vp_journal_entry_write (entry, &wanted, error);
    }

  /* an entry of a device without a driver is from a process that was killed on the way */
  wanted.driver =
      now == NULL && noted.driver != NULL && noted.driver[0] != '\0' ? noted.driver : now;
  sysfs = vp_sysfs_open (vp_sysfs_get_root (self->sysfs), error);
  if (sysfs == NULL || !vp_journal_entry_write (entry, &wanted, error))
    return FALSE;

  *move = g_new0 (Move, 1);
  (*move)->sysfs = g_steal_pointer (&sysfs);
  (*move)->entry = g_steal_pointer (&entry);
  (*move)->function = function;
  (*move)->driver = g_strdup (wanted.driver);
  return TRUE;
}

static void
do_step (gpointer data)
{
  Move *move = data;

  move->step (move->sysfs, &move->entry->address, &move->error);
}

static void
undo_late (gpointer data)
{
  Move *move = data;

  settle (move->sysfs, move->entry, move->driver, NULL);
}

/* Takes one step with all of them. One that is late is nobody's here any more. */
static gboolean
step_all (GPtrArray *moves, Step step, gint64 end_us, guint deadline_ms, GError **error)
{
  for (guint i = 0; i < moves->len; i++)
    {
      Move *move = moves->pdata[i];
      g_autofree char *name = g_strdup (move->entry->name);
      g_autofree char *driver = vp_vfio_driver_of (move->sysfs, &move->entry->address);

      move->step = step;
      move->is_touched = TRUE;
      if (!vp_timed_call (do_step, undo_late, move, move_free, end_us))
        {
          moves->pdata[i] = NULL;
          g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY,
                       driver != NULL ? "%s: %s has not let go of it after %.1f s"
                                      : "%s: %s has not taken it after %.1f s",
                       name, driver != NULL ? driver : "vfio-pci", deadline_ms / 1000.0);
          return FALSE;
        }
      if (move->error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&move->error));
          return FALSE;
        }
    }
  return TRUE;
}

/* Returns what could not be undone, to be added to the error, or NULL. */
static char *
undo_all (GPtrArray *moves)
{
  g_autoptr (GString) left = g_string_new (NULL);

  for (guint i = moves->len; i > 0; i--)
    {
      Move *move = moves->pdata[i - 1];
      g_autofree char *now = NULL;
      g_autoptr (GError) error = NULL;

      if (move == NULL)
        continue;
      now = vp_vfio_driver_of (move->sysfs, &move->entry->address);
      if (!move->is_touched && g_strcmp0 (now, move->driver) == 0)
        vp_journal_entry_remove (move->entry);
      else if (!settle (move->sysfs, move->entry, move->driver, &error))
        g_string_append_printf (left, "; not given back: %s", error->message);
    }
  return left->len > 0 ? g_string_free (g_steal_pointer (&left), FALSE) : NULL;
}

static gboolean
note_all (VpBindings *self, const GPtrArray *functions, GPtrArray *moves, GError **error)
{
  for (guint i = 0; i < functions->len; i++)
    {
      Move *move;

      if (!note (self, functions->pdata[i], &move, error))
        return FALSE;
      if (move != NULL)
        g_ptr_array_add (moves, move);
    }
  return TRUE;
}

gboolean
vp_bindings_take_all (VpBindings *self,
                      const GPtrArray *functions,
                      guint deadline_ms,
                      GPtrArray *taken,
                      GError **error)
{
  g_autoptr (GPtrArray) moves = g_ptr_array_new_with_free_func (move_free);
  g_autoptr (GError) failure = NULL;
  g_autofree char *left = NULL;
  gint64 end_us = deadline_ms == 0
                      ? VP_TIMED_CALL_NO_END
                      : g_get_monotonic_time () + (gint64) deadline_ms * G_TIME_SPAN_MILLISECOND;

  if (note_all (self, functions, moves, &failure) &&
      step_all (moves, vp_vfio_unbind, end_us, deadline_ms, &failure) &&
      step_all (moves, vp_vfio_probe, end_us, deadline_ms, &failure))
    {
      for (guint i = 0; taken != NULL && i < moves->len; i++)
        g_ptr_array_add (taken, (gpointer) ((Move *) moves->pdata[i])->function);
      return TRUE;
    }

  left = undo_all (moves);
  g_set_error (error, failure->domain, failure->code, "%s%s", failure->message,
               left != NULL ? left : "");
  return FALSE;
}

gboolean
vp_bindings_take (VpBindings *self, const VpPciFunction *function, GError **error)
{
  g_autoptr (GPtrArray) functions = g_ptr_array_new ();

  g_ptr_array_add (functions, (gpointer) function);
  return vp_bindings_take_all (self, functions, 0, NULL, error);
}

/* Nobody has noted whose it was: the kernel asks every driver, as for a new device. */
static gboolean
give_to_anyone (VpBindings *self, VpJournalEntry *entry, GError **error)
{
  return vp_vfio_release (self->sysfs, &entry->address, NULL, error) &&
         vp_sysfs_write (self->sysfs, "sys/bus/pci/drivers_probe", entry->name, error);
}

/* @noted: to whom it goes back, "" for nobody */
static gboolean
give_to (VpBindings *self, VpJournalEntry *entry, const char *noted, GError **error)
{
  g_autofree char *now = vp_vfio_driver_of (self->sysfs, &entry->address);
  /* if somebody has bound it elsewhere by hand, only what we left behind is cleared */
  const char *driver = now == NULL || vp_vfio_is_vfio_driver (now) ? noted : now;

  return settle (self->sysfs, entry, driver[0] != '\0' ? driver : NULL, error);
}

gboolean
vp_bindings_give_back (VpBindings *self, const VpPciAddress *address, GError **error)
{
  g_autoptr (VpJournalEntry) entry = vp_journal_entry_open (self->base, address, TRUE, error);
  g_auto (VpJournalNote) noted = { NULL };
  g_autofree char *now = NULL;

  if (entry == NULL || !vp_journal_entry_lock (entry, error) ||
      !vp_journal_entry_read (entry, &noted, error))
    return FALSE;
  if (noted.driver != NULL)
    return give_to (self, entry, noted.driver, error);

  now = vp_vfio_driver_of (self->sysfs, address);
  return !vp_vfio_is_vfio_driver (now) || give_to_anyone (self, entry, error);
}

/* Taking a device from vfio-pci while somebody has it open, by either of its nodes, would block. */
static gboolean
check_unused (VpBindings *self, const VpPciFunction *function, guint patience_ms, GError **error)
{
  static const VpHostNode nodes[] = { VP_HOST_NODE_GROUP, VP_HOST_NODE_CDEV };

  for (guint i = 0; vp_vfio_is_vfio_driver (function->driver) && i < G_N_ELEMENTS (nodes); i++)
    {
      g_autoptr (GError) obstacle = NULL;

      /* A node that cannot be opened for another reason says nothing about that. */
      if ((nodes[i] == VP_HOST_NODE_CDEV && function->cdev < 0) ||
          vp_host_node_wait (self->sysfs, function, nodes[i], patience_ms, &obstacle) ||
          !g_error_matches (obstacle, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY))
        continue;

      g_propagate_error (error, g_steal_pointer (&obstacle));
      return FALSE;
    }
  return TRUE;
}

gboolean
vp_bindings_reclaim (VpBindings *self,
                     const VpPciAddress *address,
                     const char *vm,
                     guint patience_ms,
                     char **driver,
                     GError **error)
{
  g_autoptr (VpJournalEntry) entry = vp_journal_entry_open (self->base, address, FALSE, error);
  g_auto (VpJournalNote) noted = { NULL };
  g_autoptr (VpPciFunction) function = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (VpGroupLock) group_lock = NULL;

  *driver = NULL;
  if (entry == NULL)
    return FALSE;
  if (!vp_journal_entry_exists (entry))
    return TRUE;
  if (!vp_journal_entry_lock (entry, error) || !vp_journal_entry_read (entry, &noted, error))
    return FALSE;
  if (g_strcmp0 (noted.vm, vm) != 0)
    return TRUE;

  function = vp_pci_function_read (self->sysfs, address);
  if (function != NULL && function->group >= 0)
    {
      group_lock = vp_group_lock_take (self->base, function->group, NULL, error);
      if (group_lock == NULL || !check_unused (self, function, patience_ms, error))
        {
          g_prefix_error (error, "%s: ", entry->name);
          return FALSE;
        }
    }
  if (!give_to (self, entry, noted.driver, &failure) && vp_journal_entry_exists (entry))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }

  /* One that was pulled out has gone home, too. */
  *driver = vp_vfio_driver_of (self->sysfs, address);
  if (*driver == NULL)
    *driver = g_strdup ("");
  return TRUE;
}

gboolean
vp_bindings_has (VpBindings *self, const VpPciAddress *address)
{
  g_autoptr (VpJournalEntry) entry = vp_journal_entry_open (self->base, address, FALSE, NULL);

  return entry != NULL && vp_journal_entry_exists (entry);
}

gboolean
vp_bindings_owes (VpBindings *self, const VpPciAddress *address)
{
  g_autoptr (VpJournalEntry) entry = vp_journal_entry_open (self->base, address, FALSE, NULL);
  g_auto (VpJournalNote) noted = { NULL };

  return entry != NULL && vp_journal_entry_exists (entry) &&
         (!vp_journal_entry_read (entry, &noted, NULL) || g_strcmp0 (noted.vm, self->vm) == 0);
}

gboolean
vp_bindings_lock_group (VpBindings *self, int group, GError **error)
{
  VpGroupLock *lock = NULL;
  gboolean is_ours;

  g_mutex_lock (&self->mutex);
  is_ours = g_hash_table_contains (self->groups, GINT_TO_POINTER (group));
  if (!is_ours)
    lock = vp_group_lock_take (self->base, group, self->vm, error);
  if (lock != NULL)
    g_hash_table_insert (self->groups, GINT_TO_POINTER (group), lock);
  g_mutex_unlock (&self->mutex);
  return is_ours || lock != NULL;
}

void
vp_bindings_unlock_group (VpBindings *self, int group)
{
  g_mutex_lock (&self->mutex);
  g_hash_table_remove (self->groups, GINT_TO_POINTER (group));
  g_mutex_unlock (&self->mutex);
}

gboolean
vp_bindings_is_with_vfio (VpBindings *self, const VpPciAddress *address)
{
  g_autofree char *driver = vp_vfio_driver_of (self->sysfs, address);

  return vp_vfio_is_vfio_driver (driver);
}
