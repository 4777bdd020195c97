#include "launcher/error.h"
#include "launcher/wrapper/runtime-channel.h"
#include "launcher/wrapper/waiting-room.h"

#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace
{

/* Returns a socket connected to @path, or -1. */
int
connect_to (const std::string &path)
{
  struct sockaddr_un address = { AF_UNIX, "" };
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  path.copy (address.sun_path, sizeof address.sun_path - 1);
  if (connect (fd, reinterpret_cast<struct sockaddr *> (&address), sizeof address) == 0)
    return fd;
  close (fd);
  return -1;
}

bool
is_hung_up (int fd)
{
  struct pollfd end = { fd, POLLIN, 0 };
  char byte;

  return poll (&end, 1, 2000) == 1 && read (fd, &byte, 1) == 0;
}

bool
is_socket (const std::string &path)
{
  struct stat st;

  return lstat (path.c_str (), &st) == 0 && S_ISSOCK (st.st_mode);
}

class RuntimeChannel : public testing::Test
{
protected:
  RuntimeChannel ()
  {
    run_dir_ = vp_run_dir_create (folder_.path ("").c_str (), "vm", nullptr);
    if (run_dir_ == nullptr)
      std::abort ();
  }
  ~RuntimeChannel () override
  {
    vp_run_dir_remove (run_dir_);
    g_clear_error (&error_);
  }

  TempFolder folder_;
  VpRunDir *run_dir_ = nullptr;
  GError *error_ = nullptr;
};

struct Row
{
  const char *name;
  const char *word;   /* with PATH for the path */
  const char *result; /* nullptr: refused */
};

const Row rows[] = {
  { "qmp", "unix:PATH,server=on,wait=off", "unix:fd=77,server=on,wait=off" },
  { "qmp_alone", "unix:PATH", "unix:fd=77" },
  { "qmp_old_words", "unix:PATH,server,nowait", "unix:fd=77,server,nowait" },
  { "chardev", "socket,id=c,path=PATH,server=on,wait=off", "socket,id=c,fd=77,server=on,wait=off" },
  { "chardev_last", "socket,id=c,server=on,path=PATH", "socket,id=c,server=on,fd=77" },
  { "comma_in_path", "unix:PATH,,x,server=on", "unix:fd=77,server=on" },
  { "key_like_path", "socket,id=path=,xpath=1,path=PATH", "socket,id=path=,xpath=1,fd=77" },
  { "no_path", "socket,id=c,server=on", nullptr },
};

class RuntimePath : public RuntimeChannel, public testing::WithParamInterface<Row>
{
};

/* QEMU is told of another socket by the one word, and all else stands as it was. */
TEST_P (RuntimePath, OneWordChanges)
{
  const std::string path = folder_.path ("qmp.sock");
  std::string word = GetParam ().word;
  size_t at = word.find ("PATH");
  if (at != std::string::npos)
    word.replace (at, 4, path);
  const char *argv[] = { "qemu", "-S", "-qmp", word.c_str (), "-m", "1G", nullptr };
  VpForeignQmp qmp = { VP_FOREIGN_QMP_PATH, -1, const_cast<char *> (path.c_str ()), 3, FALSE };
  g_autoptr (VpRuntimeChannel) channel = vp_runtime_channel_new (&qmp, -1, &error_);
  g_autoptr (VpHandOver) hand_over = vp_hand_over_new (const_cast<char **> (argv));

  ASSERT_NE (channel, nullptr) << error_->message;
  EXPECT_TRUE (is_socket (path));
  if (GetParam ().result == nullptr)
    {
      EXPECT_FALSE (vp_runtime_channel_divert (channel, run_dir_, hand_over, 77, &error_));
      return;
    }
  ASSERT_TRUE (vp_runtime_channel_divert (channel, run_dir_, hand_over, 77, &error_))
      << error_->message;
  EXPECT_STREQ (hand_over->argv[3], GetParam ().result);
  EXPECT_STREQ (hand_over->argv[5], "1G");
  ASSERT_EQ (hand_over->fds->len, 1u);
  EXPECT_EQ (g_array_index (hand_over->numbers, int, 0), 77);
}

INSTANTIATE_TEST_SUITE_P (Table, RuntimePath, testing::ValuesIn (rows), name_of_row<Row>);

/* A listener that QEMU inherits has a number, under which it finds ours: no word changes. */
TEST_F (RuntimeChannel, AnInheritedListenerChangesNoWord)
{
  const char *argv[] = { "qemu", "-qmp", "unix:fd=3,server=on,wait=off", nullptr };
  VpForeignQmp qmp = { VP_FOREIGN_QMP_LISTENER, 3, nullptr, 2, FALSE };
  int listener = socket (AF_UNIX, SOCK_STREAM, 0);
  g_autoptr (VpRuntimeChannel) channel = vp_runtime_channel_new (&qmp, listener, &error_);
  g_autoptr (VpHandOver) hand_over = vp_hand_over_new (const_cast<char **> (argv));

  ASSERT_NE (channel, nullptr) << error_->message;
  ASSERT_TRUE (vp_runtime_channel_divert (channel, run_dir_, hand_over, 77, &error_));
  EXPECT_STREQ (hand_over->argv[2], argv[2]);
  EXPECT_EQ (g_array_index (hand_over->numbers, int, 0), 3);
  EXPECT_NE (g_array_index (hand_over->fds, int, 0), listener);

  int taken = vp_runtime_channel_take_listener (channel);
  EXPECT_EQ (taken, listener);
  EXPECT_EQ (vp_runtime_channel_take_listener (channel), -1);
  close (taken);
}

TEST_F (RuntimeChannel, ASocketThatWasLeftIsReplacedAndOursRemoved)
{
  const std::string path = folder_.path ("qmp.sock");
  VpForeignQmp qmp = { VP_FOREIGN_QMP_PATH, -1, const_cast<char *> (path.c_str ()), 0, FALSE };

  for (int i = 0; i < 2; i++)
    {
      VpRuntimeChannel *channel = vp_runtime_channel_new (&qmp, -1, &error_);

      ASSERT_NE (channel, nullptr) << error_->message;
      int client = connect_to (path);
      EXPECT_GE (client, 0);
      if (i == 1)
        vp_runtime_channel_free (channel);
      else
        close (vp_runtime_channel_take_listener (channel)); /* as one that was killed leaves it */
      close (client);
    }
  EXPECT_FALSE (is_socket (path));
}

TEST_F (RuntimeChannel, AFileInTheWayIsNotRemoved)
{
  const std::string path = folder_.write ("qmp.sock", "precious");
  VpForeignQmp qmp = { VP_FOREIGN_QMP_PATH, -1, const_cast<char *> (path.c_str ()), 0, FALSE };

  EXPECT_EQ (vp_runtime_channel_new (&qmp, -1, &error_), nullptr);
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_HOST));
  EXPECT_EQ (access (path.c_str (), F_OK), 0);
}

TEST_F (RuntimeChannel, APathThatIsTooLongIsRefused)
{
  const std::string path = folder_.path (std::string (120, 'x'));
  VpForeignQmp qmp = { VP_FOREIGN_QMP_PATH, -1, const_cast<char *> (path.c_str ()), 0, FALSE };

  EXPECT_EQ (vp_runtime_channel_new (&qmp, -1, &error_), nullptr);
  EXPECT_NE (std::string (error_->message).find ("at most 107 bytes"), std::string::npos);
}

TEST_F (RuntimeChannel, WhatIsNoListeningSocketIsRefused)
{
  VpForeignQmp qmp = { VP_FOREIGN_QMP_OTHER, -1, nullptr, 0, FALSE };

  EXPECT_EQ (vp_runtime_channel_new (&qmp, -1, &error_), nullptr);
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_USAGE));
}

/* Contract of container runtimes: who has connected before QEMU was there hears its end. */
TEST_F (RuntimeChannel, WhoWaitsIsHungUpOn)
{
  const std::string path = folder_.path ("qmp.sock");
  VpForeignQmp qmp = { VP_FOREIGN_QMP_PATH, -1, const_cast<char *> (path.c_str ()), 0, FALSE };
  g_autoptr (VpRuntimeChannel) channel = vp_runtime_channel_new (&qmp, -1, &error_);
  int listener = vp_runtime_channel_take_listener (channel);
  std::vector<int> clients = { connect_to (path), connect_to (path) };
  int flags = fcntl (listener, F_GETFL);

  vp_waiting_room_clear (listener);
  for (int client : clients)
    {
      ASSERT_GE (client, 0);
      EXPECT_TRUE (is_hung_up (client));
      close (client);
    }
  EXPECT_EQ (fcntl (listener, F_GETFL), flags) << "it is the runtime's socket, too";
  vp_waiting_room_clear (listener); /* nobody waits, and neither do we */
  close (listener);
}

} // namespace
