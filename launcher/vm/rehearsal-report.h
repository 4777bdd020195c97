#pragma once

#include "launcher/vm/guest-bars.h"
#include "launcher/vm/guest-windows.h"
#include "launcher/vm/stand-in.h"

G_BEGIN_DECLS

typedef enum
{
  VP_BAR_PLACED,     /* has, or would find, an address that its port forwards */
  VP_BAR_UNASSIGNED, /* firmware has given it no address */
  VP_BAR_OUTSIDE,    /* its address is in no window of its port */
  VP_BAR_NO_ROOM,    /* hot, and the window of its port has no aligned place for it */
  VP_BAR_TOO_HIGH,   /* above what the CPU can address */
  VP_BAR_UNNEEDED,   /* for I/O: a driver must do without (PCI Express 5.0, 1.3.2.2) */
} VpBarPlace;

/**
 * VpRehearsedBar:
 * @index: 0 to 5, of the device itself
 * @kind: address space and width
 * @size: bytes
 * @stand_in_exact: whether its stand-in is of the same kind and size; %TRUE when it needed none
 * @assigned: whether firmware has given it an address
 * @address: that address; of a hot one the address that it would find; 0 for none
 * @place: what is to be said of it
 */
typedef struct
{
  guint index;
  VpBarKind kind;
  guint64 size;
  gboolean stand_in_exact;
  gboolean assigned;
  guint64 address;
  VpBarPlace place;
} VpRehearsedBar;

/**
 * VpRehearsedDevice:
 * @device: a device of the plan
 * @ok: whether all its BARs have their place
 * @has_windows: whether a bridge or port stands before it
 * @windows: what that forwards
 * @bars: (element-type VpRehearsedBar): its BARs; none for a hot device that QEMU emulates
 * @problem: (nullable): what is wrong with the first that is
 */
typedef struct
{
  const VpPlanDevice *device;
  gboolean ok;
  gboolean has_windows;
  VpGuestWindows windows;
  GArray *bars;
  char *problem;
} VpRehearsedDevice;

/**
 * VpRehearsalReport:
 * @plan: what was rehearsed; borrowed
 * @ok: whether every device of the plan is
 * @is_set_up: whether firmware has set up PCI at all
 * @devices: (element-type VpRehearsedDevice): in the order of the plan
 * @windows: (element-type VpGuestWindows): of each port of the plan, in its order
 * @seconds: from QEMU's start to the verdict
 * @last_words: (nullable): the last line that firmware printed
 *
 * What a rehearsal has shown.
 */
typedef struct
{
  const VpPlan *plan;
  gboolean ok;
  gboolean is_set_up;
  GPtrArray *devices;
  GArray *windows;
  double seconds;
  char *last_words;
} VpRehearsalReport;

/**
 * VpRehearsalView:
 * @query_pci: what QEMU's query-pci returned
 * @registers: (nullable) (element-type utf8 VpGuestBars): by QEMU id, what is better known of some
 *   devices than @query_pci has it
 * @address_bits: of the guest's CPU; 0 when they are not known
 *
 * What is seen of a VM at one moment.
 */
typedef struct
{
  JsonArray *query_pci;
  GHashTable *registers;
  guint address_bits;
} VpRehearsalView;

/**
 * vp_rehearsal_report_new:
 * @plan: a plan; must live as long
 * @stand_ins: those of its cold host functions
 * @view: what is seen
 *
 * Judges. A cold BAR must have an address in a window of its port, and of all bridges before that.
 * All the hot BARs of one bus must find an aligned place in its windows together, beside the cold
 * ones: a prefetchable one in either window, another below 4 GiB. Where no bridge stands before a
 * device, on pc's pci.0, an address is enough, and a hot BAR is the guest's business. Pure.
 *
 * Returns: (transfer full): free with vp_rehearsal_report_free()
 */
VpRehearsalReport *vp_rehearsal_report_new (const VpPlan *plan,
                                            const VpStandIns *stand_ins,
                                            const VpRehearsalView *view);
void vp_rehearsal_report_free (VpRehearsalReport *self);

/**
 * vp_rehearsal_report_check:
 * @self: a report
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_REHEARSAL, naming the first device and BAR that has no place, and
 *   how many devices more there are
 */
gboolean vp_rehearsal_report_check (const VpRehearsalReport *self, GError **error);

/**
 * vp_rehearsal_report_to_json:
 *
 * Returns: (transfer full): the "rehearse" document of the contract
 */
JsonObject *vp_rehearsal_report_to_json (const VpRehearsalReport *self);

/**
 * vp_rehearsal_report_to_text:
 *
 * Returns: (transfer full): a line for each device and one for the whole, for a person
 */
char *vp_rehearsal_report_to_text (const VpRehearsalReport *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpRehearsalReport, vp_rehearsal_report_free)

G_END_DECLS
