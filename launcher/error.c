#include "launcher/error.h"

#include "devices/quote.h"

G_DEFINE_QUARK (vp_error, vp_error)

gboolean
vp_error_refuse (GError **error, const char *value, const char *format, ...)
{
  g_autofree char *quoted = vp_quote (value);
  g_autofree char *why = NULL;
  va_list args;

  va_start (args, format);
  why = g_strdup_vprintf (format, args);
  va_end (args);

  g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s %s", quoted, why);
  return FALSE;
}

void
vp_error_append (GError *error, const GError *further)
{
  char *both = g_strdup_printf ("%s; %s", error->message, further->message);

  g_free (error->message);
  error->message = both;
}
