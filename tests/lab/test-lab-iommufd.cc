#include "tests/e2e/newer-qemu.h"
#include "tests/lab/vm.h"
#include "tests/support/temp-folder.h"

#include <cstring>
#include <fstream>
#include <set>
#include <sys/stat.h>

/* Devices by iommufd, which takes a kernel that has it (scripts/lab -K) and QEMU 9.0 or newer. */

namespace
{

constexpr uid_t USER = 1000;

/* The number N of its node /dev/vfio/devices/vfioN, as sysfs has it; "" when it has none. */
std::string
number_of (const HostFunction &function)
{
  std::error_code none;
  for (const auto &entry : std::filesystem::directory_iterator (
           "/sys/bus/pci/devices/" + function.address + "/vfio-dev", none))
    return entry.path ().filename ().string ().substr (strlen ("vfio"));
  return "";
}

std::string
cdev_of (const HostFunction &function)
{
  return "/dev/vfio/devices/vfio" + number_of (function);
}

/* What a process has open below /dev/vfio, and /dev/iommu. */
std::multiset<std::string>
nodes_of (pid_t pid)
{
  std::multiset<std::string> nodes;
  std::error_code none;

  for (const auto &entry :
       std::filesystem::directory_iterator ("/proc/" + std::to_string (pid) + "/fd", none))
    {
      const std::string target = std::filesystem::read_symlink (entry.path (), none).string ();
      if (target.rfind ("/dev/vfio/", 0) == 0 || target == "/dev/iommu")
        nodes.insert (target);
    }
  return nodes;
}

using Nodes = std::multiset<std::string>;

class IommufdLab : public LabTest
{
protected:
  const HostFunction card = lab_function ("card");
  const Args newer = { "--qemu", newer_qemu () };
  LabVm vm;

  void
  SetUp () override
  {
    ASSERT_TRUE (std::filesystem::exists ("/dev/iommu")) << "run this with scripts/lab -K";
    ASSERT_TRUE (std::filesystem::exists (newer_qemu ())) << "run scripts/qemu-setup";
  }
  void
  TearDown () override
  {
    vm.end ();
    LabTest::TearDown ();
    bring_home (card);
  }
  void
  expect_card_works ()
  {
    EXPECT_TRUE (eventually ([&] { return vm.guest ().can ("test -e /sys/class/net/eth0"); }, 60));
    EXPECT_TRUE (vm.guest ().can ("ip link set eth0 up && udhcpc -q -n -i eth0"));
    EXPECT_TRUE (vm.guest ().can ("ping -c 1 -W 20 10.0.2.2"));
  }
  void
  expect_detached (const HostFunction &function)
  {
    const Outcome detach = vm.detach (function.id ());
    EXPECT_EQ (detach.status, 0) << detach;
    expect_home (function);
  }
  void
  expect_attached (const std::string &spec)
  {
    const Outcome attach = vm.attach (spec);
    ASSERT_EQ (attach.status, 0) << attach;
    EXPECT_EQ (Json::parse (attach.out)["state"].text (), "usable") << attach;
  }
};

TEST_F (IommufdLab, DoctorAndDevicesTellOfIt)
{
  const Outcome doctor = vmplug (Args{ "doctor" } + newer);
  EXPECT_NE (doctor.out.find ("ok       iommufd              /dev/iommu can be opened"),
             std::string::npos)
      << doctor;
  const Outcome old = vmplug ({ "doctor" });
  EXPECT_NE (old.out.find ("the kernel has it, QEMU not"), std::string::npos) << old;

  EXPECT_TRUE (ask_vmplug ({ "devices", nic.address })["devices"].at (0)["cdev"].is_null ());
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  const Json device = ask_vmplug ({ "devices", cdev_of (nic) })["devices"].at (0);
  EXPECT_EQ (device["cdev"].text (), cdev_of (nic)) << device;
  EXPECT_EQ (device["address"].text (), nic.address) << device;
  EXPECT_TRUE (device["assignable"].flag ()) << device;
}

TEST_F (IommufdLab, ThePlanShowsTheDescriptors)
{
  const Args device = { "--device", nic.address + ",bind=on,plug=cold,iommufd=on" };
  const Outcome dry = vmplug (Args{ "run", "--dry-run" } + newer + device);

  EXPECT_EQ (dry.status, 0) << dry;
  EXPECT_NE (dry.out.find (R"({"qom-type":"iommufd","id":"vmplug-iommufd","fd":"5"})"),
             std::string::npos)
      << dry;
  EXPECT_NE (dry.out.find (R"("fd":"6","iommufd":"vmplug-iommufd"})"), std::string::npos) << dry;
  expect_home (nic);
}

TEST_F (IommufdLab, AColdDevice)
{
  vm.boot (newer + Args{ "--device", nic.address + ",bind=on,plug=cold,iommufd=on" });

  EXPECT_EQ (vm.wait_usable (nic.id ())["plug"].text (), "cold");
  EXPECT_EQ (nodes_of (vm.qemu ()), (Nodes{ "/dev/iommu", cdev_of (nic) }));
  EXPECT_EQ (nodes_of (vm.supervisor ()), Nodes{});
  expect_card_works ();

  expect_detached (nic);
  EXPECT_EQ (nodes_of (vm.qemu ()), Nodes{ "/dev/iommu" });
}

TEST_F (IommufdLab, AHotDeviceComesAndGoesAndComesAgain)
{
  vm.boot (newer);
  EXPECT_EQ (nodes_of (vm.qemu ()), Nodes{});

  expect_attached (nic.address + ",bind=on,iommufd=on");
  EXPECT_EQ (nodes_of (vm.qemu ()), (Nodes{ "/dev/iommu", cdev_of (nic) }));
  EXPECT_EQ (nodes_of (vm.supervisor ()), Nodes{});
  expect_card_works ();
  expect_detached (nic);

  /* By its own name: that is enough. */
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  expect_attached (cdev_of (nic));
  EXPECT_EQ (nodes_of (vm.qemu ()), (Nodes{ "/dev/iommu", cdev_of (nic) }));
  expect_card_works ();
  const Outcome detach = vm.detach (nic.id ());
  EXPECT_EQ (detach.status, 0) << detach;
  EXPECT_EQ (nic.driver (), "vfio-pci") << "who was bound before stays so";
  EXPECT_EQ (nodes_of (vm.qemu ()), Nodes{ "/dev/iommu" });

  /* And by its group, in the same VM. */
  expect_attached (nic.node ());
  EXPECT_EQ (nodes_of (vm.qemu ()), (Nodes{ "/dev/iommu", "/dev/vfio/vfio", nic.node () }));
  expect_card_works ();
}

TEST_F (IommufdLab, ByItsNodeAndByItsGroupInOneVm)
{
  vm.boot (newer + Args{ "--device", card.address + ",bind=on,plug=cold", "--device",
                         nic.address + ",bind=on,plug=cold,iommufd=on" });

  vm.wait_usable (card.id ());
  vm.wait_usable (nic.id ());
  expect_attached (edu.address + ",bind=on,iommufd=on");
  EXPECT_EQ (nodes_of (vm.qemu ()),
             (Nodes{ "/dev/iommu", "/dev/vfio/vfio", card.node (), cdev_of (nic), cdev_of (edu) }));
  for (const HostFunction *function : { &edu, &nic, &card })
    expect_detached (*function);
}

TEST_F (IommufdLab, AWholeGroup)
{
  vm.boot (newer);
  expect_attached (twin0.node () + ",bind=on,iommufd=on");
  EXPECT_EQ (nodes_of (vm.qemu ()), (Nodes{ "/dev/iommu", cdev_of (twin0), cdev_of (twin1) }));

  const Outcome detach = vm.detach (twin0.id ());
  EXPECT_EQ (detach.status, 0) << detach;
  EXPECT_EQ (Json::parse (detach.out)["others"].at (0)["id"].text (), twin1.id ()) << detach;
  expect_home (twin0);
  expect_home (twin1);
}

/* The kernel's own example of one, a serial port. */
TEST_F (IommufdLab, AMediatedDevice)
{
  const std::string uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
  const std::string folder = "/sys/bus/mdev/devices/" + uuid;
  const auto write = [] (const std::string &path, const std::string &text) {
    return static_cast<bool> (std::ofstream (path) << text << std::flush);
  };

  ASSERT_TRUE (write ("/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-2/create", uuid));
  const std::string node =
      "/dev/vfio/devices/" +
      std::filesystem::directory_iterator (folder + "/vfio-dev")->path ().filename ().string ();
  vm.boot (newer + Args{ "--device", uuid + ",iommufd=on" });
  for (const char *plug : { "cold", "hot" })
    {
      EXPECT_EQ (vm.wait_usable ("mdev-" + uuid)["plug"].text (), plug);
      EXPECT_EQ (nodes_of (vm.qemu ()), (Nodes{ "/dev/iommu", node }));
      const Outcome detach = vm.detach ("mdev-" + uuid);
      EXPECT_EQ (detach.status, 0) << detach;
      EXPECT_EQ (nodes_of (vm.qemu ()), Nodes{ "/dev/iommu" });
      if (strcmp (plug, "cold") == 0)
        expect_attached (uuid + ",iommufd=on");
    }
  EXPECT_TRUE (write (folder + "/remove", "1"));
}

/* QEMU sees an empty /dev/vfio, and no /dev/iommu. */
TEST_F (IommufdLab, QemuNeedsNoAccessToAnyNode)
{
  const TempFolder folder;
  const std::string blind = folder.write (
      "blind-qemu", "#!/bin/bash\nexec unshare --mount bash -c 'mount -t tmpfs none /dev/vfio && "
                    "mount --bind /dev/null /dev/iommu && exec \"$0\" \"$@\"' " +
                        newer_qemu () + " \"$@\"\n");
  ASSERT_EQ (chmod (blind.c_str (), 0755), 0);

  vm.boot ({ "--qemu", blind, "--device", nic.address + ",bind=on,plug=cold,iommufd=on" });
  vm.wait_usable (nic.id ());
  expect_card_works ();
  expect_attached (edu.address + ",bind=on,iommufd=on");

  expect_failure (vm.attach (card.address + ",bind=on"), 6, { card.id () + ": QEMU refused it" });
  expect_home (card);
}

TEST_F (IommufdLab, AllGoesBackWhenQemuIsKilled)
{
  ASSERT_TRUE (
      vm.start (newer + Args{ "--device", nic.address + ",bind=on,plug=cold,iommufd=on" }));
  EXPECT_EQ (nic.driver (), "vfio-pci");
  kill (vm.qemu (), SIGKILL);
  vm.expect_gone ();
  expect_home (nic);
}

/* Refused before anything is changed, in vmplug's own words. */
class IommufdRefusal : public IommufdLab
{
protected:
  void
  expect_refused (const std::string &spec, int status, const std::vector<std::string> &texts)
  {
    expect_failure (
        vmplug (Args{ "run", "--detach", "--json", "--name", "no", "--device", spec } + newer),
        status, texts);
    if (vm.qemu () <= 0)
      {
        ASSERT_TRUE (vm.start (newer));
      }
    expect_failure (vm.attach (spec), status, texts);
    EXPECT_EQ (vm.status ()["devices"].size (), 0u);
  }
};

TEST_F (IommufdRefusal, NotBound)
{
  expect_refused (nic.address + ",iommufd=on", 3,
                  { nic.address + " is driven by e1000e, not by vfio-pci" });
}

/* The kernel lets it be opened twice: who has it is looked for. */
TEST_F (IommufdRefusal, HeldByAProcess)
{
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  for (const std::string &node : { cdev_of (nic), nic.node () })
    {
      const int held = open (node.c_str (), O_RDWR | O_CLOEXEC);
      ASSERT_GE (held, 0) << strerror (errno);
      expect_refused (
          nic.address + ",iommufd=on", 3,
          { cdev_of (nic) + ": held by pid " + std::to_string (getpid ()) + " (test-lab-iommuf)",
            "end the process that holds it" });
      close (held);
    }
}

/* By iommufd in one VM, it is not there for another in any way; nor by its group. */
TEST_F (IommufdRefusal, HeldByAnotherVm)
{
  LabVm other ("other");

  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  for (const char *option : { ",iommufd=on", "" })
    {
      ASSERT_TRUE (other.start (newer + Args{ "--device", nic.address + ",plug=cold" + option }));
      const std::string holder = "group " + nic.group () + ": VM other has it";
      expect_refused (nic.address + ",iommufd=on", 3, { holder });
      expect_refused (nic.address, 3, { holder });
      other.end ();
    }
}

TEST_F (IommufdRefusal, AQemuThatHasNone)
{
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  expect_failure (vmplug ({ "run", "--detach", "--json", "--name", "no", "--device",
                            nic.address + ",iommufd=on" }),
                  3, { "its vfio-pci has no iommufd", "leave iommufd= out" });
  ASSERT_TRUE (vm.start ());
  expect_failure (vm.attach (nic.address + ",iommufd=on"), 3,
                  { "the VM's QEMU has no iommufd in its vfio-pci" });

  const Outcome attach = vm.attach (cdev_of (nic), { "--timeout", "3" });
  EXPECT_EQ (attach.status, 7) << attach << "\nno guest, but accepted by its group";
  EXPECT_EQ (nodes_of (vm.qemu ()), (Nodes{ "/dev/vfio/vfio", nic.node () }));
}

TEST_F (IommufdRefusal, AKernelThatHasNone)
{
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  std::filesystem::rename ("/dev/iommu", "/dev/iommu.away");
  expect_refused (nic.address + ",iommufd=on", 3,
                  { "/dev/iommu is not there: the kernel has no CONFIG_IOMMUFD" });
  std::filesystem::rename ("/dev/iommu.away", "/dev/iommu");
}

/* Whose QEMU, which never comes to run, says that it can: the newer one is in a folder of root. */
TEST_F (IommufdRefusal, AUserWhoMayNot)
{
  const TempFolder folder;
  const std::string qemu = folder.write ("qemu", "#!/bin/sh\necho ' iommufd=x'; echo ' fd=x'\n");
  const auto run = [&] {
    VmplugProgram program ({ "run", "--detach", "--json", "--name", "no", "--device",
                             nic.address + ",iommufd=on", "--qemu", qemu },
                           "/", USER);
    program.close_stdin ();
    return program.wait (LAB_SECONDS);
  };

  ASSERT_EQ (chmod (folder.path ("").c_str (), 0755), 0);
  ASSERT_EQ (chmod (qemu.c_str (), 0755), 0);
  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  expect_failure (run (), 3,
                  { "/dev/iommu: uid 1000 may not open it (mode 0660, uid 0, gid 0)",
                    "give this user the node" });
  ASSERT_EQ (chmod ("/dev/iommu", 0666), 0);
  expect_failure (run (), 3,
                  { cdev_of (nic) + ": uid 1000 may not open it (mode 0600, uid 0, gid 0)" });
  EXPECT_EQ (chmod ("/dev/iommu", 0660), 0);
}

TEST_F (IommufdRefusal, OneGroupIsUsedOneWay)
{
  expect_failure (vmplug (Args{ "plan", "--json", "--device", twin0.address + ",bind=on,iommufd=on",
                                "--device", twin1.address + ",bind=on" } +
                          newer),
                  2, { "share IOMMU group " + twin0.group () + ": iommufd= must be the same" });
}

} // namespace
