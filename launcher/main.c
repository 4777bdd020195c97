#include "launcher/cli.h"
#include "launcher/error.h"
#include "launcher/failure.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>

static int
run (int argc, char **argv, gboolean *as_json, GError **error)
{
  const char *word = argc > 1 ? argv[1] : "--help";
  const VpCommand *command = vp_cli_find (word);

  if (command != NULL)
    return command->run (argc - 1, argv + 1, as_json, error);

  if (g_str_equal (word, "--help") || g_str_equal (word, "-h") || g_str_equal (word, "help"))
    {
      g_autofree char *help = vp_cli_help ();

      fputs (help, stdout);
      return 0;
    }
  if (g_str_equal (word, "--version"))
    {
      puts ("vmplug " VMPLUG_VERSION);
      return 0;
    }

  g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s: no such %s; vmplug --help lists what there is",
               word, word[0] == '-' ? "option" : "command");
  return -1;
}

/* "> /dev/full" must not look like success: what was printed is what was asked for. */
static gboolean
flush_stdout (GError **error)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return TRUE;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "standard output: %s",
               g_strerror (errno));
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean as_json = FALSE;
  int status;

  setlocale (LC_ALL, "");
  g_set_prgname ("vmplug");

  status = run (argc, argv, &as_json, &error);
  if (error == NULL && flush_stdout (&error))
    return status;

  return vp_failure_print (error, as_json);
}
