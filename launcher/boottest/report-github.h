#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_report_github_commands:
 * @documents: (element-type JsonObject): "boot" documents
 *
 * Returns: (transfer full): a workflow command for each case that is not passed, and a warning for
 *   each that passed only when it was tried again; GitHub shows them beside the run
 */
char *vp_report_github_commands (const GPtrArray *documents);

/**
 * vp_report_github_summary:
 * @title: what was tested
 * @documents: (element-type JsonObject): "boot" documents
 *
 * Nothing that a guest or a manifest says is Markdown or HTML there.
 *
 * Returns: (transfer full): Markdown: a table of the cases with the times of their milestones, and
 *   the console of the first that failed; within the MiB that GitHub takes from one step
 */
char *vp_report_github_summary (const char *title, const GPtrArray *documents);

/**
 * vp_report_github_publish:
 * @title: what was tested
 * @documents: (element-type JsonObject): "boot" documents
 * @error: return location for a #GError
 *
 * Where GITHUB_ACTIONS is set, prints the commands on stderr, which the runner reads like stdout,
 * and appends the summary to the file named by GITHUB_STEP_SUMMARY. Else does nothing.
 *
 * Returns: %FALSE with %VP_ERROR_HOST when that file cannot be written
 */
gboolean vp_report_github_publish (const char *title, const GPtrArray *documents, GError **error);

G_END_DECLS
