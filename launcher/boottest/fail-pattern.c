#include "launcher/boottest/fail-pattern.h"

#include "launcher/boottest/console-pattern.h"

typedef struct
{
  const char *name;
  VpVerdict verdict;
  const char *text;
} BuiltIn;

/*
 * What says most comes first. None can match a newline, or looks at what is around its match except
 * by ^: so one look at many lines finds what a look at each would. Each begins with letters of its
 * own, for which PCRE then looks eight and more bytes at a time: twenty of them cost a tenth of
 * what one that begins in twenty ways does.
 */
static const BuiltIn built_in[] = {
  { "kernel panic", VP_VERDICT_PANIC, "Kernel panic - not syncing" },

  { "hard lockup", VP_VERDICT_HANG, "Watchdog detected hard LOCKUP" },
  { "soft lockup", VP_VERDICT_HANG, "BUG: (?:soft|workqueue) lockup - " },

  /* x86 says what it was, four digits, and the how manieth it is; others do without the digits. */
  { "kernel oops", VP_VERDICT_OOPS, ": [0-9a-f]{4} \\[#[0-9]+\\]" },
  { "kernel oops", VP_VERDICT_OOPS, "Oops.*\\[#[0-9]+\\]" },
  { "kernel oops", VP_VERDICT_OOPS, "Internal error: .*\\[#[0-9]+\\]" },
  { "kernel oops", VP_VERDICT_OOPS, "nable to handle (?:kernel |page fault for )" },
  { "kernel oops", VP_VERDICT_OOPS, "BUG: kernel NULL pointer dereference" },
  { "kernel oops", VP_VERDICT_OOPS, "general protection fault(?:, |: )" },
  { "kernel BUG", VP_VERDICT_OOPS, "kernel BUG at " },
  { "kernel BUG", VP_VERDICT_OOPS, "^BUG: " },
  { "kernel BUG", VP_VERDICT_OOPS, "\\] BUG: " },

  { "initramfs shell", VP_VERDICT_FAIL, "^\\(initramfs\\)" },
  { "initramfs shell", VP_VERDICT_FAIL, "Dropping to a shell!" },
  { "initramfs shell", VP_VERDICT_FAIL, "dropped into an emergency shell" },
  { "initramfs shell", VP_VERDICT_FAIL, "initramfs emergency recovery shell" },
  { "dracut emergency shell", VP_VERDICT_FAIL, "^dracut:/#" },
  { "dracut emergency shell", VP_VERDICT_FAIL, "^Entering emergency mode[.]" },
  { "emergency mode", VP_VERDICT_FAIL, "You are in emergency mode[.]" },
  { "GRUB rescue", VP_VERDICT_FAIL, "^grub rescue>" },
  { "GRUB rescue", VP_VERDICT_FAIL, "^Entering rescue mode[.][.][.]" },
  { "GRUB shell", VP_VERDICT_FAIL, "Minimal BASH-like line editing is supported" },
  { "kernel not loaded", VP_VERDICT_FAIL, "^ ?-- System halted" },
  { "nothing to boot", VP_VERDICT_FAIL, "^No bootable device" },
  { "nothing to boot", VP_VERDICT_FAIL, "BdsDxe: No bootable option or device was found" },
};

struct _VpFailPatterns
{
  GPtrArray *patterns; /* element-type VpFailPattern: the built-in ones, then the user's */
  guint n_built_in;
};

static void
pattern_free (VpFailPattern *pattern)
{
  g_free (pattern->name);
  g_regex_unref (pattern->regex);
  g_free (pattern);
}

static void
add (VpFailPatterns *self, const char *name, VpVerdict verdict, GRegex *regex)
{
  VpFailPattern *pattern = g_new0 (VpFailPattern, 1);

  pattern->name = g_strdup (name);
  pattern->verdict = verdict;
  pattern->regex = regex;
  g_ptr_array_add (self->patterns, pattern);
}

static void
add_built_in (VpFailPatterns *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (built_in); i++)
    add (self, built_in[i].name, built_in[i].verdict,
         vp_console_pattern_new_for_lines (built_in[i].text));
  self->n_built_in = self->patterns->len;
}

VpFailPatterns *
vp_fail_patterns_new (const char *const *own, gboolean builtin, GError **error)
{
  g_autoptr (VpFailPatterns) self = g_new0 (VpFailPatterns, 1);

  self->patterns = g_ptr_array_new_with_free_func ((GDestroyNotify) pattern_free);
  if (builtin)
    add_built_in (self);
  for (; own != NULL && *own != NULL; own++)
    {
      GRegex *regex = vp_console_pattern_new (*own, error);

      if (regex == NULL)
        return NULL;
      add (self, *own, VP_VERDICT_FAIL, regex);
    }
  return g_steal_pointer (&self);
}

void
vp_fail_patterns_free (VpFailPatterns *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->patterns);
  g_free (self);
}

gboolean
vp_fail_patterns_suspect (const VpFailPatterns *self, const char *text, gsize size)
{
  for (guint i = 0; i < self->n_built_in; i++)
    {
      const VpFailPattern *pattern = g_ptr_array_index (self->patterns, i);

      if (vp_console_pattern_find (pattern->regex, text, size, 0, VP_SPAN_WHOLE, NULL, NULL) !=
          VP_MATCH_NONE)
        return TRUE;
    }
  return FALSE;
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
