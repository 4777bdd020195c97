#include "launcher/vm/wish-list.h"

#include "devices/error.h"
#include "devices/mediated-device.h"
#include "launcher/error.h"
#include "launcher/vm/host-devices.h"
#include "launcher/vm/iommufd-choice.h"
#include "launcher/vm/vfio-user.h"

#include <string.h>

/* How many devices warnings name before they say "and N more". */
#define MAX_NAMED 3

void
vp_wish_list_free (VpWishList *self)
{
  if (self == NULL)
    return;

  g_array_unref (self->requests);
  g_ptr_array_unref (self->specs);
  g_ptr_array_unref (self->refs);
  g_ptr_array_unref (self->taken);
  g_free (self);
}

static VpWishList *
wish_list_new (void)
{
  VpWishList *self = g_new0 (VpWishList, 1);

  self->requests = g_array_new (FALSE, FALSE, sizeof (VpPlanRequest));
  self->specs = g_ptr_array_new ();
  self->refs = g_ptr_array_new_with_free_func (g_free);
  self->taken = g_ptr_array_new ();
  return self;
}

/* What stands behind the reference, "" when nothing does. */
static const char *
options_of (const VpDeviceSpec *spec)
{
  return spec->text + strcspn (spec->text, ",");
}

static void
set_wish (VpWishList *wishes, guint index, VpDeviceSpec *spec)
{
  VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, index);

  request->id = spec->id;
  request->driver = spec->driver;
  request->plug = spec->plug;
  wishes->specs->pdata[index] = spec;
  if (request->function != NULL && spec->bind &&
      !g_ptr_array_find (wishes->taken, request->function, NULL))
    g_ptr_array_add (wishes->taken, (gpointer) request->function);
}

/* A device that is named twice, by its group and by its address, is one device. Who says more of it
 * is heard. */
static gboolean
merge_wish (VpWishList *wishes, guint index, VpDeviceSpec *spec, const char *ref, GError **error)
{
  const VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, index);
  const VpDeviceSpec *before = wishes->specs->pdata[index];

  if (options_of (spec)[0] == '\0' || g_str_equal (options_of (spec), options_of (before)))
    return TRUE;
  if (options_of (before)[0] == '\0')
    {
      set_wish (wishes, index, spec);
      return TRUE;
    }

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
               "%s and %s are one device, asked for with different options: \"%s\" and \"%s\"",
               request->ref, ref, options_of (before) + 1, options_of (spec) + 1);
  return FALSE;
}

/* What it names is no function of the host, and yet there is one of it. */
static gboolean
is_one_of_a_kind (const VpPlanRequest *request)
{
  return request->is_mediated || request->is_vfio_user;
}

static gboolean
add_wish (VpWishList *wishes,
          VpDeviceSpec *spec,
          const char *ref,
          const VpPciFunction *function,
          GError **error)
{
  const VpPlanRequest request = {
    .ref = ref,
    .function = function,
    .is_mediated = vp_device_spec_is_mediated (spec),
    .is_vfio_user = spec->kind == VP_DEVICE_SPEC_VFIO_USER,
  };

  for (guint i = 0; i < wishes->requests->len; i++)
    {
      const VpPlanRequest *other = &g_array_index (wishes->requests, VpPlanRequest, i);

      if (function != NULL ? other->function == function
                           : is_one_of_a_kind (&request) && is_one_of_a_kind (other) &&
                                 g_str_equal (other->ref, ref))
        return merge_wish (wishes, i, spec, ref, error);
    }

  g_array_append_val (wishes->requests, request);
  g_ptr_array_add (wishes->specs, NULL);
  set_wish (wishes, wishes->specs->len - 1, spec);
  return TRUE;
}

static char *
name_spec (const VpDeviceSpec *spec)
{
  if (vp_device_spec_is_mediated (spec))
    return g_strdup (spec->ref.uuid);
  if (spec->kind == VP_DEVICE_SPEC_VFIO_USER)
    return g_strdup (spec->socket);
  if (spec->kind == VP_DEVICE_SPEC_QEMU)
    return g_strdup (spec->driver);
  if (spec->disk != NULL)
    return g_strconcat ("disk,", spec->disk->file, NULL);
  if (spec->nic != NULL)
    return g_strconcat ("nic,", vp_nic_kind_to_string (spec->nic->kind), NULL);
  return g_strndup (spec->text, strcspn (spec->text, ","));
}

static gboolean
resolve (VpWishList *wishes, const VpInventory *inventory, VpDeviceSpec *spec, GError **error)
{
  g_autoptr (GPtrArray) functions = vp_host_devices_resolve (inventory, spec, error);
  char *ref;

  if (functions == NULL)
    return FALSE;

  ref = name_spec (spec);
  g_ptr_array_add (wishes->refs, ref);
  for (guint i = 0; i < functions->len; i++)
    if (!add_wish (wishes, spec, ref, functions->pdata[i], error))
      return FALSE;
  return TRUE;
}

/* The kernel lets a group be used as a whole or by its devices, never both ways. */
static gboolean
check_one_way (const VpWishList *wishes, GError **error)
{
  for (guint i = 0; i < wishes->requests->len; i++)
    for (guint j = 0; j < i; j++)
      {
        const VpPciFunction *one = g_array_index (wishes->requests, VpPlanRequest, j).function;
        const VpPciFunction *two = g_array_index (wishes->requests, VpPlanRequest, i).function;
        g_autofree char *name_one = NULL;
        g_autofree char *name_two = NULL;

        if (one == NULL || two == NULL || one->group != two->group ||
            vp_device_spec_is_by_iommufd (wishes->specs->pdata[i]) ==
                vp_device_spec_is_by_iommufd (wishes->specs->pdata[j]))
          continue;
        name_one = vp_pci_address_to_string (&one->address);
        name_two = vp_pci_address_to_string (&two->address);
        g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                     "%s and %s share IOMMU group %d: iommufd= must be the same for both", name_one,
                     name_two, one->group);
        return FALSE;
      }
  return TRUE;
}

/* Decides which are by iommufd, and makes warnings of those that would rather be. */
static gboolean
choose_iommufd (const VpWishSource *source,
                const VpWishList *wishes,
                GPtrArray *warnings,
                GError **error)
{
  gboolean asked = FALSE;

  for (guint i = 0; i < wishes->requests->len; i++)
    {
      const VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, i);
      VpDeviceSpec *spec = wishes->specs->pdata[i];
      g_autoptr (GError) why = NULL;

      if (!vp_iommufd_choice_is_wanted (spec))
        continue;
      if (vp_iommufd_choice_check_host (source->sysfs, spec, request->function, &why) && !asked)
        asked = vp_iommufd_choice_check_program (source->config->qemu, &why);
      if (!vp_iommufd_choice_decide (spec, why, error))
        return FALSE;
      if (why != NULL)
        g_ptr_array_add (
            warnings, g_strdup_printf ("%s is used by its group: %s", request->ref, why->message));
    }
  return check_one_way (wishes, error);
}

static gboolean
check_device (const VpWishSource *source, const VpWishList *wishes, guint index, GError **error)
{
  const VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, index);
  const VpDeviceSpec *spec = wishes->specs->pdata[index];

  if (request->is_mediated)
    return vp_mediated_device_check (source->sysfs, request->ref, error);
  if (request->is_vfio_user)
    return vp_vfio_user_check_socket (spec->socket, error);
  return request->function == NULL ||
         (vp_host_devices_check (source->sysfs, source->inventory, request->function, spec,
                                 wishes->taken, error) &&
          vp_host_devices_check_free (source->sysfs, request->function, vp_host_node_of (spec),
                                      source->owner,
                                      source->is_rehearsal ? 0 : VP_HOST_NODE_PATIENCE_MS, error));
}

/* Checks that each can be assigned, or makes warnings of why not. */
static gboolean
check_devices (const VpWishSource *source,
               const VpWishList *wishes,
               GPtrArray *warnings,
               GError **error)
{
  guint n_named = 0;

  for (guint i = 0; i < wishes->requests->len; i++)
    {
      const VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, i);
      g_autoptr (GError) why = NULL;

      if (source->is_rehearsal && is_one_of_a_kind (request))
        {
          g_ptr_array_add (warnings, g_strdup_printf ("%s: left out of the rehearsal: its BARs are "
                                                      "known only once it is open",
                                                      request->ref));
          continue;
        }
      if (check_device (source, wishes, i, &why))
        continue;
      if (!source->is_rehearsal)
        {
          g_propagate_error (error, g_steal_pointer (&why));
          return FALSE;
        }
      if (n_named++ < MAX_NAMED)
        g_ptr_array_add (warnings, g_strdup_printf ("not assignable yet: %s", why->message));
    }
  if (n_named > MAX_NAMED)
    g_ptr_array_add (warnings, g_strdup_printf ("not assignable yet: %u more, see vmplug devices",
                                                n_named - MAX_NAMED));
  return TRUE;
}

/* Once for all of them: it runs QEMU. */
static gboolean
check_qemu (const VpWishSource *source, const VpWishList *wishes, GError **error)
{
  for (guint i = 0; i < wishes->requests->len; i++)
    if (g_array_index (wishes->requests, VpPlanRequest, i).is_vfio_user)
      return vp_vfio_user_check_qemu (source->config->qemu, error);
  return TRUE;
}

VpWishList *
vp_wish_list_find (const VpWishSource *source, GPtrArray *warnings, GError **error)
{
  g_autoptr (VpWishList) self = NULL;
  gboolean is_rehearsal;

  g_return_val_if_fail (source != NULL && warnings != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self = wish_list_new ();
  is_rehearsal = source->is_rehearsal;
  for (guint i = 0; i < source->config->devices->len; i++)
    if (!resolve (self, source->inventory, source->config->devices->pdata[i], error))
      return NULL;

  /* Only now is it known which neighbours in a group come along. */
  if ((is_rehearsal || choose_iommufd (source, self, warnings, error)) &&
      check_devices (source, self, warnings, error) &&
      (is_rehearsal || check_qemu (source, self, error)))
    return g_steal_pointer (&self);
  return NULL;
}
