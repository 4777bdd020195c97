#pragma once

#include "launcher/boottest/test-case.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpTestRunOptions:
 * @program: vmplug
 * @jobs: most cases at a time, at least 1
 * @retries: how often a case is tried again whose verdict is infra
 * @artifacts: (nullable): the folder that has one of each case
 * @end_ms: how long a case may take to end in good order when a signal has come
 * @on_event: called with each event and which case it is of: those of vmplug boot, with the case's
 *   name, and "retry"
 * @user_data: for @on_event
 */
typedef struct
{
  const char *program;
  guint jobs;
  guint retries;
  const char *artifacts;
  guint end_ms;
  void (*on_event) (guint index, JsonObject *event, gpointer user_data);
  gpointer user_data;
} VpTestRunOptions;

/**
 * vp_test_run:
 * @cases: (element-type VpTestCase): what to run
 * @options: how
 * @signal_number: (out): the signal that ended it early; 0 for none
 *
 * Runs every case as a process of its own, in their order, except that one whose claims another
 * has is passed over until that is done; waits for all of them. SIGINT, SIGTERM and SIGHUP
 * end those that run, in good order if they do it in time, and no more is begun.
 *
 * Returns: (transfer full) (element-type JsonObject): the verdicts in the order of @cases; %NULL
 * for those that were not begun
 */
GPtrArray *
vp_test_run (const GPtrArray *cases, const VpTestRunOptions *options, int *signal_number);

/**
 * vp_test_run_status:
 * @documents: (element-type JsonObject): all "boot" documents
 *
 * Pure.
 *
 * Returns: the exit status of vmplug test: 0 when all have passed or were skipped, 99 when what
 *   failed is the infrastructure alone, 124 when it is the time alone, else 1
 */
int vp_test_run_status (const GPtrArray *documents);

G_END_DECLS
