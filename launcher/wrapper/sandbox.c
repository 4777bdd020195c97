#include "launcher/wrapper/sandbox.h"

#include "launcher/config/vm-name.h"
#include "launcher/vm/host-node.h"
#include "launcher/vm/replay.h"
#include "launcher/wrapper/device-choice.h"
#include "launcher/wrapper/group-claim.h"

void
vp_sandbox_free (VpSandbox *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->blueprint, vp_blueprint_free);
  g_clear_pointer (&self->bindings, vp_bindings_free);
  g_clear_pointer (&self->run_dir, vp_run_dir_remove);
  g_clear_pointer (&self->sysfs, vp_sysfs_free);
  g_ptr_array_unref (self->warnings);
  g_free (self);
}

static gboolean
has_rule (const VpForeignVm *vm, const VpWrapperConfig *config)
{
  for (guint i = 0; i < config->rules->len; i++)
    if (vp_device_rule_applies (config->rules->pdata[i], vm->name))
      return TRUE;
  return FALSE;
}

/* What is malformed there is an error of vp_sandbox_new(). */
static gboolean
has_variable (const char *const *environment)
{
  g_autoptr (VpDeviceEnvironment) devices = vp_device_environment_parse (environment, NULL);

  return devices == NULL || devices->specs->len > 0 || devices->warnings->len > 0;
}

gboolean
vp_sandbox_is_wanted (const VpForeignVm *vm,
                      const VpWrapperConfig *config,
                      const char *const *environment)
{
  return config->take_over || config->has_spare || has_rule (vm, config) ||
         has_variable (environment);
}

/* A name that is none of ours is QEMU's business; the VM is called something all the same. */
static char *
choose_name (const VpForeignVm *vm, pid_t pid)
{
  return vm->name != NULL && vp_vm_name_is_valid (vm->name) ? g_strdup (vm->name)
                                                            : g_strdup_printf ("qemu-%d", pid);
}

static void
add_warnings (VpSandbox *self, const GPtrArray *warnings)
{
  for (guint i = 0; i < warnings->len; i++)
    g_ptr_array_add (self->warnings, g_strdup (warnings->pdata[i]));
}

/* Returns: (element-type utf8): the host devices that the caller gives QEMU itself */
static GPtrArray *
list_callers (const VpForeignVm *vm)
{
  GPtrArray *callers = g_ptr_array_new ();

  for (guint i = 0; i < vm->devices->len; i++)
    {
      const VpForeignDevice *device = vm->devices->pdata[i];

      if (device->host != NULL)
        g_ptr_array_add (callers, device->host);
      if (device->sysfsdev != NULL)
        g_ptr_array_add (callers, device->sysfsdev);
    }
  return callers;
}

/* For a person who wonders why the VM has what it has. */
static void
note_choice (VpSandbox *self, const VpDeviceChoice *choice)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < choice->specs->len; i++)
    g_string_append_printf (text, "%s: %s\n", ((VpDeviceSpec *) choice->specs->pdata[i])->text,
                            (char *) choice->reasons->pdata[i]);
  for (guint i = 0; i < choice->notes->len; i++)
    g_string_append_printf (text, "%s\n", (char *) choice->notes->pdata[i]);
  vp_run_dir_write (self->run_dir, VP_SANDBOX_CHOICE, text->str, NULL);
}

/* @inventory: (out) (transfer full) (nullable): what the host has, of which it was chosen */
static gboolean
choose_devices (VpSandbox *self,
                VpConfig *vm_config,
                const VpForeignVm *vm,
                const VpWrapperConfig *config,
                const char *const *variables,
                VpInventory **inventory,
                GError **error)
{
  g_autoptr (VpDeviceEnvironment) environment = vp_device_environment_parse (variables, error);
  g_autoptr (GPtrArray) callers = list_callers (vm);
  g_autoptr (VpDeviceChoice) choice = NULL;
  VpGroupClaim claim = { .bindings = self->bindings, .patience_ms = VP_HOST_NODE_PATIENCE_MS };
  VpDeviceChoiceInput input = { .sandbox = vm->name,
                                .environment = environment,
                                .rules = config->rules,
                                .callers = callers,
                                .large_bar = config->large_bar,
                                .claim = vp_group_claim_try,
                                .claim_data = &claim };

  if (environment == NULL)
    return FALSE;
  *inventory = vp_inventory_read (self->sysfs, error);
  if (*inventory == NULL)
    return FALSE;
  input.inventory = claim.inventory = *inventory;
  choice = vp_device_choice_make (&input, error);
  if (choice == NULL)
    return FALSE;

  note_choice (self, choice);
  g_ptr_array_extend_and_steal (vm_config->devices, g_steal_pointer (&choice->specs));
  add_warnings (self, environment->warnings);
  return TRUE;
}

static VpConfig *
make_config (const VpForeignVm *vm, const VpWrapperConfig *config, const char *name, GError **error)
{
  g_autoptr (VpConfig) vm_config = vp_foreign_vm_to_config (vm);

  g_free (vm_config->name);
  vm_config->name = g_strdup (name);
  g_free (vm_config->qemu);
  vm_config->qemu = g_strdup (config->qemu);
  vm_config->large_bar = config->large_bar;
  vm_config->spare = config->spare;
  vm_config->spare_window = config->spare_window;
  if (!vp_config_set (vm_config, "ready", config->ready, error))
    return NULL;
  return g_steal_pointer (&vm_config);
}

/* What VMs have left whose supervisor died may be what this one needs. */
static void
clear_up (VpSandbox *self, const char *root)
{
  g_ptr_array_unref (vp_replay_run (self->sysfs, root, VP_HOST_NODE_PATIENCE_MS));
}

VpSandbox *
vp_sandbox_new (const VpForeignVm *vm,
                const VpForeignArgv *argv,
                const VpWrapperConfig *config,
                const char *const *environment,
                const char *root,
                int first_fd,
                pid_t pid,
                GError **error)
{
  g_autoptr (VpSandbox) self = g_new0 (VpSandbox, 1);
  g_autofree char *name = choose_name (vm, pid);
  g_autoptr (VpConfig) vm_config = NULL;
  g_autoptr (VpInventory) inventory = NULL;
  VpForeign *foreign;

  self->warnings = g_ptr_array_new_with_free_func (g_free);
  add_warnings (self, config->warnings);
  self->sysfs = vp_sysfs_open (root, error);
  if (self->sysfs == NULL)
    return NULL;
  clear_up (self, root);
  self->run_dir = vp_run_dir_create (root, name, error);
  if (self->run_dir == NULL)
    return NULL;
  self->bindings = vp_bindings_new_for_vm (self->sysfs, root, name);

  vm_config = make_config (vm, config, name, error);
  if (vm_config == NULL ||
      !choose_devices (self, vm_config, vm, config, environment, &inventory, error))
    return NULL;
  if (vm_config->devices->len == 0 && !config->take_over && !config->has_spare)
    return g_steal_pointer (&self);
  foreign = vp_foreign_vm_to_foreign (vm, argv, config->qemu);
  foreign->first_fd = MAX (foreign->first_fd, first_fd);
  self->blueprint = vp_blueprint_new_for_foreign (g_steal_pointer (&vm_config), foreign,
                                                  g_steal_pointer (&inventory), root, error);
  if (self->blueprint == NULL)
    return NULL;
  add_warnings (self, self->blueprint->plan->warnings);
  return g_steal_pointer (&self);
}
