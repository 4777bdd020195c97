#include "launcher/wrapper/foreign-fds.h"

#include <string.h>

/* More than the kernel lets anybody have (fs.nr_open is less by default). */
#define MAX_FD (1 << 21)

static int
compare (gconstpointer a, gconstpointer b)
{
  int one = *(const int *) a, other = *(const int *) b;

  return one < other ? -1 : one > other;
}

/* Numbers with colons between them. */
static void
add_numbers (GArray *fds, const char *text)
{
  while (g_ascii_isdigit (*text))
    {
      char *end;
      guint64 number = g_ascii_strtoull (text, &end, 10);
      int fd = (int) MIN (number, MAX_FD);

      if (fd < MAX_FD)
        g_array_append_val (fds, fd);
      text = *end == ':' ? end + 1 : end;
      if (*end != ':')
        break;
    }
}

/* Whatever the option, and also within words that it takes whole: "unix:fd=3", "fd:5",
 * "/dev/fd/7". */
static void
add_mentioned (GArray *fds, const char *text)
{
  for (const char *at = strstr (text, "fd"); at != NULL; at = strstr (at, "fd"))
    {
      at += strlen ("fd");
      if (*at == 's')
        at++;
      if (*at == '=' || *at == ':' || *at == '/')
        add_numbers (fds, at + 1);
    }
}

static gboolean
is_fd_key (const char *key)
{
  return g_str_has_suffix (key, "fd") || g_str_has_suffix (key, "fds");
}

/* A socket address of the type "fd", which has its number in "str". */
static gboolean
is_fd_address (const VpQemuParams *params, const char *key)
{
  g_autofree char *type = NULL;

  if (!g_str_has_suffix (key, ".str"))
    return FALSE;
  type = g_strdup_printf ("%.*stype", (int) (strlen (key) - strlen ("str")), key);
  return g_strcmp0 (vp_qemu_params_get (params, type), "fd") == 0;
}

static void
add_params (GArray *fds, const VpQemuParams *params)
{
  for (guint i = 0; i < vp_qemu_params_n (params); i++)
    {
      const VpQemuParam *param = vp_qemu_params_at (params, i);

      /* "fds=5,6" is what some write for "fds=5:6": QEMU reads the second as a flag. */
      add_numbers (fds, param->key);
      if (is_fd_key (param->key) || is_fd_address (params, param->key))
        add_numbers (fds, param->value);
      else
        add_mentioned (fds, param->value);
    }
}

GArray *
vp_foreign_fds_find (const VpForeignArgv *argv)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (int));
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));

  g_return_val_if_fail (argv != NULL, fds);

  for (guint i = 0; i < argv->options->len; i++)
    {
      const VpForeignOption *option = argv->options->pdata[i];

      if (option->value != NULL)
        add_mentioned (all, option->value);
      if (option->params != NULL)
        add_params (all, option->params);
    }

  g_array_sort (all, compare);
  for (guint i = 0; i < all->len; i++)
    {
      int fd = g_array_index (all, int, i);

      if (fds->len == 0 || g_array_index (fds, int, fds->len - 1) != fd)
        g_array_append_val (fds, fd);
    }
  return fds;
}
