#include "tests/e2e/failure.h"
#include "tests/e2e/tree.h"
#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"

#include <sys/stat.h>

/* Whatever is typed, and whatever the host is like: one line that says what, why and what to do, a
 * status from the table, and not a byte of the host changed. No QEMU is started for any of it. */

namespace
{

using Args = std::vector<std::string>;

constexpr uid_t NOBODY = 65534;
constexpr uint64_t GiB = uint64_t{ 1 } << 30;

struct Row
{
  const char *name;
  Args args;
  int status;
  Args texts;
  bool as_nobody = false; /* root may open everything */
};
std::ostream &
operator<< (std::ostream &stream, const Row &row)
{
  return stream << row.name;
}

std::string
node_of (const FakeSysfs &host, int group)
{
  return std::string (host.root ()) + "/dev/vfio/" + std::to_string (group);
}

/* A host on which everything is wrong, and one device is right. */
void
describe (FakeSysfs *host)
{
  const auto ready = [host] (const char *address, int group) {
    host->add_group_node (group);
    chmod (node_of (*host, group).c_str (), 0666);
    return host->pci (address).driver ("vfio-pci").group (group);
  };

  host->add_driver ("vfio-pci");
  ready ("0000:41:00.0", 40).ids (0x10de, 0x20b5).bars ({ { 1, FakeBar::MEM64_PREF, 64 * GiB } });

  host->pci ("0000:42:00.0").driver ("e1000e").group (41);
  host->pci ("0000:42:00.1").group (41);

  ready ("0000:43:00.0", 42);
  host->pci ("0000:43:00.1").driver ("snd_hda_intel").group (42);
  host->pci ("0000:43:00.2").driver ("xhci_hcd").group (42);

  ready ("0000:44:00.0", 43);
  chmod (node_of (*host, 43).c_str (), 0000);

  host->pci ("0000:45:00.0").driver ("vfio-pci");
  host->pci ("0000:46:00.0").class_code (0x060400).driver ("pcieport").group (46);
  host->add_group_node (47)
      .pci ("0000:47:00.0")
      .driver ("vfio-pci")
      .group (47)
      .virtual_functions (2);
  host->pci ("0000:48:00.0").driver ("vfio-pci").group (48);
  host->pci ("0000:49:00.0")
      .driver ("vfio-pci")
      .group (49)
      .attribute ("resource", "0x0 nonsense\n");
  host->add_mdev ("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "0000:41:00.0");

  /* Two of one group, both ready. */
  ready ("0000:4a:00.0", 50);
  ready ("0000:4a:00.1", 50);
}

class BadInput : public testing::TestWithParam<Row>
{
};

Outcome
run (const FakeSysfs &host, const Args &args, bool as_nobody)
{
  VmplugProgram program (args, host.root (), as_nobody && geteuid () == 0 ? NOBODY : geteuid ());
  program.close_stdin ();
  return program.wait ();
}

/* Commands whose stdout is JSON anyway, or no document at all. */
bool
can_have_json (const Args &args)
{
  static const char *const commands[] = { "plan",   "devices", "status", "list",
                                          "attach", "detach",  "qmp" };

  for (const char *command : commands)
    if (!args.empty () && args[0] == command)
      return true;
  return !args.empty () && args[0] == "run" &&
         std::find (args.begin (), args.end (), "--json") == args.end ();
}

TEST_P (BadInput, IsToldInOneLineAndChangesNothing)
{
  const Row &row = GetParam ();
  FakeSysfs host;

  describe (&host);
  chmod (host.root (), 0755);
  const auto before = tree_of (host.root ());

  expect_failure (run (host, row.args, row.as_nobody), row.status, row.texts);
  if (can_have_json (row.args))
    {
      Args args = row.args;
      args.insert (args.begin () + 1, "--json");
      if (args[0] == "run")
        args.insert (args.begin () + 1, "--detach");
      expect_failure (run (host, args, row.as_nobody), row.status, row.texts);
    }
  EXPECT_EQ (tree_of (host.root ()), before);
}

const Row words[] = {
  { "no_such_command", { "frobnicate" }, 2, { "frobnicate: no such command", "--help" } },
  { "no_such_option_at_all", { "--frobnicate" }, 2, { "--frobnicate: no such option" } },
  { "no_such_option", { "run", "--frobnicate" }, 2, { "--frobnicate", "vmplug run --help" } },
  { "no_such_option_of_another", { "list", "--kernel", "x" }, 2, { "--kernel", "vmplug list" } },
  { "a_word_too_many", { "run", "word" }, 2, { "\"word\" is an argument too many" } },
  { "another_word_too_many",
    { "status", "vm", "word" },
    2,
    { "\"word\" is an argument too many" } },
  { "a_word_too_few", { "status" }, 2, { "too few arguments", "vmplug status --help" } },
  { "two_words_too_few", { "attach" }, 2, { "too few arguments" } },
  { "no_word_for_bind", { "bind" }, 2, { "too few arguments" } },
  { "json_beside_the_console", { "run", "--json" }, 2, { "--json", "--detach" } },
  { "a_newline_in_a_word", { "a\nb\x1b[31m" }, 2, { "a\\x0ab\\x1b[31m" } },
  { "bytes_that_are_no_text", { "run", "--name", "a\xff" }, 2, { "--name: not valid UTF-8" } },
};
INSTANTIATE_TEST_SUITE_P (Words, BadInput, testing::ValuesIn (words), name_of_row<Row>);

const Row options[] = {
  { "twice", { "run", "--smp", "1", "--smp", "2" }, 2, { "--smp is given twice" } },
  { "without_a_value", { "run", "--memory" }, 2, { "--memory" } },
  { "empty", { "run", "--kernel", "" }, 2, { "--kernel: \"\" is empty" } },
  { "name", { "run", "--name", "../x" }, 2, { "--name: \"../x\" is not" } },
  { "name_with_newline", { "run", "--name", "a\nb" }, 2, { "control character at byte 2" } },
  { "machine", { "run", "--machine", "microvm" }, 2, { "\"microvm\" is not a machine", "q35" } },
  { "accel", { "run", "--accel", "xen" }, 2, { "\"xen\" is none of auto, kvm, tcg" } },
  { "no_kvm", { "run", "--accel", "kvm" }, 3, { "--accel kvm: /dev/kvm" } },
  { "cpu_help", { "run", "--cpu", "help" }, 2, { "\"help\" is no CPU model" } },
  { "no_cpus", { "run", "--smp", "0" }, 2, { "\"0\" is not a number from 1 to" } },
  { "cpus_of_pc", { "run", "--smp", "256", "--machine", "pc" }, 2, { "at most 255" } },
  { "memory", { "run", "--memory", "lots" }, 2, { "\"lots\" is not a size" } },
  { "memory_of_nothing", { "run", "--memory", "0" }, 2, { "is not from 1 MiB" } },
  { "memory_overflow", { "run", "--memory", "99999999999999999999G" }, 2, { "--memory" } },
  { "initrd_alone", { "run", "--initrd", "/etc/passwd" }, 2, { "without --kernel" } },
  { "append_alone", { "run", "--append", "x" }, 2, { "without --kernel" } },
  { "kernel_missing", { "run", "--kernel", "/no/kernel" }, 3, { "/no/kernel: No such file" } },
  { "kernel_that_is_a_folder", { "run", "--kernel", "/etc" }, 3, { "not a regular file" } },
  { "kernel_that_is_none", { "run", "--kernel", "/etc/passwd" }, 2, { "not a kernel" } },
  { "kernel_not_readable", { "run", "--kernel", "/etc/shadow" }, 3, { "Permission denied" }, true },
  { "qemu_missing", { "run", "--qemu", "/no/qemu" }, 3, { "/no/qemu: no such program" } },
  { "qemu_not_in_path", { "run", "--qemu", "no-qemu" }, 3, { "not in PATH", "install" } },
  { "firmware_missing", { "run", "--firmware", "/no/bios" }, 3, { "/no/bios" } },
  { "disk_missing", { "run", "--disk", "/no/disk" }, 3, { "/no/disk: No such file" } },
  { "disk_not_writable", { "run", "--disk", "/etc/passwd" }, 3, { "readonly or snapshot" }, true },
  { "disk_that_is_a_folder", { "run", "--disk", "/etc,readonly" }, 2, { "neither a file" } },
  { "disk_format", { "run", "--disk", "x,format=vmdk" }, 2, { "\"vmdk\" is none of raw, qcow2" } },
  { "disk_key", { "run", "--disk", "x,colour=red" }, 2, { "\"colour=\" is not one of" } },
  { "disk_key_twice", { "run", "--disk", "x,readonly,readonly" }, 2, { "given twice" } },
  { "disk_both", { "run", "--disk", "x,readonly,snapshot" }, 2, { "both readonly and snapshot" } },
  { "disk_of_nothing", { "run", "--disk", ",readonly" }, 2, { "nothing before or after a comma" } },
  { "nic", { "run", "--nic", "bridge" }, 2, { "\"bridge\" is none of user, tap, none" } },
  { "nic_without_interface", { "run", "--nic", "tap" }, 2, { "ifname=" } },
  { "nic_and_none", { "run", "--nic", "user", "--nic", "none" }, 2, { "one of them is none" } },
  { "share_missing", { "run", "--share", "/no/folder,tag=x" }, 3, { "/no/folder: No such file" } },
  { "share_without_tag", { "run", "--share", "/tmp" }, 2, { "tag=" } },
  { "share_tag_twice",
    { "run", "--share", "/tmp,tag=x", "--share", "/usr,tag=x" },
    2,
    { "\"x\"" } },
  { "large_bar", { "run", "--large-bar", "big" }, 2, { "\"big\" is not a size" } },
  { "spare", { "run", "--spare", "254" }, 2, { "\"254\" is not a number from 0 to 253" } },
  { "spare_window", { "run", "--spare-window", "1" }, 2, { "is not from 1 MiB" } },
  { "hotplug_mode", { "run", "--hotplug-mode", "magic" }, 2, { "\"magic\" is none of acpi" } },
  { "ready", { "run", "--ready", "soon" }, 2, { "\"soon\" is none of now" } },
  { "ready_after", { "run", "--ready", "after:-1" }, 2, { "\"-1\" is not a number of seconds" } },
  { "ready_console", { "run", "--ready", "console:(" }, 2, { "not a regular expression" } },
  { "sandbox_off", { "run", "--", "-sandbox", "off" }, 2, { "\"-sandbox\" cannot be handed" } },
  { "daemonize", { "plan", "--", "--daemonize" }, 2, { "\"--daemonize\" cannot be handed" } },
};
INSTANTIATE_TEST_SUITE_P (Options, BadInput, testing::ValuesIn (options), name_of_row<Row>);

const Row devices[] = {
  { "no_reference",
    { "run", "--device", "thing" },
    2,
    { "\"thing\" is not a device", "expected" } },
  { "empty", { "run", "--device", "" }, 2, { "empty" } },
  { "malformed_address", { "run", "--device", "41:00" }, 2, { "\"41:00\"" } },
  { "malformed_group", { "run", "--device", "/dev/vfio/4x" }, 2, { "is not a VFIO node" } },
  { "leading_zero", { "run", "--device", "/dev/vfio/040" }, 2, { "is not a VFIO node" } },
  { "control_node", { "run", "--device", "/dev/vfio/vfio" }, 2, { "is the VFIO control node" } },
  { "no_iommu_group", { "run", "--device", "/dev/vfio/noiommu-0" }, 2, { "without an IOMMU" } },
  { "unknown_key",
    { "run", "--device", "41:00.0,colour=red" },
    2,
    { "\"colour=\" is not one of" } },
  { "key_twice", { "run", "--device", "41:00.0,id=a,id=b" }, 2, { "\"id\" is given twice" } },
  { "plug", { "run", "--device", "41:00.0,plug=warm" }, 2, { "\"warm\" is none of" } },
  { "switch", { "run", "--device", "41:00.0,bind=maybe" }, 2, { "neither on nor off" } },
  { "id", { "run", "--device", "41:00.0,id=a b" }, 2, { "\"a b\" is not an id" } },
  { "id_of_a_port", { "run", "--device", "41:00.0,id=port1" }, 2, { "\"port1\" is an id that" } },
  { "id_of_a_group", { "run", "--device", "/dev/vfio/50,id=a" }, 2, { "stands for 2 devices" } },
  { "no_driver", { "run", "--device", "qemu,id=a" }, 2, { "driver= is missing" } },
  { "vfio_by_the_back_door",
    { "run", "--device", "qemu,driver=vfio-pci,host=41:00.0" },
    2,
    { "vfio" } },
  { "disk_that_is_not_there",
    { "run", "--device", "disk,/nowhere/d.img" },
    3,
    { "/nowhere/d.img: No such file" } },
  { "disk_without_a_file", { "run", "--device", "disk" }, 2, { "disk,FILE" } },
  { "disk_of_no_model", { "run", "--device", "disk,/d.img,model=ide" }, 2, { "virtio-blk" } },
  { "nic_of_no_kind", { "run", "--device", "nic,wifi" }, 2, { "user, tap, passt" } },
  { "tap_without_a_name", { "run", "--device", "nic,tap" }, 2, { "ifname=NAME" } },
  { "vfio_user_without_a_socket", { "run", "--device", "vfio-user" }, 2, { "socket= is missing" } },
  { "vfio_user_without_a_server",
    { "run", "--device", "vfio-user,socket=/nowhere/s" },
    3,
    { "/nowhere/s: No such file", "start its server first" } },
  { "iommufd_of_an_emulated_device", { "run", "--device", "rng,iommufd=on" }, 2, { "iommufd=" } },
  { "force_without_bind", { "run", "--device", "41:00.0,force=on" }, 2, { "add bind=on" } },
  { "native_hotplug_on_pc",
    { "run", "--machine", "pc", "--hotplug-mode", "native" },
    2,
    { "a pc machine has hotplug by ACPI only" } },
  { "fewer_cpus_at_most",
    { "run", "--smp", "2", "--max-cpus", "1" },
    2,
    { "--max-cpus 1", "2 CPUs" } },
  { "less_memory_at_most",
    { "run", "--memory", "2G", "--max-memory", "1G" },
    2,
    { "--max-memory 1 GiB", "2 GiB" } },
  { "ready_port_of_no_name", { "run", "--ready", "port:a/b" }, 2, { "no name of a port" } },
  { "duplicate_id", { "run", "--device", "rng,id=a", "--device", "rng,id=a" }, 2, { "a", "once" } },
  { "same_device_twice_with_different_options",
    { "run", "--device", "41:00.0,id=a", "--device", "/dev/vfio/40,id=b" },
    2,
    { "41:00.0 and /dev/vfio/40 are one device" } },
  { "too_many_for_q35",
    { "run", "--spare", "253", "--device", "rng" },
    2,
    { "too many ports: 254 wanted", "room for 253" } },
  { "hot_and_large_on_pc",
    { "run", "--machine", "pc", "--device", "41:00.0,plug=hot" },
    2,
    { "0000:41:00.0", "64 GiB" } },
  { "windows_of_the_whole_world",
    { "run", "--spare", "100", "--spare-window", "4096T" },
    2,
    { "4 PiB" } },
  { "no_such_group",
    { "run", "--device", "/dev/vfio/99" },
    3,
    { "IOMMU group 99", "no such group" } },
  { "no_such_device", { "run", "--device", "99:00.0" }, 3, { "0000:99:00.0", "no such device" } },
  { "no_such_cdev", { "run", "--device", "/dev/vfio/devices/vfio9" }, 3, { "vfio9" } },
  { "no_such_mdev",
    { "run", "--device", "00000000-1111-2222-3333-444444444444" },
    3,
    { "00000000-1111-2222-3333-444444444444", "no such device" } },
  { "not_bound", { "run", "--device", "42:00.0" }, 3, { "is driven by e1000e", "bind=on" } },
  { "no_driver_at_all", { "run", "--device", "42:00.1" }, 3, { "has no driver", "vmplug bind" } },
  { "not_viable",
    { "run", "--device", "43:00.0" },
    3,
    { "group 42 is not viable", "0000:43:00.1 is driven by snd_hda_intel",
      "0000:43:00.2 by xhci_hcd", "vmplug bind" } },
  { "not_permitted",
    { "run", "--device", "44:00.0" },
    3,
    { "/dev/vfio/43", "may not open it" },
    true },
  { "no_group", { "run", "--device", "45:00.0" }, 3, { "in no IOMMU group", "iommu=on" } },
  { "bridge", { "run", "--device", "46:00.0" }, 3, { "is a bridge" } },
  { "only_bridges", { "run", "--device", "/dev/vfio/46" }, 3, { "bridges only" } },
  { "physical_function", { "run", "--device", "47:00.0" }, 3, { "2 of its virtual functions" } },
  { "no_node", { "run", "--device", "48:00.0" }, 3, { "/dev/vfio/48: no such node" } },
  { "not_understood", { "run", "--device", "49:00.0" }, 3, { "0000:49:00.0" } },
  { "the_second_of_two",
    { "run", "--device", "41:00.0", "--device", "42:00.0" },
    3,
    { "0000:42:00.0" } },
  { "planned_not_bound", { "plan", "--device", "42:00.0" }, 3, { "is driven by e1000e" } },
  { "dry_not_bound", { "run", "--dry-run", "--device", "42:00.0" }, 3, { "is driven by e1000e" } },
  { "listed_no_such", { "devices", "99:00.0" }, 3, { "0000:99:00.0" } },
  { "listed_malformed", { "devices", "41:00.0", "x" }, 2, { "\"x\" is not a device" } },
  { "bind_no_such", { "bind", "99:00.0" }, 3, { "0000:99:00.0" } },
  { "bind_malformed", { "bind", "x" }, 2, { "\"x\" is not a device" } },
  { "bind_a_bridge", { "bind", "46:00.0" }, 3, { "is a bridge" } },
  { "bind_no_group", { "bind", "45:00.0" }, 3, { "in no IOMMU group" } },
  { "bind_the_second_of_two", { "bind", "42:00.0", "46:00.0" }, 3, { "is a bridge" } },
  { "bind_not_permitted", { "bind", "42:00.0" }, 3, { "Permission denied" }, true },
  { "release_no_such", { "release", "99:00.0" }, 3, { "0000:99:00.0" } },
};
INSTANTIATE_TEST_SUITE_P (Devices, BadInput, testing::ValuesIn (devices), name_of_row<Row>);

const Row vms[] = {
  { "status", { "status", "vm" }, 5, { "no VM named vm is running", "vmplug list" } },
  { "events", { "events", "vm" }, 5, { "no VM named vm is running" } },
  { "console", { "console", "vm" }, 5, { "no VM named vm is running" } },
  { "stop", { "stop", "vm" }, 5, { "no VM named vm is running" } },
  { "attach", { "attach", "vm", "rng" }, 5, { "no VM named vm is running" } },
  { "detach", { "detach", "vm", "x" }, 5, { "no VM named vm is running" } },
  { "qmp", { "qmp", "vm", "query-status" }, 5, { "no VM named vm is running" } },
  { "name_that_is_a_path", { "status", "../../etc" }, 5, { "../../etc" } },
  { "name_that_is_empty", { "stop", "" }, 5, { "VM" } },
  { "name_with_a_newline", { "status", "a\nb" }, 5, { "a\\x0ab" } },
  { "timeout", { "stop", "vm", "--timeout", "soon" }, 2, { "\"soon\"", "--timeout" } },
  { "timeout_not_a_number", { "attach", "vm", "rng", "--timeout", "nan" }, 2, { "\"nan\"" } },
  { "spec_before_vm", { "attach", "vm", "thing" }, 2, { "\"thing\" is not a device" } },
};
INSTANTIATE_TEST_SUITE_P (Vms, BadInput, testing::ValuesIn (vms), name_of_row<Row>);

/* What is wrong is the host, before any device is looked at. */
TEST (BadHost, HasNoPciBus)
{
  FakeSysfs host;
  std::filesystem::remove_all (std::filesystem::path (host.root ()) / "sys");

  for (const Args &args : { Args{ "run" }, Args{ "plan" }, Args{ "devices" } })
    expect_failure (VmplugProgram::run (args, host.root ()), 3,
                    { "PCI bus", "/sys/bus/pci/devices" });
}

TEST (BadHost, IsNotThere)
{
  for (const Args &args : { Args{ "run" }, Args{ "plan", "--json" }, Args{ "devices" } })
    expect_failure (VmplugProgram::run (args, "/no/such/root"), 3, { "/no/such/root" });
}

TEST (BadHost, HasNoRoomForARunDir)
{
  FakeSysfs host;
  host.write ("run", "a file\n");

  for (const Args &args : { Args{ "run" }, Args{ "run", "--detach", "--json" } })
    expect_failure (VmplugProgram::run (args, host.root ()), 3, { "run" });
}

TEST (BadHost, RefusesToMakeARunDir)
{
  FakeSysfs host;
  chmod (host.root (), 0555);

  expect_failure (run (host, { "run" }, true), 3, { "run", "Permission denied" });
  chmod (host.root (), 0755);
}

} // namespace
