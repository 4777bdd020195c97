#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/vm/host-check.h"

#include <stdio.h>

/* SGR sequences (ECMA-48, 8.3.117) */
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define PLAIN  "\033[0m"

#define HOST_STATUS 3 /* of vmplug(1): the host lacks something */

static const char *const colours[] = {
  [VP_CHECK_OK] = GREEN,
  [VP_CHECK_WARNING] = YELLOW,
  [VP_CHECK_FAILED] = RED,
};

static void
print_json (const GPtrArray *checks)
{
  JsonObject *document = json_object_new ();
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < checks->len; i++)
    {
      const VpHostCheck *check = checks->pdata[i];
      JsonObject *object = json_object_new ();

      json_object_set_string_member (object, "name", check->name);
      json_object_set_string_member (object, "status", vp_check_status_to_string (check->status));
      json_object_set_string_member (object, "fact", check->fact);
      if (check->hint != NULL)
        json_object_set_string_member (object, "hint", check->hint);
      else
        json_object_set_null_member (object, "hint");
      json_array_add_object_element (array, object);
    }
  json_object_set_array_member (document, "checks", array);
  vp_output_json (document);
}

static void
print_text (const GPtrArray *checks)
{
  gboolean has_colour = vp_output_has_colour (STDOUT_FILENO);

  for (guint i = 0; i < checks->len; i++)
    {
      const VpHostCheck *check = checks->pdata[i];

      printf ("%s%-7s%s  %-19s  %s%s%s\n", has_colour ? colours[check->status] : "",
              vp_check_status_to_string (check->status), has_colour ? PLAIN : "", check->name,
              check->fact, check->hint != NULL ? "; " : "", check->hint != NULL ? check->hint : "");
    }
}

int
vp_command_doctor (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autofree char *qemu = NULL;
  const GOptionEntry entries[] = {
    { "qemu", 0, 0, G_OPTION_ARG_FILENAME, &qemu, "QEMU (default qemu-system-x86_64)", "PROGRAM" },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .summary = "Looks whether this host can pass devices through, and says what to do.",
    .entries = entries,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (VpSysfs) sysfs = NULL;
  g_autoptr (GPtrArray) checks = NULL;
  g_auto (VpHostFacts) facts = { .qemu = NULL };
  gboolean has_failed = FALSE;

  if (args == NULL || (sysfs = vp_sysfs_open (root, error)) == NULL)
    return -1;

  vp_host_facts_read (&facts, sysfs, qemu != NULL ? qemu : "qemu-system-x86_64");
  checks = vp_host_check_all (&facts);
  if (*as_json)
    print_json (checks);
  else
    print_text (checks);

  for (guint i = 0; i < checks->len; i++)
    has_failed |= ((VpHostCheck *) checks->pdata[i])->status == VP_CHECK_FAILED;
  return has_failed ? HOST_STATUS : 0;
}
