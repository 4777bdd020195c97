#include "launcher/vm/blueprint.h"

#include "launcher/config/accelerator.h"

static const char *
use_to_string (VpPortUse use)
{
  switch (use)
    {
    case VP_PORT_COLD:
      return "cold";
    case VP_PORT_SPARE:
      return "spare";
    case VP_PORT_BRIDGE:
      return "bridge";
    case VP_PORT_SWITCH:
      return "switch";
    }
  g_return_val_if_reached ("spare");
}

static JsonObject *
window_to_json (const VpWindow *window)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "io", (gint64) window->io);
  json_object_set_int_member (object, "mem", (gint64) window->mem);
  json_object_set_int_member (object, "pref64", (gint64) window->pref64);
  return object;
}

static JsonObject *
expander_to_json (const VpPlanExpander *expander)
{
  g_autofree char *address = g_strdup_printf ("%02x.0", expander->slot);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "id", expander->id);
  json_object_set_string_member (object, "address", address);
  json_object_set_int_member (object, "bus_nr", expander->bus_nr);
  json_object_set_int_member (object, "node", expander->node);
  return object;
}

static JsonObject *
port_to_json (const VpPlanPort *port)
{
  g_autofree char *address = g_strdup_printf ("%02x.%x", port->slot, port->function);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "id", port->id);
  json_object_set_string_member (object, "bus", port->bus);
  json_object_set_string_member (object, "address", address);
  json_object_set_int_member (object, "chassis", port->chassis);
  /* The number that the guest sees, which argv.c makes the chassis number on ports. */
  json_object_set_int_member (object, "slot",
                              port->kind == VP_PORT_PCI_SLOT ? port->slot : port->chassis);
  json_object_set_string_member (object, "use", use_to_string (port->use));

  json_object_set_object_member (object, "need", window_to_json (&port->need));
  json_object_set_object_member (object, "reserve", window_to_json (&port->reserve));
  json_object_set_string_member (object, "bridge", port->bridge); /* NULL becomes null */
  return object;
}

static JsonObject *
device_to_json (const VpPlan *plan, const VpPlanDevice *device)
{
  const VpPlace place = vp_plan_device_place (device);
  g_autofree char *guest_address = g_strdup_printf ("%02x.%x", place.slot, place.function_number);
  g_autofree char *guest_path = vp_plan_guest_path (plan, &place);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "ref", device->ref);
  if (device->function != NULL)
    {
      g_autofree char *address = vp_pci_address_to_string (&device->function->address);

      json_object_set_string_member (object, "address", address);
    }
  else
    json_object_set_null_member (object, "address");
  json_object_set_string_member (object, "id", device->id);
  json_object_set_string_member (object, "plug", device->plug == VP_PLUG_COLD ? "cold" : "hot");
  json_object_set_string_member (object, "port", device->port);
  json_object_set_string_member (object, "bus", device->bus);
  json_object_set_string_member (object, "guest_address", guest_address);
  json_object_set_string_member (object, "guest_path", guest_path);
  json_object_set_string_member (object, "reason", device->reason);
  return object;
}

JsonObject *
vp_blueprint_to_json (const VpBlueprint *self)
{
  JsonObject *document = json_object_new ();
  JsonArray *ports = json_array_new ();
  JsonArray *expanders = json_array_new ();
  JsonArray *devices = json_array_new ();
  JsonArray *warnings = json_array_new ();
  JsonArray *command = json_array_new ();

  for (guint i = 0; i < self->plan->ports->len; i++)
    json_array_add_object_element (ports, port_to_json (self->plan->ports->pdata[i]));
  for (guint i = 0; i < self->plan->expanders->len; i++)
    json_array_add_object_element (expanders, expander_to_json (self->plan->expanders->pdata[i]));
  for (guint i = 0; i < self->plan->devices->len; i++)
    json_array_add_object_element (devices,
                                   device_to_json (self->plan, self->plan->devices->pdata[i]));
  for (guint i = 0; i < self->plan->warnings->len; i++)
    json_array_add_string_element (warnings, self->plan->warnings->pdata[i]);
  for (char **arg = self->argv; *arg != NULL; arg++)
    json_array_add_string_element (command, *arg);

  json_object_set_string_member (document, "name", self->config->name);
  json_object_set_string_member (document, "machine",
                                 vp_machine_type_to_string (self->plan->root.machine));
  json_object_set_string_member (document, "firmware",
                                 vp_firmware_kind_to_string (self->plan->firmware->kind));
  json_object_set_string_member (document, "relies_on", self->plan->firmware->name);
  json_object_set_object_member (
      document, "windows",
      window_to_json (
          &(VpWindow){ .mem = self->plan->mem_total, .pref64 = self->plan->pref64_total }));
  json_object_set_int_member (document, "phys_bits", self->plan->phys_bits);
  json_object_set_string_member (document, "accel", vp_accel_to_string (self->accel));
  json_object_set_string_member (document, "accel_reason", self->accel_reason);
  json_object_set_array_member (document, "ports", ports);
  json_object_set_array_member (document, "expanders", expanders);
  json_object_set_array_member (document, "devices", devices);
  json_object_set_array_member (document, "warnings", warnings);
  json_object_set_array_member (document, "command", command);
  return document;
}
