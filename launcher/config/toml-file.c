#include "launcher/config/toml-file.h"

#include "launcher/config/toml-bounds.h"
#include "launcher/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct _VpTomlFile
{
  char *name;
  JsonObject *root;
  GHashTable *positions; /* (element-type utf8 VpTomlPosition): by path */
};

void
vp_toml_file_free (VpTomlFile *self)
{
  if (self == NULL)
    return;

  g_free (self->name);
  g_clear_pointer (&self->root, json_object_unref);
  g_hash_table_unref (self->positions);
  g_free (self);
}

/* What the parser quotes of the file may hold anything that UTF-8 can. */
static char *
make_printable (const char *text)
{
  GString *line = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_isprint (c))
        g_string_append_unichar (line, c);
      else
        g_string_append_printf (line, "U+%04X", c);
    }
  return g_string_free (line, FALSE);
}

static VpTomlFile *
refuse_at (const char *name, VpTomlPosition where, const char *why, GError **error)
{
  g_autofree char *valid = g_utf8_make_valid (why, -1);
  g_autofree char *printable = make_printable (valid);

  g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s:%u:%u: %s", name, where.line, where.column,
               printable);
  return NULL;
}

VpTomlFile *
vp_toml_file_parse (const char *name, const char *text, gsize size, GError **error)
{
  g_autoptr (VpTomlFile) self = NULL;
  g_autofree char *why = NULL;
  const char *bounds;
  VpTomlPosition where;

  g_return_val_if_fail (name != NULL && (text != NULL || size == 0), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (size > VP_TOML_MAX_SIZE)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s: longer than 1 MiB", name);
      return NULL;
    }
  if (text == NULL)
    text = "";
  bounds = vp_toml_bounds_check (text, size, &where);
  if (bounds != NULL)
    return refuse_at (name, where, bounds, error);

  self = g_new0 (VpTomlFile, 1);
  self->name = g_strdup (name);
  self->positions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->root = vp_toml_document_parse (text, size, self->positions, &where, &why);
  if (self->root == NULL)
    return refuse_at (name, where, why, error);
  return g_steal_pointer (&self);
}

/* Returns a descriptor of the regular file @path, or -1. */
static int
open_file (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status;

  if (fd >= 0 && fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    return fd;

  g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s: %s", path,
               fd < 0 ? g_strerror (errno) : "not a regular file");
  if (fd >= 0)
    close (fd);
  return -1;
}

/* Fills @text up to one byte more than is allowed; returns its length, or -1. */
static gssize
read_all (int fd, char *text)
{
  gsize size = 0;
  gssize n = 1;

  while (n > 0 && size <= VP_TOML_MAX_SIZE)
    {
      n = read (fd, text + size, VP_TOML_MAX_SIZE + 1 - size);
      if (n < 0 && errno == EINTR)
        n = 1;
      else if (n > 0)
        size += (gsize) n;
    }
  return n < 0 ? -1 : (gssize) size;
}

VpTomlFile *
vp_toml_file_read (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gssize size;
  int fd;

  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  fd = open_file (path, error);
  if (fd < 0)
    return NULL;
  text = g_malloc (VP_TOML_MAX_SIZE + 1);
  size = read_all (fd, text);
  if (size < 0)
    g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "%s: %s", path, g_strerror (errno));
  close (fd);
  return size < 0 ? NULL : vp_toml_file_parse (path, text, (gsize) size, error);
}

const char *
vp_toml_file_get_name (VpTomlFile *self)
{
  return self->name;
}

JsonObject *
vp_toml_file_get_root (VpTomlFile *self)
{
  return self->root;
}

char *
vp_toml_file_where (VpTomlFile *self, const char *path)
{
  const VpTomlPosition *position = g_hash_table_lookup (self->positions, path);

  return position != NULL
             ? g_strdup_printf ("%s:%u:%u", self->name, position->line, position->column)
             : g_strdup (self->name);
}

guint
vp_toml_file_get_line (VpTomlFile *self, const char *path)
{
  const VpTomlPosition *position = g_hash_table_lookup (self->positions, path);

  return position != NULL ? position->line : 0;
}

int
vp_toml_file_compare (VpTomlFile *self, const char *a, const char *b)
{
  static const VpTomlPosition nowhere = { 0, 0 };
  const VpTomlPosition *one = g_hash_table_lookup (self->positions, a);
  const VpTomlPosition *other = g_hash_table_lookup (self->positions, b);

  one = one != NULL ? one : &nowhere;
  other = other != NULL ? other : &nowhere;
  return one->line != other->line ? (one->line < other->line ? -1 : 1)
                                  : (int) one->column - (int) other->column;
}
