#include "launcher/control/pass-through.h"

#include "devices/quote.h"
#include "qmp/error.h"

#include <string.h>

static const char *const allowed[] = {
  "qom-list", "qom-get", "qom-list-types", "device-list-properties",
  "stop",     "cont",    "system_reset",   "system_powerdown",
};

static const struct
{
  const char *command;
  const char *instead;
} replacements[] = {
  { "device_add", "vmplug-attach" },
  { "device_del", "vmplug-detach" },
  { "quit", "vmplug-stop" },
};

static gboolean
is_query (const char *command)
{
  return g_str_has_prefix (command, "query-") && command[strlen ("query-")] != '\0' &&
         command[strspn (command, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

gboolean
vp_pass_through_check (const char *command, GError **error)
{
  g_autofree char *quoted = vp_quote (command);

  if (is_query (command))
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (allowed); i++)
    if (g_str_equal (allowed[i], command))
      return TRUE;

  for (gsize i = 0; i < G_N_ELEMENTS (replacements); i++)
    if (g_str_equal (replacements[i].command, command))
      {
        g_set_error (error, VP_QMP_ERROR, VP_QMP_ERROR_COMMAND_NOT_FOUND,
                     "%s is not passed on to QEMU: use %s", command, replacements[i].instead);
        return FALSE;
      }
  g_set_error (error, VP_QMP_ERROR, VP_QMP_ERROR_COMMAND_NOT_FOUND,
               "%s is not passed on to QEMU: only commands that read, and stop, cont, system_reset "
               "and system_powerdown are",
               quoted);
  return FALSE;
}
