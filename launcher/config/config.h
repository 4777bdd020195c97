#pragma once

#include "devices/plan.h"
#include "launcher/config/device-spec.h"
#include "launcher/config/disk.h"
#include "launcher/config/nic.h"
#include "launcher/config/setting.h"
#include "launcher/config/share.h"

G_BEGIN_DECLS

typedef enum
{
  VP_ACCEL_AUTO,
  VP_ACCEL_KVM,
  VP_ACCEL_TCG,
} VpAccel;

typedef enum
{
  VP_HOTPLUG_ACPI,
  VP_HOTPLUG_NATIVE,
} VpHotplugMode;

typedef enum
{
  VP_READY_NOW,
  VP_READY_AFTER,
  VP_READY_CONSOLE,
  VP_READY_PORT,
} VpReadyKind;

/**
 * VpGuestPorts:
 * @VP_GUEST_PORTS_NONE: none
 * @VP_GUEST_PORTS_RESULT: one for what the guest reports
 * @VP_GUEST_PORTS_COMMAND: two more, for the output of the command that it runs
 *
 * The virtio-serial ports of a boot test.
 */
typedef enum
{
  VP_GUEST_PORTS_NONE,
  VP_GUEST_PORTS_RESULT,
  VP_GUEST_PORTS_COMMAND,
} VpGuestPorts;

/**
 * VpReady:
 * @kind: when hot devices are given to the guest: as soon as it runs, some time later, when its
 *   console shows something, or when it opens a virtio-serial port
 * @milliseconds: for %VP_READY_AFTER
 * @pattern: (nullable): for %VP_READY_CONSOLE
 * @port: (nullable): for %VP_READY_PORT: what the guest calls the port
 */
typedef struct
{
  VpReadyKind kind;
  guint milliseconds;
  GRegex *pattern;
  char *port;
} VpReady;

/**
 * VpConfig:
 *
 * What the user asked for, all of it, with the defaults filled in. Each member is the option of the
 * same name in vmplug(1), but for what a boot test adds. Paths are as typed.
 */
typedef struct
{
  char *name;
  VpMachineType machine;
  VpAccel accel;
  char *cpu;          /* NULL: the accelerator's default */
  char *cpu_features; /* NULL: none beside those of @cpu */
  guint smp;
  guint max_cpus;         /* 0: as many as @smp */
  guint64 memory;         /* bytes */
  guint64 max_memory;     /* bytes; 0: as much as @memory */
  gboolean shared_memory; /* asked for by name; see vp_config_shares_memory() */
  guint numa;             /* nodes that the guest sees; 1: none */
  VpFirmwareKind firmware;
  char *firmware_path;    /* NULL: QEMU's own SeaBIOS */
  char *firmware_version; /* NULL: not known */
  char *kernel;
  char *initrd;
  char *append;
  GPtrArray *disks;    /* (element-type VpDisk) */
  GPtrArray *nics;     /* (element-type VpNic) */
  gboolean has_no_nic; /* "none" was asked for by name */
  GPtrArray *shares;   /* (element-type VpShare) */
  GPtrArray *devices;  /* (element-type VpDeviceSpec) */
  VpPlug plug;         /* of host devices that say none */
  guint n_bridges;
  gboolean hot_on_bridge;
  guint64 large_bar;
  guint spare;
  guint64 spare_window;
  VpHotplugMode hotplug_mode;
  VpReady ready;
  VpGuestPorts guest_ports; /* of a boot test */
  gboolean has_debug_exit;  /* of a boot test: isa-debug-exit, at its usual port 0xf4 */
  char *qemu;               /* program, looked up in PATH when it has no slash */
  char **qemu_args;         /* after "--" */
  char *file;               /* --config; NULL: none */
  GPtrArray *settings;      /* (element-type VpSetting): all that was set, in that order */
  GPtrArray *warnings; /* (element-type utf8): what files say and nobody heeds, with its place */
  GHashTable
      *given; /* (element-type utf8): names of the options that were set, to refuse a second time */
} VpConfig;

VpConfig *vp_config_new (void);
void vp_config_free (VpConfig *config);

/**
 * vp_config_set:
 * @config: a configuration
 * @name: long name of an option without dashes, "spare-window"
 * @value: (nullable): its value
 * @error: return location for a #GError
 *
 * The one way to fill a configuration, whichever file or command line the value comes from.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE or %VP_DEVICE_ERROR_INVALID: no such option, given twice
 *   though it does not repeat, or a malformed value
 */
gboolean vp_config_set (VpConfig *config, const char *name, const char *value, GError **error);

/**
 * vp_config_take:
 * @config: a configuration
 * @setting: (transfer full): a value, from wherever
 * @error: return location for a #GError
 *
 * As vp_config_set(), but an error says the place that the value comes from.
 *
 * Returns: %FALSE as vp_config_set() does
 */
gboolean vp_config_take (VpConfig *config, VpSetting *setting, GError **error);

/**
 * vp_config_full_cpu:
 * @config: a configuration
 * @model: the CPU model where the user has named none
 *
 * Returns: (transfer full) (nullable): the argument of -cpu with all features, or %NULL when
 *   neither a model nor features were asked for
 */
char *vp_config_full_cpu (const VpConfig *config, const char *model);

/**
 * vp_config_set_qemu_args:
 * @config: a configuration
 * @args: (nullable): what followed "--"
 * @error: return location for a #GError
 *
 * Takes arguments for QEMU as they are, but for those that would break what vmplug promises:
 * -daemonize, -S, -sandbox, -pidfile, -runas, -run-with, -chroot, -incoming, -preconfig, -machine,
 * -M, -nodefaults (it is there already), with one dash or two.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE
 */
gboolean vp_config_set_qemu_args (VpConfig *config, char **args, GError **error);

/**
 * vp_config_shares_memory:
 *
 * A vfio-user server reaches the guest's memory only where QEMU can hand it on as a file
 * descriptor: with memory of QEMU's own it gets none, and QEMU says nothing (measured, 11.1).
 *
 * Returns: whether the guest's memory is made so that other processes can map it: it was asked for,
 *   or there is a vfio-user device
 */
gboolean vp_config_shares_memory (const VpConfig *config);

/**
 * vp_config_check:
 * @config: a filled configuration
 * @error: return location for a #GError
 *
 * What can only be judged when all is known: files that must exist and be readable (kernel, initrd,
 * disks, firmware, QEMU), --initrd or --append without --kernel, a name; fills in the format of a
 * disk by its magic, how a host device comes, and which firmware it is, with its version, by what
 * its file holds: that is believed before the name of the file, and a version that was asked for
 * before both.
 *
 * Returns: %FALSE with %VP_ERROR_USAGE or %VP_ERROR_HOST
 */
gboolean vp_config_check (VpConfig *config, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpConfig, vp_config_free)

G_END_DECLS
