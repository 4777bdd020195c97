#include "launcher/boottest/console-text.h"

/* ECMA-48's control strings have no longest length; systemd's OSC 3008 has some hundred bytes. */
#define MAX_SEQUENCE 4096

#define ESC 0x1b
#define BEL 0x07

typedef enum
{
  STATE_TEXT,
  STATE_ESCAPE,        /* after ESC */
  STATE_CONTROL,       /* after ESC [ */
  STATE_STRING,        /* after ESC ], P, X, ^ or _: up to BEL or ESC \ */
  STATE_STRING_ESCAPE, /* after an ESC in that */
} State;

struct _VpConsoleText
{
  State state;
  guint length;         /* of the sequence so far */
  gboolean after_cr;    /* its newline is out: a LF belongs to it */
  gboolean within_line; /* something has come since the last newline */
};

VpConsoleText *
vp_console_text_new (void)
{
  return g_new0 (VpConsoleText, 1);
}

void
vp_console_text_free (VpConsoleText *self)
{
  g_free (self);
}

static gboolean
is_plain (guint8 byte)
{
  return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

static void
newline (VpConsoleText *self, GString *text)
{
  g_string_append_c (text, '\n');
  self->within_line = FALSE;
}

/* A byte that no sequence has a use for. */
static void
take_text (VpConsoleText *self, guint8 byte, GString *text)
{
  self->state = STATE_TEXT;
  if (byte == ESC)
    {
      self->state = STATE_ESCAPE;
      self->length = 0;
    }
  else if (byte == '\r' || byte == '\n')
    {
      if (!self->after_cr)
        newline (self, text);
      self->after_cr = byte == '\r';
    }
  else if (is_plain (byte))
    {
      g_string_append_c (text, (char) byte);
      self->after_cr = FALSE;
      self->within_line = TRUE;
    }
}

static void
take_escape (VpConsoleText *self, guint8 byte, GString *text)
{
  if (byte == '[')
    self->state = STATE_CONTROL;
  else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_')
    self->state = STATE_STRING;
  else if (byte >= 0x30 && byte < 0x7f)
    self->state = STATE_TEXT;
  else if (byte < 0x20 || byte >= 0x7f)
    take_text (self, byte, text);
}

static void
take_control (VpConsoleText *self, guint8 byte, GString *text)
{
  if (byte < 0x20 || byte >= 0x7f)
    take_text (self, byte, text);
  else if (byte >= 0x40)
    {
      self->state = STATE_TEXT;
      if ((byte == 'H' || byte == 'f') && self->within_line)
        newline (self, text);
    }
}

static void
take_string (VpConsoleText *self, guint8 byte, GString *text)
{
  if (byte == ESC)
    self->state = STATE_STRING_ESCAPE;
  else if (byte == BEL)
    self->state = STATE_TEXT;
  else if (byte == '\r' || byte == '\n')
    take_text (self, byte, text);
}

static void
take_string_escape (VpConsoleText *self, guint8 byte, GString *text)
{
  if (byte == '\\')
    self->state = STATE_TEXT;
  else
    {
      self->state = STATE_ESCAPE;
      take_escape (self, byte, text);
    }
}

static void
take (VpConsoleText *self, guint8 byte, GString *text)
{
  if (self->state != STATE_TEXT && ++self->length > MAX_SEQUENCE)
    self->state = STATE_TEXT;

  switch (self->state)
    {
    case STATE_TEXT:
      take_text (self, byte, text);
      break;
    case STATE_ESCAPE:
      take_escape (self, byte, text);
      break;
    case STATE_CONTROL:
      take_control (self, byte, text);
      break;
    case STATE_STRING:
      take_string (self, byte, text);
      break;
    case STATE_STRING_ESCAPE:
      take_string_escape (self, byte, text);
      break;
    }
}

void
vp_console_text_push (VpConsoleText *self, const guint8 *data, gsize size, GString *text)
{
  const guint8 *end = data + size;

  while (data < end)
    {
      const guint8 *run = data;

      while (self->state == STATE_TEXT && data < end && is_plain (*data))
        data++;
      if (data > run)
        {
          g_string_append_len (text, (const char *) run, data - run);
          self->after_cr = FALSE;
          self->within_line = TRUE;
        }
      if (data < end)
        take (self, *data++, text);
    }
}
