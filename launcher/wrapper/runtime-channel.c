#include "launcher/wrapper/runtime-channel.h"

#include "launcher/error.h"
#include "launcher/vm/autofd.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct _VpRuntimeChannel
{
  const VpForeignQmp *qmp;
  int listener;
  char *path; /* nullable, absolute: a socket that we have made */
};

/* As QEMU does it (util/qemu-sockets.c, unix_listen_saddr()), but that it removes only a socket. */
static int
bind_path (const char *path, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  vp_autofd int fd = -1;
  struct stat st;

  if (strlen (path) >= sizeof address.sun_path)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST,
                   "%s: a socket's path has at most %zu bytes, see unix(7)", path,
                   sizeof address.sun_path - 1);
      return -1;
    }
  memcpy (address.sun_path, path, strlen (path));
  if (lstat (path, &st) == 0 && S_ISSOCK (st.st_mode))
    g_unlink (path);
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, 1) < 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "cannot listen on %s: %s", path,
                   g_strerror (errno));
      return -1;
    }
  return g_steal_fd (&fd);
}

VpRuntimeChannel *
vp_runtime_channel_new (const VpForeignQmp *qmp, int listener, GError **error)
{
  g_autoptr (VpRuntimeChannel) self = g_new0 (VpRuntimeChannel, 1);

  self->qmp = qmp;
  self->listener = listener;
  if (qmp->kind == VP_FOREIGN_QMP_LISTENER && listener >= 0)
    return g_steal_pointer (&self);
  if (qmp->kind != VP_FOREIGN_QMP_PATH)
    {
      g_set_error_literal (
          error, VP_ERROR, VP_ERROR_USAGE,
          "take_over: QMP of this command line is not on a listening Unix socket, and cannot be "
          "taken over");
      return NULL;
    }

  self->listener = bind_path (qmp->path, error);
  if (self->listener < 0)
    return NULL;
  self->path = g_canonicalize_filename (qmp->path, NULL);
  return g_steal_pointer (&self);
}

void
vp_runtime_channel_free (VpRuntimeChannel *self)
{
  if (self == NULL)
    return;

  if (self->path != NULL)
    g_unlink (self->path);
  vp_autofd_close (&self->listener);
  g_free (self->path);
  g_free (self);
}

int
vp_runtime_channel_take_listener (VpRuntimeChannel *self)
{
  return g_steal_fd (&self->listener);
}

/* Returns the length of the parameter at the front of @text: up to a comma that is not doubled. */
static gsize
param_length (const char *text)
{
  gsize length = 0;

  while (text[length] != '\0' && (text[length] != ',' || text[length + 1] == ','))
    length += text[length] == ',' ? 2 : 1;
  return length;
}

/* Returns: (transfer full) (nullable): @value with the path in it replaced by @fd */
static char *
replace_path (const char *value, int fd)
{
  const char *at = value;

  if (g_str_has_prefix (value, "unix:")) /* -qmp: the path comes first, without its key */
    {
      at += strlen ("unix:");
      return g_strdup_printf ("unix:fd=%d%s", fd, at + param_length (at));
    }
  for (; *at != '\0'; at += param_length (at), at += *at == ',' ? 1 : 0)
    if (g_str_has_prefix (at, "path="))
      return g_strdup_printf ("%.*sfd=%d%s", (int) (at - value), value, fd, at + param_length (at));
  return NULL;
}

gboolean
vp_runtime_channel_divert (
    VpRuntimeChannel *self, VpRunDir *run_dir, VpHandOver *hand_over, int free_fd, GError **error)
{
  gboolean is_path = self->qmp->kind == VP_FOREIGN_QMP_PATH;
  char **word = &hand_over->argv[self->qmp->index];
  g_autofree char *changed = is_path ? replace_path (*word, free_fd) : NULL;
  int listener;

  if (is_path && changed == NULL)
    {
      vp_error_refuse (error, *word, "is no socket that can be taken over");
      return FALSE;
    }
  listener = vp_run_dir_listen (run_dir, VP_RUNTIME_CHANNEL_SOCKET, error);
  if (listener < 0)
    return FALSE;

  vp_hand_over_add_fd (hand_over, listener, is_path ? free_fd : self->qmp->fd);
  if (is_path)
    {
      g_free (*word);
      *word = g_steal_pointer (&changed);
    }
  return TRUE;
}
