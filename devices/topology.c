#include "devices/topology.h"

#include "devices/error.h"
#include "devices/quote.h"

/* Root ports have slots 0x01 to 0x0f of pcie.0; 0x00 is the host bridge. */
#define FIRST_PORT_SLOT   0x01
#define N_PORT_SLOTS      15
#define FIRST_PCI_SLOT    0x02
#define Q35_LAST_OWN_SLOT 0x1e
#define PC_LAST_OWN_SLOT  0x1f

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

void
vp_topology_root_port_address (guint index, guint8 *slot, guint8 *function)
{
  g_return_if_fail (index < VP_TOPOLOGY_MAX_ROOT_PORTS);
  g_return_if_fail (slot != NULL && function != NULL);

  *slot = (guint8) (FIRST_PORT_SLOT + index % N_PORT_SLOTS);
  *function = (guint8) (index / N_PORT_SLOTS);
}

guint8
vp_topology_pci_slot (guint index)
{
  g_return_val_if_fail (index < VP_TOPOLOGY_MAX_PCI_SLOTS, 0);

  return (guint8) (FIRST_PCI_SLOT + index);
}

gboolean
vp_topology_own_slot (VpMachineType machine, guint index, guint8 *slot)
{
  guint last = machine == VP_MACHINE_Q35 ? Q35_LAST_OWN_SLOT : PC_LAST_OWN_SLOT;
  guint first = machine == VP_MACHINE_Q35 ? FIRST_PORT_SLOT + N_PORT_SLOTS
                                          : FIRST_PCI_SLOT + VP_TOPOLOGY_MAX_PCI_SLOTS;

  g_return_val_if_fail (slot != NULL, FALSE);

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
