#include "qmp/json-rewriter.h"

#include <string.h>

#define MAX_STRING 1024
#define MAX_BLANKS 1024 /* behind a string, before what tells whether it is a name */
#define MAX_KEY    64

typedef enum
{
  OUTSIDE,
  IN_STRING,
  IN_ESCAPE,
  IN_LONG, /* a string that is passed on as it comes */
  IN_LONG_ESCAPE,
  BEHIND_STRING, /* whose meaning the next byte tells */
} State;

struct _VpJsonRewriter
{
  VpJsonReplace replace;
  gpointer user_data;
  State state;
  guint depth;
  gboolean is_in_id; /* the message's own */
  char key[MAX_KEY]; /* the last one */
  GString *held;     /* a string with its quotes, and blanks */
  gsize string_len;  /* of them, the string */
};

VpJsonRewriter *
vp_json_rewriter_new (VpJsonReplace replace, gpointer user_data)
{
  VpJsonRewriter *self = g_new0 (VpJsonRewriter, 1);

  self->replace = replace;
  self->user_data = user_data;
  self->held = g_string_new (NULL);
  return self;
}

void
vp_json_rewriter_free (VpJsonRewriter *self)
{
  if (self == NULL)
    return;

  g_string_free (self->held, TRUE);
  g_free (self);
}

static void
pass_held (VpJsonRewriter *self, GString *out)
{
  g_string_append_len (out, self->held->str, (gssize) self->held->len);
  g_string_truncate (self->held, 0);
}

static void
pass_value (VpJsonRewriter *self, GString *out)
{
  gsize before = out->len;

  if (!self->is_in_id)
    {
      g_string_append_c (out, '"');
      if (self->replace (self->held->str + 1, self->string_len - 2, self->key, out,
                         self->user_data))
        {
          g_string_append_c (out, '"');
          g_string_erase (self->held, 0, (gssize) self->string_len);
        }
      else
        g_string_truncate (out, before);
    }
  pass_held (self, out);
}

static void
take_name (VpJsonRewriter *self)
{
  gsize len = MIN (self->string_len - 2, MAX_KEY - 1);

  memcpy (self->key, self->held->str + 1, len);
  self->key[len] = '\0';
  if (self->depth == 1)
    self->is_in_id = strcmp (self->key, "id") == 0;
}

static void
end_string (VpJsonRewriter *self)
{
  self->string_len = self->held->len;
  self->state = BEHIND_STRING;
}

/* Returns: whether @byte is used up */
static gboolean
feed_behind (VpJsonRewriter *self, char byte, GString *out)
{
  if (strchr (" \t\r\n", byte) != NULL && byte != '\0' &&
      self->held->len < self->string_len + MAX_BLANKS)
    {
      g_string_append_c (self->held, byte);
      return TRUE;
    }
  if (byte == ':')
    {
      take_name (self);
      pass_held (self, out);
    }
  else
    pass_value (self, out);
  self->state = OUTSIDE;
  return FALSE;
}

static void
feed_outside (VpJsonRewriter *self, char byte, GString *out)
{
  if (byte == '"')
    {
      g_string_append_c (self->held, byte);
      self->state = IN_STRING;
      return;
    }
  if (byte == '{' || byte == '[')
    self->depth++;
  else if (byte == '}' || byte == ']')
    self->depth--;
  g_string_append_c (out, byte);
}

static void
feed_string (VpJsonRewriter *self, char byte, GString *out)
{
  g_string_append_c (self->held, byte);
  if (self->state == IN_ESCAPE)
    self->state = IN_STRING;
  else if (byte == '\\')
    self->state = IN_ESCAPE;
  else if (byte == '"')
    end_string (self);

  if (self->held->len >= MAX_STRING && self->state != BEHIND_STRING)
    {
      self->state = self->state == IN_ESCAPE ? IN_LONG_ESCAPE : IN_LONG;
      pass_held (self, out);
    }
}

static void
feed_long (VpJsonRewriter *self, char byte, GString *out)
{
  g_string_append_c (out, byte);
  if (self->state == IN_LONG_ESCAPE)
    self->state = IN_LONG;
  else if (byte == '\\')
    self->state = IN_LONG_ESCAPE;
  else if (byte == '"')
    self->state = OUTSIDE;
}

void
vp_json_rewriter_feed (VpJsonRewriter *self, const char *data, gsize len, GString *out)
{
  for (gsize i = 0; i < len; i++)
    switch (self->state)
      {
      case BEHIND_STRING:
        if (!feed_behind (self, data[i], out))
          feed_outside (self, data[i], out);
        break;
      case OUTSIDE:
        feed_outside (self, data[i], out);
        break;
      case IN_STRING:
      case IN_ESCAPE:
        feed_string (self, data[i], out);
        break;
      case IN_LONG:
      case IN_LONG_ESCAPE:
        feed_long (self, data[i], out);
        break;
      default:
        g_assert_not_reached ();
      }
}

void
vp_json_rewriter_end (VpJsonRewriter *self, GString *out)
{
  if (self->state == BEHIND_STRING)
    pass_value (self, out);
  else
    pass_held (self, out);
  self->state = OUTSIDE;
  self->depth = 0;
  self->is_in_id = FALSE;
  self->key[0] = '\0';
}
