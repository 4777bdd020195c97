#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_document_text:
 * @document: what a supervisor returned
 * @name: a member
 *
 * Returns: (transfer none): the string, for a person to read; "-" when there is none
 */
const char *vp_document_text (JsonObject *document, const char *name);

/**
 * vp_document_seconds:
 * @document: what a supervisor returned
 * @name: a member
 *
 * Returns: the number; negative when there is none
 */
double vp_document_seconds (JsonObject *document, const char *name);

/**
 * vp_document_uptime:
 * @document: what a supervisor returned
 *
 * Returns: (transfer full): its "uptime" as "12 s", "3 min 20 s", "5 h 2 min" or "2 d 4 h"; "-"
 * when there is none
 */
char *vp_document_uptime (JsonObject *document);

G_END_DECLS
