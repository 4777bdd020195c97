#pragma once

#include "qmp/server.h"
#include "tests/support/fake-qmp.h"

#include <cstdlib>
#include <gio/gunixsocketaddress.h>
#include <gtest/gtest.h>
#include <sys/un.h>
#include <unistd.h>

/* What a refusal says. */
inline JsonObject *
failure (const char *klass, const char *desc)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "class", klass);
  json_object_set_string_member (object, "desc", desc);
  return object;
}

/* A server that knows four commands: echo, refuse, nothing, later. */
class QmpServer : public testing::Test
{
protected:
  VpQmpServer *server = nullptr;
  std::vector<VpQmpCall *> calls; /* of "later", unanswered */
  std::function<void ()> during_call;

  void
  SetUp () override
  {
    char pattern[] = "/tmp/vmplug-qmp-XXXXXX";
    folder_ = mkdtemp (pattern);
    path_ = folder_ + "/control";
    g_autoptr (GSocket) listener = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
                                                 G_SOCKET_PROTOCOL_DEFAULT, nullptr);
    g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path_.c_str ());
    ASSERT_TRUE (g_socket_bind (listener, address, FALSE, nullptr));
    g_socket_set_listen_backlog (listener, 128);
    ASSERT_TRUE (g_socket_listen (listener, nullptr));

    JsonObject *greeting = json_object_new ();
    json_object_set_string_member (greeting, "version", "test");
    server = vp_qmp_server_new (listener, greeting, on_call, this);
  }
  void
  TearDown () override
  {
    stop ();
    for (VpQmpCall *call : calls)
      vp_qmp_call_return (call, nullptr);
    unlink (path_.c_str ());
    rmdir (folder_.c_str ());
  }
  void
  stop ()
  {
    if (server == nullptr)
      return;
    vp_qmp_server_close (server);
    g_object_add_weak_pointer (G_OBJECT (server), reinterpret_cast<gpointer *> (&server));
    g_object_unref (server);
    run_pending ();
    EXPECT_EQ (server, nullptr) << "something still holds the server";
  }

  const std::string &
  folder () const
  {
    return folder_;
  }
  /* A connected socket, or -1. */
  int
  connect_fd (int fd = -1)
  {
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    g_strlcpy (address.sun_path, path_.c_str (), sizeof address.sun_path);
    if (fd < 0)
      fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect (fd, reinterpret_cast<struct sockaddr *> (&address), sizeof address) == 0)
      return fd;
    close (fd);
    return -1;
  }
  /* A client that was greeted. */
  std::unique_ptr<QmpPeer>
  greeted ()
  {
    auto peer = std::make_unique<QmpPeer> (connect_fd ());
    EXPECT_EQ (peer->hear_line (), "{\"QMP\":{\"version\":\"test\"}}");
    return peer;
  }
  /* A client that has finished its handshake. */
  std::unique_ptr<QmpPeer>
  ready ()
  {
    auto peer = greeted ();
    peer->say_line ("{\"execute\":\"qmp_capabilities\"}");
    EXPECT_EQ (peer->hear_line (), "{\"return\":{}}");
    return peer;
  }

private:
  static void
  on_call (VpQmpServer *, VpQmpCall *call, gpointer user_data)
  {
    auto *self = static_cast<QmpServer *> (user_data);
    const std::string command = vp_qmp_call_get_command (call);
    JsonObject *arguments = vp_qmp_call_get_arguments (call);

    if (self->during_call)
      self->during_call ();
    if (command == "echo")
      vp_qmp_call_return (call, json_node_init_object (json_node_alloc (), arguments));
    else if (command == "nothing")
      vp_qmp_call_return (call, nullptr);
    else if (command == "later")
      self->calls.push_back (call);
    else if (command == "refuse")
      {
        JsonObject *object = failure ("DeviceNotFound", "no such device");
        json_object_set_string_member (object, "code", "device-not-found");
        vp_qmp_call_fail (call, object);
      }
    else
      vp_qmp_call_fail (call, failure ("CommandNotFound", command.c_str ()));
  }

  std::string folder_;
  std::string path_;
};
