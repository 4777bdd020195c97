#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** How many events are kept. */
#define VP_QMP_TIMELINE_EVENTS 100

/** Longest data of one that is kept with it, in bytes of JSON. */
#define VP_QMP_TIMELINE_DATA 4096

/**
 * VpQmpTimeline:
 *
 * The last events of a VM, each with its time.
 */
typedef struct _VpQmpTimeline VpQmpTimeline;

VpQmpTimeline *vp_qmp_timeline_new (void);
void vp_qmp_timeline_free (VpQmpTimeline *self);

/**
 * vp_qmp_timeline_add:
 * @self: a timeline
 * @ms: when, since the guest began to run
 * @name: name of the event
 * @data: (nullable): its data
 *
 * Returns: (transfer none): {"seconds": …, "event": …, "data": …}, until the next is added
 */
JsonObject *
vp_qmp_timeline_add (VpQmpTimeline *self, gint64 ms, const char *name, JsonObject *data);

/**
 * vp_qmp_timeline_to_json:
 *
 * Returns: (transfer full): its events, the oldest first
 */
JsonArray *vp_qmp_timeline_to_json (const VpQmpTimeline *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpQmpTimeline, vp_qmp_timeline_free)

G_END_DECLS
