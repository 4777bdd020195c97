#include "devices/pci-address.h"

#include "devices/error.h"
#include "devices/quote.h"

#include <string.h>

#define MIN_DOMAIN_DIGITS 4
#define MAX_DOMAIN_DIGITS 8 /* VMD controllers make domains from 0x10000 on */

/* Reads exactly @digits hexadecimal digits and then @stop. */
static gboolean
take_hex (const char **cursor, gsize digits, char stop, guint32 max, guint32 *value)
{
  const char *p = *cursor;
  guint32 v = 0;

  for (gsize i = 0; i < digits; i++, p++)
    {
      if (!g_ascii_isxdigit (*p))
        return FALSE;
      v = v << 4 | (guint32) g_ascii_xdigit_value (*p);
    }
  if (*p != stop || v > max)
    return FALSE;

  *cursor = stop == '\0' ? p : p + 1;
  *value = v;
  return TRUE;
}

static gboolean
take_domain (const char **cursor, guint32 *domain)
{
  gsize digits = strcspn (*cursor, ":");

  if (digits == strlen ("65")) /* the short form starts with its bus */
    {
      *domain = 0;
      return TRUE;
    }

  return digits >= MIN_DOMAIN_DIGITS && digits <= MAX_DOMAIN_DIGITS &&
         take_hex (cursor, digits, ':', G_MAXUINT32, domain);
}

gboolean
vp_pci_address_parse (const char *text, VpPciAddress *address, GError **error)
{
  const char *p = text;
  guint32 domain, bus, slot, function;

  g_return_val_if_fail (text != NULL && address != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!take_domain (&p, &domain) || !take_hex (&p, 2, ':', 0xff, &bus) ||
      !take_hex (&p, 2, '.', 31, &slot) || !take_hex (&p, 1, '\0', 7, &function))
    {
      g_autofree char *quoted = vp_quote (text);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID,
                   "%s is not a PCI address: expected one such as 0000:65:00.0", quoted);
      return FALSE;
    }

  *address = (VpPciAddress){
    .domain = domain, .bus = (guint8) bus, .slot = (guint8) slot, .function = (guint8) function
  };
  return TRUE;
}

char *
vp_pci_address_to_string (const VpPciAddress *address)
{
  g_return_val_if_fail (address != NULL, NULL);

  return g_strdup_printf ("%04x:%02x:%02x.%x", address->domain, address->bus, address->slot,
                          address->function);
}

static guint64
sort_key (const VpPciAddress *address)
{
  return (guint64) address->domain << 24 | (guint64) address->bus << 16 |
         (guint64) address->slot << 8 | address->function;
}

int
vp_pci_address_compare (const VpPciAddress *a, const VpPciAddress *b)
{
  guint64 key_a = sort_key (a);
  guint64 key_b = sort_key (b);

  return (key_a > key_b) - (key_a < key_b);
}
