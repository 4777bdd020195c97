#include "devices/byte-size.h"

#include "devices/error.h"
#include "devices/quote.h"

#include <string.h>

static const char units[] = "KMGTPE"; /* each 1024 times the one before */

#define N_PARSED_UNITS 4 /* K to T: a user who writes more has made a mistake */

/* Returns the power of two that @unit stands for, or -1. */
static int
shift_of_unit (const char *unit)
{
  if (*unit == '\0')
    return 0;
  if (unit[1] != '\0' && g_ascii_strcasecmp (unit + 1, "iB") != 0)
    return -1;

  for (int i = 0; i < N_PARSED_UNITS; i++)
    if (g_ascii_toupper (*unit) == units[i])
      return 10 * (i + 1);

  return -1;
}

gboolean
vp_byte_size_parse (const char *text, guint64 *bytes, GError **error)
{
  gsize n_digits;
  int shift;
  g_autofree char *digits = NULL;
  guint64 number;

  g_return_val_if_fail (text != NULL && bytes != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  n_digits = strspn (text, "0123456789");
  shift = shift_of_unit (text + n_digits);
  if (n_digits == 0 || shift < 0)
    {
      g_autofree char *quoted = vp_quote (text);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID,
                   "%s is not a size: expected a number such as 4096, 512M or 16G", quoted);
      return FALSE;
    }

  digits = g_strndup (text, n_digits);
  if (!g_ascii_string_to_unsigned (digits, 10, 0, G_MAXUINT64 >> shift, &number, NULL))
    {
      g_autofree char *quoted = vp_quote (text);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID,
                   "%s is not a size: it is more than 64 bits hold", quoted);
      return FALSE;
    }

  *bytes = number << shift;
  return TRUE;
}

char *
vp_byte_size_format (guint64 bytes)
{
  gsize n_units = 0;

  while (bytes != 0 && bytes % 1024 == 0 && n_units < strlen (units))
    {
      bytes /= 1024;
      n_units++;
    }

  if (n_units == 0)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " B", bytes);
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %ciB", bytes, units[n_units - 1]);
}
