#include "devices/plan-width.h"

#include "devices/byte-size.h"
#include "devices/error.h"

/* Firmware that fills the top of the address space uses an eighth of it (SeaBIOS, pciinit.c). */
#define TOP_BITS 3

/* OVMF does not get through with an aperture of half of it (measured: 512 GiB with 40 bits). */
#define APERTURE_BITS 2

/* And SeaBIOS 1.16.3 lowers the alignment of a BAR to 1/2048 of it, which is its bug. */
#define ALIGNMENT_BITS 11

static guint
bits_of (guint64 bytes)
{
  return bytes == 0 ? 0 : (guint) g_bit_nth_msf (bytes, -1);
}

static guint64
space_of (guint bits)
{
  return bits >= 64 ? G_MAXUINT64 : G_GUINT64_CONSTANT (1) << bits;
}

/* What the windows take together, as firmware cuts it. */
static guint64
aperture_of (const VpPlan *plan)
{
  guint64 mib = plan->firmware->has_aperture
                    ? vp_firmware_ovmf_aperture_mib (plan->pref64_total, plan->ports->len)
                    : 0;

  return mib > 0 ? mib << 20 : plan->pref64_total;
}

static guint64
largest_cold_bar (const VpPlan *plan)
{
  guint64 largest = 0;

  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = plan->devices->pdata[i];
      const VpBar *bar =
          device->function != NULL ? vp_pci_function_largest_bar (device->function) : NULL;

      if (device->plug == VP_PLUG_COLD && bar != NULL)
        largest = MAX (largest, bar->size);
    }
  return largest;
}

static gboolean
refuse (const VpPlan *plan,
        const VpPlanPolicy *policy,
        guint needed,
        guint limit,
        const char *whose,
        GError **error)
{
  g_autofree char *windows = vp_byte_size_format (plan->pref64_total);
  g_autofree char *ram = vp_byte_size_format (policy->space.ram);

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
               "no address space: 64-bit windows of %s in all above %s of RAM take %u address "
               "bits, and %s %u",
               windows, ram, needed, whose, limit);
  return FALSE;
}

/* What firmware cannot do without. */
static guint
needed_bits (const VpPlan *plan, const VpPlanPolicy *policy, guint64 aperture)
{
  guint needed = vp_address_space_needed_bits (&policy->space, aperture);

  if (plan->firmware->fills_top && aperture > 0)
    needed = MAX (needed, bits_of (vp_window_round_up (aperture)) + TOP_BITS);
  if (plan->firmware->has_aperture && aperture > 0)
    needed = MAX (needed, bits_of (vp_window_round_up (aperture)) + APERTURE_BITS);
  return needed;
}

/* Whether small windows, and on pc small BARs, end up above all that firmware counted with. */
static gboolean
overshoots (const VpPlan *plan, gboolean has_high_ram)
{
  return plan->firmware->overshoot_bits > 0 && !has_high_ram &&
         plan->pref64_total > vp_topology_mem_hole (plan->root.machine);
}

/* What firmware does better with. */
static guint
wanted_bits (const VpPlan *plan,
             const VpPlanPolicy *policy,
             guint needed,
             guint64 aperture,
             gboolean has_high_ram)
{
  const VpFirmware *firmware = plan->firmware;
  guint64 largest = largest_cold_bar (plan);
  guint wanted = needed;

  if (firmware->has_aperture && aperture > 0)
    wanted = MAX (wanted, bits_of (vp_window_round_up (aperture)) + TOP_BITS);
  if (firmware->misplaces_large_bars && largest > 0)
    wanted = MAX (wanted, bits_of (largest) + ALIGNMENT_BITS);
  if (firmware->window_bits > 0)
    wanted = MIN (wanted, firmware->window_bits);
  if (overshoots (plan, has_high_ram))
    wanted = firmware->overshoot_bits;
  return MAX (needed, MIN (wanted, policy->max_bits));
}

static void
warn_of_misplaced_bars (VpPlan *plan, guint64 largest, guint used)
{
  guint64 limit = space_of (used > ALIGNMENT_BITS ? used - ALIGNMENT_BITS : 0);
  g_autofree char *size = vp_byte_size_format (largest);
  g_autofree char *most = vp_byte_size_format (limit);

  if (largest > limit)
    g_ptr_array_add (plan->warnings,
                     g_strdup_printf ("a BAR of %s: %s can put one of more than %s outside its "
                                      "window; vmplug rehearse tells whether it does, and "
                                      "--firmware ovmf never does",
                                      size, plan->firmware->name, most));
}

static void
warn_of_overshooting (VpPlan *plan)
{
  g_ptr_array_add (plan->warnings,
                   g_strdup_printf ("%s can put small windows beyond the %u address bits of the "
                                    "guest's CPU while all RAM is below 4 GiB: give it more "
                                    "memory, or see what vmplug rehearse says",
                                    plan->firmware->name, plan->phys_bits));
}

gboolean
vp_plan_set_width (VpPlan *plan, const VpPlanPolicy *policy, GError **error)
{
  const VpFirmware *firmware = plan->firmware;
  guint64 aperture = aperture_of (plan);
  gboolean has_high_ram = vp_address_space_ram_end (&policy->space) > space_of (32);
  guint needed = needed_bits (plan, policy, aperture);

  if (policy->default_bits > 0)
    {
      if (needed > policy->max_bits)
        return refuse (plan, policy, needed, policy->max_bits, "the guest's CPU has", error);
      if (firmware->window_bits > 0 && needed > firmware->window_bits)
        return refuse (plan, policy, needed, firmware->window_bits, "firmware stays within", error);

      plan->phys_bits =
          MAX (policy->default_bits, wanted_bits (plan, policy, needed, aperture, has_high_ram));
      if (firmware->misplaces_large_bars && has_high_ram)
        warn_of_misplaced_bars (plan, largest_cold_bar (plan),
                                MIN (plan->phys_bits, firmware->window_bits));
      if (overshoots (plan, has_high_ram) && plan->phys_bits < firmware->overshoot_bits)
        warn_of_overshooting (plan);
    }

  /* OVMF takes an eighth of what the CPU addresses, up to its own limit, or what it is told. */
  if (firmware->has_aperture &&
      (plan->phys_bits == 0 ||
       aperture > space_of (MIN (plan->phys_bits, firmware->window_bits) - TOP_BITS)))
    plan->aperture_mib = vp_firmware_ovmf_aperture_mib (plan->pref64_total, plan->ports->len);
  return TRUE;
}
