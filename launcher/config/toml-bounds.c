#include "launcher/config/toml-bounds.h"

#include <string.h>

#define LONGEST_RUN 3 /* of quotes that open or close a string */

typedef struct
{
  const char *text;
  const char *end;
  const char *at;
  guint depth;  /* of brackets */
  guint dots;   /* in this key */
  guint n_dots; /* in the file */
} Scan;

static VpTomlPosition
position_of (const Scan *scan)
{
  VpTomlPosition position = { 1, 1 };

  for (const char *p = scan->text; p < scan->at; p++)
    if (*p == '\n')
      position = (VpTomlPosition){ position.line + 1, 1 };
    else if ((*p & 0xc0) != 0x80) /* the first byte of a character */
      position.column++;
  return position;
}

static guint
count_quotes (const Scan *scan, char quote)
{
  guint n = 0;

  while (scan->at + n < scan->end && scan->at[n] == quote)
    n++;
  return n;
}

/* To behind a string, or to where it would have to end: whether it does is the parser's matter. */
static void
skip_string (Scan *scan)
{
  const char quote = *scan->at;
  const guint opening = count_quotes (scan, quote);
  const gboolean has_lines = opening >= LONGEST_RUN;
  const guint closing = has_lines ? LONGEST_RUN : 1;

  scan->at += has_lines ? LONGEST_RUN : 1;
  while (scan->at < scan->end && (has_lines || *scan->at != '\n'))
    {
      const guint n = count_quotes (scan, quote);

      if (n >= closing)
        {
          /* Up to two more may stand before the three that close. */
          scan->at += has_lines ? MIN (n, LONGEST_RUN + 2) : 1;
          return;
        }
      if (quote == '"' && *scan->at == '\\' && scan->at + 1 < scan->end && scan->at[1] != '\n')
        scan->at++;
      scan->at++;
    }
}

static const char *
step (Scan *scan)
{
  const char c = *scan->at;

  if (c == '"' || c == '\'')
    {
      skip_string (scan);
      return NULL;
    }

  if (c == '[' || c == '{')
    scan->depth++;
  else if ((c == ']' || c == '}') && scan->depth > 0)
    scan->depth--;
  if (c == '.')
    {
      scan->dots++;
      scan->n_dots++;
    }
  else if (!g_ascii_isalnum (c) && strchr ("_- \t", c) == NULL)
    scan->dots = 0;

  if (scan->depth > VP_TOML_MAX_DEPTH || scan->dots >= VP_TOML_MAX_DEPTH)
    return "nested too deep";
  if (scan->n_dots > VP_TOML_MAX_DOTS)
    return "too many dotted keys";

  if (c == '#')
    while (scan->at + 1 < scan->end && scan->at[1] != '\n')
      scan->at++;
  scan->at++;
  return NULL;
}

const char *
vp_toml_bounds_check (const char *text, gsize size, VpTomlPosition *where)
{
  Scan scan = { .text = text, .end = text + size, .at = text };
  const char *why = NULL;

  g_return_val_if_fail (text != NULL && where != NULL, NULL);

  if (!g_utf8_validate_len (text, size, &scan.at))
    why = *scan.at == '\0' ? "a NUL byte" : "not valid UTF-8";
  else
    for (scan.at = text; scan.at < scan.end && why == NULL;)
      why = step (&scan);

  if (why != NULL)
    *where = position_of (&scan);
  return why;
}
