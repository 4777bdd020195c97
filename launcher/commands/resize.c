#include "devices/byte-size.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/document.h"
#include "launcher/commands/output.h"
#include "launcher/commands/timeout.h"
#include "launcher/control/control-client.h"
#include "launcher/error.h"
#include "launcher/failure.h"
#include "qmp/message.h"

#include <stdio.h>

#define DEFAULT_TIMEOUT_MS 30000
#define MAX_CPUS           G_MAXINT

/* Returns: (transfer full) (nullable): arguments of vmplug-resize */
static JsonObject *
make_arguments (const char *cpus, const char *memory, guint timeout_ms, GError **error)
{
  g_autoptr (JsonObject) arguments = json_object_new ();
  guint64 number;

  if (cpus == NULL && memory == NULL)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE, "--cpus or --memory is missing");
      return NULL;
    }
  if (cpus != NULL)
    {
      if (!g_ascii_string_to_unsigned (cpus, 10, 1, MAX_CPUS, &number, NULL))
        {
          vp_error_refuse (error, cpus, "is no number of CPUs (--cpus)");
          return NULL;
        }
      json_object_set_int_member (arguments, "cpus", (gint64) number);
    }
  if (memory != NULL)
    {
      if (!vp_byte_size_parse (memory, &number, error))
        {
          g_prefix_error_literal (error, "--memory: ");
          return NULL;
        }
      if (number == 0 || number > G_MAXINT64)
        {
          vp_error_refuse (error, memory, "is no size of memory (--memory)");
          return NULL;
        }
      json_object_set_int_member (arguments, "memory", (gint64) number);
    }
  json_object_set_double_member (arguments, "timeout", timeout_ms / 1000.0);
  return g_steal_pointer (&arguments);
}

static void
print_text (JsonObject *document)
{
  JsonObject *cpus = vp_qmp_message_get_object (document, "cpus");
  JsonObject *memory = vp_qmp_message_get_object (document, "memory");
  g_autofree char *size = NULL;

  if (cpus == NULL || memory == NULL)
    return;
  size = vp_byte_size_format ((guint64) vp_qmp_message_get_int (memory, "now", 0));
  printf ("%" G_GINT64_FORMAT " CPUs and %s of memory after %.1f s\n",
          vp_qmp_message_get_int (cpus, "now", 0), size,
          MAX (vp_document_seconds (document, "seconds"), 0));
}

/* What came of it is told in numbers also when it is not all that was asked for. */
static int
tell (JsonObject *document, gboolean as_json, GError **error)
{
  JsonObject *failure = vp_qmp_message_get_object (document, "error");
  g_autoptr (GError) why = failure != NULL ? vp_failure_from_json (failure) : NULL;

  if (why == NULL)
    {
      if (as_json)
        vp_output_json (json_object_ref (document));
      else
        print_text (document);
      return 0;
    }
  if (as_json)
    {
      vp_output_json (json_object_ref (document));
      return vp_failure_print (why, FALSE);
    }
  g_propagate_error (error, g_steal_pointer (&why));
  return -1;
}

int
vp_command_resize (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autofree char *cpus = NULL;
  g_autofree char *memory = NULL;
  g_autofree char *timeout = NULL;
  const GOptionEntry entries[] = {
    { "cpus", 0, 0, G_OPTION_ARG_STRING, &cpus, "Number of CPUs, at most --max-cpus of run", "N" },
    { "memory", 0, 0, G_OPTION_ARG_STRING, &memory, "Memory, at most --max-memory of run", "SIZE" },
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &timeout,
      "Longest wait for the guest to follow (default 30)", "SECONDS" },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "VM",
    .summary = "Changes how many CPUs and how much memory a running VM has, and returns when the "
               "guest has followed. If it has not when time is up, that is exit status 7, and the "
               "change goes on.",
    .entries = entries,
    .min_args = 1,
    .max_args = 1,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (VpControlClient) client = NULL;
  g_autoptr (JsonObject) document = NULL;
  guint timeout_ms = DEFAULT_TIMEOUT_MS;
  JsonObject *arguments;

  if (args == NULL || !vp_timeout_parse (timeout, &timeout_ms, error))
    return -1;
  arguments = make_arguments (cpus, memory, timeout_ms, error);
  if (arguments == NULL)
    return -1;
  client = vp_control_client_connect (root, args[0], error);
  if (client == NULL)
    {
      json_object_unref (arguments);
      return -1;
    }

  document = vp_control_client_call (client, "vmplug-resize", arguments,
                                     timeout_ms + VP_TIMEOUT_MARGIN_MS, error);
  return document != NULL ? tell (document, *as_json, error) : -1;
}
