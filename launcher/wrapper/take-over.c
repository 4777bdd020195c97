#include "launcher/wrapper/take-over.h"

#include "launcher/vm/fd-watch.h"
#include "launcher/wrapper/relay.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct _VpTakeOver
{
  int listener;
  VpTakeOverDevices *devices;
  guint unplug_timeout_ms;
  GSource *accepting; /* (nullable): while there is no client */
  VpRelay *relay;     /* (nullable) */
};

static void wait_for_client (VpTakeOver *self);

static void
on_ended (VpRelay *relay, gpointer user_data)
{
  VpTakeOver *self = user_data;

  g_clear_pointer (&self->relay, vp_relay_free);
  wait_for_client (self);
}

static gboolean
on_client (int fd, GIOCondition condition, gpointer user_data)
{
  VpTakeOver *self = user_data;
  VpTakeOverHost *host = &self->devices->host;
  g_autoptr (GError) error = NULL;
  int client, qemu;

  if (condition & (G_IO_ERR | G_IO_HUP | G_IO_NVAL))
    {
      vp_fd_watch_clear (&self->accepting); /* somebody has shut the listener down */
      return G_SOURCE_REMOVE;
    }
  client = accept4 (fd, NULL, NULL, SOCK_CLOEXEC);
  if (client < 0)
    return G_SOURCE_CONTINUE;

  qemu = host->connect_qemu (host->user_data, &error);
  if (qemu < 0)
    {
      g_message ("a QMP client is hung up on: %s", error != NULL ? error->message : "no QEMU");
      close (client);
      return G_SOURCE_CONTINUE;
    }
  vp_fd_watch_clear (&self->accepting);
  self->relay = vp_relay_new (client, qemu, self->devices, self->unplug_timeout_ms, on_ended, self);
  return G_SOURCE_REMOVE;
}

static void
wait_for_client (VpTakeOver *self)
{
  self->accepting = vp_fd_watch_new (self->listener, G_IO_IN, on_client, self);
}

VpTakeOver *
vp_take_over_new (int listener,
                  VpBusMap *buses,
                  const VpTakeOverHost *host,
                  guint unplug_timeout_ms)
{
  VpTakeOver *self = g_new0 (VpTakeOver, 1);

  self->listener = listener;
  self->devices = vp_take_over_devices_new (buses, host);
  self->unplug_timeout_ms = unplug_timeout_ms;
  wait_for_client (self);
  return self;
}

void
vp_take_over_device_deleted (VpTakeOver *self, const char *id)
{
  if (self->relay == NULL)
    vp_take_over_devices_deleted (self->devices, id);
}

/* The runtime has the same listener: without the shutdown it could still connect, and wait. */
static void
close_listener (int listener)
{
  struct pollfd waiting = { listener, POLLIN, 0 };
  int client;

  shutdown (listener, SHUT_RDWR);
  while (poll (&waiting, 1, 0) > 0 && (client = accept4 (listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
    close (client);
  close (listener);
}

void
vp_take_over_close (VpTakeOver *self)
{
  if (self == NULL)
    return;

  vp_fd_watch_clear (&self->accepting);
  vp_relay_free (self->relay);
  close_listener (self->listener);
  vp_take_over_devices_unref (self->devices);
  g_free (self);
}
