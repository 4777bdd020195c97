#include "launcher/vm/fd-watch.h"

GSource *
vp_fd_watch_new (int fd, GIOCondition condition, GUnixFDSourceFunc callback, gpointer user_data)
{
  GSource *watch = g_unix_fd_source_new (fd, condition);
  GMainContext *context = g_main_context_get_thread_default ();

  g_source_set_callback (watch, G_SOURCE_FUNC (callback), user_data, NULL);
  g_source_attach (watch, context);
  return watch;
}

void
vp_fd_watch_clear (GSource **watch)
{
  if (*watch == NULL)
    return;

  g_source_destroy (*watch);
  g_source_unref (g_steal_pointer (watch));
}
