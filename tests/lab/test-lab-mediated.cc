#include "tests/lab/vm.h"

#include <cstring>

/* Mediated devices, which a driver of the host makes by itself: a card of serial ports (mtty),
 * which sends back what it is sent, and a display (mdpy), which is memory. */

namespace
{

constexpr uid_t USER = 1000;

/* A mediated device of the host, gone with the object. */
class Mediated
{
public:
  const std::string uuid;

  Mediated (const char *driver, const char *type, const char *its_uuid) : uuid (its_uuid)
  {
    std::ofstream create ("/sys/class/mdev_bus/" + std::string (driver) + "/mdev_supported_types/" +
                          type + "/create");
    if (!(create << uuid << std::flush))
      throw std::runtime_error ("cannot make a " + std::string (type) +
                                ": run this with scripts/lab -x");
  }
  ~Mediated ()
  {
    if (exists ())
      remove ();
  }
  Mediated (const Mediated &) = delete;
  Mediated &operator= (const Mediated &) = delete;

  std::filesystem::path
  folder () const
  {
    return std::filesystem::path ("/sys/bus/mdev/devices") / uuid;
  }
  bool
  exists () const
  {
    return std::filesystem::exists (folder ());
  }
  /* Takes until whoever uses it lets go of it. */
  bool
  remove () const
  {
    std::ofstream file (folder () / "remove");
    return !!(file << "1" << std::flush);
  }
  std::string
  node () const
  {
    return "/dev/vfio/" +
           std::filesystem::read_symlink (folder () / "iommu_group").filename ().string ();
  }
  std::string
  id () const
  {
    return "mdev-" + uuid;
  }
};

constexpr char SERIAL[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
constexpr char DISPLAY[] = "a297db4a-f4c2-11e6-90f6-d3b88d6c9525";
constexpr char NONE[] = "00000000-f4c2-11e6-90f6-d3b88d6c9525";

class MediatedDevices : public testing::Test
{
protected:
  const Mediated serial{ "mtty", "mtty-1", SERIAL };
  const Mediated display{ "mdpy", "mdpy-vga", DISPLAY };
  LabVm vm;

  void
  TearDown () override
  {
    vm.end ();
  }

  Json
  attach (const Mediated &device)
  {
    const Outcome outcome = vm.attach (device.uuid);
    EXPECT_EQ (outcome.status, 0) << outcome;
    return Json::parse (outcome.out);
  }
  void
  detach (const Mediated &device)
  {
    const Outcome outcome = vm.detach (device.id ());
    EXPECT_EQ (outcome.status, 0) << outcome;
    EXPECT_TRUE (vm.device (device.id ()).is_null ());
    EXPECT_TRUE (device.exists ()) << "the host's, as it was";
  }
  static void
  expect_shown (const Json &device, const Mediated &mediated, const char *plug)
  {
    EXPECT_EQ (device["id"].text (), mediated.id ()) << device;
    EXPECT_EQ (device["kind"].text (), "vfio") << device;
    EXPECT_EQ (device["address"].text (), mediated.uuid) << device;
    EXPECT_EQ (device["plug"].text (), plug) << device;
    EXPECT_EQ (device["state"].text (), "usable") << device;
  }
  /* Its driver in the guest writes and reads registers to find out which chip it is. */
  void
  expect_serial_works (const Json &device)
  {
    const GuestDevice in_guest (vm, device["guest_path"].text ());
    char port[64];

    /* Linux may move what firmware has placed. */
    EXPECT_NE (guest_address (device, 0), 0u) << device;
    snprintf (port, sizeof port, "uart:16550A port:%08X ",
              static_cast<unsigned> (in_guest.bar (0).first));
    EXPECT_TRUE (eventually (
        [&] {
          return vm.guest ().run ("cat /proc/tty/driver/serial").find (port) != std::string::npos;
        },
        60))
        << port << vm.guest ().run ("cat /proc/tty/driver/serial; dmesg | tail");
  }
  /* Nothing drives it in the guest. */
  void
  expect_display_works (const Json &device)
  {
    const GuestDevice in_guest (vm, device["guest_path"].text ());
    const uint64_t address = guest_address (device, 0);
    std::ostringstream devmem;

    EXPECT_NE (address, 0u) << device;
    EXPECT_EQ (in_guest.bar (0).first, address) << device;
    EXPECT_EQ (in_guest.attribute ("vendor"), "0x1b36\n");
    devmem << "devmem 0x" << std::hex << address + 0x1000 << " 32";
    vm.guest ().run ("echo 1 > " + in_guest.folder () + "/enable");
    EXPECT_EQ (vm.guest ().run (devmem.str () + " 0x12345678; " + devmem.str ()), "0x12345678\n");
  }
};

TEST_F (MediatedDevices, ComeColdAndHotWorkAndGo)
{
  vm.boot ({ "--device", serial.uuid });

  expect_shown (vm.wait_usable (serial.id ()), serial, "cold");
  expect_serial_works (vm.device (serial.id ()));
  const Json hot = attach (display);
  expect_shown (hot, display, "hot");
  expect_display_works (hot);

  /* The other way round. */
  detach (serial);
  detach (display);
  EXPECT_EQ (vm.status ()["devices"].size (), 0u);
  const Json again = attach (serial);
  expect_shown (again, serial, "hot");
  expect_serial_works (again);
}

/* The kernel waits until nobody has it any more; nobody else has to. */
TEST_F (MediatedDevices, OneThatTheHostWantsToRemoveIsKeptUntilItIsDetached)
{
  vm.boot ({ "--device", serial.uuid });
  vm.wait_usable (serial.id ());
  const pid_t child = fork ();
  if (child == 0)
    _exit (serial.remove () ? 0 : 1);
  usleep (2000000);
  EXPECT_NE (process_state (child), 'X');
  EXPECT_EQ (vm.device (serial.id ())["state"].text (), "usable");
  expect_display_works (attach (display));
  expect_failure (vm.attach (serial.uuid), 3, { serial.uuid + ": the host has no such device" });

  const Outcome outcome = vm.detach (serial.id ());
  EXPECT_EQ (outcome.status, 0) << outcome;
  int status = -1;
  EXPECT_TRUE (
      eventually ([&] { return waitpid (child, &status, WNOHANG) == child; }, LAB_SECONDS));
  EXPECT_EQ (status, 0);
  EXPECT_FALSE (serial.exists ());
  expect_failure (vm.attach (serial.uuid), 3,
                  { "mediated device " + serial.uuid + ": the host has no such device" });
  detach (display);
}

TEST_F (MediatedDevices, AreRefusedWithReasons)
{
  const std::string held = serial.node () + ": held by pid ";
  ASSERT_TRUE (vm.start ({ "--device", serial.uuid }));
  LabVm other ("other");
  ASSERT_TRUE (other.start ());
  const auto expect_refused = [&] (const std::string &spec, int status,
                                   const std::vector<std::string> &texts) {
    expect_failure (vmplug ({ "run", "--detach", "--json", "--name", "no", "--device", spec }),
                    status, texts);
    expect_failure (other.attach (spec), status, texts);
  };

  /* By another VM, by this one, and by a process. */
  expect_refused (serial.uuid, 3, { held + std::to_string (vm.qemu ()) + " (qemu-system-x86)" });
  expect_failure (vm.attach (serial.uuid + ",id=other"), 2,
                  { "the VM already has " + serial.id () + " for that host device" });
  const int fd = open (display.node ().c_str (), O_RDWR | O_CLOEXEC);
  ASSERT_GE (fd, 0) << strerror (errno);
  expect_refused (display.uuid, 3,
                  { display.node () + ": held by pid " + std::to_string (getpid ()) });
  close (fd);

  expect_refused (NONE, 3,
                  { "mediated device " + std::string (NONE) + ": the host has no such device" });
  expect_failure (vmplug ({ "run", "--detach", "--json", "--name", "no", "--device",
                            display.uuid + ",id=a", "--device", display.uuid + ",id=b" }),
                  2, { display.uuid, "are one device" });
  VmplugProgram user ({ "run", "--detach", "--json", "--name", "no", "--device", display.uuid },
                      "/", USER);
  user.close_stdin ();
  expect_failure (user.wait (LAB_SECONDS), 3,
                  { display.node () + ": uid 1000 may not open it (mode 0600, uid 0, gid 0)" });
  EXPECT_EQ (other.status ()["devices"].size (), 0u);
  other.end ();
}

} // namespace
