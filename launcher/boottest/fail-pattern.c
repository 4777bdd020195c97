#include "launcher/boottest/fail-pattern.h"

#include "launcher/boottest/console-pattern.h"

typedef struct
{
  const char *name;
  VpVerdict verdict;
  const char *text;
} BuiltIn;

/*
 * What says most comes first. None may match a newline or look at what surrounds its match except
 * by ^, so that one look at many lines finds whatever a look at each would.
 */
static const BuiltIn built_in[] = {
  { "kernel panic", VP_VERDICT_PANIC, "Kernel panic - not syncing" },

  { "hard lockup", VP_VERDICT_HANG, "Watchdog detected hard LOCKUP" },
  { "soft lockup", VP_VERDICT_HANG, "BUG: (?:soft lockup|workqueue lockup) - " },

  /* x86: die() says what it was, four digits and which oops it is; arm64: Internal error: */
  { "kernel oops", VP_VERDICT_OOPS, "(?:: [0-9a-f]{4} |Oops.*|Internal error: .*)\\[#[0-9]+\\]" },
  { "kernel oops", VP_VERDICT_OOPS,
    "[Uu]nable to handle (?:kernel |page fault for )|BUG: kernel NULL pointer" },
  { "kernel oops", VP_VERDICT_OOPS, "general protection fault(?:, |: )" },
  { "kernel BUG", VP_VERDICT_OOPS, "kernel BUG at |(?:^|\\] )BUG: " },

  { "initramfs shell", VP_VERDICT_FAIL,
    "^\\(initramfs\\)|Dropping to a shell!|dropped into an emergency shell" },
  { "initramfs shell", VP_VERDICT_FAIL, "initramfs emergency recovery shell" },
  { "dracut emergency shell", VP_VERDICT_FAIL, "^dracut:/#|^Entering emergency mode[.]" },
  { "emergency mode", VP_VERDICT_FAIL, "You are in emergency mode[.]" },
  { "GRUB rescue", VP_VERDICT_FAIL, "^grub rescue>|^Entering rescue mode[.][.][.]" },
  { "GRUB shell", VP_VERDICT_FAIL, "Minimal BASH-like line editing is supported" },
  { "kernel not loaded", VP_VERDICT_FAIL, "^ ?-- System halted" },
  { "nothing to boot", VP_VERDICT_FAIL,
    "^No bootable device|BdsDxe: No bootable option or device was found" },
};

struct _VpFailPatterns
{
  GPtrArray *patterns; /* element-type VpFailPattern: the built-in ones, then the user's */
  guint n_built_in;
  GRegex *any; /* nullable: any of the built-in ones, in any number of lines */
};

static void
pattern_free (VpFailPattern *pattern)
{
  g_free (pattern->name);
  g_regex_unref (pattern->regex);
  g_free (pattern);
}

static gboolean
add (VpFailPatterns *self, const char *name, VpVerdict verdict, const char *text, GError **error)
{
  GRegex *regex = vp_console_pattern_new (text, error);
  VpFailPattern *pattern;

  if (regex == NULL)
    return FALSE;

  pattern = g_new0 (VpFailPattern, 1);
  pattern->name = g_strdup (name);
  pattern->verdict = verdict;
  pattern->regex = regex;
  g_ptr_array_add (self->patterns, pattern);
  return TRUE;
}

static gboolean
add_built_in (VpFailPatterns *self, GError **error)
{
  g_autoptr (GString) any = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (built_in); i++)
    {
      if (!add (self, built_in[i].name, built_in[i].verdict, built_in[i].text, error))
        return FALSE;
      g_string_append_printf (any, "%s(?:%s)", i > 0 ? "|" : "", built_in[i].text);
    }
  self->n_built_in = self->patterns->len;
  self->any = g_regex_new (
      any->str, G_REGEX_RAW | G_REGEX_NEWLINE_LF | G_REGEX_MULTILINE | G_REGEX_OPTIMIZE, 0, error);
  return self->any != NULL;
}

VpFailPatterns *
vp_fail_patterns_new (const char *const *own, gboolean builtin, GError **error)
{
  g_autoptr (VpFailPatterns) self = g_new0 (VpFailPatterns, 1);

  self->patterns = g_ptr_array_new_with_free_func ((GDestroyNotify) pattern_free);
  if (builtin && !add_built_in (self, error))
    return NULL;
  for (; own != NULL && *own != NULL; own++)
    if (!add (self, *own, VP_VERDICT_FAIL, *own, error))
      return NULL;
  return g_steal_pointer (&self);
}

void
vp_fail_patterns_free (VpFailPatterns *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->patterns);
  g_clear_pointer (&self->any, g_regex_unref);
  g_free (self);
}

gboolean
vp_fail_patterns_suspect (const VpFailPatterns *self, const char *text, gsize size)
{
  return self->any != NULL && vp_console_pattern_find (self->any, text, size, 0, VP_SPAN_WHOLE,
                                                       NULL, NULL) != VP_MATCH_NONE;
}

const VpFailPattern *
vp_fail_patterns_find (const VpFailPatterns *self,
                       const char *line,
                       gsize size,
                       gsize from,
                       gsize before,
                       gboolean suspect)
{
  for (guint i = suspect ? 0 : self->n_built_in; i < self->patterns->len; i++)
    {
      const VpFailPattern *pattern = g_ptr_array_index (self->patterns, i);
      gsize start;

      if (vp_console_pattern_find (pattern->regex, line, size, from, VP_SPAN_WHOLE, &start, NULL) ==
              VP_MATCH_FOUND &&
          start < before)
        return pattern;
    }
  return NULL;
}
