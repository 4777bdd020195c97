#include "devices/slot-refusal.h"

#include "devices/byte-size.h"
#include "devices/error.h"
#include "devices/slot.h"

/* How many holders a message names before it says "and N more". */
#define MAX_NAMED 8

/* Bridge windows start at any MiB (PCI-to-PCI Bridge 1.2, 3.2.5.6). */
#define ANY_ALIGNMENT (G_GUINT64_CONSTANT (1) << 20)

char *
vp_slot_refusal_name (const VpSlotRequest *requests, guint n_requests)
{
  GString *name = g_string_new (NULL);

  for (guint i = 0; i < n_requests; i++)
    {
      const VpPciFunction *function = requests[i].function;
      g_autofree char *address = NULL;

      if (function == NULL)
        continue;
      address = vp_pci_address_to_string (&function->address);
      g_string_append_printf (name, "%s%s", name->len > 0 ? " and " : "", address);
    }
  return g_string_free (name, FALSE);
}

/* Who sits in @slot, "a" or "a and b". */
static void
append_holders (GString *text, const VpSlot *slot)
{
  const char *separator = "";

  for (guint i = 0; i < VP_SLOT_N_FUNCTIONS; i++)
    if (slot->holders[i].id != NULL)
      {
        g_string_append_printf (text, "%s%s", separator, slot->holders[i].id);
        separator = " and ";
      }
}

static void
refuse_full (const GArray *slots, GError **error)
{
  g_autoptr (GString) holders = g_string_new (NULL);
  guint n = 0;

  for (guint i = 0; i < slots->len; i++)
    {
      const VpSlot *slot = &g_array_index (slots, VpSlot, i);

      if (vp_slot_is_bridged (slot) || !vp_slot_takes_hotplug (slot))
        continue;
      if (n < MAX_NAMED)
        {
          g_string_append_printf (holders, "%s%s: ", n > 0 ? ", " : "", slot->port->id);
          append_holders (holders, slot);
        }
      n++;
    }
  if (n > MAX_NAMED)
    g_string_append_printf (holders, " and %u more", n - MAX_NAMED);

  if (n == 0)
    g_set_error_literal (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                         "no free hotplug port: the VM was started without any");
  else if (n == 1)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                 "no free hotplug port: the only one is taken (%s)", holders->str);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                 "no free hotplug port: all %u are taken (%s)", n, holders->str);
}

/* What a window is good for: of one that may start anywhere, the largest BAR that is sure to fit.
 */
static guint64
usable_part (guint64 bytes, guint64 alignment)
{
  guint64 size = vp_window_round_up (bytes);

  if (alignment > ANY_ALIGNMENT)
    return bytes;
  while (size > bytes || size - ANY_ALIGNMENT > bytes - size)
    size /= 2;
  return size;
}

static gboolean
has_large (const VpSlotRequest *requests, guint n_requests, guint64 large_bar)
{
  for (guint i = 0; i < n_requests; i++)
    if (requests[i].function != NULL && vp_pci_function_is_large (requests[i].function, large_bar))
      return TRUE;
  return FALSE;
}

static void
refuse_small (const VpSlotRequest *requests,
              guint n_requests,
              guint64 large_bar,
              const VpWindow *need,
              const VpWindow *largest,
              GError **error)
{
  g_autofree char *name = vp_slot_refusal_name (requests, n_requests);
  g_autofree char *pref64 = vp_byte_size_format (need->pref64);
  g_autofree char *mem = vp_byte_size_format (need->mem);
  g_autofree char *threshold = vp_byte_size_format (large_bar);
  g_autofree char *sizes = NULL;
  g_autofree char *advice = NULL;

  if (need->pref64 > largest->pref64)
    {
      g_autofree char *has = vp_byte_size_format (largest->pref64);

      sizes = g_strdup_printf ("need %s, the largest free port has %s", pref64, has);
    }
  else if (need->mem > largest->mem)
    {
      g_autofree char *has = vp_byte_size_format (largest->mem);

      sizes = g_strdup_printf ("need %s below 4 GiB, the largest free port has %s", mem, has);
    }
  else
    sizes =
        g_strdup_printf ("need %s and, below 4 GiB, %s, and no free port has both", pref64, mem);

  advice = has_large (requests, n_requests, large_bar)
               ? g_strdup_printf (" (a device with a BAR of %s or more belongs in the plan, as "
                                  "plug=cold)",
                                  threshold)
               : g_strdup ("");
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
               "no spare port is large enough: BARs of %s %s%s", name, sizes, advice);
}

void
vp_slot_refusal_set (const GArray *slots,
                     const VpSlotRequest *requests,
                     guint n_requests,
                     guint64 large_bar,
                     const VpWindow *need,
                     GError **error)
{
  VpWindow largest = { 0 };
  gboolean is_full = TRUE;

  for (guint i = 0; i < slots->len; i++)
    {
      const VpSlot *slot = &g_array_index (slots, VpSlot, i);

      if (!vp_slot_is_free_port (slot))
        continue;
      is_full = FALSE;
      largest.mem = MAX (largest.mem, usable_part (slot->window.mem, slot->window.mem_alignment));
      largest.pref64 =
          MAX (largest.pref64, usable_part (slot->window.pref64, slot->window.pref64_alignment));
    }

  if (is_full)
    refuse_full (slots, error);
  else
    refuse_small (requests, n_requests, large_bar, need, &largest, error);
}
