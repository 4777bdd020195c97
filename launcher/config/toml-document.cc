#include "launcher/config/toml-document.h"

/* Compiled into this file alone. The library that Debian has is built with exceptions, and its
 * formatters and streams are of no use here. */
#define TOML_HEADER_ONLY       1
#define TOML_EXCEPTIONS        0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES VP_TOML_MAX_DEPTH
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wswitch-enum"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

#include <cmath>
#include <cstring>

namespace
{

/* The walk from toml++'s nodes to json-glib's. */
struct Walk
{
  GHashTable *positions;
  GString *path;
  guint depth;
  VpTomlPosition *where;
  char **why;
};

JsonNode *convert (Walk &walk, const toml::node &node);

VpTomlPosition
position_of (const toml::source_region &region)
{
  return { region.begin.line, region.begin.column };
}

JsonNode *
refuse (Walk &walk, const toml::source_region &region, const char *why)
{
  *walk.where = position_of (region);
  *walk.why = g_strdup (why);
  return nullptr;
}

JsonNode *
convert_string (Walk &walk, const toml::node &node)
{
  const std::string &text = node.as_string ()->get ();

  if (text.find ('\0') != std::string::npos)
    return refuse (walk, node.source (), "a string cannot hold U+0000");
  return json_node_init_string (json_node_alloc (), text.c_str ());
}

JsonNode *
convert_float (Walk &walk, const toml::node &node)
{
  const double number = node.as_floating_point ()->get ();

  if (!std::isfinite (number))
    return refuse (walk, node.source (), "inf and nan are no values here");
  return json_node_init_double (json_node_alloc (), number);
}

void
add_date (GString *text, const toml::date &date)
{
  g_string_append_printf (text, "%04u-%02u-%02u", date.year, date.month, date.day);
}

void
add_time (GString *text, const toml::time &time)
{
  g_string_append_printf (text, "%02u:%02u:%02u", time.hour, time.minute, time.second);
  if (time.nanosecond == 0)
    return;

  g_string_append_printf (text, ".%09u", time.nanosecond);
  while (text->str[text->len - 1] == '0')
    g_string_truncate (text, text->len - 1);
}

void
add_offset (GString *text, int minutes)
{
  if (minutes == 0)
    g_string_append_c (text, 'Z');
  else
    g_string_append_printf (text, "%c%02d:%02d", minutes < 0 ? '-' : '+', std::abs (minutes) / 60,
                            std::abs (minutes) % 60);
}

JsonNode *
convert_moment (const toml::node &node)
{
  g_autoptr (GString) text = g_string_new (nullptr);

  if (const auto *date = node.as_date ())
    add_date (text, date->get ());
  else if (const auto *time = node.as_time ())
    add_time (text, time->get ());
  else if (const auto *both = node.as_date_time ())
    {
      add_date (text, both->get ().date);
      g_string_append_c (text, 'T');
      add_time (text, both->get ().time);
      if (both->get ().offset)
        add_offset (text, both->get ().offset->minutes);
    }
  return json_node_init_string (json_node_alloc (), text->str);
}

JsonNode *
convert_table (Walk &walk, const toml::table &table)
{
  g_autoptr (JsonObject) object = json_object_new ();
  const gsize length = walk.path->len;

  for (const auto &[key, value] : table)
    {
      JsonNode *member;

      if (key.str ().find ('\0') != std::string_view::npos)
        return refuse (walk, key.source (), "a key cannot hold U+0000");

      vp_toml_document_add_key (walk.path, key.data ());
      member = convert (walk, value);
      g_string_truncate (walk.path, length);
      if (member == nullptr)
        return nullptr;
      json_object_set_member (object, key.data (), member);
    }
  return json_node_init_object (json_node_alloc (), object);
}

JsonNode *
convert_array (Walk &walk, const toml::array &array)
{
  g_autoptr (JsonArray) elements = json_array_new ();
  const gsize length = walk.path->len;

  for (gsize i = 0; i < array.size (); i++)
    {
      JsonNode *element;

      g_string_append_printf (walk.path, "[%" G_GSIZE_FORMAT "]", i);
      element = convert (walk, array[i]);
      g_string_truncate (walk.path, length);
      if (element == nullptr)
        return nullptr;
      json_array_add_element (elements, element);
    }
  return json_node_init_array (json_node_alloc (), elements);
}

JsonNode *
convert_container (Walk &walk, const toml::node &node)
{
  JsonNode *result;

  if (walk.depth >= VP_TOML_MAX_DEPTH)
    return refuse (walk, node.source (), "nested too deep");

  walk.depth++;
  result = node.is_table () ? convert_table (walk, *node.as_table ())
                            : convert_array (walk, *node.as_array ());
  walk.depth--;
  return result;
}

JsonNode *
convert_value (Walk &walk, const toml::node &node)
{
  if (const auto *number = node.as_integer ())
    return json_node_init_int (json_node_alloc (), number->get ());
  if (const auto *boolean = node.as_boolean ())
    return json_node_init_boolean (json_node_alloc (), boolean->get ());
  if (node.is_string ())
    return convert_string (walk, node);
  if (node.is_floating_point ())
    return convert_float (walk, node);
  return convert_moment (node);
}

/* Returns: (transfer full) (nullable): %NULL with @walk's place and reason set */
JsonNode *
convert (Walk &walk, const toml::node &node)
{
  const VpTomlPosition position = position_of (node.source ());

  g_hash_table_replace (walk.positions, g_strdup (walk.path->str),
                        g_memdup2 (&position, sizeof position));
  return node.is_table () || node.is_array () ? convert_container (walk, node)
                                              : convert_value (walk, node);
}

} // namespace

JsonObject *
vp_toml_document_parse (const char *text,
                        gsize size,

                        GHashTable *positions,
                        VpTomlPosition *where,
                        char **why)
{
  const toml::parse_result result = toml::parse (std::string_view (text, size));
  g_autoptr (GString) path = g_string_new (nullptr);
  g_autoptr (JsonNode) root = nullptr;

  *why = nullptr;
  if (!result)
    {
      const toml::parse_error &mistake = result.error ();

      *where = position_of (mistake.source ());
      *why = g_strndup (mistake.description ().data (), mistake.description ().size ());
      return nullptr;
    }

  Walk walk = { positions, path, 0, where, why };
  root = convert (walk, result.table ());
  return root != nullptr ? json_node_dup_object (root) : nullptr;
}

void
vp_toml_document_add_key (GString *path, const char *key)
{
  const gboolean is_bare =
      key[0] != '\0' && key[strspn (key, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-")] == '\0';

  if (path->len > 0)
    g_string_append_c (path, '.');
  if (!is_bare)
    g_string_append_c (path, '"');
  for (const char *p = key; *p != '\0'; p++)
    {
      if (*p == '"' || *p == '\\')
        g_string_append_c (path, '\\');
      g_string_append_c (path, *p);
    }
  if (!is_bare)
    g_string_append_c (path, '"');
}
