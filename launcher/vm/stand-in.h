#pragma once

#include "devices/plan.h"

G_BEGIN_DECLS

/** Functions of a slot (PCI 3.0, 3.2.2.3.4): the most stand-ins that one slot takes. */
#define VP_STAND_IN_MAX_FUNCTIONS 8

typedef enum
{
  VP_STAND_IN_PREF64,    /* 64-bit prefetchable: ivshmem-plain, hw/misc/ivshmem.c */
  VP_STAND_IN_PREF64_IO, /* and one for I/O: pci-testdev, hw/misc/pci-testdev.c */
  VP_STAND_IN_PREF32,    /* 32-bit prefetchable: bochs-display, hw/display/bochs-display.c */
  VP_STAND_IN_MEM32,     /* 32-bit, not prefetchable: acpi-erst, hw/acpi/erst.c */
} VpStandInKind;

/**
 * VpStandIn:
 * @id: QEMU id, that of the host function's device and a number
 * @first: the first device of the plan on its slot, whose place on the command line it takes
 * @kind: what its large BAR is
 * @function: function of the slot
 * @multifunction: whether there are more functions on the slot; set on function 0
 * @size: bytes of its large BAR, a power of two; 0 for a pci-testdev without one
 *
 * One function of QEMU's that firmware gives the same kind of memory to as to a BAR of the host's.
 */
typedef struct
{
  char *id;
  const VpPlanDevice *first;
  VpStandInKind kind;
  guint8 function;
  gboolean multifunction;
  guint64 size;
} VpStandIn;

/**
 * VpStandInBar:
 * @stand_in: who stands in
 * @index: with which of its BARs
 * @exact: whether that one is of the same kind and size; otherwise it is larger, or holds several
 *   BARs, or is below 4 GiB where the host's may be above
 *
 * What stands in for one BAR.
 */
typedef struct
{
  const VpStandIn *stand_in;
  guint index;
  gboolean exact;
} VpStandInBar;

typedef struct _VpStandIns VpStandIns;

/**
 * vp_stand_ins_new:
 * @plan: a plan; must live as long
 *
 * Stand-ins for all cold host functions of @plan, so that firmware has the same work with them. All
 * functions of a slot stay on that slot. Pure.
 *
 * Where no BAR of the host's is for I/O, none of theirs is: SeaBIOS gives 4 KiB of the 64 KiB that
 * there are to each port that holds one, whatever the port's io-reserve, and panics when they are
 * used up (measured).
 *
 * Each BAR of 4 KiB and more gets a function of its own. A smaller one, and one for I/O, is stood
 * in for by the small BARs that these functions have anyway: up to 4 KiB of 32-bit memory and 256
 * bytes of I/O space. When a slot would need more than %VP_STAND_IN_MAX_FUNCTIONS, the smallest
 * BARs of one kind are put together into one that holds them all.
 *
 * Returns: (transfer full): free with vp_stand_ins_free()
 */
VpStandIns *vp_stand_ins_new (const VpPlan *plan);
void vp_stand_ins_free (VpStandIns *self);

/**
 * vp_stand_ins_get_all:
 *
 * Returns: (transfer none) (element-type VpStandIn): in the order of the plan's devices, slot by
 *   slot, each from function 0
 */
const GPtrArray *vp_stand_ins_get_all (const VpStandIns *self);

/**
 * vp_stand_ins_find:
 * @self: stand-ins
 * @device: a device of the plan
 * @bar: one of its function's BARs
 * @found: (out caller-allocates): what stands in for it
 *
 * Returns: %FALSE when nothing does: the device is hot, or QEMU emulates it
 */
gboolean vp_stand_ins_find (const VpStandIns *self,
                            const VpPlanDevice *device,
                            const VpBar *bar,
                            VpStandInBar *found);

/**
 * vp_stand_in_add:
 * @argv: (element-type utf8): a command line in the making
 * @self: a stand-in
 *
 * Appends it, and the memory that it is made of: none but address space.
 */
void vp_stand_in_add (GPtrArray *argv, const VpStandIn *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpStandIns, vp_stand_ins_free)

G_END_DECLS
