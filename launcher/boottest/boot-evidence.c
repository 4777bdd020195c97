#include "launcher/boottest/boot-evidence.h"

#include "qmp/error.h"

#include <glib/gstdio.h>

#define SCREENSHOT_MS 5000
#define DUMP_MS       60000

typedef struct
{
  char *screenshot;
  char *memory_dump;
  gboolean dump_memory;
} Files;

static void
files_free (Files *files)
{
  g_free (files->screenshot);
  g_free (files->memory_dump);
  g_free (files);
}

static void
evidence_free (gpointer data)
{
  vp_boot_evidence_free (data);
}

/* What was asked for and is there. Takes @task. */
static void
finish (GTask *task)
{
  Files *files = g_task_get_task_data (task);
  VpBootEvidence *evidence = g_new0 (VpBootEvidence, 1);

  evidence->screenshot = g_steal_pointer (&files->screenshot);
  evidence->memory_dump = g_steal_pointer (&files->memory_dump);
  g_task_return_pointer (task, evidence, evidence_free);
  g_object_unref (task);
}

/* Returns: whether QEMU still answers; @path becomes %NULL when it did not do it */
static gboolean
check_reply (GObject *source, GAsyncResult *result, char **path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply = vp_machine_query_finish (VP_MACHINE (source), result, &error);

  if (reply != NULL)
    return TRUE;
  g_unlink (*path);
  g_clear_pointer (path, g_free);
  return !g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT) &&
         !g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED);
}

static void
on_dumped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Files *files = g_task_get_task_data (task);

  check_reply (source, result, &files->memory_dump);
  finish (task);
}

/* Takes @task. */
static void
dump_memory (VpMachine *machine, GTask *task)
{
  Files *files = g_task_get_task_data (task);
  JsonObject *arguments = json_object_new ();
  g_autofree char *protocol = g_strconcat ("file:", files->memory_dump, NULL);

  json_object_set_boolean_member (arguments, "paging", FALSE);
  json_object_set_string_member (arguments, "protocol", protocol);
  vp_machine_query_async (machine, "dump-guest-memory", arguments, DUMP_MS, on_dumped, task);
}

/* It fails where there is no display. */
static void
on_screenshot (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Files *files = g_task_get_task_data (task);
  gboolean answers = check_reply (source, result, &files->screenshot);

  if (answers && files->dump_memory)
    {
      dump_memory (VP_MACHINE (source), task);
      return;
    }
  g_clear_pointer (&files->memory_dump, g_free);
  finish (task);
}

void
vp_boot_evidence_collect_async (VpMachine *machine,
                                VpArtifacts *artifacts,
                                gboolean wants_memory,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  GTask *task = g_task_new (machine, NULL, callback, user_data);
  Files *files = g_new0 (Files, 1);
  JsonObject *arguments;

  g_task_set_source_tag (task, vp_boot_evidence_collect_async);
  g_task_set_task_data (task, files, (GDestroyNotify) files_free);
  if (artifacts == NULL)
    {
      finish (task);
      return;
    }

  files->screenshot = vp_artifacts_get_path (artifacts, "screenshot.png");
  files->memory_dump = vp_artifacts_get_path (artifacts, "memory.dump");
  files->dump_memory = wants_memory;
  arguments = json_object_new ();
  json_object_set_string_member (arguments, "filename", files->screenshot);
  json_object_set_string_member (arguments, "format", "png");
  vp_machine_query_async (machine, "screendump", arguments, SCREENSHOT_MS, on_screenshot, task);
}

VpBootEvidence *
vp_boot_evidence_collect_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

void
vp_boot_evidence_free (VpBootEvidence *self)
{
  if (self == NULL)
    return;

  g_free (self->screenshot);
  g_free (self->memory_dump);
  g_free (self);
}
