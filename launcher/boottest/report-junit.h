#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpJunitSuite:
 * @name: of the suite: the manifest
 * @documents: (element-type JsonObject): "boot" documents of its cases
 *
 * Borrows.
 */
typedef struct
{
  const char *name;
  const GPtrArray *documents;
} VpJunitSuite;

/**
 * vp_report_junit:
 * @suites: (array length=n_suites): suites
 * @n_suites: their number
 *
 * Makes XML as Jenkins, GitLab and Maven's Surefire know it; tests/golden/junit.xsd says it in
 * full. A verdict that says something about the guest is a "failure", infra is an "error". Pure.
 *
 * Returns: (transfer full): the document
 */
char *vp_report_junit (const VpJunitSuite *suites, gsize n_suites);

G_END_DECLS
