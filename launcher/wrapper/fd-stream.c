#include "launcher/wrapper/fd-stream.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the kernel passes at most with one message (SCM_MAX_FD). */
#define MAX_FDS 253

typedef struct
{
  GString *bytes;
  gsize sent;
  GUnixFDList *fds; /* (nullable): until the first byte is sent */
} Outgoing;

struct _VpFdStream
{
  int fd;
  VpFdStreamReady ready;
  gpointer user_data;
  GMainContext *context;
  GSource *source; /* (nullable) */
  gpointer tag;    /* of the descriptor in it */
  GIOCondition condition;
  GQueue outgoing; /* (element-type Outgoing) */
  gsize n_unsent;
  gboolean want_read;
  gboolean is_at_end;
  gboolean is_deaf;
  gboolean is_hung_up; /* both ways, though there may be something to read */
  gboolean is_ending;  /* shut down once all is sent */
};

typedef struct
{
  GSource source;
  VpFdStream *stream;
} StreamSource;

static void
outgoing_free (gpointer data)
{
  Outgoing *self = data;

  g_string_free (self->bytes, TRUE);
  g_clear_object (&self->fds);
  g_free (self);
}

static void
drop_outgoing (VpFdStream *self)
{
  g_queue_clear_full (&self->outgoing, outgoing_free);
  self->n_unsent = 0;
}

static void
drop_source (VpFdStream *self)
{
  if (self->source == NULL)
    return;
  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

static void flush (VpFdStream *self);

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  VpFdStream *self = ((StreamSource *) source)->stream;
  GIOCondition now = g_source_query_unix_fd (source, self->tag);

  if (now & (G_IO_HUP | G_IO_ERR))
    self->is_hung_up = TRUE;
  if (now & (G_IO_HUP | G_IO_ERR) && !(self->condition & G_IO_IN))
    {
      /* It would be reported for ever. What was sent before can still be read. */
      self->is_deaf = TRUE;
      drop_outgoing (self);
    }
  else if (now & G_IO_OUT)
    flush (self);
  self->ready (self, self->user_data);
  return G_SOURCE_CONTINUE;
}

/* Waits for what there is to wait for. That nobody is there any more is always worth knowing. */
static void
watch (VpFdStream *self)
{
  static GSourceFuncs functions = { .dispatch = dispatch };
  GIOCondition condition =
      (self->want_read && !self->is_at_end ? G_IO_IN : 0) | (self->n_unsent > 0 ? G_IO_OUT : 0);

  if (self->is_hung_up && condition == 0)
    {
      drop_source (self);
      return;
    }
  if (self->source == NULL)
    {
      self->source = g_source_new (&functions, sizeof (StreamSource));
      ((StreamSource *) self->source)->stream = self;
      self->tag = g_source_add_unix_fd (self->source, self->fd, condition);
      g_source_attach (self->source, self->context);
    }
  else if (condition != self->condition)
    g_source_modify_unix_fd (self->source, self->tag, condition);
  self->condition = condition;
}

VpFdStream *
vp_fd_stream_new (int fd, VpFdStreamReady ready, gpointer user_data)
{
  VpFdStream *self = g_new0 (VpFdStream, 1);

  self->fd = fd;
  self->ready = ready;
  self->user_data = user_data;
  self->context = g_main_context_ref_thread_default ();
  g_queue_init (&self->outgoing);
  g_unix_set_fd_nonblocking (fd, TRUE, NULL);
  watch (self);
  return self;
}

void
vp_fd_stream_free (VpFdStream *self)
{
  if (self == NULL)
    return;

  drop_source (self);
  drop_outgoing (self);
  close (self->fd);
  g_main_context_unref (self->context);
  g_free (self);
}

/* Returns: (transfer full) (nullable) */
static GUnixFDList *
collect_fds (struct msghdr *message)
{
  int all[MAX_FDS];
  gsize n = 0;

  for (struct cmsghdr *part = CMSG_FIRSTHDR (message); part != NULL;
       part = CMSG_NXTHDR (message, part))
    {
      gsize size = part->cmsg_len - CMSG_LEN (0);

      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
        continue;
      size = MIN (size, (MAX_FDS - n) * sizeof (int));
      memcpy (all + n, CMSG_DATA (part), size);
      n += size / sizeof (int);
    }
  if (n == 0)
    return NULL;
  if (message->msg_flags & MSG_CTRUNC)
    {
      while (n > 0)
        close (all[--n]);
      return NULL;
    }
  return g_unix_fd_list_new_from_array (all, (int) n);
}

gssize
vp_fd_stream_read (VpFdStream *self, guint8 *buffer, gsize size, GUnixFDList **fds)
{
  union
  {
    struct cmsghdr header; /* aligns it */
    char bytes[CMSG_SPACE (MAX_FDS * sizeof (int))];
  } control;
  struct iovec vector = { buffer, size };
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
  };
  gssize n;

  *fds = NULL;
  if (self->is_at_end)
    return 0;
  do
    n = recvmsg (self->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN)
    return -1;
  if (n <= 0)
    {
      self->is_at_end = TRUE;
      if (n < 0 || self->is_hung_up)
        {
          self->is_deaf = TRUE;
          drop_outgoing (self);
        }
      watch (self);
      return 0;
    }
  *fds = collect_fds (&message);
  return n;
}

static gssize
send_some (VpFdStream *self, Outgoing *outgoing)
{
  union
  {
    struct cmsghdr header;
    char bytes[CMSG_SPACE (MAX_FDS * sizeof (int))];
  } control = { 0 };
  struct iovec vector = { outgoing->bytes->str + outgoing->sent,
                          outgoing->bytes->len - outgoing->sent };
  struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
  gssize n;

  if (outgoing->fds != NULL)
    {
      int n_fds;
      const int *fds = g_unix_fd_list_peek_fds (outgoing->fds, &n_fds);
      gsize size = (gsize) n_fds * sizeof (int);

      message.msg_control = &control;
      message.msg_controllen = CMSG_SPACE (size);
      control.header.cmsg_level = SOL_SOCKET;
      control.header.cmsg_type = SCM_RIGHTS;
      control.header.cmsg_len = CMSG_LEN (size);
      memcpy (CMSG_DATA (&control.header), fds, size);
    }
  do
    n = sendmsg (self->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return n;
}

/* Sends until all is sent or the socket is full. */
static void
flush (VpFdStream *self)
{
  Outgoing *head;

  while ((head = g_queue_peek_head (&self->outgoing)) != NULL)
    {
      gssize n = head->bytes->len > 0 ? send_some (self, head) : 0;

      if (n < 0 && errno == EAGAIN)
        break;
      if (n < 0)
        {
          self->is_deaf = TRUE;
          drop_outgoing (self);
          break;
        }
      g_clear_object (&head->fds);
      head->sent += (gsize) n;
      self->n_unsent -= (gsize) n;
      if (head->sent == head->bytes->len)
        outgoing_free (g_queue_pop_head (&self->outgoing));
    }
  if (self->is_ending && self->n_unsent == 0)
    {
      self->is_ending = FALSE;
      shutdown (self->fd, SHUT_WR);
    }
  watch (self);
}

void
vp_fd_stream_write (VpFdStream *self, GString *bytes, GUnixFDList *fds)
{
  Outgoing *outgoing = g_new0 (Outgoing, 1);

  outgoing->bytes = bytes;
  if (fds != NULL)
    outgoing->fds = g_object_ref (fds);
  if (self->is_deaf || bytes->len == 0)
    {
      outgoing_free (outgoing);
      return;
    }
  g_queue_push_tail (&self->outgoing, outgoing);
  self->n_unsent += bytes->len;
  if (self->outgoing.length == 1)
    flush (self);
}

void
vp_fd_stream_shutdown (VpFdStream *self)
{
  self->is_ending = TRUE;
  flush (self);
}

void
vp_fd_stream_want_read (VpFdStream *self, gboolean wanted)
{
  self->want_read = wanted;
  watch (self);
}

gsize
vp_fd_stream_get_unsent (const VpFdStream *self)
{
  return self->n_unsent;
}

gboolean
vp_fd_stream_is_at_end (const VpFdStream *self)
{
  return self->is_at_end;
}

gboolean
vp_fd_stream_is_deaf (const VpFdStream *self)
{
  return self->is_deaf;
}
