#include "launcher/vm/program-output.h"

#include "devices/quote.h"
#include "launcher/error.h"

#include <gio/gio.h>
#include <string.h>

typedef struct
{
  GSubprocess *process;
  GCancellable *deadline;
  gsize length;
  gboolean is_done;
  GError *error;
} Run;

static gboolean
on_deadline (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, &run->error);
  run->is_done = TRUE;
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;

  run->is_done = !g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &run->length,
                                                  &run->error) ||
                 run->length == VP_PROGRAM_OUTPUT_MAX;
  if (!run->is_done)
    g_subprocess_wait_async (run->process, run->deadline, on_ended, run);
}

static void
wait_for_end (Run *run, char *text, guint milliseconds, GMainContext *context)
{
  g_autoptr (GSource) timer = g_timeout_source_new (milliseconds);

  g_source_set_callback (timer, on_deadline, run->deadline, NULL);
  g_source_attach (timer, context);
  g_input_stream_read_all_async (g_subprocess_get_stdout_pipe (run->process), text,
                                 VP_PROGRAM_OUTPUT_MAX, G_PRIORITY_DEFAULT, run->deadline, on_read,
                                 run);
  while (!run->is_done)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (timer);
}

/* Sets @error to what was wrong with the end of @run, if anything was. */
static gboolean
judge (const Run *run, const char *text, guint milliseconds, GError **error)
{
  gboolean has_exited = g_subprocess_get_if_exited (run->process);
  g_autofree char *line = g_strndup (text, strcspn (text, "\n"));
  g_autofree char *said = line[0] != '\0' ? vp_quote (line) : g_strdup ("nothing");

  if (g_error_matches (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "did not end in %g s", milliseconds / 1000.0);
  else if (run->error != NULL)
    g_set_error_literal (error, VP_ERROR, VP_ERROR_HOST, run->error->message);
  else if (run->length == VP_PROGRAM_OUTPUT_MAX)
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "said more than %" G_GSIZE_FORMAT " KiB",
                 VP_PROGRAM_OUTPUT_MAX >> 10);
  else if (!has_exited)
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "was ended by signal %d, and had said %s",
                 g_subprocess_get_term_sig (run->process), said);
  else if (g_subprocess_get_exit_status (run->process) != 0)
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "ended with status %d, and had said %s",
                 g_subprocess_get_exit_status (run->process), said);
  else
    return TRUE;

  return FALSE;
}

char *
vp_program_output (const char *const *argv, guint milliseconds, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher G_GNUC_UNUSED = g_main_context_pusher_new (context);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GCancellable) deadline = g_cancellable_new ();
  g_autoptr (GError) why = NULL;
  g_autofree char *text = NULL;
  Run run = { .deadline = deadline };
  gboolean ok;

  g_return_val_if_fail (argv != NULL && argv[0] != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  process = g_subprocess_newv (
      argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE, &why);
  if (process == NULL)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_HOST, why->message);
      return NULL;
    }

  text = g_malloc0 (VP_PROGRAM_OUTPUT_MAX + 1);
  run.process = process;
  wait_for_end (&run, text, milliseconds, context);
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);

  ok = judge (&run, text, milliseconds, error);
  g_clear_error (&run.error);
  return ok ? g_steal_pointer (&text) : NULL;
}
