#include "devices/planner.h"

#include "devices/byte-size.h"
#include "devices/device-need.h"
#include "devices/error.h"
#include "devices/io-space.h"
#include "devices/plan-limits.h"
#include "devices/port-pool.h"

/* mem-reserve is a 32-bit number. */
#define LARGEST_MEM_RESERVE G_GUINT64_CONSTANT (0xffffffff)

/* A bridge that takes devices now: a pcie-pci-bridge, on pc a pci-bridge. */
typedef struct
{
  VpPlanPort *port; /* NULL: none yet */
  guint8 slot;      /* the last one taken behind it */
  GArray *bars;     /* VpBar: of all devices behind it */
  gboolean has_hot;
} Bridge;

/* On q35 cold devices have bridges of their own, because firmware sizes the window of a
 * pcie-pci-bridge by what it finds, and leaves no room for what comes later. */
enum
{
  BRIDGE_COMMON,
  BRIDGE_COLD,
  N_BRIDGES
};

struct _VpPlanner
{
  const VpPlanPolicy *policy;
  VpPlan *plan;
  VpPortPool *pool;
  VpIoSpace io;
  VpWindow largest_hot; /* each part: of the largest hot device so far */
  Bridge bridges[N_BRIDGES];
  guint n_bridges;
  GQueue prepared; /* of VpPlanPort: bridges that nothing is behind yet */
};

VpPlanner *
vp_planner_new (const VpPlanPolicy *policy, VpPlan *plan)
{
  VpPlanner *self;

  g_return_val_if_fail (policy != NULL && plan != NULL, NULL);

  self = g_new0 (VpPlanner, 1);
  self->policy = policy;
  self->plan = plan;
  self->pool = vp_port_pool_new (&policy->root, plan);
  vp_io_space_init (&self->io, policy->root.machine, policy->firmware);
  /* Those of a foreign machine get theirs first, or the machine does not boot as it is. */
  vp_io_space_take_cold (
      &self->io, MIN (policy->root.foreign.n_io_bridges * VP_IO_WINDOW, self->io.left), NULL);
  for (guint i = 0; i < N_BRIDGES; i++)
    self->bridges[i].bars = g_array_new (FALSE, FALSE, sizeof (VpBar));
  return self;
}

void
vp_planner_free (VpPlanner *self)
{
  vp_port_pool_free (self->pool);
  g_queue_clear (&self->prepared);
  for (guint i = 0; i < N_BRIDGES; i++)
    g_array_unref (self->bridges[i].bars);
  g_free (self);
}

static gboolean
take_io (VpPlanner *self, VpPlanPort *port, VpPlug plug, guint64 bytes, GError **error)
{
  /* The port of a switch forwards none, so nothing behind it gets any, however much it takes. */
  if (port->kind == VP_PORT_DOWNSTREAM)
    {
      if (self->policy->firmware->gives_io_to_switch_ports)
        bytes = MAX (bytes, VP_IO_WINDOW);
      else if (plug == VP_PLUG_HOT)
        bytes = 0;
      return vp_io_space_take_cold (&self->io, bytes, error);
    }
  if (bytes == 0)
    return TRUE;

  port->has_io = plug == VP_PLUG_COLD || vp_io_space_take_hot (&self->io, bytes);
  return plug == VP_PLUG_HOT || vp_io_space_take_cold (&self->io, bytes, error);
}

/* Asks for the windows that firmware cannot see: those of devices that come later. */
static gboolean
reserve (VpPlanner *self, VpPlanPort *port, const VpWindow *need, GError **error)
{
  const VpFirmware *firmware = self->policy->firmware;

  port->reserve.io = port->has_io ? need->io : 0;
  port->reserve.mem = vp_firmware_reserve (firmware, need->mem, need->mem_alignment);
  port->reserve.pref64 = vp_firmware_reserve (firmware, need->pref64, need->pref64_alignment);

  if (port->reserve.mem > LARGEST_MEM_RESERVE)
    {
      g_autofree char *size = vp_byte_size_format (need->mem);
      g_autofree char *most = vp_byte_size_format (port->reserve.mem);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                   "impossible window: a hotplug of %s of BARs below 4 GiB takes a reserve of %s",
                   size, most);
      return FALSE;
    }
  if (port->kind == VP_PORT_DOWNSTREAM && port->reserve.mem + port->reserve.pref64 > 0)
    {
      g_set_error_literal (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                           "its window cannot be prepared: only ports behind a switch are left, "
                           "and those have no reserve");
      return FALSE;
    }
  return TRUE;
}

static void
note_hot (VpPlanner *self, const VpWindow *need)
{
  VpWindow *largest = &self->largest_hot;

  largest->mem = MAX (largest->mem, need->mem);
  largest->mem_alignment = MAX (largest->mem_alignment, need->mem_alignment);
  largest->pref64 = MAX (largest->pref64, need->pref64);
  largest->pref64_alignment = MAX (largest->pref64_alignment, need->pref64_alignment);
}

static VpPlanPort *
take_port (VpPlanner *self, const VpPlanUnit *unit, GError **error)
{
  const VpRootBus *root = &self->policy->root;
  gboolean is_cold = unit->plug == VP_PLUG_COLD;
  VpPlanPort *port = NULL;

  if (is_cold && root->n_nodes > 1 && unit->node >= 0 && (guint) unit->node < root->n_nodes)
    port = vp_port_pool_take_on_node (self->pool, (guint) unit->node);
  if (port == NULL)
    port = vp_port_pool_take (self->pool, is_cold ? VP_PORT_COLD : VP_PORT_SPARE, error);
  return port;
}

/* A device that firmware cannot place at all. */
static gboolean
check_prefetchable (const VpPlanner *self,
                    const VpPlanUnit *unit,
                    const VpWindow *need,
                    GError **error)
{
  guint64 hole = vp_topology_mem_hole (self->policy->root.machine);
  g_autofree char *size = NULL;

  if (!self->policy->firmware->mixes_prefetchable || need->pref64 <= hole)
    return TRUE;
  for (guint i = 0; i < unit->bars->len; i++)
    {
      const VpBar *bar = &g_array_index (unit->bars, VpBar, i);

      if (bar->kind != VP_BAR_MEM32 || !bar->prefetchable)
        continue;
      size = vp_byte_size_format (need->pref64);
      g_set_error (
          error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
          "impossible window: BAR %u is prefetchable and has 32 bits, so that SeaBIOS puts "
          "the prefetchable window of its port below 4 GiB, where the others' %s do not "
          "fit; OVMF can",
          bar->index, size);
      return FALSE;
    }
  return TRUE;
}

static gboolean
place_on_port (VpPlanner *self, const VpPlanUnit *unit, VpPlannerPlace *place, GError **error)
{
  VpPlanPort *port;
  VpWindow need;

  if (!vp_device_need_on_port (unit->bars, &need, error) ||
      (unit->plug == VP_PLUG_COLD && !check_prefetchable (self, unit, &need, error)))
    return FALSE;
  port = take_port (self, unit, error);
  if (port == NULL)
    return FALSE;

  port->need = need;
  if (!take_io (self, port, unit->plug, need.io, error))
    return FALSE;
  *place = (VpPlannerPlace){ .port = port, .bus = port->id };

  /* Firmware sizes the window of a cold device by the BARs that it finds. */
  if (unit->plug == VP_PLUG_COLD)
    return TRUE;
  note_hot (self, &need);
  /* How much it needs nobody has seen yet; what the user reserves is meant for such devices, too.
   */
  if (unit->has_unknown_bars && self->policy->spare_window > 0)
    need.pref64 = need.pref64_alignment = self->policy->spare_window;
  return reserve (self, port, &need, error);
}

static VpPlanPort *
add_bridge (VpPlanner *self, GError **error)
{
  gboolean is_pc = self->policy->root.machine == VP_MACHINE_PC;
  VpPlanPort *port = is_pc ? vp_port_pool_take_bridge_slot (self->pool, error)
                           : vp_port_pool_take (self->pool, VP_PORT_BRIDGE, error);

  if (port == NULL)
    return NULL;

  port->bridge = g_strdup_printf ("%sbridge%u", vp_topology_own_prefix (&self->policy->root),
                                  ++self->n_bridges);
  /* Firmware gives a bridge I/O space even when nothing behind it takes any. */
  return take_io (self, port, VP_PLUG_COLD, VP_IO_WINDOW, error) ? port : NULL;
}

gboolean
vp_planner_prepare_bridges (VpPlanner *self, GError **error)
{
  g_return_val_if_fail (self != NULL, FALSE);

  for (guint i = 0; i < self->policy->n_bridges; i++)
    {
      VpPlanPort *port = add_bridge (self, error);

      if (port == NULL)
        return FALSE;
      g_queue_push_tail (&self->prepared, port);
    }
  return TRUE;
}

static gboolean
open_bridge (VpPlanner *self, Bridge *bridge, GError **error)
{
  /* Those that were asked for are for hotplug. */
  bridge->port =
      bridge == &self->bridges[BRIDGE_COMMON] ? g_queue_pop_head (&self->prepared) : NULL;
  if (bridge->port == NULL)
    bridge->port = add_bridge (self, error);
  if (bridge->port == NULL)
    return FALSE;

  bridge->slot = VP_TOPOLOGY_BRIDGE_FIRST_SLOT - 1;
  bridge->has_hot = FALSE;
  g_array_set_size (bridge->bars, 0);
  return TRUE;
}

/* Whether @bridge has a slot and, behind a window that cannot be reserved, room for more. */
static gboolean
bridge_can_take (const VpPlanner *self, const Bridge *bridge, const VpPlanUnit *unit)
{
  gboolean has_fixed_window =
      self->policy->root.machine == VP_MACHINE_Q35 && unit->plug == VP_PLUG_HOT;
  g_autoptr (GArray) all = NULL;
  VpWindow need;

  if (bridge->port == NULL || bridge->slot == VP_TOPOLOGY_BRIDGE_LAST_SLOT)
    return FALSE;

  all = g_array_copy (bridge->bars);
  g_array_append_vals (all, unit->bars->data, unit->bars->len);
  return has_fixed_window ? vp_device_need_fits_bridge (all)
                          : vp_device_need_on_port (all, &need, NULL);
}

static gboolean
place_behind_bridge (VpPlanner *self, const VpPlanUnit *unit, VpPlannerPlace *place, GError **error)
{
  gboolean is_pc = self->policy->root.machine == VP_MACHINE_PC;
  Bridge *bridge =
      &self->bridges[!is_pc && unit->plug == VP_PLUG_COLD ? BRIDGE_COLD : BRIDGE_COMMON];
  VpPlanPort *port;

  if (!bridge_can_take (self, bridge, unit) && !open_bridge (self, bridge, error))
    return FALSE;

  port = bridge->port;
  g_array_append_vals (bridge->bars, unit->bars->data, unit->bars->len);
  bridge->has_hot |= unit->plug == VP_PLUG_HOT;
  *place = (VpPlannerPlace){ .port = port, .bus = port->bridge, .slot = ++bridge->slot };
  if (!vp_device_need_on_port (bridge->bars, &port->need, error))
    return FALSE;

  /* A pci-bridge has reserve properties, a pcie-pci-bridge none. */
  if (is_pc && bridge->has_hot)
    return reserve (self, port, &port->need, error);
  return TRUE;
}

/* On pci.0 no bridge rounds them up. */
static guint64
io_bars (const VpPlanUnit *unit)
{
  guint64 bytes = 0;

  for (guint i = 0; i < unit->bars->len; i++)
    if (g_array_index (unit->bars, VpBar, i).kind == VP_BAR_IO)
      bytes += g_array_index (unit->bars, VpBar, i).size;
  return bytes;
}

/* Whether the user would have it behind a bridge, where it need not go. Of an emulated device it is
 * not known what it needs there. */
static gboolean
is_sent_to_bridge (const VpPlanner *self, const VpPlanUnit *unit)
{
  return self->policy->hot_on_bridge && unit->plug == VP_PLUG_HOT && !unit->is_large &&
         !unit->has_unknown_bars && unit->bars->len > 0 && !self->policy->root.is_native &&
         vp_device_need_fits_bridge (unit->bars);
}

static gboolean
place_on_pci_slot (VpPlanner *self, const VpPlanUnit *unit, VpPlannerPlace *place, GError **error)
{
  gboolean is_hot = unit->plug == VP_PLUG_HOT;
  VpPlanPort *port;
  VpWindow need;

  if (is_hot && unit->is_large)
    {
      g_autofree char *size = NULL;

      if (!vp_device_need_on_pci_slot (unit->bars, &need, error))
        return FALSE;
      size = vp_byte_size_format (need.pref64);
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                   "no window of %s for a hotplug on pc: the 64-bit range of pci.0 cannot be "
                   "prepared slot by slot, as the ports of q35 can",
                   size);
      return FALSE;
    }
  if (vp_port_pool_n_left (self->pool) == 0 || is_sent_to_bridge (self, unit))
    return place_behind_bridge (self, unit, place, error);

  if (!vp_device_need_on_pci_slot (unit->bars, &need, error))
    return FALSE;
  port = vp_port_pool_take (self->pool, is_hot ? VP_PORT_SPARE : VP_PORT_COLD, error);
  port->need = need;
  if (!is_hot && !vp_io_space_take_cold (&self->io, io_bars (unit), error))
    return FALSE;
  *place = (VpPlannerPlace){ .port = port, .bus = port->bus, .slot = port->slot };
  return TRUE;
}

/* On q35 a conventional device is at home behind a bridge; but a hot one only with ACPI, else there
 * is SHPC, which is for when no port is left. */
static gboolean
wants_bridge (const VpPlanner *self, const VpPlanUnit *unit)
{
  if (is_sent_to_bridge (self, unit))
    return TRUE;
  if (!unit->is_conventional || unit->is_large)
    return FALSE;
  if (unit->plug == VP_PLUG_COLD)
    return TRUE;
  return vp_device_need_fits_bridge (unit->bars) &&
         (!self->policy->root.is_native || vp_port_pool_n_left (self->pool) == 0);
}

gboolean
vp_planner_place (VpPlanner *self, const VpPlanUnit *unit, VpPlannerPlace *place, GError **error)
{
  g_return_val_if_fail (self != NULL && unit != NULL && place != NULL, FALSE);

  if (self->policy->root.machine == VP_MACHINE_PC)
    return place_on_pci_slot (self, unit, place, error);

  return wants_bridge (self, unit) ? place_behind_bridge (self, unit, place, error)
                                   : place_on_port (self, unit, place, error);
}

/* What a spare port is to hold: what was asked for, or what the largest hot device needs. */
static VpWindow
spare_need (const VpPlanner *self)
{
  VpWindow need = self->largest_hot;

  if (self->policy->spare_window > 0)
    need.pref64 = need.pref64_alignment = self->policy->spare_window;
  need.io = 0;
  return need;
}

static gboolean
check_spare (const VpPlanner *self, gboolean has_window, GError **error)
{
  guint n_left = vp_port_pool_n_left (self->pool);
  guint n_plain = vp_port_pool_n_left_without_switch (self->pool);
  guint n_taken = self->plan->ports->len;

  if (self->policy->n_spare > n_left)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                 "too many ports: %" G_GUINT64_FORMAT
                 " wanted (%u for devices, %u spare), and there is room for %u",
                 (guint64) n_taken + self->policy->n_spare, n_taken, self->policy->n_spare,
                 n_taken + n_left);
  else if (has_window && self->policy->n_spare > n_plain)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                 "too many spare ports: %u are wanted with a window of their own, and there are "
                 "%u left that are not behind a switch",
                 self->policy->n_spare, n_plain);
  else
    return TRUE;
  return FALSE;
}

static gboolean
add_spare_ports (VpPlanner *self, GError **error)
{
  VpWindow need = spare_need (self);
  gboolean has_window = need.pref64 > VP_WINDOW_DEFAULT || need.mem > VP_WINDOW_DEFAULT;

  if (!check_spare (self, has_window, error))
    return FALSE;

  for (guint i = 0; i < self->policy->n_spare; i++)
    {
      VpPlanPort *port = vp_port_pool_take (self->pool, VP_PORT_SPARE, NULL);

      if (!take_io (self, port, VP_PLUG_HOT, 0, error) || !reserve (self, port, &need, error))
        return FALSE;
    }
  return TRUE;
}

static void
add_spare_slots (VpPlanner *self)
{
  guint n_left = vp_port_pool_n_left (self->pool);

  if (self->policy->n_spare > n_left)
    g_ptr_array_add (self->plan->warnings,
                     g_strdup_printf ("spare slots: %u asked for, and pci.0 has %u left",
                                      self->policy->n_spare, n_left));
  if (self->policy->n_spare > 0 && self->policy->spare_window > 0)
    g_ptr_array_add (self->plan->warnings,
                     g_strdup ("a spare window was asked for, and slots of pci.0 have none of "
                               "their own"));

  for (guint i = 0; i < MIN (self->policy->n_spare, n_left); i++)
    vp_port_pool_take (self->pool, VP_PORT_SPARE, NULL);
}

/* The root bus, then switches, then expanders; behind the first, chassis numbers rise. */
static guint
rank_of (const VpPlanPort *port)
{
  if (port->kind == VP_PORT_DOWNSTREAM)
    return 1U << 16 | port->chassis;
  if (!vp_plan_port_has_acpi_hotplug (port))
    return 2U << 16 | port->chassis;
  return (guint) port->slot << 3 | port->function;
}

static int
compare_ports (gconstpointer a, gconstpointer b)
{
  guint one = rank_of (*(const VpPlanPort *const *) a);
  guint other = rank_of (*(const VpPlanPort *const *) b);

  return one < other ? -1 : one > other;
}

gboolean
vp_planner_finish (VpPlanner *self, GError **error)
{
  if (self->policy->root.machine == VP_MACHINE_PC)
    add_spare_slots (self);
  else if (!add_spare_ports (self, error))
    return FALSE;
  g_ptr_array_sort (self->plan->ports, compare_ports);
  return vp_plan_check_limits (self->plan, self->policy, error);
}
