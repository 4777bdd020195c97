#pragma once

#include "qmp/channel.h"
#include "qmp/server.h"

G_BEGIN_DECLS

/**
 * VpQmpConnection:
 *
 * One client of a #VpQmpServer: its handshake, its commands and their answers. References to it
 * are counted, because a call may outlive it.
 */
typedef struct _VpQmpConnection VpQmpConnection;

/**
 * vp_qmp_connection_new:
 * @server: (transfer none): the server, which drops the connection before it ends
 * @channel: the channel to the client; referenced
 * @handler: called for each command but qmp_capabilities
 * @user_data: for @handler
 *
 * Returns: (transfer full): end with vp_qmp_connection_drop()
 */
VpQmpConnection *vp_qmp_connection_new (VpQmpServer *server,
                                        VpQmpChannel *channel,
                                        VpQmpServerHandler handler,
                                        gpointer user_data);

/**
 * vp_qmp_connection_drop:
 * @self: (transfer full): a connection
 *
 * Hangs up. Calls that are still unanswered stay valid.
 */
void vp_qmp_connection_drop (VpQmpConnection *self);

/**
 * vp_qmp_connection_get_channel:
 *
 * Returns: (transfer none): the channel to the client
 */
VpQmpChannel *vp_qmp_connection_get_channel (VpQmpConnection *self);

/**
 * vp_qmp_connection_is_negotiated:
 *
 * Returns: whether the client has finished its handshake
 */
gboolean vp_qmp_connection_is_negotiated (VpQmpConnection *self);

/**
 * vp_qmp_connection_complain:
 * @channel: a channel to a client
 * @desc: what is wrong
 *
 * Sends an error without an id, for what has none.
 */
void vp_qmp_connection_complain (VpQmpChannel *channel, const char *desc);

G_END_DECLS
