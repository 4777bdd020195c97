#include "launcher/boottest/step-action.h"

#define QUERY_MS 30000

/* Takes @task; a reply of any kind will do. */
static void
finish (GTask *task, gboolean ok, GError *error)
{
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

static void
on_attached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (JsonObject) document = vp_machine_attach_finish (VP_MACHINE (source), result, &error);

  finish (user_data, document != NULL, error);
}

static void
on_detached (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (JsonObject) document = vp_machine_detach_finish (VP_MACHINE (source), result, &error);

  finish (user_data, document != NULL, error);
}

static void
on_replied (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (JsonNode) reply = vp_machine_query_finish (VP_MACHINE (source), result, &error);

  finish (user_data, reply != NULL, error);
}

static void
type (VpMachine *machine, GBytes *bytes, GTask *task)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  vp_machine_console_write (machine, data, size);
  finish (task, TRUE, NULL);
}

void
vp_step_action_async (VpMachine *machine,
                      const VpStep *step,
                      guint timeout_ms,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  GTask *task = g_task_new (machine, NULL, callback, user_data);

  g_task_set_source_tag (task, vp_step_action_async);
  switch (step->kind)
    {
    case VP_STEP_SEND:
      type (machine, step->bytes, task);
      return;
    case VP_STEP_ATTACH:
      /* The machine takes the spec, and the step keeps its own. */
      vp_machine_attach_async (machine, vp_device_spec_parse (step->text, NULL), timeout_ms,
                               on_attached, task);
      return;
    case VP_STEP_DETACH:
      vp_machine_detach_async (machine, step->text, FALSE, timeout_ms, on_detached, task);
      return;
    case VP_STEP_STOP:
      vp_machine_query_async (machine, "system_powerdown", NULL, QUERY_MS, on_replied, task);
      return;
    case VP_STEP_RESET:
      vp_machine_query_async (machine, "system_reset", NULL, QUERY_MS, on_replied, task);
      return;
    case VP_STEP_EXPECT:
      break;
    }
  g_return_if_reached ();
}

gboolean
vp_step_action_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
