#include "launcher/boottest/test-run.h"

#include "launcher/boottest/artifacts.h"
#include "launcher/boottest/boot-document.h"
#include "launcher/boottest/test-claims.h"
#include "launcher/boottest/test-process.h"
#include "launcher/signals.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/fd-watch.h"

#include <signal.h>
#include <unistd.h>

typedef struct
{
  const GPtrArray *cases;
  const VpTestRunOptions *options;
  GPtrArray *documents;
  GPtrArray *running; /* (element-type Attempt) */
  gboolean *begun;    /* (array length=cases) */
  guint first;        /* none before it is still to be begun */
  int signal_number;  /* 0: go on */
  guint end_source;
} Run;

/* A case that runs. */
typedef struct
{
  Run *run;
  guint index;
  guint number; /* from 1 */
  VpTestProcessHooks hooks;
  VpTestProcess *process;
} Attempt;

static void
attempt_free (gpointer data)
{
  Attempt *self = data;

  vp_test_process_free (self->process);
  g_free (self);
}

static const VpTestCase *
get_case (const Attempt *self)
{
  return self->run->cases->pdata[self->index];
}

static void
tell (const Attempt *self, JsonObject *event)
{
  json_object_set_string_member (event, "name", get_case (self)->name);
  self->run->options->on_event (self->index, event, self->run->options->user_data);
}

static void
on_event (JsonObject *event, gpointer user_data)
{
  tell (user_data, event);
}

static void
tell_retry (const Attempt *self, JsonObject *document)
{
  g_autoptr (JsonObject) event = json_object_new ();

  json_object_set_string_member (event, "event", "retry");
  json_object_set_int_member (event, "attempt", self->number + 1);
  json_object_set_string_member (event, "reason", vp_boot_document_get_text (document, "reason"));
  tell (self, event);
}

static void
tell_end (const Attempt *self, JsonObject *document)
{
  g_autoptr (JsonObject) event = json_object_new ();

  json_object_set_string_member (event, "event", "end");
  json_object_set_object_member (event, "document", json_object_ref (document));
  tell (self, event);
}

/* What the child cannot know, or would say with its own pipe and folder in it. */
static void
complete (const Attempt *self, JsonObject *document)
{
  const VpTestCase *test = get_case (self);
  JsonObject *evidence = vp_boot_document_get_evidence (document);
  g_autofree char *command = vp_argv_quote (test->argv);

  json_object_set_string_member (document, "name", test->name);
  if (evidence != NULL)
    json_object_set_string_member (evidence, "command", command);
  vp_boot_document_set_attempts (document, self->number);
}

/* Each attempt has a folder of its own: what went wrong first is not lost. */
static char *
get_folder (const Attempt *self)
{
  const VpTestCase *test = get_case (self);
  g_autofree char *name = self->number == 1 ? g_strdup (test->folder)
                                            : g_strdup_printf ("%s+%u", test->folder, self->number);

  return self->run->options->artifacts != NULL
             ? g_build_filename (self->run->options->artifacts, name, NULL)
             : NULL;
}

/* The child's own has the name and the command line that it was given. */
static void
keep_verdict (const Attempt *self, JsonObject *document)
{
  JsonObject *evidence = vp_boot_document_get_evidence (document);
  g_autofree char *folder = get_folder (self);
  g_autoptr (GError) error = NULL;

  if (folder != NULL && !vp_artifacts_write_verdict (folder, document, &error) && evidence != NULL)
    json_object_set_string_member (evidence, "artifacts_error", error->message);
}

/* Takes the verdict of an attempt; returns whether there is to be another. */
static gboolean
take_verdict (Attempt *self, JsonObject *document)
{
  Run *run = self->run;

  complete (self, document);
  keep_verdict (self, document);
  if (vp_boot_document_get_verdict (document) == VP_VERDICT_INFRA &&
      self->number <= run->options->retries && run->signal_number == 0)
    {
      tell_retry (self, document);
      self->number++;
      return TRUE;
    }
  run->documents->pdata[self->index] = json_object_ref (document);
  tell_end (self, document);
  return FALSE;
}

/* Starts it, again and again where it cannot even be started; returns whether it runs. */
static gboolean
start (Attempt *self)
{
  gboolean again = TRUE;

  while (self->process == NULL && again)
    {
      const VpTestCase *test = get_case (self);
      g_autofree char *folder = get_folder (self);
      g_autoptr (GError) error = NULL;

      self->process = vp_test_process_spawn (self->run->options->program, test->argv, folder,
                                             &self->hooks, &error);
      if (self->process == NULL)
        {
          g_autoptr (JsonObject) document =
              vp_boot_document_new_infra (test->name, error->message, NULL);

          again = take_verdict (self, document);
        }
    }
  return self->process != NULL;
}

static void on_ended (JsonObject *document, const char *why, gpointer user_data);

static gboolean
can_begin (const Run *run, guint index)
{
  const VpTestCase *test = run->cases->pdata[index];

  for (guint i = 0; i < run->running->len; i++)
    if (vp_test_claims_overlap (test->claims, get_case (run->running->pdata[i])->claims))
      return FALSE;
  return TRUE;
}

/* Finds the first case that can be begun beside those that run. */
static gboolean
find_next (Run *run, guint *index)
{
  while (run->first < run->cases->len && run->begun[run->first])
    run->first++;
  for (guint i = run->first; i < run->cases->len; i++)
    if (!run->begun[i] && can_begin (run, i))
      {
        *index = i;
        return TRUE;
      }
  return FALSE;
}

static void
start_more (Run *run)
{
  guint index;

  while (run->signal_number == 0 && run->running->len < run->options->jobs &&
         find_next (run, &index))
    {
      Attempt *attempt = g_new0 (Attempt, 1);

      run->begun[index] = TRUE;
      attempt->run = run;
      attempt->index = index;
      attempt->number = 1;
      attempt->hooks = (VpTestProcessHooks){ on_event, on_ended, attempt };
      g_ptr_array_add (run->running, attempt);
      if (!start (attempt))
        g_ptr_array_remove (run->running, attempt);
    }
}

static void
on_ended (JsonObject *document, const char *why, gpointer user_data)
{
  Attempt *self = user_data;
  Run *run = self->run;
  g_autoptr (JsonObject) known =
      document != NULL ? json_object_ref (document)
                       : vp_boot_document_new_infra (get_case (self)->name, why, NULL);

  g_clear_pointer (&self->process, vp_test_process_free);
  if (!take_verdict (self, known) || !start (self))
    g_ptr_array_remove (run->running, self);
  start_more (run);
}

static void
signal_all (const Run *run, int signal_number)
{
  for (guint i = 0; i < run->running->len; i++)
    vp_test_process_signal (((Attempt *) run->running->pdata[i])->process, signal_number);
}

static gboolean
on_end_overdue (gpointer user_data)
{
  signal_all (user_data, SIGKILL);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_signal (int fd, GIOCondition condition, gpointer user_data)
{
  Run *run = user_data;
  int number = vp_signals_read (fd);

  if (number == 0)
    return G_SOURCE_CONTINUE;
  /* Who asks twice does not want to wait. */
  signal_all (run, run->signal_number == 0 ? SIGTERM : SIGKILL);
  if (run->signal_number == 0)
    {
      run->signal_number = number;
      run->end_source = g_timeout_add (run->options->end_ms, on_end_overdue, run);
    }
  return G_SOURCE_CONTINUE;
}

static void
document_free (gpointer data)
{
  json_object_unref (data);
}

static void
fill_up (const Run *run)
{
  g_autofree char *why = g_strdup_printf ("was not begun: ended by signal %d", run->signal_number);

  for (guint i = 0; i < run->cases->len; i++)
    if (run->documents->pdata[i] == NULL)
      {
        const VpTestCase *test = run->cases->pdata[i];
        g_autofree char *command = vp_argv_quote (test->argv);

        run->documents->pdata[i] = vp_boot_document_new_infra (test->name, why, command);
      }
}

GPtrArray *
vp_test_run (const GPtrArray *cases, const VpTestRunOptions *options, int *signal_number)
{
  g_autoptr (GPtrArray) documents = g_ptr_array_new_with_free_func (document_free);
  g_autoptr (GPtrArray) running = g_ptr_array_new_with_free_func (attempt_free);
  g_autofree gboolean *begun = g_new0 (gboolean, cases->len);
  Run run = { cases, options, documents, running, begun };
  int signal_fd = vp_signals_open ();
  GSource *signals = vp_fd_watch_new (signal_fd, G_IO_IN, on_signal, &run);

  g_ptr_array_set_size (documents, (int) cases->len);
  start_more (&run);
  while (running->len > 0)
    g_main_context_iteration (NULL, TRUE);

  vp_fd_watch_clear (&signals);
  close (signal_fd);
  g_clear_handle_id (&run.end_source, g_source_remove);
  fill_up (&run);
  *signal_number = run.signal_number;
  return g_steal_pointer (&documents);
}

int
vp_test_run_status (const GPtrArray *documents)
{
  gboolean seen[VP_N_VERDICTS] = { FALSE };
  guint n_bad = 0;

  for (guint i = 0; i < documents->len; i++)
    seen[vp_boot_document_get_verdict (documents->pdata[i])] = TRUE;
  for (guint i = 0; i < VP_N_VERDICTS; i++)
    n_bad += seen[i] && i != VP_VERDICT_PASS && i != VP_VERDICT_SKIP ? 1 : 0;

  if (n_bad == 0)
    return 0;
  if (n_bad == 1 && seen[VP_VERDICT_INFRA])
    return 99;
  return n_bad == 1 && seen[VP_VERDICT_TIMEOUT] ? 124 : 1;
}
