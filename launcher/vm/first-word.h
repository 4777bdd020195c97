#pragma once

#include <gio/gio.h>

#include <sys/types.h>

G_BEGIN_DECLS

/**
 * vp_first_word_prepare:
 * @fd: our end of a socketpair, before anybody has the other
 *
 * Makes the kernel tell who sends.
 */
void vp_first_word_prepare (int fd);

/**
 * vp_first_word_wait_async:
 * @fd: our end of a socketpair; must stay open until the end
 * @callback: called once somebody has said something, or nobody can any more
 * @user_data: for @callback
 *
 * Waits for the first byte and looks who sent it, without taking it. SO_PEERCRED would tell who
 * made the socketpair, and not who has its other end now: QEMU with -daemonize lives on as a child.
 */
void vp_first_word_wait_async (int fd, GAsyncReadyCallback callback, gpointer user_data);

/**
 * vp_first_word_wait_finish:
 *
 * Returns: the process that sent it, or -1 with %G_IO_ERROR_CLOSED: the other end is closed
 */
pid_t vp_first_word_wait_finish (GAsyncResult *result, GError **error);

G_END_DECLS
