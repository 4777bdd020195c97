#include "qmp/json-splitter.h"

#include <string.h>

/* QEMU's limits of a value. */
#define MAX_NESTING 1024
#define MAX_TOKENS  ((gsize) 2 << 20)
#define MAX_BYTES   ((gsize) 64 << 20)

enum
{
  STATE_START,
  STATE_RECOVERY, /* behind a byte that began no token */
  STATE_STRING,
  STATE_STRING_ESCAPE,
  STATE_QUOTED, /* in apostrophes, which QEMU takes too */
  STATE_QUOTED_ESCAPE,
  STATE_ZERO,
  STATE_SIGN,
  STATE_DIGITS,
  STATE_POINT,
  STATE_FRACTION,
  STATE_E,
  STATE_E_SIGN,
  STATE_EXPONENT,
  STATE_KEYWORD,
  /* No states of the lexer, but what a byte can do besides. */
  STATE_TOKEN,        /* ends a token */
  STATE_TOKEN_BEFORE, /* shows that a token ended before it */
  STATE_ERROR,
};

static guint8
start (guint8 byte)
{
  switch (byte)
    {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
      return STATE_START;
    case '"':
      return STATE_STRING;
    case '\'':
      return STATE_QUOTED;
    case '0':
      return STATE_ZERO;
    case '-':
      return STATE_SIGN;
    case '{':
    case '}':
    case '[':
    case ']':
    case ',':
    case ':':
      return STATE_TOKEN;
    default:
      if (g_ascii_isdigit (byte))
        return STATE_DIGITS;
      return g_ascii_islower (byte) ? STATE_KEYWORD : STATE_ERROR;
    }
}

/* A byte of a string; @escape: the state behind a backslash, or that of the string itself */
static guint8
in_string (guint8 byte, guint8 quote, guint8 same, guint8 escape)
{
  if (byte < 0x20 || byte > 0xfd)
    return STATE_ERROR;
  if (byte == '\\')
    return escape;
  return byte == quote ? STATE_TOKEN : same;
}

static guint8
in_escape (guint8 byte, guint8 string)
{
  return byte < 0x20 || byte > 0xfd ? STATE_ERROR : string;
}

/* Where recovery ends. */
static gboolean
is_structural (guint8 byte)
{
  return byte < 0x20 || byte > 0xfd || (byte != '\0' && strchr ("\"'[]{}:,", byte) != NULL);
}

static guint8
next_state (guint8 state, guint8 byte)
{
  gboolean is_digit = g_ascii_isdigit (byte);
  gboolean is_e = byte == 'e' || byte == 'E';

  switch (state)
    {
    case STATE_START:
      return start (byte);
    case STATE_RECOVERY:
      return is_structural (byte) ? STATE_TOKEN_BEFORE : STATE_RECOVERY;
    case STATE_STRING:
      return in_string (byte, '"', STATE_STRING, STATE_STRING_ESCAPE);
    case STATE_STRING_ESCAPE:
      return in_escape (byte, STATE_STRING);
    case STATE_QUOTED:
      return in_string (byte, '\'', STATE_QUOTED, STATE_QUOTED_ESCAPE);
    case STATE_QUOTED_ESCAPE:
      return in_escape (byte, STATE_QUOTED);
    case STATE_ZERO:
      return is_digit ? STATE_ERROR : byte == '.' ? STATE_POINT : STATE_TOKEN_BEFORE;
    case STATE_SIGN:
      return byte == '0' ? STATE_ZERO : is_digit ? STATE_DIGITS : STATE_ERROR;
    case STATE_DIGITS:
      if (byte == '.')
        return STATE_POINT;
      return is_digit ? STATE_DIGITS : is_e ? STATE_E : STATE_TOKEN_BEFORE;
    case STATE_POINT:
      return is_digit ? STATE_FRACTION : STATE_ERROR;
    case STATE_FRACTION:
      return is_digit ? STATE_FRACTION : is_e ? STATE_E : STATE_TOKEN_BEFORE;
    case STATE_E:
      if (byte == '+' || byte == '-')
        return STATE_E_SIGN;
      return is_digit ? STATE_EXPONENT : STATE_ERROR;
    case STATE_E_SIGN:
      return is_digit ? STATE_EXPONENT : STATE_ERROR;
    case STATE_EXPONENT:
      return is_digit ? STATE_EXPONENT : STATE_TOKEN_BEFORE;
    case STATE_KEYWORD:
      return g_ascii_islower (byte) ? STATE_KEYWORD : STATE_TOKEN_BEFORE;
    default:
      return STATE_ERROR;
    }
}

void
vp_json_splitter_init (VpJsonSplitter *self)
{
  *self = (VpJsonSplitter){ .state = STATE_START };
}

static VpJsonPiece
end_value (VpJsonSplitter *self)
{
  *self = (VpJsonSplitter){ .state = self->state };
  return VP_JSON_PIECE_END;
}

/* A token is complete; @byte: its last one if it is a structural one */
static VpJsonPiece
take_token (VpJsonSplitter *self, guint8 byte)
{
  self->braces += byte == '{' ? 1 : byte == '}' ? -1 : 0;
  self->brackets += byte == '[' ? 1 : byte == ']' ? -1 : 0;
  self->n_tokens++;
  self->n_bytes += self->token + 1;
  self->token = 0;

  if (self->n_bytes > MAX_BYTES || self->n_tokens > MAX_TOKENS ||
      self->braces + self->brackets > MAX_NESTING || self->braces < 0 || self->brackets < 0 ||
      (self->braces == 0 && self->brackets == 0))
    return end_value (self);
  return VP_JSON_PIECE_PART;
}

/* In a string most bytes change nothing. Returns: how many of them come next */
static gsize
skip_plain (const guint8 *data, gsize len, guint8 quote)
{
  gsize n = 0;

  while (n < len && data[n] >= 0x20 && data[n] <= 0xfd && data[n] != quote && data[n] != '\\')
    n++;
  return n;
}

gsize
vp_json_splitter_scan (VpJsonSplitter *self, const guint8 *data, gsize len, VpJsonPiece *piece)
{
  gsize at = 0;

  while (at < len)
    {
      guint8 old = self->state;
      guint8 state = next_state (old, data[at]);

      /* Where a value begins a gap ends. */
      if (!self->is_inside && old == STATE_START && state != STATE_START)
        {
          if (at > 0)
            {
              *piece = VP_JSON_PIECE_GAP;
              return at;
            }
          self->is_inside = TRUE;
        }

      switch (state)
        {
        case STATE_TOKEN:
          self->state = STATE_START;
          self->token++;
          *piece = take_token (self, old == STATE_START ? data[at] : 0);
          at++;
          if (*piece == VP_JSON_PIECE_END)
            return at;
          break;
        case STATE_TOKEN_BEFORE:
          self->state = STATE_START;
          if (old != STATE_RECOVERY && take_token (self, 0) == VP_JSON_PIECE_END)
            {
              *piece = VP_JSON_PIECE_END;
              return at;
            }
          break;
        case STATE_ERROR:
          self->state = STATE_RECOVERY;
          *piece = end_value (self);
          return at + 1;
        case STATE_STRING:
        case STATE_QUOTED:
          {
            gsize n =
                1 + skip_plain (data + at + 1, len - at - 1, state == STATE_STRING ? '"' : '\'');

            self->state = state;
            self->token += n;
            at += n;
          }
          break;
        default:
          self->token += state != STATE_START && state != STATE_RECOVERY ? 1 : 0;
          self->state = state;
          at++;
          break;
        }
    }
  *piece = self->is_inside ? VP_JSON_PIECE_PART : VP_JSON_PIECE_GAP;
  return at;
}
