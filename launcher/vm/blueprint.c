#include "launcher/vm/blueprint.h"

#include "devices/error.h"
#include "devices/mediated-device.h"
#include "launcher/config/accelerator.h"
#include "launcher/config/guest-cpu.h"
#include "launcher/error.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/host-devices.h"
#include "launcher/vm/iommufd-choice.h"
#include "launcher/vm/numa-nodes.h"
#include "launcher/vm/own-devices.h"
#include "launcher/vm/plug-fd.h"
#include "launcher/vm/vfio-user.h"

#include <string.h>

/* A QEMU that was killed a moment ago may still have a group open: 0.24 s was seen. */
#define PATIENCE_MS 1000

/* How many devices warnings name before they say "and N more". */
#define MAX_NAMED 3

/* The devices that were asked for, found on the host. The requests borrow from the others. */
typedef struct
{
  GArray *requests; /* (element-type VpPlanRequest) */
  GPtrArray *specs; /* (element-type VpDeviceSpec): of each request */
  GPtrArray *refs;  /* (element-type utf8): as typed */
  GPtrArray *taken; /* (element-type VpPciFunction): those that will be bound to vfio-pci */
} Wishes;

static void
wishes_clear (Wishes *wishes)
{
  g_array_unref (wishes->requests);
  g_ptr_array_unref (wishes->specs);
  g_ptr_array_unref (wishes->refs);
  g_ptr_array_unref (wishes->taken);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wishes, wishes_clear)

static Wishes
wishes_new (void)
{
  return (Wishes){
    .requests = g_array_new (FALSE, FALSE, sizeof (VpPlanRequest)),
    .specs = g_ptr_array_new (),
    .refs = g_ptr_array_new_with_free_func (g_free),
    .taken = g_ptr_array_new (),
  };
}

/* What stands behind the reference, "" when nothing does. */
static const char *
options_of (const VpDeviceSpec *spec)
{
  return spec->text + strcspn (spec->text, ",");
}

static void
set_wish (Wishes *wishes, guint index, VpDeviceSpec *spec)
{
  VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, index);

  request->id = spec->id;
  request->driver = spec->driver;
  request->plug = spec->plug;
  wishes->specs->pdata[index] = spec;
  if (request->function != NULL && spec->bind &&
      !g_ptr_array_find (wishes->taken, request->function, NULL))
    g_ptr_array_add (wishes->taken, (gpointer) request->function);
}

/* A device that is named twice, by its group and by its address, is one device. Who says more of it
 * is heard. */
static gboolean
merge_wish (Wishes *wishes, guint index, VpDeviceSpec *spec, const char *ref, GError **error)
{
  const VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, index);
  const VpDeviceSpec *before = wishes->specs->pdata[index];

  if (options_of (spec)[0] == '\0' || g_str_equal (options_of (spec), options_of (before)))
    return TRUE;
  if (options_of (before)[0] == '\0')
    {
      set_wish (wishes, index, spec);
      return TRUE;
    }

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
               "%s and %s are one device, asked for with different options: \"%s\" and \"%s\"",
               request->ref, ref, options_of (before) + 1, options_of (spec) + 1);
  return FALSE;
}

/* What it names is no function of the host, and yet there is one of it. */
static gboolean
is_one_of_a_kind (const VpPlanRequest *request)
{
  return request->is_mediated || request->is_vfio_user;
}

static gboolean
add_wish (Wishes *wishes,
          VpDeviceSpec *spec,
          const char *ref,
          const VpPciFunction *function,
          GError **error)
{
  const VpPlanRequest request = {
    .ref = ref,
    .function = function,
    .is_mediated = vp_device_spec_is_mediated (spec),
    .is_vfio_user = spec->kind == VP_DEVICE_SPEC_VFIO_USER,
  };

  for (guint i = 0; i < wishes->requests->len; i++)
    {
      const VpPlanRequest *other = &g_array_index (wishes->requests, VpPlanRequest, i);

      if (function != NULL ? other->function == function
                           : is_one_of_a_kind (&request) && is_one_of_a_kind (other) &&
                                 g_str_equal (other->ref, ref))
        return merge_wish (wishes, i, spec, ref, error);
    }

  g_array_append_val (wishes->requests, request);
  g_ptr_array_add (wishes->specs, NULL);
  set_wish (wishes, wishes->specs->len - 1, spec);
  return TRUE;
}

static char *
name_spec (const VpDeviceSpec *spec)
{
  if (vp_device_spec_is_mediated (spec))
    return g_strdup (spec->ref.uuid);
  if (spec->kind == VP_DEVICE_SPEC_VFIO_USER)
    return g_strdup (spec->socket);
  if (spec->kind == VP_DEVICE_SPEC_QEMU)
    return g_strdup (spec->driver);
  if (spec->disk != NULL)
    return g_strconcat ("disk,", spec->disk->file, NULL);
  if (spec->nic != NULL)
    return g_strconcat ("nic,", vp_nic_kind_to_string (spec->nic->kind), NULL);
  return g_strndup (spec->text, strcspn (spec->text, ","));
}

static gboolean
resolve (Wishes *wishes, const VpInventory *inventory, VpDeviceSpec *spec, GError **error)
{
  g_autoptr (GPtrArray) functions = vp_host_devices_resolve (inventory, spec, error);
  char *ref;

  if (functions == NULL)
    return FALSE;

  ref = name_spec (spec);
  g_ptr_array_add (wishes->refs, ref);
  for (guint i = 0; i < functions->len; i++)
    if (!add_wish (wishes, spec, ref, functions->pdata[i], error))
      return FALSE;
  return TRUE;
}

/* The kernel lets a group be used as a whole or by its devices, never both ways. */
static gboolean
check_one_way (const Wishes *wishes, GError **error)
{
  for (guint i = 0; i < wishes->requests->len; i++)
    for (guint j = 0; j < i; j++)
      {
        const VpPciFunction *one = g_array_index (wishes->requests, VpPlanRequest, j).function;
        const VpPciFunction *two = g_array_index (wishes->requests, VpPlanRequest, i).function;
        g_autofree char *name_one = NULL;
        g_autofree char *name_two = NULL;

        if (one == NULL || two == NULL || one->group != two->group ||
            vp_device_spec_is_by_iommufd (wishes->specs->pdata[i]) ==
                vp_device_spec_is_by_iommufd (wishes->specs->pdata[j]))
          continue;
        name_one = vp_pci_address_to_string (&one->address);
        name_two = vp_pci_address_to_string (&two->address);
        g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                     "%s and %s share IOMMU group %d: iommufd= must be the same for both", name_one,
                     name_two, one->group);
        return FALSE;
      }
  return TRUE;
}

/* Decides which are by iommufd, and makes warnings of those that would rather be. */
static gboolean
choose_iommufd (const VpBlueprint *self, const Wishes *wishes, GPtrArray *warnings, GError **error)
{
  gboolean asked = FALSE;

  for (guint i = 0; i < wishes->requests->len; i++)
    {
      const VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, i);
      VpDeviceSpec *spec = wishes->specs->pdata[i];
      g_autoptr (GError) why = NULL;

      if (!vp_iommufd_choice_is_wanted (spec))
        continue;
      if (vp_iommufd_choice_check_host (self->sysfs, spec, request->function, &why) && !asked)
        asked = vp_iommufd_choice_check_program (self->config->qemu, &why);
      if (!vp_iommufd_choice_decide (spec, why, error))
        return FALSE;
      if (why != NULL)
        g_ptr_array_add (
            warnings, g_strdup_printf ("%s is used by its group: %s", request->ref, why->message));
    }
  return check_one_way (wishes, error);
}

static gboolean
check_device (const VpBlueprint *self,
              const Wishes *wishes,
              guint index,
              gboolean is_rehearsal,
              GError **error)
{
  const VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, index);
  const VpDeviceSpec *spec = wishes->specs->pdata[index];

  if (request->is_mediated)
    return vp_mediated_device_check (self->sysfs, request->ref, error);
  if (request->is_vfio_user)
    return vp_vfio_user_check_socket (spec->socket, error);
  return request->function == NULL ||
         (vp_host_devices_check (self->sysfs, self->inventory, request->function, spec,
                                 wishes->taken, error) &&
          vp_host_devices_check_free (self->sysfs, request->function, vp_host_node_of (spec),
                                      is_rehearsal ? 0 : PATIENCE_MS, error));
}

/* Checks that each can be assigned, or makes warnings of why not. */
static gboolean
check_devices (VpBlueprint *self,
               const Wishes *wishes,
               gboolean is_rehearsal,
               GPtrArray *warnings,
               GError **error)
{
  guint n_named = 0;

  for (guint i = 0; i < wishes->requests->len; i++)
    {
      const VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, i);
      g_autoptr (GError) why = NULL;

      if (is_rehearsal && is_one_of_a_kind (request))
        {
          g_ptr_array_add (warnings, g_strdup_printf ("%s: left out of the rehearsal: its BARs are "
                                                      "known only once it is open",
                                                      request->ref));
          continue;
        }
      if (check_device (self, wishes, i, is_rehearsal, &why))
        continue;
      if (!is_rehearsal)
        {
          g_propagate_error (error, g_steal_pointer (&why));
          return FALSE;
        }
      if (n_named++ < MAX_NAMED)
        g_ptr_array_add (warnings, g_strdup_printf ("not assignable yet: %s", why->message));
    }
  if (n_named > MAX_NAMED)
    g_ptr_array_add (warnings, g_strdup_printf ("not assignable yet: %u more, see vmplug devices",
                                                n_named - MAX_NAMED));
  return TRUE;
}

/* Once for all of them: it runs QEMU. */
static gboolean
check_qemu (const VpBlueprint *self, const Wishes *wishes, GError **error)
{
  for (guint i = 0; i < wishes->requests->len; i++)
    if (g_array_index (wishes->requests, VpPlanRequest, i).is_vfio_user)
      return vp_vfio_user_check_qemu (self->config->qemu, error);
  return TRUE;
}

static gboolean
find_devices (
    VpBlueprint *self, Wishes *wishes, gboolean is_rehearsal, GPtrArray *warnings, GError **error)
{
  for (guint i = 0; i < self->config->devices->len; i++)
    if (!resolve (wishes, self->inventory, self->config->devices->pdata[i], error))
      return FALSE;

  /* Only now is it known which neighbours in a group come along. */
  return (is_rehearsal || choose_iommufd (self, wishes, warnings, error)) &&
         check_devices (self, wishes, is_rehearsal, warnings, error) &&
         (is_rehearsal || check_qemu (self, wishes, error));
}

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
make_policy (const VpConfig *config, const VpGuestCpu *cpu)
{
  VpPlanPolicy policy = {
    .root = vp_own_devices_root (config),
    .firmware = vp_firmware_get (config->firmware, config->firmware_version),
    .large_bar = config->large_bar,
    .n_spare = config->spare,
    .spare_window = config->spare_window,
    .space = { .machine = config->machine,
               .ram = config->memory,
               .max_ram = config->max_memory,
               .hole64 = cpu->is_32_bit ? 0 : vp_address_space_hole64 (config->machine),
               .is_amd = cpu->is_amd },
    .default_bits = cpu->default_bits,
    .max_bits = cpu->max_bits,
  };

  return policy;
}

static gboolean
make_plan (VpBlueprint *self, const VpHostCpu *host, gboolean is_rehearsal, GError **error)
{
  g_auto (Wishes) wishes = wishes_new ();
  VpPlanPolicy policy;
  VpGuestCpu guest;
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);

  if (!find_devices (self, &wishes, is_rehearsal, warnings, error))
    return FALSE;

  vp_guest_cpu_get (self->config->cpu, self->accel, host, &guest);
  policy = make_policy (self->config, &guest);
  self->plan = vp_plan_build (&policy, (const VpPlanRequest *) (void *) wishes.requests->data,
                              wishes.requests->len, error);
  if (self->plan == NULL)
    return FALSE;

  if (self->plan->phys_bits > guest.default_bits)
    self->cpu = vp_guest_cpu_widen (self->config->cpu, self->accel, self->plan->phys_bits);
  else
    self->cpu = g_strdup (self->config->cpu != NULL ? self->config->cpu
                                                    : vp_guest_cpu_default (self->accel));
  self->specs = g_ptr_array_ref (wishes.specs);
  g_ptr_array_extend_and_steal (self->plan->warnings, g_steal_pointer (&warnings));
  warn_of_qemu_args (self);
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
  };

  self->argv = vp_argv_build (&input);
  self->cold = vp_argv_get_cold_devices (&input);
  self->has_iommufd = vp_argv_has_iommufd (&input);
}

static VpBlueprint *
new_blueprint (VpConfig *config, const char *root, gboolean is_rehearsal, GError **error)
{
  g_autoptr (VpBlueprint) self = g_new0 (VpBlueprint, 1);
  VpHostCpu host;
  VpKvmFacts facts;
  guint n_host_nodes;

  self->config = config;
  if (!vp_config_check (config, error) || !vp_own_devices_check (config, error))
    return NULL;

  self->sysfs = vp_sysfs_open (root, error);
  if (self->sysfs == NULL)
    return NULL;

  vp_host_cpu_read (self->sysfs, &host);
  vp_kvm_facts_read (self->sysfs, &host, &facts);
  if (!vp_accelerator_choose (config->accel, &facts, &self->accel, &self->accel_reason, error))
    return NULL;

  self->inventory = vp_inventory_read (self->sysfs, error);
  if (self->inventory == NULL || !make_plan (self, &host, is_rehearsal, error))
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
  vp_config_free (self->config);
  g_free (self);
}
