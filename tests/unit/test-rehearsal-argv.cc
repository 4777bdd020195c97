#include "launcher/vm/rehearsal-argv.h"

#include "tests/support/fake-sysfs.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace
{

/* A host with a GPU that no driver has let go of, and a VM with some of everything. */
class RehearsalArgv : public testing::Test
{
protected:
  FakeSysfs host_;

  void
  SetUp () override
  {
    host_.pci ("0000:41:00.0")
        .driver ("nouveau")
        .group (40)
        .bars (
            { { 0, FakeBar::MEM32, 16u << 20 }, { 1, FakeBar::MEM64_PREF, UINT64_C (64) << 30 } });
    for (const char *name : { "kernel", "initrd", "disk.img" })
      host_.write (name, "\x7f"
                         "ELF" +
                             std::string (1024, '\0'));
  }

  VpBlueprint *
  blueprint (const std::vector<std::pair<const char *, std::string>> &options,
             std::vector<const char *> qemu_args = {})
  {
    VpConfig *config = vp_config_new ();
    g_autoptr (GError) error = nullptr;

    for (const auto &[name, value] : options)
      EXPECT_TRUE (vp_config_set (config, name, value.c_str (), &error)) << error->message;
    qemu_args.push_back (nullptr);
    EXPECT_TRUE (vp_config_set_qemu_args (config, const_cast<char **> (qemu_args.data ()), &error));
    VpBlueprint *self = vp_blueprint_new_for_rehearsal (config, host_.root (), &error);
    EXPECT_NE (self, nullptr) << error->message;
    return self;
  }
  std::string
  path (const char *name)
  {
    return std::string (host_.root ()) + "/" + name;
  }

  /* Each option with its value. */
  static std::vector<std::string>
  lines_of (char **argv)
  {
    std::vector<std::string> lines;
    for (char **arg = argv; *arg != nullptr; arg++)
      if (**arg == '-' || lines.empty ())
        lines.push_back (*arg);
      else
        lines.back () += std::string (" ") + *arg;
    return lines;
  }
  static std::vector<std::string>
  rehearsal_of (const VpBlueprint *blueprint)
  {
    g_autoptr (VpStandIns) stand_ins = vp_stand_ins_new (blueprint->plan);
    g_auto (GStrv) argv = vp_rehearsal_argv (blueprint, stand_ins);
    return lines_of (argv);
  }
  /* What @a has and @b has not. */
  static std::vector<std::string>
  missing (const std::vector<std::string> &a, const std::vector<std::string> &b)
  {
    std::vector<std::string> lines;
    std::copy_if (a.begin (), a.end (), std::back_inserter (lines), [&] (const std::string &line) {
      return std::find (b.begin (), b.end (), line) == b.end ();
    });
    return lines;
  }
};

TEST_F (RehearsalArgv, DiffersOnlyWhereItMust)
{
  g_autoptr (VpBlueprint) vm = blueprint ({ { "name", "vm" },
                                            { "accel", "tcg" },
                                            { "hotplug-mode", "native" },
                                            { "kernel", path ("kernel") },
                                            { "initrd", path ("initrd") },
                                            { "append", "console=ttyS0" },
                                            { "disk", path ("disk.img") + ",format=raw" },
                                            { "disk", path ("disk.img") + ",format=raw,snapshot" },
                                            { "nic", "user" },
                                            { "device", "0000:41:00.0" },
                                            { "device", "rng,plug=cold" } },
                                          { "-device", "edu,addr=1e.0" });
  ASSERT_NE (vm, nullptr);
  const std::vector<std::string> real = lines_of (vm->argv), rehearsal = rehearsal_of (vm);

  for (const std::string &line : missing (real, rehearsal))
    {
      const bool expected =
          line.rfind ("-machine ", 0) == 0 || line.rfind ("-kernel ", 0) == 0 ||
          line.rfind ("-initrd ", 0) == 0 || line.rfind ("-append ", 0) == 0 ||
          line.rfind ("-blockdev ", 0) == 0 || line.rfind ("-drive if=none,", 0) == 0 ||
          line.rfind ("-netdev ", 0) == 0 || line.rfind ("-chardev socket,id=console,", 0) == 0 ||
          line.find ("isa-serial") != std::string::npos ||
          line.find ("vfio-pci") != std::string::npos ||
          line.find (R"("driver":"virtio-blk-pci")") != std::string::npos ||
          line.find (R"("driver":"virtio-net-pci")") != std::string::npos;
      EXPECT_TRUE (expected) << line << " is not there";
    }
  for (const std::string &line : rehearsal)
    {
      EXPECT_EQ (line.find (host_.root ()), std::string::npos) << line;
      EXPECT_EQ (line.find ("vfio"), line.find ("vfio-41-00.0")) << line;
    }
  EXPECT_EQ (rehearsal.back (), "-device edu,addr=1e.0") << "what the user adds comes last";
}

TEST_F (RehearsalArgv, TheMemoryOfNodesNeedNotBeThere)
{
  host_.write ("sys/devices/system/node/node0/cpulist", "0\n");
  host_.write ("sys/devices/system/node/node1/cpulist", "1\n");
  g_autoptr (VpBlueprint) vm =
      blueprint ({ { "name", "vm" }, { "accel", "tcg" }, { "numa", "2" }, { "memory", "2048G" } });
  ASSERT_NE (vm, nullptr);
  const std::vector<std::string> added = missing (rehearsal_of (vm), lines_of (vm->argv));

  ASSERT_GE (added.size (), 2U);
  EXPECT_EQ (
      added[0],
      R"(-object {"qom-type":"memory-backend-ram","id":"mem0","size":1099511627776,"reserve":false})");
  EXPECT_EQ (
      added[1],
      R"(-object {"qom-type":"memory-backend-ram","id":"mem1","size":1099511627776,"reserve":false})");
}

TEST_F (RehearsalArgv, PutsSubstitutesOnTheSameSlots)
{
  g_autoptr (VpBlueprint) vm = blueprint ({ { "name", "vm" },
                                            { "accel", "tcg" },
                                            { "spare", "0" },
                                            { "memory", "1G" },
                                            { "disk", path ("disk.img") + ",format=raw" },
                                            { "device", "0000:41:00.0" } });
  ASSERT_NE (vm, nullptr);
  const std::vector<std::string> added = missing (rehearsal_of (vm), lines_of (vm->argv));

  EXPECT_EQ (
      added,
      (std::vector<std::string>{
          "-machine q35,memory-backend=rehearsal-memory",
          R"(-device {"driver":"virtio-rng-pci","id":"disk0","bus":"pcie.0","addr":"10.0","disable-legacy":"on"})",
          R"(-object {"qom-type":"memory-backend-ram","id":"vfio-41-00.0.0.memory","size":16777216,"reserve":false})",
          R"(-device {"driver":"acpi-erst","id":"vfio-41-00.0.0","bus":"port1","addr":"00.0","multifunction":true,"record_size":16777216,"memdev":"vfio-41-00.0.0.memory"})",
          R"(-object {"qom-type":"memory-backend-ram","id":"vfio-41-00.0.1.memory","size":68719476736,"reserve":false})",
          R"(-device {"driver":"ivshmem-plain","id":"vfio-41-00.0.1","bus":"port1","addr":"00.1","memdev":"vfio-41-00.0.1.memory"})",
          R"(-object {"qom-type":"memory-backend-ram","id":"rehearsal-memory","size":1073741824,"reserve":false})",
          "-chardev ringbuf,id=firmware,size=65536",
          R"(-device {"driver":"isa-debugcon","iobase":1026,"chardev":"firmware"})",
          "-boot menu=on,splash-time=65535",
      }));
}

/* What only its server, or its driver, knows is not asked for, and is not rehearsed. */
TEST_F (RehearsalArgv, LeavesOutWhatOthersHold)
{
  const char *uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
  host_.add_mdev (uuid, "0000:41:00.0");
  g_autoptr (VpBlueprint) vm = blueprint ({ { "name", "vm" },
                                            { "accel", "tcg" },
                                            { "spare", "0" },
                                            { "device", "vfio-user,socket=/run/sock" },
                                            { "device", uuid } });
  ASSERT_NE (vm, nullptr);
  const std::vector<std::string> real = lines_of (vm->argv), rehearsal = rehearsal_of (vm);

  for (const std::string &line : rehearsal)
    for (const char *word : { "/run/sock", uuid, "memfd", "memory-backend=ram" })
      EXPECT_EQ (line.find (word), std::string::npos) << line;
  EXPECT_EQ (missing (rehearsal, real)[0], "-machine q35,memory-backend=rehearsal-memory");
  ASSERT_EQ (vm->plan->warnings->len, 2u);
  EXPECT_STREQ (static_cast<char *> (vm->plan->warnings->pdata[0]),
                "/run/sock: left out of the rehearsal: its BARs are known only once it is open");
}

TEST_F (RehearsalArgv, SharedMemoryOfNodesIsSharedWithNobody)
{
  g_autoptr (VpBlueprint) vm = blueprint ({ { "name", "vm" },
                                            { "accel", "tcg" },
                                            { "numa", "2" },
                                            { "memory", "2G" },
                                            { "shared-memory", "on" } });
  ASSERT_NE (vm, nullptr);
  const std::vector<std::string> added = missing (rehearsal_of (vm), lines_of (vm->argv));

  ASSERT_GE (added.size (), 1U);
  EXPECT_EQ (
      added[0],
      R"(-object {"qom-type":"memory-backend-ram","id":"mem0","size":1073741824,"reserve":false})");
}

TEST_F (RehearsalArgv, MemoryThatCanBeAddedIsSharedWithNobody)
{
  g_autoptr (VpBlueprint) vm = blueprint ({ { "name", "vm" },
                                            { "accel", "tcg" },
                                            { "memory", "1G" },
                                            { "max-memory", "3G" },
                                            { "shared-memory", "on" } });
  ASSERT_NE (vm, nullptr);
  const std::vector<std::string> added = missing (rehearsal_of (vm), lines_of (vm->argv));

  ASSERT_GE (added.size (), 3U);
  EXPECT_EQ (added[0], "-machine q35,memory-backend=rehearsal-memory");
  EXPECT_EQ (
      added[1],
      R"(-object {"qom-type":"memory-backend-ram","id":"memory","size":2147483648,"reserve":false})");
  EXPECT_EQ (
      added[2],
      R"(-object {"qom-type":"memory-backend-ram","id":"rehearsal-memory","size":1073741824,"reserve":false})");
}

/* Nobody needs to have bound anything before; that it will be needed is said. */
TEST_F (RehearsalArgv, DoesNotNeedTheDevice)
{
  g_autoptr (VpBlueprint) vm =
      blueprint ({ { "name", "vm" }, { "accel", "tcg" }, { "device", "0000:41:00.0" } });
  ASSERT_NE (vm, nullptr);

  ASSERT_EQ (vm->plan->warnings->len, 1u);
  EXPECT_NE (std::string (static_cast<char *> (vm->plan->warnings->pdata[0])).find ("nouveau"),
             std::string::npos);
}

TEST_F (RehearsalArgv, OpensNothingThatIsBehindADevice)
{
  g_autoptr (VpBlueprint) whole =
      blueprint ({ { "qemu", "/bin/true" },
                   { "device", "disk," + path ("disk.img") + ",model=virtio-scsi,plug=cold,id=a" },
                   { "device", "nic,user,model=e1000e,plug=cold,id=b" } });
  g_autoptr (VpStandIns) none = vp_stand_ins_new (whole->plan);
  g_auto (GStrv) argv = vp_rehearsal_argv (whole, none);
  g_autofree char *text = g_strjoinv (" ", argv);

  for (const char *absent : { "-blockdev", "-netdev", "disk.img", "scsi", "\"netdev\"" })
    EXPECT_EQ (strstr (text, absent), nullptr) << text;
  EXPECT_NE (strstr (text, R"({"driver":"virtio-rng-pci","id":"a","bus":"port1")"), nullptr)
      << text;
  EXPECT_NE (strstr (text, R"({"driver":"e1000e","id":"b","bus":"port2")"), nullptr) << text;
}

} // namespace
