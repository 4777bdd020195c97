#include "launcher/vm/capped-log.h"
#include "launcher/vm/console.h"

#include "tests/support/fake-qmp.h"

#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace
{

namespace fs = std::filesystem;

/* All that can be read now. */
std::string
read_all (int fd)
{
  std::string text;
  char buffer[65536];
  for (ssize_t n; (n = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0;)
    text.append (buffer, static_cast<size_t> (n));
  return text;
}

int
count_fds ()
{
  int n = 0;
  for (const auto &entry : fs::directory_iterator ("/proc/self/fd"))
    n += entry.path ().empty () ? 0 : 1;
  return n;
}

/* In use at this moment; always 0 under the address sanitizer. */
size_t
heap_bytes ()
{
  const struct mallinfo2 info = mallinfo2 ();
  return info.uordblks + info.hblkhd;
}

/* A file without a name. */
int
temporary_file ()
{
  FILE *file = tmpfile ();
  int fd = fcntl (fileno (file), F_DUPFD_CLOEXEC, 0);
  fclose (file);
  return fd;
}

/* What the "output" signal has told. */
struct Seen
{
  std::string output;
  size_t size = 0, most_heap = 0;
  bool closes = false;
};

class Console : public testing::Test
{
protected:
  Console ()
  {
    std::string pattern = (fs::temp_directory_path () / "vmplug-console-XXXXXX").string ();
    int pair[2];
    if (mkdtemp (pattern.data ()) == nullptr ||
        socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
      std::abort ();
    folder = pattern;
    guest = pair[1];

    address.sun_family = AF_UNIX;
    g_snprintf (address.sun_path, sizeof address.sun_path, "%s/console", pattern.c_str ());
    listener = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind (listener, reinterpret_cast<sockaddr *> (&address), sizeof address) != 0 ||
        listen (listener, 64) != 0)
      std::abort ();
    log = temporary_file ();
    console = vp_console_new (pair[0], listener, fcntl (log, F_DUPFD_CLOEXEC, 0));
    g_signal_connect (console, "output", G_CALLBACK (on_output), &seen);
  }
  ~Console () override
  {
    vp_console_close (console);
    run_pending ();
    g_object_add_weak_pointer (G_OBJECT (console), reinterpret_cast<gpointer *> (&console));
    g_object_unref (console);
    EXPECT_EQ (console, nullptr) << "something still holds the console";
    close (guest);
    close (log);
    fs::remove_all (folder);
  }

  static void
  on_output (VpConsole *console, GBytes *bytes, gpointer user_data)
  {
    auto *seen = static_cast<Seen *> (user_data);
    gsize size;
    auto *data = static_cast<const char *> (g_bytes_get_data (bytes, &size));
    seen->size += size;
    seen->most_heap = std::max (seen->most_heap, heap_bytes ());
    if (seen->size <= 1024 * 1024)
      seen->output.append (data, size);
    if (seen->closes)
      vp_console_close (console);
  }

  void
  guest_prints (const std::string &text)
  {
    for (size_t done = 0; done < text.size ();)
      {
        ssize_t n =
            send (guest, text.data () + done, text.size () - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
          done += static_cast<size_t> (n);
        else
          g_main_context_iteration (nullptr, TRUE);
      }
    run_pending ();
  }
  int
  connect_client ()
  {
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect_socket (fd);
    return fd;
  }
  void
  connect_socket (int fd)
  {
    if (connect (fd, reinterpret_cast<sockaddr *> (&address), sizeof address) != 0)
      std::abort ();
    run_pending ();
  }
  /* Until @fd has shown so much; what it has shown. */
  std::string
  shown (int fd, size_t size)
  {
    std::string text;
    run_until ([&] { return (text += read_all (fd)).size () >= size; });
    return text;
  }
  bool
  is_hung_up (int fd)
  {
    char byte;
    run_pending ();
    return recv (fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
  }
  std::string
  logged ()
  {
    std::string text (static_cast<size_t> (lseek (log, 0, SEEK_END)), '\0');
    if (pread (log, text.data (), text.size (), 0) != static_cast<ssize_t> (text.size ()))
      std::abort ();
    return text;
  }

  fs::path folder;
  sockaddr_un address = {};
  int guest, listener, log;
  VpConsole *console;
  Seen seen;
};

TEST_F (Console, EveryoneSeesWhatTheGuestPrints)
{
  int one = connect_client (), two = connect_client ();
  guest_prints ("login: ");
  EXPECT_EQ (shown (one, 7), "login: ");
  EXPECT_EQ (shown (two, 7), "login: ");
  EXPECT_EQ (seen.output, "login: ");
  EXPECT_EQ (logged (), "login: ");
  close (one);
  close (two);
}

TEST_F (Console, ALateClientIsShownThePast)
{
  guest_prints ("Linux version 6.1\n");
  int fd = connect_client ();
  EXPECT_EQ (shown (fd, 18), "Linux version 6.1\n");
  guest_prints ("login: ");
  EXPECT_EQ (shown (fd, 7), "login: ");
  close (fd);
}

TEST_F (Console, OnlySoMuchOfThePastIsShown)
{
  std::string all;
  for (int i = 0; all.size () < 5 * VP_CONSOLE_BACKLOG; i++)
    all += "line " + std::to_string (i) + "\n";
  /* in pieces of all kinds of sizes */
  for (size_t at = 0, size = 1; at < all.size (); at += size, size = size * 3 % 70001)
    guest_prints (all.substr (at, size));

  int fd = connect_client ();
  EXPECT_EQ (shown (fd, VP_CONSOLE_BACKLOG), all.substr (all.size () - VP_CONSOLE_BACKLOG));
  EXPECT_EQ (logged (), all);
  close (fd);
}

TEST_F (Console, EveryoneMayType)
{
  int one = connect_client (), two = connect_client ();
  ASSERT_EQ (send (one, "ro", 2, 0), 2);
  run_pending ();
  ASSERT_EQ (send (two, "ot\r", 3, 0), 3);
  run_pending ();
  vp_console_write (console, reinterpret_cast<const guint8 *> ("x"), 1);
  run_pending ();
  EXPECT_EQ (read_all (guest), "root\rx");
  close (one);
  close (two);
}

TEST_F (Console, NothingThatAClientTypesIsLost)
{
  int fd = connect_client ();
  std::string script (1024 * 1024, '\0'), arrived;
  for (size_t i = 0; i < script.size (); i++)
    script[i] = static_cast<char> ('a' + i % 23);

  size_t sent = 0;
  run_until ([&] {
    ssize_t n = send (fd, script.data () + sent, script.size () - sent, MSG_DONTWAIT);
    sent += n > 0 ? static_cast<size_t> (n) : 0;
    run_pending ();
    arrived += read_all (guest);
    return arrived.size () == script.size ();
  });
  EXPECT_TRUE (arrived == script) << arrived.size ();
  close (fd);
}

TEST_F (Console, AGuestThatDoesNotReadKeepsNobodyBusy)
{
  int fd = connect_client ();
  const std::string noise (64 * 1024, 'x');
  while (send (fd, noise.data (), noise.size (), MSG_DONTWAIT) > 0)
    run_pending ();
  for (int i = 0; i < 100; i++)
    vp_console_write (console, reinterpret_cast<const guint8 *> (noise.data ()), noise.size ());

  /* the loop must not spin, and output must still flow */
  int turns = 0;
  gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC / 5;
  while (g_get_monotonic_time () < end)
    {
      if (g_main_context_iteration (nullptr, FALSE))
        turns++;
      g_usleep (1000);
    }
  EXPECT_LT (turns, 5);
  guest_prints ("still here");
  EXPECT_EQ (seen.output, "still here");
  close (fd);
}

TEST_F (Console, AScriptThatHasTypedItsEndStillReads)
{
  int fd = connect_client ();
  ASSERT_EQ (send (fd, "uname\n", 6, 0), 6);
  shutdown (fd, SHUT_WR);
  run_pending ();
  EXPECT_EQ (read_all (guest), "uname\n");
  guest_prints ("Linux\n");
  EXPECT_EQ (shown (fd, 6), "Linux\n");
  const int n_fds = count_fds ();
  close (fd);
  run_pending ();
  EXPECT_EQ (count_fds (), n_fds - 2) << "ours, and the one it had";
}

TEST_F (Console, AClientThatVanishesHarmsNobody)
{
  int stays = connect_client ();
  for (int i = 0; i < 200; i++)
    {
      int goes = connect_client ();
      if (i % 2 == 0)
        {
          EXPECT_EQ (send (goes, "x", 1, 0), 1);
        }
      close (goes); /* unread output in it: the sender gets a reset */
      guest_prints ("line\n");
    }
  EXPECT_EQ (shown (stays, 1000).size (), 1000u);
  close (stays);
}

TEST_F (Console, ASlowClientLosesOutputAndIsTold)
{
  int slow = connect_client (), fast = connect_client ();
  const std::string piece (10000, 'x');
  size_t fast_got = 0, total = 0;

  for (int i = 0; i < 200; i++)
    {
      guest_prints (piece);
      total += piece.size ();
      fast_got += read_all (fast).size ();
    }
  run_until ([&] { return (fast_got += read_all (fast).size ()) == total; });
  EXPECT_EQ (fast_got, total);

  std::string text;
  run_until (
      [&] { return (text += read_all (slow)).find ("too slowly]\r\n") != std::string::npos; });
  const size_t notice = text.find ("\r\n[vmplug: ");
  ASSERT_NE (notice, std::string::npos);
  EXPECT_EQ (notice + std::stoul (text.substr (notice + 11)), total);
  EXPECT_LT (notice, 1024u * 1024u);

  guest_prints ("and on\n");
  EXPECT_NE (shown (slow, 7).find ("and on\n"), std::string::npos);
  close (slow);
  close (fast);
}

TEST_F (Console, AHundredMebibytesTakeNoMemory)
{
  int nobody_reads = connect_client ();
  const std::string piece (1024 * 1024, 'x');
  const size_t before = heap_bytes ();

  for (int i = 0; i < 100; i++)
    guest_prints (piece);
  EXPECT_EQ (seen.size, 100u * 1024 * 1024);
  EXPECT_LT (seen.most_heap, before + 2 * 1024 * 1024);
  EXPECT_LE (logged ().size (), 64u * 1024 * 1024);
  EXPECT_GE (logged ().size (), 16u * 1024 * 1024);
  close (nobody_reads);
}

TEST_F (Console, WithoutDescriptorsItWaitsInsteadOfSpinning)
{
  guest_prints ("boot\n");
  int client = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct rlimit before, none;
  ASSERT_EQ (getrlimit (RLIMIT_NOFILE, &before), 0);
  none = { static_cast<rlim_t> (client) + 1, before.rlim_max };
  ASSERT_EQ (setrlimit (RLIMIT_NOFILE, &none), 0);
  connect_socket (client);

  int turns = 0;
  gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC / 5;
  while (g_get_monotonic_time () < end)
    {
      if (g_main_context_iteration (nullptr, FALSE))
        turns++;
      g_usleep (1000);
    }
  EXPECT_LT (turns, 5);
  guest_prints ("still drained\n");
  EXPECT_EQ (seen.output, "boot\nstill drained\n");

  ASSERT_EQ (setrlimit (RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ (shown (client, 19), "boot\nstill drained\n") << "it never came back";
  close (client);
}

TEST_F (Console, OnlySoManyClients)
{
  std::vector<int> clients;
  for (int i = 0; i < 33; i++)
    clients.push_back (connect_client ());
  for (int i = 0; i < 32; i++)
    EXPECT_FALSE (is_hung_up (clients[i])) << i;
  EXPECT_TRUE (is_hung_up (clients[32]));
  close (clients[0]);
  run_pending ();
  close (clients[32]);
  clients[32] = connect_client ();
  EXPECT_FALSE (is_hung_up (clients[32])) << "a place is free again";
  for (size_t i = 1; i < clients.size (); i++)
    close (clients[i]);
}

TEST_F (Console, AnotherUserIsNotLetIn)
{
  if (geteuid () != 0)
    GTEST_SKIP () << "only root can become another user";

  ASSERT_EQ (chmod (folder.c_str (), 0755), 0);
  ASSERT_EQ (chmod (address.sun_path, 0777), 0);
  guest_prints ("secret");

  /* not as_user(): somebody has to serve the console meanwhile */
  pid_t pid = fork ();
  if (pid == 0)
    {
      char text[16];
      int fd = socket (AF_UNIX, SOCK_STREAM, 0);
      if (setresuid (65534, 65534, 65534) != 0 ||
          connect (fd, reinterpret_cast<sockaddr *> (&address), sizeof address) != 0)
        _exit (2);
      send (fd, "reboot\n", 7, MSG_NOSIGNAL);
      _exit (recv (fd, text, sizeof text, 0) > 0 ? 1 : 0);
    }
  int status = -1;
  run_until ([&] { return waitpid (pid, &status, WNOHANG) == pid; });
  EXPECT_EQ (status, 0) << "it was shown something, or could not even try";
  run_pending ();
  EXPECT_EQ (read_all (guest), "");
}

TEST_F (Console, ClosingHandsOnTheLastWords)
{
  int fd = connect_client ();
  const std::string words = "Kernel panic - not syncing\n";
  ASSERT_EQ (send (guest, words.data (), words.size (), 0), static_cast<ssize_t> (words.size ()));
  vp_console_close (console);
  EXPECT_EQ (read_all (fd), words);
  EXPECT_TRUE (is_hung_up (fd));
  EXPECT_EQ (seen.output, words);
  EXPECT_EQ (logged (), words);

  vp_console_close (console);
  vp_console_write (console, reinterpret_cast<const guint8 *> ("x"), 1);
  run_pending ();
  close (fd);
}

TEST_F (Console, MayBeClosedWhileItHandsOn)
{
  seen.closes = true;
  guest_prints ("one");
  EXPECT_EQ (seen.output, "one");
}

TEST_F (Console, AGuestThatIsGoneKeepsNobodyBusy)
{
  int fd = connect_client ();
  guest_prints ("bye\n");
  shutdown (guest, SHUT_RDWR);
  run_pending ();
  ASSERT_EQ (send (fd, "x", 1, 0), 1);

  int turns = 0;
  for (int i = 0; i < 100; i++, g_usleep (1000))
    turns += g_main_context_iteration (nullptr, FALSE);
  EXPECT_LT (turns, 10);
  EXPECT_EQ (read_all (fd), "bye\n");
  close (fd);
}

struct CappedLog : testing::Test
{
  int fd = temporary_file ();
  VpCappedLog *log = nullptr;
  std::string written;

  void
  open (gsize limit)
  {
    log = vp_capped_log_new (fcntl (fd, F_DUPFD_CLOEXEC, 0), limit);
  }
  void
  append (const std::string &text)
  {
    vp_capped_log_append (log, reinterpret_cast<const guint8 *> (text.data ()), text.size ());
    written += text;
  }
  std::string
  content ()
  {
    std::string text (static_cast<size_t> (lseek (fd, 0, SEEK_END)), '\0');
    EXPECT_EQ (pread (fd, text.data (), text.size (), 0), static_cast<ssize_t> (text.size ()));
    return text;
  }
  ~CappedLog () override
  {
    vp_capped_log_free (log);
    close (fd);
  }
};

TEST_F (CappedLog, AlwaysHoldsTheEndOfWhatWasWritten)
{
  ASSERT_EQ (fcntl (fd, F_SETFL, O_APPEND), 0); /* as vp_run_dir_open_log() opens it */
  open (1000);
  for (size_t i = 0, size = 1; i < 2000; i++, size = size * 7 % 1201)
    {
      append (std::string (size, static_cast<char> ('a' + i % 26)));
      const std::string now = content ();
      ASSERT_LE (now.size (), 1000u);
      ASSERT_GE (now.size (), std::min<size_t> (written.size (), 250u));
      ASSERT_EQ (now, written.substr (written.size () - now.size ())) << i;
    }
}

TEST_F (CappedLog, GoesOnWhereAFileEnds)
{
  ASSERT_EQ (write (fd, "old\n", 4), 4);
  ASSERT_EQ (fcntl (fd, F_SETFL, O_APPEND), 0);
  open (100);
  append ("new\n");
  EXPECT_EQ (content (), "old\nnew\n");
}

TEST_F (CappedLog, WithoutAFileOrOnAFullDiskNothingHappens)
{
  log = vp_capped_log_new (-1, 100);
  append ("x");
  vp_capped_log_free (log);
  log = vp_capped_log_new (::open ("/dev/full", O_RDWR | O_CLOEXEC), 100);
  append (std::string (1000, 'x'));
  EXPECT_EQ (content (), "");
}

} // namespace
