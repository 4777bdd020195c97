#include "tests/e2e/failure.h"
#include "tests/e2e/vm.h"
#include "tests/support/temp-folder.h"

#include <map>
#include <set>
#include <sys/stat.h>

/* How a VM comes to its end, and what its processes are until then. No guest is needed for that:
 * a machine that finds nothing to boot goes on running. */

namespace
{

using Args = std::vector<std::string>;
namespace fs = std::filesystem;

constexpr uid_t NOBODY = 65534;

/* "vmplug run" in the foreground. */
class Foreground : public testing::Test
{
protected:
  FakeSysfs host;
  std::unique_ptr<VmplugProgram> program;
  pid_t qemu = -1;

  /* Waits until it has said that it runs. */
  void
  run (const Args &options = {})
  {
    const std::string mark = "QEMU is pid ";

    program = std::make_unique<VmplugProgram> (
        Args{ "run", "--name", "vm", "--accel", "tcg" } + options, host.root ());
    program->close_stdin ();
    ASSERT_TRUE (program->watch ([&] { return program->err ().find (mark) != std::string::npos; }))
        << program->wait ();
    qemu = static_cast<pid_t> (
        std::stol (program->err ().substr (program->err ().find (mark) + mark.size ())));
    ASSERT_NE (process_state (qemu), 'X');
  }
  Outcome
  wait_for_end ()
  {
    const Outcome outcome = program->wait ();
    EXPECT_TRUE (ends (qemu, 5)) << "QEMU has outlived its supervisor";
    EXPECT_FALSE (fs::exists (run_dir ()));
    return outcome;
  }
  fs::path
  run_dir () const
  {
    return fs::path (host.root ()) / "run/vmplug/vms/vm";
  }
};

TEST_F (Foreground, ASecondSignalClimbsAndTheFirstIsTheStatus)
{
  for (const auto &[first, second, status] : {
           std::tuple{ SIGINT, SIGINT, 130 },
           std::tuple{ SIGTERM, SIGINT, 143 },
           std::tuple{ SIGHUP, SIGTERM, 129 },
       })
    {
      run ();
      program->signal (first);
      EXPECT_FALSE (program->watch ([] { return false; }, 1) || process_state (qemu) == 'X')
          << "nobody powers off here";
      EXPECT_TRUE (fs::exists (run_dir ()));

      /* system_powerdown would be waited for half a minute. */
      const auto start = std::chrono::steady_clock::now ();
      program->signal (second);
      const Outcome outcome = wait_for_end ();
      EXPECT_EQ (outcome.status, status) << outcome;
      EXPECT_LT (std::chrono::steady_clock::now () - start, std::chrono::seconds (25));
    }
}

TEST_F (Foreground, SignalsInARowReachTheTopOfTheLadder)
{
  run ();
  kill (qemu, SIGSTOP);
  for (int i = 0; i < 4; i++)
    {
      program->signal (SIGINT);
      program->watch ([] { return false; }, 0.3);
    }
  const Outcome outcome = wait_for_end ();
  EXPECT_EQ (outcome.status, 130) << outcome;
}

TEST_F (Foreground, QemuThatIsKilledIsAFailureThatSaysSo)
{
  run ();
  kill (qemu, SIGKILL);
  const Outcome outcome = wait_for_end ();
  EXPECT_EQ (outcome.status, 5) << outcome;
  EXPECT_TRUE (outcome.says ("\nvmplug: QEMU is gone, and nobody asked it to: killed by signal 9"))
      << outcome;
}

TEST_F (Foreground, QemuThatSomebodyElseEndsIsAFailureToo)
{
  run ();
  kill (qemu, SIGTERM);
  const Outcome outcome = wait_for_end ();
  EXPECT_EQ (outcome.status, 5) << outcome;
  EXPECT_TRUE (outcome.says ("QEMU is gone, and nobody asked it to")) << outcome;
}

TEST_F (Foreground, StopFromElsewhereIsAGoodEnd)
{
  run ();
  const Outcome stop = VmplugProgram::run ({ "stop", "--force", "vm" }, host.root ());
  EXPECT_EQ (stop.status, 0) << stop;
  const Outcome outcome = wait_for_end ();
  EXPECT_EQ (outcome.status, 0) << outcome;
}

/* The VM goes on, or ends, but is not left half dead. */
TEST_F (Foreground, AStdoutThatIsGoneDoesNoHarm)
{
  run (guest_options ());
  ASSERT_TRUE (program->wait_for ("guest: ready", Guest::SECONDS));
  program->close_stdout ();

  Guest guest (run_dir ());
  guest.wait_until_ready ();
  EXPECT_EQ (guest.run ("echo $((6 * 7))"), "42\n");
  guest.say ("poweroff -f\n");
  EXPECT_EQ (program->wait ().status, 0);
}

TEST (Supervisor, QemuDiesWithItAndTheNameIsFree)
{
  Vm vm;
  ASSERT_TRUE (vm.start ());

  kill (vm.supervisor (), SIGKILL);
  EXPECT_TRUE (ends (vm.supervisor (), 20));
  EXPECT_TRUE (ends (vm.qemu (), 20)) << "QEMU has outlived its supervisor";
  EXPECT_EQ (vm.ask ({ "list" })["vms"].size (), 0u);
  expect_failure (vm.vmplug ({ "status", "vm", "--json" }), 5, { "no VM named vm" });

  EXPECT_TRUE (vm.start ());
  EXPECT_EQ (vm.status ()["state"].text (), "running");
}

TEST (Supervisor, EndsInOrderWhenItsQemuIsKilled)
{
  Vm vm;
  ASSERT_TRUE (vm.start ());
  VmplugProgram events ({ "events", "vm" }, vm.host.root ());
  ASSERT_TRUE (events.wait_for ("VMPLUG_STATUS"));

  kill (vm.qemu (), SIGKILL);
  EXPECT_TRUE (ends (vm.supervisor (), 20));
  EXPECT_FALSE (vm.is_there ());
  EXPECT_EQ (events.wait ().status, 0);
}

/* It answers nobody, and nobody waits for it for ever. */
TEST (Supervisor, ClientsOfOneThatHangsGiveUp)
{
  Vm vm;
  ASSERT_TRUE (vm.start ());
  kill (vm.supervisor (), SIGSTOP);

  const auto start = std::chrono::steady_clock::now ();
  std::vector<std::unique_ptr<VmplugProgram>> clients;
  for (const Args &args : {
           Args{ "status", "vm" },
           Args{ "status", "vm", "--json" },
           Args{ "attach", "vm", "rng" },
           Args{ "detach", "vm", "rng0" },
           Args{ "events", "vm" },
           Args{ "qmp", "vm", "query-status" },
           Args{ "stop", "vm" },
           Args{ "stop", "--force", "vm" },
       })
    clients.push_back (std::make_unique<VmplugProgram> (args, vm.host.root ()));
  for (const auto &client : clients)
    expect_failure (client->wait (), 5, { "vm" });
  EXPECT_LT (std::chrono::steady_clock::now () - start, std::chrono::seconds (20))
      << "five seconds and what the machine needs";

  const Json list = vm.ask ({ "list" });
  EXPECT_EQ (list["vms"].at (0)["name"].text (), "vm") << "it is not gone either: " << list;
  expect_failure (vm.vmplug ({ "run", "--name", "vm", "--accel", "tcg" }), 2, { "is running" });

  kill (vm.supervisor (), SIGCONT);
  EXPECT_EQ (vm.status ()["state"].text (), "running");
}

/* What a process has open: number -> target. */
std::map<int, std::string>
open_files (pid_t pid)
{
  std::map<int, std::string> files;
  std::error_code gone;

  for (const auto &entry : fs::directory_iterator ("/proc/" + std::to_string (pid) + "/fd"))
    files[std::stoi (entry.path ().filename ())] = fs::read_symlink (entry.path (), gone).string ();
  return files;
}

std::string
status_line (pid_t pid, const std::string &name)
{
  std::ifstream status ("/proc/" + std::to_string (pid) + "/status");

  for (std::string line; std::getline (status, line);)
    if (line.rfind (name + ":", 0) == 0)
      return line.substr (line.find_first_not_of ("\t ", name.size () + 1));
  return "none";
}

TEST (Processes, QemuGetsItsOwnFilesAndNoPrivileges)
{
  TempFolder folder;
  const std::string ours = folder.write ("ours", "");
  /* As a shell leaves one open: exec 9>lock */
  const int inherited = open (ours.c_str (), O_RDWR);
  Vm vm;

  ASSERT_TRUE (vm.start ());
  const auto qemu = open_files (vm.qemu ()), supervisor = open_files (vm.supervisor ());
  std::set<std::string> shared;
  for (const auto &[fd, target] : supervisor)
    if (target.rfind ("anon_inode:", 0) != 0 && target != "/dev/null")
      shared.insert (target);

  for (int fd = 0; fd <= 4; fd++)
    EXPECT_EQ (qemu.count (fd), 1u) << fd;
  EXPECT_EQ (qemu.at (0), "/dev/null");
  EXPECT_EQ (qemu.at (3).rfind ("socket:", 0), 0u) << qemu.at (3);
  EXPECT_EQ (qemu.at (4).rfind ("socket:", 0), 0u) << qemu.at (4);
  for (const auto &[fd, target] : qemu)
    {
      EXPECT_EQ (target.find (vm.host.root ()), std::string::npos) << fd << " is " << target;
      EXPECT_NE (target, ours) << fd;
      /* 2 is the pipe that its messages are read from. */
      EXPECT_TRUE (fd == 2 || shared.count (target) == 0)
          << fd << " is the supervisor's " << target;
    }

  EXPECT_EQ (status_line (vm.qemu (), "Seccomp"), "2");
  EXPECT_EQ (status_line (vm.qemu (), "NoNewPrivs"), "1");
  const unsigned long blocked = std::stoul (status_line (vm.qemu (), "SigBlk"), nullptr, 16);
  for (int number : { SIGHUP, SIGINT, SIGTERM })
    EXPECT_EQ (blocked >> (number - 1) & 1, 0u) << "signal " << number << " is blocked";
  close (inherited);
}

/* Apart from the one that GLib starts with the first GTask. */
TEST (Processes, TheSupervisorHasNoThreads)
{
  Vm vm;
  ASSERT_TRUE (vm.start ());
  EXPECT_EQ (vm.vmplug ({ "attach", "vm", "rng", "--timeout", "0" }).status, 7);

  std::multiset<std::string> names;
  EXPECT_TRUE (eventually (
      [&] {
        names.clear ();
        for (const auto &entry :
             fs::directory_iterator ("/proc/" + std::to_string (vm.supervisor ()) + "/task"))
          {
            std::string name;
            std::getline (std::ifstream (entry.path () / "comm"), name);
            names.insert (name);
          }
        names.erase ("gmain");
        return names == std::multiset<std::string>{ "vmplug" };
      },
      20))
      << names.size () << " threads, one of them " << *names.begin ();
}

TEST (Processes, TheRunDirIsPrivate)
{
  Vm vm;
  ASSERT_TRUE (vm.start ());

  for (const auto &entry : fs::recursive_directory_iterator (vm.run_dir ().parent_path ()))
    {
      struct stat status;
      ASSERT_EQ (lstat (entry.path ().c_str (), &status), 0);
      EXPECT_EQ (status.st_mode & 07777, entry.is_directory () ? 0700u : 0600u) << entry.path ();
      EXPECT_EQ (status.st_uid, geteuid ()) << entry.path ();
    }
}

/* Root's VM is root's alone; and whoever is not root has VMs of his own. */
TEST (Processes, OneUserDoesNotReachAnothersVm)
{
  const uid_t user = geteuid () == 0 ? NOBODY : geteuid ();
  FakeSysfs host;
  chmod (host.root (), 0755);
  ASSERT_EQ (chown (host.root (), user, static_cast<gid_t> (-1)), 0);
  const auto as_user = [&] (const Args &args) {
    VmplugProgram program (args, host.root (), user);
    program.close_stdin ();
    return program.wait ();
  };

  const Outcome run = as_user ({ "run", "--detach", "--json", "--name", "his", "--accel", "tcg" });
  ASSERT_EQ (run.status, 0) << run;
  EXPECT_EQ (status_line (static_cast<pid_t> (Json::parse (run.out)["pid"].number ()), "Uid")
                 .rfind (std::to_string (user), 0),
             0u);
  EXPECT_EQ (as_user ({ "status", "his" }).status, 0);
  EXPECT_EQ (as_user ({ "stop", "--force", "his" }).status, 0);
  EXPECT_TRUE (ends (static_cast<pid_t> (Json::parse (run.out)["supervisor"].number ()), 20));

  if (user == geteuid ())
    return;
  Vm vm;
  chmod (vm.host.root (), 0755);
  ASSERT_TRUE (vm.start ());
  for (const Args &args : {
           Args{ "status", "vm" },
           Args{ "attach", "vm", "rng" },
           Args{ "console", "vm" },
           Args{ "qmp", "vm", "system_reset" },
           Args{ "stop", "--force", "vm" },
       })
    {
      VmplugProgram program (args, vm.host.root (), user);
      program.close_stdin ();
      expect_failure (program.wait (), 5, { "vm" });
    }
  EXPECT_EQ (vm.status ()["state"].text (), "running");
}

} // namespace
