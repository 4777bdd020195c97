#include "launcher/wrapper/qemu-option.h"

#define FLAG(name)                                                                                 \
  {                                                                                                \
    name, FALSE, NULL, FALSE                                                                       \
  }
#define VALUE(name)                                                                                \
  {                                                                                                \
    name, TRUE, NULL, FALSE                                                                        \
  }
#define PARAMS(name, key)                                                                          \
  {                                                                                                \
    name, TRUE, key, FALSE                                                                         \
  }
#define HELPFUL(name, key)                                                                         \
  {                                                                                                \
    name, TRUE, key, TRUE                                                                          \
  }

/* qemu-options.hx */
static const VpQemuOption options[] = {
  FLAG ("S"),
  FLAG ("alt-grab"),
  FLAG ("async-teardown"),
  FLAG ("audio-help"),
  FLAG ("ctrl-grab"),
  FLAG ("curses"),
  FLAG ("daemonize"),
  FLAG ("enable-fips"),
  FLAG ("enable-hax"),
  FLAG ("enable-kvm"),
  FLAG ("enable-sync-profile"),
  FLAG ("fd-bootchk"),
  FLAG ("full-screen"),
  FLAG ("help"),
  FLAG ("jitdump"),
  FLAG ("mem-prealloc"),
  FLAG ("no-acpi"),
  FLAG ("no-fd-bootchk"),
  FLAG ("no-frame"),
  FLAG ("no-hpet"),
  FLAG ("no-kvm"),
  FLAG ("no-kvm-irqchip"),
  FLAG ("no-kvm-pit"),
  FLAG ("no-kvm-pit-reinjection"),
  FLAG ("no-quit"),
  FLAG ("no-reboot"),
  FLAG ("no-shutdown"),
  FLAG ("no-user-config"),
  FLAG ("nodefaults"),
  FLAG ("nodefconfig"),
  FLAG ("nographic"),
  FLAG ("old-param"),
  FLAG ("one-insn-per-tb"),
  FLAG ("only-migratable"),
  FLAG ("perfmap"),
  FLAG ("portrait"),
  FLAG ("preconfig"),
  FLAG ("rtc-td-hack"),
  FLAG ("s"),
  FLAG ("sdl"),
  FLAG ("semihosting"),
  FLAG ("show-cursor"),
  FLAG ("singlestep"),
  FLAG ("snapshot"),
  FLAG ("tdf"),
  FLAG ("usb"),
  FLAG ("version"),
  FLAG ("win2k-hack"),
  FLAG ("xen-attach"),
  FLAG ("xen-domid-restrict"),

  HELPFUL ("accel", "accel"),
  VALUE ("acpitable"),
  PARAMS ("action", NULL),
  PARAMS ("add-fd", NULL),
  VALUE ("append"),
  HELPFUL ("audio", "driver"),
  HELPFUL ("audiodev", "driver"),
  PARAMS ("balloon", "type"),
  VALUE ("bios"),
  PARAMS ("blockdev", "driver"),
  PARAMS ("boot", "order"),
  VALUE ("bt"),
  VALUE ("cdrom"),
  HELPFUL ("chardev", "backend"),
  VALUE ("chroot"),
  VALUE ("clock"),
  PARAMS ("compat", NULL),
  HELPFUL ("cpu", "model"),
  VALUE ("cpu-throttle"),
  HELPFUL ("d", NULL),
  VALUE ("D"),
  VALUE ("debugcon"),
  HELPFUL ("device", "driver"),
  VALUE ("dfilter"),
  HELPFUL ("display", "type"),
  PARAMS ("drive", NULL),
  VALUE ("dtb"),
  VALUE ("dump-vmstate"),
  VALUE ("echr"),
  VALUE ("fda"),
  VALUE ("fdb"),
  PARAMS ("fsdev", "fsdriver"),
  PARAMS ("fw_cfg", "name"),
  VALUE ("g"),
  VALUE ("gdb"),
  PARAMS ("global", NULL),
  VALUE ("hda"),
  VALUE ("hdachs"),
  VALUE ("hdb"),
  VALUE ("hdc"),
  VALUE ("hdd"),
  PARAMS ("icount", "shift"),
  VALUE ("incoming"),
  VALUE ("initrd"),
  VALUE ("iscsi"),
  HELPFUL ("k", NULL),
  VALUE ("kernel"),
  VALUE ("L"),
  VALUE ("loadvm"),
  PARAMS ("m", "size"),
  HELPFUL ("machine", "type"),
  VALUE ("mem-path"),
  PARAMS ("mon", "chardev"),
  VALUE ("monitor"),
  PARAMS ("msg", "timestamp"),
  VALUE ("mtdblock"),
  PARAMS ("name", "guest"),
  HELPFUL ("net", "type"),
  HELPFUL ("netdev", "type"),
  HELPFUL ("nic", "type"),
  PARAMS ("numa", "type"),
  HELPFUL ("object", "qom-type"),
  VALUE ("option-rom"),
  PARAMS ("overcommit", NULL),
  VALUE ("parallel"),
  VALUE ("pflash"),
  VALUE ("pidfile"),
  PARAMS ("plugin", "file"),
  VALUE ("prom-env"),
  VALUE ("qmp"),
  VALUE ("qmp-pretty"),
  VALUE ("qtest"),
  VALUE ("qtest-log"),
  VALUE ("readconfig"),
  VALUE ("rotate"),
  PARAMS ("rtc", "base"),
  VALUE ("run-with"),
  VALUE ("runas"),
  PARAMS ("sandbox", "enable"),
  VALUE ("sd"),
  VALUE ("seed"),
  PARAMS ("semihosting-config", "enable"),
  VALUE ("serial"),
  VALUE ("set"),
  VALUE ("shim"),
  PARAMS ("smbios", NULL),
  PARAMS ("smp", "cpus"),
  HELPFUL ("soundhw", NULL),
  PARAMS ("spice", NULL),
  VALUE ("tb-size"),
  PARAMS ("tpmdev", "type"),
  HELPFUL ("trace", "enable"),
  VALUE ("usbdevice"),
  VALUE ("uuid"),
  HELPFUL ("vga", NULL),
  PARAMS ("virtfs", "fsdriver"),
  VALUE ("virtfs_synth"),
  VALUE ("virtioconsole"),
  VALUE ("vnc"),
  HELPFUL ("watchdog", NULL),
  VALUE ("watchdog-action"),
  VALUE ("writeconfig"),
  VALUE ("xen-create"),
  VALUE ("xen-domid"),
};

static const struct
{
  const char *name;
  const char *longer;
} aliases[] = {
  { "M", "machine" },
  { "h", "help" },
};

static const char *
longer_name (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++)
    if (g_str_equal (name, aliases[i].name))
      return aliases[i].longer;
  return name;
}

const VpQemuOption *
vp_qemu_option_find (const char *word)
{
  const char *name;

  g_return_val_if_fail (word != NULL, NULL);

  if (word[0] != '-')
    return NULL;
  name = longer_name (word + (word[1] == '-' ? 2 : 1));
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (g_str_equal (name, options[i].name))
      return &options[i];
  return NULL;
}
