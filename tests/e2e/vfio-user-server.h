#pragma once

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

/* A PCI device that a process of its own emulates, as QEMU's docs/interop/vfio-user.rst has it:
 *
 *   VfioUserServer server (folder / "socket", { { 0, 4096 }, { 2, UINT64_C (16) << 30 } });
 *
 * BARs of 64 KiB and more are 64-bit and prefetchable. It does nothing: its registers hold what was
 * written to their first bytes. It serves one client after another, until it is killed; the client
 * that is waiting meanwhile waits. */
class VfioUserServer
{
public:
  struct Bar
  {
    unsigned index;
    uint64_t size;
  };

  VfioUserServer (const std::filesystem::path &path, const std::vector<Bar> &bars)
      : path_ (path), bars_ (bars)
  {
    listen ();
    pid_ = fork ();
    if (pid_ == 0)
      {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        serve ();
      }
    close (listener_);
  }
  ~VfioUserServer () { kill (); }
  VfioUserServer (const VfioUserServer &) = delete;
  VfioUserServer &operator= (const VfioUserServer &) = delete;

  std::string
  path () const
  {
    return path_;
  }
  /* Its socket stays, as that of a server that has crashed. */
  void
  kill ()
  {
    if (pid_ > 0)
      {
        ::kill (pid_, SIGKILL);
        waitpid (pid_, nullptr, 0);
      }
    pid_ = -1;
  }

private:
  static constexpr unsigned VENDOR = 0x1b36, DEVICE = 0x00f5; /* Red Hat's, for tests */
  static constexpr unsigned CONFIG_REGION = 7, N_REGIONS = 9; /* linux/vfio.h */
  static constexpr unsigned N_IRQS = 5;

  enum Command : uint16_t
  {
    VERSION = 1,
    DMA_MAP = 2,
    DMA_UNMAP = 3,
    DEVICE_GET_INFO = 4,
    DEVICE_GET_REGION_INFO = 5,
    DEVICE_GET_IRQ_INFO = 7,
    DEVICE_SET_IRQS = 8,
    REGION_READ = 9,
    REGION_WRITE = 10,
    DEVICE_RESET = 13,
  };

  struct Header
  {
    uint16_t id, command;
    uint32_t size, flags, error;
  };
  static constexpr uint32_t REPLY = 1, NO_REPLY = 0x10, ERROR = 0x20;

  struct Access
  {
    uint64_t offset;
    uint32_t region, count;
  };

  std::string path_;
  std::vector<Bar> bars_;
  int listener_ = -1;
  pid_t pid_ = -1;
  std::vector<uint8_t> config_, registers_;

  void
  listen ()
  {
    struct sockaddr_un address = {};

    address.sun_family = AF_UNIX;
    if (path_.size () >= sizeof address.sun_path)
      std::abort ();
    memcpy (address.sun_path, path_.c_str (), path_.size () + 1);
    unlink (path_.c_str ());
    listener_ = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind (listener_, reinterpret_cast<struct sockaddr *> (&address), sizeof address) != 0 ||
        ::listen (listener_, 1) != 0)
      std::abort ();
  }

  [[noreturn]] void
  serve ()
  {
    for (;;)
      {
        const int client = accept (listener_, nullptr, nullptr);

        if (client < 0)
          _exit (1);
        reset ();
        while (answer (client))
          ;
        close (client);
      }
  }

  static bool
  is_large (const Bar &bar)
  {
    return bar.size >= 65536;
  }
  void
  reset ()
  {
    config_.assign (256, 0);
    registers_.assign (4096, 0);
    put<uint16_t> (config_, 0, VENDOR);
    put<uint16_t> (config_, 2, DEVICE);
    config_[0xb] = 0xff; /* of no class that there is */
    for (const Bar &bar : bars_)
      config_[0x10 + 4 * bar.index] = is_large (bar) ? 0xc : 0; /* 64-bit, prefetchable */
  }
  template <typename T>
  static void
  put (std::vector<uint8_t> &bytes, size_t at, T value)
  {
    if (bytes.size () < at + sizeof value)
      bytes.resize (at + sizeof value);
    memcpy (&bytes[at], &value, sizeof value);
  }

  /* What came with it are descriptors of the guest's memory, which nobody here reads. */
  static bool
  receive (int client, void *data, size_t size)
  {
    char *at = static_cast<char *> (data);

    while (size > 0)
      {
        char control[CMSG_SPACE (16 * sizeof (int))];
        struct iovec piece = { at, size };
        struct msghdr message = {};

        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t n = recvmsg (client, &message, MSG_CMSG_CLOEXEC);
        if (n <= 0)
          return false;
        for (struct cmsghdr *c = CMSG_FIRSTHDR (&message); c; c = CMSG_NXTHDR (&message, c))
          close_all (c);
        at += n;
        size -= static_cast<size_t> (n);
      }
    return true;
  }
  static void
  close_all (const struct cmsghdr *control)
  {
    for (size_t i = 0; CMSG_LEN ((i + 1) * sizeof (int)) <= control->cmsg_len; i++)
      {
        int fd;
        memcpy (&fd, CMSG_DATA (control) + i * sizeof fd, sizeof fd);
        close (fd);
      }
  }

  /* Answers one message; false at the end of the connection. */
  bool
  answer (int client)
  {
    Header header;

    if (!receive (client, &header, sizeof header) || header.size < sizeof header)
      return false;
    std::vector<uint8_t> payload (header.size - sizeof header);
    if (!receive (client, payload.data (), payload.size ()))
      return false;
    payload.resize (std::max<size_t> (payload.size (), 32)); /* so that nothing is read beyond it */

    std::vector<uint8_t> reply;
    const bool known = execute (header.command, payload, reply);
    if ((header.flags & NO_REPLY) != 0)
      return true;
    header.size = static_cast<uint32_t> (sizeof header + reply.size ());
    header.flags = known ? REPLY : REPLY | ERROR;
    header.error = known ? 0 : EINVAL;
    reply.insert (reply.begin (), reinterpret_cast<uint8_t *> (&header),
                  reinterpret_cast<uint8_t *> (&header + 1));
    return send (client, reply.data (), reply.size (), MSG_NOSIGNAL) ==
           static_cast<ssize_t> (reply.size ());
  }
  /* Puts what there is to say into @reply; false when it does not know the command. */
  bool
  execute (uint16_t command, const std::vector<uint8_t> &payload, std::vector<uint8_t> &reply)
  {
    uint32_t index;
    memcpy (&index, &payload[8], sizeof index);

    switch (command)
      {
      case VERSION:
        reply.assign (payload.begin (), payload.begin () + 4);
        for (char c : std::string (R"({"capabilities":{"max_msg_fds":8}})"))
          reply.push_back (static_cast<uint8_t> (c));
        reply.push_back (0);
        return true;
      case DMA_MAP:
      case DEVICE_SET_IRQS:
      case DEVICE_RESET:
        return true;
      case DMA_UNMAP:
        reply.assign (payload.begin (), payload.begin () + 24);
        return true;
      case DEVICE_GET_INFO:
        put<uint32_t> (reply, 0, 16);
        put<uint32_t> (reply, 4, 3); /* it is PCI, and can be reset */
        put<uint32_t> (reply, 8, N_REGIONS);
        put<uint32_t> (reply, 12, N_IRQS);
        return true;
      case DEVICE_GET_REGION_INFO:
        put<uint32_t> (reply, 0, 32);
        put<uint32_t> (reply, 4, size_of (index) > 0 ? 3 : 0); /* read and write */
        put<uint32_t> (reply, 8, index);
        put<uint32_t> (reply, 12, 0);
        put<uint64_t> (reply, 16, size_of (index));
        put<uint64_t> (reply, 24, 0);
        return true;
      case DEVICE_GET_IRQ_INFO:
        put<uint32_t> (reply, 0, 16);
        put<uint32_t> (reply, 4, 0);
        put<uint32_t> (reply, 8, index);
        put<uint32_t> (reply, 12, 0);
        return true;
      case REGION_READ:
      case REGION_WRITE:
        access (command == REGION_WRITE, payload, reply);
        return true;
      default:
        return false;
      }
  }
  uint64_t
  size_of (uint32_t region) const
  {
    if (region == CONFIG_REGION)
      return config_.size ();
    for (const Bar &bar : bars_)
      if (bar.index == region)
        return bar.size;
    return 0;
  }
  void
  access (bool writes, const std::vector<uint8_t> &payload, std::vector<uint8_t> &reply)
  {
    Access access;
    memcpy (&access, payload.data (), sizeof access);
    std::vector<uint8_t> &bytes = access.region == CONFIG_REGION ? config_ : registers_;
    const size_t given = payload.size () - sizeof access;

    reply.assign (payload.begin (), payload.begin () + sizeof access);
    for (uint32_t i = 0; i < access.count && i < 65536; i++)
      {
        const uint64_t at = access.offset + i;
        const bool exists = at < bytes.size ();

        if (!writes)
          reply.push_back (exists ? bytes[at] : 0);
        else if (exists && i < given && is_writable (access.region, at))
          bytes[at] = payload[sizeof access + i];
      }
  }
  /* Of the configuration: command, cache line, interrupt line. The BARs are QEMU's own to keep. */
  static bool
  is_writable (uint32_t region, uint64_t at)
  {
    return region != CONFIG_REGION || at == 4 || at == 5 || at == 0xc || at == 0x3c;
  }
};
