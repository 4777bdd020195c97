#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/failure.h"
#include "launcher/vm/replay.h"

#include <stdio.h>

#define HOST_STATUS 3 /* of vmplug(1): something of the host is not as it was */

/* A QEMU whose supervisor was killed a moment ago is still on its way out. */
#define PATIENCE_MS 5000

static void
print_step (const VpReplayStep *step)
{
  switch (step->kind)
    {
    case VP_REPLAY_QEMU:
      printf ("%s: ended its QEMU, pid %s\n", step->vm, step->subject);
      break;
    case VP_REPLAY_DEVICE:
      printf ("%s: %s -> %s\n", step->vm, step->subject,
              step->driver[0] != '\0' ? step->driver : "no driver");
      break;
    case VP_REPLAY_RUN_DIR:
      printf ("%s: removed %s\n", step->vm, step->subject);
      break;
    }
}

/* Returns whether all was done. */
static gboolean
print_text (const GPtrArray *steps)
{
  gboolean is_done = TRUE;

  for (guint i = 0; i < steps->len; i++)
    {
      const VpReplayStep *step = steps->pdata[i];
      g_autoptr (GError) failure = NULL;

      if (step->error == NULL)
        {
          print_step (step);
          continue;
        }
      failure = g_error_copy (step->error);
      if (step->vm != NULL)
        g_prefix_error (&failure, "%s: ", step->vm);
      vp_failure_print (failure, FALSE);
      is_done = FALSE;
    }
  if (steps->len == 0)
    puts ("nothing is left over");
  return is_done;
}

static JsonObject *
step_to_json (const VpReplayStep *step)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "kind", vp_replay_kind_to_string (step->kind));
  json_object_set_string_member (object, "vm", step->vm);
  json_object_set_string_member (object, "subject", step->subject);
  if (step->driver != NULL)
    json_object_set_string_member (object, "driver", step->driver);
  if (step->error != NULL)
    {
      g_autoptr (JsonObject) failure = vp_failure_to_json (step->error);

      for (const char *const *key = (const char *const[]){ "code", "message", "hint", NULL };
           *key != NULL; key++)
        json_object_set_member (object, *key, json_object_dup_member (failure, *key));
    }
  return object;
}

static gboolean
print_json (const GPtrArray *steps)
{
  JsonObject *document = json_object_new ();
  JsonArray *done = json_array_new ();
  JsonArray *failed = json_array_new ();
  gboolean is_done = TRUE;

  for (guint i = 0; i < steps->len; i++)
    {
      const VpReplayStep *step = steps->pdata[i];

      json_array_add_object_element (step->error == NULL ? done : failed, step_to_json (step));
      is_done &= step->error == NULL;
    }
  json_object_set_array_member (document, "done", done);
  json_object_set_array_member (document, "failed", failed);
  vp_output_json (document);
  return is_done;
}

int
vp_command_gc (int argc, char **argv, gboolean *as_json, GError **error)
{
  VpCommandLine line = {
    .summary = "Clears up after VMs whose supervisor died: ends a QEMU that is left, gives host "
               "devices back to their drivers, removes run-dirs.",
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (VpSysfs) sysfs = NULL;
  g_autoptr (GPtrArray) steps = NULL;

  if (args == NULL || (sysfs = vp_sysfs_open (root, error)) == NULL)
    return -1;

  steps = vp_replay_run (sysfs, root, PATIENCE_MS);
  return (*as_json ? print_json (steps) : print_text (steps)) ? 0 : HOST_STATUS;
}
