#include "launcher/vm/rehearsal-report.h"

#include "devices/byte-size.h"

static const char *const place_names[] = {
  [VP_BAR_PLACED] = "placed",   [VP_BAR_UNASSIGNED] = "unassigned", [VP_BAR_OUTSIDE] = "outside",
  [VP_BAR_NO_ROOM] = "no-room", [VP_BAR_TOO_HIGH] = "too-high",     [VP_BAR_UNNEEDED] = "unneeded",
};

static char *
format_address (guint64 address)
{
  return g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", address);
}

static char *
format_host_address (const VpPlanDevice *device)
{
  return device->function != NULL ? vp_pci_address_to_string (&device->function->address) : NULL;
}

static void
set_text (JsonObject *object, const char *name, const char *text)
{
  if (text != NULL)
    json_object_set_string_member (object, name, text);
  else
    json_object_set_null_member (object, name);
}

static void
set_range (JsonObject *object, const char *name, const VpGuestRange *range)
{
  JsonObject *member;
  g_autofree char *base = format_address (range->base);
  g_autofree char *limit = format_address (range->limit);

  if (vp_guest_range_is_empty (range))
    {
      json_object_set_null_member (object, name);
      return;
    }
  member = json_object_new ();
  json_object_set_string_member (member, "base", base);
  json_object_set_string_member (member, "limit", limit);
  json_object_set_object_member (object, name, member);
}

static JsonObject *
windows_to_json (const VpGuestWindows *windows)
{
  JsonObject *object = json_object_new ();

  set_range (object, "mem", &windows->mem);
  set_range (object, "pref64", &windows->pref);
  return object;
}

static JsonObject *
bar_to_json (const VpRehearsedBar *bar)
{
  JsonObject *object = json_object_new ();
  g_autofree char *address = bar->address != 0 ? format_address (bar->address) : NULL;

  json_object_set_int_member (object, "index", bar->index);
  json_object_set_string_member (object, "kind", vp_bar_kind_to_string (bar->kind));
  json_object_set_int_member (object, "size", (gint64) bar->size);
  json_object_set_boolean_member (object, "assigned", bar->assigned);
  set_text (object, "guest_address", address);
  json_object_set_string_member (object, "place", place_names[bar->place]);
  json_object_set_boolean_member (object, "exact", bar->stand_in_exact);
  return object;
}

static JsonObject *
device_to_json (const VpRehearsedDevice *self)
{
  JsonObject *object = json_object_new ();
  JsonArray *bars = json_array_new ();
  g_autofree char *address = format_host_address (self->device);

  set_text (object, "address", address);
  json_object_set_string_member (object, "id", self->device->id);
  json_object_set_string_member (object, "plug",
                                 self->device->plug == VP_PLUG_COLD ? "cold" : "hot");
  json_object_set_string_member (object, "port", self->device->port);
  json_object_set_string_member (object, "bus", self->device->bus);
  json_object_set_boolean_member (object, "ok", self->ok);
  set_text (object, "problem", self->problem);
  if (self->has_windows)
    json_object_set_object_member (object, "window", windows_to_json (&self->windows));
  else
    json_object_set_null_member (object, "window");
  for (guint i = 0; i < self->bars->len; i++)
    json_array_add_object_element (bars,
                                   bar_to_json (&g_array_index (self->bars, VpRehearsedBar, i)));
  json_object_set_array_member (object, "bars", bars);
  return object;
}

static JsonArray *
ports_to_json (const VpRehearsalReport *self)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < self->plan->ports->len; i++)
    {
      const VpPlanPort *port = self->plan->ports->pdata[i];
      JsonObject *object = json_object_new ();

      json_object_set_string_member (object, "id", port->id);
      json_object_set_object_member (
          object, "window", windows_to_json (&g_array_index (self->windows, VpGuestWindows, i)));
      json_array_add_object_element (array, object);
    }
  return array;
}

JsonObject *
vp_rehearsal_report_to_json (const VpRehearsalReport *self)
{
  JsonObject *object = json_object_new ();
  JsonArray *devices = json_array_new ();

  for (guint i = 0; i < self->devices->len; i++)
    json_array_add_object_element (devices, device_to_json (self->devices->pdata[i]));

  json_object_set_boolean_member (object, "ok", self->ok);
  json_object_set_string_member (object, "machine",
                                 vp_machine_type_to_string (self->plan->root.machine));
  json_object_set_string_member (object, "firmware",
                                 vp_firmware_kind_to_string (self->plan->firmware->kind));
  json_object_set_array_member (object, "devices", devices);
  json_object_set_array_member (object, "ports", ports_to_json (self));
  json_object_set_double_member (object, "seconds", self->seconds);
  set_text (object, "last_words", self->last_words);
  return object;
}

static void
print_bars (GString *text, const VpRehearsedDevice *device)
{
  const char *separator = "  ";

  for (guint i = 0; i < device->bars->len; i++)
    {
      const VpRehearsedBar *bar = &g_array_index (device->bars, VpRehearsedBar, i);
      g_autofree char *size = vp_byte_size_format (bar->size);

      if (bar->kind == VP_BAR_IO || bar->address == 0)
        continue;
      g_string_append_printf (text, "%sBAR %u %s at %s0x%" G_GINT64_MODIFIER "x", separator,
                              bar->index, size, bar->stand_in_exact ? "" : "about ", bar->address);
      separator = ", ";
    }
}

/* Only one that a BAR is in tells anything. */
static gboolean
print_window (GString *text, const VpRehearsedDevice *device, const VpGuestRange *window)
{
  for (guint i = 0; i < device->bars->len; i++)
    {
      const VpRehearsedBar *bar = &g_array_index (device->bars, VpRehearsedBar, i);

      if (bar->kind == VP_BAR_IO || bar->address < window->base || bar->address > window->limit)
        continue;
      g_string_append_printf (text, "  in 0x%" G_GINT64_MODIFIER "x-0x%" G_GINT64_MODIFIER "x",
                              window->base, window->limit);
      return TRUE;
    }
  return FALSE;
}

static void
print_device (GString *text, const VpRehearsedDevice *device)
{
  const VpPlanDevice *planned = device->device;
  g_autofree char *address = format_host_address (planned);

  g_string_append_printf (text, "%s  %s  %s  %s  %s", device->ok ? "ok  " : "FAIL", planned->id,
                          address != NULL ? address : planned->ref,
                          planned->plug == VP_PLUG_COLD ? "cold" : "hot ", planned->bus);
  if (device->ok)
    print_bars (text, device);
  else
    g_string_append_printf (text, "  %s", device->problem);
  if (device->ok && device->has_windows && !print_window (text, device, &device->windows.pref))
    print_window (text, device, &device->windows.mem);
  g_string_append_c (text, '\n');
}

char *
vp_rehearsal_report_to_text (const VpRehearsalReport *self)
{
  GString *text = g_string_new (NULL);
  guint n_bad = 0;

  for (guint i = 0; i < self->devices->len; i++)
    {
      const VpRehearsedDevice *device = self->devices->pdata[i];

      print_device (text, device);
      n_bad += !device->ok;
    }
  g_string_append_printf (text, "%s: %u of %u device%s placed by %s in %.1f s\n",
                          self->ok ? "ok" : "FAIL", self->devices->len - n_bad, self->devices->len,
                          self->devices->len == 1 ? "" : "s", self->plan->firmware->name,
                          self->seconds);
  return g_string_free (text, FALSE);
}
