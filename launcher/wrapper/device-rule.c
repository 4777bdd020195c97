#include "launcher/wrapper/device-rule.h"

#include "launcher/error.h"

VpDeviceRule *
vp_device_rule_new (const char *where)
{
  VpDeviceRule *self = g_new0 (VpDeviceRule, 1);

  self->where = g_strdup (where);
  self->addresses = g_array_new (FALSE, FALSE, sizeof (VpDeviceRef));
  self->groups = g_array_new (FALSE, FALSE, sizeof (VpDeviceRef));
  self->ids = g_new0 (char *, 1);
  self->classes = g_new0 (char *, 1);
  self->drivers = g_new0 (char *, 1);
  return self;
}

void
vp_device_rule_free (VpDeviceRule *self)
{
  if (self == NULL)
    return;

  g_free (self->where);
  g_free (self->sandbox);
  vp_device_spec_free (self->spec);
  g_array_unref (self->addresses);
  g_array_unref (self->groups);
  g_strfreev (self->ids);
  g_strfreev (self->classes);
  g_strfreev (self->drivers);
  g_free (self);
}

gboolean
vp_device_rule_is_explicit (const VpDeviceRule *self)
{
  return self->spec != NULL || self->addresses->len > 0 || self->groups->len > 0;
}

gboolean
vp_device_rule_check (const VpDeviceRule *self, GError **error)
{
  if (vp_device_rule_is_explicit (self))
    return TRUE;

  /* It would give every VM all that is bound to vfio-pci. */
  if (self->ids[0] == NULL && self->classes[0] == NULL && self->drivers[0] == NULL &&
      self->large == VP_RULE_LARGE_ANY)
    g_set_error_literal (
        error, VP_ERROR, VP_ERROR_USAGE,
        "it is about every device: add address, group, id, class, driver or large");
  else if (self->bind)
    g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE,
                         "bind = true is for devices that are named: add address or group");
  else
    return TRUE;
  return FALSE;
}

gboolean
vp_device_rule_applies (const VpDeviceRule *self, const char *sandbox)
{
  return self->sandbox == NULL ||
         (sandbox != NULL && g_pattern_match_simple (self->sandbox, sandbox));
}

static gboolean
is_any (char **globs, const char *text)
{
  if (globs[0] == NULL)
    return TRUE;

  for (char **glob = globs; *glob != NULL; glob++)
    if (g_pattern_match_simple (*glob, text))
      return TRUE;
  return FALSE;
}

static gboolean
is_any_address (const VpDeviceRule *self, const VpPciAddress *address)
{
  for (guint i = 0; i < self->addresses->len; i++)
    if (vp_pci_address_compare (&g_array_index (self->addresses, VpDeviceRef, i).address,
                                address) == 0)
      return TRUE;
  return self->addresses->len == 0;
}

static gboolean
is_any_group (const VpDeviceRule *self, int group)
{
  for (guint i = 0; i < self->groups->len; i++)
    if (group >= 0 && g_array_index (self->groups, VpDeviceRef, i).number == (guint) group)
      return TRUE;
  return self->groups->len == 0;
}

static gboolean
is_as_large (const VpDeviceRule *self, const VpPciFunction *function, guint64 large_bar)
{
  return self->large == VP_RULE_LARGE_ANY ||
         vp_pci_function_is_large (function, large_bar) == (self->large == VP_RULE_LARGE_YES);
}

gboolean
vp_device_rule_matches (const VpDeviceRule *self, const VpPciFunction *function, guint64 large_bar)
{
  g_autofree char *id = g_strdup_printf ("%04x:%04x", function->vendor, function->device);
  g_autofree char *code = g_strdup_printf ("%06x", function->class_code);

  return self->spec == NULL && is_any_address (self, &function->address) &&
         is_any_group (self, function->group) && is_any (self->ids, id) &&
         is_any (self->classes, code) &&
         is_any (self->drivers, function->driver != NULL ? function->driver : "") &&
         is_as_large (self, function, large_bar);
}
