#include "launcher/error.h"
#include "launcher/vm/passt.h"

#include "tests/support/fake-passt.h"
#include "tests/support/fake-qmp.h"

#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>

namespace
{

/* A passt that says what it was started with to whoever holds the other end, and then ends with it
 * or when it is killed. */
class Passt : public testing::Test
{
protected:
  FakePasst program{ "trap '' TERM\necho \"$@\" >&3\nread -r line <&3\n" };
  int fd = -1;
  GError *error = nullptr;

  void
  TearDown () override
  {
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
  g_setenv ("PATH", "/nowhere", TRUE); /* program puts it right */
  EXPECT_EQ (vp_passt_start (&fd, &error), nullptr);
  ASSERT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
  EXPECT_STREQ (error->message, "passt: not in PATH: install the Debian package passt");
  EXPECT_EQ (fd, -1);
}

TEST (PasstThatCannotRun, IsToldInItsOwnLastWords)
{
  const FakePasst program ("echo 'a warning' >&2; echo 'no namespace for me' >&2; exit 1\n");
  g_autoptr (GError) error = nullptr;
  int fd = -1;

  EXPECT_EQ (vp_passt_start (&fd, &error), nullptr);
  ASSERT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
  EXPECT_STREQ (error->message, "passt ended at once: no namespace for me");
  EXPECT_EQ (fd, -1);
}

/* Whatever the guest has it say: it goes on, and we keep a little of it. */
TEST (PasstThatTalksWithoutEnd, IsLeftAlone)
{
  const FakePasst program ("i=0; while [ $i -lt 2000 ]; do echo 'word after word' >&2; i=$((i+1)); "
                           "done; read -r line <&3\n");
  g_autoptr (GError) error = nullptr;
  int fd = -1;
  g_autoptr (VpPasst) passt = vp_passt_start (&fd, &error);

  ASSERT_NE (passt, nullptr) << error->message;
  EXPECT_NE (vp_passt_get_pid (passt), 0);
  close (fd);
  EXPECT_TRUE (run_until ([&] { return vp_passt_get_pid (passt) == 0; }));
}

} // namespace
