#include "launcher/vm/blueprint.h"

#include "devices/error.h"
#include "devices/vfio-bind.h"
#include "devices/vfio-node.h"
#include "launcher/config/accelerator.h"
#include "launcher/error.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/own-devices.h"

#include <string.h>

/* The devices that were asked for, found on the host. The requests borrow from the others. */
typedef struct
{
  GArray *requests;  /* (element-type VpPlanRequest) */
  GPtrArray *specs;  /* (element-type VpDeviceSpec): of each request */
  GPtrArray *refs;   /* (element-type utf8): as typed */
  GHashTable *bound; /* (element-type VpPciFunction): those that will be bound to vfio-pci */
} Wishes;

static void
wishes_clear (Wishes *wishes)
{
  g_array_unref (wishes->requests);
  g_ptr_array_unref (wishes->specs);
  g_ptr_array_unref (wishes->refs);
  g_hash_table_unref (wishes->bound);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wishes, wishes_clear)

static Wishes
wishes_new (void)
{
  return (Wishes){
    .requests = g_array_new (FALSE, FALSE, sizeof (VpPlanRequest)),
    .specs = g_ptr_array_new (),
    .refs = g_ptr_array_new_with_free_func (g_free),
    .bound = g_hash_table_new (NULL, NULL),
  };
}

static void
add_wish (Wishes *wishes, VpDeviceSpec *spec, const char *ref, const VpPciFunction *function)
{
  const VpPlanRequest request = {
    .ref = ref,
    .function = function,
    .id = spec->id,
    .plug = spec->plug,
  };

  g_array_append_val (wishes->requests, request);
  g_ptr_array_add (wishes->specs, spec);
  if (function != NULL && spec->bind)
    g_hash_table_add (wishes->bound, (gpointer) function);
}

static gboolean
resolve (Wishes *wishes, const VpInventory *inventory, VpDeviceSpec *spec, GError **error)
{
  g_autoptr (GPtrArray) functions = NULL;
  char *ref;

  if (spec->kind == VP_DEVICE_SPEC_QEMU)
    {
      add_wish (wishes, spec, spec->driver, NULL);
      return TRUE;
    }

  functions = vp_inventory_resolve (inventory, &spec->ref, error);
  if (functions == NULL)
    return FALSE;
  if (functions->len > 1 && spec->id != NULL)
    return vp_error_refuse (
        error, spec->text, "stands for %u devices of an IOMMU group, which cannot all be called %s",
        functions->len, spec->id);

  ref = g_strndup (spec->text, strcspn (spec->text, ","));
  g_ptr_array_add (wishes->refs, ref);
  for (guint i = 0; i < functions->len; i++)
    add_wish (wishes, spec, ref, functions->pdata[i]);
  return TRUE;
}

/* drivers/vfio lets these stand beside its own drivers. */
static gboolean
is_harmless (const char *driver)
{
  return driver == NULL || vp_vfio_is_vfio_driver (driver) || g_str_equal (driver, "pci-stub") ||
         g_str_equal (driver, "pcieport");
}

/* The inventory knows what is bound now; here counts what will be, when the whole group is given.
 */
static gboolean
will_be_viable (const Wishes *wishes, const VpInventory *inventory, int group)
{
  g_autoptr (GPtrArray) members = vp_inventory_get_group (inventory, group);

  for (guint i = 0; i < members->len; i++)
    {
      const VpPciFunction *member = members->pdata[i];

      if (!g_hash_table_contains (wishes->bound, member) && !is_harmless (member->driver))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_function (const Wishes *wishes,
                const VpBlueprint *self,
                const VpPciFunction *function,
                GError **error)
{
  gboolean will_bind = g_hash_table_contains (wishes->bound, function);
  g_autoptr (GError) obstacle = NULL;

  if (!vp_inventory_check_assignable (self->inventory, function, will_bind, &obstacle) &&
      !(g_error_matches (obstacle, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_VIABLE) &&
        will_be_viable (wishes, self->inventory, function->group)))
    {
      g_propagate_error (error, g_steal_pointer (&obstacle));
      return FALSE;
    }

  /* Before it is bound there is no node to look at. */
  return !vp_vfio_is_vfio_driver (function->driver) ||
         vp_vfio_node_check (self->sysfs, function->group, error);
}

static gboolean
find_devices (VpBlueprint *self, Wishes *wishes, GError **error)
{
  for (guint i = 0; i < self->config->devices->len; i++)
    if (!resolve (wishes, self->inventory, self->config->devices->pdata[i], error))
      return FALSE;

  for (guint i = 0; i < wishes->requests->len; i++)
    {
      const VpPlanRequest *request = &g_array_index (wishes->requests, VpPlanRequest, i);

      if (request->function != NULL && !check_function (wishes, self, request->function, error))
        return FALSE;
    }
  return TRUE;
}

/* QEMU creates such a device before ours and puts it into the first free slot, which is a port's.
 */
static void
warn_of_qemu_args (VpBlueprint *self)
{
  char **args = self->config->qemu_args;

  for (guint i = 0; args != NULL && args[i] != NULL && args[i + 1] != NULL; i++)
    {
      const char *value = args[i + 1];

      if ((g_str_equal (args[i], "-device") || g_str_equal (args[i], "--device")) &&
          value[0] != '{' && strstr (value, "addr=") == NULL && strstr (value, "bus=") == NULL &&
          !g_str_has_prefix (value, "isa-"))
        g_ptr_array_add (self->plan->warnings,
                         g_strdup_printf ("-device %s: a PCI device without addr= takes the first "
                                          "slot, which a port needs; --device qemu,driver=… has a "
                                          "place of its own",
                                          value));
    }
}

static gboolean
make_plan (VpBlueprint *self, GError **error)
{
  const VpPlanPolicy policy = {
    .machine = self->config->machine,
    .firmware = self->config->firmware,
    .large_bar = self->config->large_bar,
    .n_spare = self->config->spare,
    .spare_window = self->config->spare_window,
  };
  g_auto (Wishes) wishes = wishes_new ();

  if (!find_devices (self, &wishes, error))
    return FALSE;

  self->plan = vp_plan_build (&policy, (const VpPlanRequest *) (void *) wishes.requests->data,
                              wishes.requests->len, error);
  if (self->plan == NULL)
    return FALSE;

  self->specs = g_ptr_array_ref (wishes.specs);
  warn_of_qemu_args (self);
  return TRUE;
}

VpBlueprint *
vp_blueprint_new (VpConfig *config, const char *root, GError **error)
{
  g_autoptr (VpBlueprint) self = g_new0 (VpBlueprint, 1);
  VpKvmFacts facts;

  g_return_val_if_fail (config != NULL && root != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self->config = config;
  if (!vp_config_check (config, error) || !vp_own_devices_check (config, error))
    return NULL;

  self->sysfs = vp_sysfs_open (root, error);
  if (self->sysfs == NULL)
    return NULL;

  vp_kvm_facts_read (self->sysfs, &facts);
  if (!vp_accelerator_choose (config->accel, &facts, &self->accel, &self->accel_reason, error))
    return NULL;

  self->inventory = vp_inventory_read (self->sysfs, error);
  if (self->inventory == NULL || !make_plan (self, error))
    return NULL;

  self->argv = vp_argv_build (&(VpArgvInput){
      .config = config,
      .plan = self->plan,
      .specs = (const VpDeviceSpec *const *) self->specs->pdata,
      .accel = self->accel,
  });
  return g_steal_pointer (&self);
}

void
vp_blueprint_free (VpBlueprint *self)
{
  if (self == NULL)
    return;

  g_strfreev (self->argv);
  g_free (self->accel_reason);
  g_clear_pointer (&self->specs, g_ptr_array_unref);
  g_clear_pointer (&self->plan, vp_plan_free);
  g_clear_pointer (&self->inventory, vp_inventory_free);
  g_clear_pointer (&self->sysfs, vp_sysfs_free);
  vp_config_free (self->config);
  g_free (self);
}
