#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpWaiter:
 * @task: (nullable): somebody who waits for something
 * @deadline: the timer that ends the wait; 0 when none
 * @since_us: when the wait began, on GLib's monotonic clock
 *
 * At most one caller who waits, with a deadline of its own. Zero-initialised is empty.
 */
typedef struct
{
  GTask *task;
  guint deadline;
  gint64 since_us;
} VpWaiter;

/**
 * vp_waiter_set:
 * @self: an empty waiter
 * @task: (transfer full): who waits
 * @timeout_ms: longest wait
 * @on_deadline: called when time is up; must answer it
 * @user_data: for @on_deadline
 */
void vp_waiter_set (
    VpWaiter *self, GTask *task, guint timeout_ms, GSourceOnceFunc on_deadline, gpointer user_data);

/**
 * vp_waiter_get_seconds:
 *
 * Returns: how long the wait has been
 */
double vp_waiter_get_seconds (const VpWaiter *self);

/**
 * vp_waiter_answer:
 * @self: a waiter
 * @document: (transfer full) (nullable): what the task returns when @error is %NULL, with the
 * length of the wait as "seconds"
 * @error: (nullable): what it fails with; copied
 *
 * Tells whoever waits; nobody is told nothing. The waiter is empty afterwards.
 */
void vp_waiter_answer (VpWaiter *self, JsonObject *document, const GError *error);

G_END_DECLS
