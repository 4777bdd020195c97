#pragma once

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A connection to whoever listens at a path, closed with the object. */
class UnixConnection
{
public:
  explicit UnixConnection (const std::filesystem::path &path)
  {
    struct sockaddr_un address = {};

    address.sun_family = AF_UNIX;
    if (path.native ().size () >= sizeof address.sun_path)
      throw std::runtime_error (path.native () + " is too long");
    memcpy (address.sun_path, path.c_str (), path.native ().size () + 1);
    fd_ = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect (fd_, reinterpret_cast<struct sockaddr *> (&address), sizeof address) == 0)
      return;

    const std::string why = path.native () + ": " + strerror (errno);

    close (fd_);
    throw std::runtime_error (why);
  }
  ~UnixConnection () { close (fd_); }
  UnixConnection (const UnixConnection &) = delete;
  UnixConnection &operator= (const UnixConnection &) = delete;

  int
  fd () const
  {
    return fd_;
  }

private:
  int fd_;
};
