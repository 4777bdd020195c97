#include "launcher/boottest/guest-record.h"

#include "launcher/visible-line.h"

#include <string.h>

VpGuestRecord *
vp_guest_record_new (void)
{
  VpGuestRecord *self = g_new0 (VpGuestRecord, 1);

  self->line = g_string_new (NULL);
  return self;
}

void
vp_guest_record_free (VpGuestRecord *self)
{
  if (self == NULL)
    return;

  g_string_free (self->line, TRUE);
  g_free (self->text);
  g_free (self);
}

static void
set_failed (VpGuestRecord *self, const char *text)
{
  self->state = VP_GUEST_RECORD_FAILED;
  g_free (self->text);
  self->text = vp_visible_line (text);
}

static gboolean
parse_status (const char *text, guint *status)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 0, 255, &number, NULL))
    return FALSE;
  *status = (guint) number;
  return TRUE;
}

/* @rest: "STATUS STDOUT STDERR TEXT", where TEXT may be empty */
static gboolean
parse_end (VpGuestRecord *self, const char *rest)
{
  g_auto (GStrv) words = g_strsplit (rest, " ", 4);

  if (g_strv_length (words) != 4 || !parse_status (words[0], &self->status))
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (!g_ascii_string_to_unsigned (words[i + 1], 10, 0, G_MAXUINT64, &self->sizes[i], NULL))
      return FALSE;
  if (words[3][0] != '\0')
    self->text = vp_visible_line (words[3]);
  return TRUE;
}

static void
take_line (VpGuestRecord *self)
{
  const char *line = self->line->str;

  if (g_str_equal (line, "started") && self->state == VP_GUEST_RECORD_NONE)
    self->state = VP_GUEST_RECORD_STARTED;
  else if (g_str_has_prefix (line, "failed "))
    set_failed (self, line + strlen ("failed "));
  else if (parse_status (line, &self->status) ||
           (g_str_has_prefix (line, "ended ") && parse_end (self, line + strlen ("ended "))))
    self->state = VP_GUEST_RECORD_ENDED;
  else
    {
      g_autofree char *text = g_strdup_printf ("its report is not understood: \"%s\"", line);

      set_failed (self, text);
    }
}

void
vp_guest_record_feed (VpGuestRecord *self, const char *data, gsize size)
{
  for (gsize i = 0; i < size && self->state < VP_GUEST_RECORD_ENDED; i++)
    if (data[i] != '\n' && self->line->len < VP_GUEST_RECORD_LINE)
      g_string_append_c (self->line, data[i] != '\0' ? data[i] : '?');
    else
      {
        take_line (self);
        g_string_truncate (self->line, 0);
      }
}
