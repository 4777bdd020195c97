#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/vfio-user.h"

#include "tests/support/as-user.h"
#include "tests/support/hotplug-test.h"
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

/* A running VM, to which another is attached. */
class VfioUserAttach : public Hotplug
{
protected:
  void
  SetUp () override
  {
    Hotplug::SetUp ();
    ASSERT_TRUE (vp_config_set (blueprint_.config, "shared-memory", "on", nullptr));
  }
  /* QEMU hears nothing of it. */
  void
  attach_fails (const char *text, GQuark domain, int code, const std::string &why)
  {
    Outcome outcome;

    attach (text, &outcome);
    ASSERT_TRUE (run_until ([&] { return outcome.done; }));
    ASSERT_TRUE (g_error_matches (outcome.error, domain, code));
    EXPECT_EQ (outcome.error->message, why);
    EXPECT_EQ (qemu_.unheard (), "");
  }
  void
  is_refused_while (const std::string &state)
  {
    attach_fails ("vfio-user,socket=/s,id=other", VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE,
                  "vfio-user /s: the VM already has it for that server, which is " + state);
    EXPECT_EQ (all_states (), "it " + state);
  }
};

TEST_F (VfioUserAttach, MemoryThatNobodyElseCanMapIsNoGround)
{
  blueprint_.config->shared_memory = FALSE;
  attach_fails ("vfio-user,socket=/s", VP_ERROR, VP_ERROR_STATE,
                "vfio-user /s: its server could not map the memory of this VM: start the VM with "
                "--shared-memory on");
  EXPECT_EQ (spare (), 2u);
}

/* A second client would have to wait, and the guest with it. */
TEST_F (VfioUserAttach, AServerIsAskedForOneDevice)
{
  Outcome attached, detached, another, again;

  attach ("vfio-user,socket=/s,id=it", &attached);
  is_refused_while ("queued");
  vp_hotplug_set_ready (hotplug_);
  Heard add = qemu_.hear ("device_add");
  is_refused_while ("adding");
  qemu_.reply (add);
  show_bars ("it", MAPPED, attached.done);
  is_refused_while ("usable");

  attach ("vfio-user,socket=/another", &another);
  qemu_.reply (qemu_.hear ("device_add"));
  show_bars ("vfio-user-pci0", MAPPED, another.done);
  EXPECT_EQ (another.text ("state"), "usable");
  detach ("vfio-user-pci0", &another);
  qemu_.reply (qemu_.hear ("device_del"));
  qemu_.event ("DEVICE_DELETED", R"({"device":"vfio-user-pci0","path":"/x"})");
  ASSERT_TRUE (run_until ([&] { return all_states () == "it usable"; }));

  detach ("it", &detached);
  Heard remove = qemu_.hear ("device_del");
  is_refused_while ("pending-removal");
  qemu_.reply (remove);
  qemu_.event ("DEVICE_DELETED", R"({"device":"it","path":"/x"})");
  ASSERT_TRUE (run_until ([&] { return detached.done; }));

  attach ("vfio-user,socket=/s,id=it", &again);
  Heard once_more = qemu_.hear ("device_add");
  EXPECT_EQ (once_more.argument ("driver"), "vfio-user-pci");
  qemu_.reply (once_more);
  show_bars ("it", MAPPED, again.done);
  EXPECT_EQ (again.text ("state"), "usable");
}

} // namespace
