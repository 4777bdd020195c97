#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/vfio-user.h"
#include "qmp/message.h"

#include "tests/support/as-user.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"
#include "tests/support/unix-socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace
{

/* "", or why there is nothing to connect to. */
std::string
check_socket (const std::string &path)
{
  g_autoptr (GError) error = nullptr;

  if (vp_vfio_user_check_socket (path.c_str (), &error))
    return "";
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
  return error->message;
}

/* The status of a VM with one device, of the server at @path. */
JsonObject *
status_with (const std::string &path, const char *state)
{
  const std::string text = R"({"devices":[{"id":"host","state":"usable"},{"id":"it","socket":")" +
                           path + R"(","state":")" + state + R"("}]})";
  return vp_qmp_message_parse (text.c_str (), nullptr);
}

TEST (VfioUser, LooksAtTheSocket)
{
  const TempFolder folder;
  const UnixSocket socket (folder.path ("socket"));

  EXPECT_EQ (check_socket (socket.path ()), "");
  EXPECT_EQ (check_socket (folder.path ("none")), "vfio-user " + folder.path ("none") +
                                                      ": No such file or directory: start its "
                                                      "server first");
  EXPECT_EQ (check_socket (folder.write ("file", "")),
             "vfio-user " + folder.path ("file") + ": not a socket");
  EXPECT_EQ (check_socket (folder.make_folder ("folder")),
             "vfio-user " + folder.path ("folder") + ": not a socket");
  EXPECT_EQ (check_socket (folder.path ("file/socket")), "vfio-user " +
                                                             folder.path ("file/socket") +
                                                             ": Not a directory: start its server "
                                                             "first");
}

TEST (VfioUser, LooksWithoutConnecting)
{
  const TempFolder folder;
  const UnixSocket socket (folder.path ("socket"));

  EXPECT_EQ (check_socket (socket.path ()), "");
  fcntl (socket.fd (), F_SETFL, O_NONBLOCK);
  EXPECT_EQ (accept (socket.fd (), nullptr, nullptr), -1) << "some servers serve one client ever";
}

TEST (VfioUser, WhoMayNotConnectIsTold)
{
  if (geteuid () != 0)
    GTEST_SKIP () << "needs root";
  const TempFolder folder;
  const UnixSocket socket (folder.path ("socket"));
  chmod (folder.path ("").c_str (), 0755);
  chmod (socket.path ().c_str (), 0755);
  const auto is_told = [&] {
    return check_socket (socket.path ()) ==
           "vfio-user " + socket.path () + ": Permission denied: this user may not connect";
  };

  EXPECT_EQ (as_user (65534, [&] { return is_told () ? 1 : 0; }), 1);
  chmod (socket.path ().c_str (), 0777);
  EXPECT_EQ (as_user (65534, [&] { return check_socket (socket.path ()).empty () ? 1 : 0; }), 1);
}

struct QemuRow
{
  const char *name;
  const char *script;
  const char *why; /* the end of the message, or nullptr */
};

const QemuRow qemus[] = {
  { "has_it", "test \"$1 $2\" = '-device vfio-user-pci,help' && echo '  socket=<SocketAddress>'",
    nullptr },
  { "says_no_and_ends_well", "echo \"qemu: Device 'vfio-user-pci' not found\" >&2",
    ": has no vfio-user-pci, which came with QEMU 10.1" },
  { "cannot_run", "echo 'no library'; exit 127",
    "QEMU 10.1: it ended with status 127, and had said \"no library\"" },
};

class VfioUserQemu : public testing::TestWithParam<QemuRow>
{
};

TEST_P (VfioUserQemu, IsAsked)
{
  const TempFolder folder;
  const std::string qemu =
      folder.write ("qemu", std::string ("#!/bin/sh\n") + GetParam ().script + "\n");
  g_autoptr (GError) error = nullptr;

  chmod (qemu.c_str (), 0700);
  EXPECT_EQ (vp_vfio_user_check_qemu (qemu.c_str (), &error), GetParam ().why == nullptr);
  if (GetParam ().why == nullptr)
    return;
  ASSERT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
  EXPECT_EQ (std::string (error->message).rfind ("--qemu " + qemu + ": ", 0), 0u);
  EXPECT_TRUE (g_str_has_suffix (error->message, GetParam ().why)) << error->message;
}

INSTANTIATE_TEST_SUITE_P (Table, VfioUserQemu, testing::ValuesIn (qemus), name_of_row<QemuRow>);

TEST (VfioUser, MemoryThatNobodyElseCanMapIsNoGround)
{
  const TempFolder folder;
  const UnixSocket socket (folder.path ("socket"));
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (JsonObject) status = status_with ("/another", "usable");
  g_autoptr (GError) error = nullptr;

  EXPECT_FALSE (vp_vfio_user_check_attach (config, status, socket.path ().c_str (), &error));
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_STATE));
  EXPECT_NE (strstr (error->message, "--shared-memory on"), nullptr) << error->message;

  ASSERT_TRUE (vp_config_set (config, "shared-memory", "on", nullptr));
  g_clear_error (&error);
  EXPECT_TRUE (vp_vfio_user_check_attach (config, status, socket.path ().c_str (), &error));
  EXPECT_FALSE (vp_vfio_user_check_attach (config, status, folder.path ("none").c_str (), &error));
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
}

/* A second client would have to wait, and the guest with it. */
TEST (VfioUser, AServerIsAskedForOneDevice)
{
  const TempFolder folder;
  const UnixSocket socket (folder.path ("socket"));
  g_autoptr (VpConfig) config = vp_config_new ();
  ASSERT_TRUE (vp_config_set (config, "shared-memory", "on", nullptr));

  for (const char *state : { "usable", "accepted", "pending-removal", "queued" })
    {
      g_autoptr (JsonObject) status = status_with (socket.path (), state);
      g_autoptr (GError) error = nullptr;

      EXPECT_FALSE (vp_vfio_user_check_attach (config, status, socket.path ().c_str (), &error));
      EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE));
      EXPECT_EQ (error->message, "vfio-user " + socket.path () +
                                     ": the VM already has it for that server, which is " + state);
    }
  g_autoptr (JsonObject) failed = status_with (socket.path (), "failed");
  EXPECT_TRUE (vp_vfio_user_check_attach (config, failed, socket.path ().c_str (), nullptr));
}

} // namespace
