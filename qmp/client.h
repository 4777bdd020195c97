#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define VP_TYPE_QMP_CLIENT (vp_qmp_client_get_type ())
G_DECLARE_FINAL_TYPE (VpQmpClient, vp_qmp_client, VP, QMP_CLIENT, GObject)

/**
 * vp_qmp_client_new:
 * @socket: a connected stream socket; referenced, made non-blocking
 *
 * Signals: "event" (const char *name, JsonObject *data): every event, in the order it came and in
 * every state of the handshake, @data empty but never %NULL; "closed" (const GError *reason) once,
 * after every pending call has failed.
 *
 * Signals and callbacks come from the main context, never from within a call of yours, and may do
 * anything with the client but wait in vp_qmp_client_execute().
 *
 * Returns: (transfer full): a client that reads from now on; vp_qmp_client_close() before you drop
 *   it
 */
VpQmpClient *vp_qmp_client_new (GSocket *socket);

/**
 * vp_qmp_client_close:
 * @self: a client
 *
 * Hangs up at once. Every pending call fails with %VP_QMP_ERROR_DISCONNECTED and "closed" follows,
 * later; the client keeps itself alive until then. Closing twice is fine.
 */
void vp_qmp_client_close (VpQmpClient *self);

/**
 * vp_qmp_client_is_closed:
 *
 * Returns: whether the connection has ended, by either side
 */
gboolean vp_qmp_client_is_closed (VpQmpClient *self);

/**
 * vp_qmp_client_get_n_late:
 *
 * Returns: how many replies came that nobody waited for (any more)
 */
guint vp_qmp_client_get_n_late (VpQmpClient *self);

/**
 * vp_qmp_client_handshake_async:
 * @self: a new client
 * @timeout_ms: longest wait for the greeting and for the answer to qmp_capabilities; 0 for ever
 * @cancellable: (nullable): stops the wait
 * @callback: called once, later
 * @user_data: for @callback
 *
 * A peer that accepts but never greets already serves another client: that is a timeout here.
 */
void vp_qmp_client_handshake_async (VpQmpClient *self,
                                    guint timeout_ms,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);

/**
 * vp_qmp_client_handshake_finish:
 *
 * Returns: (transfer full) (nullable): the "QMP" member of the greeting, or %NULL with
 *   a %VP_QMP_ERROR or %G_IO_ERROR_CANCELLED
 */
JsonObject *
vp_qmp_client_handshake_finish (VpQmpClient *self, GAsyncResult *result, GError **error);

/**
 * vp_qmp_client_execute_async:
 * @self: a client that has finished its handshake
 * @command: command name
 * @arguments: (transfer full) (nullable): its arguments
 * @fds: (nullable): file descriptors that travel with the command (getfd); they stay the caller's
 * @timeout_ms: longest wait for the reply; 0 for ever
 * @cancellable: (nullable): stops the wait only
 * @callback: called once, later, in the thread-default context
 * @user_data: for @callback
 *
 * Any number may be in flight; replies are matched by id. A cancelled or timed-out command may
 * still be carried out: its late reply is counted and dropped, and its id is never used again.
 */
void vp_qmp_client_execute_async (VpQmpClient *self,
                                  const char *command,
                                  JsonObject *arguments,
                                  GUnixFDList *fds,
                                  guint timeout_ms,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);

/**
 * vp_qmp_client_execute_finish:
 * @self: a client
 * @result: what @callback was given
 * @error: return location for a #GError of %VP_QMP_ERROR or %G_IO_ERROR_CANCELLED
 *
 * Returns: (transfer full) (nullable): the "return" member, or %NULL with @error set
 */
JsonNode *vp_qmp_client_execute_finish (VpQmpClient *self, GAsyncResult *result, GError **error);

/**
 * vp_qmp_client_execute:
 *
 * Like vp_qmp_client_execute_async(), waiting for the reply by running the thread-default main
 * context. For programs that have nothing else to do; not for the handlers of this client's signals
 * and calls, whose return it would wait for.
 *
 * Returns: (transfer full) (nullable): the "return" member, or %NULL with @error set
 */
JsonNode *vp_qmp_client_execute (VpQmpClient *self,
                                 const char *command,
                                 JsonObject *arguments,
                                 GUnixFDList *fds,
                                 guint timeout_ms,
                                 GError **error);

/**
 * vp_qmp_client_handshake:
 *
 * Like vp_qmp_client_handshake_async(), waiting as vp_qmp_client_execute() does.
 *
 * Returns: (transfer full) (nullable): the "QMP" member of the greeting, or %NULL with @error set
 */
JsonObject *vp_qmp_client_handshake (VpQmpClient *self, guint timeout_ms, GError **error);

G_END_DECLS
