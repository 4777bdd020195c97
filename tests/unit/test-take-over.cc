#include "launcher/wrapper/take-over.h"

#include "tests/support/stream-end.h"
#include "tests/support/take-over-vm.h"
#include "tests/support/temp-folder.h"
#include "tests/support/unix-socket.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <utility>

namespace
{

size_t
count_fds ()
{
  size_t n = 0;
  DIR *folder = opendir ("/proc/self/fd");

  while (readdir (folder) != nullptr)
    n++;
  closedir (folder);
  return n;
}

class TakeOver : public testing::Test
{
public:
  TakeOver ()
  {
    VpTakeOverHost host = vm.host ();

    vm.found = { { "41:00.0", "gpu0" } };
    vm.managed = { "gpu0" };
    take_over = vp_take_over_new (dup_listener (), vp_bus_map_new (), &host, 200);
  }
  ~TakeOver () override { vp_take_over_close (take_over); }

  TempFolder folder;
  UnixSocket socket{ folder.path ("qmp.sock") };
  TakeOverVm vm;
  VpTakeOver *take_over;
  StreamEnd qemu;

  /* A client that waits to be served. */
  StreamEnd
  dial ()
  {
    struct sockaddr_un address = {};
    int fd = ::socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    address.sun_family = AF_UNIX;
    memcpy (address.sun_path, socket.path ().c_str (), socket.path ().size () + 1);
    EXPECT_EQ (connect (fd, reinterpret_cast<struct sockaddr *> (&address), sizeof address), 0);
    return StreamEnd (fd);
  }
  /* What QEMU will have as its end of the next connection. */
  void
  await ()
  {
    int pair[2];

    EXPECT_EQ (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    vm.qemu = pair[0];
    qemu = StreamEnd (pair[1]);
  }
  /* A client that is being served, and has shaken hands. */
  StreamEnd
  serve ()
  {
    int n = vm.n_connects;

    await ();
    StreamEnd client = dial ();
    EXPECT_TRUE (run_until ([&] { return vm.n_connects > n; }));
    EXPECT_TRUE (qemu.say ("{\"QMP\": {}}\r\n"));
    EXPECT_TRUE (client.hears ("{\"QMP\": {}}\r\n"));
    EXPECT_TRUE (client.say ("{\"execute\":\"qmp_capabilities\"}\n"));
    EXPECT_TRUE (qemu.hears ("{\"execute\":\"qmp_capabilities\"}\n"));
    EXPECT_TRUE (qemu.say ("{\"return\": {}}\r\n"));
    EXPECT_TRUE (client.hears ("{\"return\": {}}\r\n"));
    return client;
  }
  int
  dup_listener () const
  {
    return fcntl (socket.fd (), F_DUPFD_CLOEXEC, 0);
  }
};

#define QUERY "{\"execute\":\"query-status\"}\n"
#define OK    "{\"return\": {}}\r\n"
#define ADD_GPU                                                                                    \
  "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"id\":\"v1\","              \
  "\"host\":\"41:00.0\"}}\n"
#define ADD_FAR                                                                                    \
  "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"e1000e\",\"id\":\"n1\",\"bus\":"        \
  "\"rp9\"}}\n"
#define DEL(id) "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"" id "\"}}\n"

TEST_F (TakeOver, PassesBothWays)
{
  StreamEnd client = serve ();

  ASSERT_TRUE (client.say (QUERY));
  EXPECT_TRUE (qemu.hears (QUERY));
  ASSERT_TRUE (qemu.say (OK));
  EXPECT_TRUE (client.hears (OK));
}

TEST_F (TakeOver, AnswersWhatItTakesOver)
{
  StreamEnd client = serve ();

  ASSERT_TRUE (client.say (ADD_GPU));
  EXPECT_TRUE (client.hears (OK));
  ASSERT_TRUE (client.say (ADD_FAR));
  ASSERT_TRUE (run_until ([&] { return vm.asked.size () == 1; }));
  vm.answer ();
  EXPECT_TRUE (client.hears (OK));
  qemu.listen ();
  EXPECT_EQ (qemu.heard, "");
}

TEST_F (TakeOver, ADeviceDelIsTimed)
{
  StreamEnd client = serve ();

  ASSERT_TRUE (client.say (DEL ("n1")));
  EXPECT_TRUE (qemu.hears (DEL ("n1")));
  ASSERT_TRUE (qemu.say (OK));
  EXPECT_TRUE (
      client.hears ("{\"error\": {\"class\": \"GenericError\", \"desc\": \"vmplug: n1: the "
                    "guest has not let go within 200 ms; it may still do so\"}}\r\n"));
}

TEST_F (TakeOver, LargeRepliesPass)
{
  const std::string large = "{\"return\": \"" + std::string (2 << 20, 'x') + "\"}\r\n";
  StreamEnd client = serve ();

  for (int i = 0; i < 3; i++)
    {
      size_t sent = 0;

      ASSERT_TRUE (client.say (QUERY));
      EXPECT_TRUE (qemu.hears (QUERY));
      EXPECT_TRUE (run_until ([&] {
        ssize_t n = sent < large.size () ? qemu.send (large.substr (sent, 65536)) : 0;

        sent += n > 0 ? static_cast<size_t> (n) : 0;
        client.listen ();
        return client.heard.size () == large.size ();
      }));
      EXPECT_TRUE (client.heard == large);
      client.heard.clear ();
    }
}

TEST_F (TakeOver, ManyCommandsInARow)
{
  StreamEnd client = serve ();
  std::string commands, replies;
  size_t asked = 0, answered = 0;

  for (int i = 0; i < 10000; i++)
    {
      commands += i % 10 == 9 ? DEL ("x") : QUERY;
      replies += i % 10 == 9 ? "{\"error\": {}}\r\n" : OK;
    }
  EXPECT_TRUE (run_until (
      [&] {
        ssize_t n = asked < commands.size () ? client.send (commands.substr (asked, 65536)) : 0;
        size_t line;

        asked += n > 0 ? static_cast<size_t> (n) : 0;
        qemu.listen ();
        while ((line = qemu.heard.find ('\n', answered)) != std::string::npos)
          {
            bool is_del = qemu.heard.find ("device_del", answered) < line;

            EXPECT_TRUE (qemu.send (is_del ? "{\"error\": {}}\r\n" : OK) > 0);
            answered = line + 1;
          }
        client.listen ();
        return client.heard.size () >= replies.size ();
      },
      30000));
  EXPECT_TRUE (qemu.heard == commands);
  EXPECT_TRUE (client.heard == replies);
}

TEST_F (TakeOver, DescriptorsPass)
{
  StreamEnd client = serve ();
  struct stat own, other;
  int fd = memfd_create ("passed", MFD_CLOEXEC);
  size_t before;

  ASSERT_EQ (fstat (fd, &own), 0);
  before = count_fds ();
  for (int i = 0; i < 50; i++)
    {
      ASSERT_TRUE (client.say ("{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"a\"}}\n", fd));
      EXPECT_TRUE (qemu.hears ("{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"a\"}}\n"));
      ASSERT_EQ (qemu.fds.size (), 1u);
      ASSERT_EQ (fstat (qemu.fds[0], &other), 0);
      EXPECT_EQ (own.st_ino, other.st_ino);
      EXPECT_EQ (own.st_dev, other.st_dev);
      close (qemu.fds[0]);
      qemu.fds.clear ();
      ASSERT_TRUE (qemu.say (OK));
      EXPECT_TRUE (client.hears (OK));
    }
  EXPECT_EQ (count_fds (), before);
  close (fd);
}

TEST_F (TakeOver, DescriptorsOfWhatIsTakenOverAreClosed)
{
  size_t before = count_fds ();
  {
    StreamEnd client = serve ();
    int fd = memfd_create ("passed", MFD_CLOEXEC);

    for (int i = 0; i < 100; i++)
      {
        ASSERT_TRUE (client.say (ADD_FAR, fd));
        ASSERT_TRUE (run_until ([&] { return vm.asked.size () == 1; }));
        vm.answer ("no");
        ASSERT_TRUE (run_until ([&] {
          client.listen ();
          return !client.heard.empty ();
        }));
        client.heard.clear ();
      }
    close (fd);
  }
  EXPECT_TRUE (qemu.hears_the_end ());
  qemu.hang_up ();
  EXPECT_TRUE (run_until ([&] { return count_fds () == before; })) << count_fds () - before;
}

TEST_F (TakeOver, AClientThatDoesNotReadStopsQemuAndNobodyElse)
{
  StreamEnd client = serve ();
  const std::string event = "{\"event\": \"E\", \"data\": \"" + std::string (1000, 'x') + "\"}\r\n";
  size_t sent = 0, stuck = 0;

  /* as much as goes */
  while (stuck < 20)
    {
      ssize_t n = qemu.send (event);

      stuck = n < 0 ? stuck + 1 : 0;
      sent += n > 0 ? static_cast<size_t> (n) : 0;
      run_pending ();
      ASSERT_LT (sent, 4u << 20);
    }
  ASSERT_TRUE (run_until ([&] {
    client.listen ();
    return client.heard.size () == sent;
  }));
  ASSERT_TRUE (qemu.say (OK));
}

TEST_F (TakeOver, AQemuThatDoesNotReadStopsTheClient)
{
  StreamEnd client = serve ();
  size_t sent = 0, stuck = 0;

  while (stuck < 20)
    {
      ssize_t n = client.send (std::string (4096, ' '));

      stuck = n < 0 ? stuck + 1 : 0;
      sent += n > 0 ? static_cast<size_t> (n) : 0;
      run_pending ();
      ASSERT_LT (sent, 4u << 20);
    }
  EXPECT_TRUE (run_until ([&] {
    qemu.listen ();
    return qemu.heard.size () == sent;
  }));
}

TEST_F (TakeOver, TheLastWordsOfAClientReachQemu)
{
  StreamEnd client = serve ();

  ASSERT_TRUE (client.say ("{\"execute\":\"quit\"}\n{\"exe"));
  client.hang_up ();
  EXPECT_TRUE (qemu.hears_the_end ());
  EXPECT_EQ (qemu.heard, "{\"execute\":\"quit\"}\n{\"exe");
}

TEST_F (TakeOver, AClientThatOnlyListensIsAnsweredBeforeTheEnd)
{
  StreamEnd client = serve ();

  ASSERT_TRUE (client.say (ADD_FAR QUERY));
  client.shut ();
  ASSERT_TRUE (run_until ([&] { return vm.asked.size () == 1; }));
  vm.answer ();
  EXPECT_TRUE (qemu.hears (QUERY));
  EXPECT_FALSE (qemu.is_at_end);
  ASSERT_TRUE (qemu.say (OK));
  EXPECT_TRUE (qemu.hears_the_end ());
  qemu.hang_up ();
  EXPECT_TRUE (client.hears_the_end ());
  EXPECT_EQ (client.heard, OK OK);
}

TEST_F (TakeOver, TheLastWordsOfQemuReachTheClient)
{
  StreamEnd client = serve ();

  ASSERT_TRUE (client.say (QUERY QUERY));
  EXPECT_TRUE (qemu.hears (QUERY QUERY));
  ASSERT_TRUE (qemu.say (OK "{\"retur"));
  qemu.hang_up ();
  EXPECT_TRUE (client.hears_the_end ());
  EXPECT_EQ (client.heard, OK "{\"retur");
}

TEST_F (TakeOver, ANewClientComesAfterTheOld)
{
  StreamEnd first = serve ();
  StreamEnd second = dial ();

  run_pending ();
  EXPECT_EQ (vm.n_connects, 1);
  StreamEnd old_qemu = std::move (qemu);
  await ();
  first.hang_up ();
  EXPECT_TRUE (old_qemu.hears_the_end ());
  EXPECT_EQ (vm.n_connects, 1);
  old_qemu.hang_up ();
  EXPECT_TRUE (run_until ([&] { return vm.n_connects == 2; }));
  ASSERT_TRUE (qemu.say (OK));
  EXPECT_TRUE (second.hears (OK));
}

TEST_F (TakeOver, ADeadClientIsNotWaitedFor)
{
  StreamEnd client = serve ();

  ASSERT_TRUE (client.say (ADD_FAR QUERY));
  ASSERT_TRUE (run_until ([&] { return vm.asked.size () == 1; }));
  client.hang_up ();
  EXPECT_TRUE (qemu.hears_the_end ());
  qemu.hang_up ();
  StreamEnd next = serve ();
  vm.answer ();
  ASSERT_TRUE (next.say (QUERY));
  EXPECT_TRUE (qemu.hears (QUERY));
}

TEST_F (TakeOver, AHundredClientsLeaveNothingBehind)
{
  size_t before = 0;

  for (int i = 0; i < 100; i++)
    {
      {
        StreamEnd client = serve ();

        ASSERT_TRUE (client.say (i == 0 ? ADD_GPU : QUERY "{\"a"));
      }
      ASSERT_TRUE (qemu.hears_the_end ());
      qemu.hang_up ();
      run_pending ();
      if (i == 0)
        before = count_fds ();
    }
  EXPECT_EQ (count_fds (), before);

  StreamEnd client = serve ();
  ASSERT_TRUE (qemu.say ("{\"event\": \"E\", \"data\": {\"device\": \"gpu0\"}}\r\n"));
  EXPECT_TRUE (client.hears ("{\"event\": \"E\", \"data\": {\"device\": \"v1\"}}\r\n"));
}

TEST_F (TakeOver, WithoutQemuAClientIsHungUpOn)
{
  StreamEnd client = dial ();

  EXPECT_TRUE (client.hears_the_end ());
  EXPECT_TRUE (serve ().say (QUERY));
}

TEST_F (TakeOver, CloseHangsUpOnEverybody)
{
  StreamEnd served = serve ();
  StreamEnd waiting = dial ();

  vp_take_over_close (std::exchange (take_over, nullptr));
  served.listen ();
  waiting.listen ();
  qemu.listen ();
  EXPECT_TRUE (served.is_at_end);
  EXPECT_TRUE (waiting.is_at_end);
  EXPECT_TRUE (qemu.is_at_end);
}

/* The runtime keeps its own descriptor of the listener. */
TEST_F (TakeOver, NobodyCanConnectAfterTheClose)
{
  struct sockaddr_un address = {};
  int fd = ::socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  vp_take_over_close (std::exchange (take_over, nullptr));
  address.sun_family = AF_UNIX;
  memcpy (address.sun_path, socket.path ().c_str (), socket.path ().size () + 1);
  EXPECT_NE (connect (fd, reinterpret_cast<struct sockaddr *> (&address), sizeof address), 0);
  EXPECT_EQ (errno, ECONNREFUSED);
  close (fd);
}

TEST_F (TakeOver, AnAnswerAfterTheCloseIsFine)
{
  StreamEnd client = serve ();

  ASSERT_TRUE (client.say (ADD_FAR));
  ASSERT_TRUE (run_until ([&] { return vm.asked.size () == 1; }));
  vp_take_over_close (std::exchange (take_over, nullptr));
  vm.answer ();
}

} // namespace
