#include "launcher/config/guest-cpu.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/own-devices.h"
#include "qmp/json-reader.h"
#include "qmp/json-writer.h"
#include "qmp/message.h"

#include "tests/support/golden.h"
#include "tests/support/plan-input.h"
#include "tests/support/row-name.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <gio/gio.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace
{

/* Everything that decides about a command line, written down as a user would. */
class Wanted
{
public:
  VpAccel accel = VP_ACCEL_TCG;

  Wanted () { set ("name", "vm"); }
  ~Wanted ()
  {
    for (VpDeviceSpec *spec : specs_)
      vp_device_spec_free (spec);
    vp_config_free (config_);
  }
  Wanted (const Wanted &) = delete;
  Wanted &operator= (const Wanted &) = delete;

  void
  set (const char *option, const std::string &value)
  {
    g_autoptr (GError) error = nullptr;
    EXPECT_TRUE (vp_config_set (config_, option, value.c_str (), &error)) << error->message;
  }
  VpDisk *
  disk (const std::string &value)
  {
    set ("disk", value);
    return static_cast<VpDisk *> (config_->disks->pdata[config_->disks->len - 1]);
  }
  PlanInput::Device &
  host (const std::string &address,
        const std::vector<FakeBar> &bars,
        const std::string &options = "")
  {
    return describe (input_.host (address, bars), address + options);
  }
  PlanInput::Device &
  emulated (const std::string &driver, const std::string &options = "")
  {
    return describe (input_.emulated (driver), "qemu,driver=" + driver + options);
  }
  PlanInput::Device &
  vfio_user (const std::string &socket, const std::string &options = "")
  {
    set ("device", "vfio-user,socket=" + socket + options);
    return describe (input_.emulated (socket).vfio_user (), "vfio-user,socket=" + socket + options);
  }
  void
  qemu_args (std::vector<const char *> args)
  {
    args.push_back (nullptr);
    EXPECT_TRUE (vp_config_set_qemu_args (config_, const_cast<char **> (args.data ()), nullptr));
  }
  VpConfig *
  config ()
  {
    return config_;
  }

  std::vector<std::string>
  build ()
  {
    input_.policy = { .root = vp_own_devices_root (config_),
                      .firmware = vp_firmware_get (config_->firmware, "1.16.2"),
                      .large_bar = config_->large_bar,
                      .n_spare = config_->spare,
                      .spare_window = config_->spare_window };
    g_autoptr (VpPlan) plan = must_build (input_);
    if (plan == nullptr)
      return {};

    const VpArgvInput input = { config_,
                                plan,
                                specs_.data (),
                                accel,
                                config_->cpu != nullptr ? config_->cpu
                                                        : vp_guest_cpu_default (accel),
                                2 };
    g_auto (GStrv) argv = vp_argv_build (&input);
    g_auto (GStrv) again = vp_argv_build (&input);
    EXPECT_TRUE (g_strv_equal (argv, again)) << "pure: equal inputs, equal command lines";
    return std::vector<std::string> (argv, argv + g_strv_length (argv));
  }

private:
  VpConfig *config_ = vp_config_new ();
  PlanInput input_;
  std::vector<VpDeviceSpec *> specs_;

  PlanInput::Device &
  describe (PlanInput::Device &device, const std::string &text)
  {
    g_autoptr (GError) error = nullptr;
    VpDeviceSpec *spec = vp_device_spec_parse (text.c_str (), &error);
    EXPECT_NE (spec, nullptr) << error->message;
    specs_.push_back (spec);
    if (spec->id != nullptr)
      device.id (spec->id);
    if (spec->plug == VP_PLUG_COLD)
      device.cold ();
    if (spec->plug == VP_PLUG_HOT)
      device.hot ();
    return device;
  }
};

/* One option a line, as it is: the golden files are for reading. */
std::string
to_text (const std::vector<std::string> &argv)
{
  std::string text;
  for (const std::string &arg : argv)
    text += (text.empty () ? "" : arg[0] == '-' ? "\n" : " ") + arg;
  return text + "\n";
}

/* The values of each @option, in order. */
std::vector<std::string>
values_of (const std::vector<std::string> &argv, const std::string &option)
{
  std::vector<std::string> values;
  for (size_t i = 0; i + 1 < argv.size (); i++)
    if (argv[i] == option)
      values.push_back (argv[i + 1]);
  return values;
}

/* The JSON of the device called @id, "" if there is none. */
std::string
device_of (const std::vector<std::string> &argv, const std::string &id)
{
  for (const std::string &value : values_of (argv, "-device"))
    if (value.find ("\"id\":\"" + id + "\"") != std::string::npos)
      return value;
  return "";
}

/* Golden files. */

struct Golden
{
  const char *name;
  std::function<void (Wanted &)> fill;
};

void
all_kinds_of_devices (Wanted &w)
{
  w.host ("0000:41:00.0", GPU);
  w.host ("0000:61:00.0", NIC_WITH_IO);
  w.host ("0000:06:01.0", EDU).conventional ();
  w.host ("0000:62:00.0", NVME, ",plug=cold,rombar=off,x-no-mmap=on,id=disks");
  w.emulated ("virtio-rng-pci");
  w.emulated ("nvme", ",plug=cold,serial='007',max_ioqpairs=4");
}

const Golden goldens[] = {
  { "defaults", [] (Wanted &) {} },
  { "kvm", [] (Wanted &w) { w.accel = VP_ACCEL_KVM; } },
  { "resources",
    [] (Wanted &w) {
      w.set ("smp", "12");
      w.set ("memory", "96G");
      w.set ("cpu", "EPYC,+invtsc");
      w.set ("spare", "0");
    } },
  { "linux",
    [] (Wanted &w) {
      w.set ("kernel", "/boot/vmlinuz,1");
      w.set ("initrd", "/boot/initrd,1");
      w.set ("append", "console=ttyS0,115200 root=\"/dev/vda 1\" $x");
      w.set ("spare", "0");
    } },
  { "devices_on_q35", all_kinds_of_devices },
  { "devices_on_pc",
    [] (Wanted &w) {
      w.set ("machine", "pc");
      all_kinds_of_devices (w);
    } },
  { "own_devices",
    [] (Wanted &w) {
      w.set ("spare", "0");
      w.disk ("/images/a,,b.img,format=raw");
      w.disk ("/images/c.qcow2,format=qcow2,readonly");
      w.disk ("/images/d,,e.qcow2,format=qcow2,snapshot");
      w.disk ("/dev/nvme0n1,format=raw")->is_block_device = TRUE;
      w.disk ("/dev/nvme0n2,format=raw,snapshot")->is_block_device = TRUE;
      w.set ("nic", "user");
      w.set ("nic", "tap,ifname=tap0");
      w.set ("share", "/srv/a,,b,tag=data");
    } },
  { "own_devices_on_pc",
    [] (Wanted &w) {
      w.set ("machine", "pc");
      w.set ("spare", "0");
      w.disk ("/images/a.img,format=raw");
      w.set ("nic", "user");
      w.set ("share", "/srv,tag=data");
      w.set ("share", "/,tag=all,readonly");
    } },
  { "ovmf_with_a_large_aperture",
    [] (Wanted &w) {
      w.set ("firmware", "/usr/share/ovmf/OVMF.fd");
      w.set ("spare", "1");
      w.host ("0000:41:00.0", { { 1, FakeBar::MEM64_PREF, 64 * GiB } });
    } },
  { "large_and_hot",
    [] (Wanted &w) {
      w.set ("spare", "1");
      w.set ("spare-window", "32G");
      w.host ("0000:41:00.0", GPU, ",plug=hot");
    } },
  { "vfio_user",
    [] (Wanted &w) {
      w.set ("spare", "1");
      w.set ("spare-window", "32G");
      w.vfio_user ("/run/gpu,, big/sock");
      w.vfio_user ("/run/gpu.1", ",plug=hot");
    } },
  { "shared_memory",
    [] (Wanted &w) {
      w.set ("memory", "1025M");
      w.set ("spare", "0");
      w.set ("shared-memory", "on");
    } },
  { "shared_memory_of_nodes",
    [] (Wanted &w) {
      w.set ("numa", "3");
      w.set ("smp", "3");
      w.set ("spare", "0");
      w.set ("shared-memory", "on");
    } },
  { "native_hotplug",
    [] (Wanted &w) {
      w.set ("hotplug-mode", "native");
      w.set ("spare", "1");
    } },
  { "numa",
    [] (Wanted &w) {
      w.set ("numa", "2");
      w.set ("smp", "3");
      w.set ("memory", "1025M");
      w.set ("spare", "0");
      w.host ("0000:17:00.0", GPU).node (0);
      w.host ("0000:ca:00.0", GPU).node (1);
      w.host ("0000:ca:00.1", EDU).node (1);
    } },
  { "more_nodes_than_cpus",
    [] (Wanted &w) {
      w.set ("numa", "3");
      w.set ("spare", "0");
    } },
  { "switch_behind_the_last_root_port",
    [] (Wanted &w) {
      w.set ("numa", "8");
      for (int i = 0; i < 7; i++)
        w.set ("share", "/srv,tag=t" + std::to_string (i));
      w.set ("spare", "100");
      for (int i = 0; i < 20; i++)
        w.emulated ("nvme", i == 19 ? ",plug=cold,serial=x" : "");
    } },
  { "bridge_on_pc",
    [] (Wanted &w) {
      w.set ("machine", "pc");
      for (int i = 0; i < 17; i++)
        w.host (nth_address (i), { { 0, FakeBar::MEM64_PREF, 64 * MiB } });
      w.host ("0100:01:00.0", NVME, ",plug=cold");
    } },
  { "iommufd",
    [] (Wanted &w) {
      w.set ("spare", "1");
      w.host ("0000:41:00.0", GPU, ",iommufd=on");
      w.host ("0000:61:00.0", NIC_WITH_IO, ",plug=cold");
      w.host ("0000:62:00.0", NVME, ",plug=cold,iommufd=on,x-no-mmap=on");
      w.host ("0000:63:00.0", NVME, ",iommufd=on");
    } },
  { "ready_port_and_room_to_grow",
    [] (Wanted &w) {
      w.set ("smp", "2");
      w.set ("max-cpus", "8");
      w.set ("memory", "1G");
      w.set ("max-memory", "16G");
      w.set ("ready", "port:org.guest.ready");
      w.set ("nic", "user");
      w.set ("spare", "0");
    } },
  { "boot_test_of_a_command",
    [] (Wanted &w) {
      w.set ("share", "/,tag=vmplug-host,readonly");
      w.set ("spare", "1");
      w.set ("ready", "port:org.guest.ready");
      w.host ("0000:63:00.0", NVME, ",plug=cold,iommufd=on");
      w.config ()->guest_ports = VP_GUEST_PORTS_COMMAND;
      w.config ()->has_debug_exit = TRUE;
    } },
  { "boot_test_with_a_result",
    [] (Wanted &w) {
      w.set ("machine", "pc");
      w.set ("spare", "0");
      w.config ()->guest_ports = VP_GUEST_PORTS_RESULT;
    } },
  { "shared_memory_and_room_to_grow",
    [] (Wanted &w) {
      w.set ("memory", "1G");
      w.set ("max-memory", "3G");
      w.set ("shared-memory", "on");
      w.set ("spare", "0");
    } },
  { "room_to_grow_on_pc",
    [] (Wanted &w) {
      w.set ("machine", "pc");
      w.set ("memory", "1G");
      w.set ("max-memory", "129G");
      w.set ("spare", "0");
    } },
  { "maximum_of_what_there_is",
    [] (Wanted &w) {
      w.set ("smp", "2");
      w.set ("max-cpus", "2");
      w.set ("memory", "1G");
      w.set ("max-memory", "1G");
      w.set ("spare", "0");
    } },
  { "more_ports_than_slots", [] (Wanted &w) { w.set ("spare", "17"); } },
  { "arguments_of_the_user",
    [] (Wanted &w) {
      w.set ("spare", "1");
      w.emulated ("nvme", ",plug=cold,serial=x");
      w.qemu_args ({ "-device", "isa-debug-exit", "-no-reboot" });
    } },
};

class ArgvGolden : public testing::TestWithParam<Golden>
{
};

TEST_P (ArgvGolden, IsAsRecorded)
{
  Wanted wanted;

  GetParam ().fill (wanted);
  expect_golden (std::string ("argv/") + GetParam ().name + ".txt", to_text (wanted.build ()));
}

/* What must hold whatever is asked for. */
TEST_P (ArgvGolden, KeepsThePromises)
{
  Wanted wanted;

  GetParam ().fill (wanted);
  const std::vector<std::string> argv = wanted.build ();

  EXPECT_EQ (std::count (argv.begin (), argv.end (), "-S"), 1);
  EXPECT_EQ (std::count (argv.begin (), argv.end (), "-nodefaults"), 1);
  EXPECT_EQ (std::count (argv.begin (), argv.end (), "-no-user-config"), 1);
  ASSERT_EQ (values_of (argv, "-sandbox").size (), 1u);
  EXPECT_EQ (values_of (argv, "-sandbox")[0],
             "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");

  std::vector<std::string> ids, places;
  for (const std::string &value : values_of (argv, "-device"))
    {
      g_autoptr (GError) error = nullptr;
      if (value[0] != '{')
        continue; /* the user's */
      g_autoptr (JsonObject) device = vp_qmp_message_parse (value.c_str (), &error);
      ASSERT_NE (device, nullptr) << value << ": " << error->message;
      const std::string driver = vp_qmp_message_get_string (device, "driver");
      if (driver == "isa-serial" || driver == "isa-debug-exit" || driver == "virtserialport")
        continue; /* not on PCI */

      const char *id = vp_qmp_message_get_string (device, "id");
      const char *bus = vp_qmp_message_get_string (device, "bus");
      const char *address = vp_qmp_message_get_string (device, "addr");
      ASSERT_TRUE (id != nullptr && bus != nullptr && address != nullptr) << value;
      EXPECT_TRUE (g_regex_match_simple ("^[01][0-9a-f]\\.[0-7]$", address, GRegexCompileFlags (0),
                                         GRegexMatchFlags (0)))
          << value;
      EXPECT_TRUE (g_str_equal (bus, "pcie.0") || g_str_equal (bus, "pci.0") ||
                   std::find (ids.begin (), ids.end (), bus) != ids.end ())
          << bus << " must come before " << id;
      ids.push_back (id);
      places.push_back (std::string (bus) + " " + address);
    }
  for (std::vector<std::string> *list : { &ids, &places })
    {
      std::sort (list->begin (), list->end ());
      const auto twice = std::adjacent_find (list->begin (), list->end ());
      EXPECT_EQ (twice, list->end ()) << *twice << " is there twice";
    }
}

INSTANTIATE_TEST_SUITE_P (Table, ArgvGolden, testing::ValuesIn (goldens), name_of_row<Golden>);

/* Points that a golden file would not explain. */

TEST (Argv, HotDevicesAreNotOnTheCommandLine)
{
  Wanted wanted;

  wanted.host ("0000:61:00.0", NVME);
  EXPECT_EQ (device_of (wanted.build (), "vfio-61-00.0"), "");
}

TEST (Argv, IoSpaceIsThereOnlyForWhatNeedsIt)
{
  Wanted wanted;

  wanted.set ("spare", "0");
  wanted.host ("0000:41:00.0", GPU);
  wanted.host ("0000:61:00.0", NIC_WITH_IO);
  const auto argv = wanted.build ();
  EXPECT_NE (device_of (argv, "port1").find ("\"io-reserve\":0"), std::string::npos);
  /* An empty port gets none from firmware unless it is asked for. */
  EXPECT_NE (device_of (argv, "port2").find ("\"io-reserve\":4096"), std::string::npos);
}

TEST (Argv, OnlyFunctionZeroOfASharedSlotIsMultifunction)
{
  Wanted wanted;

  wanted.set ("spare", "16");
  const auto argv = wanted.build ();
  EXPECT_NE (device_of (argv, "port1").find ("\"multifunction\":true"), std::string::npos);
  EXPECT_NE (device_of (argv, "port16").find ("\"addr\":\"01.1\""), std::string::npos);
  EXPECT_EQ (device_of (argv, "port16").find ("multifunction"), std::string::npos);
  EXPECT_EQ (device_of (argv, "port2").find ("multifunction"), std::string::npos);
}

TEST (Argv, OvmfKeepsItsDefaultApertureWhenItIsEnough)
{
  Wanted wanted;

  wanted.set ("firmware", "/x/OVMF.fd");
  EXPECT_TRUE (values_of (wanted.build (), "-fw_cfg").empty ());
}

TEST (Argv, SeaBiosIsNotToldOfAnAperture)
{
  Wanted wanted;

  wanted.host ("0000:41:00.0", { { 1, FakeBar::MEM64_PREF, 64 * GiB } });
  EXPECT_TRUE (values_of (wanted.build (), "-fw_cfg").empty ());
}

std::string
mac_of (const char *name, const char *id)
{
  Wanted wanted;

  g_free (wanted.config ()->name);
  wanted.config ()->name = g_strdup (name);
  wanted.set ("nic", "user");
  wanted.set ("nic", "user");
  const std::string device = device_of (wanted.build (), id);
  return device.substr (device.find ("\"mac\":\"") + 7, 17);
}

TEST (Argv, MacAddressesDifferByVmAndCard)
{
  EXPECT_EQ (mac_of ("a", "nic0").substr (0, 9), "52:54:00:");
  EXPECT_EQ (mac_of ("a", "nic0"), mac_of ("a", "nic0"));
  EXPECT_NE (mac_of ("a", "nic0"), mac_of ("b", "nic0"));
  EXPECT_NE (mac_of ("a", "nic0"), mac_of ("a", "nic1"));
}

TEST (Argv, OwnDevicesAreCountedBeforehand)
{
  for (const char *machine : { "q35", "pc" })
    {
      Wanted wanted;
      g_autoptr (GError) error = nullptr;
      guint8 slot;
      guint n_slots = 0;

      wanted.set ("machine", machine);
      const VpRootBus root = vp_own_devices_root (wanted.config ());
      while (vp_topology_own_slot (&root, n_slots, &slot))
        {
          wanted.set ("nic", "user");
          n_slots++;
        }
      ASSERT_GT (n_slots, 0u);
      EXPECT_TRUE (vp_own_devices_check (wanted.config (), &error)) << error->message;
      wanted.disk ("x,format=raw");
      EXPECT_FALSE (vp_own_devices_check (wanted.config (), &error));
      EXPECT_NE (strstr (error->message, "has room for"), nullptr) << error->message;
    }
}

/* vp_argv_device(), which hotplug uses too. */

struct DeviceRow
{
  const char *name;
  const char *spec;
  const char *json;
};

const DeviceRow device_rows[] = {
  { "vfio", "41:00.0",
    R"({"driver":"vfio-pci","id":"ID","bus":"port3","addr":"1f.0","host":"0001:41:00.0"})" },
  { "vfio_switches", "41:00.0,rombar=off,x-no-mmap=on,bind=on,plug=hot",
    R"({"driver":"vfio-pci","id":"ID","bus":"port3","addr":"1f.0","host":"0001:41:00.0",)"
    R"("rombar":0,"x-no-mmap":true})" },
  { "group", "/dev/vfio/40",
    R"({"driver":"vfio-pci","id":"ID","bus":"port3","addr":"1f.0","host":"0001:41:00.0"})" },
  { "rng", "rng", R"({"driver":"virtio-rng-pci","id":"ID","bus":"port3","addr":"1f.0"})" },
  { "vfio_user", "vfio-user,socket=/run/a b,,c,id=x,plug=hot",
    R"({"driver":"vfio-user-pci","id":"ID","bus":"port3","addr":"1f.0",)"
    R"("socket":{"type":"unix","path":"/run/a b,c"}})" },
  { "qemu", "qemu,driver=nvme,serial='1',x=on,y=2K",
    R"({"driver":"nvme","id":"ID","bus":"port3","addr":"1f.0","serial":"1","x":true,"y":2048})" },
};

class ArgvDevice : public testing::TestWithParam<DeviceRow>
{
};

TEST_P (ArgvDevice, IsOneObject)
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpDeviceSpec) spec = vp_device_spec_parse (GetParam ().spec, &error);
  const VpPciFunction function = fake_function ("0001:41:00.0", GPU);
  const VpPlace place = { "port3", "port3", 0x1f, 0, FALSE };
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GString) text = g_string_new (nullptr);

  ASSERT_NE (spec, nullptr) << error->message;
  json_node_take_object (node, vp_argv_device (spec, &function, "ID", &place));
  vp_json_write (text, node);
  EXPECT_STREQ (text->str, GetParam ().json);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          ArgvDevice,
                          testing::ValuesIn (device_rows),
                          name_of_row<DeviceRow>);

/* Quoting: a shell is the judge. */

std::string
quote (const std::vector<std::string> &words)
{
  std::vector<char *> argv;
  for (const std::string &word : words)
    argv.push_back (const_cast<char *> (word.c_str ()));
  argv.push_back (nullptr);
  g_autofree char *line = vp_argv_quote (argv.data ());
  return line;
}

TEST (ArgvQuote, LeavesPlainWordsAlone)
{
  EXPECT_EQ (quote ({ "qemu", "-m", "size=1M", "a/b.c:d@e%f+g,h_i" }),
             "qemu -m size=1M a/b.c:d@e%f+g,h_i");
  EXPECT_EQ (quote ({ "" }), "''");
  EXPECT_EQ (quote ({ "a b", "{\"a\":1}" }), "'a b' '{\"a\":1}'");
}

TEST (ArgvQuote, BashReadsBackWhatWentIn)
{
  static const char letters[] = "ab '\"\\$`;&|<>()*?[]{}~#!=%\n\t\033\177";
  g_autoptr (GRand) random = g_rand_new_with_seed (11);
  std::vector<std::string> words = { "", "-n", "Größe", "a'b", "'", "\\", "$(touch x)", "x\n" };

  for (int i = 0; i < 500; i++)
    {
      std::string word;
      for (int n = g_rand_int_range (random, 0, 12); n > 0; n--)
        word += letters[g_rand_int_range (random, 0, sizeof letters - 1)];
      words.push_back (word);
    }

  const std::string line = quote (words);
  EXPECT_EQ (line.find ('\n'), std::string::npos) << "one line";

  const std::string script = "printf '%s\\0' " + line;
  const char *const argv[] = { "bash", "-c", script.c_str (), nullptr };
  g_autoptr (GError) error = nullptr;
  g_autoptr (GSubprocess) bash = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  ASSERT_NE (bash, nullptr) << error->message;
  g_autoptr (GBytes) out = nullptr;
  ASSERT_TRUE (g_subprocess_communicate (bash, nullptr, nullptr, &out, nullptr, &error));

  std::string wanted;
  for (const std::string &word : words)
    wanted += word + '\0';
  gsize size;
  const auto *data = static_cast<const char *> (g_bytes_get_data (out, &size));
  EXPECT_EQ (std::string (data, size), wanted);
}

} // namespace
