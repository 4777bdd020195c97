#include "qmp/json-reader.h"

#include "qmp/error.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define STACK_DEPTH 64

/* GLib's string hash is no secret: names that all collide cost the square of this. */
#define MAX_MEMBERS 1024

/* One of the two is set; both are owned by the value that holds them. */
typedef struct
{
  JsonObject *object;
  JsonArray *array;
} Container;

typedef struct
{
  const char *text;
  const char *at;
  const char *fault; /* what is wrong at @at, once something is */
  JsonNode *root;
  Container open[STACK_DEPTH];
  guint depth; /* how many of them are open */
  guint max_depth;
  guint values_left;
  GString *name;   /* of the member whose value comes next */
  GString *string; /* the string value being read */
} Reader;

static gboolean
refuse (Reader *self, const char *fault)
{
  self->fault = fault;
  return FALSE;
}

static void
skip_blanks (Reader *self)
{
  while (*self->at == ' ' || *self->at == '\t' || *self->at == '\n' || *self->at == '\r')
    self->at++;
}

static gboolean
skip_char (Reader *self, char wanted)
{
  skip_blanks (self);
  if (*self->at != wanted)
    return FALSE;
  self->at++;
  return TRUE;
}

/* @self->at is at the first of four hexadecimal digits. */
static gboolean
read_hex4 (Reader *self, gunichar *value)
{
  *value = 0;
  for (int i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (self->at[i]);

      if (digit < 0)
        return refuse (self, "\\u without four hexadecimal digits");
      *value = *value << 4 | (gunichar) digit;
    }
  self->at += 4;
  return TRUE;
}

/* @self->at is behind \u. */
static gboolean
read_unicode_escape (Reader *self, GString *out)
{
  gunichar value, low;

  if (!read_hex4 (self, &value))
    return FALSE;
  if (value == 0)
    return refuse (self, "\\u0000 in a string");
  if (value >= 0xdc00 && value <= 0xdfff)
    return refuse (self, "low surrogate without a high one");
  if (value >= 0xd800 && value <= 0xdbff)
    {
      if (self->at[0] != '\\' || self->at[1] != 'u')
        return refuse (self, "high surrogate without a low one");
      self->at += 2;
      if (!read_hex4 (self, &low))
        return FALSE;
      if (low < 0xdc00 || low > 0xdfff)
        return refuse (self, "high surrogate without a low one");
      value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
    }

  g_string_append_unichar (out, value);
  return TRUE;
}

/* @self->at is behind the opening quote. That the text is UTF-8 was checked at the beginning. */
static gboolean
read_string (Reader *self, GString *out)
{
  static const char escapes[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";

  g_string_truncate (out, 0);
  for (;;)
    {
      const char *run = self->at;
      const char *escape;

      while ((guchar) *self->at >= 0x20 && *self->at != '"' && *self->at != '\\')
        self->at++;
      g_string_append_len (out, run, self->at - run);

      if (*self->at == '"')
        {
          self->at++;
          return TRUE;
        }
      if (*self->at != '\\')
        return refuse (self, *self->at == '\0' ? "string without an end" : "control character");

      self->at++;
      escape = *self->at != '\0' ? strchr (escapes, *self->at) : NULL;
      if (escape != NULL)
        {
          g_string_append_c (out, meanings[escape - escapes]);
          self->at++;
        }
      else if (*self->at != 'u')
        return refuse (self, "unknown escape");
      else
        {
          self->at++;
          if (!read_unicode_escape (self, out))
            return FALSE;
        }
    }
}

static gboolean
skip_digits (Reader *self)
{
  if (!g_ascii_isdigit (*self->at))
    return refuse (self, "expected a digit");
  while (g_ascii_isdigit (*self->at))
    self->at++;
  return TRUE;
}

static JsonNode *
read_integer (Reader *self, const char *start)
{
  gint64 value;
  guint64 high;

  errno = 0;
  value = g_ascii_strtoll (start, NULL, 10);
  if (errno == 0)
    return json_node_init_int (json_node_alloc (), value);

  errno = 0;
  high = g_ascii_strtoull (start, NULL, 10);
  if (errno == 0 && *start != '-')
    return json_node_init_double (json_node_alloc (), (double) high);

  refuse (self, "integer of more than 64 bits");
  return NULL;
}

static JsonNode *
read_number (Reader *self)
{
  const char *start = self->at;
  gboolean integer = TRUE;
  double value;

  if (*self->at == '-')
    self->at++;
  if (*self->at == '0')
    self->at++;
  else if (!skip_digits (self))
    return NULL;

  if (*self->at == '.')
    {
      integer = FALSE;
      self->at++;
      if (!skip_digits (self))
        return NULL;
    }
  if (*self->at == 'e' || *self->at == 'E')
    {
      integer = FALSE;
      self->at++;
      if (*self->at == '+' || *self->at == '-')
        self->at++;
      if (!skip_digits (self))
        return NULL;
    }
  if (integer)
    return read_integer (self, start);

  value = g_ascii_strtod (start, NULL);
  if (!isfinite (value))
    {
      refuse (self, "number too large");
      return NULL;
    }
  return json_node_init_double (json_node_alloc (), value);
}

static gboolean
skip_word (Reader *self, const char *word)
{
  if (!g_str_has_prefix (self->at, word))
    return refuse (self, "expected a value");
  self->at += strlen (word);
  return TRUE;
}

/* Anything but an object or an array. */
static JsonNode *
read_scalar (Reader *self)
{
  switch (*self->at)
    {
    case '"':
      self->at++;
      if (!read_string (self, self->string))
        return NULL;
      return json_node_init_string (json_node_alloc (), self->string->str);
    case 't':
      return skip_word (self, "true") ? json_node_init_boolean (json_node_alloc (), TRUE) : NULL;
    case 'f':
      return skip_word (self, "false") ? json_node_init_boolean (json_node_alloc (), FALSE) : NULL;
    case 'n':
      return skip_word (self, "null") ? json_node_init_null (json_node_alloc ()) : NULL;
    case '-':
      return read_number (self);
    default:
      if (g_ascii_isdigit (*self->at))
        return read_number (self);
      refuse (self, "expected a value");
      return NULL;
    }
}

/* Gives @node to the innermost open container, which then owns it. */
static void
attach (Reader *self, JsonNode *node)
{
  Container *parent = self->depth > 0 ? &self->open[self->depth - 1] : NULL;

  if (parent == NULL)
    self->root = node;
  else if (parent->object != NULL)
    json_object_set_member (parent->object, self->name->str, node);
  else
    json_array_add_element (parent->array, node);
}

static gboolean
open_container (Reader *self)
{
  JsonNode *node;
  Container container = { NULL, NULL };

  if (self->depth == self->max_depth)
    return refuse (self, "nested too deeply");

  if (*self->at++ == '{')
    {
      container.object = json_object_new ();
      node = json_node_init_object (json_node_alloc (), container.object);
      json_object_unref (container.object);
    }
  else
    {
      container.array = json_array_new ();
      node = json_node_init_array (json_node_alloc (), container.array);
      json_array_unref (container.array);
    }
  attach (self, node);
  self->open[self->depth++] = container;
  return TRUE;
}

static gboolean
read_name (Reader *self)
{
  JsonObject *object = self->open[self->depth - 1].object;

  if (!skip_char (self, '"'))
    return refuse (self, "expected a member's name");
  if (!read_string (self, self->name))
    return FALSE;
  if (json_object_get_size (object) == MAX_MEMBERS)
    return refuse (self, "too many members");
  if (json_object_has_member (object, self->name->str))
    return refuse (self, "duplicate member");
  if (!skip_char (self, ':'))
    return refuse (self, "expected ':'");
  return TRUE;
}

/* Reads one scalar, or what opens a container. @opened: whether it did. */
static gboolean
begin_value (Reader *self, gboolean *opened)
{
  JsonNode *node;

  skip_blanks (self);
  if (self->values_left-- == 0)
    return refuse (self, "too many values");

  *opened = *self->at == '{' || *self->at == '[';
  if (*opened)
    return open_container (self);

  node = read_scalar (self);
  if (node == NULL)
    return FALSE;
  attach (self, node);
  return TRUE;
}

/* Behind a value: closes what ends here. Afterwards either nothing is open or a value comes next.
 * @opened: whether the container was just opened, and so may be empty */
static gboolean
end_value (Reader *self, gboolean opened)
{
  while (self->depth > 0)
    {
      gboolean object = self->open[self->depth - 1].object != NULL;

      if (skip_char (self, object ? '}' : ']'))
        self->depth--;
      else if (!opened && !skip_char (self, ','))
        return refuse (self, object ? "expected ',' or '}'" : "expected ',' or ']'");
      else
        return !object || read_name (self);
      opened = FALSE;
    }
  return TRUE;
}

static gboolean
read_document (Reader *self)
{
  gboolean opened = FALSE;
  const char *end;

  if (!g_utf8_validate (self->text, -1, &end))
    {
      self->at = end;
      return refuse (self, "not UTF-8");
    }

  do
    if (!begin_value (self, &opened) || !end_value (self, opened))
      return FALSE;
  while (self->depth > 0);

  skip_blanks (self);
  return *self->at == '\0' || refuse (self, "text behind the end");
}

JsonNode *
vp_json_read (const char *text, guint max_depth, guint max_values, GError **error)
{
  Reader reader = { .text = text, .at = text, .max_depth = max_depth, .values_left = max_values };
  gboolean ok;

  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (max_depth <= STACK_DEPTH, NULL);

  reader.name = g_string_new (NULL);
  reader.string = g_string_new (NULL);
  ok = read_document (&reader);
  g_string_free (reader.name, TRUE);
  g_string_free (reader.string, TRUE);
  if (ok)
    return reader.root;

  g_set_error (error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL, "not JSON at byte %td: %s",
               reader.at - text, reader.fault);
  g_clear_pointer (&reader.root, json_node_unref);
  return NULL;
}
