#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** Most output that waits for a client to read it, in bytes. */
#define VP_CONSOLE_CLIENT_UNSENT (256 * 1024)

/**
 * VpConsoleClient:
 *
 * Somebody who watches a console and may type on it.
 */
typedef struct _VpConsoleClient VpConsoleClient;

/**
 * VpConsoleClientFuncs:
 * @room: asks how many bytes of typing can be taken now
 * @typed: the client typed @size bytes, never more than there is room for
 * @gone: the client has hung up; it is not used any more, and may be freed
 */
typedef struct
{
  gsize (*room) (gpointer user_data);
  void (*typed) (VpConsoleClient *client, const guint8 *data, gsize size, gpointer user_data);
  void (*gone) (VpConsoleClient *client, gpointer user_data);
} VpConsoleClientFuncs;

/**
 * vp_console_client_new:
 * @fd: (transfer full): a connected, non-blocking stream socket
 * @funcs: (transfer none): whom to tell, always from the thread-default main context; constant
 * @user_data: for @funcs
 *
 * Returns: (transfer full): free with vp_console_client_free(), which hangs up
 */
VpConsoleClient *
vp_console_client_new (int fd, const VpConsoleClientFuncs *funcs, gpointer user_data);
void vp_console_client_free (VpConsoleClient *self);

/**
 * vp_console_client_show:
 * @self: a client
 * @data: (array length=size): output of the guest
 * @size: bytes
 *
 * Sends at once what the socket takes and queues the rest. When the client reads so slowly that the
 * queue is full the piece is lost, and the client is told how much was, in the place where it was.
 */
void vp_console_client_show (VpConsoleClient *self, const guint8 *data, gsize size);

/**
 * vp_console_client_resume:
 * @self: a client
 *
 * There is room for typing again: a client with more to say than fits is not read meanwhile.
 */
void vp_console_client_resume (VpConsoleClient *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpConsoleClient, vp_console_client_free)

G_END_DECLS
