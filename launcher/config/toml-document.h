#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** Deepest nesting of tables and arrays; kata's own file has 3. */
#define VP_TOML_MAX_DEPTH 32

/**
 * VpTomlPosition:
 * @line: from 1
 * @column: from 1, in characters
 */
typedef struct
{
  guint line;
  guint column;
} VpTomlPosition;

/**
 * vp_toml_document_parse:
 * @text: what vp_toml_bounds_check() has nothing against
 * @size: its length in bytes
 * @positions: (element-type utf8 VpTomlPosition): filled with the place of each value, by its path
 * @where: (out): on failure, the place of the mistake
 * @why: (out) (transfer full): on failure, what is wrong there
 *
 * Everything of toml++ that the rest of vmplug sees, in C: no exception leaves it, since it is
 * compiled without any. Dates and times become strings as RFC 3339 writes them, integers keep all
 * their 64 bits, and what JSON and C strings cannot carry (inf, nan, U+0000) is refused, as is
 * what nests deeper than %VP_TOML_MAX_DEPTH.
 *
 * Returns: (transfer full) (nullable): the root table
 */
JsonObject *vp_toml_document_parse (const char *text,
                                    gsize size,

                                    GHashTable *positions,
                                    VpTomlPosition *where,
                                    char **why);

/**
 * vp_toml_document_add_key:
 * @path: a path, empty for the root
 * @key: a key of the table there
 *
 * Appends @key as vp_toml_file_where() wants it: quoted unless it is a bare key, and without what
 * no terminal should be given.
 */
void vp_toml_document_add_key (GString *path, const char *key);

G_END_DECLS
