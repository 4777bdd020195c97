#include "tests/e2e/vm.h"
#include "tests/support/temp-folder.h"

/* "vmplug run --config" with what kata has. */

namespace
{

std::string
template_of_kata (const std::string &more = "")
{
  return "[hypervisor.qemu]\n"
         "path = \"/usr/bin/qemu-system-x86_64\"\n"
         "kernel = \"" +
         guest_file ("vmlinux") +
         "\"\n"
         "machine_type = \"q35\"\n"
         "enable_annotations = [\"enable_iommu\", \"virtio_fs_extra_args\", \"kernel_params\"]\n"
         "valid_hypervisor_paths = [\"/usr/bin/qemu-system-x86_64\"]\n"
         "kernel_params = \"console=ttyS0 quiet\"\n"
         "firmware = \"\"\nfirmware_volume = \"\"\nmachine_accelerators=\"\"\n"
         "seccompsandbox=\"on,obsolete=deny,spawn=deny,resourcecontrol=deny\"\n"
         "cpu_features=\"pmu=off\"\n"
         "default_vcpus = 1\ndefault_maxvcpus = 0\ndefault_bridges = 1\n"
         "default_memory = 384\ndefault_maxmemory = 0\n"
         "disable_block_device_use = true\nshared_fs = \"virtio-fs\"\n"
         "virtio_fs_daemon = \"/usr/libexec/virtiofsd\"\n"
         "block_device_driver = \"virtio-scsi\"\nblock_device_aio = \"io_uring\"\n"
         "pflashes = []\nhot_plug_vfio = \"no-port\"\ncold_plug_vfio = \"no-port\"\n"
         "pcie_root_port = 2\nentropy_source= \"/dev/urandom\"\ndisable_selinux = false\n" +
         more +
         "\n[agent.kata]\nkernel_modules=[]\n"
         "[runtime]\ninternetworking_model=\"tcfilter\"\nsandbox_cgroup_only=false\n";
}

class Config : public testing::Test
{
protected:
  std::vector<std::string>
  options () const
  {
    return { "--config", folder.path ("configuration.toml") };
  }

  TempFolder folder;
  Vm vm;
};

TEST_F (Config, AConfigurationOfKataBoots)
{
  folder.write ("configuration.toml",
                template_of_kata ("initrd = \"" + guest_file ("initrd") + "\""));
  folder.make_folder ("config.d");
  folder.write ("config.d/50-ports", "[hypervisor.qemu]\npcie_root_port = 3\n"
                                     "[vmplug]\ndevice = [\"qemu,driver=edu,id=unit\"]\n");
  ASSERT_TRUE (vm.start (options () + std::vector<std::string>{ "--device", "rng,id=typed" }));
  Guest &guest = vm.guest ();

  EXPECT_EQ (vm.status ()["ports"]["spare"].number (), 3);
  EXPECT_EQ (guest.run ("cat /proc/cmdline"), "console=ttyS0 quiet\n");
  EXPECT_EQ (guest.run ("grep -c ^processor /proc/cpuinfo"), "1\n");
  EXPECT_TRUE (guest.can ("ls /sys/bus/pci/devices/*/vendor && "
                          "grep -l 0x1234 /sys/bus/pci/devices/*/vendor"));
  EXPECT_TRUE (eventually ([&] { return vm.state_of ("unit") == "usable"; }, 60));
  EXPECT_TRUE (eventually ([&] { return vm.state_of ("typed") == "usable"; }, 60));
}

TEST_F (Config, AnImageIsTheFirstDisk)
{
  folder.write ("image", std::string (1 << 20, '\0'));
  folder.write ("other", std::string (2 << 20, '\0'));
  folder.write ("configuration.toml",
                template_of_kata ("image = \"" + folder.path ("image") + "\""));
  ASSERT_TRUE (
      vm.start (options () + std::vector<std::string>{ "--initrd", guest_file ("initrd"), "--disk",
                                                       folder.path ("other") + ",format=raw" }));
  Guest &guest = vm.guest ();

  EXPECT_EQ (guest.run ("cat /proc/cmdline"),
             "root=/dev/vda1 rootflags=data=ordered,errors=remount-ro ro rootfstype=ext4 "
             "console=ttyS0 quiet\n");
}

TEST_F (Config, WhatIsWrongIsSaidWithItsPlaceAndNothingStarts)
{
  folder.write ("configuration.toml", template_of_kata ("rootless = true"));
  const Outcome outcome = vm.vmplug (std::vector<std::string>{ "run", "--detach" } + options ());

  EXPECT_EQ (outcome.status, 2);
  EXPECT_NE (outcome.err.find ("configuration.toml:29:12: rootless: refused: "), std::string::npos)
      << outcome.err;
  EXPECT_EQ (outcome.err.find ('\n'), outcome.err.size () - 1) << outcome.err;
}

/* What "vmplug config" writes gives the same command line. */
TEST_F (Config, IsWrittenAndReadBack)
{
  folder.write ("configuration.toml",
                template_of_kata ("initrd = \"" + guest_file ("initrd") + "\"") +
                    "[vmplug]\nname = \"a\"\ndevice = [\"rng\"]\nspare_window = \"1G\"\n");
  const std::vector<std::string> typed = { "--accel", "tcg", "--nic", "user" };
  const Outcome plan = vm.vmplug (std::vector<std::string>{ "plan" } + options () + typed);
  const Outcome config = vm.vmplug (std::vector<std::string>{ "config" } + options () + typed);
  ASSERT_EQ (config.status, 0) << config;
  EXPECT_EQ (config.err, "");
  ASSERT_EQ (plan.status, 0) << plan;

  const std::string again = folder.write ("again.toml", config.out);
  const Outcome same = vm.vmplug ({ "plan", "--config", again });
  EXPECT_EQ (same.out, plan.out);
  EXPECT_EQ (vm.vmplug ({ "config", "--config", again }).out, config.out);
}

} // namespace
