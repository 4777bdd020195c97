#include "launcher/boottest/manifest.h"
#include "launcher/boottest/report-github.h"
#include "launcher/boottest/test-jobs.h"
#include "launcher/boottest/test-output.h"
#include "launcher/boottest/test-process.h"
#include "launcher/boottest/test-report.h"
#include "launcher/boottest/test-run.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/config/accelerator.h"
#include "launcher/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_RETRIES   100
#define MAX_FD        65535
#define SIGNAL_STATUS 128

/* What a child may take to end its VM and to write down what it knows. */
#define END_MS 10000

typedef struct
{
  char *jobs;
  char *filter;
  char *retries;
  char *artifacts;
  char *junit;
  char *events;
  gboolean list;
  gboolean tap;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->jobs);
  g_free (options->filter);
  g_free (options->retries);
  g_free (options->artifacts);
  g_free (options->junit);
  g_free (options->events);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static void
case_free (gpointer data)
{
  vp_test_case_free (data);
}

static gboolean
parse_number (
    const char *option, const char *text, guint min, guint max, guint *number, GError **error)
{
  guint64 parsed;

  if (text == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (text, 10, min, max, &parsed, NULL))
    return vp_error_refuse (error, text, "is not a number from %u to %u (%s)", min, max, option);
  *number = (guint) parsed;
  return TRUE;
}

/* Returns: (transfer container) (element-type VpTestCase) (nullable): those that are wanted */
static GPtrArray *
choose (const GPtrArray *cases, const char *filter, GError **error)
{
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();
  g_autoptr (GError) why = NULL;
  g_autoptr (GRegex) regex = filter != NULL ? g_regex_new (filter, 0, 0, &why) : NULL;

  if (why != NULL)
    {
      vp_error_refuse (error, filter, "is not a regular expression (--filter): %s", why->message);
      return NULL;
    }
  for (guint i = 0; i < cases->len; i++)
    if (regex == NULL || g_regex_match (regex, ((VpTestCase *) cases->pdata[i])->name, 0, NULL))
      g_ptr_array_add (chosen, cases->pdata[i]);
  if (chosen->len > 0)
    return g_steal_pointer (&chosen);

  vp_error_refuse (error, filter, "is in no case's name (--filter); --list shows them");
  return NULL;
}

static int
print_list (const GPtrArray *cases, gboolean as_json)
{
  for (guint i = 0; !as_json && i < cases->len; i++)
    puts (((VpTestCase *) cases->pdata[i])->name);
  if (as_json)
    vp_output_json (vp_test_report_list (cases));
  return 0;
}

static gboolean
begin_artifacts (const char *folder, const GPtrArray *cases, GError **error)
{
  for (guint i = 0; folder == NULL && i < cases->len; i++)
    if (((VpTestCase *) cases->pdata[i])->dumps_memory)
      {
        g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                     "%s: dump_memory needs --artifacts DIR, where it puts the memory",
                     ((VpTestCase *) cases->pdata[i])->place);
        return FALSE;
      }
  vp_test_case_name_folders (cases);
  if (folder == NULL || g_mkdir_with_parents (folder, 0777) == 0)
    return TRUE;

  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "--artifacts %s: %s", folder, g_strerror (errno));
  return FALSE;
}

static void
warn_of_load (const GPtrArray *cases, guint jobs, const char *root)
{
  g_autoptr (VpSysfs) sysfs = vp_sysfs_open (root, NULL);
  guint cores = g_get_num_processors ();
  g_autofree char *reason = NULL;
  guint n;

  if (sysfs == NULL)
    return;
  n = vp_test_jobs_emulated (cases, jobs, vp_accelerator_has_kvm (sysfs, &reason));
  if (n > cores)
    g_printerr ("vmplug: warning: up to %u emulated CPUs on %u cores: they get slow, and may be "
                "judged too slow; use a smaller -j, or fewer CPUs\n",
                n, cores);
}

static void
on_event (guint index, JsonObject *event, gpointer user_data)
{
  vp_test_output_take (user_data, index, event);
}

static gboolean
open_events (const char *text, VpEventStream **events, GError **error)
{
  guint fd = 0;

  if (text == NULL)
    return TRUE;
  if (!g_str_has_prefix (text, "fd:"))
    return vp_error_refuse (error, text, "is not fd:NUMBER (--events)");
  if (!parse_number ("--events", text + strlen ("fd:"), 1, MAX_FD, &fd, error))
    return FALSE;
  *events = vp_event_stream_new ((int) fd, error);
  return *events != NULL;
}

/* Returns: the exit status, or -1 */
static int
run (const Options *options,
     const GPtrArray *cases,
     VpTestRunOptions *run_options,
     gboolean as_json,
     GError **error)
{
  VpTestOutputKind kind = options->tap || !(as_json || isatty (STDOUT_FILENO))
                              ? VP_TEST_OUTPUT_TAP
                              : VP_TEST_OUTPUT_TEXT;
  g_autoptr (GPtrArray) documents = NULL;
  g_autoptr (VpTestOutput) output = NULL;
  VpEventStream *events = NULL;
  FILE *file = as_json ? stderr : stdout;
  int signal_number, status;

  if (!open_events (options->events, &events, error))
    return -1;

  output =
      vp_test_output_new (kind, file, vp_output_has_colour (fileno (file)), cases->len, events);
  run_options->on_event = on_event;
  run_options->user_data = output;
  documents = vp_test_run (cases, run_options, &signal_number);
  vp_test_output_finish (output, documents, signal_number);

  status = signal_number != 0 ? SIGNAL_STATUS + signal_number : vp_test_run_status (documents);
  if (as_json)
    vp_output_json (vp_test_report_documents (documents, status));
  if (options->junit != NULL && !vp_test_report_junit (options->junit, cases, documents, error))
    return -1;
  return vp_report_github_publish ("vmplug test", documents, error) ? status : -1;
}

static gboolean
read_manifests (char **paths, const char *root, GPtrArray *cases, GError **error)
{
  for (char **path = paths; *path != NULL; path++)
    if (!vp_manifest_read (*path, root, cases, error))
      return FALSE;
  return vp_test_case_check_names (cases, error);
}

int
vp_command_test (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_auto (Options) options = { NULL };
  const GOptionEntry entries[] = {
    { "jobs", 'j', 0, G_OPTION_ARG_STRING, &options.jobs,
      "Most cases at a time (default: as many as have a core for each CPU)", "N" },
    { "filter", 0, 0, G_OPTION_ARG_STRING, &options.filter, "Only cases whose name has this in it",
      "REGEX" },
    { "retry-infra", 0, 0, G_OPTION_ARG_STRING, &options.retries,
      "How often to try again where host or launcher failed, not the guest (default 0)", "N" },
    { "list", 0, 0, G_OPTION_ARG_NONE, &options.list, "List the cases, and run none", NULL },
    { "tap", 0, 0, G_OPTION_ARG_NONE, &options.tap,
      "Print the Test Anything Protocol on a terminal, too", NULL },
    { "junit", 0, 0, G_OPTION_ARG_FILENAME, &options.junit, "Write the verdicts as JUnit XML",
      "FILE" },
    { "artifacts", 0, 0, G_OPTION_ARG_FILENAME, &options.artifacts,
      "Folder that gets one of each case: logs, verdict, screenshot", "DIR" },
    { "events", 0, 0, G_OPTION_ARG_STRING, &options.events,
      "Write what happens to a file descriptor, as lines of JSON", "fd:N" },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "FILE…",
    .summary = "Boots the VMs of each FILE, as vmplug boot does, and judges all of them. "
               "vmplug-test.toml(5) says what a FILE is.",
    .entries = entries,
    .min_args = 1,
    .max_args = -1,
  };
  g_auto (GStrv) paths = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (case_free);
  g_autoptr (GPtrArray) cases = NULL;
  g_autofree char *program = NULL;
  VpTestRunOptions run_options = { .artifacts = options.artifacts, .end_ms = END_MS };

  if (paths == NULL || !read_manifests (paths, root, all, error))
    return -1;
  cases = choose (all, options.filter, error);
  if (cases == NULL)
    return -1;
  run_options.jobs = vp_test_jobs_default (cases, g_get_num_processors ());
  if (!parse_number ("-j", options.jobs, 1, VP_TEST_JOBS_MAX, &run_options.jobs, error) ||
      !parse_number ("--retry-infra", options.retries, 0, MAX_RETRIES, &run_options.retries, error))
    return -1;
  if (options.list)
    return print_list (cases, *as_json);

  if (!begin_artifacts (options.artifacts, cases, error) ||
      (options.junit != NULL && !vp_test_report_begin_junit (options.junit, cases, error)))
    return -1;
  warn_of_load (cases, run_options.jobs, root);
  program = vp_test_process_find_program ();
  run_options.program = program;
  return run (&options, cases, &run_options, *as_json, error);
}
