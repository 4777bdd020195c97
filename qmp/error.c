#include "qmp/error.h"

#include "qmp/message.h"

typedef struct
{
  JsonObject *object; /* what the peer sent, or NULL */
} VpQmpErrorPrivate;

static void
vp_qmp_error_private_init (VpQmpErrorPrivate *self)
{
}

static void
vp_qmp_error_private_copy (const VpQmpErrorPrivate *source, VpQmpErrorPrivate *copy)
{
  if (source->object != NULL)
    copy->object = json_object_ref (source->object);
}

static void
vp_qmp_error_private_clear (VpQmpErrorPrivate *self)
{
  g_clear_pointer (&self->object, json_object_unref);
}

/* GLib's macro steps back from the error to our part of it in bytes, and keeps it aligned itself.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-align"
G_DEFINE_EXTENDED_ERROR (VpQmpError, vp_qmp_error)
#pragma GCC diagnostic pop

/* The three classes that still mean something; QEMU sends GenericError for nearly everything. */
static const struct
{
  const char *klass;
  VpQmpError code;
} classes[] = {
  { "GenericError", VP_QMP_ERROR_COMMAND },
  { "CommandNotFound", VP_QMP_ERROR_COMMAND_NOT_FOUND },
  { "DeviceNotFound", VP_QMP_ERROR_DEVICE_NOT_FOUND },
};

VpQmpError
vp_qmp_error_code_from_class (const char *klass)
{
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++)
    if (g_strcmp0 (classes[i].klass, klass) == 0)
      return classes[i].code;

  return VP_QMP_ERROR_COMMAND;
}

const char *
vp_qmp_error_class_from_code (VpQmpError code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++)
    if (classes[i].code == code)
      return classes[i].klass;

  return classes[0].klass;
}

void
vp_qmp_error_set_from_reply (GError **error, JsonObject *failure)
{
  g_autoptr (GError) made = NULL;
  const char *klass = NULL;
  const char *desc = NULL;

  g_return_if_fail (error == NULL || *error == NULL);

  if (failure != NULL)
    {
      klass = vp_qmp_message_get_string (failure, "class");
      desc = vp_qmp_message_get_string (failure, "desc");
    }

  made = g_error_new_literal (VP_QMP_ERROR, (int) vp_qmp_error_code_from_class (klass),
                              desc != NULL ? desc : "refused without a description");
  if (failure != NULL)
    vp_qmp_error_get_private (made)->object = json_object_ref (failure);
  g_propagate_error (error, g_steal_pointer (&made));
}

JsonObject *
vp_qmp_error_get_object (const GError *error)
{
  g_return_val_if_fail (error != NULL, NULL);

  if (error->domain != VP_QMP_ERROR)
    return NULL;
  return vp_qmp_error_get_private (error)->object;
}
