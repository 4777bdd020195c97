#include "launcher/vm/qemu-end.h"

#include "launcher/error.h"

#include <sys/wait.h>

char *
vp_qemu_end_describe (const VpQemuEnd *end)
{
  g_autofree char *how =
      WIFSIGNALED (end->wait_status)
          ? g_strdup_printf ("killed by signal %d", WTERMSIG (end->wait_status))
          : g_strdup_printf ("ended with status %d", WEXITSTATUS (end->wait_status));

  return end->words != NULL ? g_strdup_printf ("%s (%s)", end->words, how) : g_steal_pointer (&how);
}

gboolean
vp_qemu_end_is_guests (const VpQemuEnd *end)
{
  return end->failure == NULL && WIFEXITED (end->wait_status) &&
         WEXITSTATUS (end->wait_status) == 0 && end->shutdown_reason != NULL &&
         g_str_has_prefix (end->shutdown_reason, "guest-");
}

gboolean
vp_qemu_end_check (const VpQemuEnd *end, GError **error)
{
  g_autofree char *text = vp_qemu_end_describe (end);
  gboolean failed = WIFSIGNALED (end->wait_status) || WEXITSTATUS (end->wait_status) != 0;

  if (end->panicked)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_GUEST, "the guest panicked");
      return FALSE;
    }
  if (end->stopping)
    return TRUE;
  if (end->failure != NULL)
    {
      g_propagate_error (error, g_error_copy (end->failure));
      return FALSE;
    }
  /* QEMU also exits with 0 on SIGTERM and, without a SHUTDOWN, when its main loop is broken. */
  if (failed || end->shutdown_reason == NULL || g_str_equal (end->shutdown_reason, "host-signal"))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_NO_VM, "QEMU is gone, and nobody asked it to: %s",
                   text);
      return FALSE;
    }
  return TRUE;
}
