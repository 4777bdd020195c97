#include "tests/support/command-run.h"
#include "tests/support/fake-vm.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <termios.h>

namespace
{

std::string
read_all (int fd)
{
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0;)
    text.append (buffer, static_cast<size_t> (n));
  return text;
}

bool
operator== (const struct termios &a, const struct termios &b)
{
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag &&
         a.c_lflag == b.c_lflag && memcmp (a.c_cc, b.c_cc, sizeof a.c_cc) == 0;
}

class CommandConsole : public testing::Test
{
protected:
  CommandConsole ()
  {
    if (openpty (&keyboard, &terminal, nullptr, nullptr, nullptr) != 0)
      std::abort ();
    /* something that is nobody's default, to be found again */
    tcgetattr (terminal, &before);
    before.c_cc[VERASE] = 'E';
    before.c_iflag |= IUTF8;
    tcsetattr (terminal, TCSANOW, &before);
    tcgetattr (terminal, &before);
  }
  ~CommandConsole () override
  {
    close (keyboard);
    close (terminal);
  }

  void
  type (const std::string &keys)
  {
    EXPECT_EQ (write (keyboard, keys.data (), keys.size ()), static_cast<ssize_t> (keys.size ()));
  }
  void
  guest_prints (const std::string &text)
  {
    EXPECT_EQ (send (vm.guest (), text.data (), text.size (), 0),
               static_cast<ssize_t> (text.size ()));
  }
  bool
  guest_reads (const std::string &text)
  {
    std::string read;
    return run_until ([&] { return (read += read_all (vm.guest ())) == text; });
  }
  bool
  is_raw ()
  {
    struct termios now;
    tcgetattr (terminal, &now);
    return (now.c_lflag & (ICANON | ECHO | ISIG)) == 0;
  }
  bool
  is_restored ()
  {
    struct termios now;
    tcgetattr (terminal, &now);
    return now == before;
  }

  FakeVm vm;
  int keyboard, terminal;
  struct termios before;
};

TEST_F (CommandConsole, AScriptTypesAndStaysUntilTheVmEnds)
{
  CommandRun run ({ "console", "vm1" });
  guest_prints ("login: ");
  EXPECT_TRUE (run.prints ("login: "));
  run.type ("root\n\x1d\x03");
  run.close_in ();
  EXPECT_TRUE (guest_reads ("root\n\x1d\x03")) << "Ctrl-] means nothing in a script";
  guest_prints ("last words\n");
  EXPECT_TRUE (run.prints ("last words\n"));
  EXPECT_EQ (run.wait (200), -1) << "stdin has ended, the VM has not";

  guest_prints ("really last\n");
  vm.end ();
  EXPECT_EQ (run.wait (), 0);
  EXPECT_EQ (run.out, "login: last words\nreally last\n");
  EXPECT_EQ (run.err, "");
}

TEST_F (CommandConsole, WithoutInputItShowsWhatThereIs)
{
  guest_prints ("old\n");
  run_pending ();
  int nothing = open ("/dev/null", O_RDONLY);
  CommandRun run ({ "console", "vm1" }, nothing);
  close (nothing);
  EXPECT_TRUE (run.prints ("old\n"));
  vm.end ();
  EXPECT_EQ (run.wait (), 0);
}

TEST_F (CommandConsole, ALotOfInputArrivesWhole)
{
  std::string script, typed;
  for (int i = 0; i < 30000; i++)
    script += "line " + std::to_string (i) + "\n";
  const std::string path = std::string (vm.root ()) + "/script";
  FILE *file = fopen (path.c_str (), "w");
  ASSERT_EQ (fwrite (script.data (), 1, script.size (), file), script.size ());
  fclose (file);

  int input = open (path.c_str (), O_RDONLY);
  CommandRun run ({ "console", "vm1" }, input);
  close (input);
  run_until ([&] { return (typed += read_all (vm.guest ())).size () >= script.size (); }, 10000);
  EXPECT_TRUE (typed == script) << typed.size ();
}

TEST_F (CommandConsole, OnATerminalEveryKeyIsTheGuests)
{
  CommandRun run ({ "console", "vm1" }, terminal);
  EXPECT_TRUE (run.complains ("Ctrl-] leaves\n"));
  EXPECT_TRUE (run_until ([&] { return is_raw (); }));
  type ("ls\r\x03\x1a\x04\x1c");
  EXPECT_TRUE (guest_reads ("ls\r\x03\x1a\x04\x1c"));

  type ("sync\r\x1dnot this");
  EXPECT_EQ (run.wait (), 0);
  EXPECT_TRUE (guest_reads ("sync\r"));
  EXPECT_TRUE (is_restored ());
  EXPECT_NE (run.err.find ("vm1, which goes on running"), std::string::npos) << run.err;
}

TEST_F (CommandConsole, WhenTheVmEndsTheTerminalIsRestored)
{
  CommandRun run ({ "console", "vm1" }, terminal);
  EXPECT_TRUE (run_until ([&] { return is_raw (); }));
  vm.end ();
  EXPECT_EQ (run.wait (), 0);
  EXPECT_TRUE (is_restored ());
  EXPECT_NE (run.err.find ("vm1 has ended"), std::string::npos) << run.err;
}

TEST_F (CommandConsole, WhenTheTerminalHangsUpItEnds)
{
  CommandRun run ({ "console", "vm1" }, terminal);
  EXPECT_TRUE (run_until ([&] { return is_raw (); }));
  close (keyboard);
  EXPECT_NE (run.wait (), -1);
  keyboard = open ("/dev/null", O_RDWR);
}

TEST_F (CommandConsole, NobodyReadsWhatItPrints)
{
  CommandRun run ({ "console", "vm1" }, terminal);
  EXPECT_TRUE (run_until ([&] { return is_raw (); }));
  run.close_out ();
  guest_prints ("x");
  EXPECT_EQ (run.wait (), 128 + SIGPIPE);
  EXPECT_TRUE (is_restored ());
}

TEST_F (CommandConsole, WithoutAVmTheTerminalIsLeftAlone)
{
  CommandRun run ({ "console", "vm2" }, terminal);
  EXPECT_EQ (run.wait (), 5);
  EXPECT_TRUE (is_restored ());
}

TEST_F (CommandConsole, StoppedItGivesTheTerminalBackForTheTime)
{
  CommandRun run ({ "console", "vm1" }, terminal);
  EXPECT_TRUE (run_until ([&] { return is_raw (); }));

  int status;
  kill (run.pid (), SIGTSTP);
  EXPECT_TRUE (run_until ([&] { return waitpid (run.pid (), &status, WNOHANG | WUNTRACED) > 0; }));
  EXPECT_TRUE (WIFSTOPPED (status));
  EXPECT_TRUE (is_restored ());

  kill (run.pid (), SIGCONT);
  EXPECT_TRUE (run_until ([&] { return is_raw (); }));
  type ("on\r");
  EXPECT_TRUE (guest_reads ("on\r"));
}

struct SignalRow
{
  const char *name;
  int number;
};
class CommandConsoleSignal : public CommandConsole, public testing::WithParamInterface<SignalRow>
{
};
const SignalRow signals[] = {
  { "hang_up", SIGHUP },
  { "interrupt", SIGINT },
  { "quit", SIGQUIT },
  { "terminate", SIGTERM },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          CommandConsoleSignal,
                          testing::ValuesIn (signals),
                          name_of_row<SignalRow>);

TEST_P (CommandConsoleSignal, RestoresTheTerminal)
{
  CommandRun run ({ "console", "vm1" }, terminal);
  EXPECT_TRUE (run_until ([&] { return is_raw (); }));
  kill (run.pid (), GetParam ().number);
  EXPECT_EQ (run.wait (), 128 + GetParam ().number);
  EXPECT_TRUE (is_restored ());
}

} // namespace
