#include "launcher/rehearse.h"

#include "launcher/signals.h"

#include <glib-unix.h>
#include <unistd.h>

typedef struct
{
  GMainLoop *loop;
  GCancellable *cancellable;
  int signal_number;
  VpRehearsalReport *report;
  GError *error;
} Rehearse;

static gboolean
on_signal (int fd, GIOCondition condition, gpointer user_data)
{
  Rehearse *self = user_data;
  int number;

  while ((number = vp_signals_read (fd)) != 0)
    {
      self->signal_number = number;
      g_cancellable_cancel (self->cancellable);
    }
  return G_SOURCE_CONTINUE;
}

static void
on_over (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Rehearse *self = user_data;

  self->report = vp_rehearsal_run_finish (result, &self->error);
  g_main_loop_quit (self->loop);
}

VpRehearsalReport *
vp_rehearse (const VpBlueprint *blueprint, guint timeout_ms, int *signal_number, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Rehearse self = { .loop = loop, .cancellable = cancellable };
  int signals = vp_signals_open ();
  guint signal_source = g_unix_fd_add (signals, G_IO_IN, on_signal, &self);

  vp_rehearsal_run_async (blueprint, timeout_ms, cancellable, on_over, &self);
  g_main_loop_run (loop);

  g_source_remove (signal_source);
  close (signals);
  *signal_number = self.signal_number;
  if (self.report == NULL)
    g_propagate_error (error, self.error);
  return self.report;
}

gboolean
vp_rehearse_first (const VpBlueprint *blueprint, int *signal_number, GError **error)
{
  guint timeout_ms = vp_rehearsal_default_timeout (blueprint->plan);
  g_autoptr (VpRehearsalReport) report = vp_rehearse (blueprint, timeout_ms, signal_number, error);

  return report != NULL && vp_rehearsal_report_check (report, error);
}
