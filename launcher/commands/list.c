#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/document.h"
#include "launcher/commands/output.h"
#include "launcher/commands/vm-state.h"
#include "launcher/vm/run-dir.h"
#include "qmp/message.h"

#include <stdio.h>

/* What a VM is that has a supervisor, but no answer from it. */
#define NO_ANSWER "not-answering"

/* @status: (nullable) */
static JsonObject *
vm_to_json (const char *name, JsonObject *status)
{
  static const char *const copied[] = { "pid", "accel", "uptime", "ports" };
  JsonObject *object = json_object_new ();
  const char *state = status != NULL ? vp_qmp_message_get_string (status, "state") : NULL;
  JsonArray *devices = status != NULL ? vp_qmp_message_get_array (status, "devices") : NULL;

  json_object_set_string_member (object, "name", name);
  json_object_set_string_member (object, "state", state != NULL ? state : NO_ANSWER);
  for (guint i = 0; status != NULL && i < G_N_ELEMENTS (copied); i++)
    if (json_object_has_member (status, copied[i]))
      json_object_set_member (object, copied[i], json_object_dup_member (status, copied[i]));
  if (devices != NULL)
    json_object_set_int_member (object, "devices", json_array_get_length (devices));
  return object;
}

static char **
vm_to_row (JsonObject *vm)
{
  g_autoptr (GStrvBuilder) row = g_strv_builder_new ();
  g_autofree char *pid =
      g_strdup_printf ("%" G_GINT64_FORMAT, vp_qmp_message_get_int (vm, "pid", 0));
  g_autofree char *devices =
      g_strdup_printf ("%" G_GINT64_FORMAT, vp_qmp_message_get_int (vm, "devices", 0));
  g_autofree char *uptime = vp_document_uptime (vm);

  g_strv_builder_add (row, vp_document_text (vm, "name"));
  g_strv_builder_add (row, vp_document_text (vm, "state"));
  g_strv_builder_add (row, vp_document_text (vm, "accel"));
  g_strv_builder_add (row, json_object_has_member (vm, "devices") ? devices : "-");
  g_strv_builder_add (row, uptime);
  g_strv_builder_add (row, json_object_has_member (vm, "pid") ? pid : "-");
  return g_strv_builder_end (row);
}

static void
print_text (JsonArray *vms)
{
  static const char *const heading[] = { "NAME", "STATE", "ACCEL", "DEVICES", "UP", "PID", NULL };
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);

  if (json_array_get_length (vms) == 0)
    {
      puts ("no VM is running");
      return;
    }

  g_ptr_array_add (rows, g_strdupv ((char **) heading));
  for (guint i = 0; i < json_array_get_length (vms); i++)
    g_ptr_array_add (rows, vm_to_row (json_array_get_object_element (vms, i)));
  vp_output_table (rows);
}

int
vp_command_list (int argc, char **argv, gboolean *as_json, GError **error)
{
  VpCommandLine line = { .summary = "Lists the VMs that run." };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (JsonArray) vms = json_array_new ();
  g_auto (GStrv) names = NULL;

  if (args == NULL)
    return -1;

  names = vp_run_dir_list (root);
  for (char **name = names; *name != NULL; name++)
    {
      g_autoptr (JsonObject) status = vp_vm_state_fetch (root, *name, NULL);

      /* it may have ended since its name was read */
      if (status != NULL || !vp_vm_state_wait_gone (root, *name, 0))
        json_array_add_object_element (vms, vm_to_json (*name, status));
    }

  if (*as_json)
    {
      JsonObject *document = json_object_new ();

      json_object_set_array_member (document, "vms", g_steal_pointer (&vms));
      vp_output_json (document);
    }
  else
    print_text (vms);
  return 0;
}
