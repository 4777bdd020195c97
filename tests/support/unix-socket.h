#pragma once

#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket on which somebody listens, gone with the object. */
class UnixSocket
{
public:
  explicit UnixSocket (const std::string &path) : path_ (path)
  {
    struct sockaddr_un address = {};

    address.sun_family = AF_UNIX;
    if (path.size () >= sizeof address.sun_path)
      std::abort ();
    memcpy (address.sun_path, path.c_str (), path.size () + 1);
    unlink (path.c_str ());
    fd_ = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind (fd_, reinterpret_cast<struct sockaddr *> (&address), sizeof address) != 0 ||
        listen (fd_, 1) != 0)
      std::abort ();
  }
  ~UnixSocket ()
  {
    close (fd_);
    unlink (path_.c_str ());
  }
  UnixSocket (const UnixSocket &) = delete;
  UnixSocket &operator= (const UnixSocket &) = delete;

  const std::string &
  path () const
  {
    return path_;
  }
  int
  fd () const
  {
    return fd_;
  }

private:
  std::string path_;
  int fd_;
};
