#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpSpan:
 * @VP_SPAN_WHOLE: a whole line
 * @VP_SPAN_GROWING: the beginning of a line: what comes may change what matches
 *
 * What a pattern is looked for in.
 */
typedef enum
{
  VP_SPAN_WHOLE,
  VP_SPAN_GROWING,
} VpSpan;

/**
 * VpMatch:
 * @VP_MATCH_NONE: nothing matches, and nothing that begins in this text ever will
 * @VP_MATCH_OPEN: what comes decides; or the pattern was too costly to try to the end
 * @VP_MATCH_FOUND: it matches, whatever comes
 *
 * What came of looking for a pattern.
 */
typedef enum
{
  VP_MATCH_NONE,
  VP_MATCH_OPEN,
  VP_MATCH_FOUND,
} VpMatch;

/**
 * vp_console_pattern_new:
 * @text: a regular expression
 * @error: return location for a #GError
 *
 * Made for one line of a console at a time: bytes and not characters, because a console may show
 * anything; ^ and $ are the line's ends. How long it may try is bounded.
 *
 * Returns: (transfer full) (nullable): free with g_regex_unref(); %NULL with %VP_ERROR_USAGE
 */
GRegex *vp_console_pattern_new (const char *text, GError **error);

/**
 * vp_console_pattern_new_for_lines:
 * @text: a regular expression of ours
 *
 * Of one line, and of many: ^ and $ are the ends of each.
 *
 * Returns: (transfer full): free with g_regex_unref()
 */
GRegex *vp_console_pattern_new_for_lines (const char *text);

/**
 * vp_console_pattern_find:
 * @pattern: from vp_console_pattern_new()
 * @text: (array length=size): a line, or its beginning, without newlines
 * @size: its length
 * @from: where a match may begin; what is before it is seen by ^ and lookbehinds only
 * @span: what @text is
 * @start: (out) (optional): where the match begins
 * @end: (out) (optional): where it ends
 *
 * Of a growing text the answer is what it would be of any longer one, or %VP_MATCH_OPEN: so it does
 * not matter how a line is cut when it comes in pieces. Of a whole line an open answer means that
 * the pattern needed too much work; that is no match.
 *
 * Returns: whether it matches
 */
VpMatch vp_console_pattern_find (const GRegex *pattern,
                                 const char *text,
                                 gsize size,
                                 gsize from,
                                 VpSpan span,
                                 gsize *start,
                                 gsize *end);

G_END_DECLS
