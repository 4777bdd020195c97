#include "launcher/error.h"
#include "launcher/wrapper/hand-over.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace
{

class HandOver : public testing::Test
{
protected:
  HandOver ()
  {
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets_) != 0)
      std::abort ();
  }
  ~HandOver () override
  {
    hang_up ();
    close (sockets_[1]);
    g_clear_error (&error_);
  }
  void
  hang_up ()
  {
    if (sockets_[0] >= 0)
      close (sockets_[0]);
    sockets_[0] = -1;
  }
  VpHandOver *
  receive ()
  {
    hang_up ();
    return vp_hand_over_receive (sockets_[1], &error_);
  }
  /* What a sidecar that was killed had said until then. */
  void
  say (const std::string &text)
  {
    ASSERT_EQ (write (sockets_[0], text.data (), text.size ()),
               static_cast<ssize_t> (text.size ()));
  }

  int sockets_[2];
  GError *error_ = nullptr;
};

std::vector<std::string>
list (char **words)
{
  return { words, words + g_strv_length (words) };
}

TEST_F (HandOver, AnyBytesAndFilesArrive)
{
  const char *argv[] = { "/usr/bin/qemu", "", "-append", "a\nb \xff\x80", nullptr };
  const char *warnings[] = { "one", "two words", nullptr };
  VpHandOver *sent = vp_hand_over_new (const_cast<char **> (argv));
  int pipe_fds[2];
  struct stat ours, theirs;

  ASSERT_EQ (pipe2 (pipe_fds, O_CLOEXEC), 0);
  ASSERT_EQ (fstat (pipe_fds[0], &ours), 0);
  sent->warnings = g_strdupv (const_cast<char **> (warnings));
  vp_hand_over_add_fd (sent, pipe_fds[0], 17);
  vp_hand_over_add_fd (sent, pipe_fds[1], 3);
  ASSERT_TRUE (vp_hand_over_send (sent, sockets_[0], &error_)) << error_->message;
  vp_hand_over_free (sent);

  g_autoptr (VpHandOver) got = receive ();
  ASSERT_NE (got, nullptr) << error_->message;
  EXPECT_EQ (list (got->argv), (std::vector<std::string>{ argv, argv + 4 }));
  EXPECT_EQ (list (got->warnings), (std::vector<std::string>{ "one", "two words" }));
  ASSERT_EQ (got->fds->len, 2u);
  EXPECT_EQ (g_array_index (got->numbers, int, 0), 17);
  EXPECT_EQ (g_array_index (got->numbers, int, 1), 3);
  ASSERT_EQ (fstat (g_array_index (got->fds, int, 0), &theirs), 0);
  EXPECT_EQ (ours.st_ino, theirs.st_ino);
  EXPECT_EQ (fcntl (g_array_index (got->fds, int, 0), F_GETFD), FD_CLOEXEC);
}

/* More than a socket holds at once: the other side reads meanwhile. */
TEST_F (HandOver, TenThousandArgumentsArrive)
{
  std::vector<std::string> words (10000, std::string (200, 'x'));
  std::vector<char *> argv;

  for (std::string &word : words)
    argv.push_back (word.data ());
  argv.push_back (nullptr);
  pid_t pid = fork ();
  ASSERT_GE (pid, 0);
  if (pid == 0)
    {
      VpHandOver *sent = vp_hand_over_new (argv.data ());

      sent->warnings = g_new0 (char *, 1);
      _exit (vp_hand_over_send (sent, sockets_[0], nullptr) ? 0 : 1);
    }
  g_autoptr (VpHandOver) got = receive ();
  int status;

  waitpid (pid, &status, 0);
  EXPECT_EQ (status, 0);
  ASSERT_NE (got, nullptr) << error_->message;
  EXPECT_EQ (list (got->argv), words);
}

TEST_F (HandOver, AFailureArrivesAsItIs)
{
  g_autoptr (GError) failure = g_error_new (VP_ERROR, VP_ERROR_EXISTS, "a VM named x is running");

  vp_hand_over_fail (sockets_[0], failure);
  EXPECT_EQ (receive (), nullptr);
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_EXISTS));
  EXPECT_STREQ (error_->message, "a VM named x is running");
}

TEST_F (HandOver, NobodyWaitsAnyMore)
{
  const char *argv[] = { "q", nullptr };
  g_autoptr (VpHandOver) sent = vp_hand_over_new (const_cast<char **> (argv));

  sent->warnings = g_new0 (char *, 1);
  close (sockets_[1]);
  sockets_[1] = -1;
  EXPECT_FALSE (vp_hand_over_send (sent, sockets_[0], &error_));
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_START));
}

/* Whatever is cut off is no message: never fewer arguments than were meant. */
TEST_F (HandOver, EveryBeginningOfAMessageIsRefused)
{
  const std::string whole ("exec\0"
                           "0\0"
                           "1\0"
                           "warning\0"
                           "3\0"
                           "q\0"
                           "-S\0"
                           "-m\0",
                           27);

  for (size_t length = 0; length <= whole.size (); length++)
    {
      int fds[2];
      g_autoptr (GError) error = nullptr;

      ASSERT_EQ (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), 0);
      ASSERT_EQ (write (fds[0], whole.data (), length), static_cast<ssize_t> (length));
      close (fds[0]);
      g_autoptr (VpHandOver) got = vp_hand_over_receive (fds[1], &error);
      close (fds[1]);
      if (length == whole.size ())
        EXPECT_NE (got, nullptr) << error->message;
      else
        {
          EXPECT_EQ (got, nullptr) << length;
          EXPECT_STREQ (error->message, "the sidecar died before it could say why") << length;
        }
    }
}

TEST_F (HandOver, NumbersThatAreNoneAreRefused)
{
  for (const char *number : { "-1", "x", "99999999999", "4000000000" })
    {
      int fds[2];
      const std::string message =
          std::string ("exec") + '\0' + "0" + '\0' + "0" + '\0' + number + '\0' + "q" + '\0';

      ASSERT_EQ (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), 0);
      ASSERT_GT (write (fds[0], message.data (), message.size ()), 0);
      close (fds[0]);
      EXPECT_EQ (vp_hand_over_receive (fds[1], nullptr), nullptr) << number;
      close (fds[1]);
    }
}

} // namespace
