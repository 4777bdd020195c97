#include "launcher/wrapper/foreign-firmware.h"

/* Longest chain of nodes that is followed: one can lead back to itself. */
#define MAX_NODES 8

static const VpQemuParams *
find_node (const VpForeignArgv *argv, const char *name)
{
  for (guint i = 0; i < argv->options->len; i++)
    {
      const VpForeignOption *option = argv->options->pdata[i];

      if (vp_foreign_option_is (option, "blockdev") && option->params != NULL &&
          g_strcmp0 (vp_qemu_params_get (option->params, "node-name"), name) == 0)
        return option->params;
    }
  return NULL;
}

/* A node has its file by name, or the node that it is made of: inside itself or by name. */
static const char *
find_file_of_node (const VpForeignArgv *argv, const char *name)
{
  for (guint i = 0; name != NULL && i < MAX_NODES; i++)
    {
      const VpQemuParams *node = find_node (argv, name);
      const char *file;

      if (node == NULL)
        return NULL;
      file = vp_qemu_params_get (node, "filename");
      if (file == NULL)
        file = vp_qemu_params_get (node, "file.filename");
      if (file == NULL)
        file = vp_qemu_params_get (node, "file.file.filename");
      if (file != NULL)
        return file;
      name = vp_qemu_params_get (node, "file");
    }
  return NULL;
}

static gboolean
is_first_flash (const VpForeignOption *option)
{
  const char *unit;

  if (vp_foreign_option_is (option, "pflash"))
    return option->value != NULL;
  if (!vp_foreign_option_is (option, "drive") || option->params == NULL ||
      g_strcmp0 (vp_qemu_params_get (option->params, "if"), "pflash") != 0)
    return FALSE;

  unit = vp_qemu_params_get (option->params, "unit");
  if (unit == NULL)
    unit = vp_qemu_params_get (option->params, "index");
  return unit == NULL || g_str_equal (unit, "0");
}

static const char *
find_flash (const VpForeignArgv *argv)
{
  for (guint i = 0; i < argv->options->len; i++)
    {
      const VpForeignOption *option = argv->options->pdata[i];
      const char *file;

      if (!is_first_flash (option))
        continue;
      if (vp_foreign_option_is (option, "pflash"))
        return option->value;
      file = vp_qemu_params_get (option->params, "file");
      return file != NULL ? file : vp_qemu_params_get (option->params, "file.filename");
    }
  return NULL;
}

char *
vp_foreign_firmware_find (const VpForeignArgv *argv)
{
  g_autoptr (VpQemuParams) machine = NULL;
  const char *file, *node;
  const VpForeignOption *bios;

  g_return_val_if_fail (argv != NULL, NULL);

  machine = vp_foreign_argv_merge (argv, "machine");
  node = vp_qemu_params_get (machine, "pflash0");
  file = node != NULL ? find_file_of_node (argv, node) : find_flash (argv);
  if (file == NULL)
    {
      bios = vp_foreign_argv_find (argv, "bios");
      file = bios != NULL ? bios->value : vp_qemu_params_get (machine, "firmware");
    }
  return g_strdup (file);
}
