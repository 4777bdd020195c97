#include "tests/e2e/sandbox.h"
#include "tests/lab/vm.h"

#include <set>

/* Real devices in a VM that a container runtime starts, with vmplug-qemu as its QEMU. */

namespace
{

constexpr uint64_t GIB = uint64_t{ 1 } << 30;

/* Mapped into the guest page by page through the emulated IOMMU, 16 GiB take a minute. */
constexpr char TAKEN_WITHOUT_MAP[] = ",bind=on,x-no-mmap=on";

class LabSandbox : public Sandbox
{
public:
  explicit LabSandbox (const std::string &sandbox = "4d1f2a") : Sandbox ("/", LAB_SECONDS, sandbox)
  {
    runtime.value_of ("-machine") = "q35,accel=kvm";
    runtime.value_of ("-cpu") = "host";
    runtime.value_of ("-smp") = "1,cores=1,threads=1,sockets=1,maxcpus=1";
    runtime.do_without_shared_memory ();
  }
};

/* Each test leaves every device with its driver. */
class LabWrapper : public LabTest
{
protected:
  static std::string
  plug_in (const HostFunction &function, const std::string &id, const std::string &bus)
  {
    return R"({"driver":"vfio-pci","id":")" + id + R"(","host":")" + function.address +
           R"(","romfile":"","bus":")" + bus + "\"}";
  }
  /* The first byte of BAR 2, as the guest's kernel has it. */
  static uint64_t
  big_in (Guest &guest, uint64_t *size)
  {
    std::istringstream line (guest.run ("for d in /sys/bus/pci/devices/*; do grep -q 0x1b36 "
                                        "$d/vendor && grep -q 0x0005 $d/device && sed -n 3p "
                                        "$d/resource; done"));
    uint64_t first = 0, last = 0;

    line >> std::setbase (0) >> first >> last;
    *size = last - first + 1;
    return first;
  }
  static void
  expect_big_works (Guest &guest, const Json &device)
  {
    uint64_t size;
    const uint64_t address = big_in (guest, &size);

    EXPECT_EQ (device["plug"].text (), "cold") << device;
    EXPECT_EQ (device["state"].text (), "usable") << device;
    EXPECT_NE (address, 0u) << device;
    EXPECT_EQ (size, 16 * GIB) << device;
    EXPECT_EQ (address, guest_address (device, 2)) << device;
  }
  /* QEMU says of some of these devices that they cannot be reset; vmplug says nothing. */
  static void
  expect_silence (Sandbox &sandbox)
  {
    EXPECT_EQ (sandbox.runtime.err ().find ("vmplug"), std::string::npos) << sandbox.runtime.err ();
  }
  static void
  expect_network_works (Guest &guest, const std::string &mac)
  {
    std::string card;

    EXPECT_TRUE (eventually (
        [&] {
          const std::string said =
              guest.run ("grep -ls " + mac.substr (0, 17) + " /sys/class/net/*/address");
          card = said.size () > 15 ? said.substr (15, said.find ('/', 15) - 15) : "";
          return card != "";
        },
        60))
        << guest.run ("ls /sys/class/net; dmesg | tail");
    EXPECT_TRUE (guest.can ("ip link set " + card + " up && udhcpc -q -n -i " + card))
        << guest.run ("ip address; dmesg | tail");
    EXPECT_TRUE (guest.can ("ping -c 1 -W 20 10.0.2.2"));
  }
};

/* The runtime finds its device where it asked for it, and what it plugs in later as well. */
TEST_F (LabWrapper, TheRuntimePlugsInWhatIsThereAndWhatIsNot)
{
  const std::string mac = nic.network_address ();
  LabSandbox sandbox;

  ASSERT_EQ (vmplug ({ "bind", nic.address }).status, 0);
  sandbox.configure ("take_over = true\nattach_timeout = 100\nunplug_timeout = 100\n"
                     "devices = [\"" +
                     big.address + TAKEN_WITHOUT_MAP + "\"]\n");
  sandbox.boot_guest (nested_guest);
  ASSERT_NO_THROW (sandbox.start ()) << sandbox.runtime.err ();
  QmpConversation &qmp = sandbox.runtime.qmp ();
  Guest &guest = sandbox.guest ();

  const Json device = sandbox.wait_usable (big.id ());
  EXPECT_EQ (big.driver (), "vfio-pci");
  expect_big_works (guest, device);

  EXPECT_EQ (qmp.execute ("device_add", plug_in (big, "vfio-0123456789abcdef0", "rp0")).error, "");
  EXPECT_EQ (sandbox.runtime.guest_path ("vfio-0123456789abcdef0"), device["guest_path"].text ());
  EXPECT_EQ (sandbox.status ()["devices"].size (), 1u) << "it is the one";

  EXPECT_EQ (qmp.execute ("device_add", plug_in (nic, "vfio-fedcba98765432100", "rp3")).error, "");
  EXPECT_EQ (sandbox.runtime.guest_path ("vfio-fedcba98765432100").size (), 5u);
  expect_network_works (guest, mac);

  EXPECT_EQ (qmp.execute ("device_del", R"({"id":"vfio-fedcba98765432100"})").error, "");
  EXPECT_NO_THROW (qmp.wait_for_event ("DEVICE_DELETED", "vfio-fedcba98765432100"));
  EXPECT_EQ (nic.driver (), "vfio-pci") << "its owner has bound it";
  EXPECT_EQ (sandbox.runtime.stop (), -SIGKILL);
  sandbox.expect_gone ();
  expect_home (big);
  expect_silence (sandbox);
}

/* Nobody asks for them: the VM has them. */
TEST_F (LabWrapper, TheVmHasWhatItsEnvironmentNames)
{
  const std::string mac = nic.network_address ();
  LabSandbox sandbox;

  sandbox.give (big.address + TAKEN_WITHOUT_MAP + ";" + nic.address + ",bind=on");
  sandbox.boot_guest (nested_guest);
  ASSERT_NO_THROW (sandbox.start ()) << sandbox.runtime.err ();
  Guest &guest = sandbox.guest ();

  expect_big_works (guest, sandbox.wait_usable (big.id ()));
  EXPECT_EQ (sandbox.wait_usable (nic.id ())["plug"].text (), "hot");
  expect_network_works (guest, mac);
  EXPECT_EQ (nic.journal (), "driver=e1000e\nvm=" + sandbox.name () + "\n");

  EXPECT_EQ (sandbox.runtime.stop (), -SIGKILL);
  sandbox.expect_gone ();
  expect_home (big);
  expect_home (nic);
  expect_silence (sandbox);
}

/* A pool of cards, and one for each sandbox: whoever comes at the same time gets another. */
TEST_F (LabWrapper, NoTwoSandboxesGetTheSameGroup)
{
  const HostFunction card = lab_function ("card"), other = lab_function ("other");
  std::vector<std::unique_ptr<LabSandbox>> sandboxes;
  std::set<std::string> groups;

  for (const HostFunction *function : { &nic, &card, &other })
    ASSERT_EQ (vmplug ({ "bind", function->address }).status, 0);

  for (const char *name : { "a1", "b2", "c3", "d4" })
    {
      sandboxes.push_back (std::make_unique<LabSandbox> (name));
      sandboxes.back ()->configure ("take_over = true\n\n[[rule]]\nclass = \"0200*\"\ncount = 1\n"
                                    "plug = \"cold\"\n");
      sandboxes.back ()->launch ();
    }
  for (const auto &sandbox : sandboxes)
    {
      ASSERT_NO_THROW (sandbox->runtime.negotiate ()) << sandbox->runtime.err ();
      sandbox->note_sidecar ();
      const Json devices = sandbox->status ()["devices"];
      EXPECT_LE (devices.size (), 1u) << devices;
      if (devices.size () == 1)
        {
          const HostFunction function (devices.at (0)["address"].text ());
          EXPECT_TRUE (groups.insert (function.group ()).second) << devices;
        }
    }
  EXPECT_EQ (groups.size (), 3u) << "three cards for four sandboxes";

  /* What one of them gives back is there for the next. */
  for (const auto &sandbox : sandboxes)
    if (sandbox->status ()["devices"].size () == 1)
      {
        sandbox->expect_gone ();
        break;
      }
  LabSandbox next ("e5");
  next.configure ("[[rule]]\nclass = \"0200*\"\ncount = 1\nplug = \"cold\"\n");
  ASSERT_NO_THROW (next.start ()) << next.runtime.err ();
  EXPECT_EQ (next.status ()["devices"].size (), 1u) << next.status ();
  next.expect_gone ();

  for (const auto &sandbox : sandboxes)
    if (sandbox->sidecar () > 0)
      sandbox->expect_gone ();
  for (const HostFunction *function : { &card, &other })
    bring_home (*function);
}

/* The sidecar may die, and its VM go on: nobody else gets the devices meanwhile. */
class DeadSidecar : public LabWrapper, public testing::WithParamInterface<int>
{
};
INSTANTIATE_TEST_SUITE_P (Signal, DeadSidecar, testing::Values (SIGKILL, SIGTERM));

TEST_P (DeadSidecar, ItsDevicesAreNobodyElses)
{
  LabSandbox sandbox;

  sandbox.give (nic.address + ",bind=on,plug=cold");
  ASSERT_NO_THROW (sandbox.start ()) << sandbox.runtime.err ();
  kill (sandbox.sidecar (), GetParam ());
  ASSERT_TRUE (ends (sandbox.sidecar ()));
  sandbox.forget_sidecar ();

  const Outcome gc = vmplug ({ "gc" });
  EXPECT_EQ (nic.driver (), "vfio-pci") << "the VM has it: " << gc;
  EXPECT_EQ (sandbox.runtime.qmp ().execute ("query-status").error, "") << gc;

  LabSandbox other ("b2");
  other.give (nic.address + ",bind=on,plug=cold");
  other.launch ();
  EXPECT_NE (other.runtime.wait (60), 0);
  EXPECT_NE (other.runtime.err ().find (nic.node () + ": held by pid "), std::string::npos)
      << other.runtime.err ();

  EXPECT_EQ (sandbox.runtime.stop (), -SIGKILL);
  const Outcome again = vmplug ({ "gc" });
  EXPECT_EQ (again.status, 0) << again;
  expect_home (nic);
}

} // namespace
