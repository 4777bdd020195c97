#pragma once

#include "tests/support/fake-qmp.h"
#include "tests/support/send-with-fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

/* The end of a connection that the test holds: never blocks, keeps what it has heard. */
class StreamEnd
{
public:
  explicit StreamEnd (int fd = -1) : fd_ (fd)
  {
    if (fd >= 0)
      fcntl (fd, F_SETFL, O_NONBLOCK);
  }
  ~StreamEnd () { hang_up (); }
  StreamEnd (StreamEnd &&other) noexcept : fd_ (-1) { *this = std::move (other); }
  StreamEnd &
  operator= (StreamEnd &&other) noexcept
  {
    std::swap (fd_, other.fd_);
    std::swap (heard, other.heard);
    std::swap (fds, other.fds);
    std::swap (is_at_end, other.is_at_end);
    return *this;
  }

  std::string heard;
  std::vector<int> fds; /* (transfer full) */
  bool is_at_end = false;

  void
  hang_up ()
  {
    for (int fd : fds)
      close (fd);
    fds.clear ();
    if (fd_ >= 0)
      close (fd_);
    fd_ = -1;
  }
  /* Sends all of it, while the main loop runs. */
  bool
  say (const std::string &bytes, int fd = -1)
  {
    size_t sent = 0;

    return run_until ([&] {
      ssize_t n = send (bytes.substr (sent, 65536), sent == 0 ? fd : -1);

      sent += n > 0 ? static_cast<size_t> (n) : 0;
      return sent == bytes.size ();
    });
  }
  /* As much as fits. */
  ssize_t
  send (const std::string &bytes, int fd = -1)
  {
    return send_with_fd (fd_, bytes, fd);
  }
  void
  shut ()
  {
    shutdown (fd_, SHUT_WR);
  }
  /* Reads what is there. */
  void
  listen ()
  {
    char buffer[65536];
    alignas (struct cmsghdr) char control[CMSG_SPACE (16 * sizeof (int))];
    ssize_t n;

    do
      {
        struct iovec vector = { buffer, sizeof buffer };
        struct msghdr message = {};

        message.msg_iov = &vector;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        n = recvmsg (fd_, &message, MSG_CMSG_CLOEXEC);
        if (n > 0)
          heard.append (buffer, static_cast<size_t> (n));
        for (auto *part = CMSG_FIRSTHDR (&message); n > 0 && part != nullptr;
             part = CMSG_NXTHDR (&message, part))
          for (size_t i = 0; i < (part->cmsg_len - CMSG_LEN (0)) / sizeof (int); i++)
            {
              int fd;
              memcpy (&fd, CMSG_DATA (part) + i * sizeof fd, sizeof fd);
              fds.push_back (fd);
            }
      }
    while (n > 0);
    is_at_end |= n == 0 || (n < 0 && errno != EAGAIN);
  }
  bool
  hears (const std::string &bytes)
  {
    bool is_heard = run_until ([&] {
      listen ();
      return heard.size () >= bytes.size () || is_at_end;
    });

    EXPECT_EQ (heard.size (), bytes.size ());
    is_heard = is_heard && heard == bytes;
    heard.clear ();
    return is_heard;
  }
  bool
  hears_the_end ()
  {
    return run_until ([&] {
      listen ();
      return is_at_end;
    });
  }

private:
  int fd_;
};
