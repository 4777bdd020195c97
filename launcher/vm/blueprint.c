#include "launcher/vm/blueprint.h"

#include "launcher/config/accelerator.h"
#include "launcher/config/device-check.h"
#include "launcher/config/firmware-file.h"
#include "launcher/config/guest-cpu.h"
#include "launcher/vm/argv-foreign.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/numa-nodes.h"
#include "launcher/vm/own-devices.h"
#include "launcher/vm/plug-fd.h"
#include "launcher/vm/wish-list.h"

#include <string.h>
#include <unistd.h>

/* QEMU creates such a device before ours and puts it into the first free slot, which is a port's.
 */
static void
warn_of_qemu_args (VpBlueprint *self)
{
  char **args = self->config->qemu_args;

  for (guint i = 0; args != NULL && args[i] != NULL && args[i + 1] != NULL; i++)
    {
      const char *value = args[i + 1];

      if ((g_str_equal (args[i], "-device") || g_str_equal (args[i], "--device")) &&
          value[0] != '{' && strstr (value, "addr=") == NULL && strstr (value, "bus=") == NULL &&
          !g_str_has_prefix (value, "isa-"))
        g_ptr_array_add (self->plan->warnings,
                         g_strdup_printf ("-device %s: a PCI device without addr= takes the first "
                                          "slot, which a port needs; --device qemu,driver=… has a "
                                          "place of its own",
                                          value));
    }
}

static VpPlanPolicy
make_policy (const VpBlueprint *self, const VpGuestCpu *cpu)
{
  const VpConfig *config = self->config;
  const VpForeign *foreign = self->foreign;
  VpPlanPolicy policy = {
    .root = foreign != NULL ? foreign->root : vp_own_devices_root (config),
    .firmware = vp_firmware_get (config->firmware, config->firmware_version),
    .large_bar = config->large_bar,
    .n_spare = config->spare,
    .spare_window = config->spare_window,
    .n_bridges = config->n_bridges,
    .hot_on_bridge = config->hot_on_bridge,
    .space = { .machine = config->machine,
               .ram = config->memory,
               .max_ram = foreign != NULL ? foreign->max_memory : config->max_memory,
               .n_slots = foreign != NULL ? foreign->n_memory_slots : 0,
               .hole64 = cpu->is_32_bit ? 0 : vp_address_space_hole64 (config->machine),
               .is_amd = cpu->is_amd },
    .taken_ids = foreign != NULL ? foreign->ids : NULL,
    .default_bits = cpu->default_bits,
    .max_bits = cpu->max_bits,
  };

  return policy;
}

static void
choose_cpu (VpBlueprint *self, const char *cpu, gboolean is_wider)
{
  if (is_wider && self->foreign == NULL)
    self->cpu = vp_guest_cpu_widen (cpu, self->accel, self->plan->phys_bits);
  else
    self->cpu = g_strdup (cpu != NULL ? cpu : vp_guest_cpu_default (self->accel));
  self->widened_bits = is_wider ? self->plan->phys_bits : 0;
}

static gboolean
make_plan (VpBlueprint *self, const VpHostCpu *host, gboolean is_rehearsal, GError **error)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  const VpWishSource source = { .config = self->config,
                                .sysfs = self->sysfs,
                                .inventory = self->inventory,
                                .owner = self->foreign != NULL ? self->config->name : NULL,
                                .is_rehearsal = is_rehearsal };
  g_autoptr (VpWishList) wishes = vp_wish_list_find (&source, warnings, error);
  g_autofree char *cpu = vp_config_full_cpu (self->config, vp_guest_cpu_default (self->accel));
  VpPlanPolicy policy;
  VpGuestCpu guest;

  if (wishes == NULL)
    return FALSE;

  vp_guest_cpu_get (cpu, self->accel, host, &guest);
  policy = make_policy (self, &guest);
  self->plan = vp_plan_build (&policy, (const VpPlanRequest *) (void *) wishes->requests->data,
                              wishes->requests->len, error);
  if (self->plan == NULL)
    return FALSE;

  choose_cpu (self, cpu, self->plan->phys_bits > guest.default_bits);
  self->specs = g_ptr_array_ref (wishes->specs);
  g_ptr_array_extend_and_steal (self->plan->warnings, g_steal_pointer (&warnings));
  warn_of_qemu_args (self);
  for (guint i = 0; i < self->config->warnings->len; i++)
    g_ptr_array_add (self->plan->warnings, g_strdup (self->config->warnings->pdata[i]));
  return TRUE;
}

static void
write_argv (VpBlueprint *self, guint n_host_nodes)
{
  const VpArgvInput input = {
    .config = self->config,
    .plan = self->plan,
    .specs = (const VpDeviceSpec *const *) self->specs->pdata,
    .accel = self->accel,
    .cpu = self->cpu,
    .n_host_nodes = n_host_nodes,
    .has_vhost_net = vp_plug_fd_has_vhost_net (self->sysfs),
    .first_device_fd = self->foreign != NULL ? self->foreign->first_fd + 1 : 0,
  };

  if (self->foreign != NULL)
    self->argv = vp_argv_foreign_build (&input, self->foreign, self->widened_bits);
  else
    self->argv = vp_argv_build (&input);
  self->cold = vp_argv_get_cold_devices (&input);
  self->has_iommufd = vp_argv_has_iommufd (&input);
}

/* Reads the host and plans. */
static gboolean
fill (VpBlueprint *self, const char *root, gboolean is_rehearsal, GError **error)
{
  VpHostCpu host;
  VpKvmFacts facts;

  self->sysfs = vp_sysfs_open (root, error);
  if (self->sysfs == NULL)
    return FALSE;

  vp_host_cpu_read (self->sysfs, &host);
  if (self->foreign != NULL && self->config->accel != VP_ACCEL_AUTO)
    {
      /* Whether it works is between them and QEMU. */
      self->accel = self->config->accel;
      self->accel_reason = g_strdup ("on the command line");
    }
  else
    {
      vp_kvm_facts_read (self->sysfs, &host, &facts);
      if (!vp_accelerator_choose (self->config->accel, &facts, &self->accel, &self->accel_reason,
                                  error))
        return FALSE;
    }

  if (self->inventory == NULL)
    self->inventory = vp_inventory_read (self->sysfs, error);
  return self->inventory != NULL && make_plan (self, &host, is_rehearsal, error);
}

static VpBlueprint *
new_blueprint (VpConfig *config, const char *root, gboolean is_rehearsal, GError **error)
{
  g_autoptr (VpBlueprint) self = g_new0 (VpBlueprint, 1);
  guint n_host_nodes;

  self->config = config;
  if (!vp_config_check (config, error) || !vp_own_devices_check (config, error) ||
      !fill (self, root, is_rehearsal, error))
    return NULL;

  n_host_nodes = vp_numa_nodes_count (self->sysfs);
  if (config->numa > 1 && config->numa > n_host_nodes)
    g_ptr_array_add (self->plan->warnings,
                     g_strdup_printf ("--numa %u: the host has %u NUMA node%s, so that the memory "
                                      "of the guest's others is anywhere",
                                      config->numa, n_host_nodes, n_host_nodes == 1 ? "" : "s"));
  write_argv (self, n_host_nodes);
  return g_steal_pointer (&self);
}

/* What stands behind their -bios or pflash, as far as it can be read from here, or QEMU's own. */
static void
recognise_firmware (VpConfig *config, const VpForeign *foreign)
{
  g_auto (VpFirmwareFile) file = { .kind = VP_FIRMWARE_SEABIOS };

  /* A mere name is looked for in QEMU's folders. */
  if (config->firmware_path != NULL && !vp_firmware_file_read (config->firmware_path, &file, NULL))
    file.kind = VP_FIRMWARE_OTHER;
  else if (config->firmware_path == NULL && !foreign->has_data_folder)
    vp_firmware_file_read_default (config->qemu, &file);

  config->firmware = file.kind;
  g_free (config->firmware_version);
  config->firmware_version = g_steal_pointer (&file.version);
}

static gboolean
check_foreign (VpBlueprint *self, GError **error)
{
  VpConfig *config = self->config;

  for (guint i = 0; i < config->devices->len; i++)
    if (!vp_device_check (config->devices->pdata[i], error))
      return FALSE;
  return vp_foreign_check (self->foreign, error);
}

VpBlueprint *
vp_blueprint_new_for_foreign (
    VpConfig *config, VpForeign *foreign, VpInventory *inventory, const char *root, GError **error)
{
  g_autoptr (VpBlueprint) self = NULL;

  g_return_val_if_fail (config != NULL && foreign != NULL && root != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self = g_new0 (VpBlueprint, 1);
  self->config = config;
  self->foreign = foreign;
  self->inventory = inventory;
  if (config->name == NULL)
    config->name = g_strdup_printf ("vm-%d", (int) getpid ());
  if (!check_foreign (self, error))
    return NULL;

  recognise_firmware (config, foreign);
  if (!fill (self, root, FALSE, error))
    return NULL;
  write_argv (self, 0);
  return g_steal_pointer (&self);
}

VpBlueprint *
vp_blueprint_new (VpConfig *config, const char *root, GError **error)
{
  g_return_val_if_fail (config != NULL && root != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return new_blueprint (config, root, FALSE, error);
}

VpBlueprint *
vp_blueprint_new_for_rehearsal (VpConfig *config, const char *root, GError **error)
{
  g_return_val_if_fail (config != NULL && root != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return new_blueprint (config, root, TRUE, error);
}

void
vp_blueprint_free (VpBlueprint *self)
{
  if (self == NULL)
    return;

  g_strfreev (self->argv);
  g_free (self->accel_reason);
  g_free (self->cpu);
  g_clear_pointer (&self->cold, g_ptr_array_unref);
  g_clear_pointer (&self->specs, g_ptr_array_unref);
  g_clear_pointer (&self->plan, vp_plan_free);
  g_clear_pointer (&self->inventory, vp_inventory_free);
  g_clear_pointer (&self->sysfs, vp_sysfs_free);
  vp_foreign_free (self->foreign);
  vp_config_free (self->config);
  g_free (self);
}
