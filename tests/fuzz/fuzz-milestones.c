#include "launcher/boottest/milestones.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* The caller carries out the current step when the console has shown this. */
#define DONE_BYTE 0x01

static GPtrArray *
make_steps (void)
{
  static const struct
  {
    VpStepKind kind;
    const char *text;
  } script[] = {
    { VP_STEP_EXPECT, "login:" },    { VP_STEP_SEND, "root" },    { VP_STEP_EXPECT, "^a.*b" },
    { VP_STEP_EXPECT, "(?<=c)d*e" }, { VP_STEP_DETACH, "d1" },    { VP_STEP_EXPECT, "# $" },
    { VP_STEP_EXPECT, "\\bend\\b" }, { VP_STEP_RESET, NULL },     { VP_STEP_EXPECT, "x*" },
    { VP_STEP_EXPECT, "(f|g)+h?$" }, { VP_STEP_EXPECT, "[^i]i" },
  };
  GPtrArray *steps = g_ptr_array_new_with_free_func ((GDestroyNotify) vp_step_free);

  for (guint i = 0; i < G_N_ELEMENTS (script); i++)
    g_ptr_array_add (steps, vp_step_new (script[i].kind, script[i].text, NULL));
  return steps;
}

/* All that is known at the end. */
static char *
describe (VpMilestones *milestones)
{
  GString *text = g_string_new (NULL);
  const GPtrArray *reached = vp_milestones_get_reached (milestones);
  const VpFailMatch *failure = vp_milestones_get_failure (milestones);
  g_auto (GStrv) tail = vp_milestones_get_tail (milestones, 200);

  g_string_append_printf (text, "%d %u\n", vp_milestones_get_state (milestones),
                          vp_milestones_get_step (milestones));
  for (guint i = 0; i < reached->len; i++)
    {
      const VpReached *entry = g_ptr_array_index (reached, i);

      g_string_append_printf (text, "%u %s\n", entry->step, entry->line);
    }
  if (failure != NULL)
    g_string_append_printf (text, "%s: %s\n", failure->pattern->name, failure->line);
  for (char **line = tail; *line != NULL; line++)
    g_string_append_printf (text, "%s\n", *line);
  g_assert_true (g_utf8_validate (text->str, (gssize) text->len, NULL));
  return g_string_free (text, FALSE);
}

static char *
follow (const GPtrArray *steps,
        const VpFailPatterns *patterns,
        const guint8 *data,
        gsize size,
        gsize chunk)
{
  g_autoptr (VpMilestones) milestones = vp_milestones_new (steps, patterns, 1);

  while (size > 0)
    {
      const guint8 *done = memchr (data, DONE_BYTE, MIN (size, chunk));
      gsize n = done != NULL ? (gsize) (done - data) + 1 : MIN (size, chunk);

      vp_milestones_feed (milestones, data, n, 0);
      if (done != NULL)
        vp_milestones_step_done (milestones, 0);
      data += n;
      size -= n;
    }
  vp_milestones_settle (milestones, 0);
  return describe (milestones);
}

/* Whatever the chunks, the same console is the same story. The first byte is the chunk size, the
 * second says how often the rest is repeated: a long line needs no long seed. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const char *const own[] = { "FAIL.*", "^not [a-z]+$", NULL };
  g_autoptr (GPtrArray) steps = NULL;
  g_autoptr (VpFailPatterns) patterns = NULL;
  g_autoptr (GByteArray) console = g_byte_array_new ();
  g_autofree char *whole = NULL;
  g_autofree char *split = NULL;

  if (size < 3 || size > 4096)
    return 0;

  steps = make_steps ();
  patterns = vp_fail_patterns_new (own, TRUE, NULL);
  for (guint i = 0; i <= data[1] % 64; i++)
    g_byte_array_append (console, data + 2, (guint) size - 2);
  whole = follow (steps, patterns, console->data, console->len, console->len);
  split = follow (steps, patterns, console->data, console->len, MAX (data[0], 1));
  g_assert_cmpstr (whole, ==, split);
  return 0;
}
