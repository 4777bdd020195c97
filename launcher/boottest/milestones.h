#pragma once

#include "launcher/boottest/fail-pattern.h"
#include "launcher/boottest/step.h"

G_BEGIN_DECLS

/**
 * VpMilestonesState:
 * @VP_MILESTONES_WAITING: the current step expects something that has not been shown yet
 * @VP_MILESTONES_ACTING: the current step is the caller's to carry out
 * @VP_MILESTONES_PASSED: all steps are done
 * @VP_MILESTONES_FAILED: the console showed that the guest has failed
 */
typedef enum
{
  VP_MILESTONES_WAITING,
  VP_MILESTONES_ACTING,
  VP_MILESTONES_PASSED,
  VP_MILESTONES_FAILED,
} VpMilestonesState;

/**
 * VpFailMatch:
 * @pattern: what the console was not to show
 * @line: the line, valid UTF-8
 * @ms: when
 */
typedef struct
{
  const VpFailPattern *pattern;
  char *line;
  gint64 ms;
} VpFailMatch;

/**
 * VpReached:
 * @step: index of a step that is done
 * @ms: when
 * @line: (nullable): the line that was expected, valid UTF-8: of the last one as far as it has
 *   come; %NULL for another kind of step
 */
typedef struct
{
  guint step;
  gint64 ms;
  char *line;
} VpReached;

/**
 * VpMilestones:
 *
 * Follows a script of steps along what the console shows. Does no waiting and no I/O: all times are
 * the caller's, in milliseconds since the guest began to run.
 *
 * Patterns are looked for line by line, and each from where the last one that was expected ended.
 * What is expected counts as soon as nothing that may come can change it; so "login:" does before
 * its line ends, while "login: $" does when the line ends or the console is quiet
 * (vp_milestones_settle()). What must not come counts when its line ends or the console is quiet:
 * within one line what is expected is heard first, so that the last milestone passes whatever
 * follows it. How the output is cut into pieces changes nothing.
 *
 * Memory is bounded. Of a line of 8 KiB the first half is forgotten, with what begins in it.
 */
typedef struct _VpMilestones VpMilestones;

/**
 * vp_milestones_new:
 * @steps: (element-type VpStep): the script; must outlive it. None: passed at once
 * @fail_patterns: what the console must not show; must outlive it
 * @scale: how many times the seconds of the steps a slow guest gets
 *
 * Returns: (transfer full): free with vp_milestones_free()
 */
VpMilestones *
vp_milestones_new (const GPtrArray *steps, const VpFailPatterns *fail_patterns, double scale);
void vp_milestones_free (VpMilestones *self);

/**
 * vp_milestones_watch_on:
 * @self: milestones
 *
 * There is more to the test than the script, a command in the guest: what fails after the last step
 * counts as well.
 */
void vp_milestones_watch_on (VpMilestones *self);

/**
 * vp_milestones_feed:
 * @self: milestones
 * @data: (array length=size): console output, cut anywhere
 * @size: bytes
 * @ms: now
 */
void vp_milestones_feed (VpMilestones *self, const guint8 *data, gsize size, gint64 ms);

/**
 * vp_milestones_settle:
 * @self: milestones
 * @ms: now
 *
 * The console has been quiet for a moment: the line that has no end yet counts as it stands, until
 * something comes.
 */
void vp_milestones_settle (VpMilestones *self, gint64 ms);

/**
 * vp_milestones_step_done:
 * @self: milestones whose state is %VP_MILESTONES_ACTING
 * @ms: now
 *
 * The caller has carried out the current step. What the console showed meanwhile, the last 256 KiB
 * of it, counts for the next.
 */
void vp_milestones_step_done (VpMilestones *self, gint64 ms);

VpMilestonesState vp_milestones_get_state (const VpMilestones *self);

/**
 * vp_milestones_get_step:
 *
 * Returns: index of the current step; the number of steps when all are done
 */
guint vp_milestones_get_step (const VpMilestones *self);

/**
 * vp_milestones_get_deadline:
 *
 * Returns: when the current step should be done; -1 when it has no limit of its own
 */
gint64 vp_milestones_get_deadline (const VpMilestones *self);

/**
 * vp_milestones_get_reached:
 *
 * Returns: (transfer none) (element-type VpReached): the steps that are done
 */
const GPtrArray *vp_milestones_get_reached (VpMilestones *self);

/**
 * vp_milestones_get_failure:
 *
 * Returns: (transfer none) (nullable): what the console should not have shown: the first, or the
 *   first panic after it
 */
const VpFailMatch *vp_milestones_get_failure (const VpMilestones *self);

/**
 * vp_milestones_get_n_lines:
 *
 * Returns: how many lines have come to their end
 */
guint64 vp_milestones_get_n_lines (const VpMilestones *self);

/**
 * vp_milestones_get_tail:
 * @self: milestones
 * @n: how many lines at most; no more than 200 are kept
 *
 * Returns: (transfer full) (array zero-terminated=1): the last lines, valid UTF-8; the last of
 *   them may have no end yet
 */
char **vp_milestones_get_tail (const VpMilestones *self, guint n);

/**
 * vp_milestones_get_whole_tail:
 * @self: milestones
 * @n: how many lines at most; no more than 200 are kept
 *
 * Returns: (transfer full) (array zero-terminated=1): the last lines that have come to their end,
 *   valid UTF-8
 */
char **vp_milestones_get_whole_tail (const VpMilestones *self, guint n);

/**
 * vp_milestones_get_last_output:
 *
 * Returns: when the console last showed anything; 0 when it never did
 */
gint64 vp_milestones_get_last_output (const VpMilestones *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpMilestones, vp_milestones_free)

G_END_DECLS
