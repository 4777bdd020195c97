#include "devices/device-ref.h"

#include "devices/error.h"
#include "devices/quote.h"

#include <string.h>

#define GROUP_PREFIX   "/dev/vfio/"
#define CDEV_PREFIX    "/dev/vfio/devices/vfio"
#define CONTROL_NODE   "/dev/vfio/vfio"
#define NOIOMMU_PREFIX "/dev/vfio/noiommu-"
#define UUID_LENGTH    36

static gboolean
refuse (GError **error, const char *text, const char *why)
{
  g_autofree char *quoted = vp_quote (text);

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID, "%s %s", quoted, why);
  return FALSE;
}

/* One number has one spelling, so that one device has one name. */
static gboolean
parse_number (const char *text, guint *number)
{
  guint64 value;

  if (text[0] == '0' && text[1] != '\0')
    return FALSE;
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT, &value, NULL))
    return FALSE;

  *number = (guint) value;
  return TRUE;
}

static gboolean
parse_node (const char *text, VpDeviceRef *ref, GError **error)
{
  guint number;

  if (strcmp (text, CONTROL_NODE) == 0)
    return refuse (error, text, "is the VFIO control node, not a device");
  if (g_str_has_prefix (text, NOIOMMU_PREFIX))
    return refuse (error, text, "is a group without an IOMMU: its device could write anywhere");

  if (g_str_has_prefix (text, CDEV_PREFIX) && parse_number (text + strlen (CDEV_PREFIX), &number))
    {
      *ref = (VpDeviceRef){ .kind = VP_DEVICE_REF_CDEV, .number = number };
      return TRUE;
    }
  if (g_str_has_prefix (text, GROUP_PREFIX) && parse_number (text + strlen (GROUP_PREFIX), &number))
    {
      *ref = (VpDeviceRef){ .kind = VP_DEVICE_REF_GROUP, .number = number };
      return TRUE;
    }

  return refuse (error, text,
                 "is not a VFIO node: expected /dev/vfio/N or /dev/vfio/devices/vfioN");
}

/* As g_uuid_string_is_valid(), but any version: whoever makes a mediated device names it. */
static gboolean
is_uuid (const char *text)
{
  if (strlen (text) != UUID_LENGTH)
    return FALSE;

  for (guint i = 0; i < UUID_LENGTH; i++)
    {
      gboolean wants_dash = i == 8 || i == 13 || i == 18 || i == 23;

      if (wants_dash ? text[i] != '-' : !g_ascii_isxdigit (text[i]))
        return FALSE;
    }
  return TRUE;
}

gboolean
vp_device_ref_parse (const char *text, VpDeviceRef *ref, GError **error)
{
  g_return_val_if_fail (text != NULL && ref != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (text[0] == '/')
    return parse_node (text, ref, error);

  if (is_uuid (text))
    {
      g_autofree char *lower = g_ascii_strdown (text, UUID_LENGTH);

      *ref = (VpDeviceRef){ .kind = VP_DEVICE_REF_MDEV };
      memcpy (ref->uuid, lower, UUID_LENGTH + 1);
      return TRUE;
    }

  if (strchr (text, ':') != NULL)
    {
      VpPciAddress address;

      if (!vp_pci_address_parse (text, &address, error))
        return FALSE;
      *ref = (VpDeviceRef){ .kind = VP_DEVICE_REF_PCI, .address = address };
      return TRUE;
    }

  return refuse (error, text,
                 "is not a device: expected /dev/vfio/N, /dev/vfio/devices/vfioN, "
                 "a PCI address or the UUID of a mediated device");
}

char *
vp_device_ref_to_string (const VpDeviceRef *ref)
{
  g_return_val_if_fail (ref != NULL, NULL);

  switch (ref->kind)
    {
    case VP_DEVICE_REF_GROUP:
      return g_strdup_printf (GROUP_PREFIX "%u", ref->number);
    case VP_DEVICE_REF_CDEV:
      return g_strdup_printf (CDEV_PREFIX "%u", ref->number);
    case VP_DEVICE_REF_PCI:
      return vp_pci_address_to_string (&ref->address);
    case VP_DEVICE_REF_MDEV:
      return g_strdup (ref->uuid);
    }

  g_return_val_if_reached (NULL);
}
