#include "launcher/config/device-spec.h"

#include "devices/byte-size.h"
#include "devices/device-id.h"
#include "launcher/config/params.h"
#include "launcher/error.h"

#include <string.h>

#define VFIO_KEYS "plug=, id=, bind=, rombar=, x-no-mmap="
#define QEMU_KEYS "driver=, plug=, id= and the device's own properties"
#define RNG_KEYS  "plug=, id="
#define USER_KEYS "socket=, plug=, id="

/* What argv.c calls the VM's own parts; the plan's ports and bridges are reserved beside them. */
#define OWN_IDS "^(qmp|console|(disk|nic|share)[0-9]+)$"

gboolean
vp_id_is_valid (const char *id)
{
  return g_regex_match_simple ("^" VP_ID_GRAMMAR "$", id, G_REGEX_DOLLAR_ENDONLY | G_REGEX_RAW, 0);
}

static gboolean
set_id (VpDeviceSpec *spec, const char *id, GError **error)
{
  if (!vp_id_is_valid (id))
    return vp_error_refuse (error, id, "is not an id: " VP_ID_GRAMMAR);
  if (vp_device_id_is_reserved (id) ||
      g_regex_match_simple (OWN_IDS, id, G_REGEX_DOLLAR_ENDONLY, 0))
    return vp_error_refuse (error, id, "is an id that vmplug gives to a part of the VM itself");

  spec->id = g_strdup (id);
  return TRUE;
}

static gboolean
set_plug (VpDeviceSpec *spec, const char *value, GError **error)
{
  if (g_str_equal (value, "auto"))
    spec->plug = VP_PLUG_AUTO;
  else if (g_str_equal (value, "cold"))
    spec->plug = VP_PLUG_COLD;
  else if (g_str_equal (value, "hot"))
    spec->plug = VP_PLUG_HOT;
  else
    return vp_error_refuse (error, value, "is none of auto, cold, hot (plug)");
  return TRUE;
}

/* Decimal without leading zeros, so that a serial number "007" stays one, or 0x and hexadecimal. */
static gboolean
looks_like_integer (const char *value)
{
  return g_regex_match_simple ("^(-?(0|[1-9][0-9]*)|0[xX][0-9A-Fa-f]+)$", value,
                               G_REGEX_DOLLAR_ENDONLY, 0);
}

static gboolean
set_property (VpDeviceSpec *spec, const VpParam *param, GError **error)
{
  const char *value = param->value;
  gsize length = strlen (value);
  guint64 bytes;

  if (length >= 2 && value[0] == '\'' && value[length - 1] == '\'')
    {
      g_autofree char *text = g_strndup (value + 1, length - 2);

      json_object_set_string_member (spec->properties, param->key, text);
    }
  else if (g_str_equal (value, "on") || g_str_equal (value, "true"))
    json_object_set_boolean_member (spec->properties, param->key, TRUE);
  else if (g_str_equal (value, "off") || g_str_equal (value, "false"))
    json_object_set_boolean_member (spec->properties, param->key, FALSE);
  else if (looks_like_integer (value))
    {
      const char *digits = value[0] == '-' ? value + 1 : value;
      gboolean is_hex = digits[0] == '0' && digits[1] != '\0';
      guint64 number;

      if (!g_ascii_string_to_unsigned (is_hex ? digits + 2 : digits, is_hex ? 16 : 10, 0,
                                       G_MAXINT64, &number, NULL))
        return vp_error_refuse (error, value, "does not fit into 63 bits (%s)", param->key);
      json_object_set_int_member (spec->properties, param->key,
                                  digits == value ? (gint64) number : -(gint64) number);
    }
  else if (g_regex_match_simple ("^[0-9]+[KMGT]$", value, G_REGEX_DOLLAR_ENDONLY, 0))
    {
      if (!vp_byte_size_parse (value, &bytes, error))
        return FALSE;
      if (bytes > G_MAXINT64)
        return vp_error_refuse (error, value, "does not fit into 63 bits (%s)", param->key);
      json_object_set_int_member (spec->properties, param->key, (gint64) bytes);
    }
  else
    json_object_set_string_member (spec->properties, param->key, value);
  return TRUE;
}

static gboolean
set_vfio_param (VpDeviceSpec *spec, const VpParam *param, GError **error)
{
  gboolean on;

  if (g_str_equal (param->key, "bind"))
    return vp_params_parse_switch (param, &spec->bind, error);

  if (g_str_equal (param->key, "rombar"))
    {
      if (!vp_params_parse_switch (param, &on, error))
        return FALSE;
      json_object_set_int_member (spec->properties, "rombar", on);
      return TRUE;
    }
  if (g_str_equal (param->key, "x-no-mmap"))
    {
      if (!vp_params_parse_switch (param, &on, error))
        return FALSE;
      json_object_set_boolean_member (spec->properties, "x-no-mmap", on);
      return TRUE;
    }
  return vp_params_refuse (param, VFIO_KEYS, error);
}

static gboolean
set_qemu_param (VpDeviceSpec *spec, const VpParam *param, GError **error)
{
  static const char *const ours[] = { "bus", "addr", "host", "sysfsdev", NULL };

  if (g_str_equal (param->key, "driver"))
    {
      if (!g_regex_match_simple ("^[A-Za-z0-9][A-Za-z0-9._-]*$", param->value,
                                 G_REGEX_DOLLAR_ENDONLY, 0) ||
          g_str_equal (param->value, "help"))
        return vp_error_refuse (error, param->value, "is not the name of a device (driver)");
      if (g_str_equal (param->value, VP_DEVICE_ID_VFIO_USER))
        return vp_error_refuse (error, param->value, "is asked for as vfio-user,socket=PATH");
      if (g_str_has_prefix (param->value, "vfio-"))
        return vp_error_refuse (error, param->value,
                                "is for host devices: give the reference instead");
      spec->driver = g_strdup (param->value);
      return TRUE;
    }
  if (g_strv_contains (ours, param->key))
    return vp_error_refuse (error, param->key, "is for vmplug to set");
  if (!g_regex_match_simple ("^[A-Za-z][A-Za-z0-9_.-]*$", param->key, G_REGEX_DOLLAR_ENDONLY, 0))
    return vp_params_refuse (param, QEMU_KEYS, error);

  return set_property (spec, param, error);
}

static gboolean
set_vfio_user_param (VpDeviceSpec *spec, const VpParam *param, GError **error)
{
  gsize length = strlen (param->value);

  if (!g_str_equal (param->key, "socket"))
    return vp_params_refuse (param, USER_KEYS, error);
  if (!g_path_is_absolute (param->value))
    return vp_error_refuse (error, param->value, "is not an absolute path (socket)");
  if (length > VP_DEVICE_SPEC_MAX_SOCKET)
    return vp_error_refuse (error, param->value,
                            "has %" G_GSIZE_FORMAT " bytes, the path of a socket at most %d",
                            length, VP_DEVICE_SPEC_MAX_SOCKET);

  spec->socket = g_strdup (param->value);
  return TRUE;
}

static const char *
known_keys (const VpDeviceSpec *spec, gboolean is_rng)
{
  if (spec->kind == VP_DEVICE_SPEC_VFIO)
    return VFIO_KEYS;
  if (spec->kind == VP_DEVICE_SPEC_VFIO_USER)
    return USER_KEYS;
  return is_rng ? RNG_KEYS : QEMU_KEYS;
}

static gboolean
set_param (VpDeviceSpec *spec, const VpParam *param, gboolean is_rng, GError **error)
{
  const char *known = known_keys (spec, is_rng);

  if (param->value == NULL)
    return vp_params_refuse (param, known, error);
  if (g_str_equal (param->key, "id"))
    return set_id (spec, param->value, error);
  if (g_str_equal (param->key, "plug"))
    return set_plug (spec, param->value, error);
  if (is_rng)
    return vp_params_refuse (param, known, error);
  if (spec->kind == VP_DEVICE_SPEC_VFIO)
    return set_vfio_param (spec, param, error);
  if (spec->kind == VP_DEVICE_SPEC_VFIO_USER)
    return set_vfio_user_param (spec, param, error);
  return set_qemu_param (spec, param, error);
}

gboolean
vp_device_spec_is_mediated (const VpDeviceSpec *spec)
{
  return spec->kind == VP_DEVICE_SPEC_VFIO && spec->ref.kind == VP_DEVICE_REF_MDEV;
}

static VpDeviceSpecKind
kind_of (const char *head)
{
  if (g_str_equal (head, "vfio-user"))
    return VP_DEVICE_SPEC_VFIO_USER;
  return g_str_equal (head, "rng") || g_str_equal (head, "qemu") ? VP_DEVICE_SPEC_QEMU
                                                                 : VP_DEVICE_SPEC_VFIO;
}

/* What the device cannot do without. */
static gboolean
check_complete (const VpDeviceSpec *spec, GError **error)
{
  if (spec->kind == VP_DEVICE_SPEC_QEMU && spec->driver == NULL)
    g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE, "qemu: driver= is missing");
  else if (spec->kind == VP_DEVICE_SPEC_VFIO_USER && spec->socket == NULL)
    g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE, "vfio-user: socket= is missing");
  else
    return TRUE;
  return FALSE;
}

VpDeviceSpec *
vp_device_spec_parse (const char *text, GError **error)
{
  g_autoptr (VpDeviceSpec) spec = g_new0 (VpDeviceSpec, 1);
  g_autoptr (VpParams) params = NULL;
  gboolean is_rng;

  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  params = vp_params_parse (text, error);
  if (params == NULL)
    return NULL;

  is_rng = g_str_equal (params->head, "rng");
  spec->text = g_strdup (text);
  spec->properties = json_object_new ();
  spec->plug = VP_PLUG_AUTO;
  spec->kind = kind_of (params->head);
  if (is_rng)
    spec->driver = g_strdup ("virtio-rng-pci");
  if (spec->kind == VP_DEVICE_SPEC_VFIO_USER)
    spec->driver = g_strdup (VP_DEVICE_ID_VFIO_USER);

  if (g_str_equal (params->head, "disk") || g_str_equal (params->head, "nic"))
    {
      vp_error_refuse (error, params->head,
                       "cannot be a --device or be attached yet: use --%s when the VM starts",
                       params->head);
      return NULL;
    }
  if (spec->kind == VP_DEVICE_SPEC_VFIO && !vp_device_ref_parse (params->head, &spec->ref, error))
    return NULL;

  for (guint i = 0; i < params->rest->len; i++)
    if (!set_param (spec, params->rest->pdata[i], is_rng, error))
      {
        g_prefix_error (error, "%s: ", params->head);
        return NULL;
      }

  return check_complete (spec, error) ? g_steal_pointer (&spec) : NULL;
}

void
vp_device_spec_free (VpDeviceSpec *spec)
{
  if (spec == NULL)
    return;

  g_free (spec->text);
  g_free (spec->driver);
  g_free (spec->socket);
  g_clear_pointer (&spec->properties, json_object_unref);
  g_free (spec->id);
  g_free (spec);
}
