#include "launcher/commands/timeout.h"

#include "launcher/control/call-arguments.h"
#include "launcher/error.h"

gboolean
vp_timeout_parse (const char *text, guint *timeout_ms, GError **error)
{
  double seconds;
  char *end;

  if (text == NULL)
    return TRUE;

  seconds = g_ascii_strtod (text, &end);
  if (!g_ascii_isdigit (text[0]) || *end != '\0' || !(seconds <= VP_CALL_MAX_TIMEOUT))
    return vp_error_refuse (error, text, "is no number of seconds from 0 to %d (--timeout)",
                            VP_CALL_MAX_TIMEOUT);

  *timeout_ms = (guint) (seconds * 1000 + 0.5);
  return TRUE;
}
