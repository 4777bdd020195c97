#include "devices/error.h"
#include "devices/host-use.h"
#include "devices/vfio-bind.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/host-functions.h"
#include "launcher/error.h"
#include "launcher/vm/bindings.h"

#include <stdio.h>

/* A driver that does not let go of a device keeps us no longer than this. */
#define DEADLINE_MS 30000

/* All that can be refused is refused before the first change. That the rest of a group is still
   with the host is no obstacle here: it may be next. */
static gboolean
check (const VpHostFunctions *host, gboolean force, GError **error)
{
  for (guint i = 0; i < host->functions->len; i++)
    {
      const VpPciFunction *function = host->functions->pdata[i];
      g_autoptr (GError) local = NULL;

      if (!vp_inventory_check_assignable (host->inventory, function, host->functions, &local) &&
          !g_error_matches (local, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_VIABLE))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      if (!vp_vfio_is_vfio_driver (function->driver) &&
          !vp_sysfs_exists (host->sysfs, "sys/bus/pci/drivers/vfio-pci"))
        {
          g_set_error (error, VP_ERROR, VP_ERROR_HOST,
                       "the vfio-pci driver is not loaded: run modprobe vfio-pci first");
          return FALSE;
        }
      if (!vp_vfio_is_vfio_driver (function->driver) && !force &&
          !vp_host_use_check (host->sysfs, function, error))
        return FALSE;
    }
  return TRUE;
}

static void
print_result (const VpHostFunctions *host, GPtrArray *taken)
{
  for (guint i = 0; i < host->functions->len; i++)
    {
      const VpPciFunction *function = host->functions->pdata[i];
      g_autofree char *address = vp_pci_address_to_string (&function->address);
      g_autofree char *now = vp_vfio_driver_of (host->sysfs, &function->address);

      if (g_ptr_array_find (taken, function, NULL))
        printf ("%s: %s -> %s\n", address,
                function->driver != NULL ? function->driver : "no driver",
                now != NULL ? now : "no driver");
      else
        printf ("%s: nothing to do, it has the driver %s\n", address, function->driver);
    }
}

/* A group is given to a VM as a whole, so a device whose neighbours stay is of no use yet. */
static void
warn_about_groups (const VpHostFunctions *host)
{
  g_autoptr (VpInventory) now = vp_inventory_read (host->sysfs, NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (guint i = 0; now != NULL && i < host->functions->len; i++)
    {
      const VpPciFunction *before = host->functions->pdata[i];
      const VpPciFunction *function = vp_inventory_find (now, &before->address);
      g_autoptr (GError) obstacle = NULL;

      if (function == NULL || !g_hash_table_add (seen, GINT_TO_POINTER (function->group)) ||
          vp_inventory_check_assignable (now, function, NULL, &obstacle) ||
          !g_error_matches (obstacle, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_VIABLE))
        continue;

      fprintf (stderr, "vmplug: warning: %s; bind what is left of the group, too\n",
               obstacle->message);
    }
}

int
vp_command_bind (int argc, char **argv, gboolean *as_json, GError **error)
{
  gboolean force = FALSE;
  const GOptionEntry entries[] = {
    { "force", 0, 0, G_OPTION_ARG_NONE, &force, "Take it even if the host lives on it", NULL },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "REF…",
    .summary = "Takes host devices from their drivers and gives them to vfio-pci. All of them are "
               "taken, or none. Whose they were is noted for vmplug release.",
    .entries = entries,
    .min_args = 1,
    .max_args = -1,
  };
  g_auto (GStrv) refs = vp_command_line_parse (&line, argc, argv, NULL, error);
  g_autofree char *root = line.root;
  g_autoptr (VpHostFunctions) host = NULL;
  g_autoptr (VpBindings) bindings = NULL;
  g_autoptr (GPtrArray) taken = g_ptr_array_new ();

  if (refs == NULL)
    return -1;
  host = vp_host_functions_new (root, refs, error);
  if (host == NULL || !check (host, force, error))
    return -1;

  bindings = vp_bindings_new (host->sysfs, root);
  if (!vp_bindings_take_all (bindings, host->functions, DEADLINE_MS, taken, error))
    return -1;

  print_result (host, taken);
  warn_about_groups (host);
  return 0;
}
