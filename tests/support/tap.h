#pragma once

#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdexcept>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A tap interface of the host, up, gone with the object. Needs root. */
class Tap
{
public:
  explicit Tap (const std::string &name) : name_ (name)
  {
    struct ifreq request = {};
    const int tun = open_tun (&request);
    const int any = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    request.ifr_flags = IFF_UP;
    const bool ok = ioctl (tun, TUNSETPERSIST, 1) == 0 && ioctl (any, SIOCSIFFLAGS, &request) == 0;
    close (any);
    close (tun);
    if (!ok)
      throw std::runtime_error (name + ": " + strerror (errno));
  }
  ~Tap ()
  {
    struct ifreq request = {};
    const int tun = open_tun (&request);

    ioctl (tun, TUNSETPERSIST, 0);
    close (tun);
  }
  Tap (const Tap &) = delete;
  Tap &operator= (const Tap &) = delete;

  /* How many packets have come from whoever holds its other end. */
  unsigned long
  n_received () const
  {
    std::ifstream file ("/sys/class/net/" + name_ + "/statistics/rx_packets");
    unsigned long n = 0;

    file >> n;
    return n;
  }

private:
  std::string name_;

  int
  open_tun (struct ifreq *request) const
  {
    const int tun = open ("/dev/net/tun", O_RDWR | O_CLOEXEC);

    strncpy (request->ifr_name, name_.c_str (), IFNAMSIZ - 1);
    request->ifr_flags = IFF_TAP | IFF_NO_PI;
    if (tun < 0 || ioctl (tun, TUNSETIFF, request) != 0)
      throw std::runtime_error ("/dev/net/tun: " + std::string (strerror (errno)));
    return tun;
  }
};
