#include "launcher/boottest/live-screen.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TICK_SECONDS    1
#define DEFAULT_COLUMNS 80
#define DEFAULT_ROWS    24

struct _VpLiveScreen
{
  FILE *file;
  VpLiveView *view;
  guint n_drawn;     /* lines that the cursor stands below */
  guint draw_source; /* 0: nothing has changed */
  guint tick_source; /* 0: not a terminal */
  gint64 drawn_at_ms;
};

static gint64
now_ms (void)
{
  return g_get_monotonic_time () / 1000;
}

static guint
count_lines (const char *text)
{
  guint n = 0;

  for (const char *p = strchr (text, '\n'); p != NULL; p = strchr (p + 1, '\n'))
    n++;
  return n;
}

/* In one piece, so that no terminal shows the moment between. */
static void
put (VpLiveScreen *self, const char *drawing)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *stays = vp_live_view_take_lines (self->view);

  if (self->n_drawn > 0)
    g_string_append_printf (out, "\r\033[%uA\033[J", self->n_drawn);
  g_string_append (out, stays);
  g_string_append (out, drawing);
  self->n_drawn = count_lines (drawing);
  self->drawn_at_ms = now_ms ();
  fwrite (out->str, 1, out->len, self->file);
  fflush (self->file);
}

static void
draw (VpLiveScreen *self)
{
  struct winsize size = { 0 };
  g_autofree char *drawing = NULL;

  if (ioctl (fileno (self->file), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    size = (struct winsize){ .ws_col = DEFAULT_COLUMNS, .ws_row = DEFAULT_ROWS };
  drawing = vp_live_view_draw (self->view, size.ws_col, size.ws_row, now_ms ());
  put (self, drawing);
}

static gboolean
on_draw (gpointer data)
{
  VpLiveScreen *self = data;

  self->draw_source = 0;
  draw (self);
  return G_SOURCE_REMOVE;
}

static void
draw_soon (VpLiveScreen *self)
{
  gint64 wait = self->drawn_at_ms + VP_LIVE_SCREEN_PAUSE_MS - now_ms ();

  if (self->draw_source == 0)
    self->draw_source =
        g_timeout_add ((guint) CLAMP (wait, 0, VP_LIVE_SCREEN_PAUSE_MS), on_draw, self);
}

static gboolean
on_tick (gpointer data)
{
  draw_soon (data); /* times go on where nothing else happens */
  return G_SOURCE_CONTINUE;
}

VpLiveScreen *
vp_live_screen_new (FILE *file, guint n_cases, gboolean has_colour)
{
  VpLiveScreen *self = g_new0 (VpLiveScreen, 1);
  gboolean is_terminal = isatty (fileno (file));

  self->file = file;
  self->view = vp_live_view_new (n_cases, is_terminal, has_colour);
  if (is_terminal)
    self->tick_source = g_timeout_add_seconds (TICK_SECONDS, on_tick, self);
  return self;
}

void
vp_live_screen_free (VpLiveScreen *self)
{
  put (self, "");
  g_clear_handle_id (&self->draw_source, g_source_remove);
  g_clear_handle_id (&self->tick_source, g_source_remove);
  vp_live_view_free (self->view);
  g_free (self);
}

void
vp_live_screen_add_event (VpLiveScreen *self, guint index, JsonObject *event)
{
  vp_live_view_add_event (self->view, index, event, now_ms ());
  draw_soon (self);
}

void
vp_live_screen_finish (VpLiveScreen *self, guint index, JsonObject *document)
{
  vp_live_view_finish (self->view, index, document);
  draw_soon (self);
}
