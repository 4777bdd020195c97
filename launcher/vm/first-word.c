#include "launcher/vm/first-word.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>

static void
set_pass_credentials (int fd, int on)
{
  setsockopt (fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}

void
vp_first_word_prepare (int fd)
{
  set_pass_credentials (fd, 1);
}

/* Returns the pid of the sender, 0 when the other end is closed, -1 when there is nothing yet. */
static pid_t
peek (int fd)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (struct ucred))];
    struct cmsghdr align;
  } control;
  char byte;
  struct iovec data = { &byte, 1 };
  struct msghdr message = {
    .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
  };
  ssize_t n = recvmsg (fd, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR ? -1 : 0;
  for (struct cmsghdr *part = CMSG_FIRSTHDR (&message); n > 0 && part != NULL;
       part = CMSG_NXTHDR (&message, part))
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_CREDENTIALS)
      {
        struct ucred credentials;

        memcpy (&credentials, CMSG_DATA (part), sizeof credentials);
        return credentials.pid;
      }
  return 0;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  GTask *task = G_TASK (user_data);
  pid_t pid = peek (fd);

  if (pid < 0)
    return G_SOURCE_CONTINUE;
  set_pass_credentials (fd, 0);
  if (pid > 0)
    g_task_return_int (task, pid);
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CLOSED, "nobody has the other end");
  return G_SOURCE_REMOVE;
}

void
vp_first_word_wait_async (int fd, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, vp_first_word_wait_async);
  g_unix_fd_add_full (G_PRIORITY_DEFAULT, fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, task,
                      g_object_unref);
}

pid_t
vp_first_word_wait_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), -1);

  return (pid_t) g_task_propagate_int (G_TASK (result), error);
}
