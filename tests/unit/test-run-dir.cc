#include "launcher/error.h"
#include "launcher/vm/run-dir.h"

#include "tests/support/as-user.h"
#include "tests/support/row-name.h"

#include <atomic>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gio/gio.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace
{

namespace fs = std::filesystem;

constexpr uid_t NOBODY = 65534;

std::vector<std::string>
list (const std::string &root)
{
  g_auto (GStrv) names = vp_run_dir_list (root.c_str ());
  return { names, names + g_strv_length (names) };
}

int
mode_of (const fs::path &path)
{
  struct stat st;
  return lstat (path.c_str (), &st) == 0 ? static_cast<int> (st.st_mode & 07777) : -1;
}

int
count_fds ()
{
  int n = 0;
  for (const auto &entry : fs::directory_iterator ("/proc/self/fd"))
    n += entry.path ().empty () ? 0 : 1;
  return n;
}

class RunDir : public testing::Test
{
protected:
  RunDir ()
  {
    std::string pattern = (fs::temp_directory_path () / "vmplug-run-XXXXXX").string ();
    if (mkdtemp (pattern.data ()) == nullptr)
      std::abort ();
    root = pattern;
    vms = root / "run/vmplug/vms";
  }
  ~RunDir () override
  {
    g_clear_error (&error);
    EXPECT_EQ (count_fds (), n_fds) << "a descriptor is left";
    fs::remove_all (root);
  }

  VpRunDir *
  create (const char *name)
  {
    g_clear_error (&error);
    return vp_run_dir_create (root.c_str (), name, &error);
  }
  int
  connect (const char *name, const char *socket_name = "control")
  {
    g_clear_error (&error);
    return vp_run_dir_connect (root.c_str (), name, socket_name, &error);
  }
  bool
  failed_with (int code)
  {
    return g_error_matches (error, VP_ERROR, code);
  }

  const int n_fds = count_fds ();
  fs::path root, vms;
  GError *error = nullptr;
};

TEST_F (RunDir, IsPrivateListedAndGoneWithoutATrace)
{
  VpRunDir *dir = create ("vm1");

  ASSERT_NE (dir, nullptr) << error->message;
  EXPECT_EQ (vp_run_dir_get_path (dir), vms / "vm1");
  for (const fs::path &folder : { vms.parent_path (), vms, vms / "vm1" })
    EXPECT_EQ (mode_of (folder), 0700) << folder;
  EXPECT_EQ (list (root), std::vector<std::string>{ "vm1" });

  vp_run_dir_remove (dir);
  EXPECT_FALSE (fs::exists (vms / "vm1"));
  EXPECT_TRUE (list (root).empty ());
}

TEST_F (RunDir, ARelativeRootGivesAnAbsolutePath)
{
  const fs::path before = fs::current_path ();

  fs::current_path (root);
  VpRunDir *dir = vp_run_dir_create (".", "vm1", &error);
  fs::current_path (before);
  ASSERT_NE (dir, nullptr) << error->message;
  EXPECT_EQ (vp_run_dir_get_path (dir), vms / "vm1");
  vp_run_dir_remove (dir);
}

TEST_F (RunDir, ALiveNameIsTaken)
{
  g_autoptr (VpRunDir) first = create ("vm1");
  ASSERT_NE (first, nullptr);
  std::ofstream (vms / "vm1/console.log") << "mine";

  EXPECT_EQ (create ("vm1"), nullptr);
  EXPECT_TRUE (failed_with (VP_ERROR_EXISTS));
  EXPECT_STREQ (error->message, "a VM named vm1 is running");
  EXPECT_TRUE (fs::exists (vms / "vm1/console.log"));

  g_autoptr (VpRunDir) second = create ("vm0");
  EXPECT_NE (second, nullptr);
  EXPECT_EQ (list (root), (std::vector<std::string>{ "vm0", "vm1" }));
}

TEST_F (RunDir, LeftoversOfADeadSupervisorAreRemoved)
{
  vp_run_dir_free (create ("vm1"));
  fs::create_directories (vms / "vm1/a/b");
  std::ofstream (vms / "vm1/a/b/file") << "x";
  fs::create_symlink (root, vms / "vm1/a/link");
  std::ofstream (root / "precious") << "x";
  EXPECT_TRUE (list (root).empty ());

  g_autoptr (VpRunDir) dir = create ("vm1");
  ASSERT_NE (dir, nullptr) << error->message;
  EXPECT_FALSE (fs::exists (vms / "vm1/a"));
  EXPECT_TRUE (fs::exists (root / "precious")) << "a link was followed";
}

TEST_F (RunDir, AKilledSupervisorGivesItsNameFree)
{
  int ready[2];
  char byte;
  ASSERT_EQ (pipe (ready), 0);
  pid_t pid = fork ();
  if (pid == 0)
    {
      if (vp_run_dir_create (root.c_str (), "vm1", nullptr) == nullptr ||
          write (ready[1], "x", 1) != 1)
        _exit (1);
      pause ();
    }
  ASSERT_EQ (read (ready[0], &byte, 1), 1);

  EXPECT_EQ (create ("vm1"), nullptr);
  EXPECT_TRUE (failed_with (VP_ERROR_EXISTS));
  EXPECT_EQ (list (root), std::vector<std::string>{ "vm1" });

  kill (pid, SIGKILL);
  waitpid (pid, nullptr, 0);
  g_autoptr (VpRunDir) dir = create ("vm1");
  EXPECT_NE (dir, nullptr) << error->message;
  close (ready[0]);
  close (ready[1]);
}

TEST_F (RunDir, ALockIsNotInheritedByWhatIsStarted)
{
  VpRunDir *dir = create ("vm1");
  const char *argv[] = { "sleep", "60", nullptr };
  GPid pid;
  ASSERT_TRUE (g_spawn_async (nullptr, const_cast<char **> (argv), nullptr,
                              GSpawnFlags (G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                                           G_SPAWN_LEAVE_DESCRIPTORS_OPEN),
                              nullptr, nullptr, &pid, &error));
  vp_run_dir_free (dir);

  /* execve() lets the parent go on a moment before it closes the child's descriptors */
  dir = nullptr;
  for (int i = 0; i < 100 && dir == nullptr; i++, g_usleep (10000))
    dir = create ("vm1");
  EXPECT_NE (dir, nullptr);
  vp_run_dir_free (dir);
  kill (pid, SIGKILL);
  waitpid (pid, nullptr, 0);
}

/* Four processes start and end a VM of one name as fast as they can, a fifth lists. There is never
 * more than one owner, and nobody sees anything but success or "is running". */
TEST_F (RunDir, OfManyAtOnceOneWins)
{
  struct Shared
  {
    std::atomic<int> owners, wins, refusals, wrong;
  };
  auto *shared = static_cast<Shared *> (
      mmap (nullptr, sizeof (Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC;
  std::vector<pid_t> pids;

  for (int i = 0; i < 4; i++)
    {
      pid_t pid = fork ();
      if (pid == 0)
        {
          while (g_get_monotonic_time () < end)
            {
              GError *why = nullptr;
              VpRunDir *dir = vp_run_dir_create (root.c_str (), "vm1", &why);
              if (dir == nullptr)
                {
                  g_error_matches (why, VP_ERROR, VP_ERROR_EXISTS) ? shared->refusals++
                                                                   : shared->wrong++;
                  g_clear_error (&why);
                  continue;
                }
              if (shared->owners++ != 0 || !fs::exists (vms / "vm1/lock"))
                shared->wrong++;
              shared->wins++;
              shared->owners--;
              if (shared->wins % 2 == 0)
                vp_run_dir_remove (dir);
              else
                vp_run_dir_free (dir);
            }
          _exit (0);
        }
      pids.push_back (pid);
    }
  while (g_get_monotonic_time () < end)
    list (root);
  for (pid_t pid : pids)
    waitpid (pid, nullptr, 0);

  EXPECT_EQ (shared->wrong, 0);
  EXPECT_GT (shared->wins, 100);
  EXPECT_GT (shared->refusals, 100) << "they never met";
  munmap (shared, sizeof (Shared));
}

/* What a container runtime calls a sandbox: longer than an id of QEMU's may be. */
TEST_F (RunDir, IsMadeForSixtyFourDigits)
{
  const std::string name = "sandbox-" + std::string (64, 'f');
  g_autoptr (VpRunDir) dir = vp_run_dir_create (root.c_str (), name.c_str (), &error);

  ASSERT_NE (dir, nullptr) << error->message;
  EXPECT_EQ (list (root), std::vector<std::string>{ name });
}

struct NameRow
{
  const char *name;
  const char *vm;
};
class RunDirName : public RunDir, public testing::WithParamInterface<NameRow>
{
};
const NameRow bad_names[] = {
  { "empty", "" },
  { "dot", "." },
  { "dot_dot", ".." },
  { "slash", "a/b" },
  { "way_out", "../../etc" },
  { "absolute", "/etc" },
  { "newline", "vm\n" },
  { "digit_first", "1vm" },
  { "too_long", "a2222222222222222222222222222222222222222222222222222222222222222222222222222222"
                "2222222222222222222222222222222222222222222222222" },
};
INSTANTIATE_TEST_SUITE_P (Bad, RunDirName, testing::ValuesIn (bad_names), name_of_row<NameRow>);

TEST_P (RunDirName, IsRefused)
{
  EXPECT_EQ (create (GetParam ().vm), nullptr);
  EXPECT_TRUE (failed_with (VP_ERROR_USAGE));
  EXPECT_FALSE (fs::exists (root / "run")) << "something was made";
  EXPECT_EQ (connect (GetParam ().vm), -1);
  EXPECT_TRUE (failed_with (VP_ERROR_NO_VM));
}

/* What somebody else may have put in the way, in a folder where everybody may write. */
struct PlantedRow
{
  const char *name;
  const char *where; /* below root/run */
  enum
  {
    LINK,
    FILE_,
    FOREIGN,
    OPEN_TO_ALL,
  } what;
  const char *message;
};
class RunDirPlanted : public RunDir, public testing::WithParamInterface<PlantedRow>
{
};
const PlantedRow planted[] = {
  { "base_link", "vmplug", PlantedRow::LINK, "not a folder, or a link to one" },
  { "base_file", "vmplug", PlantedRow::FILE_, "not a folder, or a link to one" },
  { "base_foreign", "vmplug", PlantedRow::FOREIGN, "belongs to uid 65534, not to uid 0" },
  { "base_open", "vmplug", PlantedRow::OPEN_TO_ALL, "other users may write to it (mode 0777)" },
  { "vms_link", "vmplug/vms", PlantedRow::LINK, "not a folder, or a link to one" },
  { "vms_foreign", "vmplug/vms", PlantedRow::FOREIGN, "belongs to uid 65534, not to uid 0" },
  { "vm_link", "vmplug/vms/vm1", PlantedRow::LINK, "not a folder, or a link to one" },
  { "vm_foreign", "vmplug/vms/vm1", PlantedRow::FOREIGN, "belongs to uid 65534, not to uid 0" },
  { "vm_open", "vmplug/vms/vm1", PlantedRow::OPEN_TO_ALL, "other users may write to it" },
  { "lock_link", "vmplug/vms/vm1/lock", PlantedRow::LINK, "Too many levels of symbolic links" },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          RunDirPlanted,
                          testing::ValuesIn (planted),
                          name_of_row<PlantedRow>);

TEST_P (RunDirPlanted, IsRefusedAndLeftAlone)
{
  const fs::path where = root / "run" / GetParam ().where;
  const fs::path target = root / "elsewhere";

  if (GetParam ().what == PlantedRow::FOREIGN && geteuid () != 0)
    GTEST_SKIP () << "only root can give a folder away";

  for (fs::path up = where.parent_path (); up != root; up = up.parent_path ())
    {
      fs::create_directories (up);
      chmod (up.c_str (), 0700);
    }
  fs::create_directories (target);
  std::ofstream (target / "precious") << "x";
  switch (GetParam ().what)
    {
    case PlantedRow::LINK:
      fs::create_directory_symlink (target, where);
      break;
    case PlantedRow::FILE_:
      std::ofstream (where) << "x";
      break;
    case PlantedRow::FOREIGN:
      fs::create_directory (where);
      ASSERT_EQ (chown (where.c_str (), NOBODY, NOBODY), 0);
      break;
    case PlantedRow::OPEN_TO_ALL:
      fs::create_directory (where);
      ASSERT_EQ (chmod (where.c_str (), 0777), 0);
      break;
    }

  EXPECT_EQ (create ("vm1"), nullptr);
  EXPECT_TRUE (failed_with (VP_ERROR_HOST));
  ASSERT_NE (error, nullptr);
  EXPECT_NE (strstr (error->message, GetParam ().message), nullptr) << error->message;
  EXPECT_TRUE (fs::exists (fs::symlink_status (where)));
  EXPECT_EQ (std::distance (fs::directory_iterator (target), fs::directory_iterator ()), 1);

  EXPECT_EQ (connect ("vm1"), -1);
  EXPECT_TRUE (failed_with (VP_ERROR_NO_VM));
  EXPECT_TRUE (list (root).empty ());
}

TEST_F (RunDir, SocketsWorkBehindALongPath)
{
  root /= std::string (200, 'd');
  vms = root / "run/vmplug/vms";
  fs::create_directories (root);
  VpRunDir *dir = create ("vm1");
  ASSERT_NE (dir, nullptr) << error->message;

  EXPECT_EQ (connect ("vm1"), -1);
  EXPECT_TRUE (failed_with (VP_ERROR_NO_VM));
  EXPECT_STREQ (error->message,
                "vm1 does not take connections (control): it is starting or ending");

  int listening = vp_run_dir_listen (dir, "control", &error);
  ASSERT_GE (listening, 0) << error->message;
  EXPECT_EQ (mode_of (vms / "vm1/control"), 0600);

  int here = connect ("vm1");
  ASSERT_GE (here, 0) << error->message;
  int there = accept4 (listening, nullptr, nullptr, SOCK_CLOEXEC);
  ASSERT_GE (there, 0);
  EXPECT_EQ (write (here, "ping", 4), 4);
  char text[8] = "";
  EXPECT_EQ (read (there, text, sizeof text), 4);
  EXPECT_STREQ (text, "ping");

  for (int fd : { listening, here, there })
    {
      EXPECT_NE (fcntl (fd, F_GETFD) & FD_CLOEXEC, 0);
      close (fd);
    }
  vp_run_dir_remove (dir);
  root = root.parent_path ();
}

TEST_F (RunDir, AStaleSocketIsReplaced)
{
  VpRunDir *dir = create ("vm1");
  close (vp_run_dir_listen (dir, "control", nullptr));
  EXPECT_EQ (connect ("vm1"), -1) << "nobody listens there any more";
  EXPECT_TRUE (failed_with (VP_ERROR_NO_VM));

  int listening = vp_run_dir_listen (dir, "control", &error);
  ASSERT_GE (listening, 0) << error->message;
  int here = connect ("vm1");
  EXPECT_GE (here, 0);
  close (here);
  close (listening);
  vp_run_dir_remove (dir);
}

TEST_F (RunDir, ASocketWithoutASupervisorIsNoVm)
{
  VpRunDir *dir = create ("vm1");
  int listening = vp_run_dir_listen (dir, "control", nullptr);
  vp_run_dir_free (dir);

  EXPECT_EQ (connect ("vm1"), -1);
  EXPECT_TRUE (failed_with (VP_ERROR_NO_VM));
  EXPECT_STREQ (error->message, "no VM named vm1 is running");
  close (listening);
}

TEST_F (RunDir, LogsAreNewAndPrivate)
{
  g_autoptr (VpRunDir) dir = create ("vm1");
  int fd = vp_run_dir_open_log (dir, "qemu.log", &error);
  ASSERT_GE (fd, 0) << error->message;
  EXPECT_EQ (mode_of (vms / "vm1/qemu.log"), 0600);
  EXPECT_NE (fcntl (fd, F_GETFL) & O_APPEND, 0);
  close (fd);

  EXPECT_EQ (vp_run_dir_open_log (dir, "qemu.log", &error), -1) << "not new";
  EXPECT_TRUE (failed_with (VP_ERROR_HOST));
  g_clear_error (&error);

  fs::create_symlink (root / "stolen", vms / "vm1/console.log");
  EXPECT_EQ (vp_run_dir_open_log (dir, "console.log", &error), -1);
  EXPECT_FALSE (fs::exists (root / "stolen"));
}

struct BaseRow
{
  const char *name;
  const char *root;
  uid_t uid;
  const char *runtime_dir; /* NULL: unset; made and given to runtime_owner when below /tmp */
  uid_t runtime_owner;
  const char *base;
};
class RunDirBase : public testing::TestWithParam<BaseRow>
{
};
const BaseRow bases[] = {
  { "root", "/", 0, nullptr, 0, "/run/vmplug" },
  { "root_ignores_the_variable", "/", 0, "/tmp/vmplug-test-xdg", 0, "/run/vmplug" },
  { "user", "/", 12345, "/tmp/vmplug-test-xdg", 12345, "/tmp/vmplug-test-xdg/vmplug" },
  { "user_without", "/", 12345, nullptr, 0, "/tmp/vmplug-12345" },
  { "user_relative", "/", 12345, "tmp", 0, "/tmp/vmplug-12345" },
  { "user_missing", "/", 12345, "/nowhere", 0, "/tmp/vmplug-12345" },
  { "left_over_by_su", "/", 12345, "/tmp/vmplug-test-xdg", 0, "/tmp/vmplug-12345" },
  { "test_root", "/some/root/", 12345, "/tmp/vmplug-test-xdg", 12345, "/some/root/run/vmplug" },
  { "slashes", "///", 12345, nullptr, 0, "/tmp/vmplug-12345" },
};
INSTANTIATE_TEST_SUITE_P (Table, RunDirBase, testing::ValuesIn (bases), name_of_row<BaseRow>);

TEST_P (RunDirBase, IsWhereTheUserMayWrite)
{
  const BaseRow &row = GetParam ();

  if (geteuid () != 0)
    GTEST_SKIP () << "only root can become another user";

  if (row.runtime_dir != nullptr && g_str_has_prefix (row.runtime_dir, "/tmp/"))
    {
      fs::create_directories (row.runtime_dir);
      ASSERT_EQ (chown (row.runtime_dir, row.runtime_owner, 0), 0);
    }
  EXPECT_EQ (as_user (row.uid,
                      [&row] {
                        if (row.runtime_dir != nullptr)
                          setenv ("XDG_RUNTIME_DIR", row.runtime_dir, 1);
                        else
                          unsetenv ("XDG_RUNTIME_DIR");
                        g_autofree char *base = vp_run_dir_base (row.root);
                        if (strcmp (base, row.base) == 0)
                          return 0;
                        fprintf (stderr, "%s\n", base);
                        return 1;
                      }),
             0);
  fs::remove_all ("/tmp/vmplug-test-xdg");
}

} // namespace
