#include "launcher/boottest/guest-command.h"

#include "launcher/boottest/guest-stream.h"
#include "launcher/error.h"
#include "launcher/guest/guest-job.h"
#include "launcher/vm/autofd.h"
#include "launcher/vm/fd-watch.h"
#include "launcher/vm/qemu-launch.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define INITRD     "guest-initrd"
#define N_STREAMS  2
#define N_PORTS    (1 + N_STREAMS)
#define READ_BYTES 4096
#define TAIL_BYTES (16u * 1024u)

struct _VpGuestCommand
{
  void (*changed) (gpointer user_data);
  gpointer user_data;
  int theirs[N_PORTS]; /* QEMU's ends; -1 for none, or handed over */
  int result;
  VpGuestRecord *record;
  VpGuestRecordState told;
  GSource *in;
  GSource *out;                      /* nullable: nothing to send */
  GByteArray *to_send;               /* the job, and then the word that all has arrived */
  VpGuestStream *streams[N_STREAMS]; /* nullable: without a command */
  GString *tail; /* of both, at most twice what is kept, so that it is seldom cut */
};

static char *
find_initrd (void)
{
  const char *named = g_getenv ("VMPLUG_GUEST_INITRD");
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program != NULL ? g_path_get_dirname (program) : g_strdup (".");
  g_autofree char *beside = g_build_filename (folder, INITRD, NULL);

  if (named != NULL && named[0] != '\0')
    return g_strdup (named);
  if (g_file_test (beside, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&beside);
  if (g_file_test (VMPLUG_DATA_FOLDER "/" INITRD, G_FILE_TEST_IS_REGULAR))
    return g_strdup (VMPLUG_DATA_FOLDER "/" INITRD);
  return NULL;
}

gboolean
vp_guest_command_prepare (VpConfig *config, GError **error)
{
  if (config->kernel == NULL)
    return vp_error_refuse (error, "-- COMMAND", "needs --kernel, the kernel to run it on");
  if (config->initrd == NULL)
    config->initrd = find_initrd ();
  if (config->initrd == NULL)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_HOST,
                           "no " INITRD " beside the program or in " VMPLUG_DATA_FOLDER
                           ": name one in VMPLUG_GUEST_INITRD, or give --initrd");
      return FALSE;
    }
  config->guest_ports = VP_GUEST_PORTS_COMMAND;
  return vp_config_set (config, "share", "/,readonly,tag=" VP_GUEST_SHARE_TAG, error);
}

static void
add_string (GByteArray *job, const char *text)
{
  g_byte_array_append (job, (const guint8 *) text, (guint) strlen (text) + 1);
}

static gboolean
write_job (GByteArray *to_send, const VpGuestCommandInput *input, GError **error)
{
  g_autoptr (GByteArray) job = g_byte_array_new ();
  g_autofree char *n_args = g_strdup_printf ("%u", g_strv_length (input->argv));
  g_autofree char *header = NULL;

  add_string (job, input->folder);
  add_string (job, n_args);
  for (char **arg = input->argv; *arg != NULL; arg++)
    add_string (job, *arg);
  for (char **variable = input->environment; *variable != NULL; variable++)
    add_string (job, *variable);
  if (job->len > VP_GUEST_JOB_MAX)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                   "-- COMMAND: %u bytes with its environment, more than %u", job->len,
                   VP_GUEST_JOB_MAX);
      return FALSE;
    }
  header = g_strdup_printf ("%0*u", VP_GUEST_JOB_HEADER, job->len);
  g_byte_array_append (to_send, (const guint8 *) header, VP_GUEST_JOB_HEADER);
  g_byte_array_append (to_send, job->data, job->len);
  return TRUE;
}

static gboolean
on_sendable (int fd, GIOCondition condition, gpointer user_data)
{
  VpGuestCommand *self = user_data;
  ssize_t n = send (fd, self->to_send->data, self->to_send->len, MSG_NOSIGNAL | MSG_DONTWAIT);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  /* Of a guest that is gone there will be no status: that is seen elsewhere. */
  g_byte_array_remove_range (self->to_send, 0, n < 0 ? self->to_send->len : (guint) n);
  if (self->to_send->len == 0)
    vp_fd_watch_clear (&self->out);
  return G_SOURCE_CONTINUE;
}

static void
send_some (VpGuestCommand *self)
{
  if (self->out == NULL && self->to_send->len > 0)
    self->out = vp_fd_watch_new (self->result, G_IO_OUT, on_sendable, self);
}

VpGuestRecordState
vp_guest_command_get_state (const VpGuestCommand *self)
{
  if (self->record->state != VP_GUEST_RECORD_ENDED)
    return self->record->state;
  for (guint i = 0; i < N_STREAMS; i++)
    if (self->streams[i] != NULL &&
        vp_guest_stream_get_moved (self->streams[i]) < self->record->sizes[i])
      return VP_GUEST_RECORD_STARTED;
  return VP_GUEST_RECORD_ENDED;
}

static void
tell (gpointer user_data)
{
  VpGuestCommand *self = user_data;
  VpGuestRecordState state = vp_guest_command_get_state (self);

  if (state == self->told)
    return;
  self->told = state;
  if (state >= VP_GUEST_RECORD_ENDED)
    {
      g_byte_array_append (self->to_send, (const guint8 *) "\n", 1);
      send_some (self);
    }
  self->changed (self->user_data);
}

/* Returns whether something came. */
static gboolean
read_some (VpGuestCommand *self, gboolean *ended)
{
  char buffer[READ_BYTES];
  ssize_t n = recv (self->result, buffer, sizeof buffer, MSG_DONTWAIT);

  *ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  if (n > 0)
    vp_guest_record_feed (self->record, buffer, (gsize) n);
  return n > 0;
}

static gboolean
on_result (int fd, GIOCondition condition, gpointer user_data)
{
  VpGuestCommand *self = user_data;
  gboolean ended;

  read_some (self, &ended);
  if (ended)
    vp_fd_watch_clear (&self->in);
  tell (self);
  return G_SOURCE_CONTINUE;
}

static void
on_output (const char *data, gsize size, gpointer user_data)
{
  VpGuestCommand *self = user_data;

  g_string_append_len (self->tail, data, (gssize) size);
  if (self->tail->len > 2 * TAIL_BYTES)
    g_string_erase (self->tail, 0, (gssize) (self->tail->len - TAIL_BYTES));
}

static gboolean
add_stream (VpGuestCommand *self, guint index, int fd, GError **error)
{
  int ours;

  if (!vp_qemu_launch_make_socketpair (&ours, &self->theirs[1 + index], error))
    return FALSE;
  self->streams[index] = vp_guest_stream_new (ours, fd, on_output, tell, self);
  return TRUE;
}

VpGuestCommand *
vp_guest_command_new (const VpGuestCommandInput *input,
                      void (*changed) (gpointer user_data),
                      gpointer user_data,
                      GError **error)
{
  g_autoptr (VpGuestCommand) self = g_new0 (VpGuestCommand, 1);

  self->changed = changed;
  self->user_data = user_data;
  self->result = -1;
  for (guint i = 0; i < N_PORTS; i++)
    self->theirs[i] = -1;
  self->record = vp_guest_record_new ();
  self->to_send = g_byte_array_new ();
  self->tail = g_string_new (NULL);

  if (!vp_qemu_launch_make_socketpair (&self->result, &self->theirs[0], error))
    return NULL;
  if (input->argv != NULL &&
      (!write_job (self->to_send, input, error) || !add_stream (self, 0, input->out_fd, error) ||
       !add_stream (self, 1, input->err_fd, error)))
    return NULL;
  self->in = vp_fd_watch_new (self->result, G_IO_IN, on_result, self);
  send_some (self);
  return g_steal_pointer (&self);
}

void
vp_guest_command_free (VpGuestCommand *self)
{
  if (self == NULL)
    return;

  vp_fd_watch_clear (&self->in);
  vp_fd_watch_clear (&self->out);
  for (guint i = 0; i < N_STREAMS; i++)
    vp_guest_stream_free (self->streams[i]);
  for (guint i = 0; i < N_PORTS; i++)
    vp_autofd_close (&self->theirs[i]);
  vp_autofd_close (&self->result);
  vp_guest_record_free (self->record);
  g_byte_array_unref (self->to_send);
  g_string_free (self->tail, TRUE);
  g_free (self);
}

int
vp_guest_command_steal_port (VpGuestCommand *self)
{
  for (guint i = 0; i < N_PORTS; i++)
    if (self->theirs[i] >= 0)
      return g_steal_fd (&self->theirs[i]);
  return -1;
}

guint
vp_guest_command_get_status (const VpGuestCommand *self)
{
  return self->record->status;
}

const char *
vp_guest_command_get_text (const VpGuestCommand *self)
{
  return self->record->text;
}

char **
vp_guest_command_get_tail (const VpGuestCommand *self, guint n)
{
  g_auto (GStrv) lines = NULL;
  g_autoptr (GString) text = g_string_new_len (self->tail->str, (gssize) self->tail->len);
  guint n_lines;

  for (gsize i = 0; i < text->len; i++)
    if (text->str[i] == '\0')
      text->str[i] = '?';
  if (text->len > 0 && text->str[text->len - 1] == '\n')
    g_string_truncate (text, text->len - 1);
  lines = g_strsplit (text->str, "\n", -1);
  n_lines = g_strv_length (lines);
  return g_strdupv (lines + (n_lines > n ? n_lines - n : 0));
}

void
vp_guest_command_flush (VpGuestCommand *self, guint timeout_ms)
{
  gboolean ended;

  while (read_some (self, &ended))
    ;
  for (guint i = 0; i < N_STREAMS; i++)
    if (self->streams[i] != NULL)
      vp_guest_stream_flush (self->streams[i], timeout_ms);
}
