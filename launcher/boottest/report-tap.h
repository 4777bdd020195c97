#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_report_tap_head:
 * @n_cases: how many cases there are
 *
 * Version 13 of the Test Anything Protocol: nothing of 14 is needed, and prove refuses that.
 *
 * Returns: (transfer full): the version and the plan
 */
char *vp_report_tap_head (guint n_cases);

/**
 * vp_report_tap_case:
 * @number: from 1, in the order of printing
 * @document: a "boot" document
 *
 * Returns: (transfer full): its line, and when it is not passed what there is to know in a block of
 *   YAML, of the little that prove can read
 */
char *vp_report_tap_case (guint number, JsonObject *document);

G_END_DECLS
