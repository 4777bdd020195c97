#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** How many lines of a console are shown below the cases. */
#define VP_LIVE_VIEW_LINES 8

/**
 * VpLiveView:
 *
 * What somebody who watches boot tests sees. Pure: it is told what happens and when, and makes
 * text; #VpLiveScreen puts that on a terminal.
 */
typedef struct _VpLiveView VpLiveView;

/**
 * vp_live_view_new:
 * @n_cases: how many cases there are
 * @is_live: whether lines can be drawn again; if not, all that happens becomes lines that stay
 * @has_colour: whether to colour
 *
 * Returns: (transfer full): free with vp_live_view_free()
 */
VpLiveView *vp_live_view_new (guint n_cases, gboolean is_live, gboolean has_colour);
void vp_live_view_free (VpLiveView *self);

/**
 * vp_live_view_add_event:
 * @self: a view
 * @index: of the case
 * @event: one of --events, from another process
 * @now_ms: when, on a clock of the caller's
 *
 * "start" begins the case, or begins it again. Why it is tried again, "retry", stays. "end" is left
 * to vp_live_view_finish(): there may be another attempt.
 */
void vp_live_view_add_event (VpLiveView *self, guint index, JsonObject *event, gint64 now_ms);

/**
 * vp_live_view_finish:
 * @self: a view
 * @index: of a case, which may never have begun
 * @document: its document
 *
 * What vp_report_text_case() makes of it stays.
 */
void vp_live_view_finish (VpLiveView *self, guint index, JsonObject *document);

/**
 * vp_live_view_take_lines:
 * @self: a view
 *
 * Returns: (transfer full): the lines that have come to stay since the last call
 */
char *vp_live_view_take_lines (VpLiveView *self);

/**
 * vp_live_view_draw:
 * @self: a view
 * @columns: of the terminal
 * @rows: of the terminal
 * @now_ms: the time
 *
 * How many cases are done; a line for each that runs, with how long it has and its last milestone;
 * and the last lines of the one that spoke last.
 *
 * Returns: (transfer full): lines that fit the terminal, to be drawn again; "" when no case runs
 */
char *vp_live_view_draw (const VpLiveView *self, guint columns, guint rows, gint64 now_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpLiveView, vp_live_view_free)

G_END_DECLS
