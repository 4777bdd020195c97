#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * vp_gathering_new:
 * @task: (transfer full): who waits for all of it
 * @n_parts: how many parts it has, 1 or more
 *
 * One wait for several devices. Once every part has returned a JsonObject or an error, @task
 * returns the document of the first part, with those of the others as "others"; or the error that
 * came first.
 *
 * Returns: (transfer full) (element-type GTask): the parts; each must be returned
 */
GPtrArray *vp_gathering_new (GTask *task, guint n_parts);

G_END_DECLS
