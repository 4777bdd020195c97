#pragma once

#include "devices/pci-function.h"
#include "devices/topology.h"
#include "devices/window.h"

G_BEGIN_DECLS

/**
 * vp_device_need_add_bars:
 * @bars: (element-type VpBar): grows
 * @function: (nullable): a host function; an emulated device needs nothing beyond the default
 * @at_largest: take BARs that can be resized as large as they can become
 *
 * Adds what @function wants addresses for: its BARs, and its expansion ROM as a 32-bit BAR of index
 * %VP_PCI_N_BARS, which is what it is to whoever assigns addresses (PCI 3.0, 6.2.5.2).
 */
void vp_device_need_add_bars (GArray *bars, const VpPciFunction *function, gboolean at_largest);

/**
 * vp_device_need_on_port:
 * @bars: (element-type VpBar): of all functions of a device, or of all devices behind a bridge
 * @need: (out caller-allocates): the window that they need together
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT when no bridge can forward that
 */
gboolean vp_device_need_on_port (const GArray *bars, VpWindow *need, GError **error);

/**
 * vp_device_need_on_pci_slot:
 * @bars: (element-type VpBar): of all functions of a device
 * @need: (out caller-allocates): the address space that they need together
 * @error: return location for a #GError
 *
 * On pci.0 no bridge stands before the device, so that any 64-bit BAR may be above 4 GiB and counts
 * as prefetchable.
 *
 * Returns: %FALSE with %VP_DEVICE_ERROR_NO_SLOT
 */
gboolean vp_device_need_on_pci_slot (const GArray *bars, VpWindow *need, GError **error);

/**
 * vp_device_need_fits_bridge:
 * @bars: (element-type VpBar): the BARs of all the devices behind one bridge
 *
 * A pcie-pci-bridge has no reserve properties, and one on its port does not reach its own window
 * (measured): all that is hotplugged behind it shares %VP_WINDOW_DEFAULT.
 *
 * Returns: whether the BARs fit together
 */
gboolean vp_device_need_fits_bridge (const GArray *bars);

G_END_DECLS
