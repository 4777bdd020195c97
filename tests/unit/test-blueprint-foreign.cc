#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/blueprint.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/foreign-lines.h"
#include "tests/support/foreign-machine.h"
#include "tests/support/temp-folder.h"

#include <string>
#include <vector>

namespace
{

using foreign_lines::Line;
using foreign_lines::operator+;

class BlueprintForeign : public testing::Test
{
protected:
  FakeSysfs host_;
  TempFolder folder_;

  BlueprintForeign ()
  {
    host_.pci ("0000:41:00.0").ids (0x10de, 0x20b5).class_code (0x030200);
    host_.pci ("0000:41:00.0").bars ({ { 1, FakeBar::MEM64_PREF, 128 * GiB } });
    host_.pci ("0000:41:00.0").driver ("vfio-pci").group (40);
    host_.pci ("0000:42:00.0").bars (NIC_WITH_IO).driver ("vfio-pci").group (41);
    host_.add_group_node (40).add_group_node (41);
    host_.write ("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n"
                                 "address sizes\t: 46 bits physical, 48 bits virtual\n");
  }

  VpBlueprint *
  build (const Line &options, const std::vector<const char *> &devices, GError **error)
  {
    const Line line = Line{ "qemu-system-x86_64" } + options;
    g_autoptr (VpForeignArgv) argv = parse_foreign (line);
    g_autoptr (VpForeignVm) vm = vp_foreign_vm_new (argv);
    VpConfig *config = vp_foreign_vm_to_config (vm);

    for (const char *device : devices)
      EXPECT_TRUE (vp_config_set (config, "device", device, nullptr)) << device;
    EXPECT_TRUE (vp_config_set (config, "spare", "0", nullptr));
    EXPECT_TRUE (vp_config_set (config, "qemu", "/nonexistent/qemu", nullptr));
    return vp_blueprint_new_for_foreign (config, vp_foreign_vm_to_foreign (vm, argv, "/opt/qemu"),
                                         nullptr, host_.root (), error);
  }
  VpBlueprint *
  must_build (const Line &options, const std::vector<const char *> &devices)
  {
    g_autoptr (GError) error = nullptr;
    VpBlueprint *blueprint = build (options, devices, &error);
    EXPECT_NE (blueprint, nullptr) << error->message;
    return blueprint;
  }
  /* An image that is OVMF by its footer. */
  std::string
  ovmf () const
  {
    static const unsigned char footer[] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
                                            0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };
    std::string image (4096, '\x01');
    image.replace (image.size () - 48, sizeof footer, reinterpret_cast<const char *> (footer),
                   sizeof footer);
    return folder_.write ("OVMF.fd", image);
  }
};

/* The values of all options @option. */
Line
values_of (const VpBlueprint *blueprint, const char *option)
{
  Line values;
  for (char **arg = blueprint->argv; arg[0] != nullptr && arg[1] != nullptr; arg++)
    if (g_str_equal (arg[0], option))
      values.push_back (arg[1]);
  return values;
}

TEST_F (BlueprintForeign, TakesTheProgramThatIsToBeRun)
{
  g_autoptr (VpBlueprint) blueprint = must_build ({ "-M", "q35" }, {});

  EXPECT_STREQ (blueprint->argv[0], "/opt/qemu");
  EXPECT_EQ (blueprint->plan->ports->len, 0u);
  EXPECT_NE (blueprint->foreign, nullptr);
  EXPECT_EQ (std::string (blueprint->config->name).substr (0, 3), "vm-") << "they gave none";
}

TEST_F (BlueprintForeign, LeavesTheAcceleratorToThem)
{
  g_autoptr (VpBlueprint) kvm = must_build ({ "-M", "q35,accel=kvm" }, {});
  g_autoptr (VpBlueprint) either = must_build ({ "-M", "q35,accel=kvm:tcg" }, {});

  EXPECT_EQ (kvm->accel, VP_ACCEL_KVM) << "though this host has no /dev/kvm";
  EXPECT_EQ (either->accel, VP_ACCEL_TCG);
}

TEST_F (BlueprintForeign, GivesAnotherIdWhereOneIsTaken)
{
  g_autoptr (VpBlueprint) blueprint =
      must_build ({ "-M", "q35", "-device", "edu,id=vfio-42-00.0", "-object",
                    "iothread,id=vfio-42-00.0-2", "-chardev", "null,id=virtio-rng-pci0" },
                  { "42:00.0", "rng" });

  EXPECT_STREQ (device_at (blueprint->plan, 0)->id, "vfio-42-00.0-3");
  EXPECT_STREQ (device_at (blueprint->plan, 1)->id, "virtio-rng-pci1");
}

TEST_F (BlueprintForeign, RefusesAnIdThatWasAskedForAndIsTaken)
{
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (build ({ "-M", "q35", "-netdev", "user,id=gpu" }, { "42:00.0,id=gpu" }, &error),
             nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE));
  EXPECT_STREQ (error->message, "42:00.0 (0000:42:00.0): the id \"gpu\" is taken on the command "
                                "line");
}

TEST_F (BlueprintForeign, RefusesIdsThatAreForWhatItAdds)
{
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (build ({ "-M", "q35", "-chardev", "null,id=vmplug-qmp" }, {}, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
  EXPECT_NE (std::string (error->message).find ("\"vmplug-qmp\""), std::string::npos)
      << error->message;
}

TEST_F (BlueprintForeign, RefusesAFullBus)
{
  Line line = { "-M", "q35", "-nodefaults" };
  g_autoptr (GError) error = nullptr;

  for (int i = 0; i < 30; i++)
    line = line + Line{ "-device", "edu" };
  EXPECT_EQ (build (line, { "41:00.0" }, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT));
}

TEST_F (BlueprintForeign, CountsDescriptorsFromTheFirstFreeOne)
{
  g_autoptr (VpBlueprint) blueprint = must_build ({ "-M", "q35", "-netdev", "tap,id=n,fds=11:12" },
                                                  { "nic,tap,ifname=tap0,vhost=on,plug=cold" });

  EXPECT_EQ (values_of (blueprint, "-chardev"), Line{ "socket,id=vmplug-qmp,fd=13" });
  EXPECT_NE (values_of (blueprint, "-netdev").back ().find (R"("vhostfd":"14")"), std::string::npos)
      << values_of (blueprint, "-netdev").back ();
}

TEST_F (BlueprintForeign, AsksOvmfForAnApertureUnlessTheyDo)
{
  const Line line = { "-M", "q35,accel=kvm", "-cpu", "qemu64,phys-bits=40", "-bios", ovmf () };
  const Line theirs = { "-fw_cfg", "name=opt/ovmf/X-PciMmio64Mb,string=262144" };
  g_autoptr (VpBlueprint) asks = must_build (line, { "41:00.0" });
  g_autoptr (VpBlueprint) leaves = must_build (line + theirs, { "41:00.0" });

  EXPECT_EQ (asks->config->firmware, VP_FIRMWARE_OVMF);
  EXPECT_EQ (values_of (asks, "-fw_cfg"), Line{ "name=opt/ovmf/X-PciMmio64Mb,string=262144" });
  EXPECT_EQ (values_of (leaves, "-fw_cfg"), Line{ theirs[1] });
}

TEST_F (BlueprintForeign, TrustsAFirmwareThatItCannotReadNoFurther)
{
  g_autoptr (VpBlueprint) named = must_build ({ "-M", "q35", "-bios", "bios-256k.bin" }, {});
  g_autoptr (VpBlueprint) qemus = must_build ({ "-M", "q35" }, {});

  EXPECT_EQ (named->config->firmware, VP_FIRMWARE_OTHER);
  EXPECT_EQ (qemus->config->firmware, VP_FIRMWARE_SEABIOS);
  EXPECT_EQ (qemus->config->firmware_version, nullptr);
}

TEST_F (BlueprintForeign, WidensTheCpuByAPropertyOfItsOwn)
{
  const Line line = { "-M", "q35", "-m", "8G" };
  g_autoptr (VpBlueprint) tcg = must_build (line, { "41:00.0" });
  g_autoptr (VpBlueprint) kvm =
      must_build (line + Line{ "-enable-kvm", "-cpu", "Haswell" }, { "41:00.0" });
  g_autoptr (VpBlueprint) host =
      must_build (line + Line{ "-enable-kvm", "-cpu", "host" }, { "41:00.0" });

  EXPECT_STREQ (tcg->cpu, "qemu64");
  EXPECT_EQ (values_of (tcg, "-cpu"), Line{});
  EXPECT_EQ (values_of (tcg, "-global"),
             Line{ "x86_64-cpu.phys-bits=" + std::to_string (tcg->plan->phys_bits) });
  EXPECT_EQ (values_of (kvm, "-cpu"), Line{ "Haswell" });
  EXPECT_EQ (values_of (kvm, "-global"), Line{ "x86_64-cpu.host-phys-bits=on" });
  EXPECT_EQ (values_of (host, "-global"), Line{}) << "it has the width of the host";
}

TEST_F (BlueprintForeign, CountsTheirMemoryThatCanBeAdded)
{
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (build ({ "-M", "q35", "-cpu", "qemu64,phys-bits=40", "-m", "1G,slots=4,maxmem=1000G" },
                    { "41:00.0" }, &error),
             nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT));
}

TEST_F (BlueprintForeign, LeavesTheIoSpaceOfTheirBridges)
{
  Line line = { "-M", "q35" };
  g_autoptr (GError) error = nullptr;

  for (int i = 0; i < 13; i++)
    line = line + Line{ "-device", "pci-bridge,chassis_nr=" + std::to_string (i + 1) };
  g_autoptr (VpBlueprint) last = must_build (line, { "42:00.0,plug=cold" });
  EXPECT_TRUE (port_at (last->plan, 0)->has_io);

  line = line + Line{ "-device", "pci-bridge,chassis_nr=14" };
  EXPECT_EQ (build (line, { "42:00.0,plug=cold" }, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT)) << error->message;
}

TEST_F (BlueprintForeign, PutsConventionalDevicesBehindABridgeOfItsOwn)
{
  host_.pci ("0000:43:00.0").pcie (false).bars (EDU).driver ("vfio-pci").group (42);
  host_.add_group_node (42);
  g_autoptr (VpBlueprint) q35 = must_build ({ "-M", "q35" }, { "43:00.0,plug=cold" });
  g_autoptr (VpBlueprint) pc = must_build ({}, { "43:00.0,plug=cold" });

  EXPECT_STREQ (device_at (q35->plan, 0)->bus, "vmplug-bridge1");
  EXPECT_STREQ (port_at (q35->plan, 0)->id, "vmplug-port1");
  EXPECT_STREQ (port_at (pc->plan, 0)->id, "vmplug-slot31");
  EXPECT_STREQ (device_at (pc->plan, 0)->bus, "pci.0");
}

} // namespace
