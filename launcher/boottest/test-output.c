#include "launcher/boottest/test-output.h"

#include "launcher/boottest/boot-document.h"
#include "launcher/boottest/live-screen.h"
#include "launcher/boottest/report-tap.h"
#include "launcher/boottest/report-text.h"
#include "qmp/message.h"

/* The end is worth a wait to whoever reads the events. */
#define FLUSH_MS 5000

struct _VpTestOutput
{
  FILE *file;
  gboolean has_colour;
  VpLiveScreen *screen;  /* NULL: TAP */
  guint n_told;          /* TAP's test points */
  VpEventStream *events; /* nullable */
};

G_GNUC_PRINTF (2, 3)
static void
print (VpTestOutput *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vfprintf (self->file, format, args);
  va_end (args);
  fflush (self->file);
}

VpTestOutput *
vp_test_output_new (
    VpTestOutputKind kind, FILE *file, gboolean has_colour, guint n_cases, VpEventStream *events)
{
  VpTestOutput *self = g_new0 (VpTestOutput, 1);
  g_autofree char *head = vp_report_tap_head (n_cases);

  self->file = file;
  self->has_colour = has_colour;
  self->events = events;
  if (kind == VP_TEST_OUTPUT_TEXT)
    self->screen = vp_live_screen_new (file, n_cases, has_colour);
  else
    print (self, "%s", head);
  return self;
}

void
vp_test_output_free (VpTestOutput *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->screen, vp_live_screen_free);
  vp_event_stream_free (self->events);
  g_free (self);
}

static void
print_tap (VpTestOutput *self, const char *what, JsonObject *event, JsonObject *document)
{
  g_autofree char *point = NULL;

  if (document != NULL)
    {
      point = vp_report_tap_case (++self->n_told, document);
      print (self, "%s", point);
    }
  /* Where that attempt stood is in no other report. */
  else if (g_str_equal (what, "retry"))
    {
      g_autofree char *name = vp_boot_document_dup_line (event, "name");
      g_autofree char *reason = vp_boot_document_dup_line (event, "reason");

      print (self, "# %s: tried again: %s\n", name, reason);
    }
}

void
vp_test_output_take (VpTestOutput *self, guint index, JsonObject *event)
{
  const char *what = vp_boot_document_get_text (event, "event");
  JsonObject *document = vp_qmp_message_get_object (event, "document");

  if (self->events != NULL)
    vp_event_stream_send (self->events, event, g_str_equal (what, "console"));
  if (self->screen == NULL)
    print_tap (self, what, event, document);
  else if (document != NULL)
    vp_live_screen_finish (self->screen, index, document);
  else
    vp_live_screen_add_event (self->screen, index, event);
}

void
vp_test_output_finish (VpTestOutput *self, const GPtrArray *documents, int signal_number)
{
  g_autofree char *summary = vp_report_text_summary (documents, self->has_colour);

  if (self->screen != NULL)
    {
      g_clear_pointer (&self->screen, vp_live_screen_free);
      print (self, "%s", summary);
    }
  else if (signal_number != 0)
    print (self, "Bail out! ended by signal %d\n", signal_number);
  if (self->events != NULL)
    vp_event_stream_flush (self->events, FLUSH_MS);
}
