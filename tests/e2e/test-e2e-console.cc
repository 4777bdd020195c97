#include "tests/e2e/failure.h"
#include "tests/e2e/vm.h"

#include <cstring>
#include <pty.h>
#include <termios.h>

/* The guest's console: of "vmplug console", from a pipe and from a terminal, and of a "vmplug run"
 * in the foreground. */

namespace
{

using Args = std::vector<std::string>;

/* Says so when it can be interrupted: a shell that is about to start a command can not. */
const char SLEEP[] = "sh -c 'echo $((50 + 5))-sleeps; sleep 10000'\n";

/* A terminal, with somebody who types on it. */
class Terminal
{
public:
  Terminal ()
  {
    if (openpty (&master_, &slave_, nullptr, nullptr, nullptr) != 0)
      std::abort ();
    for (int fd : { master_, slave_ })
      fcntl (fd, F_SETFD, FD_CLOEXEC);
    tcgetattr (slave_, &before_);
  }
  ~Terminal ()
  {
    close (master_);
    close (slave_);
  }
  Terminal (const Terminal &) = delete;
  Terminal &operator= (const Terminal &) = delete;

  int
  fd () const
  {
    return slave_;
  }
  void
  type (const std::string &text) const
  {
    EXPECT_EQ (write (master_, text.data (), text.size ()), static_cast<ssize_t> (text.size ()));
  }
  bool
  is_raw () const
  {
    struct termios now;
    return tcgetattr (slave_, &now) == 0 && (now.c_lflag & (ICANON | ECHO | ISIG)) == 0;
  }
  bool
  is_as_before () const
  {
    struct termios now;
    return tcgetattr (slave_, &now) == 0 && now.c_iflag == before_.c_iflag &&
           now.c_oflag == before_.c_oflag && now.c_cflag == before_.c_cflag &&
           now.c_lflag == before_.c_lflag && memcmp (now.c_cc, before_.c_cc, sizeof now.c_cc) == 0;
  }

private:
  int master_, slave_;
  struct termios before_;
};

/* One guest for the tests of "vmplug console", which do it no harm. */
class Console : public testing::Test
{
protected:
  static std::unique_ptr<Vm> vm;

  static void
  SetUpTestSuite ()
  {
    vm = std::make_unique<Vm> ();
    vm->boot ();
  }
  static void
  TearDownTestSuite ()
  {
    vm.reset ();
  }
  void
  SetUp () override
  {
    vm->guest ().run ("true"); /* and takes what other tests have left unread */
  }
};
std::unique_ptr<Vm> Console::vm;

TEST_F (Console, APipeSeesTheBacklogAndTypes)
{
  VmplugProgram console ({ "console", "vm" }, vm->host.root ());

  EXPECT_TRUE (console.wait_for ("guest: ready"));
  console.type ("echo $((6 * 7))-and-more\n");
  EXPECT_TRUE (console.wait_for ("42-and-more"));

  /* The end of what is typed is not the end of what is seen. */
  console.type ("echo $((2 * 1000))-last\n");
  console.close_stdin ();
  EXPECT_TRUE (console.wait_for ("2000-last"));
  vm->guest ().run ("echo later");
  EXPECT_TRUE (console.wait_for ("later"));

  /* "vmplug console VM | head" */
  console.close_stdout ();
  vm->guest ().run ("echo nobody reads this");
  const int status = console.wait ().status;
  EXPECT_TRUE (status == -SIGPIPE || status == 128 + SIGPIPE) << "the same for a shell: " << status;
}

TEST_F (Console, ManyWatchTheSame)
{
  VmplugProgram one ({ "console", "vm" }, vm->host.root ());
  VmplugProgram other ({ "console", "vm" }, vm->host.root ());

  ASSERT_TRUE (one.wait_for ("guest: ready") && other.wait_for ("guest: ready"));
  one.type ("echo $((10 + 1))-from-one\n");
  EXPECT_TRUE (one.wait_for ("11-from-one"));
  EXPECT_TRUE (other.wait_for ("11-from-one"));
}

TEST_F (Console, NothingIsLostOfMuch)
{
  VmplugProgram console ({ "console", "vm" }, vm->host.root ());

  ASSERT_TRUE (console.wait_for ("guest: ready"));
  console.type ("i=0; while [ $i -lt 5000 ]; do echo line-$i-; i=$((i + 1)); done; echo i=$i\n");
  EXPECT_TRUE (console.wait_for ("i=5000", Guest::SECONDS));
  size_t at = 0;
  for (int i = 0; i < 5000 && at != std::string::npos; i++)
    at = console.out ().find ("line-" + std::to_string (i) + "-\r\n", at);
  EXPECT_NE (at, std::string::npos) << "a line is missing or out of order";
  vm->guest ().hear_until ("i=5000\r\n");
}

TEST_F (Console, OnATerminalEveryKeyGoesToTheGuestAndOneLeaves)
{
  Terminal terminal;
  VmplugProgram console ({ "console", "vm" }, vm->host.root (), geteuid (), terminal.fd ());

  EXPECT_TRUE (console.wait_for ("guest: ready"));
  EXPECT_TRUE (eventually ([&] { return terminal.is_raw (); }));
  terminal.type ("echo $((30 + 3))-typed\n");
  EXPECT_TRUE (console.wait_for ("33-typed"));

  /* Ctrl-C ends what runs in the guest, and not us. */
  terminal.type (SLEEP);
  EXPECT_TRUE (console.wait_for ("55-sleeps"));
  terminal.type ("\x03");
  terminal.type ("echo $((60 + 6))-awake\n");
  EXPECT_TRUE (console.wait_for ("66-awake"));

  terminal.type ("\x1d");
  const Outcome outcome = console.wait ();
  EXPECT_EQ (outcome.status, 0) << outcome;
  EXPECT_TRUE (outcome.says ("left the console of vm")) << outcome.err;
  EXPECT_TRUE (terminal.is_as_before ());
  EXPECT_EQ (vm->status ()["state"].text (), "running");
}

TEST_F (Console, ASignalLeavesTheTerminalAsItWas)
{
  for (int number : { SIGTERM, SIGHUP, SIGINT })
    {
      Terminal terminal;
      VmplugProgram console ({ "console", "vm" }, vm->host.root (), geteuid (), terminal.fd ());

      EXPECT_TRUE (eventually ([&] { return terminal.is_raw (); }));
      console.signal (number);
      EXPECT_EQ (console.wait ().status, 128 + number);
      EXPECT_TRUE (terminal.is_as_before ()) << "signal " << number;
    }
}

/* It is the guest's end that ends it, with the last that the guest had to say. */
TEST (ConsoleEnd, IsTheVmsEnd)
{
  Vm vm;
  vm.boot ();
  Terminal terminal;
  VmplugProgram watcher ({ "console", "vm" }, vm.host.root ());
  VmplugProgram on_terminal ({ "console", "vm" }, vm.host.root (), geteuid (), terminal.fd ());

  ASSERT_TRUE (watcher.wait_for ("guest: ready") && on_terminal.wait_for ("guest: ready"));
  const Outcome stop = vm.vmplug ({ "stop", "vm" });
  EXPECT_EQ (stop.status, 0) << stop;
  EXPECT_FALSE (vm.is_there ());
  for (VmplugProgram *program : { &watcher, &on_terminal })
    {
      const Outcome outcome = program->wait ();
      EXPECT_EQ (outcome.status, 0) << outcome;
      EXPECT_NE (outcome.out.find ("guest: power button"), std::string::npos) << outcome;
    }
  EXPECT_TRUE (on_terminal.err ().find ("vm has ended") != std::string::npos);
  EXPECT_TRUE (terminal.is_as_before ());
}

/* "vmplug run" with a guest. */
class Run : public testing::Test
{
protected:
  FakeSysfs host;
  Terminal terminal;
  std::unique_ptr<VmplugProgram> program;

  void
  boot (bool on_terminal, const Args &options)
  {
    program = std::make_unique<VmplugProgram> (
        Args{ "run", "--name", "vm", "--accel", "tcg" } + options, host.root (), geteuid (),
        on_terminal ? terminal.fd () : -1);
    ASSERT_TRUE (program->wait_for ("guest: ready", Guest::SECONDS)) << program->wait (1);
    ASSERT_TRUE (program->wait_for ("guest# ", Guest::SECONDS));
  }
  Outcome
  wait ()
  {
    const Outcome outcome = program->wait ();
    EXPECT_TRUE (
        std::filesystem::is_empty (std::filesystem::path (host.root ()) / "run/vmplug/vms"));
    return outcome;
  }
};

/* With the kernel as distributions have it. */
TEST_F (Run, ASignalAsksTheGuestToPowerOff)
{
  for (const auto &[number, status] : { std::pair{ SIGINT, 130 }, std::pair{ SIGTERM, 143 } })
    {
      boot (false, guest_options ("vmlinuz"));
      program->signal (number);
      const Outcome outcome = wait ();
      EXPECT_EQ (outcome.status, status) << outcome;
      EXPECT_NE (outcome.out.find ("guest: power button"), std::string::npos) << outcome;
      EXPECT_EQ (outcome.err.rfind ("vmplug: vm runs with tcg (asked for), QEMU is pid ", 0), 0u)
          << outcome;
      EXPECT_EQ (outcome.err.find ('\n'), outcome.err.size () - 1) << outcome;
    }
}

TEST_F (Run, TypesWhatComesThroughAPipeAndEndsWithTheGuest)
{
  boot (false, guest_options ());
  program->type ("echo $((6 * 7))-typed\n");
  EXPECT_TRUE (program->wait_for ("42-typed"));
  program->type ("poweroff -f\n");
  EXPECT_EQ (wait ().status, 0);
}

TEST_F (Run, OnATerminalOneKeyAsksTheGuestToPowerOff)
{
  boot (true, guest_options ());
  EXPECT_TRUE (terminal.is_raw ());
  terminal.type (SLEEP);
  EXPECT_TRUE (program->wait_for ("55-sleeps"));
  terminal.type ("\x03");
  terminal.type ("echo $((60 + 6))-awake\n");
  EXPECT_TRUE (program->wait_for ("66-awake"));

  terminal.type ("\x1d");
  const Outcome outcome = wait ();
  EXPECT_EQ (outcome.status, 0) << outcome;
  EXPECT_NE (outcome.out.find ("guest: power button"), std::string::npos) << outcome;
  EXPECT_TRUE (terminal.is_as_before ());
}

TEST_F (Run, APanicIsTheGuestsFailure)
{
  boot (false, guest_options () + Args{ "--", "-device", "pvpanic" });
  program->type ("echo c >/proc/sysrq-trigger\n");
  const Outcome outcome = wait ();
  EXPECT_EQ (outcome.status, 8) << outcome;
  EXPECT_TRUE (outcome.says ("\nvmplug: the guest panicked\n")) << outcome;
}

} // namespace
