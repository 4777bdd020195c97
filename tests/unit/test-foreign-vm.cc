#include "launcher/error.h"

#include "tests/support/foreign-lines.h"
#include "tests/support/foreign-parse.h"
#include "tests/support/row-name.h"

#include <algorithm>

namespace
{

using foreign_lines::Line;
using foreign_lines::operator+;

Line
with (Line options)
{
  return Line{ "qemu-system-x86_64" } + options;
}

VpForeignVm *
describe (const Line &line)
{
  g_autoptr (VpForeignArgv) argv = parse_foreign (line);
  return vp_foreign_vm_new (argv);
}

std::string
text (const char *value)
{
  return value != nullptr ? value : "-";
}

/* The options as they were understood: what is theirs, and the value behind a colon. */
std::string
options_of (const Line &line)
{
  g_autoptr (VpForeignArgv) argv = parse_foreign (line);
  std::string all;

  for (guint i = 0; i < argv->options->len; i++)
    {
      const auto *option = static_cast<VpForeignOption *> (argv->options->pdata[i]);
      all += all.empty () ? "" : " ";
      all += option->option != nullptr ? option->option->name
             : option->index == option->value_index && option->value != nullptr ? "image"
                                                                                : "unknown";
      all += option->value != nullptr ? std::string (":") + option->value : "";
      if (option->value != nullptr)
        {
          EXPECT_EQ (line[option->value_index], option->value);
        }
    }
  return all;
}

struct WordsRow
{
  const char *name;
  Line options;
  const char *understood;
};

const WordsRow words[] = {
  { "nothing", {}, "" },
  { "flag_and_value", { "-S", "-m", "1G" }, "S m:1G" },
  { "two_dashes", { "--machine", "q35", "--no-reboot" }, "machine:q35 no-reboot" },
  { "short_names", { "-M", "q35", "-h" }, "machine:q35 help" },
  { "image_in_front", { "disk.img", "-m", "1G" }, "image:disk.img m:1G" },
  { "image_behind", { "-m", "1G", "disk.img" }, "m:1G image:disk.img" },
  { "image_behind_a_flag", { "-S", "disk.img" }, "S image:disk.img" },
  { "value_that_looks_like_an_option", { "-append", "-S", "-S" }, "append:-S S" },
  { "empty_value", { "-append", "", "-S" }, "append: S" },
  { "value_missing", { "-S", "-device" }, "S device" },
  { "unknown_with_value", { "-new-thing", "a=b", "-S" }, "unknown:a=b S" },
  { "unknown_without", { "-new-thing", "-S" }, "unknown S" },
  { "unknown_last", { "-S", "--new-thing" }, "S unknown" },
  { "dashes_alone", { "-", "--", "-S" }, "unknown unknown S" },
};

class Words : public testing::TestWithParam<WordsRow>
{
};

TEST_P (Words, BelongTogetherAsQemuSaysThey)
{
  EXPECT_EQ (options_of (with (GetParam ().options)), GetParam ().understood);
}

INSTANTIATE_TEST_SUITE_P (Table, Words, testing::ValuesIn (words), name_of_row<WordsRow>);

TEST (ForeignArgv, WithoutAProgramIsRefused)
{
  const char *const nothing[] = { nullptr };
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (vp_foreign_argv_parse (nothing, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
}

struct ParamsRow
{
  const char *name;
  const char *value;
  const char *first_key;
  const char *taken_apart;
};

const ParamsRow params[] = {
  { "empty", "", "driver", "" },
  { "first_key", "VGA,id=v", "driver", "driver=VGA;id=v" },
  { "first_key_given", "id=v,driver=VGA", "driver", "id=v;driver=VGA" },
  { "no_first_key", "server,nowait", nullptr, "server=on;wait=off;nowait=on" },
  { "flag", "x,server", "path", "path=x;server=on" },
  { "two_commas", "path=a,,b,id=c", nullptr, "path=a,b;id=c" },
  { "two_commas_in_the_first", "a,,b,id=c", "path", "path=a,b;id=c" },
  { "three_commas", "a=b,,,c=d", nullptr, "a=b,;c=d" },
  { "equals_in_value", "a=b=c", nullptr, "a=b=c" },
  { "empty_parts", "host,", "model", "model=host" },
  { "twice", "a=1,a=2", nullptr, "a=1;a=2" },
  { "json", R"({"driver":"VGA","addr":"0x2.0x1","x":true,"y":null})", "driver",
    "driver=VGA;addr=0x2.0x1;x=on" },
  { "json_nested", R"({"file":{"filename":"a,b"},"list":[1,{"fd":"7"}]})", nullptr,
    "file.filename=a,b;list.0=1;list.1.fd=7" },
  { "json_broken", R"({"driver":"VGA")", "driver", "" },
  { "json_twice", R"({"a":"b","a":"c"})", nullptr, "" },
};

class Params : public testing::TestWithParam<ParamsRow>
{
};

TEST_P (Params, AreTakenApart)
{
  g_autoptr (VpQemuParams) parsed = vp_qemu_params_parse (GetParam ().value, GetParam ().first_key);
  std::string all;

  for (guint i = 0; i < vp_qemu_params_n (parsed); i++)
    {
      const VpQemuParam *param = vp_qemu_params_at (parsed, i);
      all += std::string (all.empty () ? "" : ";") + param->key + "=" + param->value;
    }
  EXPECT_EQ (all, GetParam ().taken_apart);
  EXPECT_EQ (vp_qemu_params_is_json (parsed), GetParam ().value[0] == '{');
}

INSTANTIATE_TEST_SUITE_P (Table, Params, testing::ValuesIn (params), name_of_row<ParamsRow>);

/* One fact of a command line. */
struct FactRow
{
  const char *name;
  Line options;
  std::string (*fact) (const VpForeignVm *vm);
  const char *is;
};

std::string
probe (const VpForeignVm *vm)
{
  return vm->is_probe ? "probe" : "vm";
}

std::string
machine (const VpForeignVm *vm)
{
  return vm->has_machine ? vp_machine_type_to_string (vm->machine) : "unknown";
}

std::string
accel (const VpForeignVm *vm)
{
  return vm->accel == VP_ACCEL_KVM ? "kvm" : vm->accel == VP_ACCEL_TCG ? "tcg" : "auto";
}

std::string
cpu (const VpForeignVm *vm)
{
  return text (vm->cpu);
}

std::string
cpus (const VpForeignVm *vm)
{
  return std::to_string (vm->smp) + "/" + std::to_string (vm->max_cpus);
}

std::string
memory (const VpForeignVm *vm)
{
  return std::to_string (vm->memory >> 20) + "/" + std::to_string (vm->max_memory >> 20) + "/" +
         std::to_string (vm->n_memory_slots);
}

std::string
firmware (const VpForeignVm *vm)
{
  return text (vm->firmware_path);
}

std::string
guest_name (const VpForeignVm *vm)
{
  return text (vm->name);
}

std::string
hotplug (const VpForeignVm *vm)
{
  return vm->hotplug_mode == VP_HOTPLUG_ACPI ? "acpi" : "native";
}

std::string
switches (const VpForeignVm *vm)
{
  return std::string (vm->has_S ? "S" : "") + (vm->is_daemon ? "d" : "") +
         (vm->is_opaque ? "o" : "") + (vm->has_data_folder ? "L" : "") +
         (vm->has_aperture ? "a" : "") + "," + text (vm->pidfile) + "," + text (vm->incoming);
}

std::string
fds (const VpForeignVm *vm)
{
  std::string all;
  for (guint i = 0; i < vm->fds->len; i++)
    all += (i > 0 ? " " : "") + std::to_string (g_array_index (vm->fds, int, i));
  return all;
}

std::string
qmp (const VpForeignVm *vm)
{
  const std::string at = "@" + std::to_string (vm->qmp.index) + (vm->qmp.waits ? " waits" : "");
  switch (vm->qmp.kind)
    {
    case VP_FOREIGN_QMP_NONE:
      return "none";
    case VP_FOREIGN_QMP_LISTENER:
      return "fd " + std::to_string (vm->qmp.fd) + at;
    case VP_FOREIGN_QMP_PATH:
      return text (vm->qmp.path) + at;
    case VP_FOREIGN_QMP_OTHER:
      return "other" + at;
    }
  return "?";
}

std::string
ids (const VpForeignVm *vm)
{
  std::vector<std::string> all;
  GHashTableIter iter;
  gpointer id;
  std::string joined;

  g_hash_table_iter_init (&iter, vm->ids);
  while (g_hash_table_iter_next (&iter, &id, nullptr))
    all.push_back (static_cast<char *> (id));
  std::sort (all.begin (), all.end ());
  for (const std::string &one : all)
    joined += (joined.empty () ? "" : " ") + one;
  return joined;
}

/* Slots that are taken. */
std::string
slots (const VpForeignVm *vm)
{
  std::string all;
  for (guint slot = 0; slot < 32; slot++)
    if ((vm->bus.taken_slots & 1U << slot) != 0)
      all += (all.empty () ? "" : " ") + std::to_string (slot);
  return all;
}

std::string
chassis (const VpForeignVm *vm)
{
  return std::to_string (vm->bus.first_chassis) + "+" + std::to_string (vm->bus.n_chassis);
}

std::string
buses (const VpForeignVm *vm)
{
  return std::to_string (vm->bus.n_buses) + " buses, " + std::to_string (vm->bus.n_io_bridges) +
         " with I/O";
}

const FactRow facts[] = {
  { "version", { "-version" }, probe, "probe" },
  { "version_of_two_dashes", { "--version" }, probe, "probe" },
  { "help", { "-m", "1G", "-help" }, probe, "probe" },
  { "machine_help", { "-machine", "help" }, probe, "probe" },
  { "machine_question", { "-M", "?" }, probe, "probe" },
  { "properties_of_a_machine", { "-machine", "q35,help" }, probe, "probe" },
  { "device_help", { "-device", "VGA,help" }, probe, "probe" },
  { "cpu_help", { "-cpu", "help" }, probe, "probe" },
  { "object_help", { "-object", "help" }, probe, "probe" },
  { "nic_model_help", { "-nic", "user,model=help" }, probe, "probe" },
  { "machine_none", { "-machine", "none,accel=kvm:tcg", "-S" }, probe, "probe" },
  { "value_missing", { "-m" }, probe, "probe" },
  { "kernel_called_help", { "-kernel", "help", "-append", "help" }, probe, "vm" },
  { "name_help", { "-name", "help" }, probe, "vm" },
  { "no_probe", { "-machine", "q35" }, probe, "vm" },

  { "default_machine", {}, machine, "pc" },
  { "q35", { "-machine", "q35,accel=kvm" }, machine, "q35" },
  { "versioned_q35", { "-M", "pc-q35-10.0" }, machine, "q35" },
  { "versioned_pc", { "-machine", "type=pc-i440fx-7.2" }, machine, "pc" },
  { "machine_without_a_name", { "-machine", "accel=kvm" }, machine, "pc" },
  { "last_machine_wins", { "-M", "pc", "-machine", "smm=off", "-M", "q35" }, machine, "q35" },
  { "microvm", { "-M", "microvm" }, machine, "unknown" },
  { "isapc", { "-M", "isapc" }, machine, "unknown" },

  { "no_accelerator", {}, accel, "tcg" },
  { "accelerator_of_the_machine", { "-machine", "q35,accel=kvm" }, accel, "kvm" },
  { "accelerators_in_turn", { "-machine", "accel=kvm:tcg" }, accel, "auto" },
  { "accel", { "-accel", "kvm,kernel-irqchip=split" }, accel, "kvm" },
  { "accels_in_turn", { "-accel", "kvm", "-accel", "tcg" }, accel, "auto" },
  { "tcg_first", { "-accel", "tcg,thread=single", "-accel", "kvm" }, accel, "tcg" },
  { "enable_kvm", { "-enable-kvm" }, accel, "kvm" },

  { "no_cpu", {}, cpu, "qemu64" },
  { "last_cpu_wins", { "-cpu", "host", "-cpu", "max,pmu=off" }, cpu, "max,pmu=off" },

  { "no_smp", {}, cpus, "1/0" },
  { "smp_of_kata", { "-smp", "1,cores=1,threads=1,sockets=16,maxcpus=16" }, cpus, "1/16" },
  { "smp_by_topology", { "-smp", "sockets=2,cores=3,threads=2" }, cpus, "12/0" },
  { "smp_merged", { "-smp", "4", "-smp", "maxcpus=8" }, cpus, "4/8" },

  { "no_memory", {}, memory, "128/0/0" },
  { "memory_in_mib", { "-m", "512" }, memory, "512/0/0" },
  { "memory_of_kata", { "-m", "2048M,slots=10,maxmem=65359M" }, memory, "2048/65359/10" },
  { "memory_of_libvirt", { "-m", "size=4194304k" }, memory, "4096/0/0" },
  { "fraction", { "-m", "1.5G" }, memory, "1536/0/0" },
  { "memory_merged", { "-m", "1G", "-m", "maxmem=4G,slots=2" }, memory, "1024/4096/2" },
  { "memory_that_is_none", { "-m", "lots" }, memory, "128/0/0" },
  { "memory_too_large", { "-m", "9999999999E" }, memory, "128/0/0" },

  { "no_firmware", {}, firmware, "-" },
  { "bios", { "-bios", "OVMF.fd" }, firmware, "OVMF.fd" },
  { "firmware_of_the_machine", { "-machine", "q35,firmware=OVMF.fd" }, firmware, "OVMF.fd" },
  { "pflash", { "-pflash", "CODE", "-pflash", "VARS", "-bios", "x" }, firmware, "CODE" },
  { "flash_drive",
    { "-drive", "if=pflash,unit=1,file=VARS", "-drive", "if=pflash,unit=0,file=CO,,DE" },
    firmware,
    "CO,DE" },
  { "flash_node",
    { "-machine", "q35,pflash0=f", "-blockdev", "raw,node-name=f,file=s", "-blockdev",
      R"({"driver":"file","node-name":"s","filename":"CODE"})" },
    firmware,
    "CODE" },
  { "flash_node_of_two",
    { "-machine", "q35,pflash0=f", "-blockdev",
      R"({"driver":"raw","node-name":"f","file":{"driver":"file","filename":"CODE"}})" },
    firmware,
    "CODE" },
  { "flash_node_in_a_circle",
    { "-machine", "q35,pflash0=f", "-blockdev", "raw,node-name=f,file=f" },
    firmware,
    "-" },

  { "no_name", {}, guest_name, "-" },
  { "name", { "-name", "sandbox-1,debug-threads=on" }, guest_name, "sandbox-1" },
  { "name_by_key", { "-name", "debug-threads=on,guest=a,,b" }, guest_name, "a,b" },
  { "names_merged", { "-name", "a", "-name", "process=b" }, guest_name, "a" },

  { "acpi", { "-M", "q35" }, hotplug, "acpi" },
  { "older_machine", { "-M", "pc-q35-6.0" }, hotplug, "native" },
  { "first_with_acpi", { "-M", "pc-q35-6.1" }, hotplug, "acpi" },
  { "machine_of_two_digits", { "-M", "pc-q35-10.0" }, hotplug, "acpi" },
  { "switched_off",
    { "-M", "q35", "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off" },
    hotplug,
    "native" },
  { "switched_off_by_keys",
    { "-M", "q35", "-global",
      "driver=ICH9-LPC,property=acpi-pci-hotplug-with-bridge-support,value=off" },
    hotplug,
    "native" },
  { "switched_on",
    { "-M", "pc-q35-6.0", "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=on" },
    hotplug,
    "acpi" },
  { "no_acpi", { "-M", "q35,acpi=off" }, hotplug, "native" },
  { "pc_has_acpi", { "-M", "pc-i440fx-2.0" }, hotplug, "acpi" },

  { "no_switches", {}, switches, ",-,-" },
  { "switches",
    { "-S", "-daemonize", "-readconfig", "f", "-L", ".", "-pidfile", "p", "-incoming", "defer",
      "-fw_cfg", "opt/ovmf/X-PciMmio64Mb,string=65536" },
    switches,
    "SdoLa,p,defer" },

  { "no_fds", { "-m", "1G" }, fds, "" },
  { "fds_of_a_tap", { "-netdev", "tap,id=n,fds=5:7,vhostfds=9:6" }, fds, "5 6 7 9" },
  { "fds_joined_by_commas", { "-netdev", "tap,id=n,fds=5,7,vhost=on" }, fds, "5 7" },
  { "fds_everywhere",
    { "-qmp", "unix:fd=3,server=on", "-device", "vhost-vsock-pci,vhostfd=4", "-add-fd",
      "fd=16,set=1", "-incoming", "fd:8", "-drive", "file=/dev/fd/11", "-fsdev",
      "proxy,id=f,sock_fd=12", "-serial", "file:/proc/self/fd/13" },
    fds,
    "3 4 8 11 12 13 16" },
  { "fds_of_json",
    { "-netdev", R"({"type":"tap","id":"n","fd":"34","vhostfd":"36"})", "-netdev",
      R"({"type":"stream","id":"s","addr":{"type":"fd","str":"40"}})" },
    fds,
    "34 36 40" },
  { "fds_of_an_address", { "-netdev", "stream,id=s,addr.type=fd,addr.str=41" }, fds, "41" },
  { "no_fd_but_a_set", { "-drive", "file=/dev/fdset/1" }, fds, "" },
  { "fd_that_is_no_number", { "-netdev", "tap,id=n,fd=name" }, fds, "" },

  { "no_qmp", { "-monitor", "unix:hmp,server=on" }, qmp, "none" },
  { "qmp_of_kata", { "-qmp", "unix:fd=3,server=on,wait=off" }, qmp, "fd 3@2" },
  { "qmp_that_waits", { "-S", "--qmp", "unix:fd=3,server=on" }, qmp, "fd 3@3 waits" },
  { "qmp_by_path", { "-qmp", "unix:qmp.sock,server,nowait" }, qmp, "qmp.sock@2" },
  { "qmp_by_key", { "-qmp-pretty", "unix:path=a,,b,server=on,wait=off" }, qmp, "a,b@2" },
  { "qmp_client", { "-qmp", "unix:qmp.sock" }, qmp, "other@2" },
  { "qmp_by_tcp", { "-qmp", "tcp:localhost:4444,server=on" }, qmp, "other@2" },
  { "qmp_none", { "-qmp", "none" }, qmp, "none" },
  { "first_of_two", { "-qmp", "unix:a,server,nowait", "-qmp", "stdio" }, qmp, "a@2" },
  { "qmp_of_libvirt",
    { "-mon", "chardev=m,id=x,mode=control", "-chardev", "socket,id=m,fd=33,server=on,wait=off" },
    qmp,
    "fd 33@4" },
  { "qmp_by_a_chardev",
    { "-chardev", "socket,id=c,path=p,server=on,wait=off", "-qmp", "chardev:c" },
    qmp,
    "p@2" },
  { "chardev_missing", { "-mon", "chardev=m,mode=control" }, qmp, "other@2" },
  { "monitor_for_people", { "-mon", "chardev=m,mode=readline" }, qmp, "none" },

  { "ids_of_every_kind",
    { "-device", "VGA,id=a", "-device", R"({"driver":"edu","id":"b"})", "-object", "iothread,id=c",
      "-blockdev", "null-co,node-name=d", "-drive", "if=none,id=e", "-chardev", "null,id=f",
      "-netdev", R"({"type":"user","id":"g"})", "-nic", "user,id=h", "-mon", "chardev=f,id=i" },
    ids,
    "a b c d e f g h i" },

  { "slots_of_an_empty_q35", { "-M", "q35", "-nodefaults" }, slots, "0 31" },
  { "slots_of_an_empty_pc", { "-nodefaults" }, slots, "0 1" },
  { "default_devices", { "-M", "q35" }, slots, "0 1 2 31" },
  { "usb_of_q35", { "-M", "q35,usb=on", "-nodefaults" }, slots, "0 29 31" },
  { "explicit",
    { "-M", "q35", "-nodefaults", "-device", "VGA,addr=3", "-device", "edu,addr=0x10.1", "-device",
      R"({"driver":"edu","addr":"0x1e"})", "-device",
      R"({"driver":"edu","bus":"pcie.0","addr":40})" },
    slots,
    "0 3 5 16 30 31" },
  { "first_free",
    { "-M", "q35", "-nodefaults", "-device", "VGA,bus=pcie.0", "-device", "edu,addr=2", "-device",
      "virtio-rng-pci" },
    slots,
    "0 1 2 3 31" },
  { "behind_others",
    { "-M", "q35", "-nodefaults", "-device", "pcie-root-port,id=rp0,chassis=0", "-device",
      "edu,bus=rp0,addr=7", "-device", "usb-tablet", "-device", "scsi-hd,bus=s.0", "-device",
      "virtserialport,chardev=c", "-device", "nvdimm,memdev=m" },
    slots,
    "0 1 31" },
  { "bus_by_its_path",
    { "-nodefaults", "-device", "edu,bus=/i440fx/pci.0,addr=9" },
    slots,
    "0 1 9" },
  { "made_by_options",
    { "-M", "q35", "-nodefaults", "-vga", "std", "-nic", "user", "-net", "nic,addr=9", "-net",
      "user", "-drive", "if=virtio,file=x", "-drive", "if=none,id=n", "-virtfs",
      "local,path=/,mount_tag=t,security_model=none" },
    slots,
    "0 1 2 3 4 9 31" },
  { "unknown_option", { "-M", "q35", "-nodefaults", "-new-thing", "x" }, slots, "0 1 31" },
  { "no_vga", { "-M", "q35", "-nodefaults", "-vga", "none" }, slots, "0 31" },
  { "address_that_is_none", { "-nodefaults", "-device", "edu,addr=2g" }, slots, "0 1 2" },

  { "chassis_of_nobody", {}, chassis, "1+255" },
  { "chassis_of_kata",
    { "-device", "pci-bridge,chassis_nr=1", "-device", "pcie-root-port,chassis=0x00" },
    chassis,
    "2+254" },
  { "chassis_in_the_middle",
    { "-device", R"({"driver":"pcie-root-port","chassis":100})", "-device",
      "pcie-root-port,chassis=250" },
    chassis,
    "101+149" },
  { "chassis_at_the_end", { "-device", "pcie-root-port,chassis=255" }, chassis, "1+254" },

  { "buses_of_nobody", {}, buses, "256 buses, 0 with I/O" },
  { "bridges",
    { "-device", "pcie-root-port,id=a", "-device", "pcie-root-port,id=b", "-device",
      "pci-bridge,id=c,bus=b" },
    buses,
    "253 buses, 2 with I/O" },
  { "root_bus_of_a_node", { "-device", "pxb-pcie,id=n,bus_nr=32" }, buses, "32 buses, 0 with I/O" },
};

class Fact : public testing::TestWithParam<FactRow>
{
};

TEST_P (Fact, IsFound)
{
  g_autoptr (VpForeignVm) vm = describe (with (GetParam ().options));

  EXPECT_EQ (GetParam ().fact (vm), GetParam ().is);
}

INSTANTIATE_TEST_SUITE_P (Table, Fact, testing::ValuesIn (facts), name_of_row<FactRow>);

TEST (ForeignVm, OfKata)
{
  g_autoptr (VpForeignVm) vm = describe (foreign_lines::kata (foreign_lines::kata_bridge ("0", "2"),
                                                              foreign_lines::kata_root_ports (2)));

  EXPECT_EQ (probe (vm), "vm");
  EXPECT_EQ (machine (vm), "q35");
  EXPECT_EQ (accel (vm), "kvm");
  EXPECT_EQ (cpu (vm), "host,pmu=off");
  EXPECT_EQ (cpus (vm), "1/16");
  EXPECT_EQ (memory (vm), "2048/65359/10");
  EXPECT_EQ (guest_name (vm), "sandbox-0123456789abcdef");
  EXPECT_EQ (switches (vm), ",/run/vc/vm/0123456789abcdef/pid,-");
  EXPECT_EQ (fds (vm), "3 4 5 6");
  EXPECT_EQ (qmp (vm), "fd 3@10");
  EXPECT_EQ (slots (vm), "0 1 2 3 4 5 6 7 8 9 31");
  EXPECT_EQ (chassis (vm), "2+254");
  EXPECT_EQ (ids (vm), "char-1b2c3d charconsole0 console0 dimm1 network-0 pci-bridge-0 rng0 rp0 "
                       "rp1 scsi0 serial0 vsock-2771");
}

TEST (ForeignVm, KnowsItsDevices)
{
  g_autoptr (VpForeignVm) vm = describe (foreign_lines::kata_rust ());
  const VpForeignDevice *found = nullptr;

  for (guint i = 0; i < vm->devices->len; i++)
    {
      const auto *device = static_cast<VpForeignDevice *> (vm->devices->pdata[i]);
      if (g_str_equal (device->driver, "vfio-pci"))
        found = device;
    }
  ASSERT_NE (found, nullptr);
  EXPECT_STREQ (found->id, "vfio-d3adb33f00000000");
  EXPECT_STREQ (found->bus, "rp0");
  EXPECT_STREQ (found->addr, "0x0");
  EXPECT_EQ (found->slot, 0);
  EXPECT_STREQ (found->host, "0000:65:00.0");
  EXPECT_EQ (found->chassis, -1);
  EXPECT_EQ (foreign_lines::kata_rust ()[found->index].substr (0, 9), "vfio-pci,");
}

TEST (ForeignVm, BecomesAConfiguration)
{
  g_autoptr (VpForeignVm) vm =
      describe (with ({ "-M", "pc-q35-6.0,accel=kvm", "-cpu", "host", "-smp", "2,maxcpus=4", "-m",
                        "1G,maxmem=2G,slots=1", "-bios", "F", "-name", "n" }));
  g_autoptr (VpConfig) config = vp_foreign_vm_to_config (vm);

  EXPECT_STREQ (config->name, "n");
  EXPECT_EQ (config->machine, VP_MACHINE_Q35);
  EXPECT_EQ (config->accel, VP_ACCEL_KVM);
  EXPECT_STREQ (config->cpu, "host");
  EXPECT_EQ (config->smp, 2u);
  EXPECT_EQ (config->memory, G_GUINT64_CONSTANT (1) << 30);
  EXPECT_EQ (config->max_memory, 0u) << "it is not ours to add";
  EXPECT_EQ (config->max_cpus, 0u);
  EXPECT_STREQ (config->firmware_path, "F");
  EXPECT_EQ (config->hotplug_mode, VP_HOTPLUG_NATIVE);
}

TEST (ForeignVm, BecomesAForeignMachine)
{
  g_autoptr (VpForeignArgv) argv =
      parse_foreign (with ({ "-M", "q35", "-nodefaults", "-m", "1G,maxmem=2G,slots=1", "-device",
                             "edu,id=e", "-netdev", "tap,id=n,fd=20", "-daemonize" }));
  g_autoptr (VpForeignVm) vm = vp_foreign_vm_new (argv);
  g_autoptr (VpForeign) foreign = vp_foreign_vm_to_foreign (vm, argv, "/opt/qemu");

  EXPECT_STREQ (foreign->argv[0], "/opt/qemu");
  EXPECT_STREQ (foreign->argv[1], "-M");
  EXPECT_EQ (g_strv_length (foreign->argv), g_strv_length (argv->argv));
  EXPECT_EQ (foreign->root.machine, VP_MACHINE_Q35);
  EXPECT_TRUE (foreign->root.foreign.is_foreign);
  EXPECT_EQ (foreign->root.foreign.taken_slots, 1U | 1U << 1 | 1U << 31);
  EXPECT_EQ (foreign->first_fd, 21);
  EXPECT_EQ (foreign->max_memory, G_GUINT64_CONSTANT (2) << 30);
  EXPECT_EQ (foreign->n_memory_slots, 1u);
  EXPECT_TRUE (foreign->is_daemon);
  EXPECT_TRUE (g_hash_table_contains (foreign->ids, "e"));
  EXPECT_TRUE (g_hash_table_contains (foreign->ids, "n"));
}

} // namespace
