#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpWaitList:
 *
 * Whoever waits for one thing, each with a deadline of its own.
 */
typedef struct _VpWaitList VpWaitList;

/**
 * VpWaitDocumentFunc:
 * @user_data: as given to vp_wait_list_new()
 *
 * Returns: (transfer full): what one who waited is told; "seconds" is added
 */
typedef JsonObject *(*VpWaitDocumentFunc) (gpointer user_data);

/**
 * VpWaitDelayFunc:
 * @seconds: how long one has waited
 * @user_data: as given to vp_wait_list_new()
 *
 * Returns: (transfer full): what one is told whose time is up
 */
typedef GError *(*VpWaitDelayFunc) (double seconds, gpointer user_data);

/**
 * vp_wait_list_new:
 * @document: makes the answer
 * @delay: makes the error of a deadline
 * @user_data: for both; must outlive the list
 *
 * Returns: (transfer full): an empty list, for vp_wait_list_free()
 */
VpWaitList *
vp_wait_list_new (VpWaitDocumentFunc document, VpWaitDelayFunc delay, gpointer user_data);

/**
 * vp_wait_list_free:
 * @self: (nullable): a list that is empty, for whoever waits must be told something
 */
void vp_wait_list_free (VpWaitList *self);

/**
 * vp_wait_list_add:
 * @self: a list
 * @task: (transfer full): who waits
 * @timeout_ms: longest wait
 */
void vp_wait_list_add (VpWaitList *self, GTask *task, guint timeout_ms);

/**
 * vp_wait_list_answer:
 * @self: a list
 * @error: (nullable): what they are told instead of a document; copied
 *
 * Tells all of them, and the list is empty.
 */
void vp_wait_list_answer (VpWaitList *self, const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpWaitList, vp_wait_list_free)

G_END_DECLS
