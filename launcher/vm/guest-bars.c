#include "launcher/vm/guest-bars.h"

#include "devices/byte-size.h"
#include "qmp/message.h"

#include <string.h>

/* PCI 3.0, 6.2.5.1: the low bits of a BAR say what it is. */
#define BAR_MEM_MASK (~G_GUINT64_CONSTANT (0xf))
#define BAR_IO_MASK  (~G_GUINT64_CONSTANT (0x3))

static void
read_range (JsonObject *bus, const char *name, guint64 *base, guint64 *limit)
{
  JsonObject *range = vp_qmp_message_get_object (bus, name);

  *base = 1;
  *limit = 0;
  if (range == NULL)
    return;
  *base = (guint64) vp_qmp_message_get_int (range, "base", 1);
  *limit = (guint64) vp_qmp_message_get_int (range, "limit", 0);
}

static gboolean
range_holds (guint64 base, guint64 limit, guint64 address, guint64 size)
{
  return base <= limit && address >= base && address <= limit && size - 1 <= limit - address;
}

/* A BAR that its bridge does not forward is of no use, whatever its register says. */
static gboolean
is_forwarded (const VpGuestBars *bars, const VpGuestBar *bar)
{
  return !bars->has_bridge || bar->kind == VP_BAR_IO ||
         range_holds (bars->mem_base, bars->mem_limit, bar->address, bar->size) ||
         range_holds (bars->pref_base, bars->pref_limit, bar->address, bar->size);
}

static void
read_region (VpGuestBars *bars, JsonObject *region)
{
  gint64 index = vp_qmp_message_get_int (region, "bar", -1);
  gint64 size = vp_qmp_message_get_int (region, "size", 0);
  gint64 address = vp_qmp_message_get_int (region, "address", -1);
  gboolean is_io = g_strcmp0 (vp_qmp_message_get_string (region, "type"), "io") == 0;
  VpGuestBar *bar;

  if (index < 0 || index >= VP_PCI_N_BARS || size <= 0 || bars->n_bars == VP_PCI_N_BARS)
    return; /* 6 is the expansion ROM, which guests leave unmapped */

  bar = &bars->bars[bars->n_bars++];
  bar->index = (guint) index;
  bar->size = (guint64) size;
  bar->prefetchable = vp_qmp_message_get_boolean (region, "prefetch", FALSE);
  bar->kind = is_io                                                       ? VP_BAR_IO
              : vp_qmp_message_get_boolean (region, "mem_type_64", FALSE) ? VP_BAR_MEM64
                                                                          : VP_BAR_MEM32;
  bar->address = (guint64) address;
  bar->assigned = address != -1 && address != 0 && is_forwarded (bars, bar);
}

static gboolean
find_device (JsonArray *devices, JsonObject *bridge_bus, const char *id, VpGuestBars *bars)
{
  for (guint i = 0; devices != NULL && i < json_array_get_length (devices); i++)
    {
      JsonNode *node = json_array_get_element (devices, i);
      JsonObject *device = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      JsonObject *bridge;
      JsonArray *regions;

      if (device == NULL)
        continue;

      bridge = vp_qmp_message_get_object (device, "pci_bridge");
      if (bridge != NULL && find_device (vp_qmp_message_get_array (bridge, "devices"),
                                         vp_qmp_message_get_object (bridge, "bus"), id, bars))
        return TRUE;
      if (g_strcmp0 (vp_qmp_message_get_string (device, "qdev_id"), id) != 0)
        continue;

      *bars = (VpGuestBars){ 0 };
      bars->bus = (guint) vp_qmp_message_get_int (device, "bus", 0);
      bars->slot = (guint) vp_qmp_message_get_int (device, "slot", 0);
      bars->function = (guint) vp_qmp_message_get_int (device, "function", 0);
      bars->has_bridge = bridge_bus != NULL;
      if (bridge_bus != NULL)
        {
          read_range (bridge_bus, "memory_range", &bars->mem_base, &bars->mem_limit);
          read_range (bridge_bus, "prefetchable_range", &bars->pref_base, &bars->pref_limit);
        }
      regions = vp_qmp_message_get_array (device, "regions");
      for (guint r = 0; regions != NULL && r < json_array_get_length (regions); r++)
        {
          JsonNode *region = json_array_get_element (regions, r);

          if (JSON_NODE_HOLDS_OBJECT (region))
            read_region (bars, json_node_get_object (region));
        }
      return TRUE;
    }
  return FALSE;
}

gboolean
vp_guest_bars_from_query_pci (JsonArray *reply, const char *id, VpGuestBars *bars)
{
  for (guint i = 0; i < json_array_get_length (reply); i++)
    {
      JsonNode *bus = json_array_get_element (reply, i);

      if (JSON_NODE_HOLDS_OBJECT (bus) &&
          find_device (vp_qmp_message_get_array (json_node_get_object (bus), "devices"), NULL, id,
                       bars))
        return TRUE;
    }
  return FALSE;
}

gboolean
vp_guest_bars_parse_words (const char *text, guint32 words[VP_PCI_N_BARS])
{
  g_auto (GStrv) tokens = g_strsplit_set (text, " \r\n", -1);
  guint n = 0;

  for (char **token = tokens; *token != NULL && n < VP_PCI_N_BARS; token++)
    {
      guint64 word;

      /* "00000000b0100010:" begins each line of four words */
      if (!g_str_has_prefix (*token, "0x"))
        continue;
      if (!g_ascii_string_to_unsigned (*token + 2, 16, 0, G_MAXUINT32, &word, NULL))
        return FALSE;
      words[n++] = (guint32) word;
    }
  return n == VP_PCI_N_BARS;
}

void
vp_guest_bars_apply_registers (VpGuestBars *bars, const guint32 words[VP_PCI_N_BARS])
{
  for (guint i = 0; i < bars->n_bars; i++)
    {
      VpGuestBar *bar = &bars->bars[i];
      guint64 value = words[bar->index];
      guint64 mask = bar->kind == VP_BAR_IO ? BAR_IO_MASK : BAR_MEM_MASK;
      gboolean being_sized;

      if (bar->assigned)
        continue;
      if (bar->kind == VP_BAR_MEM64 && bar->index + 1 < VP_PCI_N_BARS)
        value |= (guint64) words[bar->index + 1] << 32;

      value &= mask;
      being_sized =
          value == (mask & ~(bar->size - 1)) || value == ((mask & ~(bar->size - 1)) & G_MAXUINT32);
      bar->address = value;
      bar->assigned = value != 0 && !being_sized && is_forwarded (bars, bar);
    }
}

/* I/O BARs are spare where there are memory BARs (PCI Express 5.0, 1.3.2.2), and not else. */
static gboolean
is_wanted (const VpGuestBars *bars, const VpGuestBar *bar)
{
  if (bar->kind != VP_BAR_IO)
    return TRUE;
  for (guint i = 0; i < bars->n_bars; i++)
    if (bars->bars[i].kind != VP_BAR_IO)
      return FALSE;
  return TRUE;
}

VpBarsVerdict
vp_guest_bars_judge (const VpGuestBars *bars)
{
  guint wanted = 0, assigned = 0;

  for (guint i = 0; i < bars->n_bars; i++)
    if (is_wanted (bars, &bars->bars[i]))
      {
        wanted++;
        assigned += bars->bars[i].assigned ? 1 : 0;
      }

  if (assigned == wanted)
    return VP_BARS_ALL;
  return assigned == 0 ? VP_BARS_NONE : VP_BARS_PARTIAL;
}

char *
vp_guest_bars_describe_missing (const VpGuestBars *bars)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint missing = 0;

  for (guint i = 0; i < bars->n_bars; i++)
    {
      const VpGuestBar *bar = &bars->bars[i];
      g_autofree char *size = vp_byte_size_format (bar->size);

      if (bar->assigned || !is_wanted (bars, bar))
        continue;
      g_string_append_printf (text, "%sBAR %u (%s)", missing++ > 0 ? ", " : "", bar->index, size);
    }
  if (missing == 0)
    return NULL;

  g_string_append (text, missing == 1 ? " has no window" : " have no window");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

JsonArray *
vp_guest_bars_to_json (const VpGuestBars *bars)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < bars->n_bars; i++)
    {
      const VpGuestBar *bar = &bars->bars[i];
      JsonObject *object = json_object_new ();

      json_object_set_int_member (object, "index", bar->index);
      json_object_set_string_member (object, "kind", vp_bar_kind_to_string (bar->kind));
      json_object_set_int_member (object, "size", (gint64) bar->size);
      json_object_set_boolean_member (object, "assigned", bar->assigned);
      if (bar->assigned)
        {
          g_autofree char *address = g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", bar->address);

          json_object_set_string_member (object, "guest_address", address);
        }
      else
        json_object_set_null_member (object, "guest_address");
      json_array_add_object_element (array, object);
    }
  return array;
}
