#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_test_report_list:
 * @cases: (element-type VpTestCase): cases
 *
 * Returns: (transfer full): {"cases":[{"name","manifest","place","argv"}]}
 */
JsonObject *vp_test_report_list (const GPtrArray *cases);

/**
 * vp_test_report_documents:
 * @documents: (element-type JsonObject): "boot" documents
 * @status: exit status of the run
 *
 * Returns: (transfer full): {"cases":[DOCUMENT],"exit":STATUS}
 */
JsonObject *vp_test_report_documents (const GPtrArray *documents, int status);

/**
 * vp_test_report_junit:
 * @path: a file
 * @cases: (element-type VpTestCase): the cases, those of one manifest next to each other
 * @documents: (element-type JsonObject): their "boot" documents
 * @error: return location for a #GError
 *
 * Writes them as JUnit XML, with a suite for each manifest.
 *
 * Returns: %FALSE with %VP_ERROR_HOST
 */
gboolean vp_test_report_junit (const char *path,
                               const GPtrArray *cases,
                               const GPtrArray *documents,
                               GError **error);

/**
 * vp_test_report_begin_junit:
 * @path: a file
 * @cases: (element-type VpTestCase): what is to run
 * @error: return location for a #GError
 *
 * Writes that no case has finished. So it is known in time when it cannot be written, and what an
 * earlier run has left is not taken for the result of this one if that is killed.
 *
 * Returns: %FALSE with %VP_ERROR_HOST
 */
gboolean vp_test_report_begin_junit (const char *path, const GPtrArray *cases, GError **error);

G_END_DECLS
