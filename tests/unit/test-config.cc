#include "devices/error.h"
#include "launcher/config/config-option.h"
#include "launcher/config/config.h"
#include "launcher/error.h"

#include "tests/support/row-name.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

constexpr guint64 MiB = G_GUINT64_CONSTANT (1) << 20;
constexpr guint64 GiB = G_GUINT64_CONSTANT (1) << 30;

const VpDisk *
disk_at (const VpConfig *c, guint i)
{
  return static_cast<VpDisk *> (c->disks->pdata[i]);
}
const VpNic *
nic_at (const VpConfig *c, guint i)
{
  return static_cast<VpNic *> (c->nics->pdata[i]);
}
const VpShare *
share_at (const VpConfig *c, guint i)
{
  return static_cast<VpShare *> (c->shares->pdata[i]);
}

/* What a value does. */

struct Good
{
  const char *name;
  const char *option;
  const char *value;
  std::function<bool (const VpConfig *)> holds;
};

#define HOLDS(condition) [] (const VpConfig *c) { return static_cast<bool> (condition); }

const Good good[] = {
  { "name", "name", "gpu-1.x", HOLDS (g_str_equal (c->name, "gpu-1.x")) },
  { "machine_pc", "machine", "pc", HOLDS (c->machine == VP_MACHINE_PC) },
  { "machine_q35", "machine", "q35", HOLDS (c->machine == VP_MACHINE_Q35) },
  { "accel_auto", "accel", "auto", HOLDS (c->accel == VP_ACCEL_AUTO) },
  { "accel_kvm", "accel", "kvm", HOLDS (c->accel == VP_ACCEL_KVM) },
  { "accel_tcg", "accel", "tcg", HOLDS (c->accel == VP_ACCEL_TCG) },
  { "cpu", "cpu", "host,-avx", HOLDS (g_str_equal (c->cpu, "host,-avx")) },
  { "cpu_features", "cpu-features", "pmu=off,+avx2,-x",
    HOLDS (g_str_equal (c->cpu_features, "pmu=off,+avx2,-x")) },
  { "plug_cold", "plug", "cold", HOLDS (c->plug == VP_PLUG_COLD) },
  { "plug_hot", "plug", "hot", HOLDS (c->plug == VP_PLUG_HOT) },
  { "bridges_most", "bridges", "5", HOLDS (c->n_bridges == 5) },
  { "hot_bus_bridge", "hot-bus", "bridge", HOLDS (c->hot_on_bridge) },
  { "smp_least", "smp", "1", HOLDS (c->smp == 1) },
  { "smp_most", "smp", "288", HOLDS (c->smp == 288) },
  { "shared_memory_on", "shared-memory", "on", HOLDS (vp_config_shares_memory (c)) },
  { "shared_memory_auto", "shared-memory", "auto", HOLDS (!vp_config_shares_memory (c)) },
  { "shared_memory_for_vfio_user", "device", "vfio-user,socket=/s",
    HOLDS (vp_config_shares_memory (c)) },
  { "shared_memory_not_for_others", "device", "rng", HOLDS (!vp_config_shares_memory (c)) },
  { "numa_least", "numa", "1", HOLDS (c->numa == 1) },
  { "numa_most", "numa", "8", HOLDS (c->numa == 8) },
  { "memory_least", "memory", "1M", HOLDS (c->memory == MiB) },
  { "memory_in_bytes", "memory", "2097152", HOLDS (c->memory == 2 * MiB) },
  { "memory_most", "memory", "64T", HOLDS (c->memory == 65536 * GiB) },
  { "seabios", "firmware", "seabios",
    HOLDS (c->firmware == VP_FIRMWARE_SEABIOS && c->firmware_path == nullptr) },
  { "ovmf", "firmware", "ovmf",
    HOLDS (c->firmware == VP_FIRMWARE_OVMF && c->firmware_path == nullptr) },
  { "firmware_path", "firmware", "/x/bios.bin",
    HOLDS (c->firmware == VP_FIRMWARE_OTHER && g_str_equal (c->firmware_path, "/x/bios.bin")) },
  { "firmware_that_is_ovmf", "firmware", "/x/OVMF_CODE.fd",
    HOLDS (c->firmware == VP_FIRMWARE_OVMF && g_str_equal (c->firmware_path, "/x/OVMF_CODE.fd")) },
  { "firmware_version", "firmware-version", "rel-1.16.3-0-gabc",
    HOLDS (g_str_equal (c->firmware_version, "rel-1.16.3-0-gabc")) },
  { "firmware_that_is_edk2", "firmware", "edk2-x86_64.fd",
    HOLDS (c->firmware == VP_FIRMWARE_OVMF) },
  { "firmware_in_a_folder_called_ovmf", "firmware", "/ovmf/bios",
    HOLDS (c->firmware == VP_FIRMWARE_OTHER) },
  { "kernel", "kernel", "/k", HOLDS (g_str_equal (c->kernel, "/k")) },
  { "initrd", "initrd", "i,j", HOLDS (g_str_equal (c->initrd, "i,j")) },
  { "append", "append", "a=\"b c\",$d", HOLDS (g_str_equal (c->append, "a=\"b c\",$d")) },
  { "append_empty", "append", "", HOLDS (g_str_equal (c->append, "")) },
  { "large_bar", "large-bar", "64M", HOLDS (c->large_bar == 64 * MiB) },
  { "large_bar_least", "large-bar", "1", HOLDS (c->large_bar == 1) },
  { "spare_none", "spare", "0", HOLDS (c->spare == 0) },
  { "spare_most", "spare", "253", HOLDS (c->spare == 253) },
  { "spare_window", "spare-window", "64G", HOLDS (c->spare_window == 64 * GiB) },
  { "hotplug_acpi", "hotplug-mode", "acpi", HOLDS (c->hotplug_mode == VP_HOTPLUG_ACPI) },
  { "hotplug_native", "hotplug-mode", "native", HOLDS (c->hotplug_mode == VP_HOTPLUG_NATIVE) },
  { "qemu", "qemu", "/opt/qemu", HOLDS (g_str_equal (c->qemu, "/opt/qemu")) },
  { "ready_now", "ready", "now", HOLDS (c->ready.kind == VP_READY_NOW) },
  { "max_cpus", "max-cpus", "288", HOLDS (c->max_cpus == 288) },
  { "max_memory", "max-memory", "64T", HOLDS (c->max_memory == 65536 * GiB) },
  { "ready_port", "ready", "port:org.qemu.guest_agent-0",
    HOLDS (c->ready.kind == VP_READY_PORT &&
           g_str_equal (c->ready.port, "org.qemu.guest_agent-0")) },
  { "ready_after", "ready", "after:3",
    HOLDS (c->ready.kind == VP_READY_AFTER && c->ready.milliseconds == 3000) },
  { "ready_after_fraction", "ready", "after:0.25",
    HOLDS (c->ready.kind == VP_READY_AFTER && c->ready.milliseconds == 250) },
  { "ready_after_millisecond", "ready", "after:1.001", HOLDS (c->ready.milliseconds == 1001) },
  { "ready_after_0", "ready", "after:0",
    HOLDS (c->ready.kind == VP_READY_AFTER && c->ready.milliseconds == 0) },
  { "ready_after_most", "ready", "after:86400", HOLDS (c->ready.milliseconds == 86400000) },
  { "ready_console", "ready", "console:login: $",
    HOLDS (c->ready.kind == VP_READY_CONSOLE &&
           (g_regex_get_compile_flags (c->ready.pattern) & G_REGEX_RAW) != 0 &&
           g_regex_match (c->ready.pattern, "x\xff login: ", GRegexMatchFlags (0), nullptr)) },
  { "disk", "disk", "/d.img",
    HOLDS (g_str_equal (disk_at (c, 0)->file, "/d.img") && !disk_at (c, 0)->format &&
           !disk_at (c, 0)->readonly && !disk_at (c, 0)->snapshot) },
  { "disk_raw_readonly", "disk", "d,format=raw,readonly",
    HOLDS (g_str_equal (disk_at (c, 0)->format, "raw") && disk_at (c, 0)->readonly) },
  { "disk_qcow2_snapshot", "disk", "d,snapshot,format=qcow2",
    HOLDS (g_str_equal (disk_at (c, 0)->format, "qcow2") && disk_at (c, 0)->snapshot) },
  { "disk_with_commas", "disk", ",,a,,b,,,readonly",
    HOLDS (g_str_equal (disk_at (c, 0)->file, ",a,b,") && disk_at (c, 0)->readonly) },
  { "disk_with_equals", "disk", "a=b", HOLDS (g_str_equal (disk_at (c, 0)->file, "a=b")) },
  { "nic_user", "nic", "user", HOLDS (c->nics->len == 1 && nic_at (c, 0)->ifname == nullptr) },
  { "nic_tap", "nic", "tap,ifname=tap0", HOLDS (g_str_equal (nic_at (c, 0)->ifname, "tap0")) },
  { "nic_tap_longest", "nic", "tap,ifname=a23456789012345",
    HOLDS (strlen (nic_at (c, 0)->ifname) == 15) },
  { "nic_none", "nic", "none", HOLDS (c->nics->len == 0) },
  { "share", "share", "/srv,,x,tag=data",
    HOLDS (g_str_equal (share_at (c, 0)->dir, "/srv,x") &&
           g_str_equal (share_at (c, 0)->tag, "data")) },
  { "share_readonly", "share", "/srv,readonly,tag=data",
    HOLDS (share_at (c, 0)->readonly &&g_str_equal (share_at (c, 0)->tag, "data")) },
  { "share_writable", "share", "/srv,tag=readonly", HOLDS (!share_at (c, 0)->readonly) },
  { "share_longest_tag", "share", "/,tag=a234567890123456789012345678901",
    HOLDS (strlen (share_at (c, 0)->tag) == 31) },
  { "device", "device", "41:00.0,id=x",
    HOLDS (g_str_equal (static_cast<VpDeviceSpec *> (c->devices->pdata[0])->id, "x")) },
};

class ConfigGood : public testing::TestWithParam<Good>
{
};

TEST_P (ConfigGood, IsTaken)
{
  const Good &row = GetParam ();
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  ASSERT_TRUE (vp_config_set (config, row.option, row.value, &error)) << error->message;
  EXPECT_TRUE (row.holds (config));
}

INSTANTIATE_TEST_SUITE_P (Table, ConfigGood, testing::ValuesIn (good), name_of_row<Good>);

/* What is refused, and why. */

struct Bad
{
  const char *name;
  const char *option;
  const char *value;
  const char *why;
};

const Bad bad[] = {
  { "no_such_option", "rehearse", "x", "\"rehearse\" is not an option" },
  { "option_with_dashes", "--smp", "1", "\"--smp\" is not an option" },
  { "no_value", "smp", nullptr, "--smp needs a value" },
  { "name_empty", "name", "", "--name: \"\" is not [A-Za-z]" },
  { "name_slash", "name", "../x", "--name: \"../x\" is not" },
  { "name_dots", "name", "..", "--name: \"..\" is not" },
  { "name_comma", "name", "a,process=b", "--name: \"a,process=b\" is not" },
  { "name_newline", "name", "a\n", "--name: control character at byte 2" },
  { "name_too_long", "name",
    "a2222222222222222222222222222222222222222222222222222222222222222222222222222222"
    "2222222222222222222222222222222222222222222222222",
    "--name: " },
  { "machine_unknown", "machine", "microvm", "--machine: " },
  { "machine_injection", "machine", "q35,accel=kvm", "--machine: " },
  { "accel_unknown", "accel", "hvf", "--accel: \"hvf\" is none of auto, kvm, tcg" },
  { "accel_case", "accel", "KVM", "--accel: \"KVM\" is none of" },
  { "cpu_empty", "cpu", "", "--cpu: \"\" is empty" },
  { "cpu_help", "cpu", "help", "--cpu: \"help\" is no CPU model" },
  { "cpu_help_later", "cpu", "host,help", "is no CPU model" },
  { "cpu_question_mark", "cpu", "?", "is no CPU model" },
  { "shared_memory_unknown", "shared-memory", "off", "--shared-memory: \"off\"" },
  { "numa_0", "numa", "0", "--numa: \"0\" is not a number from 1 to 8" },
  { "numa_9", "numa", "9", "--numa: \"9\" is not a number from 1 to 8" },
  { "smp_0", "smp", "0", "--smp: \"0\" is not a number from 1 to 288" },
  { "smp_289", "smp", "289", "is not a number from 1 to 288" },
  { "smp_negative", "smp", "-1", "is not a number" },
  { "smp_plus", "smp", "+1", "is not a number" },
  { "smp_blank", "smp", " 1", "is not a number" },
  { "smp_hex", "smp", "0x2", "is not a number" },
  { "smp_empty", "smp", "", "is not a number" },
  { "smp_text", "smp", "2,maxcpus=4", "is not a number" },
  { "smp_overflow", "smp", "4294967297", "is not a number" },
  { "memory_0", "memory", "0", "--memory: \"0\" is not from 1 MiB to 64 TiB in steps of 1 MiB" },
  { "memory_odd", "memory", "1500K", "in steps of 1 MiB" },
  { "memory_too_much", "memory", "65T", "is not from 1 MiB to 64 TiB" },
  { "memory_text", "memory", "1G,slots=2", "--memory: " },
  { "memory_overflow", "memory", "99999999999T", "--memory: " },
  { "firmware_version_empty", "firmware-version", "", "--firmware-version: \"\" is not a version" },
  { "firmware_version_of_one_number", "firmware-version", "1",
    "--firmware-version: \"1\" is not a version like 1.16.3" },
  { "firmware_empty", "firmware", "", "--firmware: \"\" is empty" },
  { "kernel_empty", "kernel", "", "--kernel: \"\" is empty" },
  { "append_control", "append", "quiet\x1b[0m", "--append: control character at byte 6" },
  { "kernel_not_utf8", "kernel", "/\xff", "--kernel: not valid UTF-8" },
  { "large_bar_0", "large-bar", "0", "--large-bar: \"0\" is not from 1 B" },
  { "spare_254", "spare", "254", "--spare: \"254\" is not a number from 0 to 253" },
  { "spare_window_0", "spare-window", "0", "--spare-window: \"0\" is not from 1 MiB" },
  { "spare_window_odd", "spare-window", "1025K", "in steps of 1 MiB" },
  { "spare_window_impossible", "spare-window", "8192T", "--spare-window: " },
  { "hotplug_mode", "hotplug-mode", "shpc", "\"shpc\" is none of acpi, native" },
  { "qemu_empty", "qemu", "", "--qemu: \"\" is empty" },
  { "ready_unknown", "ready", "soon",
    "\"soon\" is none of now, after:SECONDS, console:REGEX, port:NAME" },
  { "ready_port_empty", "ready", "port:", "is no name of a port" },
  { "ready_port_of_a_path", "ready", "port:a/b", "is no name of a port" },
  { "ready_port_with_a_blank", "ready", "port:a b", "is no name of a port" },
  { "ready_port_with_a_comma", "ready", "port:a,b", "is no name of a port" },
  { "ready_port_hidden", "ready", "port:.a", "is no name of a port" },
  { "ready_port_too_long", "ready",
    "port:0123456789012345678901234567890123456789012345678901234567890123456789",
    "is no name of a port" },
  { "max_cpus_none", "max-cpus", "0", "is not a number from 1 to 288" },
  { "max_cpus_too_many", "max-cpus", "289", "is not a number from 1 to 288" },
  { "max_memory_odd", "max-memory", "1048577", "in steps of 1 MiB" },
  { "ready_after_nothing", "ready", "after:", "is not a number of seconds" },
  { "ready_after_text", "ready", "after:3s", "is not a number of seconds" },
  { "ready_after_negative", "ready", "after:-1", "is not a number of seconds" },
  { "ready_after_exponent", "ready", "after:1e3", "is not a number of seconds" },
  { "ready_after_dot", "ready", "after:1.", "is not a number of seconds" },
  { "ready_after_too_fine", "ready", "after:1.0001", "is not a number of seconds" },
  { "ready_after_too_long", "ready", "after:86400.001", "is not a number of seconds" },
  { "ready_console_empty", "ready", "console:", "matches everything" },
  { "ready_console_bad", "ready", "console:(", "is not a regular expression" },
  { "disk_empty", "disk", "", "--disk: empty" },
  { "disk_trailing_comma", "disk", "a,", "before or after a comma" },
  { "disk_unknown", "disk", "a,cache=none",
    "\"cache=\" is not one of format=, readonly, snapshot" },
  { "disk_format", "disk", "a,format=vmdk", "\"vmdk\" is none of raw, qcow2" },
  { "disk_format_without_value", "disk", "a,format", "\"format\" is not one of format=" },
  { "disk_readonly_with_value", "disk", "a,readonly=on", "\"readonly=\" is not one of" },
  { "disk_readonly_twice", "disk", "a,readonly,readonly", "\"readonly\" is given twice" },
  { "disk_both", "disk", "a,readonly,snapshot", "is both readonly and snapshot" },
  { "nic_unknown", "nic", "bridge", "\"bridge\" is none of user, tap, none" },
  { "nic_user_with_more", "nic", "user,hostfwd=tcp::1-:2", "user takes no parameters" },
  { "nic_tap_alone", "nic", "tap", "needs ifname=NAME" },
  { "nic_tap_unknown", "nic", "tap,ifname=t0,script=/x", "\"script=\" is not one of ifname=" },
  { "nic_tap_empty", "nic", "tap,ifname=", "is not the name of a network interface" },
  { "nic_tap_too_long", "nic", "tap,ifname=a234567890123456", "is not the name of a network" },
  { "nic_tap_slash", "nic", "tap,ifname=../x", "is not the name of a network interface" },
  { "nic_tap_dot", "nic", "tap,ifname=.", "is not the name of a network interface" },
  { "nic_none_with_more", "nic", "none,x=y", "is none of user, tap, none" },
  { "share_without_tag", "share", "/srv", "needs tag=NAME" },
  { "share_unknown", "share", "/srv,tag=x,ro", "\"ro\" is not one of tag=, readonly" },
  { "share_readonly_with_value", "share", "/srv,tag=x,readonly=on", "readonly" },
  { "share_tag_empty", "share", "/srv,tag=", "is not a tag" },
  { "share_tag_too_long", "share", "/srv,tag=a2345678901234567890123456789012", "is not a tag" },
  { "share_tag_comma", "share", "/srv,tag=a,,b", "is not a tag" },
  { "device_bad", "device", "41:00.0,plug=warm", "--device: 41:00.0: \"warm\"" },
};

class ConfigBad : public testing::TestWithParam<Bad>
{
};

TEST_P (ConfigBad, IsRefusedAndSaysWhy)
{
  const Bad &row = GetParam ();
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  ASSERT_FALSE (vp_config_set (config, row.option, row.value, &error));
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE) ||
               g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID));
  EXPECT_NE (std::string (error->message).find (row.why), std::string::npos) << error->message;
}

INSTANTIATE_TEST_SUITE_P (Table, ConfigBad, testing::ValuesIn (bad), name_of_row<Bad>);

TEST (Config, DefaultsAreThoseOfTheContract)
{
  g_autoptr (VpConfig) config = vp_config_new ();

  EXPECT_EQ (config->machine, VP_MACHINE_Q35);
  EXPECT_EQ (config->accel, VP_ACCEL_AUTO);
  EXPECT_EQ (config->smp, 1u);
  EXPECT_EQ (config->memory, GiB);
  EXPECT_EQ (config->firmware, VP_FIRMWARE_SEABIOS);
  EXPECT_EQ (config->large_bar, 4 * GiB);
  EXPECT_EQ (config->spare, 4u);
  EXPECT_EQ (config->spare_window, 0u);
  EXPECT_EQ (config->ready.kind, VP_READY_NOW);
  EXPECT_STREQ (config->qemu, "qemu-system-x86_64");
  EXPECT_EQ (config->nics->len, 0u);
}

/* A good value for every option, so that a new one cannot be forgotten here. */
const char *
some_value (const std::string &option, int n)
{
  static const struct
  {
    const char *option;
    const char *values[2];
  } samples[] = {
    { "name", { "a", "b" } },
    { "machine", { "q35", "pc" } },
    { "accel", { "tcg", "kvm" } },
    { "cpu", { "max", "host" } },
    { "cpu-features", { "a=on", "b" } },
    { "plug", { "cold", "auto" } },
    { "bridges", { "1", "2" } },
    { "hot-bus", { "bridge", "auto" } },
    { "smp", { "1", "2" } },
    { "memory", { "1G", "2G" } },
    { "max-cpus", { "1", "2" } },
    { "max-memory", { "1G", "2G" } },
    { "numa", { "2", "4" } },
    { "shared-memory", { "on", "auto" } },
    { "firmware", { "a", "b" } },
    { "firmware-version", { "1.16.3", "1.17.0" } },
    { "kernel", { "a", "b" } },
    { "initrd", { "a", "b" } },
    { "append", { "a", "b" } },
    { "disk", { "a", "b" } },
    { "nic", { "user", "user" } },
    { "share", { "/,tag=a", "/,tag=b" } },
    { "device", { "rng", "rng" } },
    { "large-bar", { "1G", "2G" } },
    { "spare", { "1", "2" } },
    { "spare-window", { "1G", "2G" } },
    { "hotplug-mode", { "acpi", "native" } },
    { "ready", { "now", "now" } },
    { "qemu", { "a", "b" } },
  };

  for (const auto &sample : samples)
    if (option == sample.option)
      return sample.values[n];
  return nullptr;
}

TEST (Config, OnlyListsMayBeGivenTwice)
{
  const VpConfigOption *option;

  for (guint i = 0; (option = vp_config_option_get (i)) != nullptr; i++)
    {
      g_autoptr (VpConfig) config = vp_config_new ();
      g_autoptr (GError) error = nullptr;
      const std::string name = option->name;
      const bool is_list = name == "disk" || name == "nic" || name == "share" || name == "device";

      ASSERT_NE (some_value (name, 0), nullptr) << name << ": add a value for it";
      ASSERT_TRUE (vp_config_set (config, option->name, some_value (name, 0), &error))
          << error->message;
      EXPECT_EQ (vp_config_set (config, option->name, some_value (name, 1), &error), is_list)
          << name;
      if (!is_list)
        {
          EXPECT_EQ (std::string (error->message), "--" + name + " is given twice");
        }
    }
}

TEST (Config, ListsKeepTheirOrder)
{
  g_autoptr (VpConfig) config = vp_config_new ();

  EXPECT_TRUE (vp_config_set (config, "disk", "a", nullptr));
  EXPECT_TRUE (vp_config_set (config, "disk", "b", nullptr));
  EXPECT_TRUE (vp_config_set (config, "nic", "tap,ifname=t0", nullptr));
  EXPECT_TRUE (vp_config_set (config, "nic", "user", nullptr));
  EXPECT_STREQ (disk_at (config, 0)->file, "a");
  EXPECT_STREQ (disk_at (config, 1)->file, "b");
  EXPECT_STREQ (nic_at (config, 0)->ifname, "t0");
  EXPECT_EQ (nic_at (config, 1)->ifname, nullptr);
}

TEST (Config, NoNicStandsAlone)
{
  for (bool none_first : { true, false })
    {
      g_autoptr (VpConfig) config = vp_config_new ();
      g_autoptr (GError) error = nullptr;

      EXPECT_TRUE (vp_config_set (config, "nic", none_first ? "none" : "user", nullptr));
      EXPECT_FALSE (vp_config_set (config, "nic", none_first ? "user" : "none", &error));
      EXPECT_NE (strstr (error->message, "one of them is none"), nullptr) << error->message;
    }
}

TEST (Config, AShareTagIsUsedOnce)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  EXPECT_TRUE (vp_config_set (config, "share", "/a,tag=x", nullptr));
  EXPECT_FALSE (vp_config_set (config, "share", "/b,tag=x", &error));
  EXPECT_NE (strstr (error->message, "\"x\" is the tag of another share"), nullptr);
}

/* Arguments for QEMU. */

struct Args
{
  const char *name;
  std::vector<const char *> args;
  bool ok;
};

const Args qemu_args[] = {
  { "none", {}, true },
  { "harmless", { "-device", "isa-debug-exit", "-trace", "pci*" }, true },
  { "longer_names", { "-Sx", "-machines", "-pidfiles", "S", "daemonize" }, true },
  { "empty_and_dash", { "", "-" }, true },
  { "S", { "-S" }, false },
  { "daemonize", { "-daemonize" }, false },
  { "two_dashes", { "--daemonize" }, false },
  { "later", { "-vga", "std", "-sandbox", "off" }, false },
  { "sandbox", { "-sandbox", "off" }, false },
  { "pidfile", { "-pidfile", "/x" }, false },
  { "runas", { "-runas", "nobody" }, false },
  { "run_with", { "-run-with", "chroot=/" }, false },
  { "chroot", { "-chroot", "/" }, false },
  { "incoming", { "-incoming", "defer" }, false },
  { "preconfig", { "--preconfig" }, false },
  { "machine", { "-machine", "pc" }, false },
  { "M", { "-M", "pc" }, false },
  { "nodefaults", { "-nodefaults" }, false },
  { "control_character", { "-name\n" }, false },
};

class ConfigQemuArgs : public testing::TestWithParam<Args>
{
};

TEST_P (ConfigQemuArgs, TakesAllButWhatBreaksPromises)
{
  std::vector<char *> args;
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  for (const char *arg : GetParam ().args)
    args.push_back (const_cast<char *> (arg));
  args.push_back (nullptr);

  ASSERT_EQ (vp_config_set_qemu_args (config, args.data (), &error), GetParam ().ok);
  if (GetParam ().ok)
    {
      EXPECT_TRUE (g_strv_equal (config->qemu_args, args.data ()));
    }
  else
    {
      EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
    }
}

INSTANTIATE_TEST_SUITE_P (Table, ConfigQemuArgs, testing::ValuesIn (qemu_args), name_of_row<Args>);

} // namespace
