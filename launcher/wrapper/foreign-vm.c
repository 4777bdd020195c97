#include "launcher/wrapper/foreign-vm.h"

#include "launcher/vm/argv.h"
#include "launcher/wrapper/foreign-bus.h"
#include "launcher/wrapper/foreign-fds.h"
#include "launcher/wrapper/foreign-firmware.h"
#include "launcher/wrapper/foreign-machine.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)

/* QEMU's own (hw/core/machine.c, target/i386/cpu.h). */
#define DEFAULT_MEMORY (128 * MIB)
#define DEFAULT_CPU    "qemu64"

static void
device_free (gpointer data)
{
  vp_foreign_device_free (data);
}

void
vp_foreign_vm_free (VpForeignVm *self)
{
  if (self == NULL)
    return;

  g_free (self->machine_name);
  g_free (self->cpu);
  g_free (self->firmware_path);
  g_free (self->name);
  g_free (self->pidfile);
  g_free (self->incoming);
  g_ptr_array_unref (self->devices);
  g_hash_table_unref (self->ids);
  g_array_unref (self->fds);
  vp_foreign_qmp_clear (&self->qmp);
  g_free (self);
}

static char *
get_value (const VpForeignArgv *argv, const char *name)
{
  const VpForeignOption *option = vp_foreign_argv_find (argv, name);

  return option != NULL ? g_strdup (option->value) : NULL;
}

static guint
get_number (const VpQemuParams *params, const char *key)
{
  const char *value = vp_qemu_params_get (params, key);
  guint64 number;

  return value != NULL && g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT16, &number, NULL)
             ? (guint) number
             : 0;
}

static void
set_memory (VpForeignVm *self, const VpForeignArgv *argv)
{
  g_autoptr (VpQemuParams) m = vp_foreign_argv_merge (argv, "m");

  self->memory = vp_foreign_machine_parse_size (vp_qemu_params_get (m, "size"), MIB);
  if (self->memory == 0)
    self->memory = DEFAULT_MEMORY;
  self->max_memory = vp_foreign_machine_parse_size (vp_qemu_params_get (m, "maxmem"), 1);
  self->n_memory_slots = get_number (m, "slots");
}

/* Without cpus= there are as many as the topology has. */
static void
set_cpus (VpForeignVm *self, const VpForeignArgv *argv)
{
  static const char *const levels[] = { "drawers", "books",    "sockets", "dies",
                                        "modules", "clusters", "cores",   "threads" };
  g_autoptr (VpQemuParams) smp = vp_foreign_argv_merge (argv, "smp");
  guint64 n = 1;

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    n = MIN (n * MAX (get_number (smp, levels[i]), 1), G_MAXUINT16);

  self->max_cpus = get_number (smp, "maxcpus");
  self->smp = get_number (smp, "cpus");
  if (self->smp == 0)
    self->smp = self->max_cpus != 0 ? self->max_cpus : (guint) n;
}

static void
set_name (VpForeignVm *self, const VpForeignArgv *argv)
{
  g_autoptr (VpQemuParams) name = vp_foreign_argv_merge (argv, "name");

  self->name = g_strdup (vp_qemu_params_get (name, "guest"));
}

static void
add_id (VpForeignVm *self, const VpQemuParams *params, const char *key)
{
  const char *id = vp_qemu_params_get (params, key);

  if (id != NULL)
    g_hash_table_add (self->ids, g_strdup (id));
}

static void
take_option (VpForeignVm *self, const VpForeignOption *option)
{
  const VpQemuParams *params = option->params;

  if (params == NULL)
    return;

  add_id (self, params, "id");
  add_id (self, params, "node-name");
  if (vp_foreign_option_is (option, "device"))
    g_ptr_array_add (self->devices, vp_foreign_device_new (option));
  else if (vp_foreign_option_is (option, "fw_cfg"))
    self->has_aperture |=
        g_strcmp0 (vp_qemu_params_get (params, "name"), VP_ARGV_OVMF_APERTURE) == 0;
}

VpForeignVm *
vp_foreign_vm_new (const VpForeignArgv *argv)
{
  VpForeignVm *self;

  g_return_val_if_fail (argv != NULL, NULL);

  self = g_new0 (VpForeignVm, 1);
  self->is_probe = argv->is_incomplete || vp_foreign_machine_is_probe (argv);
  self->is_opaque = vp_foreign_argv_find (argv, "readconfig") != NULL;
  self->machine_name = vp_foreign_machine_get_name (argv);
  self->has_machine = vp_foreign_machine_parse_type (self->machine_name, &self->machine);
  self->accel = vp_foreign_machine_get_accel (argv);
  self->cpu = get_value (argv, "cpu");
  if (self->cpu == NULL)
    self->cpu = g_strdup (DEFAULT_CPU);
  set_cpus (self, argv);
  set_memory (self, argv);
  self->firmware_path = vp_foreign_firmware_find (argv);
  self->has_data_folder = vp_foreign_argv_find (argv, "L") != NULL;
  set_name (self, argv);
  self->has_S = vp_foreign_argv_find (argv, "S") != NULL;
  self->is_daemon = vp_foreign_argv_find (argv, "daemonize") != NULL;
  self->pidfile = get_value (argv, "pidfile");
  self->incoming = get_value (argv, "incoming");
  self->hotplug_mode = vp_foreign_machine_get_hotplug_mode (argv, self->machine_name);

  self->devices = g_ptr_array_new_with_free_func (device_free);
  self->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < argv->options->len; i++)
    take_option (self, argv->options->pdata[i]);

  self->fds = vp_foreign_fds_find (argv);
  vp_foreign_qmp_find (argv, &self->qmp);
  self->bus = vp_foreign_bus_predict (argv, self->machine, self->devices);
  return self;
}

VpConfig *
vp_foreign_vm_to_config (const VpForeignVm *self)
{
  VpConfig *config;

  g_return_val_if_fail (self != NULL && self->has_machine, NULL);

  config = vp_config_new ();
  config->name = g_strdup (self->name);
  config->machine = self->machine;
  config->accel = self->accel;
  config->cpu = g_strdup (self->cpu);
  config->smp = self->smp;
  config->memory = self->memory;
  config->firmware_path = g_strdup (self->firmware_path);
  config->hotplug_mode = self->hotplug_mode;
  return config;
}

VpForeign *
vp_foreign_vm_to_foreign (const VpForeignVm *self, const VpForeignArgv *argv, const char *qemu)
{
  VpForeign *foreign;
  GHashTableIter iter;
  gpointer id;

  g_return_val_if_fail (self != NULL && argv != NULL && qemu != NULL, NULL);
  g_return_val_if_fail (self->has_machine, NULL);

  foreign = vp_foreign_new ((const char *const *) argv->argv);
  g_free (foreign->argv[0]);
  foreign->argv[0] = g_strdup (qemu);
  foreign->root = (VpRootBus){
    .machine = self->machine,
    .is_native = self->hotplug_mode == VP_HOTPLUG_NATIVE,
    .foreign = self->bus,
  };
  foreign->first_fd = VP_FOREIGN_FIRST_FD;
  if (self->fds->len > 0)
    foreign->first_fd =
        MAX (foreign->first_fd, g_array_index (self->fds, int, self->fds->len - 1) + 1);
  foreign->max_memory = self->max_memory;
  foreign->n_memory_slots = self->n_memory_slots;
  foreign->has_aperture = self->has_aperture;
  foreign->has_data_folder = self->has_data_folder;
  foreign->is_daemon = self->is_daemon;

  g_hash_table_iter_init (&iter, self->ids);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    g_hash_table_add (foreign->ids, g_strdup (id));
  return foreign;
}
