#include "launcher/wrapper/foreign-bus.h"

#include "launcher/wrapper/foreign-device.h"

#define N_SLOTS     32
#define N_BUSES     256
#define MAX_CHASSIS 255
#define Q35_USB     0x1d /* hw/i386/pc_q35.c: EHCI and its companions */

/* Options that make at most one PCI device each; what others make is counted by their values. */
static const char *const device_options[] = {
  "audio", "balloon", "nic", "soundhw", "virtfs", "virtfs_synth", "virtioconsole", "watchdog",
};

/* The VGA card and the network card that QEMU adds by itself. */
#define N_DEFAULT_DEVICES 2

static gboolean
makes_device (const VpForeignOption *option)
{
  const char *type;

  if (option->params == NULL)
    return FALSE;
  /* One that is not known may do anything. */
  if (option->option == NULL)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (device_options); i++)
    if (vp_foreign_option_is (option, device_options[i]))
      return TRUE;

  if (vp_foreign_option_is (option, "vga"))
    return !g_str_equal (option->value, "none");
  if (vp_foreign_option_is (option, "net"))
    return g_strcmp0 (vp_qemu_params_get (option->params, "type"), "nic") == 0;
  if (vp_foreign_option_is (option, "drive"))
    {
      type = vp_qemu_params_get (option->params, "if");
      return g_strcmp0 (type, "virtio") == 0 || g_strcmp0 (type, "scsi") == 0;
    }
  return FALSE;
}

/* Marks those with an address; returns how many devices have none. */
static guint
mark_addressed (const VpForeignArgv *argv,
                VpMachineType machine,
                const GPtrArray *devices,
                guint32 *taken)
{
  const char *root_bus = vp_topology_root_bus (machine);
  guint n_free = 0;

  for (guint i = 0; i < devices->len; i++)
    {
      const VpForeignDevice *device = devices->pdata[i];

      if (!vp_foreign_device_is_on_bus (device, root_bus))
        continue;
      if (device->slot >= 0)
        *taken |= 1U << device->slot;
      else
        n_free++;
    }
  for (guint i = 0; i < argv->options->len; i++)
    {
      const VpForeignOption *option = argv->options->pdata[i];
      int slot;

      if (!makes_device (option))
        continue;
      slot = vp_foreign_device_parse_slot (option->params);
      if (slot >= 0)
        *taken |= 1U << slot;
      else
        n_free++;
    }
  return n_free;
}

static gboolean
has_usb (const VpForeignArgv *argv)
{
  g_autoptr (VpQemuParams) machine = vp_foreign_argv_merge (argv, "machine");

  return vp_foreign_argv_find (argv, "usb") != NULL ||
         vp_foreign_argv_find (argv, "usbdevice") != NULL ||
         vp_qemu_params_is_on (machine, "usb", FALSE);
}

static guint32
find_taken (const VpForeignArgv *argv, VpMachineType machine, const GPtrArray *devices)
{
  guint32 taken = machine == VP_MACHINE_Q35 ? 1U | 1U << (N_SLOTS - 1) : 3U;
  guint n_free;

  if (machine == VP_MACHINE_Q35 && has_usb (argv))
    taken |= 1U << Q35_USB;
  n_free = mark_addressed (argv, machine, devices, &taken);
  if (vp_foreign_argv_find (argv, "nodefaults") == NULL)
    n_free += N_DEFAULT_DEVICES;

  for (guint slot = 0; slot < N_SLOTS && n_free > 0; slot++)
    if ((taken & 1U << slot) == 0)
      {
        taken |= 1U << slot;
        n_free--;
      }
  return taken;
}

/* The longest row of free numbers, and of two equal ones the first. */
static void
find_chassis (const GPtrArray *devices, VpForeignBus *bus)
{
  gboolean taken[MAX_CHASSIS + 1] = { FALSE };
  guint start = 1;

  for (guint i = 0; i < devices->len; i++)
    {
      const VpForeignDevice *device = devices->pdata[i];

      if (device->chassis >= 0)
        taken[device->chassis] = TRUE;
    }
  for (guint number = 1; number <= MAX_CHASSIS + 1; number++)
    if (number > MAX_CHASSIS || taken[number])
      {
        if (number - start > bus->n_chassis)
          {
            bus->first_chassis = (guint8) start;
            bus->n_chassis = number - start;
          }
        start = number + 1;
      }
}

static gboolean
has_something_behind (const VpForeignDevice *port, const GPtrArray *devices)
{
  for (guint i = 0; i < devices->len; i++)
    {
      const VpForeignDevice *device = devices->pdata[i];

      if (port->id != NULL && g_strcmp0 (device->bus, port->id) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Every bridge takes a bus number, and a root bus of its own those from its number on. */
static void
count_bridges (const GPtrArray *devices, VpForeignBus *bus)
{
  guint n_buses = N_BUSES, n_bridges = 0;

  for (guint i = 0; i < devices->len; i++)
    {
      const VpForeignDevice *device = devices->pdata[i];

      if (device->bus_nr > 0)
        n_buses = MIN (n_buses, (guint) device->bus_nr);
      if (!vp_foreign_device_is_bridge (device))
        continue;
      n_bridges++;
      if (!vp_foreign_device_is_port (device) || has_something_behind (device, devices))
        bus->n_io_bridges++;
    }
  bus->n_buses = n_bridges < n_buses ? n_buses - n_bridges : 1;
}

VpForeignBus
vp_foreign_bus_predict (const VpForeignArgv *argv, VpMachineType machine, const GPtrArray *devices)
{
  VpForeignBus bus = { .is_foreign = TRUE };

  g_return_val_if_fail (argv != NULL && devices != NULL, bus);

  bus.taken_slots = find_taken (argv, machine, devices);
  find_chassis (devices, &bus);
  count_bridges (devices, &bus);
  return bus;
}
