#include "devices/address-space.h"

#include "devices/window.h"

#define GIB             (G_GUINT64_CONSTANT (1) << 30)
#define FOUR_GIB        (4 * GIB)
#define HYPER_TRANSPORT G_GUINT64_CONSTANT (0xfd00000000)
#define AMD_ABOVE_4G    (1024 * GIB)

/* Where RAM is split: at @split bytes or more only @below of them are below 4 GiB. */
static const struct
{
  guint64 split;
  guint64 below;
  guint64 hole64;
} machines[] = {
  [VP_MACHINE_Q35] = { 11 * GIB / 4, 2 * GIB, 32 * GIB },
  [VP_MACHINE_PC] = { 7 * GIB / 2, 3 * GIB, 2 * GIB },
};

static guint64
add (guint64 a, guint64 b)
{
  guint64 sum;

  return g_uint64_checked_add (&sum, a, b) ? sum : G_MAXUINT64;
}

/* @step is a power of two. */
static guint64
align (guint64 address, guint64 step)
{
  return add (address, step - 1) & ~(step - 1);
}

guint64
vp_address_space_hole64 (VpMachineType machine)
{
  g_return_val_if_fail ((guint) machine < G_N_ELEMENTS (machines), 0);

  return machines[machine].hole64;
}

/* Where RAM ends when what is above 4 GiB starts at @above. */
static guint64
find_end (const VpAddressSpace *space, guint64 above)
{
  guint64 end = above;

  if (space->ram >= machines[space->machine].split)
    end = add (end, space->ram - machines[space->machine].below);
  if (space->max_ram > space->ram)
    {
      end = add (align (end, GIB), space->max_ram - space->ram);
      end = add (end, space->n_slots * GIB);
    }
  return align (end, GIB);
}

guint64
vp_address_space_ram_end (const VpAddressSpace *space)
{
  guint64 end;

  g_return_val_if_fail (space != NULL, 0);
  g_return_val_if_fail ((guint) space->machine < G_N_ELEMENTS (machines), 0);

  end = find_end (space, FOUR_GIB);
  if (space->is_amd && add (end, space->hole64) > HYPER_TRANSPORT)
    end = find_end (space, AMD_ABOVE_4G);
  return end;
}

guint
vp_address_space_needed_bits (const VpAddressSpace *space, guint64 windows)
{
  guint64 power = vp_window_round_up (windows);
  guint64 ram_end, end;
  guint bits = VP_ADDRESS_SPACE_MIN_BITS;

  g_return_val_if_fail (space != NULL, 0);

  ram_end = vp_address_space_ram_end (space);
  end = add (ram_end, space->hole64);
  if (power > 0)
    end = MAX (end, add (align (ram_end, power), power));

  while (bits < 64 && (end - 1) >> bits != 0)
    bits++;
  return bits;
}
