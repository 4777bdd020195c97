#include "launcher/visible-line.h"

char *
vp_visible_line (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_isprint (c))
        g_string_append_unichar (out, c);
      else
        g_string_append_printf (out, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
    }
  return g_string_free (out, FALSE);
}
