#include "launcher/commands/command-line.h"

#include "launcher/config/config-file.h"
#include "launcher/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  char *root;
  gboolean json;
  gboolean help;
} Common;

static GOptionContext *
new_context (VpCommandLine *line, Common *common, gboolean has_json)
{
  const GOptionEntry entries[] = {
    { "root", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &common->root, NULL, "DIR" },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &common->help, "Show this help", NULL },
    G_OPTION_ENTRY_NULL,
  };
  const GOptionEntry json_entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &common->json, "Print one JSON document", NULL },
    G_OPTION_ENTRY_NULL,
  };
  GOptionContext *context = g_option_context_new (line->usage);

  /* GOption's own --help hides the groups, and exits whether or not its output was written. */
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_summary (context, line->summary);
  if (line->main_group != NULL)
    g_option_context_set_main_group (context, g_steal_pointer (&line->main_group));
  if (line->entries != NULL)
    g_option_context_add_main_entries (context, line->entries, NULL);
  if (has_json)
    g_option_context_add_main_entries (context, json_entries, NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  if (line->group != NULL)
    g_option_context_add_group (context, g_steal_pointer (&line->group));
  return context;
}

/* Returns the exit status. */
static int
print_help (GOptionContext *context, const char *command)
{
  g_autofree char *program = g_strconcat (g_get_prgname (), " ", command, NULL);
  g_autofree char *help = NULL;

  g_set_prgname (program);
  help = g_option_context_get_help (context, FALSE, NULL);
  fputs (help, stdout);
  if (fflush (stdout) == 0 && !ferror (stdout))
    return EXIT_SUCCESS;

  fprintf (stderr, "vmplug: standard output: %s\n", g_strerror (errno));
  return EXIT_FAILURE;
}

/* Takes @why and sets it as an error that says where to read on. */
static void
set_usage_error (GError **error, const char *command, GError *why)
{
  g_autoptr (GError) reason = why;

  /* GOption's messages are sentences, ours are not. */
  if (reason->domain == G_OPTION_ERROR)
    reason->message[0] = g_ascii_tolower (reason->message[0]);
  g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s; see vmplug %s --help", reason->message,
               command);
}

static gboolean
check_count (const VpCommandLine *line, char **args, GError **error)
{
  int n = (int) g_strv_length (args);

  if (n < line->min_args)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "too few arguments, expected %s", line->usage);
      return FALSE;
    }
  if (line->max_args >= 0 && n > line->max_args)
    return vp_error_refuse (error, args[line->max_args], "is an argument too many");
  return TRUE;
}

/* Returns: (transfer full) (nullable): what is left of @words without its options */
static char **
parse_words (VpCommandLine *line, char **words, gboolean *as_json, GError **error)
{
  Common common = { NULL };
  g_autoptr (GOptionContext) context = new_context (line, &common, as_json != NULL);
  g_auto (GStrv) left = g_strdupv (words);
  const char *variable = g_getenv ("VMPLUG_ROOT");
  gboolean ok;

  /* Not from GOption, which forgets all it has seen when it fails: the error shall be JSON too. */
  if (as_json != NULL)
    *as_json = g_strv_contains ((const char *const *) words, "--json");

  ok = g_option_context_parse_strv (context, &left, error);
  if (ok && common.help)
    exit (print_help (context, words[0]));

  if (common.root == NULL)
    common.root = g_strdup (variable != NULL && variable[0] != '\0' ? variable : "/");
  line->root = common.root;
  return ok ? g_strdupv (left + 1) : NULL;
}

/* Appends @more to @args, which it takes. */
static char **
append (char **args, char **more)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) old = args;

  g_strv_builder_addv (builder, (const char **) old);
  g_strv_builder_addv (builder, (const char **) more);
  return g_strv_builder_end (builder);
}

char **
vp_command_line_parse (
    VpCommandLine *line, int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autoptr (GStrvBuilder) before = g_strv_builder_new ();
  g_auto (GStrv) words = NULL;
  g_auto (GStrv) args = NULL;
  g_autoptr (GError) why = NULL;
  gboolean keeps_rest = line->usage != NULL && strstr (line->usage, "--") != NULL;
  int end = 1;

  g_return_val_if_fail (argc > 0 && argv != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  while (end < argc && !g_str_equal (argv[end], "--"))
    end++;
  for (int i = 0; i < end; i++)
    g_strv_builder_add (before, argv[i]);
  words = g_strv_builder_end (before);

  args = parse_words (line, words, as_json, &why);
  if (args != NULL && end < argc && !keeps_rest)
    args = append (g_steal_pointer (&args), argv + end + 1);
  if (args == NULL || !check_count (line, args, &why))
    {
      set_usage_error (error, argv[0], g_steal_pointer (&why));
      g_clear_pointer (&line->root, g_free);
      return NULL;
    }

  if (line->config != NULL && !vp_config_file_apply (line->config, line->root, error))
    {
      g_clear_pointer (&line->root, g_free);
      return NULL;
    }

  if (end < argc && keeps_rest)
    args = append (g_steal_pointer (&args), argv + end);
  return g_steal_pointer (&args);
}
