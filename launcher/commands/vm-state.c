#include "launcher/commands/vm-state.h"

#include "launcher/control/control-client.h"
#include "launcher/vm/run-dir.h"

#define ANSWER_MS 10000
#define POLL_US   20000

JsonObject *
vp_vm_state_fetch (const char *root, const char *name, GError **error)
{
  g_autoptr (VpControlClient) client = vp_control_client_connect (root, name, error);

  return client != NULL ? vp_control_client_call (client, "vmplug-status", NULL, ANSWER_MS, error)
                        : NULL;
}

gboolean
vp_vm_state_wait_gone (const char *root, const char *name, guint timeout_ms)
{
  gint64 deadline = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;

  for (;;)
    {
      g_auto (GStrv) live = vp_run_dir_list (root);

      if (!g_strv_contains ((const char *const *) live, name))
        return TRUE;
      if (g_get_monotonic_time () >= deadline)
        return FALSE;
      g_usleep (POLL_US);
    }
}
