#include "launcher/commands/own-console.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace
{

/* Prints on @stdout_fd in a process of its own, and returns how long that took, in milliseconds;
 * -1 when it did not end within ten seconds. */
int
time_to_print (int stdout_fd, const std::string &text)
{
  int report[2], milliseconds = -1;

  if (pipe2 (report, O_CLOEXEC) != 0)
    return -1;
  pid_t pid = fork ();
  if (pid == 0)
    {
      alarm (10);
      dup2 (stdout_fd, STDOUT_FILENO);
      g_autoptr (GBytes) output = g_bytes_new (text.data (), text.size ());
      VpOwnConsole *console = vp_own_console_new (STDOUT_FILENO);
      gint64 start = g_get_monotonic_time ();

      vp_own_console_print (console, output);
      milliseconds = static_cast<int> ((g_get_monotonic_time () - start) / 1000);
      vp_own_console_free (console);
      _exit (write (report[1], &milliseconds, sizeof milliseconds) < 0);
    }
  close (report[1]);
  if (read (report[0], &milliseconds, sizeof milliseconds) != sizeof milliseconds)
    milliseconds = -1;
  close (report[0]);
  waitpid (pid, nullptr, 0);
  return milliseconds;
}

/* The main loop stands still for as long as printing takes: QMP, signals, the other consoles. */
TEST (OwnConsole, ATerminalThatNobodyReadsHoldsNobodyUp)
{
  int master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE (master, 0);
  ASSERT_EQ (unlockpt (master), 0);
  int terminal = open (ptsname (master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE (terminal, 0);

  int took = time_to_print (terminal, std::string (256 * 1024, 'x'));
  EXPECT_GE (took, 0) << "it hung";
  EXPECT_LT (took, 2000);
  EXPECT_EQ (fcntl (terminal, F_GETFL) & O_NONBLOCK, 0) << "that is its shell's, too";
  close (terminal);
  close (master);
}

TEST (OwnConsole, ASlowReaderGetsASecondAndNotOneForEachPiece)
{
  int out[2];
  ASSERT_EQ (pipe2 (out, O_CLOEXEC), 0);
  ASSERT_GT (fcntl (out[1], F_SETPIPE_SZ, 4096), 0);
  std::thread reader ([&] {
    std::string buffer (4096, '\0');
    while (read (out[0], buffer.data (), buffer.size ()) > 0)
      g_usleep (300000);
  });

  int took = time_to_print (out[1], std::string (64 * 1024, 'x'));
  close (out[1]);
  reader.join ();
  close (out[0]);
  EXPECT_GE (took, 900) << "a reader that is only slow gets its time";
  EXPECT_LT (took, 1900);
}

TEST (OwnConsole, AReaderThatKeepsUpGetsEverything)
{
  int out[2];
  std::string heard;
  ASSERT_EQ (pipe2 (out, O_CLOEXEC), 0);
  std::thread reader ([&] {
    char buffer[4096];
    ssize_t n;
    while ((n = read (out[0], buffer, sizeof buffer)) > 0)
      heard.append (buffer, static_cast<size_t> (n));
  });

  time_to_print (out[1], std::string (1024 * 1024, 'x'));
  close (out[1]);
  reader.join ();
  close (out[0]);
  EXPECT_EQ (heard.size (), 1024u * 1024u);
}

} // namespace
