#include "launcher/wrapper/id-map.h"

#include "qmp/json-rewriter.h"

#include <string.h>

#define PERIPHERAL "/machine/peripheral/"

struct _VpIdMap
{
  GHashTable *to_qemu;    /* (element-type utf8 utf8) */
  GHashTable *to_runtime; /* (element-type utf8 utf8): the same, its strings owned by the other */
  guint n_different;
};

VpIdMap *
vp_id_map_new (void)
{
  VpIdMap *self = g_new0 (VpIdMap, 1);

  self->to_qemu = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->to_runtime = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
vp_id_map_free (VpIdMap *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->to_runtime);
  g_hash_table_unref (self->to_qemu);
  g_free (self);
}

void
vp_id_map_add (VpIdMap *self, const char *runtime, const char *qemu)
{
  char *key = g_strdup (runtime);
  char *value = g_strdup (qemu);

  g_return_if_fail (!g_hash_table_contains (self->to_qemu, runtime));
  g_return_if_fail (!g_hash_table_contains (self->to_runtime, qemu));

  g_hash_table_insert (self->to_qemu, key, value);
  g_hash_table_insert (self->to_runtime, value, key);
  self->n_different += strcmp (runtime, qemu) != 0 ? 1 : 0;
}

void
vp_id_map_remove (VpIdMap *self, const char *qemu)
{
  g_autofree char *runtime = g_strdup (g_hash_table_lookup (self->to_runtime, qemu));

  if (runtime == NULL)
    return;

  self->n_different -= strcmp (runtime, qemu) != 0 ? 1 : 0;
  g_hash_table_remove (self->to_runtime, qemu);
  g_hash_table_remove (self->to_qemu, runtime);
}

const char *
vp_id_map_to_qemu (const VpIdMap *self, const char *runtime)
{
  return g_hash_table_lookup (self->to_qemu, runtime);
}

const char *
vp_id_map_to_runtime (const VpIdMap *self, const char *qemu)
{
  return g_hash_table_lookup (self->to_runtime, qemu);
}

gboolean
vp_id_map_is_needed (const VpIdMap *self)
{
  return self->n_different > 0;
}

gboolean
vp_id_map_occurs (const VpIdMap *self, const char *text, gsize len)
{
  GHashTableIter iter;
  const char *runtime, *qemu;

  g_hash_table_iter_init (&iter, self->to_qemu);
  while (g_hash_table_iter_next (&iter, (gpointer *) &runtime, (gpointer *) &qemu))
    if (strcmp (runtime, qemu) != 0 && memmem (text, len, runtime, strlen (runtime)) != NULL)
      return TRUE;
  return FALSE;
}

/* Appends @text with the id in @ids for the one that stands at @at, if there is one.
 * @at: where the id begins; it goes on to the end or to a slash */
static gboolean
replace_at (GHashTable *ids, const char *text, gsize len, gsize at, GString *out)
{
  const char *slash = memchr (text + at, '/', len - at);
  gsize end = slash != NULL ? (gsize) (slash - text) : len;
  g_autofree char *id = g_strndup (text + at, end - at);
  const char *other = g_hash_table_lookup (ids, id);

  if (other == NULL || strcmp (id, other) == 0)
    return FALSE;
  g_string_append_len (out, text, (gssize) at);
  g_string_append (out, other);
  g_string_append_len (out, text + end, (gssize) (len - end));
  return TRUE;
}

static gboolean
is_path (const char *text, gsize len)
{
  return len > strlen (PERIPHERAL) && memcmp (text, PERIPHERAL, strlen (PERIPHERAL)) == 0;
}

gboolean
vp_id_map_replace_in_reply (
    const char *text, gsize len, const char *key, GString *out, gpointer user_data)
{
  const VpIdMap *self = user_data;

  if (is_path (text, len))
    return replace_at (self->to_runtime, text, len, strlen (PERIPHERAL), out);
  return memchr (text, '/', len) == NULL && replace_at (self->to_runtime, text, len, 0, out);
}

typedef struct
{
  const VpIdMap *map;
  gboolean has_device_ids; /* whether the command's "id" can be a device's */
} CommandIds;

/* Commands with ids of other things than devices: a backend may be called like a device. */
static gboolean
names_other_things (const char *name)
{
  static const char *const prefixes[] = { "object-",  "netdev_", "blockdev-add", "blockdev-del",
                                          "chardev-", "block-",  "job-",         "device_add" };

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (name, prefixes[i]))
      return TRUE;
  return FALSE;
}

static gboolean
replace_in_command (const char *text, gsize len, const char *key, GString *out, gpointer user_data)
{
  static const char *const keys[] = { "id", "device", "qdev", "qdev-id", "qdev_id", "qom-path" };
  const CommandIds *ids = user_data;

  if (is_path (text, len))
    return replace_at (ids->map->to_qemu, text, len, strlen (PERIPHERAL), out);
  if (!ids->has_device_ids)
    return FALSE;
  if (strcmp (key, "path") == 0) /* QEMU finds "ID/PROPERTY" too */
    return replace_at (ids->map->to_qemu, text, len, 0, out);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (strcmp (key, keys[i]) == 0)
      return memchr (text, '/', len) == NULL && replace_at (ids->map->to_qemu, text, len, 0, out);
  return FALSE;
}

void
vp_id_map_rewrite_command (
    const VpIdMap *self, const char *name, const char *text, gsize len, GString *out)
{
  CommandIds ids = { self, !names_other_things (name) };
  g_autoptr (VpJsonRewriter) rewriter = vp_json_rewriter_new (replace_in_command, &ids);

  vp_json_rewriter_feed (rewriter, text, len, out);
  vp_json_rewriter_end (rewriter, out);
}
