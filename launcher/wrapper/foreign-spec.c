#include "launcher/wrapper/foreign-spec.h"

#include "devices/device-ref.h"
#include "launcher/error.h"
#include "qmp/message.h"

#include <string.h>

/* What is said by a spec's own members, or by its place. */
static const char *const own_members[] = { "driver", "id",       "bus",           "addr",
                                           "host",   "sysfsdev", "multifunction", NULL };

char *
vp_foreign_spec_get_ref (JsonObject *arguments)
{
  const char *host = vp_qmp_message_get_string (arguments, "host");
  const char *folder = vp_qmp_message_get_string (arguments, "sysfsdev");
  g_autofree char *name = NULL;
  VpDeviceRef ref;

  if (host != NULL)
    name = g_strdup (host);
  else if (folder != NULL)
    name = g_path_get_basename (folder);
  return name != NULL && vp_device_ref_parse (name, &ref, NULL) ? g_steal_pointer (&name) : NULL;
}

static VpDeviceSpec *
parse (JsonObject *arguments, GError **error)
{
  const char *driver = vp_qmp_message_get_string (arguments, "driver");
  const char *id = vp_qmp_message_get_string (arguments, "id");
  g_autofree char *ref = vp_foreign_spec_get_ref (arguments);
  g_autoptr (GString) text = g_string_new (ref);

  if (driver == NULL)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE, "device_add without a driver");
      return NULL;
    }
  if (strchr (driver, ',') != NULL || (id != NULL && strchr (id, ',') != NULL))
    {
      vp_error_refuse (error, strchr (driver, ',') != NULL ? driver : id, "has a comma");
      return NULL;
    }
  if (ref == NULL)
    g_string_append_printf (text, "qemu,driver=%s", driver);
  g_string_append (text, ",plug=hot");
  if (id != NULL)
    g_string_append_printf (text, ",id=%s", id);
  return vp_device_spec_parse (text->str, error);
}

VpDeviceSpec *
vp_foreign_spec_new (JsonObject *arguments, GError **error)
{
  VpDeviceSpec *spec = parse (arguments, error);
  g_autoptr (GList) names = json_object_get_members (arguments);

  for (const GList *l = names; spec != NULL && l != NULL; l = l->next)
    if (!g_strv_contains (own_members, l->data))
      json_object_set_member (spec->properties, l->data,
                              json_node_copy (json_object_get_member (arguments, l->data)));
  return spec;
}
