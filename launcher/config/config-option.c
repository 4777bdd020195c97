#include "launcher/config/config-option.h"

#include "devices/byte-size.h"
#include "launcher/config/params.h"
#include "launcher/config/vm-name.h"
#include "launcher/error.h"

#include <string.h>

#define MIB               (G_GUINT64_CONSTANT (1) << 20)
#define MAX_MEMORY        (G_GUINT64_CONSTANT (64) << 40) /* 46 bits: what today's servers address */
#define MAX_WINDOW        (G_GUINT64_CONSTANT (1) << 52)
#define MAX_SPARE         253 /* as many ports as there are bus numbers for, see port-pool.h */
#define MAX_BRIDGES       5   /* what kata allows; each takes I/O space */
#define MAX_READY_SECONDS 86400
#define MAX_CPUS          288 /* of a q35 machine, QEMU 7.2 (hw/i386/pc_q35.c) */

static gboolean
set_text (char **member, const char *value, GError **error)
{
  if (value[0] == '\0')
    return vp_error_refuse (error, value, "is empty");

  *member = g_strdup (value);
  return TRUE;
}

static gboolean
set_number (guint *member, const char *value, guint min, guint max, GError **error)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (value, 10, min, max, &number, NULL))
    return vp_error_refuse (error, value, "is not a number from %u to %u", min, max);

  *member = (guint) number;
  return TRUE;
}

static gboolean
set_size (
    guint64 *member, const char *value, guint64 min, guint64 max, guint64 step, GError **error)
{
  guint64 bytes;

  if (!vp_byte_size_parse (value, &bytes, error))
    return FALSE;

  if (bytes < min || bytes > max || bytes % step != 0)
    {
      g_autofree char *from = vp_byte_size_format (min);
      g_autofree char *to = vp_byte_size_format (max);
      g_autofree char *steps = vp_byte_size_format (step);

      return vp_error_refuse (error, value, "is not from %s to %s in steps of %s", from, to, steps);
    }
  *member = bytes;
  return TRUE;
}

static gboolean
set_name (VpConfig *config, const char *value, GError **error)
{
  if (!vp_vm_name_is_valid (value))
    return vp_error_refuse (error, value, "is not " VP_VM_NAME_GRAMMAR);
  return set_text (&config->name, value, error);
}

static gboolean
set_machine (VpConfig *config, const char *value, GError **error)
{
  return vp_machine_type_parse (value, &config->machine, error);
}

static gboolean
set_accel (VpConfig *config, const char *value, GError **error)
{
  static const char *const choices[] = { "auto", "kvm", "tcg", NULL };
  guint choice;

  if (!vp_params_parse_choice (value, choices, &choice, error))
    return FALSE;
  config->accel = (VpAccel) choice;
  return TRUE;
}

static gboolean
set_cpu (VpConfig *config, const char *value, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (value, ",", -1);

  /* QEMU would print a list and exit with success. */
  if (g_strv_contains ((const char *const *) parts, "help") ||
      g_strv_contains ((const char *const *) parts, "?"))
    return vp_error_refuse (error, value,
                            "is no CPU model; qemu-system-x86_64 -cpu help lists them");
  return set_text (&config->cpu, value, error);
}

/* Nobody needs a model to be able to switch a feature of it. */
static gboolean
set_cpu_features (VpConfig *config, const char *value, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (value, ",", -1);

  for (char **part = parts; *part != NULL; part++)
    if (!g_regex_match_simple ("^[+-]?[A-Za-z0-9][A-Za-z0-9._-]*(=[^=,]+)?$", *part,
                               G_REGEX_DOLLAR_ENDONLY, 0))
      return vp_error_refuse (error, *part, "is no feature like pmu=off or +avx2");
  return set_text (&config->cpu_features, value, error);
}

static gboolean
set_smp (VpConfig *config, const char *value, GError **error)
{
  return set_number (&config->smp, value, 1, MAX_CPUS, error);
}

static gboolean
set_max_cpus (VpConfig *config, const char *value, GError **error)
{
  return set_number (&config->max_cpus, value, 1, MAX_CPUS, error);
}

static gboolean
set_memory (VpConfig *config, const char *value, GError **error)
{
  return set_size (&config->memory, value, MIB, MAX_MEMORY, MIB, error);
}

static gboolean
set_max_memory (VpConfig *config, const char *value, GError **error)
{
  return set_size (&config->max_memory, value, MIB, MAX_MEMORY, MIB, error);
}

static gboolean
set_shared_memory (VpConfig *config, const char *value, GError **error)
{
  static const char *const choices[] = { "auto", "on", NULL };
  guint choice;

  if (!vp_params_parse_choice (value, choices, &choice, error))
    return FALSE;
  config->shared_memory = choice == 1;
  return TRUE;
}

static gboolean
set_numa (VpConfig *config, const char *value, GError **error)
{
  return set_number (&config->numa, value, 1, VP_TOPOLOGY_MAX_NODES, error);
}

static gboolean
set_firmware (VpConfig *config, const char *value, GError **error)
{
  g_autofree char *base = g_path_get_basename (value);
  g_autofree char *lower = g_ascii_strdown (base, -1);

  if (g_str_equal (value, "seabios") || g_str_equal (value, "ovmf"))
    {
      config->firmware = value[0] == 's' ? VP_FIRMWARE_SEABIOS : VP_FIRMWARE_OVMF;
      return TRUE;
    }

  config->firmware = g_str_has_prefix (lower, "ovmf") || g_str_has_prefix (lower, "edk2")
                         ? VP_FIRMWARE_OVMF
                         : VP_FIRMWARE_OTHER;
  return set_text (&config->firmware_path, value, error);
}

static gboolean
set_firmware_version (VpConfig *config, const char *value, GError **error)
{
  if (!vp_firmware_version_is_valid (value))
    return vp_error_refuse (error, value, "is not a version like 1.16.3");
  return set_text (&config->firmware_version, value, error);
}

static gboolean
set_kernel (VpConfig *config, const char *value, GError **error)
{
  return set_text (&config->kernel, value, error);
}

static gboolean
set_initrd (VpConfig *config, const char *value, GError **error)
{
  return set_text (&config->initrd, value, error);
}

static gboolean
set_append (VpConfig *config, const char *value, GError **error)
{
  config->append = g_strdup (value);
  return TRUE;
}

static gboolean
add_disk (VpConfig *config, const char *value, GError **error)
{
  VpDisk *disk = vp_disk_parse (value, error);

  if (disk == NULL)
    return FALSE;
  g_ptr_array_add (config->disks, disk);
  return TRUE;
}

static gboolean
add_nic (VpConfig *config, const char *value, GError **error)
{
  VpNic *nic;

  if (config->has_no_nic || (config->nics->len > 0 && g_str_equal (value, "none")))
    return vp_error_refuse (error, value, "cannot stand beside another --nic: one of them is none");
  if (g_str_equal (value, "none"))
    {
      config->has_no_nic = TRUE;
      return TRUE;
    }

  nic = vp_nic_parse (value, error);
  if (nic == NULL)
    return FALSE;
  g_ptr_array_add (config->nics, nic);
  return TRUE;
}

static gboolean
add_share (VpConfig *config, const char *value, GError **error)
{
  g_autoptr (VpShare) share = vp_share_parse (value, error);

  if (share == NULL)
    return FALSE;
  for (guint i = 0; i < config->shares->len; i++)
    if (g_str_equal (((VpShare *) config->shares->pdata[i])->tag, share->tag))
      return vp_error_refuse (error, share->tag, "is the tag of another share already");

  g_ptr_array_add (config->shares, g_steal_pointer (&share));
  return TRUE;
}

static gboolean
add_device (VpConfig *config, const char *value, GError **error)
{
  VpDeviceSpec *spec = vp_device_spec_parse (value, error);

  if (spec == NULL)
    return FALSE;
  g_ptr_array_add (config->devices, spec);
  return TRUE;
}

static gboolean
set_large_bar (VpConfig *config, const char *value, GError **error)
{
  return set_size (&config->large_bar, value, 1, MAX_WINDOW, 1, error);
}

static gboolean
set_spare (VpConfig *config, const char *value, GError **error)
{
  return set_number (&config->spare, value, 0, MAX_SPARE, error);
}

static gboolean
set_spare_window (VpConfig *config, const char *value, GError **error)
{
  return set_size (&config->spare_window, value, MIB, MAX_WINDOW, MIB, error);
}

static gboolean
set_plug (VpConfig *config, const char *value, GError **error)
{
  static const char *const choices[] = { "auto", "cold", "hot", NULL };
  guint choice;

  if (!vp_params_parse_choice (value, choices, &choice, error))
    return FALSE;
  config->plug = (VpPlug) choice;
  return TRUE;
}

static gboolean
set_bridges (VpConfig *config, const char *value, GError **error)
{
  return set_number (&config->n_bridges, value, 0, MAX_BRIDGES, error);
}

static gboolean
set_hot_bus (VpConfig *config, const char *value, GError **error)
{
  static const char *const choices[] = { "auto", "bridge", NULL };
  guint choice;

  if (!vp_params_parse_choice (value, choices, &choice, error))
    return FALSE;
  config->hot_on_bridge = choice == 1;
  return TRUE;
}

static gboolean
set_hotplug_mode (VpConfig *config, const char *value, GError **error)
{
  static const char *const choices[] = { "acpi", "native", NULL };
  guint choice;

  if (!vp_params_parse_choice (value, choices, &choice, error))
    return FALSE;
  config->hotplug_mode = (VpHotplugMode) choice;
  return TRUE;
}

static gboolean
set_ready_after (VpReady *ready, const char *seconds, GError **error)
{
  double number;

  if (!g_regex_match_simple ("^[0-9]{1,5}(\\.[0-9]{1,3})?$", seconds, G_REGEX_DOLLAR_ENDONLY, 0) ||
      (number = g_ascii_strtod (seconds, NULL)) > MAX_READY_SECONDS)
    return vp_error_refuse (
        error, seconds, "is not a number of seconds from 0 to 86400, to the millisecond at most");

  ready->kind = VP_READY_AFTER;
  ready->milliseconds = (guint) (number * 1000 + 0.5);
  return TRUE;
}

static gboolean
set_ready_console (VpReady *ready, const char *regex, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (regex[0] == '\0')
    return vp_error_refuse (error, regex, "matches everything; say what the console shows");

  /* What a guest prints need not be UTF-8. */
  ready->pattern = g_regex_new (regex, G_REGEX_RAW | G_REGEX_OPTIMIZE, 0, &why);
  if (ready->pattern == NULL)
    return vp_error_refuse (error, regex, "is not a regular expression: %s", why->message);

  ready->kind = VP_READY_CONSOLE;
  return TRUE;
}

/* Linux shows the name in sysfs, and udev makes a file of it. */
static gboolean
set_ready_port (VpReady *ready, const char *name, GError **error)
{
  if (!g_regex_match_simple ("^" VP_READY_PORT_GRAMMAR "$", name,
                             G_REGEX_DOLLAR_ENDONLY | G_REGEX_RAW, 0))
    return vp_error_refuse (error, name, "is no name of a port: " VP_READY_PORT_GRAMMAR);

  ready->kind = VP_READY_PORT;
  ready->port = g_strdup (name);
  return TRUE;
}

static gboolean
set_ready (VpConfig *config, const char *value, GError **error)
{
  if (g_str_equal (value, "now"))
    {
      config->ready.kind = VP_READY_NOW;
      return TRUE;
    }
  if (g_str_has_prefix (value, "after:"))
    return set_ready_after (&config->ready, value + strlen ("after:"), error);
  if (g_str_has_prefix (value, "console:"))
    return set_ready_console (&config->ready, value + strlen ("console:"), error);
  if (g_str_has_prefix (value, "port:"))
    return set_ready_port (&config->ready, value + strlen ("port:"), error);
  return vp_error_refuse (error, value, "is none of now, after:SECONDS, console:REGEX, port:NAME");
}

static gboolean
set_qemu (VpConfig *config, const char *value, GError **error)
{
  g_clear_pointer (&config->qemu, g_free);
  return set_text (&config->qemu, value, error);
}

static const VpConfigOption options[] = {
  { "name", "NAME", "Name of the VM (default vm-PID)", FALSE, VP_OPTION_TEXT, NULL, set_name },
  { "machine", "q35|pc", "Machine type (default q35)", FALSE, VP_OPTION_TEXT, "q35", set_machine },
  { "accel", "auto|kvm|tcg", "Accelerator (default auto: kvm where it can run a guest)", FALSE,
    VP_OPTION_TEXT, "auto", set_accel },
  { "cpu", "MODEL", "CPU model (default host with kvm, max with tcg)", FALSE, VP_OPTION_TEXT, NULL,
    set_cpu },
  { "cpu-features", "LIST", "Features that its CPU has or not, pmu=off,avx2=on", FALSE,
    VP_OPTION_TEXT, NULL, set_cpu_features },
  { "smp", "N", "Number of CPUs (default 1)", FALSE, VP_OPTION_NUMBER, "1", set_smp },
  { "max-cpus", "N", "Number of CPUs that vmplug resize can give it (default: those of --smp)",
    FALSE, VP_OPTION_NUMBER, NULL, set_max_cpus },
  { "memory", "SIZE", "Memory (default 1G)", FALSE, VP_OPTION_SIZE, "1G", set_memory },
  { "max-memory", "SIZE", "Memory that vmplug resize can give it (default: that of --memory)",
    FALSE, VP_OPTION_SIZE, NULL, set_max_memory },
  { "shared-memory", "auto|on",
    "Memory that a vfio-user server can map (default auto: with a vfio-user "
    "device)",
    FALSE, VP_OPTION_SWITCH, "auto", set_shared_memory },
  { "numa", "N", "NUMA nodes that share CPUs and memory, and stand for the host's (default 1)",
    FALSE, VP_OPTION_NUMBER, "1", set_numa },
  { "firmware", "seabios|ovmf|PATH", "Firmware (default seabios)", FALSE, VP_OPTION_TEXT, "seabios",
    set_firmware },
  { "firmware-version", "VERSION", "Its version, such as 1.16.3 (default: what its file says)",
    FALSE, VP_OPTION_TEXT, NULL, set_firmware_version },
  { "kernel", "FILE", "Linux kernel to boot", FALSE, VP_OPTION_TEXT, NULL, set_kernel },
  { "initrd", "FILE", "Its initial RAM disk", FALSE, VP_OPTION_TEXT, NULL, set_initrd },
  { "append", "TEXT", "Its command line", FALSE, VP_OPTION_TEXT, NULL, set_append },
  { "disk", "FILE[,format=raw|qcow2][,readonly][,snapshot]",
    "Virtio disk; snapshot: writes are dropped at the end; write "
    "',,' for a comma",
    TRUE, VP_OPTION_TEXT, NULL, add_disk },
  { "nic", "user|tap,ifname=NAME|none", "Virtio network card (default none)", TRUE, VP_OPTION_TEXT,
    NULL, add_nic },
  { "share", "DIR,tag=NAME[,readonly]", "Folder that the guest mounts as 9p under that tag", TRUE,
    VP_OPTION_TEXT, NULL, add_share },
  { "device", "SPEC", "Host or emulated PCI device, see SPEC", TRUE, VP_OPTION_TEXT, NULL,
    add_device },
  { "plug", "auto|cold|hot",
    "Of host devices without plug= of their own (default "
    "auto)",
    FALSE, VP_OPTION_TEXT, "auto", set_plug },
  { "large-bar", "SIZE", "A 64-bit BAR from this size on is large (default 4G)", FALSE,
    VP_OPTION_SIZE, "4G", set_large_bar },
  { "spare", "N", "Ports kept free for hotplug (default 4)", FALSE, VP_OPTION_NUMBER, "4",
    set_spare },
  { "spare-window", "SIZE",
    "64-bit window of each spare port (default: the "
    "firmware's)",
    FALSE, VP_OPTION_SIZE, NULL, set_spare_window },
  { "bridges", "N",
    "Bridges for hotplug that are there from the start "
    "(default 0)",
    FALSE, VP_OPTION_NUMBER, "0", set_bridges },
  { "hot-bus", "auto|bridge",
    "Where hot host devices go: bridge, if there they "
    "have room (default auto)",
    FALSE, VP_OPTION_TEXT, "auto", set_hot_bus },
  { "hotplug-mode", "acpi|native", "How the guest is told of hotplug (default acpi)", FALSE,
    VP_OPTION_TEXT, "acpi", set_hotplug_mode },
  { "ready", "now|after:SECONDS|console:REGEX|port:NAME",
    "When the guest is given its hot devices "
    "(default now)",
    FALSE, VP_OPTION_TEXT, "now", set_ready },
  { "qemu", "PROGRAM", "QEMU (default qemu-system-x86_64)", FALSE, VP_OPTION_TEXT,
    "qemu-system-x86_64", set_qemu },
};

const VpConfigOption *
vp_config_option_get (guint index)
{
  return index < G_N_ELEMENTS (options) ? &options[index] : NULL;
}

const VpConfigOption *
vp_config_option_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (g_str_equal (options[i].name, name))
      return &options[i];

  return NULL;
}
