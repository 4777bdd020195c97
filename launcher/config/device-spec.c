#include "launcher/config/device-spec.h"

#include "devices/byte-size.h"
#include "devices/device-id.h"
#include "launcher/error.h"

#include <string.h>

#define VFIO_KEYS "plug=, id=, bind=, force=, iommufd=, rombar=, x-no-mmap="
#define QEMU_KEYS "driver=, plug=, id= and the device's own properties"
#define RNG_KEYS  "plug=, id="
#define USER_KEYS "socket=, plug=, id="
#define DISK_KEYS "format=, readonly, model=, plug=, id="
#define NIC_KEYS  "model=, mac=, plug=, id="
#define TAP_KEYS  "ifname=, vhost=, " NIC_KEYS

/* A kind of device that begins with its name, and whose first parameter says what is behind it. */
typedef struct
{
  const char *name;
  VpDeviceSpecKind kind;
  const char *models[4];
  const char *drivers[4]; /* QEMU's name of each model */
} Backed;

static const Backed backed[] = {
  { "disk",
    VP_DEVICE_SPEC_DISK,
    { "virtio-blk", "virtio-scsi", "nvme", NULL },
    { "virtio-blk-pci", "virtio-scsi-pci", "nvme", NULL } },
  { "nic",
    VP_DEVICE_SPEC_NIC,
    { "virtio-net", "e1000e", NULL },
    { "virtio-net-pci", "e1000e", NULL } },
};

/* What argv.c calls the VM's own parts; the plan's ports and bridges are reserved beside them. */
#define OWN_IDS "^(qmp|console|ready|ready-port|memory|ram|vmplug-.*|(disk|nic|share|cpu)[0-9]+)$"

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

static gboolean
set_iommufd (VpDeviceSpec *spec, const char *value, GError **error)
{
  static const char *const choices[] = { "auto", "on", "off", NULL };
  guint index;

  if (!vp_params_parse_choice (value, choices, &index, error))
    {
      g_prefix_error (error, "iommufd: ");
      return FALSE;
    }
  spec->iommufd = (VpIommufdMode) index;
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
  if (g_str_equal (param->key, "force"))
    return vp_params_parse_switch (param, &spec->force, error);
  if (g_str_equal (param->key, "iommufd"))
    return set_iommufd (spec, param->value, error);

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
set_model (VpDeviceSpec *spec, const Backed *of, const VpParam *param, GError **error)
{
  guint model;

  if (!vp_params_parse_choice (param->value, of->models, &model, error))
    return FALSE;
  g_free (spec->driver);
  spec->driver = g_strdup (of->drivers[model]);
  return TRUE;
}

static gboolean
set_backed_param (VpDeviceSpec *spec, const Backed *of, const VpParam *param, GError **error)
{
  if (g_str_equal (param->key, "model") && param->value != NULL)
    return set_model (spec, of, param, error);
  if (spec->nic != NULL)
    return vp_nic_set (spec->nic, param, spec->nic->kind == VP_NIC_TAP ? TAP_KEYS : NIC_KEYS,
                       error);
  if (g_str_equal (param->key, "snapshot"))
    return vp_error_refuse (error, param->key, "is for a --disk that is there from the start");
  return vp_disk_set (spec->disk, param, DISK_KEYS, error);
}

static gboolean
set_param (
    VpDeviceSpec *spec, const Backed *of, const VpParam *param, gboolean is_rng, GError **error)
{
  const char *known = known_keys (spec, is_rng);

  if (g_str_equal (param->key, "id") && param->value != NULL)
    return set_id (spec, param->value, error);
  if (g_str_equal (param->key, "plug") && param->value != NULL)
    {
      spec->has_plug = TRUE;
      return set_plug (spec, param->value, error);
    }
  if (of != NULL)
    return set_backed_param (spec, of, param, error);
  if (is_rng || param->value == NULL)
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

gboolean
vp_device_spec_is_by_iommufd (const VpDeviceSpec *spec)
{
  return spec->kind == VP_DEVICE_SPEC_VFIO && spec->iommufd == VP_IOMMUFD_ON;
}

gboolean
vp_device_spec_is_emulated (const VpDeviceSpec *spec)
{
  return spec->kind != VP_DEVICE_SPEC_VFIO;
}

const char *
vp_device_spec_kind_to_string (VpDeviceSpecKind kind)
{
  static const char *const names[] = { "vfio", "qemu", "disk", "nic",
                                       "vfio-user" }; /* as VpDeviceSpecKind */

  return names[kind];
}

/* Returns: (nullable): the kind that @text begins with */
static const Backed *
find_backed (const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (backed); i++)
    {
      gsize length = strlen (backed[i].name);

      /* ",," is a comma within a name. */
      if (strncmp (text, backed[i].name, length) == 0 &&
          (text[length] == '\0' || (text[length] == ',' && text[length + 1] != ',')))
        return &backed[i];
    }
  return NULL;
}

static gboolean
set_backed_head (VpDeviceSpec *spec, const Backed *of, const char *head, GError **error)
{
  spec->kind = of->kind;
  spec->driver = g_strdup (of->drivers[0]);
  if (of->kind == VP_DEVICE_SPEC_DISK)
    spec->disk = vp_disk_new (head);
  else
    spec->nic = vp_nic_new (head, error);
  return spec->disk != NULL || spec->nic != NULL;
}

/* @head: the first parameter, which a name of @of, if any, stands before */
static gboolean
set_head (VpDeviceSpec *spec, const Backed *of, const char *head, GError **error)
{
  if (of != NULL)
    return set_backed_head (spec, of, head, error);
  if (g_str_equal (head, "rng"))
    spec->driver = g_strdup ("virtio-rng-pci");
  if (g_str_equal (head, "rng") || g_str_equal (head, "qemu"))
    {
      spec->kind = VP_DEVICE_SPEC_QEMU;
      return TRUE;
    }
  if (g_str_equal (head, "vfio-user"))
    {
      spec->kind = VP_DEVICE_SPEC_VFIO_USER;
      spec->driver = g_strdup (VP_DEVICE_ID_VFIO_USER);
      return TRUE;
    }
  spec->kind = VP_DEVICE_SPEC_VFIO;
  return vp_device_ref_parse (head, &spec->ref, error);
}

static gboolean
set_all (VpDeviceSpec *spec, const Backed *of, const VpParams *params, GError **error)
{
  for (guint i = 0; i < params->rest->len; i++)
    if (!set_param (spec, of, params->rest->pdata[i], g_str_equal (params->head, "rng"), error))
      return FALSE;
  return spec->nic == NULL || vp_nic_check (spec->nic, params->head, error);
}

/* What it cannot do without, all that is said of it taken together. */
static gboolean
check_complete (const VpDeviceSpec *spec, const char *head, GError **error)
{
  if (spec->kind == VP_DEVICE_SPEC_QEMU && spec->driver == NULL)
    g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE, "qemu: driver= is missing");
  else if (spec->kind == VP_DEVICE_SPEC_VFIO_USER && spec->socket == NULL)
    g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE, "vfio-user: socket= is missing");
  else if (spec->force && !spec->bind)
    g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                 "%s: force=on is about taking it from its driver: add bind=on", head);
  else
    return TRUE;
  return FALSE;
}

VpDeviceSpec *
vp_device_spec_parse (const char *text, GError **error)
{
  g_autoptr (VpDeviceSpec) spec = g_new0 (VpDeviceSpec, 1);
  g_autoptr (VpParams) params = NULL;
  const Backed *of;

  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  of = find_backed (text);
  if (of != NULL && strchr (text, ',') == NULL)
    {
      vp_error_refuse (error, text, "needs to know %s",
                       of->kind == VP_DEVICE_SPEC_DISK ? "the file: disk,FILE"
                                                       : "what is behind it: nic,user|tap|passt");
      return NULL;
    }
  params = vp_params_parse (of != NULL ? text + strlen (of->name) + 1 : text, error);
  if (params == NULL)
    return NULL;

  spec->text = g_strdup (text);
  spec->properties = json_object_new ();
  spec->plug = VP_PLUG_AUTO;
  if (!set_head (spec, of, params->head, error))
    return NULL;
  if (!set_all (spec, of, params, error))
    {
      g_prefix_error (error, "%s: ", of != NULL ? of->name : params->head);
      return NULL;
    }
  return check_complete (spec, params->head, error) ? g_steal_pointer (&spec) : NULL;
}

char *
vp_device_spec_make_absolute (const char *text, const char *folder)
{
  const Backed *of = find_backed (text);
  const char *file = of != NULL ? text + strlen (of->name) : "";
  g_auto (GStrv) parts = NULL;
  g_autofree char *escaped = NULL;

  if (of == NULL || of->kind != VP_DEVICE_SPEC_DISK || file[0] != ',' || file[1] == '/')
    return g_strdup (text);

  parts = g_strsplit (folder, ",", -1);
  escaped = g_strjoinv (",,", parts);
  return g_strdup_printf ("%s,%s/%s", of->name, escaped, file + 1);
}

void
vp_device_spec_free (VpDeviceSpec *spec)
{
  if (spec == NULL)
    return;

  g_free (spec->text);
  g_free (spec->driver);
  vp_disk_free (spec->disk);
  vp_nic_free (spec->nic);
  g_free (spec->socket);
  g_clear_pointer (&spec->properties, json_object_unref);
  g_free (spec->id);
  g_free (spec);
}
