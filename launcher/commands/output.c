#include "launcher/commands/output.h"

#include "launcher/vm/argv.h"

#include "qmp/json-writer.h"

#include <stdio.h>
#include <unistd.h>

void
vp_output_json (JsonObject *document)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GString) text = g_string_new (NULL);

  json_node_take_object (node, document);
  vp_json_write (text, node);
  puts (text->str);
}

void
vp_output_table (const GPtrArray *rows)
{
  g_autofree glong *widths = NULL;
  guint n_columns;

  g_return_if_fail (rows != NULL && rows->len > 0);

  n_columns = g_strv_length (rows->pdata[0]);
  widths = g_new0 (glong, n_columns);
  for (guint i = 0; i < rows->len; i++)
    for (guint j = 0; j < n_columns; j++)
      widths[j] = MAX (widths[j], g_utf8_strlen (((char **) rows->pdata[i])[j], -1));

  for (guint i = 0; i < rows->len; i++)
    for (guint j = 0; j < n_columns; j++)
      {
        const char *cell = ((char **) rows->pdata[i])[j];
        gboolean is_last = j + 1 == n_columns;
        int padding = is_last ? 0 : (int) (widths[j] - g_utf8_strlen (cell, -1)) + 2;

        printf ("%s%*s%s", cell, padding, "", is_last ? "\n" : "");
      }
}

gboolean
vp_output_has_colour (int fd)
{
  const char *no_color = g_getenv ("NO_COLOR");

  return isatty (fd) && (no_color == NULL || no_color[0] == '\0') &&
         g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
}

void
vp_output_print_command (const VpBlueprint *blueprint, gboolean as_json)
{
  g_autofree char *command = NULL;

  if (as_json)
    {
      vp_output_json (vp_blueprint_to_json (blueprint));
      return;
    }
  command = vp_argv_quote (blueprint->argv);
  g_print ("%s\n", command);
}
