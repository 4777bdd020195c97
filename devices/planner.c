#include "devices/planner.h"

#include "devices/byte-size.h"
#include "devices/error.h"

/* SeaBIOS panics with "out of I/O address space", and the guest never boots, at 15 ports of 4 KiB
 * on q35 and at 9 bridges on pc (measured). */
#define IO_WINDOW (G_GUINT64_CONSTANT (4) << 10)
#define IO_BUDGET (8 * IO_WINDOW)

/* mem-reserve is a 32-bit number. */
#define LARGEST_MEM_RESERVE G_GUINT64_CONSTANT (0xffffffff)

/* x86-64 has at most 52 bits of physical address. */
#define ADDRESS_SPACE (G_GUINT64_CONSTANT (1) << 52)

struct _VpPlanner
{
  const VpPlanPolicy *policy;
  VpPlan *plan;
  GArray *pref64;      /* guint64: what the devices of each port need, in the order of the ports */
  guint64 largest_hot; /* pref64 need of the largest hot device so far */
  guint64 io_left;

  VpPlanPort *bridge_port; /* of the bridge that takes conventional devices now, or NULL */
  guint bridge_index;      /* of that port */
  guint n_bridges;
  guint8 bridge_slot;  /* the last one taken behind it */
  GArray *bridge_bars; /* VpBar: of all devices behind it */
};

VpPlanner *
vp_planner_new (const VpPlanPolicy *policy, VpPlan *plan)
{
  VpPlanner *self;

  g_return_val_if_fail (policy != NULL && plan != NULL && plan->ports->len == 0, NULL);

  self = g_new0 (VpPlanner, 1);
  self->policy = policy;
  self->plan = plan;
  self->pref64 = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->io_left = IO_BUDGET;
  self->bridge_bars = g_array_new (FALSE, FALSE, sizeof (VpBar));
  return self;
}

void
vp_planner_free (VpPlanner *self)
{
  g_array_unref (self->pref64);
  g_array_unref (self->bridge_bars);
  g_free (self);
}

gboolean
vp_planner_is_large (const VpPlanPolicy *policy, const VpPciFunction *function)
{
  return function != NULL && vp_pci_function_is_large (function, policy->large_bar);
}

static guint
max_ports (const VpPlanner *self)
{
  return self->policy->machine == VP_MACHINE_Q35 ? VP_TOPOLOGY_MAX_ROOT_PORTS
                                                 : VP_TOPOLOGY_MAX_PCI_SLOTS;
}

/* A port too many gets no address: vp_planner_finish() wants to count them all and refuses then. */
static VpPlanPort *
add_port (VpPlanner *self, VpPortUse use, guint64 pref64)
{
  VpPlanPort *port = g_new0 (VpPlanPort, 1);
  guint index = self->plan->ports->len;
  gboolean has_address = index < max_ports (self);

  port->use = use;
  if (self->policy->machine == VP_MACHINE_Q35)
    {
      port->kind = VP_PORT_ROOT_PORT;
      port->id = g_strdup_printf ("port%u", index + 1);
      port->chassis = has_address ? (guint8) (index + 1) : 0;
      if (has_address)
        vp_topology_root_port_address (index, &port->slot, &port->function);
    }
  else
    {
      port->kind = VP_PORT_PCI_SLOT;
      port->slot = has_address ? vp_topology_pci_slot (index) : 0;
      port->id = g_strdup_printf ("slot%u", port->slot);
      port->has_io = TRUE;
    }

  g_ptr_array_add (self->plan->ports, port);
  g_array_append_val (self->pref64, pref64);
  return port;
}

static void
take_io (VpPlanner *self, VpPlanPort *port, guint64 bytes)
{
  if (bytes == 0 || bytes > self->io_left)
    return;

  self->io_left -= bytes;
  port->has_io = TRUE;
}

static gboolean
place_on_pci_slot (VpPlanner *self,
                   const VpPlanRequest *request,
                   VpPlanDevice *device,
                   guint64 pref64,
                   GError **error)
{
  gboolean is_hot = device->plug == VP_PLUG_HOT;
  const VpPlanPort *port;

  if (is_hot && vp_planner_is_large (self->policy, request->function))
    {
      g_autofree char *size = vp_byte_size_format (pref64);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                   "no window of %s for a hotplug on pc: the 64-bit range of pci.0 cannot be "
                   "prepared slot by slot",
                   size);
      return FALSE;
    }

  port = add_port (self, is_hot ? VP_PORT_SPARE : VP_PORT_COLD, pref64);
  device->port = g_strdup (port->id);
  device->bus = g_strdup (vp_topology_root_bus (VP_MACHINE_PC));
  device->slot = port->slot;
  return TRUE;
}

static gboolean
place_on_root_port (VpPlanner *self, VpPlanDevice *device, const VpWindow *need, GError **error)
{
  gboolean is_hot = device->plug == VP_PLUG_HOT;
  VpPlanPort *port = add_port (self, is_hot ? VP_PORT_SPARE : VP_PORT_COLD, need->pref64);

  take_io (self, port, need->io);
  device->port = g_strdup (port->id);
  device->bus = g_strdup (port->id);

  /* Firmware sizes the window of a cold device by the BARs that it finds. */
  if (!is_hot)
    return TRUE;

  port->reserve.io = port->has_io ? need->io : 0;
  port->reserve.mem = vp_firmware_reserve (self->policy->firmware, need->mem, need->mem_alignment);
  port->reserve.pref64 =
      vp_firmware_reserve (self->policy->firmware, need->pref64, need->pref64_alignment);
  self->largest_hot = MAX (self->largest_hot, need->pref64);

  if (port->reserve.mem > LARGEST_MEM_RESERVE)
    {
      g_autofree char *size = vp_byte_size_format (need->mem);
      g_autofree char *reserve = vp_byte_size_format (port->reserve.mem);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                   "impossible window: a hotplug of %s of BARs below 4 GiB takes a reserve of %s",
                   size, reserve);
      return FALSE;
    }
  return TRUE;
}

static void
open_bridge (VpPlanner *self)
{
  self->bridge_index = self->plan->ports->len;
  self->bridge_port = add_port (self, VP_PORT_BRIDGE, 0);
  self->bridge_port->bridge = g_strdup_printf ("bridge%u", ++self->n_bridges);
  self->bridge_slot = VP_TOPOLOGY_BRIDGE_FIRST_SLOT - 1;
  g_array_set_size (self->bridge_bars, 0);

  /* A bridge takes I/O space even when nothing behind it does. */
  take_io (self, self->bridge_port, IO_WINDOW);
}

static gboolean
place_behind_bridge (VpPlanner *self,
                     const VpPciFunction *function,
                     VpPlanDevice *device,
                     GError **error)
{
  VpWindow sum = { 0 };

  g_array_append_vals (self->bridge_bars, function->bars, function->n_bars);
  if (self->bridge_port == NULL || self->bridge_slot == VP_TOPOLOGY_BRIDGE_LAST_SLOT ||
      !vp_plan_bridge_holds (&g_array_index (self->bridge_bars, const VpBar, 0),
                             self->bridge_bars->len))
    {
      open_bridge (self);
      g_array_append_vals (self->bridge_bars, function->bars, function->n_bars);
    }

  if (!vp_window_add_bars (&sum, &g_array_index (self->bridge_bars, const VpBar, 0),
                           self->bridge_bars->len, error))
    return FALSE;

  g_array_index (self->pref64, guint64, self->bridge_index) = sum.pref64;
  device->port = g_strdup (self->bridge_port->id);
  device->bus = g_strdup (self->bridge_port->bridge);
  device->slot = ++self->bridge_slot;
  return TRUE;
}

gboolean
vp_planner_place (VpPlanner *self,
                  const VpPlanRequest *request,
                  const VpWindow *need,
                  VpPlanDevice *device,
                  GError **error)
{
  const VpPciFunction *function = request->function;

  if (request->plug != VP_PLUG_AUTO)
    device->plug = request->plug;
  else
    device->plug = vp_planner_is_large (self->policy, function) ? VP_PLUG_COLD : VP_PLUG_HOT;

  if (self->policy->machine == VP_MACHINE_PC)
    return place_on_pci_slot (self, request, device, need->pref64, error);

  if (function != NULL && !function->pcie && device->plug == VP_PLUG_HOT &&
      !vp_planner_is_large (self->policy, function) &&
      vp_plan_bridge_holds (function->bars, function->n_bars))
    return place_behind_bridge (self, function, device, error);

  return place_on_root_port (self, device, need, error);
}

static gboolean
add_spare_ports (VpPlanner *self, GError **error)
{
  gboolean is_q35 = self->policy->machine == VP_MACHINE_Q35;
  guint n_taken = self->plan->ports->len, n_spare = self->policy->n_spare;
  guint max = max_ports (self);
  guint64 window = self->policy->spare_window > 0 ? self->policy->spare_window : self->largest_hot;

  if (is_q35 && (guint64) n_taken + n_spare > max)
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                   "too many ports: %" G_GUINT64_FORMAT " wanted (%u for devices, %u spare), and "
                   "pcie.0 has room for %u",
                   (guint64) n_taken + n_spare, n_taken, n_spare, max);
      return FALSE;
    }
  if (n_taken > max)
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                   "too many devices: %u wanted, and pci.0 has %u slots for them", n_taken, max);
      return FALSE;
    }

  if (n_spare > max - n_taken)
    {
      g_ptr_array_add (self->plan->warnings,
                       g_strdup_printf ("spare slots: %u asked for, and pci.0 has %u left", n_spare,
                                        max - n_taken));
      n_spare = max - n_taken;
    }
  if (!is_q35 && n_spare > 0 && self->policy->spare_window > 0)
    g_ptr_array_add (self->plan->warnings,
                     g_strdup ("a spare window was asked for, and slots of pci.0 have none of "
                               "their own"));

  for (guint i = 0; i < n_spare; i++)
    {
      VpPlanPort *port = add_port (self, VP_PORT_SPARE, 0);

      if (is_q35)
        port->reserve.pref64 = vp_firmware_reserve (self->policy->firmware, window, window);
    }
  return TRUE;
}

static guint64
total_pref64 (const VpPlanner *self)
{
  guint64 total = 0;

  for (guint i = 0; i < self->plan->ports->len; i++)
    {
      const VpPlanPort *port = g_ptr_array_index (self->plan->ports, i);
      guint64 need = MAX (port->reserve.pref64, g_array_index (self->pref64, guint64, i));

      if (!g_uint64_checked_add (&total, total, vp_window_round_up (need)))
        return G_MAXUINT64;
    }
  return total;
}

static int
compare_addresses (gconstpointer a, gconstpointer b)
{
  const VpPlanPort *one = *(const VpPlanPort *const *) a;
  const VpPlanPort *other = *(const VpPlanPort *const *) b;

  return one->slot != other->slot ? one->slot - other->slot : one->function - other->function;
}

gboolean
vp_planner_finish (VpPlanner *self, GError **error)
{
  if (!add_spare_ports (self, error))
    return FALSE;

  self->plan->pref64_total = total_pref64 (self);
  if (self->plan->pref64_total > ADDRESS_SPACE)
    {
      g_autofree char *limit = vp_byte_size_format (ADDRESS_SPACE);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                   "impossible windows: together they are larger than the %s that an x86 "
                   "processor can address",
                   limit);
      return FALSE;
    }

  g_ptr_array_sort (self->plan->ports, compare_addresses);
  return TRUE;
}
