#include "devices/byte-size.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/document.h"
#include "launcher/commands/output.h"
#include "launcher/commands/vm-state.h"
#include "qmp/message.h"

#include <stdio.h>

/* Returns: (transfer full): "0 0xfe800000, 2 0x400000000": where the guest has put each BAR */
static char *
describe_bars (JsonObject *device)
{
  JsonArray *bars = vp_qmp_message_get_array (device, "bars");
  GString *text = g_string_new (NULL);

  for (guint i = 0; bars != NULL && i < json_array_get_length (bars); i++)
    {
      JsonObject *bar = json_array_get_object_element (bars, i);

      g_string_append_printf (text, "%s%" G_GINT64_FORMAT " %s", i > 0 ? ", " : "",
                              vp_qmp_message_get_int (bar, "index", 0),
                              vp_document_text (bar, "guest_address"));
    }
  if (text->len == 0)
    g_string_append_c (text, '-');
  return g_string_free (text, FALSE);
}

#define HOST_COLUMN 6

static void
print_devices (JsonArray *devices)
{
  static const char *const heading[] = { "ID",         "KIND", "STATE",   "PLUG", "PORT",
                                         "GUEST PATH", "HOST", "BARS AT", NULL };
  static const char *const members[] = { "id",   "kind",       "state",  "plug",
                                         "port", "guest_path", "address" };
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);

  g_ptr_array_add (rows, g_strdupv ((char **) heading));
  for (guint i = 0; i < json_array_get_length (devices); i++)
    {
      JsonObject *device = json_array_get_object_element (devices, i);
      char **row = g_new0 (char *, G_N_ELEMENTS (heading));

      for (guint j = 0; j < G_N_ELEMENTS (members); j++)
        row[j] = g_strdup (vp_document_text (device, members[j]));
      if (json_object_has_member (device, "socket"))
        {
          g_free (row[HOST_COLUMN]);
          row[HOST_COLUMN] = g_strdup (vp_document_text (device, "socket"));
        }
      row[G_N_ELEMENTS (members)] = describe_bars (device);
      g_ptr_array_add (rows, row);
    }
  putchar ('\n');
  vp_output_table (rows);
}

/* QEMU's own words may be among the reasons, and QEMU is not trusted with a terminal. */
static void
print_failures (JsonArray *devices)
{
  for (guint i = 0; i < json_array_get_length (devices); i++)
    {
      JsonObject *device = json_array_get_object_element (devices, i);
      const char *failure = vp_qmp_message_get_string (device, "failure");
      g_autofree char *visible = failure != NULL ? g_strescape (failure, "\"\\") : NULL;

      if (visible != NULL)
        printf ("\n%s: %s\n", vp_document_text (device, "id"), visible);
    }
}

/* What cannot grow has no maximum to be told. */
static void
print_size (JsonObject *cpus, JsonObject *memory)
{
  gint64 n_now = cpus != NULL ? vp_qmp_message_get_int (cpus, "now", 0) : 0;
  gint64 n_max = cpus != NULL ? vp_qmp_message_get_int (cpus, "max", 0) : 0;
  gint64 now = memory != NULL ? vp_qmp_message_get_int (memory, "now", 0) : 0;
  gint64 max = memory != NULL ? vp_qmp_message_get_int (memory, "max", 0) : 0;
  g_autofree char *now_text = vp_byte_size_format ((guint64) now);
  g_autofree char *max_text = vp_byte_size_format ((guint64) max);

  if (cpus == NULL || memory == NULL)
    return;
  printf ("CPUs: %" G_GINT64_FORMAT, n_now);
  if (n_max > n_now)
    printf (" of at most %" G_GINT64_FORMAT, n_max);
  printf ("; memory: %s", now_text);
  if (max > now)
    printf (" of at most %s", max_text);
  printf ("\n");
}

static void
print_text (JsonObject *status)
{
  g_autofree char *uptime = vp_document_uptime (status);
  JsonObject *ports = vp_qmp_message_get_object (status, "ports");
  JsonArray *devices = vp_qmp_message_get_array (status, "devices");

  printf ("%s: %s, %s, up %s, pid %" G_GINT64_FORMAT "\n", vp_document_text (status, "name"),
          vp_document_text (status, "state"), vp_document_text (status, "accel"), uptime,
          vp_qmp_message_get_int (status, "pid", 0));
  if (ports != NULL)
    printf ("ports: %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT " of them spare\n",
            vp_qmp_message_get_int (ports, "total", 0), vp_qmp_message_get_int (ports, "spare", 0));
  print_size (vp_qmp_message_get_object (status, "cpus"),
              vp_qmp_message_get_object (status, "memory"));
  printf ("control: %s\n", vp_document_text (status, "control"));
  if (devices != NULL && json_array_get_length (devices) > 0)
    {
      print_devices (devices);
      print_failures (devices);
    }
}

int
vp_command_status (int argc, char **argv, gboolean *as_json, GError **error)
{
  VpCommandLine line = {
    .usage = "VM",
    .summary = "Shows one VM, its ports and its devices.",
    .min_args = 1,
    .max_args = 1,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;
  g_autoptr (JsonObject) status = NULL;

  if (args == NULL)
    return -1;

  status = vp_vm_state_fetch (root, args[0], error);
  if (status == NULL)
    return -1;

  if (*as_json)
    vp_output_json (g_steal_pointer (&status));
  else
    print_text (status);
  return 0;
}
