#include "devices/port-pool.h"

#include "devices/error.h"

struct _VpPortPool
{
  const VpRootBus *root;
  VpPlan *plan;

  /* q35 */
  guint n_direct;     /* root ports that hold no switch */
  guint n_downstream; /* ports behind switches */
  guint n_root_ports;
  guint n_taken;        /* of both */
  VpPlanPort *upstream; /* root port of the switch that gives ports now, or NULL */
  guint n_on_node[VP_TOPOLOGY_MAX_NODES];

  /* pc */
  guint n_slots;
  guint n_bridges;
};

VpPortPool *
vp_port_pool_new (const VpRootBus *root, VpPlan *plan)
{
  VpPortPool *self;
  guint n_switches, n_buses;

  g_return_val_if_fail (root != NULL && root->n_nodes <= VP_TOPOLOGY_MAX_NODES, NULL);
  g_return_val_if_fail (plan != NULL && plan->ports->len == 0, NULL);

  self = g_new0 (VpPortPool, 1);
  self->root = root;
  self->plan = plan;
  if (root->machine == VP_MACHINE_PC)
    return self;

  /* Each port takes a bus number, each switch one more for its inside, and pcie.0 the first. */
  n_switches = vp_topology_n_switches (root);
  n_buses = vp_topology_n_buses (root) - 1;
  self->n_root_ports = MIN (vp_topology_max_root_ports (root), n_buses);
  self->n_direct = self->n_root_ports - n_switches;
  self->n_downstream =
      MIN (n_switches * VP_TOPOLOGY_SWITCH_PORTS, n_buses - self->n_root_ports - n_switches);
  return self;
}

void
vp_port_pool_free (VpPortPool *self)
{
  g_free (self);
}

/* Chassis numbers start at 1, or where a foreign machine has none. */
static guint8
chassis_of (const VpPortPool *self, guint number)
{
  const VpForeignBus *foreign = &self->root->foreign;

  return (guint8) (foreign->is_foreign ? foreign->first_chassis + number - 1 : number);
}

static VpPlanPort *
add_port (VpPortPool *self, VpPortKind kind, VpPortUse use, const char *bus, guint number)
{
  VpPlanPort *port = g_new0 (VpPlanPort, 1);

  port->kind = kind;
  port->use = use;
  port->bus = g_strdup (bus);
  if (kind != VP_PORT_PCI_SLOT)
    {
      port->chassis = chassis_of (self, number);
      port->id = g_strdup_printf ("%sport%u", vp_topology_own_prefix (self->root), number);
    }
  g_ptr_array_add (self->plan->ports, port);
  return port;
}

static VpPlanPort *
add_root_port (VpPortPool *self, VpPortUse use, guint index)
{
  VpPlanPort *port =
      add_port (self, VP_PORT_ROOT_PORT, use, vp_topology_root_bus (VP_MACHINE_Q35), index + 1);

  vp_topology_root_port_address (self->root, index, &port->slot, &port->function);
  return port;
}

static VpPlanPort *
add_downstream_port (VpPortPool *self, VpPortUse use, guint index)
{
  guint n = index / VP_TOPOLOGY_SWITCH_PORTS;
  VpPlanPort *port;

  if (index % VP_TOPOLOGY_SWITCH_PORTS == 0)
    {
      self->upstream = add_root_port (self, VP_PORT_SWITCH, self->n_direct + n);
      self->upstream->bridge = g_strdup_printf ("switch%u", n + 1);
    }
  port = add_port (self, VP_PORT_DOWNSTREAM, use, self->upstream->bridge,
                   self->n_root_ports + index + 1);
  port->slot = (guint8) (index % VP_TOPOLOGY_SWITCH_PORTS);
  return port;
}

static VpPlanPort *
add_pci_slot (VpPortPool *self, VpPortUse use, guint8 slot)
{
  VpPlanPort *port =
      add_port (self, VP_PORT_PCI_SLOT, use, vp_topology_root_bus (VP_MACHINE_PC), 0);

  port->slot = slot;
  port->id = g_strdup_printf ("%sslot%u", vp_topology_own_prefix (self->root), slot);
  port->has_io = TRUE;
  return port;
}

static void
refuse (const VpPortPool *self, GError **error)
{
  if (self->root->machine == VP_MACHINE_PC)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                 "too many devices: pci.0 has %u slots for them",
                 vp_topology_max_pci_slots (self->root));
  else if (self->n_downstream == 0)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                 "too many ports: pcie.0 and its %u bus numbers have room for %u",
                 vp_topology_n_buses (self->root), self->n_direct);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                 "too many ports: pcie.0 has room for %u, and switches behind %u more for the %u "
                 "that are left of %u bus numbers",
                 self->n_direct, self->n_root_ports - self->n_direct, self->n_downstream,
                 vp_topology_n_buses (self->root));
}

VpPlanPort *
vp_port_pool_take (VpPortPool *self, VpPortUse use, GError **error)
{
  guint index;

  g_return_val_if_fail (self != NULL, NULL);

  if (vp_port_pool_n_left (self) == 0)
    {
      refuse (self, error);
      return NULL;
    }
  if (self->root->machine == VP_MACHINE_PC)
    return add_pci_slot (self, use, vp_topology_pci_slot (self->root, self->n_slots++));

  index = self->n_taken++;
  return index < self->n_direct ? add_root_port (self, use, index)
                                : add_downstream_port (self, use, index - self->n_direct);
}

static int
compare_nodes (gconstpointer a, gconstpointer b)
{
  const VpPlanExpander *one = *(const VpPlanExpander *const *) a;
  const VpPlanExpander *other = *(const VpPlanExpander *const *) b;

  return one->node < other->node ? -1 : one->node > other->node;
}

static const VpPlanExpander *
get_expander (VpPortPool *self, guint node)
{
  VpPlanExpander *expander;
  guint n_ports;

  for (guint i = 0; i < self->plan->expanders->len; i++)
    {
      expander = self->plan->expanders->pdata[i];
      if (expander->node == node)
        return expander;
    }

  expander = g_new0 (VpPlanExpander, 1);
  expander->id = g_strdup_printf ("numa%u", node);
  expander->node = node;
  vp_topology_expander (self->root, node, &expander->slot, &expander->bus_nr, &n_ports);
  g_ptr_array_add (self->plan->expanders, expander);
  g_ptr_array_sort (self->plan->expanders, compare_nodes);
  return expander;
}

VpPlanPort *
vp_port_pool_take_on_node (VpPortPool *self, guint node)
{
  const VpPlanExpander *expander;
  VpPlanPort *port;
  guint8 slot, bus;
  guint n_ports;

  g_return_val_if_fail (self != NULL && node < self->root->n_nodes, NULL);

  vp_topology_expander (self->root, node, &slot, &bus, &n_ports);
  if (self->n_on_node[node] == n_ports)
    return NULL;

  expander = get_expander (self, node);
  port = add_port (self, VP_PORT_ROOT_PORT, VP_PORT_COLD, expander->id,
                   expander->bus_nr + self->n_on_node[node] + 1);
  port->slot = (guint8) (self->n_on_node[node] % VP_TOPOLOGY_SWITCH_PORTS);
  port->function = (guint8) (self->n_on_node[node] / VP_TOPOLOGY_SWITCH_PORTS);
  self->n_on_node[node]++;
  return port;
}

VpPlanPort *
vp_port_pool_take_bridge_slot (VpPortPool *self, GError **error)
{
  VpPlanPort *port;
  guint max;

  g_return_val_if_fail (self != NULL && self->root->machine == VP_MACHINE_PC, NULL);

  max = vp_topology_max_pci_bridges (self->root);
  if (self->n_bridges == max)
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                   "too many devices: pci.0 has %u slots for them and room for %u bridges, and "
                   "all are full",
                   vp_topology_max_pci_slots (self->root), max);
      return NULL;
    }
  port = add_pci_slot (self, VP_PORT_BRIDGE,
                       vp_topology_pci_bridge_slot (self->root, self->n_bridges++));
  port->chassis = chassis_of (self, self->n_bridges);
  return port;
}

guint
vp_port_pool_n_left (const VpPortPool *self)
{
  if (self->root->machine == VP_MACHINE_PC)
    return vp_topology_max_pci_slots (self->root) - self->n_slots;

  return self->n_direct + self->n_downstream - self->n_taken;
}

guint
vp_port_pool_n_left_without_switch (const VpPortPool *self)
{
  if (self->root->machine == VP_MACHINE_PC)
    return 0;

  return self->n_taken < self->n_direct ? self->n_direct - self->n_taken : 0;
}
