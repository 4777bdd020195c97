#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_report_text_case:
 * @document: a "boot" document
 * @has_colour: whether the terminal shows colours, and its user wants them
 *
 * Returns: (transfer full): for a person: one line when the case is passed or skipped; else what
 *   went wrong, the steps with their times, the end of the console, and how to do it again
 */
char *vp_report_text_case (JsonObject *document, gboolean has_colour);

/**
 * vp_report_text_summary:
 * @documents: (element-type JsonObject): "boot" documents
 * @has_colour: as above
 *
 * Returns: (transfer full): one line: how many there are of each verdict
 */
char *vp_report_text_summary (const GPtrArray *documents, gboolean has_colour);

G_END_DECLS
