#include "launcher/boottest/console-pattern.h"

#include "launcher/error.h"

/* Per search, in PCRE's own steps. A line of a few hundred bytes needs a few hundred. */
#define LIMITS "(*LIMIT_MATCH=100000)"

/* Newline: or a dot would not match the byte 0x85, of which UTF-8 makes much use. */
#define FLAGS (G_REGEX_RAW | G_REGEX_NEWLINE_LF)

GRegex *
vp_console_pattern_new (const char *text, GError **error)
{
  g_autofree char *limited = g_strconcat (LIMITS, text, NULL);
  g_autoptr (GError) why = NULL;
  g_autoptr (GRegex) plain = NULL; /* refused in the user's words, without our limits */

  if (text[0] == '\0')
    {
      vp_error_refuse (error, text, "matches everything; say what the console shows");
      return NULL;
    }

  /* (*UTF) would trust the guest to send nothing else. */
  if (g_str_has_prefix (text, "(*"))
    {
      vp_error_refuse (error, text, "begins with a setting of PCRE; leave it out");
      return NULL;
    }

  plain = g_regex_new (text, FLAGS, 0, &why);
  if (plain == NULL)
    {
      vp_error_refuse (error, text, "is not a regular expression: %s", why->message);
      return NULL;
    }
  return g_regex_new (limited, FLAGS | G_REGEX_OPTIMIZE, 0, error);
}

GRegex *
vp_console_pattern_new_for_lines (const char *text)
{
  return g_regex_new (text, FLAGS | G_REGEX_MULTILINE | G_REGEX_OPTIMIZE, 0, NULL);
}

VpMatch
vp_console_pattern_find (const GRegex *pattern,
                         const char *text,
                         gsize size,
                         gsize from,
                         VpSpan span,
                         gsize *start,
                         gsize *end)
{
  g_autoptr (GMatchInfo) info = NULL;
  g_autoptr (GError) failure = NULL;
  gint first;
  gint last;

  if (!g_regex_match_full (pattern, text, (gssize) size, (gint) from,
                           span == VP_SPAN_GROWING ? G_REGEX_MATCH_PARTIAL_HARD : 0, &info,
                           &failure))
    return failure != NULL || g_match_info_is_partial_match (info) ? VP_MATCH_OPEN : VP_MATCH_NONE;

  if (!g_match_info_fetch_pos (info, 0, &first, &last))
    return VP_MATCH_NONE;
  if (start != NULL)
    *start = (gsize) first;
  if (end != NULL)
    *end = MAX ((gsize) last, from); /* \K may put it anywhere */
  return VP_MATCH_FOUND;
}
