#include "launcher/wrapper/reply-reader.h"

#include "qmp/json-splitter.h"
#include "qmp/message.h"

#include <string.h>

/* More blanks before a message's first name, or a longer name, are none of QEMU's. */
#define MAX_SNIFFED 256

typedef enum
{
  SNIFFING, /* the first name tells what a value is */
  KEEPING_EVENT,
  KEEPING_REPLY,
  PASSING,
} State;

struct _VpReplyReader
{
  const VpReplyReaderHandler *handler;
  gpointer user_data;
  VpJsonSplitter splitter;
  State state;
  gboolean want_ids;
  GString *kept;
};

VpReplyReader *
vp_reply_reader_new (const VpReplyReaderHandler *handler, gpointer user_data)
{
  VpReplyReader *self = g_new0 (VpReplyReader, 1);

  self->handler = handler;
  self->user_data = user_data;
  self->kept = g_string_new (NULL);
  vp_json_splitter_init (&self->splitter);
  return self;
}

void
vp_reply_reader_free (VpReplyReader *self)
{
  if (self == NULL)
    return;

  g_string_free (self->kept, TRUE);
  g_free (self);
}

void
vp_reply_reader_want_ids (VpReplyReader *self, gboolean wanted)
{
  self->want_ids = wanted;
}

/* Lets go of what was kept of a value that has been told to have begun. */
static void
pass_kept (VpReplyReader *self)
{
  self->handler->bytes (self->kept->str, self->kept->len, self->user_data);
  g_string_truncate (self->kept, 0);
  self->state = PASSING;
}

static void
pass_other (VpReplyReader *self)
{
  self->handler->other (self->user_data);
  pass_kept (self);
}

static void
pass_reply (VpReplyReader *self, JsonNode *id)
{
  self->handler->reply (id, self->user_data);
  pass_kept (self);
}

/* Returns: (transfer full) (nullable) */
static JsonObject *
parse_kept (VpReplyReader *self)
{
  if (memchr (self->kept->str, '\0', self->kept->len) != NULL)
    return NULL;
  return vp_qmp_message_parse (self->kept->str, NULL);
}

static gboolean
is_name (const char *name, gsize len, const char *const *names)
{
  for (; *names != NULL; names++)
    if (strlen (*names) == len && memcmp (*names, name, len) == 0)
      return TRUE;
  return FALSE;
}

/* Looks for the first name: {"NAME" */
static void
sniff (VpReplyReader *self)
{
  static const char *const of_events[] = { "timestamp", "event", "data", NULL };
  static const char *const of_replies[] = { "return", "error", "id", NULL };
  static const char blanks[] = " \t\r\n";
  const char *text = self->kept->str;
  const char *name, *end;

  name = text + 1 + strspn (text + 1, blanks);
  if (*text == '{' && *name == '\0' && self->kept->len < MAX_SNIFFED)
    return;
  if (*text != '{' || *name != '"')
    {
      pass_other (self);
      return;
    }
  end = strchr (++name, '"');
  if (end == NULL && self->kept->len < MAX_SNIFFED)
    return;
  if (end != NULL && is_name (name, (gsize) (end - name), of_events))
    self->state = KEEPING_EVENT;
  else if (end == NULL || !is_name (name, (gsize) (end - name), of_replies))
    pass_other (self);
  else if (self->want_ids)
    self->state = KEEPING_REPLY;
  else
    pass_reply (self, NULL);
}

static void
take (VpReplyReader *self, const char *data, gsize len)
{
  if (self->state == PASSING)
    {
      if (len > 0)
        self->handler->bytes (data, len, self->user_data);
      return;
    }

  g_string_append_len (self->kept, data, (gssize) len);
  if (self->state == SNIFFING)
    sniff (self);
  if (self->state == PASSING || self->kept->len <= VP_REPLY_READER_MAX_KEPT)
    return;
  if (self->state == KEEPING_REPLY)
    pass_reply (self, NULL);
  else
    pass_other (self);
}

static void
end_value (VpReplyReader *self)
{
  State state = self->state;

  if (state == KEEPING_EVENT)
    {
      g_autoptr (JsonObject) message = parse_kept (self);

      self->handler->event (self->kept->str, self->kept->len, message, self->user_data);
      g_string_truncate (self->kept, 0);
    }
  else if (state == KEEPING_REPLY)
    {
      g_autoptr (JsonObject) message = parse_kept (self);

      pass_reply (self, message != NULL ? json_object_get_member (message, "id") : NULL);
    }
  else if (state == SNIFFING)
    pass_other (self);

  if (state != KEEPING_EVENT)
    self->handler->end (self->user_data);
  self->state = SNIFFING;
}

void
vp_reply_reader_push (VpReplyReader *self, const guint8 *data, gsize len)
{
  while (len > 0)
    {
      VpJsonPiece piece;
      gsize n = vp_json_splitter_scan (&self->splitter, data, len, &piece);

      if (piece == VP_JSON_PIECE_GAP)
        self->handler->gap ((const char *) data, n, self->user_data);
      else
        take (self, (const char *) data, n);
      if (piece == VP_JSON_PIECE_END)
        end_value (self);
      data += n;
      len -= n;
    }
}

void
vp_reply_reader_end (VpReplyReader *self)
{
  if (self->kept->len > 0)
    pass_other (self);
  if (self->state == PASSING)
    self->handler->end (self->user_data);
  self->state = SNIFFING;
}
