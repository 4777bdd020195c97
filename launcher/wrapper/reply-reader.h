#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** Most that is kept of a value to find out what it means; what is longer passes unread. */
#define VP_REPLY_READER_MAX_KEPT (64u * 1024u)

/** VpReplyReaderHandler: what is told of QEMU's stream, in its order and without a byte less */
typedef struct
{
  /* A whole event. @message: (nullable): its meaning */
  void (*event) (const char *text, gsize len, JsonObject *message, gpointer user_data);
  /* A reply begins. @id: (nullable): its id, if vp_reply_reader_want_ids() was on */
  void (*reply) (JsonNode *id, gpointer user_data);
  /* Something else begins: the greeting, or what is too long or too strange to tell. */
  void (*other) (gpointer user_data);
  /* The next bytes of what has begun; its end; and what stands behind it. */
  void (*bytes) (const char *data, gsize len, gpointer user_data);
  void (*end) (gpointer user_data);
  void (*gap) (const char *data, gsize len, gpointer user_data);
} VpReplyReaderHandler;

/**
 * VpReplyReader:
 *
 * Tells what QEMU's values are without keeping more of them than it needs for that.
 */
typedef struct _VpReplyReader VpReplyReader;

/**
 * vp_reply_reader_new:
 * @handler: must outlive it
 * @user_data: for @handler
 *
 * Returns: (transfer full): free with vp_reply_reader_free()
 */
VpReplyReader *vp_reply_reader_new (const VpReplyReaderHandler *handler, gpointer user_data);
void vp_reply_reader_free (VpReplyReader *self);

/**
 * vp_reply_reader_want_ids:
 * @self: a reader
 * @wanted: whether replies are to come with their id: only then is a reply kept until its end
 */
void vp_reply_reader_want_ids (VpReplyReader *self, gboolean wanted);

/**
 * vp_reply_reader_push:
 * @self: a reader
 * @data: (array length=len): the next bytes of QEMU's stream
 * @len: how many
 */
void vp_reply_reader_push (VpReplyReader *self, const guint8 *data, gsize len);

/**
 * vp_reply_reader_end:
 * @self: a reader
 *
 * The stream is over: what was kept of an unfinished value passes.
 */
void vp_reply_reader_end (VpReplyReader *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpReplyReader, vp_reply_reader_free)

G_END_DECLS
