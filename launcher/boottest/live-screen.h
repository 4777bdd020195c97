#pragma once

#include "launcher/boottest/live-view.h"

#include <stdio.h>

G_BEGIN_DECLS

/** Shortest time from one drawing to the next. */
#define VP_LIVE_SCREEN_PAUSE_MS 100

/**
 * VpLiveScreen:
 *
 * Puts a #VpLiveView on a terminal, or its lines into a file. What happens is shown within a tenth
 * of a second, by the main loop, and no more than ten times a second.
 */
typedef struct _VpLiveScreen VpLiveScreen;

/**
 * vp_live_screen_new:
 * @file: where to write; nobody else writes there before vp_live_screen_free()
 * @n_cases: how many cases there are
 * @has_colour: whether to colour
 *
 * Draws when @file is a terminal; else writes lines.
 *
 * Returns: (transfer full): free with vp_live_screen_free()
 */
VpLiveScreen *vp_live_screen_new (FILE *file, guint n_cases, gboolean has_colour);

/**
 * vp_live_screen_free:
 *
 * What stays is written, and what is drawn goes away.
 */
void vp_live_screen_free (VpLiveScreen *self);

/**
 * vp_live_screen_add_event:
 *
 * See vp_live_view_add_event().
 */
void vp_live_screen_add_event (VpLiveScreen *self, guint index, JsonObject *event);

/**
 * vp_live_screen_finish:
 *
 * See vp_live_view_finish().
 */
void vp_live_screen_finish (VpLiveScreen *self, guint index, JsonObject *document);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpLiveScreen, vp_live_screen_free)

G_END_DECLS
