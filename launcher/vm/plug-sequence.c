#include "launcher/vm/plug-sequence.h"

#include "launcher/vm/argv-writer.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/disk-node.h"
#include "launcher/vm/host-devices.h"
#include "launcher/vm/nic-backend.h"

static void
fd_free (gpointer data)
{
  VpPlugFd *fd = data;

  g_free (fd->name);
  g_free (fd->path);
  g_free (fd);
}

static void
step_free (gpointer data)
{
  VpPlugStep *step = data;

  g_free (step->command);
  json_object_unref (step->arguments);
  g_free (step->undo);
  g_clear_pointer (&step->undo_arguments, json_object_unref);
  g_ptr_array_unref (step->fds);
  g_free (step);
}

void
vp_plug_sequence_free (VpPlugSequence *self)
{
  if (self == NULL)
    return;

  g_free (self->id);
  g_ptr_array_unref (self->steps);
  g_free (self);
}

VpPlugStep *
vp_plug_sequence_add (VpPlugSequence *self, const char *command, JsonObject *arguments)
{
  VpPlugStep *step = g_new0 (VpPlugStep, 1);

  step->command = g_strdup (command);
  step->arguments = arguments;
  step->fds = g_ptr_array_new_with_free_func (fd_free);
  g_ptr_array_add (self->steps, step);
  return step;
}

void
vp_plug_step_set_undo (VpPlugStep *self, const char *command, const char *key, const char *value)
{
  self->undo = g_strdup (command);
  self->undo_arguments = json_object_new ();
  json_object_set_string_member (self->undo_arguments, key, value);
}

guint
vp_plug_sequence_count_fds (const VpPlugSequence *self)
{
  guint n = 0;

  for (guint i = 0; i < self->steps->len; i++)
    n += ((const VpPlugStep *) self->steps->pdata[i])->fds->len;
  return n;
}

GPtrArray *
vp_plug_sequence_get_fds (const VpPlugSequence *self)
{
  GPtrArray *all = g_ptr_array_new ();

  for (guint i = 0; i < self->steps->len; i++)
    {
      const VpPlugStep *step = self->steps->pdata[i];

      for (guint k = 0; k < step->fds->len; k++)
        g_ptr_array_add (all, step->fds->pdata[k]);
    }
  return all;
}

const char *
vp_plug_sequence_add_fd (VpPlugSequence *self, VpPlugFdKind kind, const char *path)
{
  guint n = vp_plug_sequence_count_fds (self);
  const VpPlugStep *step = self->steps->pdata[self->steps->len - 1];
  VpPlugFd *fd = g_new0 (VpPlugFd, 1);

  fd->kind = kind;
  fd->path = g_strdup (path);
  /* Digits are the number of an inherited descriptor, anything else is a name that getfd has given
   * (QEMU monitor/fds.c, monitor_fd_param). */
  fd->name = self->first_fd < 0 ? g_strdup_printf ("%s-fd%u", self->id, n)
                                : g_strdup_printf ("%u", (guint) self->first_fd + n);
  g_ptr_array_add (step->fds, fd);
  return fd->name;
}

static void
add_pci_device (VpPlugSequence *self, JsonObject *device)
{
  vp_plug_sequence_add (self, "device_add", device)->is_pci_device = TRUE;
}

/* One whose I/O BAR, which a transitional virtio device has, takes nothing: I/O space is what runs
 * out first. */
static JsonObject *
new_device (const VpPlugInput *input)
{
  JsonObject *device = vp_argv_device (input->spec, NULL, input->id, input->place);

  if (g_str_has_prefix (input->spec->driver, "virtio-"))
    json_object_set_string_member (device, "disable-legacy", "on");
  return device;
}

static void
add_disk (VpPlugSequence *self, const VpPlugInput *input)
{
  const char *driver = input->spec->driver;
  JsonObject *controller = new_device (input);
  JsonObject *holder = controller; /* of the node */
  g_autofree char *node = vp_disk_node_make_name (input->id);

  vp_plug_step_set_undo (
      vp_plug_sequence_add (self, "blockdev-add", vp_disk_node_new (input->spec->disk, node)),
      "blockdev-del", "node-name", node);

  if (g_str_equal (driver, "nvme"))
    json_object_set_string_member (controller, "serial", input->id); /* it demands one */
  add_pci_device (self, controller);
  if (g_str_equal (driver, "virtio-scsi-pci"))
    {
      g_autofree char *id = g_strconcat (input->id, "-disk", NULL);
      g_autofree char *bus = g_strconcat (input->id, ".0", NULL);

      holder = json_object_new ();
      json_object_set_string_member (holder, "driver", "scsi-hd");
      json_object_set_string_member (holder, "id", id);
      json_object_set_string_member (holder, "bus", bus);
      vp_plug_sequence_add (self, "device_add", holder);
    }
  json_object_set_string_member (holder, "drive", node);
}

static void
add_nic (VpPlugSequence *self, const VpPlugInput *input)
{
  const VpNic *nic = input->spec->nic;
  JsonObject *device = new_device (input);
  JsonObject *backend = vp_nic_backend_new (nic, input->id);

  vp_plug_step_set_undo (vp_plug_sequence_add (self, "netdev_add", backend), "netdev_del", "id",
                         input->id);
  if (nic->kind == VP_NIC_PASST)
    json_object_set_string_member (backend, "fd",
                                   vp_plug_sequence_add_fd (self, VP_PLUG_FD_PASST, NULL));
  /* QEMU 7.2 aborts when it is to open a /dev/vhost-net that is not there (measured). */
  else if (nic->kind == VP_NIC_TAP && vp_nic_wants_vhost (nic, input->has_vhost_net))
    {
      json_object_set_boolean_member (backend, "vhost", TRUE);
      json_object_set_string_member (
          backend, "vhostfd", vp_plug_sequence_add_fd (self, VP_PLUG_FD_FILE, VP_NIC_VHOST_NODE));
    }

  vp_nic_backend_set_device (device, nic, input->vm, input->id);
  add_pci_device (self, device);
}

static void
add_vfio (VpPlugSequence *self, const VpPlugInput *input)
{
  JsonObject *device = vp_argv_device (input->spec, input->function, input->id, input->place);
  g_autofree char *folder = vp_host_devices_folder (input->spec, input->function);

  add_pci_device (self, device);
  if (vp_device_spec_is_by_iommufd (input->spec))
    vp_argv_use_iommufd (device, vp_plug_sequence_add_fd (self, VP_PLUG_FD_CDEV, folder));
}

static VpPlugSequence *
new_sequence (const char *id, int first_fd)
{
  VpPlugSequence *self = g_new0 (VpPlugSequence, 1);

  self->id = g_strdup (id);
  self->first_fd = first_fd;
  self->steps = g_ptr_array_new_with_free_func (step_free);
  return self;
}

VpPlugSequence *
vp_plug_sequence_new_iommufd (int first_fd)
{
  VpPlugSequence *self = new_sequence (VP_ARGV_IOMMUFD_ID, first_fd);
  JsonObject *object = vp_argv_iommufd ();

  vp_plug_step_set_undo (vp_plug_sequence_add (self, "object-add", object), "object-del", "id",
                         VP_ARGV_IOMMUFD_ID);
  json_object_set_string_member (object, "fd",
                                 vp_plug_sequence_add_fd (self, VP_PLUG_FD_IOMMU, NULL));
  return self;
}

VpPlugSequence *
vp_plug_sequence_new (const VpPlugInput *input)
{
  VpPlugSequence *self;

  g_return_val_if_fail (input != NULL && input->spec != NULL && input->id != NULL, NULL);

  self = new_sequence (input->id, input->first_fd);
  switch (input->spec->kind)
    {
    case VP_DEVICE_SPEC_DISK:
      add_disk (self, input);
      break;
    case VP_DEVICE_SPEC_NIC:
      add_nic (self, input);
      break;
    case VP_DEVICE_SPEC_VFIO:
      add_vfio (self, input);
      break;
    case VP_DEVICE_SPEC_QEMU:
    case VP_DEVICE_SPEC_VFIO_USER:
      add_pci_device (self, vp_argv_device (input->spec, input->function, input->id, input->place));
      break;
    }
  return self;
}

void
vp_plug_sequence_add_to_argv (const VpPlugSequence *self, GPtrArray *argv)
{
  static const struct
  {
    const char *command;
    const char *option;
  } options[] = {
    { "blockdev-add", "-blockdev" },
    { "netdev_add", "-netdev" },
    { "object-add", "-object" },
    { "device_add", "-device" },
  };

  for (guint i = 0; i < self->steps->len; i++)
    {
      const VpPlugStep *step = self->steps->pdata[i];

      for (guint k = 0; k < G_N_ELEMENTS (options); k++)
        if (g_str_equal (step->command, options[k].command))
          vp_argv_add_json (argv, options[k].option, json_object_ref (step->arguments));
    }
}
