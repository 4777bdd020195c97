#include "launcher/vm/argv.h"

#include "devices/firmware.h"
#include "launcher/config/accelerator.h"
#include "launcher/vm/argv-writer.h"
#include "launcher/vm/numa-nodes.h"
#include "launcher/vm/own-devices.h"

#define SANDBOX     "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
#define MDEV_FOLDER "/sys/bus/mdev/devices/"

/* With NUMA nodes it is theirs, see numa-nodes.h. */
static void
add_shared_memory (GPtrArray *argv, const VpConfig *config)
{
  JsonObject *object;

  if (config->numa > 1 || !vp_config_shares_memory (config))
    return;
  object = json_object_new ();
  json_object_set_string_member (object, "qom-type", "memory-backend-memfd");
  json_object_set_string_member (object, "id", VP_ARGV_MEMORY_ID);
  json_object_set_int_member (object, "size", (gint64) (config->memory >> 20 << 20));
  json_object_set_boolean_member (object, "share", TRUE);
  vp_argv_add_json (argv, "-object", object);
  vp_argv_add (argv, "-machine", "memory-backend=" VP_ARGV_MEMORY_ID);
}

static void
add_base (GPtrArray *argv, const VpArgvInput *input)
{
  const VpConfig *config = input->config;
  JsonObject *serial = json_object_new ();

  g_ptr_array_add (argv, g_strdup (config->qemu));
  vp_argv_add_format (argv, "-name", "guest=%s,debug-threads=on", config->name);
  vp_argv_add (argv, "-machine", vp_machine_type_to_string (config->machine));
  vp_argv_add (argv, "-accel", vp_accel_to_string (input->accel));
  vp_argv_add (argv, "-cpu", input->cpu);
  if (config->max_cpus > config->smp)
    vp_argv_add_format (argv, "-smp", "cpus=%u,maxcpus=%u", config->smp, config->max_cpus);
  else
    vp_argv_add_format (argv, "-smp", "%u", config->smp);
  if (config->max_memory > config->memory)
    vp_argv_add_format (argv, "-m", "size=%" G_GUINT64_FORMAT "M,maxmem=%" G_GUINT64_FORMAT "M",
                        config->memory >> 20, config->max_memory >> 20);
  else
    vp_argv_add_format (argv, "-m", "size=%" G_GUINT64_FORMAT "M", config->memory >> 20);
  add_shared_memory (argv, config);
  vp_numa_nodes_add (argv, config, input->n_host_nodes);
  vp_argv_add (argv, "-nodefaults", NULL);
  vp_argv_add (argv, "-no-user-config", NULL);
  vp_argv_add (argv, "-display", "none");
  vp_argv_add (argv, "-sandbox", SANDBOX);
  vp_argv_add (argv, "-S", NULL);
  vp_argv_add_format (argv, "-chardev", "socket,id=qmp,fd=%d", VP_ARGV_QMP_FD);
  vp_argv_add (argv, "-mon", "chardev=qmp,mode=control");
  vp_argv_add_format (argv, "-chardev", "socket,id=console,fd=%d", VP_ARGV_CONSOLE_FD);

  json_object_set_string_member (serial, "driver", "isa-serial");
  json_object_set_string_member (serial, "chardev", "console");
  vp_argv_add_json (argv, "-device", serial);
}

void
vp_argv_add_aperture (GPtrArray *argv, const VpPlan *plan)
{
  g_return_if_fail (argv != NULL && plan != NULL);

  if (plan->aperture_mib > 0)
    vp_argv_add_format (argv, "-fw_cfg", "name=" VP_ARGV_OVMF_APERTURE ",string=%" G_GUINT64_FORMAT,
                        plan->aperture_mib);
}

static void
add_boot (GPtrArray *argv, const VpArgvInput *input)
{
  const VpConfig *config = input->config;

  if (config->firmware_path != NULL)
    vp_argv_add (argv, "-bios", config->firmware_path);
  vp_argv_add_aperture (argv, input->plan);

  if (config->kernel != NULL)
    vp_argv_add (argv, "-kernel", config->kernel);
  if (config->initrd != NULL)
    vp_argv_add (argv, "-initrd", config->initrd);
  if (config->append != NULL)
    vp_argv_add (argv, "-append", config->append);

  if (config->hotplug_mode == VP_HOTPLUG_NATIVE) /* of q35 only */
    vp_argv_add (argv, "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off");
}

static gboolean
shares_its_slot (const VpPlan *plan, const VpPlanPort *port)
{
  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *other = plan->ports->pdata[i];

      if (other->slot == port->slot && other->function != port->function &&
          g_str_equal (other->bus, port->bus))
        return TRUE;
    }
  return FALSE;
}

static void
add_memory_reserve (JsonObject *device, const VpPlanPort *port)
{
  if (port->reserve.mem > 0)
    json_object_set_int_member (device, "mem-reserve", (gint64) port->reserve.mem);
  if (port->reserve.pref64 > 0)
    json_object_set_int_member (device, "pref64-reserve", (gint64) port->reserve.pref64);
}

static void
add_port (GPtrArray *argv, const VpPlan *plan, const VpPlanPort *port)
{
  gboolean is_root_port = port->kind == VP_PORT_ROOT_PORT;
  JsonObject *device = vp_argv_new_device (is_root_port ? "pcie-root-port" : "xio3130-downstream",
                                           port->id, port->bus, port->slot, port->function);

  json_object_set_int_member (device, "chassis", port->chassis);
  /* The number that the guest shows for the slot. */
  json_object_set_int_member (device, "slot", port->chassis);
  /* Tells the ports of a root complex apart (PCI Express 5.0, 7.5.3.6); QEMU leaves it at 0. */
  json_object_set_int_member (device, "port", port->slot << 3 | port->function);
  if (port->function == 0 && shares_its_slot (plan, port))
    json_object_set_boolean_member (device, "multifunction", TRUE);
  /* Left to itself firmware gives I/O space to a port that holds a device with an I/O BAR, and none
   * to an empty one. A downstream port has no reserve, and needs none: its root port has no I/O. */
  if (is_root_port && (!port->has_io || port->reserve.io > 0))
    json_object_set_int_member (device, "io-reserve", (gint64) port->reserve.io);
  add_memory_reserve (device, port);
  vp_argv_add_json (argv, "-device", device);

  if (port->bridge != NULL)
    vp_argv_add_json (
        argv, "-device",
        vp_argv_new_device (port->use == VP_PORT_SWITCH ? "x3130-upstream" : "pcie-pci-bridge",
                            port->bridge, port->id, 0, 0));
}

static void
add_pci_bridge (GPtrArray *argv, const VpPlanPort *port)
{
  JsonObject *device = vp_argv_new_device ("pci-bridge", port->bridge, port->bus, port->slot, 0);

  json_object_set_int_member (device, "chassis_nr", port->chassis);
  add_memory_reserve (device, port);
  vp_argv_add_json (argv, "-device", device);
}

static void
add_expander (GPtrArray *argv, const VpPlan *plan, const VpPlanExpander *expander)
{
  JsonObject *device = vp_argv_new_device (
      "pxb-pcie", expander->id, vp_topology_root_bus (plan->root.machine), expander->slot, 0);

  json_object_set_int_member (device, "bus_nr", expander->bus_nr);
  json_object_set_int_member (device, "numa_node", expander->node);
  vp_argv_add_json (argv, "-device", device);
}

void
vp_argv_add_topology (GPtrArray *argv, const VpPlan *plan)
{
  g_return_if_fail (argv != NULL && plan != NULL);

  for (guint i = 0; i < plan->expanders->len; i++)
    add_expander (argv, plan, plan->expanders->pdata[i]);
  for (guint i = 0; i < plan->ports->len; i++)
    {
      const VpPlanPort *port = plan->ports->pdata[i];

      if (port->kind != VP_PORT_PCI_SLOT)
        add_port (argv, plan, port);
      else if (port->bridge != NULL)
        add_pci_bridge (argv, port);
    }
}

JsonObject *
vp_argv_device (const VpDeviceSpec *spec,
                const VpPciFunction *function,
                const char *id,
                const VpPlace *place)
{
  JsonObject *device;
  g_autoptr (GList) names = NULL;

  g_return_val_if_fail (spec != NULL && id != NULL && place != NULL, NULL);
  g_return_val_if_fail (vp_device_spec_is_emulated (spec) || vp_device_spec_is_mediated (spec) ||
                            function != NULL,
                        NULL);

  device = vp_argv_new_device (spec->kind == VP_DEVICE_SPEC_VFIO ? "vfio-pci" : spec->driver, id,
                               place->bus, place->slot, place->function_number);
  if (place->multifunction)
    json_object_set_boolean_member (device, "multifunction", TRUE);
  if (vp_device_spec_is_mediated (spec))
    {
      g_autofree char *folder = g_strconcat (MDEV_FOLDER, spec->ref.uuid, NULL);

      json_object_set_string_member (device, "sysfsdev", folder);
    }
  else if (spec->kind == VP_DEVICE_SPEC_VFIO)
    {
      g_autofree char *host = vp_pci_address_to_string (&function->address);

      json_object_set_string_member (device, "host", host);
    }
  else if (spec->kind == VP_DEVICE_SPEC_VFIO_USER)
    {
      JsonObject *address = json_object_new ();

      json_object_set_string_member (address, "type", "unix");
      json_object_set_string_member (address, "path", spec->socket);
      json_object_set_object_member (device, "socket", address);
    }

  names = json_object_get_members (spec->properties);
  for (const GList *l = names; l != NULL; l = l->next)
    json_object_set_member (device, l->data,
                            json_node_copy (json_object_get_member (spec->properties, l->data)));
  return device;
}

JsonObject *
vp_argv_iommufd (void)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "qom-type", "iommufd");
  json_object_set_string_member (object, "id", VP_ARGV_IOMMUFD_ID);
  return object;
}

void
vp_argv_use_iommufd (JsonObject *device, const char *fd)
{
  json_object_remove_member (device, "host");
  json_object_set_string_member (device, "fd", fd);
  json_object_set_string_member (device, "iommufd", VP_ARGV_IOMMUFD_ID);
}

gboolean
vp_argv_has_iommufd (const VpArgvInput *input)
{
  for (guint i = 0; i < input->plan->devices->len; i++)
    if (vp_device_spec_is_by_iommufd (input->specs[i]))
      return TRUE;
  return FALSE;
}

GPtrArray *
vp_argv_get_cold_devices (const VpArgvInput *input)
{
  GPtrArray *sequences = g_ptr_array_new_with_free_func ((GDestroyNotify) vp_plug_sequence_free);
  int next_fd = input->first_device_fd != 0
                    ? input->first_device_fd
                    : VP_ARGV_DEVICE_FD + (int) vp_own_devices_count_ports (input->config);

  if (vp_argv_has_iommufd (input))
    g_ptr_array_add (sequences, vp_plug_sequence_new_iommufd (next_fd++));
  for (guint i = 0; i < input->plan->devices->len; i++)
    {
      const VpPlanDevice *device = input->plan->devices->pdata[i];
      VpPlace place = vp_plan_device_place (device);
      VpPlugSequence *sequence;

      if (device->plug != VP_PLUG_COLD)
        continue;
      sequence = vp_plug_sequence_new (&(VpPlugInput){
          .spec = input->specs[i],
          .function = device->function,
          .id = device->id,
          .place = &place,
          .vm = input->config->name,
          .has_vhost_net = input->has_vhost_net,
          .first_fd = next_fd,
      });
      next_fd += (int) vp_plug_sequence_count_fds (sequence);
      g_ptr_array_add (sequences, sequence);
    }
  return sequences;
}

char **
vp_argv_build (const VpArgvInput *input)
{
  g_autoptr (GPtrArray) cold = NULL;
  const VpPlan *plan;
  GPtrArray *argv;

  g_return_val_if_fail (input != NULL && input->config->name != NULL, NULL);

  plan = input->plan;
  argv = g_ptr_array_new ();
  add_base (argv, input);
  add_boot (argv, input);

  vp_argv_add_topology (argv, plan);
  vp_own_devices_add (argv, input->config);
  cold = vp_argv_get_cold_devices (input);
  for (guint i = 0; i < cold->len; i++)
    vp_plug_sequence_add_to_argv (cold->pdata[i], argv);

  for (char **arg = input->config->qemu_args; arg != NULL && *arg != NULL; arg++)
    g_ptr_array_add (argv, g_strdup (*arg));
  g_ptr_array_add (argv, NULL);
  return (char **) g_ptr_array_free (argv, FALSE);
}

/* Bash, ksh and zsh know $'…'; nothing else puts a newline into one line. */
static char *
quote_word (const char *word)
{
  gboolean has_control = FALSE;

  for (const char *p = word; *p != '\0'; p++)
    has_control |= g_ascii_iscntrl (*p);

  if (has_control)
    {
      g_autofree char *escaped = g_strescape (word, NULL);
      g_auto (GStrv) parts = g_strsplit (escaped, "'", -1);
      g_autofree char *joined = g_strjoinv ("\\'", parts);

      return g_strdup_printf ("$'%s'", joined);
    }
  if (g_regex_match_simple ("^[A-Za-z0-9_@%+=:,./-]+$", word, G_REGEX_DOLLAR_ENDONLY | G_REGEX_RAW,
                            0))
    return g_strdup (word);
  return g_shell_quote (word);
}

char *
vp_argv_quote (char **argv)
{
  GString *line = g_string_new (NULL);

  for (char **arg = argv; *arg != NULL; arg++)
    {
      g_autofree char *word = quote_word (*arg);

      if (arg != argv)
        g_string_append_c (line, ' ');
      g_string_append (line, word);
    }
  return g_string_free (line, FALSE);
}
