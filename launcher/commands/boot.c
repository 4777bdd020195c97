#include "launcher/boottest/boot-config.h"
#include "launcher/boottest/boot-document.h"
#include "launcher/boottest/boot-run.h"
#include "launcher/boottest/event-stream.h"
#include "launcher/boottest/live-screen.h"
#include "launcher/boottest/skip-condition.h"
#include "launcher/commands/boot-output.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/commands/own-console.h"
#include "launcher/config/option-group.h"
#include "launcher/error.h"
#include "launcher/failure.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/replay.h"

#include <string.h>
#include <unistd.h>

/* The end is worth a wait to whoever reads the events. */
#define FLUSH_MS 5000

#define USAGE_STATUS 2
#define INFRA_STATUS 99

/* Of whatever is not the command's: it can have all others. */
#define LAUNCHER_STATUS 125

typedef struct
{
  VpEventStream *events; /* nullable */
  VpOwnConsole *console; /* nullable */
  VpLiveScreen *screen;  /* nullable: stderr is no terminal, or not ours to draw on */
  gboolean is_quiet;     /* stderr is the command's */
} Boot;

static void
on_happening (JsonObject *event, gboolean may_drop, gpointer user_data)
{
  Boot *boot = user_data;

  if (boot->events != NULL)
    vp_event_stream_send (boot->events, event, may_drop);
  if (boot->screen != NULL)
    vp_live_screen_add_event (boot->screen, 0, event);
  else if (!boot->is_quiet)
    vp_boot_output_print_progress (event);
}

static void
on_console (GBytes *output, gpointer user_data)
{
  Boot *boot = user_data;

  vp_own_console_print (boot->console, output);
}

/* What does all of it again: the same words, but for where the events went this time. */
static char *
quote_command (char **argv)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  gboolean is_over = FALSE;

  g_ptr_array_add (words, (gpointer) "vmplug");
  for (guint i = 0; argv[i] != NULL; i++)
    {
      is_over = is_over || g_str_equal (argv[i], "--");
      if (!is_over && g_str_has_prefix (argv[i], "--events="))
        continue;
      if (!is_over && g_str_equal (argv[i], "--events") && argv[i + 1] != NULL)
        i++;
      else
        g_ptr_array_add (words, argv[i]);
    }
  g_ptr_array_add (words, NULL);
  return vp_argv_quote ((char **) words->pdata);
}

/* Returns: (transfer full) (nullable): the document; %NULL with what is wrong with the options */
static JsonObject *
attempt (const VpBootInput *input, VpConfig *config, GError **error)
{
  g_autoptr (VpConfig) owned_config = config;
  g_autofree char *skip_reason = vp_skip_condition_find (input->options->skip_if, input->root);
  g_autoptr (GError) why = NULL;
  VpBlueprint *blueprint = NULL;

  if (skip_reason != NULL)
    return vp_boot_run_nothing (input, skip_reason, NULL);

  vp_replay_clear_up (input->root);
  if (vp_boot_config_add_result (owned_config, input->options, &why))
    blueprint = vp_blueprint_new (g_steal_pointer (&owned_config), input->root, &why);
  if (blueprint != NULL)
    {
      for (guint i = 0; i < blueprint->plan->warnings->len; i++)
        g_printerr ("vmplug: warning: %s\n", (char *) blueprint->plan->warnings->pdata[i]);
      return vp_boot_run (input, blueprint);
    }
  if (vp_failure_of (why)->exit_status != USAGE_STATUS)
    return vp_boot_run_nothing (input, NULL, why);

  g_propagate_error (error, g_steal_pointer (&why));
  return NULL;
}

static void
tell_end (Boot *boot, JsonObject *document)
{
  g_autoptr (JsonObject) event = json_object_new ();

  if (boot->events == NULL)
    return;
  json_object_set_string_member (event, "event", "end");
  json_object_set_object_member (event, "document", json_object_ref (document));
  vp_event_stream_send (boot->events, event, FALSE);
  vp_event_stream_flush (boot->events, FLUSH_MS);
}

/* Returns: the exit status, or -1 */
static int
judge (VpBootInput *input, VpConfig *config, gboolean as_json, GError **error)
{
  g_autoptr (VpConfig) owned_config = config;
  const VpBootOptions *options = input->options;
  g_autoptr (VpArtifacts) artifacts = NULL;
  g_autoptr (VpEventStream) events = NULL;
  g_autoptr (VpOwnConsole) console = NULL;
  g_autoptr (VpLiveScreen) screen = NULL;
  g_autoptr (JsonObject) document = NULL;
  Boot boot = { .is_quiet = options->command != NULL };

  if (options->events_fd >= 0)
    {
      events = vp_event_stream_new (options->events_fd, error);
      if (events == NULL)
        return -1;
    }
  if (options->artifacts != NULL)
    {
      document = vp_boot_document_new_infra (input->name, "has not finished", input->command);
      artifacts = vp_artifacts_open (options->artifacts, document, error);
      g_clear_pointer (&document, json_object_unref);
      if (artifacts == NULL)
        return -1;
    }
  if (options->console)
    console = vp_own_console_new (STDERR_FILENO);
  else if (!boot.is_quiet && isatty (STDERR_FILENO))
    screen = vp_live_screen_new (stderr, 1, vp_output_has_colour (STDERR_FILENO));

  boot.events = events;
  boot.console = console;
  boot.screen = screen;
  input->artifacts = artifacts;
  input->tell = on_happening;
  input->console = console != NULL ? on_console : NULL;
  input->user_data = &boot;
  document = attempt (input, g_steal_pointer (&owned_config), error);
  g_clear_pointer (&screen, vp_live_screen_free);
  if (document == NULL)
    return -1;
  if (boot.screen != NULL)
    vp_boot_output_print_steps (document);

  tell_end (&boot, document);
  if ((artifacts != NULL && !vp_artifacts_write_verdict (options->artifacts, document, error)) ||
      !vp_boot_output_publish (document, options, error))
    return -1;
  vp_boot_output_print_verdict (document, options, as_json);
  return (int) json_object_get_int_member (document, "exit");
}

/* Returns: the exit status, or -1 */
static int
print_command (VpConfig *config,
               const VpBootOptions *options,
               const char *root,
               gboolean as_json,
               GError **error)
{
  g_autoptr (VpConfig) owned_config = config;
  g_autoptr (VpBlueprint) blueprint = NULL;

  if (!vp_boot_config_add_result (owned_config, options, error))
    return -1;
  blueprint = vp_blueprint_new (g_steal_pointer (&owned_config), root, error);
  if (blueprint == NULL)
    return -1;
  vp_output_print_command (blueprint, as_json);
  return 0;
}

/* Returns: the exit status, or -1 */
static int
boot (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (VpBootOptions) options = vp_boot_options_new ();
  g_autofree char *command = quote_command (argv);
  g_autofree char *name = NULL;
  gboolean dry_run = FALSE;
  const GOptionEntry entries[] = {
    { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run,
      "Print QEMU's command line and change nothing", NULL },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "[-- COMMAND [ARG…]]",
    .summary = "Boots a VM, follows a script of steps along its console, and judges how it went. "
               "Only what was seen makes it pass.",
    .main_group = vp_boot_options_group (options),
    .entries = entries,
    .group = vp_config_option_group (config),
    .config = config,
    .max_args = 0,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;

  if (args == NULL)
    return -1;
  if (args[0] != NULL && args[1] != NULL)
    options->command = g_strdupv (args + 1);
  if (!vp_boot_options_check (options, error) || !vp_boot_config_complete (config, options, error))
    return -1;
  if (dry_run)
    return print_command (g_steal_pointer (&config), options, root, *as_json, error);

  name = g_strdup (config->name != NULL ? config->name : "boot");
  if (options->command != NULL && (*as_json || options->tap))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "--%s: stdout is the command's",
                   *as_json ? "json" : "tap");
      return -1;
    }

  return judge (
      &(VpBootInput){ .options = options, .name = name, .root = root, .command = command },
      g_steal_pointer (&config), *as_json, error);
}

static gboolean
has_command (char **argv)
{
  while (*argv != NULL && !g_str_equal (*argv, "--"))
    argv++;
  return argv[0] != NULL && argv[1] != NULL;
}

int
vp_command_boot (int argc, char **argv, gboolean *as_json, GError **error)
{
  gboolean is_command = has_command (argv); /* parsing takes the words away */
  int status = boot (argc, argv, as_json, error);

  if (status >= 0 || (!is_command && vp_failure_of (*error)->exit_status == USAGE_STATUS))
    return status;

  /* A test of which nothing is known has a status of its own. */
  vp_failure_print (*error, *as_json && !is_command);
  g_clear_error (error);
  return is_command ? LAUNCHER_STATUS : INFRA_STATUS;
}
