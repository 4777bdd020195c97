#include "launcher/boottest/boot-options.h"

#include "launcher/boottest/console-pattern.h"
#include "launcher/boottest/skip-condition.h"
#include "launcher/boottest/step.h"
#include "launcher/config/params.h"
#include "launcher/error.h"

#include <string.h>

#define DEFAULT_TIMEOUT_MS 60000
#define DEFAULT_TCG_SCALE  5.0
#define MAX_TCG_SCALE      1000.0
#define DEFAULT_RESETS     2
#define MAX_RESETS         1000000
#define MAX_SECONDS        86400
#define MAX_FD             65535

static void
step_free (gpointer data)
{
  vp_step_free (data);
}

VpBootOptions *
vp_boot_options_new (void)
{
  VpBootOptions *self = g_new0 (VpBootOptions, 1);

  self->steps = g_ptr_array_new_with_free_func (step_free);
  self->fail_on = g_ptr_array_new_with_free_func (g_free);
  self->skip_if = g_ptr_array_new_with_free_func (g_free);
  self->qemu_args = g_ptr_array_new_with_free_func (g_free);
  self->timeout_ms = DEFAULT_TIMEOUT_MS;
  self->tcg_scale = DEFAULT_TCG_SCALE;
  self->resets = DEFAULT_RESETS;
  self->result_value = VP_BOOT_DEFAULT_EXIT_VALUE;
  self->events_fd = -1;
  self->given = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
vp_boot_options_free (VpBootOptions *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->steps);
  g_ptr_array_unref (self->fail_on);
  g_ptr_array_unref (self->skip_if);
  g_ptr_array_unref (self->qemu_args);
  g_free (self->artifacts);
  g_free (self->junit);
  g_strfreev (self->command);
  g_free (self->word);
  g_hash_table_unref (self->given);
  g_free (self);
}

static gboolean
add_step (VpBootOptions *self, VpStepKind kind, const char *text, GError **error)
{
  VpStep *step = vp_step_new (kind, text, error);

  if (step == NULL)
    return FALSE;
  g_ptr_array_add (self->steps, step);
  return TRUE;
}

static gboolean
add_expect (VpBootOptions *self, const char *value, GError **error)
{
  return add_step (self, VP_STEP_EXPECT, value, error);
}

static gboolean
add_send (VpBootOptions *self, const char *value, GError **error)
{
  return add_step (self, VP_STEP_SEND, value, error);
}

static gboolean
add_fail_on (VpBootOptions *self, const char *value, GError **error)
{
  g_autoptr (GRegex) regex = NULL;

  if (g_str_equal (value, "none"))
    {
      self->no_builtin = TRUE;
      return TRUE;
    }
  if (value[0] == '\0')
    return vp_error_refuse (error, value, "matches everything; say what the console shows");
  regex = vp_console_pattern_new (value, error);
  if (regex == NULL)
    return FALSE;

  g_ptr_array_add (self->fail_on, g_strdup (value));
  return TRUE;
}

static gboolean
parse_fraction (const char *value, double *number)
{
  if (!g_regex_match_simple ("^[0-9]{1,5}(\\.[0-9]{1,3})?$", value, G_REGEX_DOLLAR_ENDONLY, 0))
    return FALSE;
  *number = g_ascii_strtod (value, NULL);
  return TRUE;
}

static gboolean
parse_seconds (const char *value, guint *milliseconds, GError **error)
{
  double seconds;

  if (!parse_fraction (value, &seconds) || seconds <= 0 || seconds > MAX_SECONDS)
    return vp_error_refuse (error, value,
                            "is not a number of seconds up to %d, to the millisecond at most",
                            MAX_SECONDS);
  *milliseconds = (guint) (seconds * 1000 + 0.5);
  return TRUE;
}

static gboolean
set_timeout (VpBootOptions *self, const char *value, GError **error)
{
  return parse_seconds (value, &self->timeout_ms, error);
}

static gboolean
set_stall (VpBootOptions *self, const char *value, GError **error)
{
  return parse_seconds (value, &self->stall_ms, error);
}

static gboolean
set_tcg_scale (VpBootOptions *self, const char *value, GError **error)
{
  if (!parse_fraction (value, &self->tcg_scale) || self->tcg_scale < 0.1 ||
      self->tcg_scale > MAX_TCG_SCALE)
    return vp_error_refuse (error, value, "is not a number from 0.1 to %g", MAX_TCG_SCALE);
  return TRUE;
}

static gboolean
parse_number (const char *value, guint min, guint max, guint *number, GError **error)
{
  guint64 parsed;

  if (!g_ascii_string_to_unsigned (value, 10, min, max, &parsed, NULL))
    return vp_error_refuse (error, value, "is not a number from %u to %u", min, max);
  *number = (guint) parsed;
  return TRUE;
}

static gboolean
set_resets (VpBootOptions *self, const char *value, GError **error)
{
  return parse_number (value, 0, MAX_RESETS, &self->resets, error);
}

/* QEMU exits with twice the value and one, of which a process keeps eight bits. */
static gboolean
parse_exit_value (const char *value, guint *number, GError **error)
{
  gboolean is_hex = g_str_has_prefix (value, "0x");
  guint64 parsed;

  if (!g_ascii_string_to_unsigned (is_hex ? value + 2 : value, is_hex ? 16 : 10, 1, 0x7f, &parsed,
                                   NULL))
    return vp_error_refuse (error, value, "is not a number from 1 to 127 (0x7f)");
  *number = (guint) parsed;
  return TRUE;
}

static gboolean
set_result (VpBootOptions *self, const char *value, GError **error)
{
  static const struct
  {
    const char *name;
    VpResultKind kind;
  } kinds[] = { { "port", VP_RESULT_PORT }, { "debug-exit", VP_RESULT_DEBUG_EXIT } };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (value, kinds[i].name))
      {
        self->result = kinds[i].kind;
        return TRUE;
      }
  if (!g_str_has_prefix (value, "debug-exit:"))
    return vp_error_refuse (error, value, "is neither port nor debug-exit[:VALUE]");

  self->result = VP_RESULT_DEBUG_EXIT;
  return parse_exit_value (value + strlen ("debug-exit:"), &self->result_value, error);
}

static gboolean
set_path (char **member, const char *value, GError **error)
{
  if (value[0] == '\0')
    return vp_error_refuse (error, value, "is empty");
  *member = g_strdup (value);
  return TRUE;
}

static gboolean
set_artifacts (VpBootOptions *self, const char *value, GError **error)
{
  return set_path (&self->artifacts, value, error);
}

static gboolean
set_junit (VpBootOptions *self, const char *value, GError **error)
{
  return set_path (&self->junit, value, error);
}

static gboolean
set_events (VpBootOptions *self, const char *value, GError **error)
{
  guint fd = 0;

  if (!g_str_has_prefix (value, "fd:"))
    return vp_error_refuse (error, value, "is not fd:NUMBER");
  if (!parse_number (value + strlen ("fd:"), 1, MAX_FD, &fd, error))
    return FALSE;
  self->events_fd = (int) fd;
  return TRUE;
}

static gboolean
add_skip_if (VpBootOptions *self, const char *value, GError **error)
{
  if (!vp_skip_condition_check (value, error))
    return FALSE;
  g_ptr_array_add (self->skip_if, g_strdup (value));
  return TRUE;
}

static gboolean
add_qemu_arg (VpBootOptions *self, const char *value, GError **error)
{
  g_ptr_array_add (self->qemu_args, g_strdup (value));
  return TRUE;
}

static gboolean
set_switch (gboolean *member, const char *value, GError **error)
{
  static const char *const choices[] = { "off", "on", NULL };
  guint choice;

  if (!vp_params_parse_choice (value, choices, &choice, error))
    return FALSE;
  *member = choice == 1;
  return TRUE;
}

static gboolean
set_tap (VpBootOptions *self, const char *value, GError **error)
{
  return set_switch (&self->tap, value, error);
}

static gboolean
set_console (VpBootOptions *self, const char *value, GError **error)
{
  return set_switch (&self->console, value, error);
}

static gboolean
set_dump_memory (VpBootOptions *self, const char *value, GError **error)
{
  return set_switch (&self->dump_memory, value, error);
}

static const VpBootOption options[] = {
  { "expect", "REGEX[@SECONDS]", "What the console must show next, and how soon", TRUE, FALSE,
    VP_OPTION_TEXT, add_expect },
  { "at", "REGEX[@SECONDS]", "The same, to stand before a step", TRUE, FALSE, VP_OPTION_TEXT,
    add_expect },
  { "send", "TEXT", "What is then typed; a newline is added unless it ends with \\c", TRUE, FALSE,
    VP_OPTION_TEXT, add_send },
  { "fail-on", "REGEX|none",
    "What the console must not show, beside panics and the like; none: without these", TRUE, FALSE,
    VP_OPTION_TEXT, add_fail_on },
  { "timeout", "SECONDS", "Longest wait for the whole (default 60)", FALSE, FALSE, VP_OPTION_NUMBER,
    set_timeout },
  { "stall", "SECONDS", "Longest silence of the console (default: any)", FALSE, FALSE,
    VP_OPTION_NUMBER, set_stall },
  { "tcg-scale", "FACTOR", "How much longer all may take when it is emulated (default 5)", FALSE,
    FALSE, VP_OPTION_NUMBER, set_tcg_scale },
  { "resets", "N", "How often the guest may reset itself (default 2)", FALSE, FALSE,
    VP_OPTION_NUMBER, set_resets },
  { "result", "port|debug-exit[:VALUE]", "How the guest tells how it went", FALSE, FALSE,
    VP_OPTION_TEXT, set_result },
  { "skip-if", "no-kvm|not-root|no-file=PATH|no-device=REF|env=NAME|no-env=NAME",
    "When there is nothing to test here", TRUE, FALSE, VP_OPTION_TEXT, add_skip_if },
  { "qemu-arg", "ARG", "One argument for QEMU, as it is", TRUE, FALSE, VP_OPTION_TEXT,
    add_qemu_arg },
  { "dump-memory", NULL, "Keep the guest's memory with the artifacts when it fails", FALSE, FALSE,
    VP_OPTION_SWITCH, set_dump_memory },
  { "artifacts", "DIR", "Folder for the logs, the verdict and the screenshot", FALSE, TRUE,
    VP_OPTION_TEXT, set_artifacts },
  { "junit", "FILE", "Write the verdict as JUnit XML", FALSE, TRUE, VP_OPTION_TEXT, set_junit },
  { "tap", NULL, "Print the verdict as TAP", FALSE, TRUE, VP_OPTION_SWITCH, set_tap },
  { "events", "fd:N", "Write what happens to a file descriptor, as lines of JSON", FALSE, TRUE,
    VP_OPTION_TEXT, set_events },
  { "console", NULL, "Show the console as it comes, on standard error", FALSE, TRUE,
    VP_OPTION_SWITCH, set_console },
};

const VpBootOption *
vp_boot_option_get (guint index)
{
  return index < G_N_ELEMENTS (options) ? &options[index] : NULL;
}

const VpBootOption *
vp_boot_option_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (g_str_equal (options[i].name, name))
      return &options[i];

  return NULL;
}

gboolean
vp_boot_options_set (VpBootOptions *self, const char *name, const char *value, GError **error)
{
  const VpBootOption *option;

  g_return_val_if_fail (self != NULL && name != NULL && value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  option = vp_boot_option_find (name);
  if (option == NULL)
    return vp_error_refuse (error, name, "is not an option");
  /* The table owns the names, so the set need not copy them. */
  if (!g_hash_table_add (self->given, (gpointer) option->name) && !option->repeats)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "--%s is given twice", name);
      return FALSE;
    }
  if (vp_params_check_text (value, error) && option->set (self, value, error))
    return TRUE;

  g_prefix_error (error, "--%s: ", name);
  return FALSE;
}

gboolean
vp_boot_options_add_word (VpBootOptions *self, const char *word, GError **error)
{
  g_autofree char *verb = g_steal_pointer (&self->word);
  VpStepKind kind;

  if (!vp_params_check_text (word, error))
    return FALSE;
  if (verb != NULL)
    {
      vp_step_kind_from_string (verb, &kind);
      if (add_step (self, kind, word, error))
        return TRUE;
      g_prefix_error (error, "%s: ", verb);
      return FALSE;
    }
  if (!vp_step_kind_from_string (word, &kind))
    return vp_error_refuse (error, word,
                            "is no step: those are expect, send, attach, detach, stop and reset");
  if (!vp_step_kind_takes_text (kind))
    return add_step (self, kind, NULL, error);

  self->word = g_strdup (word);
  return TRUE;
}

gboolean
vp_boot_options_check (const VpBootOptions *self, GError **error)
{
  if (self->word != NULL)
    return vp_error_refuse (error, self->word, "is not followed by what to %s", self->word);
  if (self->steps->len == 0 && self->command == NULL && self->result == VP_RESULT_NONE)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE,
                           "nothing is expected, and no test passes without that: add --expect "
                           "REGEX, --result or -- COMMAND");
      return FALSE;
    }
  if (self->command != NULL && self->result != VP_RESULT_NONE)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE,
                           "--result and -- COMMAND: the status of a command comes by itself");
      return FALSE;
    }
  if (self->dump_memory && self->artifacts == NULL)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE,
                           "--dump-memory needs --artifacts DIR, where it puts the memory");
      return FALSE;
    }
  return TRUE;
}

static gboolean
on_option (const char *option_name, const char *value, gpointer user_data, GError **error)
{
  return vp_boot_options_set (user_data, option_name + strlen ("--"), value != NULL ? value : "on",
                              error);
}

static gboolean
on_word (const char *option_name, const char *value, gpointer user_data, GError **error)
{
  return vp_boot_options_add_word (user_data, value, error);
}

GOptionGroup *
vp_boot_options_group (VpBootOptions *self)
{
  GOptionGroup *group = g_option_group_new (NULL, NULL, NULL, self, NULL);
  const GOptionEntry word_entries[] = {
    { G_OPTION_REMAINING, 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, (gpointer) on_word,
      NULL, "[STEP…]" },
    G_OPTION_ENTRY_NULL,
  };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      const GOptionEntry entries[] = {
        { options[i].name, 0,
          options[i].argument != NULL ? G_OPTION_FLAG_FILENAME : G_OPTION_FLAG_NO_ARG,
          G_OPTION_ARG_CALLBACK, (gpointer) on_option, options[i].help, options[i].argument },
        G_OPTION_ENTRY_NULL,
      };

      g_option_group_add_entries (group, entries);
    }
  g_option_group_add_entries (group, word_entries);
  return group;
}
