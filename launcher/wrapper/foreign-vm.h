#pragma once

#include "launcher/config/config.h"
#include "launcher/vm/foreign.h"
#include "launcher/wrapper/foreign-argv.h"
#include "launcher/wrapper/foreign-device.h"
#include "launcher/wrapper/foreign-qmp.h"

G_BEGIN_DECLS

/**
 * VpForeignVm:
 * @is_probe: QEMU will print something and end, or refuse the command line: it is to be run as it
 *   is
 * @is_opaque: -readconfig: what else there is in the machine cannot be known
 * @has_machine: whether the machine is one that @machine can tell: q35 or pc
 * @machine: which
 * @machine_name: what it is called on the command line, "pc" when it is not there
 * @accel: kvm or tcg; %VP_ACCEL_AUTO when QEMU is to try KVM first and then something else
 * @cpu: argument of -cpu, or what QEMU takes without one
 * @smp: CPUs at boot
 * @max_cpus: CPUs that there can be; 0 for as many
 * @memory: bytes at boot
 * @max_memory: bytes that there can be; 0 for as many
 * @n_memory_slots: for memory modules
 * @firmware_path: (nullable): file with the firmware; %NULL for QEMU's own
 * @has_data_folder: -L is there
 * @has_aperture: the size of OVMF's aperture is there
 * @name: (nullable): as of -name, whatever it is
 * @has_S: -S is there: somebody will send "cont"
 * @is_daemon: -daemonize is there
 * @pidfile: (nullable): as of -pidfile
 * @incoming: (nullable): as of -incoming
 * @hotplug_mode: native when ACPI hotplug of bridges is off, or not there yet in that machine
 * @devices: (element-type VpForeignDevice): every -device, in their order
 * @ids: (element-type utf8): every id, of whatever kind, and every name of a node
 * @fds: (element-type int): numbers of file descriptors that are named anywhere, in rising order
 * @qmp: its first QMP monitor
 * @bus: its root bus
 *
 * What a foreign command line says, as far as it matters to us.
 */
typedef struct
{
  gboolean is_probe;
  gboolean is_opaque;
  gboolean has_machine;
  VpMachineType machine;
  char *machine_name;
  VpAccel accel;
  char *cpu;
  guint smp;
  guint max_cpus;
  guint64 memory;
  guint64 max_memory;
  guint n_memory_slots;
  char *firmware_path;
  gboolean has_data_folder;
  gboolean has_aperture;
  char *name;
  gboolean has_S;
  gboolean is_daemon;
  char *pidfile;
  char *incoming;
  VpHotplugMode hotplug_mode;
  GPtrArray *devices;
  GHashTable *ids;
  GArray *fds;
  VpForeignQmp qmp;
  VpForeignBus bus;
} VpForeignVm;

/**
 * vp_foreign_vm_new:
 * @argv: a foreign command line
 *
 * Pure. What is malformed is as if it were not there: it is QEMU who refuses it.
 *
 * Returns: (transfer full): free with vp_foreign_vm_free()
 */
VpForeignVm *vp_foreign_vm_new (const VpForeignArgv *argv);
void vp_foreign_vm_free (VpForeignVm *self);

/**
 * vp_foreign_vm_to_config:
 * @self: a machine that is known
 *
 * Returns: (transfer full): the same as a configuration: name, machine, accelerator, CPUs, memory,
 *   firmware's file and hotplug mode; all else is the default. CPUs and memory that can be added
 *   are left out, for they are not ours to add
 */
VpConfig *vp_foreign_vm_to_config (const VpForeignVm *self);

/**
 * vp_foreign_vm_to_foreign:
 * @self: a machine that is known
 * @argv: its command line
 * @qemu: the program to put in front of it
 *
 * Returns: (transfer full): what a blueprint needs to add to it
 */
VpForeign *
vp_foreign_vm_to_foreign (const VpForeignVm *self, const VpForeignArgv *argv, const char *qemu);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpForeignVm, vp_foreign_vm_free)

G_END_DECLS
