#include "launcher/error.h"
#include "launcher/vm/passt.h"

#include "tests/support/fake-qmp.h"
#include "tests/support/temp-folder.h"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace
{

/* A passt that says what it was started with to whoever holds the other end, and then ends with it
 * or when it is killed. */
class Passt : public testing::Test
{
protected:
  TempFolder folder;
  std::string path = g_getenv ("PATH");
  int fd = -1;
  GError *error = nullptr;

  void
  SetUp () override
  {
    const std::string program = folder.path ("passt");

    g_file_set_contents (program.c_str (),
                         "#!/bin/sh\ntrap '' TERM\necho \"$@\" >&3\nread -r line <&3\n", -1,
                         nullptr);
    chmod (program.c_str (), 0700);
    g_setenv ("PATH", (folder.path ("") + ":" + path).c_str (), TRUE);
  }
  void
  TearDown () override
  {
    g_setenv ("PATH", path.c_str (), TRUE);
    if (fd >= 0)
      close (fd);
    g_clear_error (&error);
  }
  std::string
  hear ()
  {
    char text[256] = {};

    EXPECT_GT (read (fd, text, sizeof text - 1), 0);
    return text;
  }
};

TEST_F (Passt, HoldsTheOtherEndInTheForeground)
{
  g_autoptr (VpPasst) passt = vp_passt_start (&fd, &error);

  ASSERT_NE (passt, nullptr) << error->message;
  EXPECT_EQ (hear (), "--foreground --quiet --fd 3\n");
  EXPECT_EQ (getpgid (vp_passt_get_pid (passt)), vp_passt_get_pid (passt));
  EXPECT_NE (fcntl (fd, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F (Passt, EndsWhenQemuLetsGoAndIsReaped)
{
  g_autoptr (VpPasst) passt = vp_passt_start (&fd, &error);
  const pid_t pid = vp_passt_get_pid (passt);

  hear ();
  close (fd);
  fd = -1;
  EXPECT_TRUE (run_until ([&] { return vp_passt_get_pid (passt) == 0; }));
  EXPECT_EQ (kill (pid, 0), -1);
}

TEST_F (Passt, EndsWithTheObjectAtLast)
{
  VpPasst *passt = vp_passt_start (&fd, &error);
  const pid_t pid = vp_passt_get_pid (passt);

  hear ();
  g_object_unref (passt);
  EXPECT_EQ (kill (pid, 0), -1);
}

TEST_F (Passt, AMissingProgramIsNamedWithItsPackage)
{
  g_setenv ("PATH", "/nowhere", TRUE);
  EXPECT_EQ (vp_passt_start (&fd, &error), nullptr);
  ASSERT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
  EXPECT_STREQ (error->message, "passt: not in PATH: install the Debian package passt");
  EXPECT_EQ (fd, -1);
}

} // namespace
