#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpJsonReplace:
 * @text: (array length=len): a string value as it stands between its quotes, escapes and all
 * @len: its length
 * @key: the name of the member that it is, or whose array or object it is in; "" for none
 * @out: where to append what is to stand there instead
 * @user_data: from vp_json_rewriter_new()
 *
 * Returns: whether it has appended something
 */
typedef gboolean (*VpJsonReplace) (
    const char *text, gsize len, const char *key, GString *out, gpointer user_data);

/**
 * VpJsonRewriter:
 *
 * Replaces string values in a message that comes in pieces and may be too large to keep. Names of
 * members stay, and so does the message's own member "id", which is its sender's. A string that is
 * longer than any id or path stays too.
 */
typedef struct _VpJsonRewriter VpJsonRewriter;

/**
 * vp_json_rewriter_new:
 * @replace: called for each string value
 * @user_data: for @replace
 *
 * Returns: (transfer full): free with vp_json_rewriter_free()
 */
VpJsonRewriter *vp_json_rewriter_new (VpJsonReplace replace, gpointer user_data);
void vp_json_rewriter_free (VpJsonRewriter *self);

/**
 * vp_json_rewriter_feed:
 * @self: a rewriter
 * @data: (array length=len): the next bytes of a message
 * @len: how many
 * @out: where to append what is known to stand there
 *
 * Holds back no more than a string and the blanks behind it.
 */
void vp_json_rewriter_feed (VpJsonRewriter *self, const char *data, gsize len, GString *out);

/**
 * vp_json_rewriter_end:
 * @self: a rewriter
 * @out: where to append the rest
 *
 * The message is over; the next one begins.
 */
void vp_json_rewriter_end (VpJsonRewriter *self, GString *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpJsonRewriter, vp_json_rewriter_free)

G_END_DECLS
