#include "launcher/vm/readiness.h"

#include "qmp/message.h"

#define SPAN_BYTES 4096

struct _VpReadiness
{
  const VpReady *ready;
  GString *span;
  gboolean seen;
};

VpReadiness *
vp_readiness_new (const VpReady *ready)
{
  VpReadiness *self = g_new0 (VpReadiness, 1);

  self->ready = ready;
  self->span = g_string_new (NULL);
  return self;
}

void
vp_readiness_free (VpReadiness *self)
{
  if (self == NULL)
    return;

  g_string_free (self->span, TRUE);
  g_free (self);
}

gboolean
vp_readiness_feed (VpReadiness *self, const char *data, gsize size)
{
  if (self->seen || self->ready->kind != VP_READY_CONSOLE)
    return self->seen;

  while (size > 0 && !self->seen)
    {
      gsize take = MIN (size, SPAN_BYTES);
      g_autofree char *text = NULL;

      g_string_append_len (self->span, data, (gssize) take);
      data += take;
      size -= take;

      text = g_utf8_make_valid (self->span->str, (gssize) self->span->len);
      self->seen = g_regex_match (self->ready->pattern, text, 0, NULL);
      if (self->span->len > SPAN_BYTES)
        g_string_erase (self->span, 0, (gssize) (self->span->len - SPAN_BYTES));
    }
  return self->seen;
}

gboolean
vp_readiness_handle_event (VpReadiness *self, const char *name, JsonObject *data)
{
  if (self->ready->kind == VP_READY_PORT && g_str_equal (name, "VSERPORT_CHANGE") &&
      g_strcmp0 (vp_qmp_message_get_string (data, "id"), VP_READINESS_PORT_ID) == 0 &&
      vp_qmp_message_get_boolean (data, "open", FALSE))
    self->seen = TRUE;
  return self->seen;
}
