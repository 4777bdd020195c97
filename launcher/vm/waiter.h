#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VpWaiter:
 * @task: (nullable): somebody who waits for something
 * @deadline: the timer that ends the wait; 0 when none
 *
 * At most one caller who waits, with a deadline of its own. Zero-initialised is empty.
 */
typedef struct
{
  GTask *task;
  guint deadline;
} VpWaiter;

/**
 * vp_waiter_set:
 * @self: an empty waiter
 * @task: (transfer full): who waits
 * @timeout_ms: longest wait; 0 for ever
 * @on_deadline: called when time is up; must take the task and answer it
 * @user_data: for @on_deadline
 */
void vp_waiter_set (
    VpWaiter *self, GTask *task, guint timeout_ms, GSourceOnceFunc on_deadline, gpointer user_data);

/**
 * vp_waiter_take:
 * @self: a waiter
 *
 * Returns: (transfer full) (nullable): the task, which the caller must answer; the waiter is empty
 */
GTask *vp_waiter_take (VpWaiter *self);

G_END_DECLS
