#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VpJsonPiece: what the bytes are that vp_json_splitter_scan() has gone over */
typedef enum
{
  VP_JSON_PIECE_GAP,  /* between values: blanks, and what QEMU skips to recover */
  VP_JSON_PIECE_PART, /* of a value that goes on */
  VP_JSON_PIECE_END,  /* the rest of a value, which may be no bytes at all */
} VpJsonPiece;

/**
 * VpJsonSplitter:
 *
 * Cuts a byte stream into top-level JSON values where QEMU's own parser does (qobject/json-lexer.c
 * and json-streamer.c; equal in 7.2 and 10.0): by structure, since nobody has to send newlines.
 * What is no JSON is cut too, so that each value here is one answer of QEMU, if only a complaint:
 * "hello, world" is three. Reads no meaning into a value and keeps none of its bytes.
 */
typedef struct
{
  guint8 state;
  gboolean is_inside; /* between a value's first byte and its end */
  int braces;         /* open ones; QEMU counts the two kinds apart */
  int brackets;
  gsize n_tokens; /* of the value so far */
  gsize n_bytes;  /* of those tokens */
  gsize token;    /* bytes of the token so far */
} VpJsonSplitter;

/**
 * vp_json_splitter_init:
 * @self: a splitter, for the beginning of a stream
 */
void vp_json_splitter_init (VpJsonSplitter *self);

/**
 * vp_json_splitter_scan:
 * @self: a splitter
 * @data: (array length=len): the next bytes of the stream
 * @len: how many; not 0
 * @piece: (out): what the bytes gone over are
 *
 * Goes on to the next cut, or to the end of @data. The same stream in other chunks gives the same
 * cuts. A number or a keyword ends with the byte behind it, so its %VP_JSON_PIECE_END comes late
 * and may have no bytes.
 *
 * Returns: how many bytes that was; call again with the rest
 */
gsize
vp_json_splitter_scan (VpJsonSplitter *self, const guint8 *data, gsize len, VpJsonPiece *piece);

G_END_DECLS
