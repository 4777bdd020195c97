#include "launcher/vm/replay.h"

#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/bindings.h"
#include "launcher/vm/journal.h"
#include "launcher/vm/leftover.h"
#include "launcher/vm/run-dir.h"
#include "launcher/vm/start-guard.h"

#include <string.h>

/* A QEMU whose supervisor was killed a moment ago is still on its way out. */
#define CLEAR_UP_PATIENCE_MS 1000

/* One entry of the journal that is a VM's. */
typedef struct
{
  VpPciAddress address;
  char *vm;
} Owned;

/* What there is to look at. */
typedef struct
{
  char **left;   /* run-dirs without a supervisor */
  GArray *owned; /* (element-type Owned): devices of VMs, dead or not */
} Finds;

static void
owned_clear (gpointer data)
{
  Owned *owned = data;

  g_free (owned->vm);
}

static void
finds_clear (Finds *finds)
{
  g_strfreev (finds->left);
  g_array_unref (finds->owned);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Finds, finds_clear)

static void
step_free (gpointer data)
{
  VpReplayStep *step = data;

  g_clear_error (&step->error);
  g_free (step->driver);
  g_free (step->subject);
  g_free (step->vm);
  g_free (step);
}

/* Takes @subject, @driver and @error. */
static void
add_step (
    GPtrArray *steps, VpReplayKind kind, const char *vm, char *subject, char *driver, GError *error)
{
  VpReplayStep *step = g_new0 (VpReplayStep, 1);

  step->kind = kind;
  step->vm = g_strdup (vm);
  step->subject = subject;
  step->driver = driver;
  step->error = error;
  g_ptr_array_add (steps, step);
}

/* Reads one entry; what is none is a step that cannot be done. */
static void
find_entry (Finds *finds, const char *base, const char *name, GPtrArray *steps)
{
  g_autoptr (VpJournalEntry) entry = NULL;
  g_auto (VpJournalNote) noted = { NULL };
  GError *error = NULL;
  Owned owned;

  if (!vp_pci_address_parse (name, &owned.address, NULL))
    g_set_error (&error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO,
                 "%s/bindings/%s: no journal entry (its name is no address); remove it", base,
                 name);
  else
    {
      entry = vp_journal_entry_open (base, &owned.address, FALSE, &error);
      if (entry != NULL && vp_journal_entry_read (entry, &noted, &error) && noted.vm != NULL)
        {
          owned.vm = g_steal_pointer (&noted.vm);
          g_array_append_val (finds->owned, owned);
        }
    }
  if (error != NULL)
    add_step (steps, VP_REPLAY_DEVICE, NULL, g_strdup (name), NULL, error);
}

static Finds
find (const char *root, GPtrArray *steps)
{
  Finds finds = { NULL, g_array_new (FALSE, FALSE, sizeof (Owned)) };
  g_autofree char *base = vp_run_dir_base (root);
  g_auto (GStrv) names = NULL;
  GError *error = NULL;

  g_array_set_clear_func (finds.owned, owned_clear);
  finds.left = vp_run_dir_list_left (root, &error);
  if (finds.left == NULL)
    {
      add_step (steps, VP_REPLAY_RUN_DIR, NULL, g_build_filename (base, "vms", NULL), NULL, error);
      finds.left = g_new0 (char *, 1);
      error = NULL;
    }
  names = vp_journal_list (base, &error);
  if (names == NULL)
    add_step (steps, VP_REPLAY_DEVICE, NULL, g_build_filename (base, "bindings", NULL), NULL,
              error);
  for (char **name = names; name != NULL && *name != NULL; name++)
    find_entry (&finds, base, *name, steps);
  return finds;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Returns: (transfer container): the names of VMs that may be dead, each once, borrowed from @finds
 */
static GPtrArray *
list_suspects (const char *root, const Finds *finds)
{
  g_auto (GStrv) live = vp_run_dir_list (root);
  GPtrArray *names = g_ptr_array_new ();

  for (char **name = finds->left; *name != NULL; name++)
    g_ptr_array_add (names, *name);
  for (guint i = 0; i < finds->owned->len; i++)
    {
      char *vm = g_array_index (finds->owned, Owned, i).vm;

      if (!g_strv_contains ((const char *const *) live, vm) &&
          !g_ptr_array_find_with_equal_func (names, vm, g_str_equal, NULL))
        g_ptr_array_add (names, vm);
    }
  g_ptr_array_sort (names, compare_names);
  return names;
}

static void
give_back (
    VpBindings *bindings, const Finds *finds, const char *vm, guint patience_ms, GPtrArray *steps)
{
  for (guint i = 0; i < finds->owned->len; i++)
    {
      const Owned *owned = &g_array_index (finds->owned, Owned, i);
      GError *error = NULL;
      char *driver;

      if (!g_str_equal (owned->vm, vm))
        continue;
      if (!vp_bindings_reclaim (bindings, &owned->address, vm, patience_ms, &driver, &error) ||
          driver != NULL)
        add_step (steps, VP_REPLAY_DEVICE, vm, vp_pci_address_to_string (&owned->address), driver,
                  error);
    }
}

/* Does all that one dead VM has left to do. */
static void
clear_up (VpBindings *bindings,
          const char *root,
          const Finds *finds,
          const char *vm,
          guint patience_ms,
          GPtrArray *steps)
{
  gboolean had_folder = g_strv_contains ((const char *const *) finds->left, vm);
  GError *error = NULL;
  VpRunDir *run_dir = vp_run_dir_adopt (root, vm, &error);
  g_autofree char *path = NULL;
  pid_t pid;

  if (g_error_matches (error, VP_ERROR, VP_ERROR_EXISTS))
    {
      g_error_free (error); /* it has started meanwhile */
      return;
    }
  if (run_dir == NULL)
    {
      g_autofree char *base = vp_run_dir_base (root);

      add_step (steps, VP_REPLAY_RUN_DIR, vm, g_build_filename (base, "vms", vm, NULL), NULL,
                error);
      return;
    }

  if (!vp_leftover_end (run_dir, &pid, &error))
    {
      add_step (steps, VP_REPLAY_QEMU, vm, g_strdup (vm), NULL, error);
      vp_run_dir_free (run_dir);
      return;
    }
  if (pid != 0)
    add_step (steps, VP_REPLAY_QEMU, vm, g_strdup_printf ("%d", pid), NULL, NULL);
  give_back (bindings, finds, vm, patience_ms, steps);
  path = g_strdup (vp_run_dir_get_path (run_dir));
  vp_run_dir_remove (run_dir);
  if (had_folder)
    add_step (steps, VP_REPLAY_RUN_DIR, vm, g_steal_pointer (&path), NULL, NULL);
}

const char *
vp_replay_kind_to_string (VpReplayKind kind)
{
  static const char *const names[] = {
    [VP_REPLAY_QEMU] = "qemu",
    [VP_REPLAY_DEVICE] = "device",
    [VP_REPLAY_RUN_DIR] = "run-dir",
  };

  return names[kind];
}

static gboolean
has_suspects (const char *root)
{
  g_autoptr (GPtrArray) steps = g_ptr_array_new_with_free_func (step_free);
  g_auto (Finds) finds = find (root, steps);
  g_autoptr (GPtrArray) suspects = list_suspects (root, &finds);

  return suspects->len > 0 || steps->len > 0;
}

GPtrArray *
vp_replay_run (VpSysfs *sysfs, const char *root, guint patience_ms)
{
  GPtrArray *steps = g_ptr_array_new_with_free_func (step_free);
  g_autoptr (VpBindings) bindings = NULL;
  g_autoptr (GPtrArray) suspects = NULL;
  g_autofree char *base = vp_run_dir_base (root);
  g_auto (Finds) finds = { NULL };
  vp_autofd int guard = -1;

  /* Most times there is nothing to do, and nobody is kept from starting. */
  if (has_suspects (root))
    guard = vp_start_guard_take (base, VP_START_GUARD_CLEARING);

  /* Whoever was starting a moment ago has its lock now. */
  finds = find (root, steps);
  suspects = list_suspects (root, &finds);
  bindings = vp_bindings_new (sysfs, root);
  for (guint i = 0; guard >= 0 && i < suspects->len; i++)
    clear_up (bindings, root, &finds, suspects->pdata[i], patience_ms, steps);
  return steps;
}

void
vp_replay_clear_up (const char *root)
{
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (root, NULL);

  if (sysfs != NULL)
    g_ptr_array_unref (vp_replay_run (sysfs, root, CLEAR_UP_PATIENCE_MS));
}
