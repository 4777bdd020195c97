#pragma once

#include "devices/plan.h"
#include "launcher/config/device-spec.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum
{
  VP_PLUG_FD_FILE,  /* a device node of the host, opened for reading and writing */
  VP_PLUG_FD_IOMMU, /* /dev/iommu */
  VP_PLUG_FD_CDEV,  /* the node of a host device that is bound to a VFIO driver */
  VP_PLUG_FD_PASST, /* one end of a socketpair; a passt of its own holds the other */
} VpPlugFdKind;

/**
 * VpPlugFd:
 * @kind: what is to be opened
 * @name: what QEMU's arguments call it: a name that getfd gave it, or the decimal number under
 *   which QEMU finds it open
 * @path: (nullable): of a %VP_PLUG_FD_FILE, "/dev/…"; of a %VP_PLUG_FD_CDEV the device's folder,
 *   "sys/…", for what its node is called is known only once it is bound
 *
 * A file descriptor that QEMU needs and does not open itself. Nothing is open yet.
 */
typedef struct
{
  VpPlugFdKind kind;
  char *name;
  char *path;
} VpPlugFd;

/**
 * VpPlugStep:
 * @command: a QMP command
 * @arguments: its arguments
 * @undo: (nullable): the QMP command that takes it back
 * @undo_arguments: (nullable): its arguments
 * @fds: (element-type VpPlugFd): what @arguments name, to be sent with getfd before
 * @is_pci_device: whether it is the device_add of the PCI device itself, which only the guest can
 *   undo: device_del, and DEVICE_DELETED
 *
 * One thing that QEMU is asked for.
 */
typedef struct
{
  char *command;
  JsonObject *arguments;
  char *undo;
  JsonObject *undo_arguments;
  GPtrArray *fds;
  gboolean is_pci_device;
} VpPlugStep;

/**
 * VpPlugSequence:
 * @id: QEMU id of the device
 * @first_fd: as in its #VpPlugInput
 * @steps: (element-type VpPlugStep): in their order; exactly one of them is the PCI device,
 *   unless it is that of iommufd
 *
 * What it takes to give a device to QEMU: backends, the PCI device, what sits on that. What stands
 * before the PCI device is taken back in reverse; what stands behind it goes with it.
 */
typedef struct
{
  char *id;
  int first_fd;
  GPtrArray *steps;
} VpPlugSequence;

/**
 * VpPlugInput:
 * @spec: what was asked for; the format of a disk is known
 * @function: (nullable): the host function that @spec, or its group, stands for
 * @id: QEMU id
 * @place: where it goes
 * @vm: name of the VM
 * @has_vhost_net: whether /dev/vhost-net can be opened
 * @first_fd: number of the first file descriptor that QEMU inherits for this device, those that
 *   follow counting up from it; -1 when they are sent with getfd
 *
 * Everything that decides about a sequence.
 */
typedef struct
{
  const VpDeviceSpec *spec;
  const VpPciFunction *function;
  const char *id;
  const VpPlace *place;
  const char *vm;
  gboolean has_vhost_net;
  int first_fd;
} VpPlugInput;

/**
 * vp_plug_sequence_new:
 * @input: everything that decides
 *
 * Pure. A device of the host, and one of "qemu,…" or "rng", is a single device_add.
 *
 * Returns: (transfer full): free with vp_plug_sequence_free()
 */
VpPlugSequence *vp_plug_sequence_new (const VpPlugInput *input);
void vp_plug_sequence_free (VpPlugSequence *self);

/**
 * vp_plug_sequence_new_iommufd:
 * @first_fd: as in #VpPlugInput
 *
 * What all devices by iommufd of a VM share, to be there before the first of them: one I/O address
 * space, so that the guest's memory is pinned and counted once.
 *
 * Returns: (transfer full): a sequence without a PCI device
 */
VpPlugSequence *vp_plug_sequence_new_iommufd (int first_fd);

/**
 * vp_plug_sequence_add:
 * @self: a sequence in the making
 * @command: a QMP command
 * @arguments: (transfer full): its arguments
 *
 * Returns: (transfer none): the new last step
 */
VpPlugStep *vp_plug_sequence_add (VpPlugSequence *self, const char *command, JsonObject *arguments);

/**
 * vp_plug_step_set_undo:
 * @self: a step
 * @command: the QMP command that takes it back
 * @key: the name of its one argument
 * @value: the value of that
 */
void
vp_plug_step_set_undo (VpPlugStep *self, const char *command, const char *key, const char *value);

/**
 * vp_plug_sequence_add_fd:
 * @self: a sequence in the making
 * @kind: what is to be opened
 * @path: (nullable): as in #VpPlugFd
 *
 * Adds a file descriptor to the last step.
 *
 * Returns: (transfer none): its name, to be put into the arguments of that step
 */
const char *vp_plug_sequence_add_fd (VpPlugSequence *self, VpPlugFdKind kind, const char *path);

/**
 * vp_plug_sequence_count_fds:
 *
 * Returns: how many file descriptors all its steps need
 */
guint vp_plug_sequence_count_fds (const VpPlugSequence *self);

/**
 * vp_plug_sequence_get_fds:
 *
 * Returns: (transfer container) (element-type VpPlugFd): the file descriptors of all steps, in the
 *   order of their numbers
 */
GPtrArray *vp_plug_sequence_get_fds (const VpPlugSequence *self);

/**
 * vp_plug_sequence_add_to_argv:
 * @self: a sequence whose file descriptors are inherited
 * @argv: (element-type utf8): a command line in the making
 *
 * Adds the same as options of QEMU: -blockdev, -netdev, -object and -device take as JSON what
 * blockdev-add, netdev_add, object-add and device_add take as arguments.
 */
void vp_plug_sequence_add_to_argv (const VpPlugSequence *self, GPtrArray *argv);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpPlugSequence, vp_plug_sequence_free)

G_END_DECLS
