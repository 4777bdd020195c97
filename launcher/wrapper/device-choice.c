#include "launcher/wrapper/device-choice.h"

#include "devices/error.h"
#include "launcher/vm/host-devices.h"

#include <string.h>

/* A choice that is being made. */
typedef struct
{
  const VpDeviceChoiceInput *input;
  VpDeviceChoice *choice;
  GPtrArray *functions; /* that are the VM's, the caller's included; not owned */
  GHashTable *uuids;    /* of mediated devices that are */
  GHashTable *groups;   /* number -> whether it is the VM's; those that were claimed */
} Choosing;

/* What one rule, or one variable, says of the devices that it gives. */
typedef struct
{
  const char *where;
  const VpDeviceSpec *spec; /* nullable: of a SPEC */
  const char *options;      /* of the devices that it means, ",plug=cold" */
  char *mates;              /* of those that only come along */
  gboolean bind;
} Grant;

static void
choosing_clear (Choosing *self)
{
  vp_device_choice_free (self->choice);
  g_ptr_array_unref (self->functions);
  g_hash_table_unref (self->uuids);
  g_hash_table_unref (self->groups);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Choosing, choosing_clear)

static void
grant_clear (Grant *grant)
{
  g_free (grant->mates);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Grant, grant_clear)

void
vp_device_choice_free (VpDeviceChoice *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->specs, g_ptr_array_unref);
  g_ptr_array_unref (self->reasons);
  g_ptr_array_unref (self->notes);
  g_free (self);
}

static VpDeviceChoice *
choice_new (void)
{
  VpDeviceChoice *self = g_new (VpDeviceChoice, 1);

  self->specs = g_ptr_array_new_with_free_func ((GDestroyNotify) vp_device_spec_free);
  self->reasons = g_ptr_array_new_with_free_func (g_free);
  self->notes = g_ptr_array_new_with_free_func (g_free);
  return self;
}

static void G_GNUC_PRINTF (2, 3) note (Choosing *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (self->choice->notes, g_strdup_vprintf (format, args));
  va_end (args);
}

static gboolean
is_chosen (const Choosing *self, const VpPciFunction *function)
{
  return g_ptr_array_find (self->functions, function, NULL);
}

/* Takes @reason. */
static void
add_spec (Choosing *self, const char *text, char *reason)
{
  VpDeviceSpec *spec = vp_device_spec_parse (text, NULL);

  g_return_if_fail (spec != NULL); /* it was made of one, or of a reference and our options */
  g_ptr_array_add (self->choice->specs, spec);
  g_ptr_array_add (self->choice->reasons, reason);
}

/* A device that is named by its node is to be used by it, and so must its mates. */
static char *
name_function (const VpPciFunction *function, const Grant *grant)
{
  if (grant->spec != NULL && grant->spec->ref.kind == VP_DEVICE_REF_CDEV && function->cdev >= 0)
    return g_strdup_printf ("/dev/vfio/devices/vfio%d", function->cdev);
  return vp_pci_address_to_string (&function->address);
}

static void
add_function (Choosing *self,
              const VpPciFunction *function,
              const Grant *grant,
              const char *options,
              char *reason)
{
  g_autofree char *name = name_function (function, grant);
  g_autofree char *text = g_strconcat (name, options, NULL);

  g_ptr_array_add (self->functions, (gpointer) function);
  add_spec (self, text, reason);
}

/* The endpoints of the group of @function, itself included. */
static GPtrArray *
find_mates (const Choosing *self, const VpPciFunction *function)
{
  g_autoptr (GPtrArray) members = vp_inventory_get_group (self->input->inventory, function->group);
  GPtrArray *mates = g_ptr_array_new ();

  for (guint i = 0; i < members->len; i++)
    if (!vp_pci_function_is_bridge (members->pdata[i]))
      g_ptr_array_add (mates, members->pdata[i]);
  return mates;
}

/* Those of @mates that can be bound, when all of them may be. */
static GPtrArray *
find_bindable (const Choosing *self, const GPtrArray *mates)
{
  GPtrArray *bindable = g_ptr_array_new ();

  for (guint i = 0; i < mates->len; i++)
    if (vp_inventory_check_assignable (self->input->inventory, mates->pdata[i], mates, NULL))
      g_ptr_array_add (bindable, mates->pdata[i]);
  return bindable;
}

/* Whether @function can be assigned, with what may be bound for it: the first look has the better
 * message, the second knows what will not be bound. */
static gboolean
check (const Choosing *self,
       const VpPciFunction *function,
       const GPtrArray *mates,
       const GPtrArray *bindable,
       GError **error)
{
  const VpInventory *inventory = self->input->inventory;

  return (bindable == NULL || vp_inventory_check_assignable (inventory, function, mates, error)) &&
         vp_inventory_check_assignable (inventory, function, bindable, error);
}

static gboolean
claim (Choosing *self, int group, gboolean is_named, GError **error)
{
  gpointer had;

  if (g_hash_table_lookup_extended (self->groups, GINT_TO_POINTER (group), NULL, &had))
    {
      if (!GPOINTER_TO_INT (had))
        g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY, "group %d cannot be had", group);
      return GPOINTER_TO_INT (had);
    }

  had = GINT_TO_POINTER (self->input->claim (group, is_named, self->input->claim_data, error) ? 1
                                                                                              : 0);
  g_hash_table_insert (self->groups, GINT_TO_POINTER (group), had);
  return GPOINTER_TO_INT (had);
}

/* The claim of a device that was asked for by name: a group or its node is not what was typed. */
static gboolean
claim_named (Choosing *self, const VpPciFunction *function, GError **error)
{
  g_autofree char *name = vp_pci_address_to_string (&function->address);

  if (claim (self, function->group, TRUE, error))
    return TRUE;
  g_prefix_error (error, "%s: ", name);
  return FALSE;
}

/* The group of @function is the VM's, and goes there as a whole. */
static void
add_mates (Choosing *self,
           const VpPciFunction *function,
           const GPtrArray *mates,
           const GPtrArray *bindable,
           const Grant *grant)
{
  g_autofree char *name = vp_pci_address_to_string (&function->address);

  for (guint i = 0; i < mates->len; i++)
    {
      g_autoptr (GError) why = NULL;

      if (is_chosen (self, mates->pdata[i]))
        continue;
      if (check (self, mates->pdata[i], mates, bindable, &why))
        add_function (
            self, mates->pdata[i], grant, grant->mates,
            g_strdup_printf ("%s, with %s of group %d", grant->where, name, function->group));
      else
        note (self, "%s: left out of group %d: %s", grant->where, function->group, why->message);
    }
}

/* @named: (element-type VpPciFunction): each of which must be had */
static gboolean
take_named (Choosing *self, const GPtrArray *named, const Grant *grant, GError **error)
{
  guint first = self->functions->len;

  for (guint i = 0; i < named->len; i++)
    {
      const VpPciFunction *function = named->pdata[i];
      g_autoptr (GPtrArray) mates = find_mates (self, function);
      g_autoptr (GPtrArray) bindable = grant->bind ? find_bindable (self, mates) : NULL;

      if (is_chosen (self, function))
        continue;
      if (!check (self, function, mates, bindable, error) || !claim_named (self, function, error))
        {
          g_prefix_error (error, "%s: ", grant->where);
          return FALSE;
        }
      add_function (self, function, grant, grant->options, g_strdup (grant->where));
    }

  for (guint i = first, last = self->functions->len; i < last; i++)
    {
      const VpPciFunction *function = self->functions->pdata[i];
      g_autoptr (GPtrArray) mates = find_mates (self, function);
      g_autoptr (GPtrArray) bindable = grant->bind ? find_bindable (self, mates) : NULL;

      add_mates (self, function, mates, bindable, grant);
    }
  return TRUE;
}

static char *
options_of (VpPlug plug, gboolean bind, gboolean force, VpIommufdMode iommufd)
{
  static const char *const plugs[] = {
    [VP_PLUG_AUTO] = "",
    [VP_PLUG_COLD] = ",plug=cold",
    [VP_PLUG_HOT] = ",plug=hot",
  };
  static const char *const modes[] = {
    [VP_IOMMUFD_AUTO] = "",
    [VP_IOMMUFD_ON] = ",iommufd=on",
    [VP_IOMMUFD_OFF] = ",iommufd=off",
  };

  return g_strconcat (plugs[plug], bind ? ",bind=on" : "", force ? ",force=on" : "", modes[iommufd],
                      NULL);
}

static gboolean
take_spec (Choosing *self, const VpDeviceSpec *spec, const char *where, GError **error)
{
  const char *comma = strchr (spec->text, ',');
  g_autoptr (GPtrArray) functions = NULL;
  g_auto (Grant) grant = {
    .where = where,
    .spec = spec,
    .options = comma != NULL ? comma : "",
    .mates = options_of (spec->plug, spec->bind, spec->force, spec->iommufd),
    .bind = spec->bind,
  };

  functions = vp_host_devices_resolve (self->input->inventory, spec, error);
  if (functions == NULL)
    {
      g_prefix_error (error, "%s: ", where);
      return FALSE;
    }
  if (functions->pdata[0] != NULL)
    return take_named (self, functions, &grant, error);

  if (!vp_device_spec_is_mediated (spec) ||
      g_hash_table_add (self->uuids, g_strdup (spec->ref.uuid)))
    add_spec (self, spec->text, g_strdup (where));
  return TRUE;
}

static gboolean
resolve_all (const Choosing *self, const GArray *refs, GPtrArray *functions, GError **error)
{
  for (guint i = 0; i < refs->len; i++)
    {
      const VpDeviceRef *ref = &g_array_index (refs, VpDeviceRef, i);
      g_autoptr (GPtrArray) found = vp_inventory_resolve (self->input->inventory, ref, error);

      if (found == NULL)
        return FALSE;
      for (guint j = 0; j < found->len; j++)
        if (!g_ptr_array_find (functions, found->pdata[j], NULL))
          g_ptr_array_add (functions, found->pdata[j]);
    }
  return TRUE;
}

static void
grant_of_rule (Grant *grant, const VpDeviceRule *rule)
{
  grant->where = rule->where;
  grant->mates = options_of (rule->plug, rule->bind, FALSE, VP_IOMMUFD_AUTO);
  grant->options = grant->mates;
  grant->bind = rule->bind;
}

static gboolean
take_rule (Choosing *self, const VpDeviceRule *rule, GError **error)
{
  g_autoptr (GPtrArray) named = g_ptr_array_new ();
  g_autoptr (GPtrArray) meant = g_ptr_array_new ();
  g_auto (Grant) grant = { NULL };

  if (rule->spec != NULL)
    return take_spec (self, rule->spec, rule->where, error);

  if (!resolve_all (self, rule->addresses, named, error) ||
      !resolve_all (self, rule->groups, named, error))
    {
      g_prefix_error (error, "%s: ", rule->where);
      return FALSE;
    }
  for (guint i = 0; i < named->len && (rule->count == 0 || meant->len < rule->count); i++)
    if (!is_chosen (self, named->pdata[i]) &&
        vp_device_rule_matches (rule, named->pdata[i], self->input->large_bar))
      g_ptr_array_add (meant, named->pdata[i]);

  grant_of_rule (&grant, rule);
  return take_named (self, meant, &grant, error);
}

/* How many of @mates the rule means. */
static guint
count_meant (const Choosing *self, const VpDeviceRule *rule, const GPtrArray *mates)
{
  guint n = 0;

  for (guint i = 0; i < mates->len; i++)
    if (!is_chosen (self, mates->pdata[i]) &&
        vp_device_rule_matches (rule, mates->pdata[i], self->input->large_bar) &&
        vp_inventory_check_assignable (self->input->inventory, mates->pdata[i], NULL, NULL))
      n++;
  return n;
}

/* Returns how many of those that the rule means have become the VM's; none is told of in a note. */
static guint
try_to_pick (Choosing *self,
             const VpDeviceRule *rule,
             const VpPciFunction *function,
             guint most,
             const Grant *grant)
{
  g_autoptr (GPtrArray) mates = find_mates (self, function);
  guint n = count_meant (self, rule, mates);
  g_autofree char *name = vp_pci_address_to_string (&function->address);
  g_autoptr (GError) why = NULL;

  if (n > most)
    {
      note (self, "%s: %s passed over: group %d has %u such devices, and only %u are wanted",
            rule->where, name, function->group, n, most);
      return 0;
    }
  if (!vp_inventory_check_assignable (self->input->inventory, function, NULL, &why) ||
      !claim (self, function->group, FALSE, &why))
    {
      note (self, "%s: %s passed over: %s", rule->where, name, why->message);
      return 0;
    }

  for (guint i = 0; i < mates->len; i++)
    if (!is_chosen (self, mates->pdata[i]) &&
        vp_device_rule_matches (rule, mates->pdata[i], self->input->large_bar) &&
        vp_inventory_check_assignable (self->input->inventory, mates->pdata[i], NULL, NULL))
      add_function (self, mates->pdata[i], grant, grant->options, g_strdup (rule->where));
  add_mates (self, function, mates, NULL, grant);
  return n;
}

static void
pick (Choosing *self, const VpDeviceRule *rule)
{
  const GPtrArray *all = vp_inventory_get_functions (self->input->inventory);
  g_auto (Grant) grant = { NULL };
  guint most = rule->count > 0 ? rule->count : G_MAXUINT;
  guint n = 0;

  grant_of_rule (&grant, rule);
  for (guint i = 0; i < all->len && n < most; i++)
    if (!vp_pci_function_is_bridge (all->pdata[i]) && !is_chosen (self, all->pdata[i]) &&
        vp_device_rule_matches (rule, all->pdata[i], self->input->large_bar))
      n += try_to_pick (self, rule, all->pdata[i], most - n, &grant);
  if (n == 0)
    note (self, "%s: no device that it is about is bound to vfio-pci and free", rule->where);
}

/* What the caller's command line has is the VM's, also against others; if somebody else has it,
 * QEMU is the one to say so. */
static void
add_caller (Choosing *self, const char *host)
{
  g_autofree char *name = g_path_get_basename (host); /* sysfsdev= is a path */
  g_autoptr (GError) why = NULL;
  VpDeviceRef ref;
  const VpPciFunction *function;

  if (!vp_device_ref_parse (name, &ref, NULL))
    return;
  if (ref.kind == VP_DEVICE_REF_MDEV)
    g_hash_table_add (self->uuids, g_strdup (ref.uuid));
  if (ref.kind != VP_DEVICE_REF_PCI)
    return;

  function = vp_inventory_find (self->input->inventory, &ref.address);
  if (function == NULL || is_chosen (self, function))
    return;
  g_ptr_array_add (self->functions, (gpointer) function);
  if (function->group >= 0 && !claim (self, function->group, TRUE, &why))
    note (self, "%s, of the caller's command line: %s", name, why->message);
}

static gboolean
take_environment (Choosing *self, const VpDeviceEnvironment *environment, GError **error)
{
  for (guint i = 0; environment != NULL && i < environment->specs->len; i++)
    if (!take_spec (self, environment->specs->pdata[i], environment->reasons->pdata[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
take_rules (Choosing *self, const GPtrArray *rules, GError **error)
{
  const char *sandbox = self->input->sandbox;

  for (guint i = 0; i < rules->len; i++)
    if (vp_device_rule_applies (rules->pdata[i], sandbox) &&
        vp_device_rule_is_explicit (rules->pdata[i]) && !take_rule (self, rules->pdata[i], error))
      return FALSE;
  for (guint i = 0; i < rules->len; i++)
    if (vp_device_rule_applies (rules->pdata[i], sandbox) &&
        !vp_device_rule_is_explicit (rules->pdata[i]))
      pick (self, rules->pdata[i]);
  return TRUE;
}

VpDeviceChoice *
vp_device_choice_make (const VpDeviceChoiceInput *input, GError **error)
{
  g_auto (Choosing) self = { NULL };

  g_return_val_if_fail (input != NULL && input->inventory != NULL && input->claim != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self.input = input;
  self.choice = choice_new ();
  self.functions = g_ptr_array_new ();
  self.uuids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self.groups = g_hash_table_new (NULL, NULL);

  for (guint i = 0; input->callers != NULL && i < input->callers->len; i++)
    add_caller (&self, input->callers->pdata[i]);
  if (!take_environment (&self, input->environment, error) ||
      (input->rules != NULL && !take_rules (&self, input->rules, error)))
    return NULL;
  return g_steal_pointer (&self.choice);
}
