#include "launcher/failure.h"

#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/visible-line.h"
#include "qmp/error.h"
#include "qmp/message.h"

#include <stdio.h>

#define ANY_CODE (-1)

/* The errors that mean one thing to somebody outside. vp_failure_from_json() makes the first. */
typedef struct
{
  VpFailure failure;
  struct
  {
    GQuark (*domain) (void);
    int code;
  } origins[3];
} Row;

static const Row rows[] = {
  { { "usage", NULL, 2 },
    { { vp_error_quark, VP_ERROR_USAGE },
      { vp_device_error_quark, VP_DEVICE_ERROR_INVALID },
      { g_option_error_quark, ANY_CODE } } },
  { { "duplicate", "name each device and each id once", 2 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_DUPLICATE } } },
  { { "no-slot", "change --spare, --spare-window or the number of devices", 2 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_NO_SLOT } } },
  { { "name-in-use", "choose another --name, or end that VM with vmplug stop", 2 },
    { { vp_error_quark, VP_ERROR_EXISTS } } },
  { { "no-device", "vmplug status shows the ids", 2 },
    { { vp_error_quark, VP_ERROR_NO_DEVICE },
      { vp_qmp_error_quark, VP_QMP_ERROR_DEVICE_NOT_FOUND } } },
  { { "host", NULL, 3 }, { { vp_error_quark, VP_ERROR_HOST } } },
  { { "not-found", "vmplug devices shows what the host has", 3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_NOT_FOUND } } },
  { { "no-iommu", "boot the host with intel_iommu=on or amd_iommu=on, and switch VT-d or AMD-Vi on",
      3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_NO_IOMMU } } },
  { { "no-iommufd", "leave iommufd= out: then the device is used by its group", 3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_NO_IOMMUFD } } },
  { { "not-assignable", "vmplug devices shows what can be assigned", 3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_NOT_ASSIGNABLE } } },
  { { "not-bound", "run vmplug bind on it first, or add bind=on", 3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_NOT_BOUND } } },
  { { "group-not-viable", "give the whole group to vfio-pci with vmplug bind /dev/vfio/GROUP", 3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_NOT_VIABLE } } },
  { { "busy", "detach it there, or end the process that holds it", 3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_BUSY } } },
  { { "in-use-by-host",
      "move the host away from it, or take it all the same (vmplug bind --force, force=on)", 3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_IN_USE } } },
  { { "memlock", "raise it (ulimit -l, LimitMEMLOCK= of systemd, memlock in limits.conf)", 3 },
    { { vp_error_quark, VP_ERROR_MEMLOCK } } },
  { { "permission-denied", "give this user the node (a udev rule or chown), or be root", 3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_PERMISSION } } },
  { { "driver-refused", "the kernel's log (dmesg) says why", 3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_DRIVER } } },
  { { "io", "the kernel's log (dmesg) may say why", 3 },
    { { vp_device_error_quark, VP_DEVICE_ERROR_IO } } },
  { { "qemu-start", NULL, 4 }, { { vp_error_quark, VP_ERROR_START } } },
  { { "no-vm", "vmplug list shows the VMs that run", 5 }, { { vp_error_quark, VP_ERROR_NO_VM } } },
  { { "disconnected", "vmplug list shows whether the VM still runs", 5 },
    { { vp_qmp_error_quark, VP_QMP_ERROR_DISCONNECTED } } },
  { { "timeout", "ask vmplug status what became of it before trying again", 5 },
    { { vp_qmp_error_quark, VP_QMP_ERROR_TIMEOUT } } },
  { { "protocol", NULL, 5 }, { { vp_qmp_error_quark, VP_QMP_ERROR_PROTOCOL } } },
  { { "qemu-refused", NULL, 6 },
    { { vp_error_quark, VP_ERROR_REFUSED }, { vp_qmp_error_quark, VP_QMP_ERROR_COMMAND } } },
  { { "no-command", NULL, 6 }, { { vp_qmp_error_quark, VP_QMP_ERROR_COMMAND_NOT_FOUND } } },
  { { "wrong-state", "vmplug status shows the states", 6 },
    { { vp_error_quark, VP_ERROR_STATE } } },
  { { "no-window", "start the VM with the device on its command line (plug=cold)", 6 },
    { { vp_error_quark, VP_ERROR_NO_WINDOW } } },
  { { "pending", "vmplug status shows when it is done", 7 },
    { { vp_error_quark, VP_ERROR_PENDING } } },
  { { "guest-failed", NULL, 8 }, { { vp_error_quark, VP_ERROR_GUEST } } },
  { { "rehearsal-failed", "try another --firmware, more address bits (--cpu) or fewer devices", 8 },
    { { vp_error_quark, VP_ERROR_REHEARSAL } } },
};

static const Row internal_row = { { "internal", NULL, 1 }, { { NULL } } };

static const Row *
row_of (const GError *error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (rows[i].origins) && rows[i].origins[j].domain; j++)
      if (rows[i].origins[j].domain () == error->domain &&
          (rows[i].origins[j].code == error->code || rows[i].origins[j].code == ANY_CODE))
        return &rows[i];

  return &internal_row;
}

static JsonObject *
describe (const GError *error)
{
  const VpFailure *failure = vp_failure_of (error);
  g_autofree char *message = g_utf8_make_valid (error->message, -1);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "code", failure->code);
  json_object_set_string_member (object, "message", message);
  if (failure->hint != NULL)
    json_object_set_string_member (object, "hint", failure->hint);
  else
    json_object_set_null_member (object, "hint");
  return object;
}

const VpFailure *
vp_failure_of (const GError *error)
{
  g_return_val_if_fail (error != NULL, &internal_row.failure);

  return &row_of (error)->failure;
}

JsonObject *
vp_failure_to_json (const GError *error)
{
  JsonObject *object = describe (error);
  VpQmpError code = VP_QMP_ERROR_COMMAND;

  if (error->domain == VP_QMP_ERROR)
    code = (VpQmpError) error->code;
  else if (g_error_matches (error, VP_ERROR, VP_ERROR_NO_DEVICE))
    code = VP_QMP_ERROR_DEVICE_NOT_FOUND;

  json_object_set_string_member (object, "class", vp_qmp_error_class_from_code (code));
  json_object_set_string_member (object, "desc", json_object_get_string_member (object, "message"));
  return object;
}

GError *
vp_failure_from_json (JsonObject *object)
{
  const char *code = object != NULL ? vp_qmp_message_get_string (object, "code") : NULL;
  const char *message = object != NULL ? vp_qmp_message_get_string (object, "message") : NULL;
  GError *error = NULL;

  for (gsize i = 0; message != NULL && i < G_N_ELEMENTS (rows); i++)
    if (g_strcmp0 (rows[i].failure.code, code) == 0)
      return g_error_new_literal (rows[i].origins[0].domain (), rows[i].origins[0].code, message);

  if (message != NULL && g_strcmp0 (internal_row.failure.code, code) == 0)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, message);

  /* No code of ours: QEMU itself, or another version of vmplug. */
  vp_qmp_error_set_from_reply (&error, object);
  return error;
}

char *
vp_failure_to_line (const GError *error)
{
  const VpFailure *failure = vp_failure_of (error);
  /* A message may quote a guest, a file name or a peer. */
  g_autofree char *message = vp_visible_line (error->message);

  return failure->hint != NULL ? g_strdup_printf ("%s; %s", message, failure->hint)
                               : g_steal_pointer (&message);
}

int
vp_failure_print (const GError *error, gboolean as_json)
{
  const VpFailure *failure = vp_failure_of (error);
  g_autofree char *line = vp_failure_to_line (error);

  /* Not g_printerr(), which turns everything that the C locale lacks into question marks. */
  fprintf (stderr, "vmplug: %s\n", line);

  if (as_json)
    {
      g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
      g_autofree char *text = NULL;
      JsonObject *document = json_object_new ();

      json_object_set_object_member (document, "error", describe (error));
      json_node_take_object (root, document);
      text = json_to_string (root, FALSE);
      puts (text);
      fflush (stdout);
    }
  return failure->exit_status;
}
