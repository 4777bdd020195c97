#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_json_write:
 * @out: where to append
 * @node: a value
 *
 * Appends @node as JSON without blanks or newlines. json-glib's own generator is not used: it
 * prints 1e20 as 1e+20.0 and leaves U+001F as it is, and neither can be read back.
 *
 * Text that is not UTF-8 (a file name may be anything) has its bad bytes replaced by U+FFFD, and a
 * double that is not finite becomes null: JSON has no such number.
 */
void vp_json_write (GString *out, JsonNode *node);

/**
 * vp_json_write_string:
 * @out: where to append
 * @text: NUL-terminated
 *
 * Appends @text as a JSON string, quoted and escaped.
 */
void vp_json_write_string (GString *out, const char *text);

G_END_DECLS
