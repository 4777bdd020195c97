#include "launcher/vm/device-registry.h"

#include "devices/device-id.h"
#include "devices/error.h"
#include "launcher/vm/attachment-list.h"
#include "launcher/vm/bounce.h"
#include "launcher/vm/disk-users.h"
#include "launcher/vm/vfio-user.h"

struct _VpDeviceRegistry
{
  GObject parent_instance;

  const VpBlueprint *blueprint;
  VpHostClaims *claims;
  VpSlotMap *slots;
  GPtrArray *devices; /* (element-type VpAttachment): in the order they came */
  GPtrArray *mates;   /* (element-type VpSlotMates): who of them shares a slot */
  guint bounce_ms;
};

G_DEFINE_FINAL_TYPE (VpDeviceRegistry, vp_device_registry, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

void
vp_device_registry_set_bounce_ms (VpDeviceRegistry *self, guint bounce_ms)
{
  self->bounce_ms = bounce_ms;
}

GPtrArray *
vp_device_registry_list (VpDeviceRegistry *self)
{
  return self->devices;
}

GPtrArray *
vp_device_registry_list_mates (VpDeviceRegistry *self)
{
  return self->mates;
}

VpSlotMap *
vp_device_registry_get_slots (VpDeviceRegistry *self)
{
  return self->slots;
}

VpHostClaims *
vp_device_registry_get_claims (VpDeviceRegistry *self)
{
  return self->claims;
}

VpAttachment *
vp_device_registry_find (VpDeviceRegistry *self,
                         const VpAttachSource *source,
                         const VpPciFunction *function)
{
  for (guint i = 0; i < self->devices->len; i++)
    if (vp_attachment_facts_are_of (vp_attachment_get_facts (self->devices->pdata[i]), source->spec,
                                    function) &&
        vp_attachment_get_state (self->devices->pdata[i]) != VP_DEVICE_FAILED)
      return self->devices->pdata[i];
  return NULL;
}

VpSlotMates *
vp_device_registry_find_mates (VpDeviceRegistry *self, VpAttachment *device)
{
  for (guint i = 0; i < self->mates->len; i++)
    if (vp_slot_mates_has (self->mates->pdata[i], device))
      return self->mates->pdata[i];
  return NULL;
}

char *
vp_device_registry_make_id (VpDeviceRegistry *self,
                            const VpAttachSource *source,
                            const VpPciFunction *function)
{
  if (source->spec->id != NULL)
    return g_strdup (source->spec->id);
  if (function != NULL)
    return vp_device_id_from_address (&function->address);
  if (vp_device_spec_is_mediated (source->spec))
    return vp_device_id_from_uuid (source->spec->ref.uuid);

  for (guint n = 0;; n++)
    {
      g_autofree char *id = vp_device_id_from_driver (source->spec->driver, n);

      if (vp_attachment_list_find (self->devices, id) == NULL)
        return g_steal_pointer (&id);
    }
}

static void
forget (VpDeviceRegistry *self, VpAttachment *device)
{
  g_signal_handlers_disconnect_by_data (device, self);
  g_ptr_array_remove (self->devices, device);
}

/* A device that failed makes room for another try. */
static gboolean
check_not_there (VpDeviceRegistry *self, const VpSlotRequest *request, GError **error)
{
  g_autoptr (GPtrArray) all = vp_attachment_list_copy (self->devices);

  for (guint i = 0; i < all->len; i++)
    {
      VpAttachment *other = all->pdata[i];
      const VpPciFunction *held = vp_attachment_get_facts (other)->function;
      gboolean same_id = g_str_equal (vp_attachment_get_facts (other)->id, request->id);

      if (!same_id && (request->function == NULL || held == NULL ||
                       vp_pci_address_compare (&held->address, &request->function->address) != 0))
        continue;
      if (vp_attachment_get_state (other) != VP_DEVICE_FAILED ||
          vp_attachment_is_host_changing (other))
        {
          g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                       "the VM already has %s%s, which is %s%s",
                       vp_attachment_get_facts (other)->id, same_id ? "" : " for that host device",
                       vp_device_state_to_string (vp_attachment_get_state (other)),
                       vp_attachment_is_host_changing (other) ? " and changing its host driver"
                                                              : "");
          return FALSE;
        }
      forget (self, other);
    }
  return TRUE;
}

gboolean
vp_device_registry_check_backend (VpDeviceRegistry *self, const VpDeviceSpec *spec, GError **error)
{
  const VpConfig *config = self->blueprint->config;

  if (spec->disk != NULL)
    return vp_disk_users_check (config, self->devices, spec->disk, error);
  return spec->socket == NULL || vp_vfio_user_check_vm (config, self->devices, spec->socket, error);
}

gboolean
vp_device_registry_reserve (VpDeviceRegistry *self,
                            VpSlotRequest *requests,
                            guint n_requests,
                            GError **error)
{
  for (guint i = 0; i < n_requests; i++)
    if (!check_not_there (self, &requests[i], error))
      return FALSE;
  return vp_slot_map_reserve (self->slots, requests, n_requests, self->blueprint->config->large_bar,
                              error);
}

static void
on_changed (VpAttachment *device, gpointer user_data)
{
  g_signal_emit (user_data, signals[SIGNAL_CHANGED], 0, device);
}

static void
on_released (VpAttachment *device, gpointer user_data)
{
  VpDeviceRegistry *self = VP_DEVICE_REGISTRY (user_data);
  VpSlotMates *mates = vp_device_registry_find_mates (self, device);

  vp_slot_map_release (self->slots, vp_attachment_get_facts (device)->id);
  if (mates != NULL && vp_slot_mates_is_over (mates))
    g_ptr_array_remove (self->mates, mates);
  /* What was declared and failed stays to be seen in the status; anything else has been told. */
  if (vp_attachment_get_state (device) == VP_DEVICE_FAILED &&
      vp_plan_find_device (self->blueprint->plan, vp_attachment_get_facts (device)->id) != NULL)
    return;
  forget (self, device);
}

VpSlotMates *
vp_device_registry_add (VpDeviceRegistry *self,
                        VpSlotMates *mates,
                        VpAttachmentFacts *facts,
                        VpAttachment **attachment)
{
  const VpPlan *plan = self->blueprint->plan;
  g_autofree char *guest_path = vp_plan_guest_path (plan, &facts->place);
  VpAttachment *device;

  facts->guest_path = guest_path;
  facts->machine = plan->root.machine;
  facts->repeat_delete =
      self->blueprint->config->hotplug_mode == VP_HOTPLUG_ACPI &&
      vp_plan_port_has_acpi_hotplug (vp_plan_find_port (plan, facts->place.port));
  facts->vm = self->blueprint->config->name;
  facts->sysfs = self->blueprint->sysfs;
  facts->bounce_ms = self->bounce_ms;
  facts->claims = self->claims;
  device = vp_attachment_new (facts);
  facts->guest_path = NULL;

  g_signal_connect (device, "changed", G_CALLBACK (on_changed), self);
  g_signal_connect (device, "released", G_CALLBACK (on_released), self);
  g_ptr_array_add (self->devices, device);
  if (mates == NULL)
    {
      mates = vp_slot_mates_new ();
      g_ptr_array_add (self->mates, mates);
    }
  vp_slot_mates_join (mates, device);
  *attachment = device;
  return mates;
}

/* Returns: (nullable): those that the plan has put into the slot of its device @index before */
static VpSlotMates *
mates_of_plan (VpDeviceRegistry *self, guint index)
{
  const GPtrArray *devices = self->blueprint->plan->devices;
  const VpPlanDevice *device = devices->pdata[index];

  for (guint i = 0; i < index; i++)
    {
      const VpPlanDevice *other = devices->pdata[i];

      if (other->slot == device->slot && g_str_equal (other->bus, device->bus))
        return vp_device_registry_find_mates (self,
                                              vp_attachment_list_find (self->devices, other->id));
    }
  return NULL;
}

static void
vp_device_registry_dispose (GObject *object)
{
  VpDeviceRegistry *self = VP_DEVICE_REGISTRY (object);

  while (self->devices->len > 0)
    forget (self, self->devices->pdata[self->devices->len - 1]);

  G_OBJECT_CLASS (vp_device_registry_parent_class)->dispose (object);
}

static void
vp_device_registry_finalize (GObject *object)
{
  VpDeviceRegistry *self = VP_DEVICE_REGISTRY (object);

  g_ptr_array_unref (self->devices);
  g_ptr_array_unref (self->mates);
  vp_host_claims_unref (self->claims);
  vp_slot_map_free (self->slots);

  G_OBJECT_CLASS (vp_device_registry_parent_class)->finalize (object);
}

static void
vp_device_registry_class_init (VpDeviceRegistryClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vp_device_registry_dispose;
  G_OBJECT_CLASS (klass)->finalize = vp_device_registry_finalize;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", VP_TYPE_DEVICE_REGISTRY, G_SIGNAL_RUN_LAST, 0,
                                          NULL, NULL, NULL, G_TYPE_NONE, 1, VP_TYPE_ATTACHMENT);
}

static void
vp_device_registry_init (VpDeviceRegistry *self)
{
  self->bounce_ms = VP_BOUNCE_DEFAULT_MS;
  self->devices = g_ptr_array_new_with_free_func (g_object_unref);
  self->mates = g_ptr_array_new_with_free_func (g_object_unref);
}

VpDeviceRegistry *
vp_device_registry_new (const VpBlueprint *blueprint, VpBindings *bindings)
{
  VpDeviceRegistry *self = g_object_new (VP_TYPE_DEVICE_REGISTRY, NULL);

  self->blueprint = blueprint;
  self->claims = vp_host_claims_new (bindings);
  self->slots = vp_slot_map_new (blueprint->plan);
  for (guint i = 0; i < blueprint->plan->devices->len; i++)
    {
      const VpPlanDevice *device = blueprint->plan->devices->pdata[i];
      VpAttachmentFacts facts = { .id = device->id,
                                  .spec = blueprint->specs->pdata[i],
                                  .function = device->function,
                                  .plug = device->plug,
                                  .place = vp_plan_device_place (device) };
      VpAttachment *attachment;

      vp_device_registry_add (self, mates_of_plan (self, i), &facts, &attachment);
    }
  return self;
}
