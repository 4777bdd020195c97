#include "devices/error.h"
#include "devices/vfio-bind.h"
#include "devices/vfio-node.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/host-functions.h"
#include "launcher/vm/bindings.h"
#include "launcher/vm/group-lock.h"
#include "launcher/vm/run-dir.h"

#include <stdio.h>

/* Taking a device from vfio-pci while a VM has it blocks until the VM lets go, so nothing is
   changed when one of them is in use. A VM that has only just taken it has not opened it yet. A
   node that cannot be opened for another reason says nothing about that. */
static gboolean
check_unused (const VpHostFunctions *host, const char *root, GError **error)
{
  g_autofree char *base = vp_run_dir_base (root);

  for (guint i = 0; i < host->functions->len; i++)
    {
      const VpPciFunction *function = host->functions->pdata[i];
      g_autoptr (GError) obstacle = NULL;

      if (function->group >= 0 && !vp_group_lock_check (base, function->group, NULL, error))
        return FALSE;
      if (!vp_vfio_is_vfio_driver (function->driver) || function->group < 0 ||
          vp_vfio_node_check (host->sysfs, function->group, &obstacle) ||
          !g_error_matches (obstacle, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY))
        continue;

      g_propagate_error (error, g_steal_pointer (&obstacle));
      return FALSE;
    }
  return TRUE;
}

/* A card may have been pulled out, and a virtual function is no more when its number was written
   anew. Then all that is left is what we have noted of it. */
static gboolean
is_gone (VpSysfs *sysfs, VpBindings *bindings, const char *text, VpPciAddress *address)
{
  g_autofree char *device = NULL;
  g_autofree char *name = NULL;
  VpDeviceRef ref;

  if (!vp_device_ref_parse (text, &ref, NULL) || ref.kind != VP_DEVICE_REF_PCI)
    return FALSE;

  *address = ref.address;
  name = vp_pci_address_to_string (address);
  device = g_build_filename ("sys/bus/pci/devices", name, NULL);
  return !vp_sysfs_exists (sysfs, device) && vp_bindings_has (bindings, address);
}

/* Returns: (transfer full) (nullable): those of @refs that are not gone; the others are forgotten
 */
static char **
forget_gone (char **refs, const char *root, GError **error)
{
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (root, error);
  g_autoptr (VpBindings) bindings = NULL;
  g_autoptr (GStrvBuilder) left = g_strv_builder_new ();

  if (sysfs == NULL)
    return NULL;
  bindings = vp_bindings_new (sysfs, root);
  for (guint i = 0; refs[i] != NULL; i++)
    {
      VpPciAddress address;

      if (!is_gone (sysfs, bindings, refs[i], &address))
        {
          g_strv_builder_add (left, refs[i]);
          continue;
        }
      if (!vp_bindings_give_back (bindings, &address, error))
        return NULL;
      printf ("%s: gone, so that nothing is to be given back\n", refs[i]);
    }
  return g_strv_builder_end (left);
}

static gboolean
release (VpSysfs *sysfs, VpBindings *bindings, const VpPciFunction *function, GError **error)
{
  g_autofree char *address = vp_pci_address_to_string (&function->address);
  g_autofree char *now = NULL;
  const char *before = function->driver != NULL ? function->driver : "no driver";

  if (!vp_vfio_is_vfio_driver (function->driver) && !vp_bindings_has (bindings, &function->address))
    {
      printf ("%s: nothing to do, it has %s%s\n", address,
              function->driver != NULL ? "the driver " : "", before);
      return TRUE;
    }
  if (!vp_bindings_give_back (bindings, &function->address, error))
    return FALSE;

  now = vp_vfio_driver_of (sysfs, &function->address);
  printf ("%s: %s -> %s\n", address, before, now != NULL ? now : "no driver");
  return TRUE;
}

int
vp_command_release (int argc, char **argv, gboolean *as_json, GError **error)
{
  VpCommandLine line = {
    .usage = "REF…",
    .summary = "Gives host devices back to the drivers that they were taken from. Where that was "
               "not noted the kernel is asked for one.",
    .min_args = 1,
    .max_args = -1,
  };
  g_auto (GStrv) named = vp_command_line_parse (&line, argc, argv, NULL, error);
  g_autofree char *root = line.root;
  g_auto (GStrv) refs = named != NULL ? forget_gone (named, root, error) : NULL;
  g_autoptr (VpHostFunctions) host = NULL;
  g_autoptr (VpBindings) bindings = NULL;
  g_autoptr (GError) first = NULL;

  if (refs == NULL)
    return -1;
  host = vp_host_functions_new (root, refs, error);
  if (host == NULL || !check_unused (host, root, error))
    return -1;

  /* one that cannot go back keeps none of the others here */
  bindings = vp_bindings_new (host->sysfs, root);
  for (guint i = 0; i < host->functions->len; i++)
    {
      g_autoptr (GError) local = NULL;

      if (release (host->sysfs, bindings, host->functions->pdata[i], &local))
        continue;
      if (first == NULL)
        first = g_steal_pointer (&local);
      else
        fprintf (stderr, "vmplug: %s\n", local->message);
    }
  if (first == NULL)
    return 0;

  g_propagate_error (error, g_steal_pointer (&first));
  return -1;
}
