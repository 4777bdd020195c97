#include "launcher/vm/guest-windows.h"

#include "qmp/message.h"

static const VpGuestRange everything = { .base = 0, .limit = G_MAXUINT64 };

/* The part of @outer that the bridge forwards; nothing where query-pci says nothing. */
static VpGuestRange
read_range (JsonObject *bus, const char *name, const VpGuestRange *outer)
{
  JsonObject *object = vp_qmp_message_get_object (bus, name);
  VpGuestRange range = { .base = 1, .limit = 0 };

  if (object != NULL)
    {
      range.base = (guint64) vp_qmp_message_get_int (object, "base", 1);
      range.limit = (guint64) vp_qmp_message_get_int (object, "limit", 0);
    }
  if (vp_guest_range_is_empty (&range))
    return range;

  range.base = MAX (range.base, outer->base);
  range.limit = MIN (range.limit, outer->limit);
  return range;
}

static gboolean
find (JsonArray *devices, const char *id, const VpGuestWindows *outer, VpGuestWindows *windows)
{
  for (guint i = 0; devices != NULL && i < json_array_get_length (devices); i++)
    {
      JsonNode *node = json_array_get_element (devices, i);
      JsonObject *device = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      JsonObject *bridge = device != NULL ? vp_qmp_message_get_object (device, "pci_bridge") : NULL;
      JsonObject *bus = bridge != NULL ? vp_qmp_message_get_object (bridge, "bus") : NULL;
      VpGuestWindows inner;

      if (bus == NULL)
        continue;
      inner.mem = read_range (bus, "memory_range", &outer->mem);
      inner.pref = read_range (bus, "prefetchable_range", &outer->pref);
      if (g_strcmp0 (vp_qmp_message_get_string (device, "qdev_id"), id) == 0)
        {
          *windows = inner;
          return TRUE;
        }
      if (find (vp_qmp_message_get_array (bridge, "devices"), id, &inner, windows))
        return TRUE;
    }
  return FALSE;
}

gboolean
vp_guest_windows_find (JsonArray *reply, const char *bridge, VpGuestWindows *windows)
{
  const VpGuestWindows outer = { .mem = everything, .pref = everything };

  for (guint i = 0; i < json_array_get_length (reply); i++)
    {
      JsonNode *bus = json_array_get_element (reply, i);

      if (JSON_NODE_HOLDS_OBJECT (bus) &&
          find (vp_qmp_message_get_array (json_node_get_object (bus), "devices"), bridge, &outer,
                windows))
        return TRUE;
    }
  return FALSE;
}

gboolean
vp_guest_range_is_empty (const VpGuestRange *range)
{
  return range->base > range->limit;
}

gboolean
vp_guest_range_holds (const VpGuestRange *range, guint64 address, guint64 size)
{
  return !vp_guest_range_is_empty (range) && address >= range->base && address <= range->limit &&
         size - 1 <= range->limit - address;
}

/* Returns: (nullable): one of @taken that has something of the @size bytes from @start on */
static const VpGuestRange *
find_overlap (const GArray *taken, guint64 start, guint64 size)
{
  for (guint i = 0; i < taken->len; i++)
    {
      const VpGuestRange *other = &g_array_index (taken, VpGuestRange, i);

      if (!vp_guest_range_is_empty (other) && other->base <= start + (size - 1) &&
          start <= other->limit)
        return other;
    }
  return NULL;
}

gboolean
vp_guest_range_find_room (const VpGuestRange *range,
                          const GArray *taken,
                          guint64 size,
                          guint64 *address)
{
  guint64 from = range->base;

  g_return_val_if_fail (size > 0 && (size & (size - 1)) == 0, FALSE);

  while (from <= G_MAXUINT64 - (size - 1))
    {
      guint64 start = (from + (size - 1)) & ~(size - 1);
      const VpGuestRange *other;

      if (!vp_guest_range_holds (range, start, size))
        return FALSE;
      other = find_overlap (taken, start, size);
      if (other == NULL)
        {
          *address = start;
          return TRUE;
        }
      if (other->limit == G_MAXUINT64)
        return FALSE;
      from = other->limit + 1;
    }
  return FALSE;
}
