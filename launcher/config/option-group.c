#include "launcher/config/option-group.h"

#include "launcher/config/config-file.h"
#include "launcher/config/config-option.h"

#include <string.h>

#define DESCRIPTION                                                                                \
  "VM options:\n"                                                                                  \
  "  SPEC is "                                                                                     \
  "REF[,plug=auto|cold|hot][,id=ID][,bind=on|off][,iommufd=auto|on|off][,rombar=on|off]\n"         \
  "            [,x-no-mmap=on|off]\n"                                                              \
  "       or qemu,driver=NAME[,plug=…][,id=ID][,PROPERTY=VALUE]… or rng[,plug=…][,id=ID]\n"  \
  "       or vfio-user,socket=PATH[,plug=…][,id=ID]\n"                                           \
  "  REF  is a PCI address (41:00.0), /dev/vfio/GROUP or /dev/vfio/devices/vfioN\n"                \
  "  SIZE is a number with or without K, M, G or T\n"

static gboolean
on_option (const char *option_name, const char *value, gpointer user_data, GError **error)
{
  return vp_config_set (user_data, option_name + strlen ("--"), value, error);
}

static gboolean
on_config (const char *option_name, const char *value, gpointer user_data, GError **error)
{
  return vp_config_file_set (user_data, value, error);
}

GOptionGroup *
vp_config_option_group (VpConfig *config)
{
  GOptionGroup *group =
      g_option_group_new ("vm", DESCRIPTION, "Show the options of the VM", config, NULL);
  const GOptionEntry file_entries[] = {
    { "config", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, (gpointer) on_config,
      "TOML file of these options, or of kata's; what is typed beats it, and is added where it can "
      "be given more than once",
      "FILE" },
    G_OPTION_ENTRY_NULL,
  };
  const VpConfigOption *option;

  g_option_group_add_entries (group, file_entries);
  for (guint i = 0; (option = vp_config_option_get (i)) != NULL; i++)
    {
      /* FILENAME: bytes as they were typed, not converted from the locale's character set. */
      const GOptionEntry entries[] = {
        { option->name, 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, (gpointer) on_option,
          option->help, option->argument },
        G_OPTION_ENTRY_NULL,
      };

      g_option_group_add_entries (group, entries);
    }
  return group;
}
