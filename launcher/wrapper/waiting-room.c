#include "launcher/wrapper/waiting-room.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than any backlog holds; whoever connects again and again does not keep us here. */
#define MAX_CLIENTS 4096

void
vp_waiting_room_clear (int listener)
{
  int flags = fcntl (listener, F_GETFL);

  /* The flag is also that of whoever else has the socket, so it is put back. */
  if (flags < 0 || fcntl (listener, F_SETFL, flags | O_NONBLOCK) < 0)
    return;
  for (guint i = 0; i < MAX_CLIENTS; i++)
    {
      int client = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);

      if (client < 0)
        break;
      close (client);
    }
  fcntl (listener, F_SETFL, flags);
}
