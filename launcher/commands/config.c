#include "launcher/config/config.h"
#include "launcher/commands/command-line.h"
#include "launcher/commands/commands.h"
#include "launcher/commands/output.h"
#include "launcher/config/config-option.h"
#include "launcher/config/kata-key.h"
#include "launcher/config/option-group.h"
#include "launcher/config/own-table.h"
#include "launcher/error.h"

#include <stdio.h>

/* Of an option that has no value unless it is given. */
#define NOTHING "-"
#define DEFAULT "default"

static void
free_row (gpointer row)
{
  g_strfreev (row);
}

static void
add_row (GPtrArray *rows, const char *one, const char *two, const char *three)
{
  const char *const cells[] = { one, two, three, NULL };

  g_ptr_array_add (rows, g_strdupv ((char **) cells));
}

static void
print_rows (GPtrArray *rows, gboolean as_json, const char *name, const char *const *members)
{
  JsonArray *array;
  JsonObject *document;

  if (!as_json)
    {
      vp_output_table (rows);
      return;
    }

  array = json_array_new ();
  for (guint i = 1; i < rows->len; i++)
    {
      JsonObject *object = json_object_new ();
      char **cells = rows->pdata[i];

      for (guint j = 0; members[j] != NULL; j++)
        json_object_set_string_member (object, members[j], cells[j]);
      if (g_str_equal (cells[1], NOTHING) && g_str_equal (cells[2], DEFAULT))
        json_object_set_null_member (object, members[1]);
      json_array_add_object_element (array, object);
    }
  document = json_object_new ();
  json_object_set_array_member (document, name, array);
  vp_output_json (document);
}

static void
print_keys (gboolean as_json)
{
  static const char *const members[] = { "key", "fate", "why", NULL };
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (free_row);
  const VpKataKey *key;

  add_row (rows, "KEY", "FATE", "WHY");
  for (guint i = 0; (key = vp_kata_key_get (i)) != NULL; i++)
    {
      g_autofree char *name = g_strconcat (key->table, ".", key->name, NULL);

      add_row (rows, name, vp_kata_key_fate_to_string (key->fate), key->why);
    }
  print_rows (rows, as_json, "keys", members);
}

static void
add_option (GPtrArray *rows, const VpConfig *config, const VpConfigOption *option)
{
  gboolean is_given = FALSE;

  for (guint i = 0; i < config->settings->len; i++)
    {
      const VpSetting *setting = config->settings->pdata[i];
      g_autofree char *origin = NULL;

      if (!g_str_equal (setting->option, option->name))
        continue;
      origin = vp_setting_origin (setting);
      add_row (rows, option->name, setting->value, origin);
      is_given = TRUE;
    }
  if (!is_given)
    add_row (rows, option->name, option->initial != NULL ? option->initial : NOTHING, DEFAULT);
}

static void
print_origins (const VpConfig *config, gboolean as_json)
{
  static const char *const members[] = { "option", "value", "origin", NULL };
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (free_row);
  const VpConfigOption *option;

  add_row (rows, "OPTION", "VALUE", "ORIGIN");
  for (guint i = 0; (option = vp_config_option_get (i)) != NULL; i++)
    add_option (rows, config, option);
  print_rows (rows, as_json, "settings", members);
}

int
vp_command_config (int argc, char **argv, gboolean *as_json, GError **error)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autofree char *text = NULL;
  gboolean keys = FALSE, origins = FALSE;
  const GOptionEntry entries[] = {
    { "show-origin", 0, 0, G_OPTION_ARG_NONE, &origins,
      "Print every option, its value and where that comes from", NULL },
    { "keys", 0, 0, G_OPTION_ARG_NONE, &keys,
      "Print the keys of kata's configuration.toml, and what becomes of each", NULL },
    G_OPTION_ENTRY_NULL,
  };
  VpCommandLine line = {
    .usage = "",
    .summary = "Prints the options of a VM as a file that --config takes. Looks at no file that "
               "they name.",
    .entries = entries,
    .group = vp_config_option_group (config),
    .config = config,
    .max_args = 0,
  };
  g_auto (GStrv) args = vp_command_line_parse (&line, argc, argv, as_json, error);
  g_autofree char *root = line.root;

  if (args == NULL)
    return -1;
  if (*as_json && !origins && !keys)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE,
                           "--json: use it with --show-origin or --keys; the file is TOML");
      return -1;
    }

  for (guint i = 0; i < config->warnings->len; i++)
    g_printerr ("vmplug: warning: %s\n", (char *) config->warnings->pdata[i]);
  if (keys)
    print_keys (*as_json);
  else if (origins)
    print_origins (config, *as_json);
  else
    {
      text = vp_own_table_write (config->settings);
      fputs (text, stdout);
    }
  return 0;
}
