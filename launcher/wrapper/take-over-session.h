#pragma once

#include "launcher/wrapper/take-over-devices.h"

#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

/** Longest command that is looked at; a longer one passes unread. */
#define VP_TAKE_OVER_MAX_COMMAND (64u * 1024u)

/** Bytes for one side from which on nothing more is taken from the other. */
#define VP_TAKE_OVER_MAX_UNSENT (256u * 1024u)

/** VpTakeOverBytes: bytes for QEMU, with the file descriptors that go along with the first */
typedef struct
{
  GString *bytes;
  GUnixFDList *fds; /* (nullable) */
} VpTakeOverBytes;

void vp_take_over_bytes_free (VpTakeOverBytes *self);

/**
 * VpTakeOverSession:
 *
 * What becomes of the bytes of one client and of QEMU's for it: the policy of the take-over. Does
 * no I/O and knows no time.
 */
typedef struct _VpTakeOverSession VpTakeOverSession;

/** Told when there may be output, or room, because the VM has answered. */
typedef void (*VpTakeOverWake) (gpointer user_data);

/**
 * vp_take_over_session_new:
 * @devices: referenced
 * @unplug_timeout_ms: as for vp_take_over_new()
 * @wake: never called from within another function of the session
 * @user_data: for @wake
 *
 * Returns: (transfer full): free with vp_take_over_session_free()
 */
VpTakeOverSession *vp_take_over_session_new (VpTakeOverDevices *devices,
                                             guint unplug_timeout_ms,
                                             VpTakeOverWake wake,
                                             gpointer user_data);
void vp_take_over_session_free (VpTakeOverSession *self);

/**
 * vp_take_over_session_push_client:
 * @self: a session
 * @data: (array length=len): what the client says
 * @len: how many bytes
 * @fds: (nullable): the file descriptors that came with them; referenced
 *
 * The kernel tells only that the descriptors came with one of these bytes. They go with the first
 * command that has one of the bytes and none of earlier descriptors: QEMU keeps descriptors until a
 * command takes them, so early is right and late is not.
 */
void vp_take_over_session_push_client (VpTakeOverSession *self,
                                       const guint8 *data,
                                       gsize len,
                                       GUnixFDList *fds);

/**
 * vp_take_over_session_end_client:
 *
 * The client says nothing more; what it has not finished goes to QEMU as it is.
 */
void vp_take_over_session_end_client (VpTakeOverSession *self);

/**
 * vp_take_over_session_push_qemu:
 * @self: a session
 * @data: (array length=len): what QEMU says
 * @len: how many bytes
 */
void vp_take_over_session_push_qemu (VpTakeOverSession *self, const guint8 *data, gsize len);

/**
 * vp_take_over_session_end_qemu:
 *
 * QEMU says nothing more; what it has not finished goes to the client as it is.
 */
void vp_take_over_session_end_qemu (VpTakeOverSession *self);

/**
 * vp_take_over_session_resume:
 *
 * Goes on with what the client has said, once there is room for the output.
 */
void vp_take_over_session_resume (VpTakeOverSession *self);

/**
 * vp_take_over_session_wants_client:
 *
 * Returns: whether more of the client can be taken now
 */
gboolean vp_take_over_session_wants_client (const VpTakeOverSession *self);

/**
 * vp_take_over_session_is_settled:
 *
 * Returns: whether everything that the client has said is forwarded and answered
 */
gboolean vp_take_over_session_is_settled (const VpTakeOverSession *self);

/**
 * vp_take_over_session_tick:
 *
 * As vp_take_over_line_tick().
 */
gint64 vp_take_over_session_tick (VpTakeOverSession *self, gint64 now, gint64 real);

/**
 * vp_take_over_session_get_client_output:
 *
 * Returns: (transfer none): what is to be sent to the client; whoever sends it empties it
 */
GString *vp_take_over_session_get_client_output (VpTakeOverSession *self);

/**
 * vp_take_over_session_pop_qemu_output:
 *
 * Returns: (transfer full) (nullable): what is to be sent to QEMU next; free with
 *   vp_take_over_bytes_free()
 */
VpTakeOverBytes *vp_take_over_session_pop_qemu_output (VpTakeOverSession *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpTakeOverBytes, vp_take_over_bytes_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpTakeOverSession, vp_take_over_session_free)

G_END_DECLS
