#pragma once

#include <cstring>
#include <string>
#include <sys/socket.h>

/* Sends as much of @bytes as fits, with @fd beside the first of them unless it is -1. */
inline ssize_t
send_with_fd (int socket, const std::string &bytes, int fd)
{
  alignas (struct cmsghdr) char control[CMSG_SPACE (sizeof fd)] = {};
  struct iovec piece = { const_cast<char *> (bytes.data ()), bytes.size () };
  struct msghdr message = {};

  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (fd >= 0)
    {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      struct cmsghdr *header = CMSG_FIRSTHDR (&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN (sizeof fd);
      memcpy (CMSG_DATA (header), &fd, sizeof fd);
    }
  return sendmsg (socket, &message, MSG_NOSIGNAL);
}
