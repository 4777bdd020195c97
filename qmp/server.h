#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define VP_TYPE_QMP_SERVER (vp_qmp_server_get_type ())
G_DECLARE_FINAL_TYPE (VpQmpServer, vp_qmp_server, VP, QMP_SERVER, GObject)

/**
 * VpQmpCall:
 *
 * One command that a client waits for. It must be answered exactly once, whenever that is; if the
 * client has gone by then the answer is dropped.
 */
typedef struct _VpQmpCall VpQmpCall;

/**
 * VpQmpServerHandler:
 * @server: the server
 * @call: (transfer full): the command; ends with vp_qmp_call_return() or vp_qmp_call_fail()
 * @user_data: what was given to vp_qmp_server_new()
 */
typedef void (*VpQmpServerHandler) (VpQmpServer *server, VpQmpCall *call, gpointer user_data);

/**
 * vp_qmp_server_new:
 * @listener: a listening stream socket; referenced
 * @greeting: (transfer full): the "QMP" member of the greeting
 * @handler: called for each command but qmp_capabilities, which the server answers itself
 * @user_data: for @handler
 *
 * Serves QMP to many clients at once. Peers are only let in when SO_PEERCRED shows this process's
 * effective uid or root. Bounds: 32 clients (a further one is told so and closed), lines of 64 KiB,
 * 1 MiB unsent per client, 16 unanswered commands per client. When accept() runs out of file
 * descriptors it pauses for a second instead of spinning.
 *
 * Returns: (transfer full): a server, serving on the thread-default main context from now on;
 *   vp_qmp_server_close() before dropping it
 */
VpQmpServer *vp_qmp_server_new (GSocket *listener,
                                JsonObject *greeting,
                                VpQmpServerHandler handler,
                                gpointer user_data);

/**
 * vp_qmp_server_broadcast:
 * @self: a server
 * @event: name of the event
 * @data: (nullable): its data
 *
 * Sends an event with the present time to every client that has finished its handshake.
 */
void vp_qmp_server_broadcast (VpQmpServer *self, const char *event, JsonObject *data);

/**
 * vp_qmp_server_close:
 * @self: a server
 *
 * Flushes what can be sent at once, then hangs up on every client and stops listening.
 */
void vp_qmp_server_close (VpQmpServer *self);

/**
 * vp_qmp_call_get_command:
 *
 * Returns: (transfer none): the name of the command
 */
const char *vp_qmp_call_get_command (VpQmpCall *self);

/**
 * vp_qmp_call_get_arguments:
 *
 * Returns: (transfer none): its arguments, empty if there were none
 */
JsonObject *vp_qmp_call_get_arguments (VpQmpCall *self);

/**
 * vp_qmp_call_return:
 * @self: (transfer full): a call
 * @value: (transfer full) (nullable): the "return" member; %NULL sends an empty object
 */
void vp_qmp_call_return (VpQmpCall *self, JsonNode *value);

/**
 * vp_qmp_call_fail:
 * @self: (transfer full): a call
 * @failure: (transfer full): the "error" member, with at least "class" and "desc"
 */
void vp_qmp_call_fail (VpQmpCall *self, JsonObject *failure);

G_END_DECLS
