#include "launcher/wrapper/take-over-devices.h"

#include <string.h>

VpTakeOverDevices *
vp_take_over_devices_new (VpBusMap *buses, const VpTakeOverHost *host)
{
  VpTakeOverDevices *self = g_new0 (VpTakeOverDevices, 1);

  self->n_references = 1;
  self->buses = buses;
  self->ids = vp_id_map_new ();
  self->host = *host;
  return self;
}

VpTakeOverDevices *
vp_take_over_devices_ref (VpTakeOverDevices *self)
{
  self->n_references++;
  return self;
}

void
vp_take_over_devices_unref (VpTakeOverDevices *self)
{
  if (self == NULL || --self->n_references > 0)
    return;

  vp_bus_map_free (self->buses);
  vp_id_map_free (self->ids);
  g_free (self);
}

gboolean
vp_take_over_devices_is_taken (VpTakeOverDevices *self, const char *id)
{
  g_autofree char *qemu = g_strdup (vp_id_map_to_qemu (self->ids, id));

  if (qemu == NULL)
    return FALSE;
  if (self->host.has_device (qemu, self->host.user_data))
    return TRUE;
  vp_id_map_remove (self->ids, qemu);
  return FALSE;
}

char *
vp_take_over_devices_claim (VpTakeOverDevices *self, const char *id, const char *qemu)
{
  const char *runtime = id != NULL ? id : qemu;
  const char *owner = vp_id_map_to_runtime (self->ids, qemu);

  if (owner != NULL && vp_take_over_devices_is_taken (self, owner))
    return g_strdup_printf ("vmplug: %s: the device is there already, as '%s'; delete that first",
                            runtime, owner);
  if (vp_take_over_devices_is_taken (self, runtime) ||
      (strcmp (runtime, qemu) != 0 && vp_bus_map_has_device (self->buses, runtime)))
    return g_strdup_printf ("Duplicate device ID '%s'", runtime);
  vp_id_map_add (self->ids, runtime, qemu);
  return NULL;
}

void
vp_take_over_devices_deleted (VpTakeOverDevices *self, const char *id)
{
  vp_bus_map_remove (self->buses, id);
  /* What vmplug still has comes back, or its detach is not over: the id goes with that. */
  if (!self->host.has_device (id, self->host.user_data))
    vp_id_map_remove (self->ids, id);
}
