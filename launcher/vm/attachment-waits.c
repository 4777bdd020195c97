#include "launcher/vm/attachment-waits.h"

#include "launcher/vm/wait-list.h"

struct _VpAttachmentWaits
{
  VpAttachmentViewFunc view;
  gpointer device;
  VpWaitList *usable;
  VpWaitList *removed;
};

static JsonObject *
make_attached (gpointer user_data)
{
  VpAttachmentWaits *self = user_data;
  const VpAttachmentView view = self->view (self->device);

  return vp_attachment_view_to_json (&view);
}

static JsonObject *
make_detached (gpointer user_data)
{
  VpAttachmentWaits *self = user_data;
  const VpAttachmentView view = self->view (self->device);

  return vp_attachment_view_to_detached (&view);
}

static GError *
describe_attach_delay (double seconds, gpointer user_data)
{
  VpAttachmentWaits *self = user_data;
  const VpAttachmentView view = self->view (self->device);

  return vp_attachment_view_attach_delay (&view, seconds);
}

static GError *
describe_detach_delay (double seconds, gpointer user_data)
{
  VpAttachmentWaits *self = user_data;
  const VpAttachmentView view = self->view (self->device);

  return vp_attachment_view_detach_delay (&view, seconds);
}

VpAttachmentWaits *
vp_attachment_waits_new (VpAttachmentViewFunc view, gpointer device)
{
  VpAttachmentWaits *self = g_new0 (VpAttachmentWaits, 1);

  self->view = view;
  self->device = device;
  self->usable = vp_wait_list_new (make_attached, describe_attach_delay, self);
  self->removed = vp_wait_list_new (make_detached, describe_detach_delay, self);
  return self;
}

void
vp_attachment_waits_free (VpAttachmentWaits *self)
{
  if (self == NULL)
    return;

  vp_wait_list_free (self->usable);
  vp_wait_list_free (self->removed);
  g_free (self);
}

void
vp_attachment_waits_add_usable (VpAttachmentWaits *self, GTask *task, guint timeout_ms)
{
  vp_wait_list_add (self->usable, task, timeout_ms);
}

void
vp_attachment_waits_add_removed (VpAttachmentWaits *self, GTask *task, guint timeout_ms)
{
  vp_wait_list_add (self->removed, task, timeout_ms);
}

void
vp_attachment_waits_tell_usable (VpAttachmentWaits *self)
{
  const VpAttachmentView view = self->view (self->device);
  g_autoptr (GError) over = NULL;

  if (view.state != VP_DEVICE_USABLE)
    over = vp_attachment_view_over (&view);
  vp_wait_list_answer (self->usable, over);
}

void
vp_attachment_waits_tell_removed (VpAttachmentWaits *self, const GError *error)
{
  vp_wait_list_answer (self->removed, error);
}

void
vp_attachment_waits_end (VpAttachmentWaits *self, const GError *error)
{
  vp_wait_list_answer (self->usable, error);
  vp_wait_list_answer (self->removed, error);
}
