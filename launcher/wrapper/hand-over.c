#include "launcher/wrapper/hand-over.h"

#include "launcher/error.h"
#include "launcher/failure.h"
#include "qmp/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The message is words, each ended by a NUL, because an argument may hold any other byte:
 *
 *   "exec" N NUMBER*N W WARNING*W M ARGUMENT*M   with N file descriptors beside its first byte
 *   "fail" ERROR                                 as vp_failure_to_json() writes it
 *
 * What a sidecar that was killed has not finished lacks words, and is no message. */
#define WORD_EXEC "exec"
#define WORD_FAIL "fail"

#define CHUNK 16384

/* Room for the file descriptors of one message, aligned as the kernel wants it. */
typedef union
{
  char bytes[CMSG_SPACE (sizeof (int) * VP_HAND_OVER_MAX_FDS)];
  struct cmsghdr align;
} Control;

void
vp_hand_over_free (VpHandOver *self)
{
  if (self == NULL)
    return;

  for (guint i = 0; i < self->fds->len; i++)
    close (g_array_index (self->fds, int, i));
  g_array_unref (self->fds);
  g_array_unref (self->numbers);
  g_strfreev (self->argv);
  g_strfreev (self->warnings);
  g_free (self);
}

static void
add_word (GByteArray *message, const char *word)
{
  g_byte_array_append (message, (const guint8 *) word, (guint) strlen (word) + 1);
}

static void
add_number (GByteArray *message, int number)
{
  g_autofree char *word = g_strdup_printf ("%d", number);

  add_word (message, word);
}

/* The first byte takes the file descriptors along. */
static gboolean
write_first (int socket, guint8 *byte, const int *fds, guint n_fds)
{
  Control control = { .bytes = { 0 } };
  struct iovec data = { byte, 1 };
  struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

  if (n_fds > 0)
    {
      struct cmsghdr *part = &control.align;

      message.msg_control = &control;
      message.msg_controllen = CMSG_SPACE (sizeof (int) * n_fds);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN (sizeof (int) * n_fds);
      memcpy (CMSG_DATA (part), fds, sizeof (int) * n_fds);
    }
  return TEMP_FAILURE_RETRY (sendmsg (socket, &message, MSG_NOSIGNAL)) == 1;
}

static gboolean
write_rest (int socket, const guint8 *data, gsize size)
{
  while (size > 0)
    {
      ssize_t n = TEMP_FAILURE_RETRY (send (socket, data, size, MSG_NOSIGNAL));

      if (n < 0)
        return FALSE;
      data += n;
      size -= (gsize) n;
    }
  return TRUE;
}

static void
add_list (GByteArray *message, const char *const *words)
{
  add_number (message, (int) g_strv_length ((char **) words));
  for (; *words != NULL; words++)
    add_word (message, *words);
}

gboolean
vp_hand_over_send (const VpHandOver *self, int socket, GError **error)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();

  g_return_val_if_fail (self->fds->len <= VP_HAND_OVER_MAX_FDS, FALSE);
  g_return_val_if_fail (self->fds->len == self->numbers->len, FALSE);

  add_word (message, WORD_EXEC);
  add_number (message, (int) self->fds->len);
  for (guint i = 0; i < self->numbers->len; i++)
    add_number (message, g_array_index (self->numbers, int, i));
  add_list (message, (const char *const *) self->warnings);
  add_list (message, (const char *const *) self->argv);

  if (write_first (socket, message->data, (const int *) (void *) self->fds->data, self->fds->len) &&
      write_rest (socket, message->data + 1, message->len - 1))
    return TRUE;
  g_set_error (error, VP_ERROR, VP_ERROR_START, "the process that was to become QEMU is gone: %s",
               g_strerror (errno));
  return FALSE;
}

void
vp_hand_over_fail (int socket, const GError *failure)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();
  g_autoptr (JsonObject) object = vp_failure_to_json (failure);
  g_autofree char *line = vp_qmp_message_to_line (object);

  add_word (message, WORD_FAIL);
  add_word (message, line);
  write_rest (socket, message->data, message->len); /* whoever is gone needs no reason */
}

static void
take_fds (struct msghdr *message, GArray *fds)
{
  for (struct cmsghdr *part = CMSG_FIRSTHDR (message); part != NULL;
       part = CMSG_NXTHDR (message, part))
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
      g_array_append_vals (fds, CMSG_DATA (part),
                           (guint) ((part->cmsg_len - CMSG_LEN (0)) / sizeof (int)));
}

/* Returns: (transfer full): all that came until the other end was closed */
static GByteArray *
read_all (int socket, GArray *fds)
{
  GByteArray *all = g_byte_array_new ();
  g_autofree guint8 *chunk = g_malloc (CHUNK);
  ssize_t n;

  do
    {
      Control control;
      struct iovec data = { chunk, CHUNK };
      struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
      };

      n = TEMP_FAILURE_RETRY (recvmsg (socket, &message, MSG_CMSG_CLOEXEC));
      if (n <= 0)
        break;
      take_fds (&message, fds);
      g_byte_array_append (all, chunk, (guint) n);
    }
  while (TRUE);
  return all;
}

/* Returns: (transfer full): the words of @message; the last is dropped when it does not end */
static GPtrArray *
cut (const GByteArray *message)
{
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);
  const char *at = (const char *) message->data;
  const char *end = at + message->len;

  while (at < end)
    {
      const char *nul = memchr (at, '\0', (gsize) (end - at));

      if (nul == NULL)
        break;
      g_ptr_array_add (words, g_strndup (at, (gsize) (nul - at)));
      at = nul + 1;
    }
  return words;
}

static gboolean
parse_number (const char *word, guint64 max, int *number)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (word, 10, 0, max, &value, NULL))
    return FALSE;
  *number = (int) value;
  return TRUE;
}

/* Takes a list off the front of @words; returns %NULL when it is not whole. */
static char **
parse_list (GPtrArray *words, guint *at)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  int n;

  if (*at == words->len || !parse_number (words->pdata[*at], words->len - *at - 1, &n))
    return NULL;
  (*at)++;
  for (; n > 0; n--)
    g_strv_builder_add (list, words->pdata[(*at)++]);
  return g_strv_builder_end (list);
}

/* Returns whether it is a whole "exec" message. */
static gboolean
parse_exec (VpHandOver *self, GPtrArray *words)
{
  g_auto (GStrv) numbers = NULL;
  guint at = 1;

  if (words->len == 0 || !g_str_equal (words->pdata[0], WORD_EXEC))
    return FALSE;
  numbers = parse_list (words, &at);
  if (numbers == NULL || g_strv_length (numbers) != self->fds->len)
    return FALSE;
  for (char **word = numbers; *word != NULL; word++)
    {
      int number;

      if (!parse_number (*word, G_MAXINT, &number))
        return FALSE;
      g_array_append_val (self->numbers, number);
    }
  self->warnings = parse_list (words, &at);
  if (self->warnings != NULL)
    self->argv = parse_list (words, &at);
  return self->argv != NULL && self->argv[0] != NULL && at == words->len;
}

static GError *
parse_failure (GPtrArray *words)
{
  g_autoptr (JsonObject) object = NULL;

  if (words->len == 2 && g_str_equal (words->pdata[0], WORD_FAIL))
    object = vp_qmp_message_parse (words->pdata[1], NULL);
  if (object != NULL)
    return vp_failure_from_json (object);
  return g_error_new_literal (VP_ERROR, VP_ERROR_START, "the sidecar died before it could say why");
}

VpHandOver *
vp_hand_over_new (char **argv)
{
  VpHandOver *self = g_new0 (VpHandOver, 1);

  self->argv = g_strdupv (argv);
  self->fds = g_array_new (FALSE, FALSE, sizeof (int));
  self->numbers = g_array_new (FALSE, FALSE, sizeof (int));
  return self;
}

void
vp_hand_over_add_fd (VpHandOver *self, int fd, int number)
{
  g_array_append_val (self->fds, fd);
  g_array_append_val (self->numbers, number);
}

VpHandOver *
vp_hand_over_receive (int socket, GError **error)
{
  g_autoptr (VpHandOver) self = vp_hand_over_new (NULL);
  g_autoptr (GByteArray) message = read_all (socket, self->fds);
  g_autoptr (GPtrArray) words = cut (message);

  if (parse_exec (self, words))
    return g_steal_pointer (&self);
  g_propagate_error (error, parse_failure (words));
  return NULL;
}
