#pragma once

#include "launcher/boottest/event-stream.h"
#include "launcher/boottest/test-case.h"

#include <stdio.h>

G_BEGIN_DECLS

/**
 * VpTestOutput:
 *
 * What is told of a run while it goes on.
 */
typedef struct _VpTestOutput VpTestOutput;

/**
 * VpTestOutputKind:
 * @VP_TEST_OUTPUT_TAP: the Test Anything Protocol
 * @VP_TEST_OUTPUT_TEXT: for a person: a live view on a terminal, else lines
 */
typedef enum
{
  VP_TEST_OUTPUT_TAP,
  VP_TEST_OUTPUT_TEXT,
} VpTestOutputKind;

/**
 * vp_test_output_new:
 * @kind: what is printed
 * @file: where; must stay open, and nobody else writes there meanwhile
 * @has_colour: whether that is a terminal that shows colours
 * @n_cases: how many cases are to run
 * @events: (nullable) (transfer full): who gets every event, too
 *
 * Returns: (transfer full): free with vp_test_output_free()
 */
VpTestOutput *vp_test_output_new (
    VpTestOutputKind kind, FILE *file, gboolean has_colour, guint n_cases, VpEventStream *events);
void vp_test_output_free (VpTestOutput *self);

/**
 * vp_test_output_take:
 * @self: an output
 * @index: which case
 * @event: what happened to it: see vp_test_run()
 */
void vp_test_output_take (VpTestOutput *self, guint index, JsonObject *event);

/**
 * vp_test_output_finish:
 * @self: an output
 * @documents: (element-type JsonObject): all verdicts
 * @signal_number: what ended it early; 0 for nothing
 */
void vp_test_output_finish (VpTestOutput *self, const GPtrArray *documents, int signal_number);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpTestOutput, vp_test_output_free)

G_END_DECLS
