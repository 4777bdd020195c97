#include "tests/e2e/failure.h"
#include "tests/e2e/tree.h"
#include "tests/e2e/vm.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <sys/socket.h>

/* "vmplug run" and "vmplug plan": what they print, what QEMU makes of it, and what comes of a QEMU
 * that does not start. */

namespace
{

using Args = std::vector<std::string>;

/* One end of a socket, and a number for the other. */
class Line
{
public:
  explicit Line (int number) : number_ (number)
  {
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_) != 0)
      std::abort ();
  }
  ~Line ()
  {
    for (int fd : fds_)
      if (fd >= 0)
        close (fd);
  }
  Line (const Line &) = delete;
  Line &operator= (const Line &) = delete;

  /* In a child: gives it the other end under its number. */
  void
  hand_over () const
  {
    if (dup2 (fds_[1], number_) < 0)
      _exit (125);
  }
  void
  say (const std::string &text) const
  {
    EXPECT_EQ (send (fds_[0], text.data (), text.size (), MSG_NOSIGNAL),
               static_cast<ssize_t> (text.size ()));
  }
  bool
  hears (const std::string &text)
  {
    bool is_closed = false;

    eventually ([&] {
      char piece[4096];
      const ssize_t n = recv (fds_[0], piece, sizeof piece, MSG_DONTWAIT);
      heard_.append (piece, n > 0 ? static_cast<size_t> (n) : 0);
      is_closed = n == 0;
      return is_closed || heard_.find (text) != std::string::npos;
    });
    return !is_closed;
  }
  /* When the child has its own, or the end of it would not be seen. */
  void
  close_other_end ()
  {
    close (std::exchange (fds_[1], -1));
  }
  const std::string &
  heard () const
  {
    return heard_;
  }

private:
  const int number_;
  int fds_[2];
  std::string heard_;
};

/* Runs a printed command line as a user would who copies it into a shell. */
void
expect_qemu_takes (const std::string &command)
{
  /* Above the numbers that the child gets, so that none is overwritten before it is moved. */
  const int spare[] = { open ("/dev/null", O_RDONLY | O_CLOEXEC),
                        open ("/dev/null", O_RDONLY | O_CLOEXEC) };
  Line qmp (3), console (4);
  const pid_t pid = fork ();
  int status;

  if (pid == 0)
    {
      qmp.hand_over ();
      console.hand_over ();
      execlp ("sh", "sh", "-c", ("exec " + command).c_str (), nullptr);
      _exit (126);
    }
  qmp.close_other_end ();
  EXPECT_TRUE (qmp.hears ("\"QMP\"")) << command;
  qmp.say ("{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-status\"}");
  EXPECT_TRUE (qmp.hears ("\"status\": \"prelaunch\"")) << qmp.heard ();
  qmp.say ("{\"execute\":\"quit\"}");
  EXPECT_TRUE (eventually ([&] { return waitpid (pid, &status, WNOHANG) == pid; }));
  EXPECT_EQ (status, 0) << command;
  for (int fd : spare)
    close (fd);
}

class Plan : public testing::Test
{
protected:
  FakeSysfs host;
  TempFolder files;

  void
  SetUp () override
  {
    host.pci ("0000:41:00.0")
        .ids (0x10de, 0x20b5)
        .class_code (0x030200)
        .driver ("vfio-pci")
        .group (40);
    host.pci ("0000:41:00.0")
        .bars (
            { { 0, FakeBar::MEM32, 16u << 20 }, { 1, FakeBar::MEM64_PREF, uint64_t{ 64 } << 30 } });
    host.add_group_node (40);
  }
  Outcome
  vmplug (const Args &args)
  {
    return VmplugProgram::run (args, host.root ());
  }
};

TEST_F (Plan, ChangesNothing)
{
  const auto before = tree_of (host.root ());

  for (const Args &args : {
           Args{ "plan", "--device", "/dev/vfio/40", "--device", "rng" },
           Args{ "plan", "--json", "--device", "41:00.0" },
           Args{ "run", "--dry-run", "--device", "/dev/vfio/40" },
           Args{ "run", "--dry-run", "--json", "--device", "/dev/vfio/40" },
           Args{ "devices" },
           Args{ "list" },
       })
    {
      const Outcome outcome = vmplug (args);
      EXPECT_EQ (outcome.status, 0) << outcome;
      EXPECT_EQ (outcome.err, "") << outcome;
      EXPECT_NE (outcome.out, "") << outcome;
    }
  EXPECT_EQ (tree_of (host.root ()), before);
}

TEST_F (Plan, SaysWhereADeviceGoesAndWhy)
{
  const Outcome outcome =
      vmplug ({ "plan", "--json", "--device", "/dev/vfio/40,id=gpu", "--device", "rng,id=dice" });
  const Json plan = Json::parse (outcome.out);
  const Json gpu = plan["devices"].find ("id", "gpu"), dice = plan["devices"].find ("id", "dice");

  EXPECT_EQ (outcome.status, 0) << outcome;
  EXPECT_EQ (plan["machine"].text (), "q35");
  EXPECT_EQ (gpu["plug"].text (), "cold");
  EXPECT_EQ (gpu["ref"].text (), "/dev/vfio/40");
  EXPECT_EQ (gpu["address"].text (), "0000:41:00.0");
  EXPECT_NE (gpu["reason"].text ().find ("64 GiB"), std::string::npos) << gpu;
  EXPECT_EQ (dice["plug"].text (), "hot");
  EXPECT_EQ (plan["ports"].size (), 6u) << "two devices and four spare";
  EXPECT_EQ (plan["command"].at (0).text (), "qemu-system-x86_64");
}

TEST_F (Plan, IsDrawnByGraphviz)
{
  const Outcome outcome = vmplug ({ "plan", "--dot", "--name", "a-vm", "--device",
                                    "/dev/vfio/40,id=gpu", "--device", "rng,id=dice" });
  const std::string graph = files.write ("graph.dot", outcome.out);
  g_autofree char *picture = nullptr, *words = nullptr;
  g_autoptr (GError) error = nullptr;
  const char *dot[] = { "dot", "-Tsvg", graph.c_str (), nullptr };
  int status = -1;

  ASSERT_EQ (outcome.status, 0) << outcome;
  ASSERT_TRUE (g_spawn_sync (nullptr, const_cast<char **> (dot), nullptr, G_SPAWN_SEARCH_PATH,
                             nullptr, nullptr, &picture, &words, &status, &error))
      << error->message << " (scripts/setup installs graphviz)";
  EXPECT_EQ (status, 0) << words;
  for (const char *shown : { "<svg", ">gpu<", ">BAR 0 16 MiB, BAR 1 64 GiB<", ">dice<", ">port6<" })
    EXPECT_NE (strstr (picture, shown), nullptr) << shown << " is not in the picture";
}

/* What is printed is what would be run: QEMU takes it, with everything that it can have. */
TEST_F (Plan, ThePrintedCommandStartsInQemu)
{
  const std::string content (1 << 20, '\0');
  std::string disk = files.write ("a disk, with 'all' of it", content);
  disk.insert (disk.find (','), ",");

  for (const std::string machine : { "q35", "pc" })
    {
      const Outcome outcome = vmplug ({ "run",
                                        "--dry-run",
                                        "--accel",
                                        "tcg",
                                        "--machine",
                                        machine,
                                        "--name",
                                        "a-name",
                                        "--smp",
                                        "2",
                                        "--memory",
                                        "256M",
                                        "--kernel",
                                        guest_file ("vmlinuz"),
                                        "--initrd",
                                        guest_file ("initrd"),
                                        "--append",
                                        "a=\"b c\" d='e' $f \\",
                                        "--disk",
                                        disk,
                                        "--disk",
                                        files.write ("$2", content) + ",snapshot",
                                        "--nic",
                                        "user",
                                        "--share",
                                        files.make_folder ("it's") + ",tag=t",
                                        "--device",
                                        "qemu,driver=nvme,serial=x y,plug=cold",
                                        "--device",
                                        "rng,plug=cold",
                                        "--spare",
                                        "2",
                                        "--",
                                        "-uuid",
                                        "11111111-2222-3333-4444-555555555555" });

      EXPECT_EQ (outcome.status, 0) << outcome;
      EXPECT_EQ (outcome.out.find ('\n'), outcome.out.size () - 1) << outcome;
      expect_qemu_takes (outcome.out);
    }
}

TEST (Run, DetachStatusStop)
{
  Vm vm;

  ASSERT_TRUE (vm.start ({ "--spare", "3" }));
  const Json status = vm.status ();
  EXPECT_EQ (status["name"].text (), "vm");
  EXPECT_EQ (status["state"].text (), "running");
  EXPECT_EQ (status["accel"].text (), "tcg");
  EXPECT_EQ (status["pid"].number (), vm.qemu ());
  EXPECT_EQ (status["control"].text (), vm.run_dir () / "control");
  EXPECT_GE (status["uptime"].real (), 0);
  EXPECT_EQ (status["devices"].size (), 0u);
  EXPECT_EQ (status["ports"]["total"].number (), 3);
  EXPECT_EQ (status["ports"]["spare"].number (), 3);
  EXPECT_EQ (vm.ask ({ "list" })["vms"].at (0)["name"].text (), "vm");
  EXPECT_NE (vm.vmplug ({ "status", "vm" }).out.find ("running"), std::string::npos);
  EXPECT_NE (vm.vmplug ({ "list" }).out.find ("vm "), std::string::npos);

  const auto before = tree_of (vm.host.root ());
  expect_failure (vm.vmplug ({ "run", "--detach", "--json", "--name", "vm", "--accel", "tcg" }), 2,
                  { "a VM named vm is running" });
  expect_failure (vm.vmplug ({ "run", "--name", "vm", "--accel", "tcg" }), 2,
                  { "a VM named vm is running" });
  EXPECT_EQ (tree_of (vm.host.root ()), before);
  EXPECT_EQ (vm.status ()["pid"].number (), vm.qemu ()) << "the first one is disturbed";

  const Outcome stop = vm.vmplug ({ "stop", "--force", "vm" });
  EXPECT_EQ (stop.status, 0) << stop;
  EXPECT_EQ (process_state (vm.qemu ()), 'X') << "QEMU is there after the stop";
  EXPECT_FALSE (vm.is_there ());
  EXPECT_TRUE (ends (vm.supervisor (), 20));
  for (const char *command : { "stop", "status", "console", "events" })
    expect_failure (vm.vmplug ({ command, "vm" }), 5, { "no VM named vm" });
  EXPECT_EQ (vm.ask ({ "list" })["vms"].size (), 0u);
}

TEST (Run, PausedAndContinued)
{
  Vm vm;

  ASSERT_TRUE (vm.start ());
  for (const auto &[command, state] :
       { std::pair{ "stop", "paused" }, std::pair{ "cont", "running" } })
    {
      EXPECT_EQ (vm.vmplug ({ "qmp", "vm", command }).out, "{}\n");
      EXPECT_TRUE (eventually ([&] { return vm.status ()["state"].text () == state; })) << state;
    }
  EXPECT_EQ (Json::parse (vm.vmplug ({ "qmp", "vm", "query-status" }).out)["status"].text (),
             "running");
}

TEST (Run, TwoSideBySide)
{
  Vm vm;

  ASSERT_TRUE (vm.start ());
  const Json other = vm.ask ({ "run", "--detach", "--name", "other", "--accel", "tcg" });
  const Json vms = vm.ask ({ "list" })["vms"];
  EXPECT_EQ (vms.size (), 2u) << vms;
  EXPECT_EQ (vms.at (0)["name"].text () + " " + vms.at (1)["name"].text (), "other vm");

  EXPECT_EQ (vm.vmplug ({ "stop", "--force", "other" }).status, 0);
  EXPECT_TRUE (ends (static_cast<pid_t> (other["supervisor"].number ()), 20));
  EXPECT_EQ (vm.ask ({ "list" })["vms"].size (), 1u);
  EXPECT_EQ (vm.status ()["pid"].number (), vm.qemu ());
}

/* QEMU says what is wrong, and then a hint on a line of its own. */
TEST (Run, ADiskThatIsInUseIsNamedAsTheCause)
{
  TempFolder files;
  const std::string disk = files.write ("disk", std::string (1 << 20, '\0'));
  Vm vm;

  ASSERT_TRUE (vm.start ({ "--disk", disk }));
  expect_failure (vm.vmplug ({ "run", "--name", "other", "--accel", "tcg", "--disk", disk }), 4,
                  { "Failed to get", "lock" });
}

/* QEMU's end before the handshake: exit status 4, its own words, and nothing left. */
struct BadStart
{
  const char *name;
  Args args;
  int status;
  Args texts;
};
std::ostream &
operator<< (std::ostream &stream, const BadStart &row)
{
  return stream << row.name;
}
class RunFails : public testing::TestWithParam<BadStart>
{
};
const BadStart bad_starts[] = {
  { "cpu", { "--cpu", "nonsense" }, 4, { "unable to find CPU model 'nonsense'" } },
  { "option", { "--", "-garbage" }, 4, { "-garbage: invalid option" } },
  { "file", { "--", "no-such-file" }, 4, { "no-such-file", "No such file or directory" } },
  { "device", { "--device", "qemu,driver=e1000x,plug=cold" }, 4, { "e1000x" } },
  { "property", { "--device", "qemu,driver=e1000e,plug=cold,colour=red" }, 4, { "colour" } },
  { "two_lines_of_it", { "--", "-device", "e1000e,mac=x,addr=1c" }, 4, { "mac" } },
  { "more_memory_than_there_is", { "--memory", "64T" }, 4, { "memory" } },
  { "not_qemu", { "--qemu", "/bin/false" }, 4, { "ended with status 1" } },
  { "says_nothing", { "--qemu", "/bin/true" }, 4, { "ended with status 0" } },
  { "not_a_program", { "--qemu", "/etc/passwd" }, 3, { "/etc/passwd" } },
  { "no_qemu", { "--qemu", "/no/such/qemu" }, 3, { "/no/such/qemu" } },
  { "no_qemu_in_path", { "--qemu", "no-such-qemu" }, 3, { "no-such-qemu" } },
  { "no_kernel", { "--kernel", "/no/such/kernel" }, 3, { "/no/such/kernel" } },
};
INSTANTIATE_TEST_SUITE_P (Table, RunFails, testing::ValuesIn (bad_starts), name_of_row<BadStart>);

TEST_P (RunFails, AndLeavesNothing)
{
  FakeSysfs host;
  const std::filesystem::path vms = std::filesystem::path (host.root ()) / "run/vmplug/vms";

  for (const Args &how :
       { Args{ "run" }, Args{ "run", "--detach" }, Args{ "run", "--detach", "--json" } })
    {
      const Outcome outcome = VmplugProgram::run (
          how + Args{ "--name", "vm", "--accel", "tcg" } + GetParam ().args, host.root ());
      expect_failure (outcome, GetParam ().status, GetParam ().texts);
      EXPECT_TRUE (!std::filesystem::exists (vms) || std::filesystem::is_empty (vms));
    }
}

/* What is printed must arrive: a full disk is no success. */
TEST (Run, AFullStdoutIsAFailure)
{
  FakeSysfs host;
  TempFolder folder;
  const std::string err = folder.path ("err");
  const pid_t pid = fork ();
  int status;

  if (pid == 0)
    {
      setenv ("VMPLUG_ROOT", host.root (), 1);
      execlp ("sh", "sh", "-c", "exec \"$1\" plan >/dev/full 2>\"$2\"", "sh", VMPLUG_PROGRAM,
              err.c_str (), nullptr);
      _exit (126);
    }
  ASSERT_EQ (waitpid (pid, &status, 0), pid);
  EXPECT_EQ (WEXITSTATUS (status), 1);
  std::ostringstream text;
  text << std::ifstream (err).rdbuf ();
  EXPECT_EQ (text.str (), "vmplug: standard output: No space left on device\n");
}

} // namespace
