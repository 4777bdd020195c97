#pragma once

#include "launcher/boottest/verdict.h"

G_BEGIN_DECLS

/**
 * VpFailPattern:
 * @name: what it tells of: "kernel panic"; of a user's own its text
 * @verdict: what it makes of the test
 * @regex: what the console shows then
 *
 * A line of the console that ends a boot test.
 */
typedef struct
{
  char *name;
  VpVerdict verdict;
  GRegex *regex;
} VpFailPattern;

/**
 * VpFailPatterns:
 *
 * All that end a boot test.
 */
typedef struct _VpFailPatterns VpFailPatterns;

/**
 * vp_fail_patterns_new:
 * @own: (array zero-terminated=1) (nullable): the user's own regular expressions
 * @builtin: whether what kernels, initramfs, boot loaders and firmware say counts too
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_fail_patterns_free(); %NULL with
 *   %VP_ERROR_USAGE
 */
VpFailPatterns *vp_fail_patterns_new (const char *const *own, gboolean builtin, GError **error);
void vp_fail_patterns_free (VpFailPatterns *self);

/**
 * vp_fail_patterns_suspect:
 * @self: patterns
 * @text: (array length=size): any number of lines
 * @size: its length
 *
 * One look at many lines that spares one at each of them.
 *
 * Returns: whether a built-in pattern may match one of them
 */
gboolean vp_fail_patterns_suspect (const VpFailPatterns *self, const char *text, gsize size);

/**
 * vp_fail_patterns_find:
 * @self: patterns
 * @line: (array length=size): one line
 * @size: its length
 * @from: where a match may begin
 * @before: where it must have begun
 * @suspect: %FALSE to spare the built-in ones
 *
 * Returns: (transfer none) (nullable): the first of the table that matches, the user's own last
 */
const VpFailPattern *vp_fail_patterns_find (const VpFailPatterns *self,
                                            const char *line,
                                            gsize size,
                                            gsize from,
                                            gsize before,
                                            gboolean suspect);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpFailPatterns, vp_fail_patterns_free)

G_END_DECLS
