#include "devices/topology.h"

#include "devices/error.h"
#include "devices/quote.h"

#define FUNCTIONS_PER_SLOT 8

/* pcie.0: 0x00 is the host bridge, 0x1f the ICH9. */
#define FIRST_PORT_SLOT   0x01
#define N_PORT_SLOTS      15
#define Q35_LAST_OWN_SLOT 0x1e

/* pci.0: 0x00 is the host bridge, 0x01 the PIIX3. */
#define FIRST_PCI_SLOT  0x02
#define PC_LAST_SLOT    0x1f
#define MAX_PCI_BRIDGES 8

/* Of the free slots of a foreign pc. */
#define PCI_BRIDGE_PART 3

#define Q35_MEM_HOLE   G_GUINT64_CONSTANT (0xc0000000)
#define PC_MEM_HOLE    G_GUINT64_CONSTANT (0xe0000000)
#define IOAPIC_ADDRESS G_GUINT64_CONSTANT (0xfec00000)

#define N_BUSES    256
#define NODE_BUSES (N_BUSES / 2)

static const char *const machine_names[] = {
  [VP_MACHINE_Q35] = "q35",
  [VP_MACHINE_PC] = "pc",
};

gboolean
vp_machine_type_parse (const char *text, VpMachineType *type, GError **error)
{
  g_autofree char *quoted = NULL;

  g_return_val_if_fail (text != NULL && type != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (machine_names); i++)
    if (g_str_equal (text, machine_names[i]))
      {
        *type = (VpMachineType) i;
        return TRUE;
      }

  quoted = vp_quote (text);
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID,
               "%s is not a machine: expected q35 or pc", quoted);
  return FALSE;
}

const char *
vp_machine_type_to_string (VpMachineType type)
{
  g_return_val_if_fail ((guint) type < G_N_ELEMENTS (machine_names), NULL);

  return machine_names[type];
}

/* The slots that a foreign machine leaves free. */
static guint32
free_slots (const VpRootBus *root)
{
  const guint32 fixed = root->machine == VP_MACHINE_Q35
                            ? 1U | 1U << 31               /* host bridge, ICH9 */
                            : (1U << FIRST_PCI_SLOT) - 1; /* host bridge, PIIX3 */

  return ~(root->foreign.taken_slots | fixed);
}

static guint
n_free_slots (const VpRootBus *root)
{
  guint n = 0;

  for (guint32 slots = free_slots (root); slots != 0; slots &= slots - 1)
    n++;
  return n;
}

/* The @index-th of them from the top. */
static guint8
free_slot (const VpRootBus *root, guint index)
{
  guint32 slots = free_slots (root);

  while (index-- > 0)
    slots &= ~(1U << g_bit_nth_msf (slots, -1));
  return (guint8) g_bit_nth_msf (slots, -1);
}

static gboolean
has_expanders (const VpRootBus *root)
{
  return root->machine == VP_MACHINE_Q35 && root->n_nodes > 1;
}

/* Slots behind the first 15 that neither own devices nor expander bridges take. */
static guint
n_late_slots (const VpRootBus *root)
{
  guint n = Q35_LAST_OWN_SLOT - (FIRST_PORT_SLOT + N_PORT_SLOTS) + 1;
  guint n_taken = root->n_own + (has_expanders (root) ? root->n_nodes : 0);

  return n_taken < n ? n - n_taken : 0;
}

guint
vp_topology_max_root_ports (const VpRootBus *root)
{
  g_return_val_if_fail (root != NULL && root->machine == VP_MACHINE_Q35, 0);

  if (root->foreign.is_foreign)
    return MIN (n_free_slots (root) * FUNCTIONS_PER_SLOT, root->foreign.n_chassis);
  return (N_PORT_SLOTS + n_late_slots (root)) * FUNCTIONS_PER_SLOT;
}

void
vp_topology_root_port_address (const VpRootBus *root, guint index, guint8 *slot, guint8 *function)
{
  guint first = FIRST_PORT_SLOT, n_slots = N_PORT_SLOTS;

  g_return_if_fail (root != NULL && index < vp_topology_max_root_ports (root));
  g_return_if_fail (slot != NULL && function != NULL);

  if (root->foreign.is_foreign)
    {
      *slot = free_slot (root, index % n_free_slots (root));
      *function = (guint8) (index / n_free_slots (root));
      return;
    }
  if (index >= N_PORT_SLOTS * FUNCTIONS_PER_SLOT)
    {
      index -= N_PORT_SLOTS * FUNCTIONS_PER_SLOT;
      first += N_PORT_SLOTS + root->n_own;
      n_slots = n_late_slots (root);
    }
  *slot = (guint8) (first + index % n_slots);
  *function = (guint8) (index / n_slots);
}

guint
vp_topology_n_buses (const VpRootBus *root)
{
  g_return_val_if_fail (root != NULL && root->machine == VP_MACHINE_Q35, 0);

  if (root->foreign.is_foreign)
    return root->foreign.n_buses;
  return has_expanders (root) ? NODE_BUSES : N_BUSES;
}

guint
vp_topology_n_switches (const VpRootBus *root)
{
  guint n_ports = vp_topology_max_root_ports (root);
  guint n_left = vp_topology_n_buses (root) - 1;

  /* A switch takes a bus for itself and one for each of its ports. */
  if (root->foreign.is_foreign || n_left <= n_ports + 1)
    return 0;
  return MAX (1, (n_left - n_ports) / (1 + VP_TOPOLOGY_SWITCH_PORTS));
}

void
vp_topology_expander (const VpRootBus *root, guint node, guint8 *slot, guint8 *bus, guint *n_ports)
{
  guint n_buses;

  g_return_if_fail (root != NULL && has_expanders (root) && node < root->n_nodes);
  g_return_if_fail (slot != NULL && bus != NULL && n_ports != NULL);

  n_buses = NODE_BUSES / root->n_nodes;
  *slot = (guint8) (Q35_LAST_OWN_SLOT - node);
  *bus = (guint8) (NODE_BUSES + node * n_buses);
  *n_ports = n_buses - 1;
}

guint
vp_topology_max_pci_slots (const VpRootBus *root)
{
  g_return_val_if_fail (root != NULL && root->machine == VP_MACHINE_PC, 0);

  if (!root->foreign.is_foreign)
    return VP_TOPOLOGY_MAX_PCI_SLOTS;
  return MIN (n_free_slots (root) - vp_topology_max_pci_bridges (root), VP_TOPOLOGY_MAX_PCI_SLOTS);
}

guint8
vp_topology_pci_slot (const VpRootBus *root, guint index)
{
  g_return_val_if_fail (root != NULL && index < vp_topology_max_pci_slots (root), 0);

  return root->foreign.is_foreign ? free_slot (root, index) : (guint8) (FIRST_PCI_SLOT + index);
}

guint64
vp_topology_mem_hole (VpMachineType machine)
{
  return IOAPIC_ADDRESS - (machine == VP_MACHINE_Q35 ? Q35_MEM_HOLE : PC_MEM_HOLE);
}

guint
vp_topology_max_pci_bridges (const VpRootBus *root)
{
  guint n_slots = PC_LAST_SLOT - (FIRST_PCI_SLOT + VP_TOPOLOGY_MAX_PCI_SLOTS) + 1;

  g_return_val_if_fail (root != NULL && root->machine == VP_MACHINE_PC, 0);

  if (root->foreign.is_foreign)
    return MIN (MIN (n_free_slots (root) / PCI_BRIDGE_PART, MAX_PCI_BRIDGES),
                root->foreign.n_chassis);
  return root->n_own < n_slots ? MIN (n_slots - root->n_own, MAX_PCI_BRIDGES) : 0;
}

guint8
vp_topology_pci_bridge_slot (const VpRootBus *root, guint index)
{
  g_return_val_if_fail (root != NULL && index < MAX_PCI_BRIDGES, 0);

  return root->foreign.is_foreign ? free_slot (root, n_free_slots (root) - 1 - index)
                                  : (guint8) (PC_LAST_SLOT - index);
}

const char *
vp_topology_own_prefix (const VpRootBus *root)
{
  g_return_val_if_fail (root != NULL, "");

  return root->foreign.is_foreign ? "vmplug-" : "";
}

gboolean
vp_topology_own_slot (const VpRootBus *root, guint index, guint8 *slot)
{
  gboolean is_q35;
  guint first, last;

  g_return_val_if_fail (root != NULL && slot != NULL, FALSE);

  is_q35 = root->machine == VP_MACHINE_Q35;
  first = is_q35 ? FIRST_PORT_SLOT + N_PORT_SLOTS : FIRST_PCI_SLOT + VP_TOPOLOGY_MAX_PCI_SLOTS;
  last = is_q35 ? Q35_LAST_OWN_SLOT : PC_LAST_SLOT;
  if (has_expanders (root))
    last -= root->n_nodes;
  if (index > last - first)
    return FALSE;

  *slot = (guint8) (first + index);
  return TRUE;
}

const char *
vp_topology_root_bus (VpMachineType machine)
{
  return machine == VP_MACHINE_Q35 ? "pcie.0" : "pci.0";
}
