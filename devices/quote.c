#include "devices/quote.h"

#include <string.h>

#define MAX_QUOTED 64

char *
vp_quote (const char *text)
{
  gboolean is_cut = strnlen (text, MAX_QUOTED + 1) > MAX_QUOTED;
  g_autofree char *head = g_strndup (text, MAX_QUOTED);
  g_autofree char *escaped = g_strescape (head, NULL);

  return g_strdup_printf ("\"%s%s\"", escaped, is_cut ? "..." : "");
}
