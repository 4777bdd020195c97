#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** An end that never comes. */
#define VP_TIMED_CALL_NO_END G_MAXINT64

/**
 * vp_timed_call:
 * @work: may block for ever
 * @late: called after @work when nobody has waited for it so long: undoes it
 * @data: for both; neither may touch anything else that can be gone by then
 * @free_data: called after @late
 * @end_us: when to stop waiting, by g_get_monotonic_time(); %VP_TIMED_CALL_NO_END to call @work in
 *   this thread
 *
 * Calls @work in a thread of its own and waits for it, but not for ever.
 *
 * Returns: whether @work has ended; when not, @data is not the caller's any more
 */
gboolean vp_timed_call (void (*work) (gpointer data),
                        void (*late) (gpointer data),
                        gpointer data,
                        GDestroyNotify free_data,
                        gint64 end_us);

G_END_DECLS
