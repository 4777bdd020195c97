#pragma once

#include "launcher/wrapper/take-over-call.h"

G_BEGIN_DECLS

/** Most that is kept for a client behind a device_del that waits for the guest. */
#define VP_TAKE_OVER_MAX_QUEUED (16u * 1024u * 1024u)

/**
 * VpTakeOverLine:
 *
 * What a client is told, in the order in which it asked: QEMU's replies as they come, vmplug's own
 * where they belong, what waits for an event when that is there, and events at once. Pure: says
 * when it wants to be called again, and is told what time it is.
 */
typedef struct _VpTakeOverLine VpTakeOverLine;

/**
 * vp_take_over_line_new:
 * @devices: referenced
 * @unplug_timeout_ms: how long a device_del waits for the guest
 *
 * Returns: (transfer full): free with vp_take_over_line_free()
 */
VpTakeOverLine *vp_take_over_line_new (VpTakeOverDevices *devices, guint unplug_timeout_ms);
void vp_take_over_line_free (VpTakeOverLine *self);

/**
 * vp_take_over_line_append:
 * @self: a line
 * @call: (transfer full): what the client asked for last
 */
void vp_take_over_line_append (VpTakeOverLine *self, VpTakeOverCall *call);

/**
 * vp_take_over_line_is_blocked:
 *
 * Returns: whether the next command has to wait, because its meaning or its execution depends on an
 *   answer that is not there, or because too many are
 */
gboolean vp_take_over_line_is_blocked (const VpTakeOverLine *self);

/**
 * vp_take_over_line_is_negotiated:
 *
 * Returns: whether QEMU takes commands other than qmp_capabilities
 */
gboolean vp_take_over_line_is_negotiated (const VpTakeOverLine *self);

/**
 * vp_take_over_line_is_empty:
 *
 * Returns: whether everything is answered
 */
gboolean vp_take_over_line_is_empty (const VpTakeOverLine *self);

/**
 * vp_take_over_line_push_qemu:
 * @self: a line
 * @data: (array length=len): what QEMU says
 * @len: how many bytes
 */
void vp_take_over_line_push_qemu (VpTakeOverLine *self, const guint8 *data, gsize len);

/**
 * vp_take_over_line_end_qemu:
 * @self: a line
 *
 * QEMU says nothing more.
 */
void vp_take_over_line_end_qemu (VpTakeOverLine *self);

/**
 * vp_take_over_line_flush:
 * @self: a line
 *
 * Moves answers that are there to the output. To be called when a call of the line has been
 * answered; the other functions do it themselves.
 */
void vp_take_over_line_flush (VpTakeOverLine *self);

/**
 * vp_take_over_line_tick:
 * @self: a line
 * @now: the monotonic time, in microseconds
 * @real: the time of day, in microseconds
 *
 * Returns: when to call again at the latest, or -1; to be called after each of the other functions
 */
gint64 vp_take_over_line_tick (VpTakeOverLine *self, gint64 now, gint64 real);

/**
 * vp_take_over_line_get_output:
 *
 * Returns: (transfer none): what is to be sent to the client; whoever sends it empties it
 */
GString *vp_take_over_line_get_output (const VpTakeOverLine *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpTakeOverLine, vp_take_over_line_free)

G_END_DECLS
