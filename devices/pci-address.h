#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpPciAddress:
 * @domain: PCI segment; more than 16 bits behind a VMD controller
 * @bus: bus number
 * @slot: device number, 0 to 31
 * @function: 0 to 7
 */
typedef struct
{
  guint32 domain;
  guint8 bus;
  guint8 slot;
  guint8 function;
} VpPciAddress;

/**
 * vp_pci_address_parse:
 * @text: "0000:65:00.0", or "65:00.0" for domain 0
 * @address: (out caller-allocates): untouched on failure
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_INVALID when @text is not exactly an address
 */
gboolean vp_pci_address_parse (const char *text, VpPciAddress *address, GError **error);

/**
 * vp_pci_address_to_string:
 * @address: an address
 *
 * Returns: (transfer full): the long form, as sysfs spells it
 */
char *vp_pci_address_to_string (const VpPciAddress *address);

/**
 * vp_pci_address_compare:
 * @a: an address
 * @b: another
 *
 * Returns: less than, equal to or greater than zero, ordering by domain, bus, slot, function
 */
int vp_pci_address_compare (const VpPciAddress *a, const VpPciAddress *b);

G_END_DECLS
