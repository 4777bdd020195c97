#include "launcher/wrapper/foreign-qmp.h"

#include <string.h>

void
vp_foreign_qmp_clear (VpForeignQmp *qmp)
{
  g_clear_pointer (&qmp->path, g_free);
}

static void
set_socket (VpForeignQmp *qmp, const VpQemuParams *params)
{
  const char *fd = vp_qemu_params_get (params, "fd");
  const char *path = vp_qemu_params_get (params, "path");
  gboolean is_server = vp_qemu_params_is_on (params, "server", FALSE);
  guint64 number;

  qmp->kind = VP_FOREIGN_QMP_OTHER;
  if (!is_server)
    return;

  qmp->waits = vp_qemu_params_is_on (params, "wait", TRUE);
  if (fd != NULL && g_ascii_string_to_unsigned (fd, 10, 0, G_MAXINT, &number, NULL))
    {
      qmp->kind = VP_FOREIGN_QMP_LISTENER;
      qmp->fd = (int) number;
    }
  else if (fd == NULL && path != NULL && !vp_qemu_params_is_on (params, "abstract", FALSE))
    {
      qmp->kind = VP_FOREIGN_QMP_PATH;
      qmp->path = g_strdup (path);
    }
}

static void
set_chardev (VpForeignQmp *qmp, const VpForeignArgv *argv, const char *id)
{
  qmp->kind = VP_FOREIGN_QMP_OTHER;
  for (guint i = 0; i < argv->options->len; i++)
    {
      const VpForeignOption *option = argv->options->pdata[i];

      if (!vp_foreign_option_is (option, "chardev") || option->params == NULL ||
          g_strcmp0 (vp_qemu_params_get (option->params, "id"), id) != 0)
        continue;
      qmp->index = option->value_index;
      if (g_strcmp0 (vp_qemu_params_get (option->params, "backend"), "socket") == 0)
        set_socket (qmp, option->params);
      return;
    }
}

/* The short form, chardev/char.c: qemu_chr_parse_compat(). */
static void
set_short (VpForeignQmp *qmp, const VpForeignArgv *argv, const char *text)
{
  g_autoptr (VpQemuParams) params = NULL;

  if (g_str_has_prefix (text, "chardev:"))
    {
      set_chardev (qmp, argv, text + strlen ("chardev:"));
      return;
    }
  qmp->kind = VP_FOREIGN_QMP_OTHER;
  if (!g_str_has_prefix (text, "unix:"))
    return;
  params = vp_qemu_params_parse (text + strlen ("unix:"), "path");
  set_socket (qmp, params);
}

void
vp_foreign_qmp_find (const VpForeignArgv *argv, VpForeignQmp *qmp)
{
  g_return_if_fail (argv != NULL && qmp != NULL);

  *qmp = (VpForeignQmp){ .kind = VP_FOREIGN_QMP_NONE, .fd = -1 };
  for (guint i = 0; i < argv->options->len && qmp->kind == VP_FOREIGN_QMP_NONE; i++)
    {
      const VpForeignOption *option = argv->options->pdata[i];

      if (option->params == NULL)
        continue;
      qmp->index = option->value_index;
      if ((vp_foreign_option_is (option, "qmp") || vp_foreign_option_is (option, "qmp-pretty")) &&
          !g_str_equal (option->value, "none"))
        set_short (qmp, argv, option->value);
      else if (vp_foreign_option_is (option, "mon") &&
               g_strcmp0 (vp_qemu_params_get (option->params, "mode"), "control") == 0)
        {
          const char *id = vp_qemu_params_get (option->params, "chardev");

          set_chardev (qmp, argv, id != NULL ? id : "");
        }
    }
  if (qmp->kind == VP_FOREIGN_QMP_NONE)
    qmp->index = 0;
}
