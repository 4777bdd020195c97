#include "launcher/wrapper/pci-driver.h"
#include "launcher/wrapper/take-over.h"

#include "tests/e2e/newer-qemu.h"
#include "tests/support/stream-end.h"
#include "tests/support/take-over-vm.h"
#include "tests/support/temp-folder.h"
#include "tests/support/unix-socket.h"

#include <random>
#include <regex>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace
{

std::string
qemu_program ()
{
  return getenv ("VMPLUG_TEST_NEWER_QEMU") != nullptr ? newer_qemu () : "qemu-system-x86_64";
}

/* A paused QEMU of the kind that a runtime starts, and the take-over before it. */
class RealTakeOver : public testing::Test
{
public:
  RealTakeOver ()
  {
    VpTakeOverHost host = vm.host ();
    VpBusMap *buses = vp_bus_map_new ();

    start_qemu ();
    for (const char *id : { "rp0", "rp1" })
      vp_bus_map_add (buses, "pcie-root-port", id, "pcie.0", nullptr);
    vp_bus_map_add (buses, "pci-bridge", "pci-bridge-0", "pcie.0", nullptr);
    vm.found = { { "41:00.0", "nic0" }, { "42:00.0", "scsi0" } };
    vm.managed = { "nic0", "scsi0" };
    host.connect_qemu = [] (gpointer data, GError **) {
      return dial (static_cast<RealTakeOver *> (data)->folder.path ("qemu.sock"));
    };
    host.find_device = [] (JsonObject *arguments, gpointer data) -> char * {
      auto *self = static_cast<RealTakeOver *> (data);
      VpTakeOverHost own = self->vm.host ();

      return own.find_device (arguments, own.user_data);
    };
    host.has_device = [] (const char *id, gpointer data) -> gboolean {
      return static_cast<RealTakeOver *> (data)->vm.managed.count (id) > 0;
    };
    host.attach = [] (JsonObject *arguments, VpTakeOverAnswer answer, gpointer answer_data,
                      gpointer data) {
      VpTakeOverHost own = static_cast<RealTakeOver *> (data)->vm.host ();

      own.attach (arguments, answer, answer_data, own.user_data);
    };
    host.user_data = this;
    take_over = vp_take_over_new (fcntl (socket.fd (), F_DUPFD_CLOEXEC, 0), buses, &host, 500);
  }
  ~RealTakeOver () override
  {
    vp_take_over_close (take_over);
    kill (pid, SIGKILL);
    waitpid (pid, nullptr, 0);
  }

  TempFolder folder;
  UnixSocket socket{ folder.path ("runtime.sock") };
  TakeOverVm vm;
  VpTakeOver *take_over;
  pid_t pid;

  static int
  dial (const std::string &path)
  {
    struct sockaddr_un address = {};
    int fd = ::socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sun_family = AF_UNIX;
    memcpy (address.sun_path, path.c_str (), path.size () + 1);
    for (int i = 0; i < 1000; i++)
      {
        if (connect (fd, reinterpret_cast<struct sockaddr *> (&address), sizeof address) == 0)
          return fd;
        g_usleep (10000);
      }
    ADD_FAILURE () << path << ": " << strerror (errno);
    return fd;
  }
  /* A client that has shaken hands; what it heard until then is dropped. */
  StreamEnd
  serve (const std::string &path, const std::string &arguments = "{}")
  {
    StreamEnd client (dial (path));

    EXPECT_TRUE (client.say (R"({"execute":"qmp_capabilities","arguments":)" + arguments + "}\n"));
    EXPECT_TRUE (until (client, "{\"return\": {}}\r\n"));
    client.heard.clear ();
    return client;
  }
  StreamEnd
  serve ()
  {
    return serve (socket.path ());
  }
  static bool
  until (StreamEnd &client, const std::string &text)
  {
    bool is_there = run_until (
        [&] {
          client.listen ();
          return client.heard.find (text) != std::string::npos || client.is_at_end;
        },
        60000);

    EXPECT_NE (client.heard.find (text), std::string::npos) << client.heard << " lacks " << text;
    return is_there;
  }
  /* What it hears to one command, up to the answer with the right id. */
  static std::string
  ask (StreamEnd &client, const std::string &command, int fd = -1)
  {
    client.heard.clear ();
    EXPECT_TRUE (client.say (command + "\n", fd));
    EXPECT_TRUE (client.say ("{\"execute\":\"query-name\",\"id\":\"the end\"}\n"));
    EXPECT_TRUE (until (client, "{\"return\": {}, \"id\": \"the end\"}\r\n"));
    return client.heard.substr (0, client.heard.find ("{\"return\": {}, \"id\": \"the end\"}"));
  }

private:
  void
  start_qemu ()
  {
    const std::string qmp = "unix:" + folder.path ("qemu.sock") + ",server=on,wait=off";
    const std::string program = qemu_program ();
    const char *argv[] = { program.c_str (),
                           "-S",
                           "-nodefaults",
                           "-display",
                           "none",
                           "-machine",
                           "q35,accel=tcg",
                           "-device",
                           "pcie-root-port,id=rp0,chassis=1",
                           "-device",
                           "pcie-root-port,id=rp1,chassis=2",
                           "-device",
                           "pci-bridge,id=pci-bridge-0,chassis_nr=9",
                           "-device",
                           "virtio-scsi-pci,id=scsi0",
                           "-blockdev",
                           "null-co,node-name=disk0",
                           "-qmp",
                           qmp.c_str (),
                           nullptr };

    pid = fork ();
    if (pid == 0)
      {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        execvp (argv[0], const_cast<char **> (argv));
        _exit (127);
      }
  }
};

#define OK "{\"return\": {}}\r\n"

std::string
device_add (const std::string &arguments)
{
  return R"({"execute":"device_add","arguments":{)" + arguments + "}}";
}

/* What QEMU answers to each command of a client is what it answers through the take-over, garbage
 * included; and nothing is counted wrongly, so that our own answers stand in their places. */
TEST_F (RealTakeOver, AnswersWhatQemuAnswers)
{
  static const char alphabet[] = "{}[]{}[],:\"\"'\\  01-.eEtruA@\x01\x80\xff";
  std::string all = "hello, world 012 1 2 3 @ @\n{\"a\": [}] {\"a\":{ @ } }\n'x' tru\x80 "
                    "{\"execute\":\"query-status\"}{\"execute\":\"query-version\",\"id\":[1,{}]}\n"
                    "{\"execute\":\"nonsense\"}{\"arguments\":{}}[]\n";
  std::mt19937 random (5);

  for (int i = 0; i < 3000; i++)
    {
      for (size_t n = random () % 16; n > 0; n--)
        all += alphabet[random () % (sizeof alphabet - 1)];
      /* ends whatever is open: a byte of no token, and a byte that ends the recovery from it */
      all += "\xff\n";
    }

  StreamEnd direct = serve (folder.path ("qemu.sock"));
  const std::string expected = ask (direct, all);
  direct.hang_up ();
  StreamEnd relayed = serve ();
  EXPECT_TRUE (ask (relayed, all) == expected);
  EXPECT_GT (expected.size (), 100000u);

  const std::string add = device_add (R"("driver":"vfio-pci","host":"41:00.0","id":"v1")");
  const std::string del = R"({"execute":"device_del","arguments":{"id":"none"}})";
  const std::string heard = ask (relayed, "{\"a\":@ 1 }" + add + del + "]" + add);
  EXPECT_TRUE (std::regex_match (
      heard, std::regex (R"x(\{"error".*\r\n\{"error".*\r\n\{"return": \{\}\}\r\n)x"
                         R"x(\{"error".*'none' not found.*\r\n\{"error".*expecting value.*\r\n)x"
                         R"x(\{"error".*Duplicate device ID 'v1'.*\r\n)x")))
      << heard;
}

TEST_F (RealTakeOver, DescriptorsReachQemu)
{
  StreamEnd client = serve ();
  int fd = memfd_create ("passed", MFD_CLOEXEC);

  EXPECT_EQ (ask (client, R"({"execute":"getfd","arguments":{"fdname":"a"}})", fd), OK);
  EXPECT_EQ (ask (client, R"({"execute":"closefd","arguments":{"fdname":"a"}})"), OK);
  EXPECT_NE (ask (client, R"({"execute":"add-fd","arguments":{"fdset-id":7}})", fd)
                 .find ("\"fdset-id\": 7"),
             std::string::npos);
  EXPECT_NE (ask (client, R"({"execute":"getfd","arguments":{"fdname":"a"}})").find ("\"error\""),
             std::string::npos);
  close (fd);
}

TEST_F (RealTakeOver, ATakenOrMissingBusIsReplaced)
{
  StreamEnd client = serve ();

  EXPECT_EQ (ask (client, device_add (R"("driver":"virtio-rng-pci","id":"a","bus":"rp0")")), OK);
  vm.answers_at_once = true;
  EXPECT_EQ (ask (client, device_add (R"("driver":"virtio-rng-pci","id":"b","bus":"rp0")")), OK);
  EXPECT_EQ (ask (client, device_add (R"("driver":"virtio-rng-pci","id":"c","bus":"rp9")")), OK);
  /* QEMU has seen one of them */
  EXPECT_NE (ask (client, R"({"execute":"qom-get","arguments":{"path":"a","property":"type"}})")
                 .find ("virtio-rng-pci"),
             std::string::npos);
  for (const char *id : { "b", "c" })
    EXPECT_NE (
        ask (client, std::string (R"({"execute":"qom-list","arguments":{"path":")") + id + "\"}}")
            .find ("DeviceNotFound"),
        std::string::npos);
  /* a port that comes later is learnt */
  EXPECT_NE (ask (client, device_add (R"("driver":"virtio-rng-pci","id":"d","bus":"pci-bridge-0",)"
                                      R"("addr":"01")"))
                 .find (OK),
             std::string::npos);
}

TEST_F (RealTakeOver, ADeviceDelEndsWhenTheDeviceIsGoneOrNot)
{
  StreamEnd client = serve ();

  EXPECT_EQ (ask (client, device_add (R"("driver":"virtio-rng-pci","id":"a","bus":"rp0")")), OK);
  EXPECT_EQ (ask (client, device_add (R"("driver":"scsi-hd","id":"s","bus":"scsi0.0",)"
                                      R"("drive":"disk0")")),
             OK);
  /* no guest is needed for the one, and none is there for the other */
  EXPECT_TRUE (std::regex_match (
      ask (client, R"({"execute":"device_del","arguments":{"id":"s"}})"),
      std::regex (R"x(\{.*"DEVICE_DELETED".*"device": "s".*\}\r\n\{"return": \{\}\}\r\n)x")));
  EXPECT_NE (ask (client, R"({"execute":"device_del","arguments":{"id":"a"}})")
                 .find ("vmplug: a: the guest has not let go within 500 ms; it may still do so"),
             std::string::npos);
}

TEST_F (RealTakeOver, IdsAreTranslatedBothWays)
{
  StreamEnd own = serve (folder.path ("qemu.sock"));

  EXPECT_EQ (ask (own, device_add (R"("driver":"virtio-rng-pci","id":"nic0","bus":"rp1")")), OK);
  own.hang_up ();

  StreamEnd client = serve ();
  EXPECT_EQ (ask (client, device_add (R"("driver":"vfio-pci","id":"v1","host":"41:00.0")")), OK);
  EXPECT_EQ (ask (client, device_add (R"("driver":"vfio-pci","id":"v2","host":"42:00.0")")), OK);
  EXPECT_NE (ask (client, R"({"execute":"query-pci"})").find (R"("qdev_id": "v2")"),
             std::string::npos);
  EXPECT_EQ (ask (client, R"({"execute":"qom-get","arguments":{"path":"v1","property":)"
                          R"("parent_bus"}})"),
             "{\"return\": \"/machine/peripheral/rp1/rp1\"}\r\n");
  EXPECT_EQ (ask (client, R"({"execute":"qom-get","arguments":{"path":"/machine/peripheral/v1",)"
                          R"("property":"addr"}})"),
             "{\"return\": 0}\r\n");
}

TEST_F (RealTakeOver, OutOfBandCommandsPass)
{
  StreamEnd client = serve (socket.path (), R"({"enable":["oob"]})");

  EXPECT_TRUE (client.say (R"({"execute":"device_del","arguments":{"id":"none"},"id":1})"
                           R"({"exec-oob":"migrate-pause","id":{"b":2}})"
                           "\n"));
  EXPECT_TRUE (until (client, "\"id\": {\"b\": 2}"));
  EXPECT_TRUE (until (client, "\"id\": 1"));
  EXPECT_EQ (ask (client, device_add (R"("driver":"vfio-pci","host":"41:00.0","id":"v1")")), OK);
}

TEST_F (RealTakeOver, AQemuThatQuitsHangsUp)
{
  StreamEnd client = serve ();

  EXPECT_TRUE (client.say ("{\"execute\":\"quit\"}\n"));
  EXPECT_TRUE (client.hears_the_end ());
  EXPECT_NE (client.heard.find ("SHUTDOWN"), std::string::npos);
}

TEST_F (RealTakeOver, ClientsComeAndGo)
{
  for (int i = 0; i < 20; i++)
    {
      StreamEnd client = serve ();

      EXPECT_NE (ask (client, "{\"execute\":\"query-status\"}").find ("prelaunch"),
                 std::string::npos);
    }
}

TEST (PciDrivers, AreTheOnesThatQemuLists)
{
  g_autofree char *out = nullptr;
  const char *command = "qemu-system-x86_64 -device help"; /* the one that can load its modules */
  const std::regex line (R"x(name "([^"]+)"(, bus ([A-Za-z0-9-]+))?.*)x");
  int n_pci = 0;

  ASSERT_TRUE (g_spawn_command_line_sync (command, &out, nullptr, nullptr, nullptr));
  std::istringstream lines (out);
  for (std::string text; std::getline (lines, text);)
    {
      std::smatch match;

      if (!std::regex_match (text, match, line))
        continue;

      const std::string name = match[1];
      const bool is_pci = match[3] == "PCI" || match[3] == "PCIE";
      n_pci += is_pci ? 1 : 0;
      /* an IOMMU and the other side of a device in a process of its own are not hotplugged */
      if (name == "AMDVI-PCI" || name == "x-pci-proxy-dev")
        continue;
      EXPECT_EQ (vp_pci_driver_classify (name.c_str ()) != VP_PCI_DRIVER_NONE, is_pci) << name;
    }
  EXPECT_GT (n_pci, 50);
}

} // namespace
