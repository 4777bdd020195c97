#include "launcher/vm/slot-mates.h"

#include "devices/attach-count.h"
#include "launcher/vm/gathering.h"

struct _VpSlotMates
{
  GObject parent_instance;

  GPtrArray *members; /* (element-type VpAttachment): in the order they are added */
  gboolean held;      /* not to be added before those of other slots are there */
  gboolean exposed;   /* the guest can see them */
  gboolean leaving;   /* taken back before that */
  GError *abandoned;  /* nullable: why none of them is to be in the VM */
  guint count;        /* how often the device is attached */
};

G_DEFINE_FINAL_TYPE (VpSlotMates, vp_slot_mates, G_TYPE_OBJECT)

static gboolean
is_over (VpAttachment *member)
{
  return vp_device_state_is_over (vp_attachment_get_state (member));
}

/* Functions 1 to 7, then 0. */
static int
compare_turns (gconstpointer a, gconstpointer b)
{
  const VpAttachmentFacts *one = vp_attachment_get_facts (*(VpAttachment *const *) a);
  const VpAttachmentFacts *other = vp_attachment_get_facts (*(VpAttachment *const *) b);

  return ((one->place.function_number + 7) & 7) - ((other->place.function_number + 7) & 7);
}

/* Returns: (nullable): the first that cannot be in the slot any more, so that none is to be */
static VpAttachment *
find_culprit (VpSlotMates *self)
{
  for (guint i = 0; i < self->members->len; i++)
    if (is_over (self->members->pdata[i]) ||
        vp_attachment_get_state (self->members->pdata[i]) == VP_DEVICE_PENDING_REMOVAL)
      return self->members->pdata[i];
  return NULL;
}

/* One that is being added or taken from its driver is abandoned when that is over; and one that
 * QEMU did not let go of is not asked for again by itself. */
static void
abandon_all (VpSlotMates *self, const GError *why)
{
  for (guint i = 0; i < self->members->len; i++)
    {
      VpAttachment *member = self->members->pdata[i];
      VpDeviceState state = vp_attachment_get_state (member);

      if (state != VP_DEVICE_RESERVED && state != VP_DEVICE_ADDING &&
          vp_attachment_get_view (member).failure == NULL)
        vp_attachment_step (member, VP_DEVICE_EVENT_MATE_FAILED, why);
    }
}

static void
expose (VpSlotMates *self)
{
  self->exposed = TRUE;
  for (guint i = 0; i < self->members->len; i++)
    vp_attachment_expose (self->members->pdata[i]);
}

/* The next step on the way to a slot that the guest can see. */
static void
assemble (VpSlotMates *self)
{
  VpAttachment *culprit = find_culprit (self);
  VpAttachment *next = NULL;

  if (culprit != NULL || self->abandoned != NULL)
    {
      abandon_all (self, self->abandoned != NULL ? self->abandoned
                                                 : vp_attachment_get_view (culprit).failure);
      return;
    }

  for (guint i = 0; i < self->members->len; i++)
    {
      VpDeviceState state = vp_attachment_get_state (self->members->pdata[i]);

      if (state < VP_DEVICE_BOUND || state == VP_DEVICE_ADDING || state == VP_DEVICE_BOUNCED)
        return;
      if (state == VP_DEVICE_BOUND && next == NULL)
        next = self->members->pdata[i];
    }
  if (next == NULL)
    expose (self);
  else if (!self->held)
    vp_attachment_step (next, VP_DEVICE_EVENT_TURN, NULL);
}

static void
on_stepped (VpAttachment *member, gpointer user_data)
{
  g_autoptr (VpSlotMates) self = g_object_ref (VP_SLOT_MATES (user_data));

  if (vp_attachment_get_state (member) == VP_DEVICE_BOUNCED)
    self->exposed = FALSE; /* they leave together, and come together once more */
  if (!self->exposed && !self->leaving)
    assemble (self);
  else if (self->exposed && vp_attachment_is_asking (member))
    for (guint i = 0; i < self->members->len; i++)
      if (self->members->pdata[i] != member && !is_over (self->members->pdata[i]))
        vp_attachment_step (self->members->pdata[i], VP_DEVICE_EVENT_MATE_LEAVES,
                            vp_attachment_get_view (member).failure);
}

static void
on_refused (VpAttachment *member, const GError *why, gpointer user_data)
{
  g_autoptr (VpSlotMates) self = g_object_ref (VP_SLOT_MATES (user_data));

  for (guint i = 0; self->exposed && i < self->members->len; i++)
    if (vp_attachment_get_state (self->members->pdata[i]) == VP_DEVICE_PENDING_REMOVAL)
      vp_attachment_handle_refused (self->members->pdata[i], why);
}

void
vp_slot_mates_join (VpSlotMates *self, VpAttachment *attachment)
{
  g_ptr_array_add (self->members, g_object_ref (attachment));
  g_ptr_array_sort (self->members, compare_turns);
  vp_attachment_set_count (attachment, self->count);
  g_signal_connect_object (attachment, "stepped", G_CALLBACK (on_stepped), self, 0);
  g_signal_connect_object (attachment, "refused", G_CALLBACK (on_refused), self, 0);
  if (vp_attachment_get_facts (attachment)->plug == VP_PLUG_COLD)
    expose (self); /* the functions of one device are all cold, or all hot */
}

gboolean
vp_slot_mates_has (VpSlotMates *self, VpAttachment *attachment)
{
  return g_ptr_array_find (self->members, attachment, NULL);
}

void
vp_slot_mates_add (VpSlotMates *self)
{
  g_autoptr (VpSlotMates) alive = g_object_ref (self);

  for (guint i = 0; i < self->members->len; i++)
    vp_attachment_step (self->members->pdata[i], VP_DEVICE_EVENT_START, NULL);
}

void
vp_slot_mates_set_held (VpSlotMates *self, gboolean held)
{
  g_autoptr (VpSlotMates) alive = g_object_ref (self);

  self->held = held;
  if (!held && !self->exposed && !self->leaving)
    assemble (self);
}

void
vp_slot_mates_abandon (VpSlotMates *self, const GError *why)
{
  g_autoptr (VpSlotMates) alive = g_object_ref (self);

  if (self->abandoned == NULL)
    self->abandoned = g_error_copy (why);
  if (!self->exposed)
    {
      assemble (self);
      return;
    }
  for (guint i = 0; i < self->members->len; i++)
    if (vp_attachment_get_state (self->members->pdata[i]) == VP_DEVICE_PENDING_REMOVAL)
      return; /* the guest was asked for the whole slot */
  for (guint i = 0; i < self->members->len; i++)
    if (!is_over (self->members->pdata[i]))
      {
        vp_attachment_step (self->members->pdata[i], VP_DEVICE_EVENT_MATE_FAILED, why);
        return; /* and the others leave with it */
      }
}

static void
show_count (VpSlotMates *self)
{
  for (guint i = 0; i < self->members->len; i++)
    vp_attachment_set_count (self->members->pdata[i], self->count);
}

gboolean
vp_slot_mates_count_up (VpSlotMates *self, GError **error)
{
  if (!vp_attach_count_up (&self->count, error))
    return FALSE;
  show_count (self);
  return TRUE;
}

gboolean
vp_slot_mates_count_down (VpSlotMates *self)
{
  gboolean is_last;

  /* Who detaches it for good once more is heard, too: the guest may not have let go yet. */
  if (!vp_attach_count_down (&self->count, &is_last, NULL))
    return TRUE;
  show_count (self);
  return is_last;
}

const GPtrArray *
vp_slot_mates_get_members (VpSlotMates *self)
{
  return self->members;
}

/* Returns: (element-type VpAttachment): @first, then the others that are in the slot */
static GPtrArray *
list_leaving (VpSlotMates *self, VpAttachment *first)
{
  GPtrArray *leaving = g_ptr_array_new ();

  g_ptr_array_add (leaving, first);
  for (guint i = 0; i < self->members->len; i++)
    if (self->members->pdata[i] != first && !is_over (self->members->pdata[i]))
      g_ptr_array_add (leaving, self->members->pdata[i]);
  return leaving;
}

void
vp_slot_mates_remove (VpSlotMates *self, VpAttachment *attachment, GTask *task, guint timeout_ms)
{
  g_autoptr (VpSlotMates) alive = g_object_ref (self);
  g_autoptr (GTask) owned = task;
  g_autoptr (GPtrArray) leaving = list_leaving (self, attachment);
  g_autoptr (GPtrArray) parts = NULL;
  VpAttachment *leader = attachment;
  GError *error = NULL;

  for (guint i = 0; i < leaving->len; i++)
    if (!vp_attachment_check_removable (leaving->pdata[i], &error))
      {
        g_task_return_error (owned, error);
        return;
      }

  /* The waiters stand before device_del is sent: DEVICE_DELETED may come before the reply. */
  parts = vp_gathering_new (g_steal_pointer (&owned), leaving->len);
  for (guint i = 0; i < leaving->len; i++)
    {
      vp_attachment_wait_removed (leaving->pdata[i], g_object_ref (parts->pdata[i]), timeout_ms);
      if (vp_attachment_is_asking (leaving->pdata[i]))
        leader = leaving->pdata[i];
    }

  if (self->exposed)
    {
      vp_attachment_step (leader, VP_DEVICE_EVENT_DETACH, NULL);
      return;
    }
  self->leaving = TRUE;
  for (guint i = 0; i < leaving->len; i++)
    vp_attachment_step (leaving->pdata[i], VP_DEVICE_EVENT_DETACH, NULL);
}

gboolean
vp_slot_mates_is_over (VpSlotMates *self)
{
  for (guint i = 0; i < self->members->len; i++)
    if (!is_over (self->members->pdata[i]))
      return FALSE;
  return TRUE;
}

static void
vp_slot_mates_finalize (GObject *object)
{
  VpSlotMates *self = VP_SLOT_MATES (object);

  g_ptr_array_unref (self->members);
  g_clear_error (&self->abandoned);

  G_OBJECT_CLASS (vp_slot_mates_parent_class)->finalize (object);
}

static void
vp_slot_mates_class_init (VpSlotMatesClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vp_slot_mates_finalize;
}

static void
vp_slot_mates_init (VpSlotMates *self)
{
  self->count = 1;
  self->members = g_ptr_array_new_with_free_func (g_object_unref);
}

VpSlotMates *
vp_slot_mates_new (void)
{
  return g_object_new (VP_TYPE_SLOT_MATES, NULL);
}
