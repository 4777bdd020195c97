#include "launcher/boottest/step.h"

#include "launcher/boottest/console-pattern.h"
#include "launcher/error.h"

#include <math.h>
#include <string.h>

/* As long as a run may be told to wait for anything. */
#define MAX_SECONDS 99999.0

typedef struct
{
  const char *word;
  gboolean takes_text;
} KindEntry;

static const KindEntry kinds[] = {
  [VP_STEP_EXPECT] = { "expect", TRUE }, [VP_STEP_SEND] = { "send", TRUE },
  [VP_STEP_ATTACH] = { "attach", TRUE }, [VP_STEP_DETACH] = { "detach", TRUE },
  [VP_STEP_STOP] = { "stop", FALSE },    [VP_STEP_RESET] = { "reset", FALSE },
};

gboolean
vp_step_kind_from_string (const char *word, VpStepKind *kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (word, kinds[i].word))
      {
        *kind = (VpStepKind) i;
        return TRUE;
      }
  return FALSE;
}

const char *
vp_step_kind_to_string (VpStepKind kind)
{
  return kinds[kind].word;
}

gboolean
vp_step_kind_takes_text (VpStepKind kind)
{
  return kinds[kind].takes_text;
}

/* Returns: what a one-letter escape stands for; 0 when it is none */
static char
letter_escape (char letter)
{
  static const char pairs[] = "a\ab\be\033f\fn\nr\rt\tv\v\\\\\"\"''";

  for (const char *pair = pairs; *pair != '\0'; pair += 2)
    if (pair[0] == letter)
      return pair[1];
  return '\0';
}

/* Takes up to @max digits off @text; returns -1 when there is none, or more than a byte. */
static int
take_number (const char **text, guint base, guint max)
{
  guint value = 0;
  guint n = 0;

  for (; n < max; n++, (*text)++)
    {
      int digit = g_ascii_xdigit_value (**text);

      if (digit < 0 || digit >= (int) base)
        break;
      value = value * base + (guint) digit;
    }
  return n > 0 && value <= 0xff ? (int) value : -1;
}

static GBytes *
decode_send (const char *text, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const char *at = text;

  while (*at != '\0')
    {
      int value = (guint8) *at++;

      if (value == '\\' && g_str_equal (at, "c"))
        return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
      if (value == '\\' && letter_escape (*at) != '\0')
        value = letter_escape (*at++);
      else if (value == '\\' && *at == 'x')
        {
          at++;
          value = take_number (&at, 16, 2);
        }
      else if (value == '\\')
        value = take_number (&at, 8, 3);

      if (value < 0)
        {
          vp_error_refuse (error, text, "has an escape that C does not have; write \\\\ for \\");
          return NULL;
        }
      g_byte_array_append (bytes, &(guint8){ (guint8) value }, 1);
    }

  g_byte_array_append (bytes, (const guint8 *) "\n", 1);
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

static gboolean
fill (VpStep *step, GError **error)
{
  switch (step->kind)
    {
    case VP_STEP_EXPECT:
      step->regex = vp_console_pattern_new (step->text, error);
      return step->regex != NULL;

    case VP_STEP_SEND:
      step->bytes = decode_send (step->text, error);
      return step->bytes != NULL;

    case VP_STEP_ATTACH:
      step->spec = vp_device_spec_parse (step->text, error);
      return step->spec != NULL;

    case VP_STEP_DETACH:
      return vp_id_is_valid (step->text) ||
             vp_error_refuse (error, step->text, "is not a device's id");

    case VP_STEP_STOP:
    case VP_STEP_RESET:
      return TRUE;
    }
  return FALSE;
}

VpStep *
vp_step_new_within (VpStepKind kind, const char *text, guint within_ms, GError **error)
{
  g_autoptr (VpStep) step = g_new0 (VpStep, 1);

  if (kinds[kind].takes_text != (text != NULL))
    {
      vp_error_refuse (error, kinds[kind].word, "%s",
                       text == NULL ? "needs to be told what" : "takes no text");
      return NULL;
    }

  step->kind = kind;
  step->text = g_strdup (text);
  step->within_ms = within_ms;
  return fill (step, error) ? g_steal_pointer (&step) : NULL;
}

/* Returns: where "@SECONDS" begins in @text; %NULL when it has none */
static const char *
find_seconds (const char *text)
{
  const char *at = strrchr (text, '@');

  if (at == NULL || at == text || at[-1] == '\\' ||
      !g_regex_match_simple ("^@[0-9]+(\\.[0-9]+)?$", at, G_REGEX_DOLLAR_ENDONLY | G_REGEX_RAW, 0))
    return NULL;
  return at;
}

VpStep *
vp_step_new (VpStepKind kind, const char *text, GError **error)
{
  const char *at = kind == VP_STEP_SEND || text == NULL ? NULL : find_seconds (text);
  g_autofree char *rest = NULL;
  double ms;

  if (at == NULL)
    return vp_step_new_within (kind, text, 0, error);

  rest = g_strndup (text, (gsize) (at - text));
  ms = ceil (g_ascii_strtod (at + 1, NULL) * 1000);
  if (ms < 1 || ms > MAX_SECONDS * 1000)
    {
      vp_error_refuse (error, at, "is no time: seconds, more than 0 and at most %.0f", MAX_SECONDS);
      return NULL;
    }
  return vp_step_new_within (kind, rest, (guint) ms, error);
}

void
vp_step_free (VpStep *step)
{
  if (step == NULL)
    return;

  g_free (step->text);
  g_clear_pointer (&step->regex, g_regex_unref);
  g_clear_pointer (&step->bytes, g_bytes_unref);
  g_clear_pointer (&step->spec, vp_device_spec_free);
  g_free (step);
}
