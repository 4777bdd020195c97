#include "devices/device-id.h"

#include <string.h>

/* Whatever is ours in a foreign machine. */
#define OWN_PREFIX "vmplug-"

static const char *const reserved_stems[] = { "port", "slot", "bridge", "switch", "numa" };

char *
vp_device_id_from_address (const VpPciAddress *address)
{
  g_return_val_if_fail (address != NULL, NULL);

  if (address->domain == 0)
    return g_strdup_printf ("vfio-%02x-%02x.%x", address->bus, address->slot, address->function);

  return g_strdup_printf ("vfio-%04x-%02x-%02x.%x", address->domain, address->bus, address->slot,
                          address->function);
}

char *
vp_device_id_from_uuid (const char *uuid)
{
  g_return_val_if_fail (uuid != NULL, NULL);

  return g_strconcat ("mdev-", uuid, NULL);
}

char *
vp_device_id_from_driver (const char *driver, guint number)
{
  g_autofree char *digits = g_strdup_printf ("%u", number);
  g_autoptr (GString) id = NULL;

  g_return_val_if_fail (driver != NULL, NULL);

  id = g_string_new (g_ascii_isalpha (driver[0]) ? "" : "qemu-");
  for (const char *c = driver; *c != '\0'; c++)
    g_string_append_c (id, g_ascii_isalnum (*c) || strchr ("_.-", *c) != NULL ? *c : '-');

  for (guint i = 0; i < G_N_ELEMENTS (reserved_stems); i++)
    if (g_str_equal (id->str, reserved_stems[i]))
      {
        g_string_append_c (id, '-');
        break;
      }

  g_string_truncate (id, MIN (id->len, VP_DEVICE_ID_MAX_LENGTH - strlen (digits)));
  g_string_append (id, digits);
  return g_string_free (g_steal_pointer (&id), FALSE);
}

gboolean
vp_device_id_is_reserved (const char *id)
{
  g_return_val_if_fail (id != NULL, FALSE);

  if (g_str_has_prefix (id, OWN_PREFIX))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (reserved_stems); i++)
    if (g_str_has_prefix (id, reserved_stems[i]))
      {
        const char *number = id + strlen (reserved_stems[i]);

        return *number != '\0' && strspn (number, "0123456789") == strlen (number);
      }

  return FALSE;
}
