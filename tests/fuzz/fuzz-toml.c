#include "launcher/config/toml-document.h"
#include "launcher/config/toml-file.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct
{
  VpTomlFile *file;
  GArray *lines; /* (element-type guint): how many characters each has */
} Check;

static void check_node (const Check *check, JsonNode *node, const char *path);

/* Returns: (transfer full): the number of characters in each line */
static GArray *
measure_lines (const char *text, gsize size)
{
  GArray *lines = g_array_new (FALSE, TRUE, sizeof (guint));
  guint length = 0;

  for (gsize i = 0; i < size; i++)
    if (text[i] == '\n')
      {
        g_array_append_val (lines, length);
        length = 0;
      }
    else if ((text[i] & 0xc0) != 0x80)
      length++;
  g_array_append_val (lines, length);
  return lines;
}

static void
check_member (JsonObject *object, const char *name, JsonNode *node, gpointer user_data)
{
  gpointer *both = user_data;
  g_autoptr (GString) path = g_string_new (both[1]);

  vp_toml_document_add_key (path, name);
  check_node (both[0], node, path->str);
}

static void
check_node (const Check *check, JsonNode *node, const char *path)
{
  g_autofree char *where = vp_toml_file_where (check->file, path);
  guint line, column;

  g_assert_true (g_str_has_prefix (where, "x:"));
  g_assert_cmpint (sscanf (where, "x:%u:%u", &line, &column), ==, 2);
  g_assert_cmpuint (line, ==, vp_toml_file_get_line (check->file, path));
  g_assert_cmpuint (line, >=, 1);
  g_assert_cmpuint (line, <=, check->lines->len);
  g_assert_cmpuint (column, >=, 1);
  g_assert_cmpuint (column, <=, g_array_index (check->lines, guint, line - 1) + 1);

  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      gpointer both[] = { (gpointer) check, (gpointer) path };

      json_object_foreach_member (json_node_get_object (node), check_member, both);
    }
  if (JSON_NODE_HOLDS_ARRAY (node))
    for (guint i = 0; i < json_array_get_length (json_node_get_array (node)); i++)
      {
        g_autofree char *element = g_strdup_printf ("%s[%u]", path, i);

        check_node (check, json_array_get_element (json_node_get_array (node), i), element);
      }
}

/* What is refused is refused in one line; of what is read, everything has a place in the file. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VpTomlFile) file = vp_toml_file_parse ("x", (const char *) data, size, &error);
  g_autoptr (GArray) lines = measure_lines ((const char *) data, size);
  g_autoptr (JsonNode) root = NULL;
  Check check = { file, lines };

  if (file == NULL)
    {
      g_assert_true (g_str_has_prefix (error->message, "x:"));
      g_assert_null (strpbrk (error->message, "\r\n\033"));
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return 0;
    }
  root = json_node_init_object (json_node_alloc (), vp_toml_file_get_root (file));
  check_node (&check, root, "");
  return 0;
}
