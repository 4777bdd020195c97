#include "tests/e2e/sandbox.h"
#include "tests/support/row-name.h"

#include <set>

/* vmplug-qemu in the place of QEMU: what whoever starts it cannot tell from QEMU itself, and what
 * the VM has more than one without it. */

namespace
{

using Args = std::vector<std::string>;
namespace fs = std::filesystem;

const std::string QEMU = "qemu-system-x86_64";

/* Two devices that need nothing of the host: one that has to be there at boot, and one that comes
 * later. */
const std::string DEVICES = "qemu,driver=pci-testdev,membar=16G,id=big,plug=cold;"
                            "qemu,driver=virtio-rng-pci,id=dice,plug=hot";

std::string
content_of (const fs::path &path)
{
  std::ostringstream text;
  text << std::ifstream (path, std::ios::binary).rdbuf ();
  return text.str ();
}

std::vector<std::string>
strings_of (const std::string &text)
{
  std::vector<std::string> strings;
  std::istringstream stream (text);

  for (std::string one; std::getline (stream, one, '\0');)
    strings.push_back (one);
  return strings;
}

fs::path
proc (pid_t pid, const std::string &name)
{
  return fs::path ("/proc") / std::to_string (pid) / name;
}

/* The arguments behind the name of the program. */
Args
arguments_of (pid_t pid)
{
  Args words = strings_of (content_of (proc (pid, "cmdline")));
  words.erase (words.begin (), words.begin () + (words.empty () ? 0 : 1));
  return words;
}

Outcome
run_program (const std::string &program, const Args &args, const std::string &root)
{
  g_autofree char *out = nullptr, *err = nullptr;
  g_autoptr (GError) error = nullptr;
  g_auto (GStrv) environment =
      g_environ_setenv (g_get_environ (), "VMPLUG_ROOT", root.c_str (), TRUE);
  std::vector<char *> argv = { const_cast<char *> (program.c_str ()) };
  Outcome outcome;

  for (const std::string &arg : args)
    argv.push_back (const_cast<char *> (arg.c_str ()));
  argv.push_back (nullptr);
  int status;
  if (!g_spawn_sync (nullptr, argv.data (), environment, G_SPAWN_SEARCH_PATH, nullptr, nullptr,
                     &out, &err, &status, &error))
    throw std::runtime_error (error->message);
  outcome.command = program;
  outcome.status = WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status);
  outcome.out = out;
  outcome.err = err;
  return outcome;
}

/* What only asks QEMU about itself, and what QEMU refuses, is QEMU's. */
struct Probe
{
  const char *name;
  Args args;
};
std::ostream &
operator<< (std::ostream &stream, const Probe &row)
{
  return stream << row.name;
}
class Probes : public testing::TestWithParam<Probe>
{
};
const Probe probes[] = {
  { "version", { "--version" } },
  { "version_with_one_dash", { "-version" } },
  { "machine_help", { "-machine", "help" } },
  { "machine_question", { "-M", "?" } },
  { "cpu_help", { "-cpu", "help" } },
  { "device_help", { "-device", "help" } },
  { "properties_of_a_device", { "-device", "virtio-net-pci,help" } },
  { "help", { "--help" } },
  { "unknown_option", { "-no-such-option" } },
  { "option_without_its_value", { "-machine" } },
};
INSTANTIATE_TEST_SUITE_P (Table, Probes, testing::ValuesIn (probes), name_of_row<Probe>);

TEST_P (Probes, AreAnsweredByQemu)
{
  FakeSysfs host;
  const Outcome ours = run_program (VMPLUG_QEMU_PROGRAM, GetParam ().args, host.root ());
  const Outcome theirs = run_program (QEMU, GetParam ().args, host.root ());

  EXPECT_EQ (ours.out, theirs.out);
  EXPECT_EQ (ours.err, theirs.err);
  EXPECT_EQ (ours.status, theirs.status);
}

/* A QEMU that notes how it was started, and then is one. */
class Recorder
{
public:
  explicit Recorder (const TempFolder &folder) : path (folder.path ("qemu-that-notes"))
  {
    std::ofstream (path) << "#!/bin/sh\n"
                            "[ $# -gt 1 ] || exec " +
                                QEMU +
                                " \"$@\"\n"
                                "for name in cmdline environ status limits stat; do\n"
                                "  cp /proc/$$/$name \"$0.$name\"\n"
                                "done\n"
                                "find /proc/$$/fd -mindepth 1 -printf '%f\\n' >\"$0.fds\"\n"
                                "find /proc/$$/cwd -maxdepth 0 -printf '%l\\n' >\"$0.cwd\"\n"
                                "exec " +
                                QEMU + " \"$@\"\n";
    fs::permissions (path, fs::perms::owner_all);
  }

  const std::string path;

  std::string
  note (const std::string &name) const
  {
    return content_of (path + "." + name);
  }
  std::set<int>
  fds () const
  {
    std::istringstream lines (note ("fds"));
    std::set<int> numbers;
    for (int number; lines >> number;)
      numbers.insert (number);
    return numbers;
  }
  /* Some lines of /proc/PID/status. */
  std::map<std::string, std::string>
  status () const
  {
    std::map<std::string, std::string> lines;
    std::istringstream text (note ("status"));
    for (std::string line; std::getline (text, line);)
      for (const char *name : { "Umask", "PPid", "Uid", "Gid", "Groups", "SigPnd", "SigBlk",
                                "SigIgn", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
                                "NoNewPrivs", "Seccomp", "TracerPid", "Cpus_allowed" })
        if (line.rfind (name + std::string (":"), 0) == 0)
          lines[name] = line;
    return lines;
  }
  /* Process group, session and terminal. */
  std::string
  session () const
  {
    const std::string text = note ("stat");
    std::istringstream fields (text.substr (text.rfind (')') + 1));
    std::string state, parent, group, session, terminal;
    fields >> state >> parent >> group >> session >> terminal;
    return group + " " + session + " " + terminal;
  }
};

class Shape : public testing::TestWithParam<KataRuntime::Shape>
{
};
INSTANTIATE_TEST_SUITE_P (Runtime,
                          Shape,
                          testing::Values (KataRuntime::SHIM,
                                           KataRuntime::RUST,
                                           KataRuntime::DAEMON),
                          [] (const auto &row) { return name_of_shape (row.param); });

TEST_P (Shape, QemuIsStartedAsItWouldBeWithoutUs)
{
  Sandbox direct (GetParam ()), ours (GetParam ());
  const Recorder there (direct.runtime.folder), here (ours.runtime.folder);

  ours.configure ("qemu = \"" + here.path + "\"\n");
  ours.give (DEVICES);
  direct.runtime.environment["VMPLUG_ROOT"] = ours.root ();
  direct.runtime.environment["VMPLUG_DEVICES"] = DEVICES;
  direct.runtime.start (there.path);
  ours.start ();

  EXPECT_EQ (here.note ("environ"), there.note ("environ"));
  EXPECT_EQ (here.note ("limits"), there.note ("limits"));
  EXPECT_EQ (here.status (), there.status ());
  EXPECT_EQ (here.session (), there.session ());
  EXPECT_EQ (here.note ("cwd"),
             GetParam () == KataRuntime::RUST
                 ? fs::path (ours.runtime.folder.path ("")).parent_path ().string () + "\n"
                 : there.note ("cwd"));

  /* As many descriptors as it would have, and QMP's. */
  std::set<int> more = here.fds ();
  for (int number : there.fds ())
    EXPECT_EQ (more.erase (number), 1u) << "QEMU has not got descriptor " << number;
  EXPECT_EQ (more.size (), 1u) << testing::PrintToString (more);

  /* The arguments of the runtime, and ours behind. */
  const Args words = strings_of (here.note ("cmdline"));
  const size_t first = 2; /* /bin/sh and the script */
  ASSERT_GT (words.size (), first + ours.runtime.arguments.size ());
  EXPECT_EQ (words[1], here.path);
  EXPECT_EQ (Args (words.begin () + first,
                   words.begin () + first + static_cast<long> (ours.runtime.arguments.size ())),
             ours.runtime.arguments);
  EXPECT_EQ (ours.runtime.err (), "");
}

TEST_P (Shape, QemuIsTheProcessThatWasSpawnedWithItsFiles)
{
  Sandbox sandbox (GetParam ());

  sandbox.give (DEVICES);
  sandbox.start ();
  const pid_t pid = sandbox.runtime.pid ();
  EXPECT_EQ (pid == sandbox.runtime.child (), GetParam () != KataRuntime::DAEMON);
  EXPECT_EQ (fs::read_symlink (proc (pid, "exe")).filename (), QEMU);
  for (const auto &[number, file] : sandbox.runtime.given ())
    {
      struct stat status;
      if (GetParam () == KataRuntime::RUST && number == KataRuntime::ADDED_FD)
        {
          continue; /* QEMU takes a copy of it, and closes it */
        }
      ASSERT_EQ (stat (proc (pid, "fd/" + std::to_string (number)).c_str (), &status), 0)
          << number << ": " << strerror (errno);
      EXPECT_EQ (std::pair (status.st_dev, status.st_ino), file) << number;
    }
  EXPECT_EQ (sandbox.status ()["pid"].number (), pid);
  EXPECT_EQ (content_of (proc (pid, "task/" + std::to_string (pid) + "/children")), "")
      << "a child that QEMU knows nothing of";
  EXPECT_EQ (sandbox.runtime.stop (), GetParam () == KataRuntime::DAEMON ? 0 : -SIGKILL);
  EXPECT_TRUE (sandbox.runtime.err_ends (2)) << "somebody else holds QEMU's stderr";
  EXPECT_EQ (sandbox.runtime.err (), "");
  sandbox.expect_gone ();
}

/* Without devices there is nothing to do, nor anybody who would do it. */
TEST_P (Shape, WithoutWorkItIsQemuAndNothingElse)
{
  Sandbox sandbox (GetParam ());

  sandbox.runtime.start (VMPLUG_QEMU_PROGRAM);
  EXPECT_EQ (arguments_of (sandbox.runtime.pid ()), sandbox.runtime.arguments);
  EXPECT_EQ (sandbox.vmplug ({ "list" }).out.find (sandbox.name ()), std::string::npos);
  EXPECT_FALSE (fs::exists (sandbox.run_dir ()));
  EXPECT_EQ (sandbox.runtime.stop (), GetParam () == KataRuntime::DAEMON ? 0 : -SIGKILL);
  EXPECT_EQ (sandbox.runtime.err (), "");
}

/* What such a file adds could have the address, the id or the chassis number of anything of ours.
 */
TEST (Opaque, ACommandLineThatCannotBeReadWholeIsLeftAlone)
{
  Sandbox sandbox;
  const std::string file = sandbox.runtime.folder.write ("more.cfg", "[device \"vmplug-port1\"]\n"
                                                                     "driver = \"edu\"\n");

  sandbox.give (DEVICES);
  sandbox.runtime.arguments.insert (sandbox.runtime.arguments.end (), { "-readconfig", file });
  sandbox.runtime.start (VMPLUG_QEMU_PROGRAM);
  EXPECT_EQ (arguments_of (sandbox.runtime.pid ()), sandbox.runtime.arguments);
  EXPECT_FALSE (fs::exists (sandbox.run_dir ()));
  EXPECT_EQ (sandbox.runtime.stop (), -SIGKILL);
  EXPECT_EQ (sandbox.runtime.err ().find ("vmplug-qemu: warning: -readconfig: "), 0u)
      << sandbox.runtime.err ();
}

/* The sidecar is nobody's but its own: it holds no file that another waits for the end of. */
TEST_P (Shape, TheSidecarHoldsNothingOfTheRuntimes)
{
  Sandbox sandbox (GetParam ());

  sandbox.give (DEVICES);
  sandbox.start ();
  const pid_t sidecar = sandbox.sidecar ();
  std::set<std::pair<dev_t, ino_t>> theirs;
  for (const auto &[number, file] : sandbox.runtime.given ())
    theirs.insert (file);
  for (const auto &entry : fs::directory_iterator (proc (sidecar, "fd")))
    {
      struct stat status;
      const int number = std::stoi (entry.path ().filename ().string ());
      if (stat (entry.path ().c_str (), &status) != 0)
        continue;
      EXPECT_EQ (theirs.count ({ status.st_dev, status.st_ino }), 0u) << entry.path ();
      if (number <= 2)
        {
          EXPECT_EQ (fs::read_symlink (entry.path ()), "/dev/null") << number;
        }
    }
  EXPECT_EQ (fs::read_symlink (proc (sidecar, "cwd")), "/") << "it keeps a file system busy";
  const std::string stat = content_of (proc (sidecar, "stat"));
  std::istringstream fields (stat.substr (stat.rfind (')') + 1));
  std::string state, group;
  pid_t parent = 0, session = 0;
  fields >> state >> parent >> group >> session;
  EXPECT_NE (parent, sandbox.runtime.pid ());
  EXPECT_NE (session, getsid (0)) << "what is meant for the runtime's terminal reaches it";
}

/* The runtime's side of the story is the same whether or not there is a sidecar on its channel. */
struct Mode
{
  const char *name;
  const char *toml;
  KataRuntime::Shape shape;
};
std::ostream &
operator<< (std::ostream &stream, const Mode &row)
{
  return stream << row.name;
}
class Conversation : public testing::TestWithParam<Mode>
{
};
const Mode modes[] = {
  { "shim", "", KataRuntime::SHIM },
  { "rust", "", KataRuntime::RUST },
  { "daemon", "", KataRuntime::DAEMON },
  { "shim_taken_over", "take_over = true\n", KataRuntime::SHIM },
  { "rust_taken_over", "take_over = true\n", KataRuntime::RUST },
  { "daemon_taken_over", "take_over = true\n", KataRuntime::DAEMON },
};
/* Whether QEMU listens somewhere else than where its runtime has told it to. */
bool
is_taken_over (const KataRuntime &runtime, const Args &arguments)
{
  if (runtime.shape == KataRuntime::DAEMON)
    return !std::equal (runtime.arguments.begin (), runtime.arguments.end (), arguments.begin ());

  const auto &[number, file] = *runtime.given ().find (runtime.listener_number ());
  struct stat status;
  EXPECT_EQ (stat (proc (runtime.pid (), "fd/" + std::to_string (number)).c_str (), &status), 0);
  return file != std::pair (status.st_dev, status.st_ino);
}

INSTANTIATE_TEST_SUITE_P (Table, Conversation, testing::ValuesIn (modes), name_of_row<Mode>);

TEST_P (Conversation, IsThatWithQemu)
{
  Sandbox sandbox (GetParam ().shape);
  KataRuntime &runtime = sandbox.runtime;

  sandbox.configure (GetParam ().toml);
  sandbox.give (DEVICES);
  sandbox.start ();
  const Args words = arguments_of (runtime.pid ());
  EXPECT_EQ (is_taken_over (runtime, words), GetParam ().toml[0] != '\0');
  EXPECT_EQ (runtime.qmp ().execute ("query-status").value["status"].text (), "running");
  EXPECT_EQ (runtime.guest_path ("scsi0").size (), 2u);
  EXPECT_EQ (runtime.guest_path ("big").size (), 5u) << "one bridge, no more";

  /* What it adds without a bus of its own, and what QEMU refuses, is as ever. */
  EXPECT_EQ (runtime.qmp ()
                 .execute ("device_add", R"({"driver":"virtio-rng-pci","id":"r1","bus":"rp0"})")
                 .error,
             "");
  EXPECT_EQ (runtime.guest_path ("r1"), runtime.guest_path ("/machine/peripheral/rp0") + "/00");
  const QmpAnswer refused =
      runtime.qmp ().execute ("device_add", R"({"driver":"no-such-device","id":"r2"})");
  EXPECT_NE (refused.error.find ("no-such-device"), std::string::npos) << refused;
  EXPECT_EQ (runtime.qmp ().execute ("device_del", R"({"id":"nothing"})").error_class,
             "DeviceNotFound");

  /* Events come between. */
  EXPECT_EQ (runtime.qmp ().execute ("stop").error, "");
  EXPECT_NO_THROW (runtime.qmp ().wait_for_event ("STOP"));
  EXPECT_EQ (runtime.qmp ().execute ("cont").error, "");
  EXPECT_NO_THROW (runtime.qmp ().wait_for_event ("RESUME"));

  /* A second client is served when the first has left. */
  QmpConversation second (runtime.qmp_path ());
  EXPECT_FALSE (second.hears (0.5));
  runtime.disconnect ();
  EXPECT_NO_THROW (second.negotiate ());
  EXPECT_EQ (second.execute ("query-status").error, "");

  EXPECT_EQ (runtime.stop (), GetParam ().shape == KataRuntime::DAEMON ? 0 : -SIGKILL);
  EXPECT_TRUE (second.is_closed_within (10));
  EXPECT_TRUE (runtime.err_ends (2));
  EXPECT_EQ (runtime.err (), "");
  sandbox.expect_gone ();
}

TEST_P (Conversation, CarriesFilesAndWhatIsLarge)
{
  Sandbox sandbox (GetParam ().shape);
  QmpAnswer schema;

  sandbox.configure (GetParam ().toml);
  sandbox.give (DEVICES);
  sandbox.start ();
  QmpConversation &qmp = sandbox.runtime.qmp ();

  for (int i = 0; i < 20; i++)
    {
      schema = qmp.execute ("query-qmp-schema");
      ASSERT_EQ (schema.error, "");
      ASSERT_GT (schema.size, 150000u);
    }

  /* A tap is given like this; the chardev proves that QEMU has the very file. */
  int pair[2];
  ASSERT_EQ (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  EXPECT_EQ (qmp.execute ("getfd", R"({"fdname":"fd0"})", pair[1]).error, "");
  close (pair[1]);
  EXPECT_EQ (
      qmp.execute ("chardev-add",
                   R"({"id":"echo","backend":{"type":"socket","data":{"server":false,"addr":)"
                   R"({"type":"fd","data":{"str":"fd0"}}}}})")
          .error,
      "");
  EXPECT_EQ (qmp.execute ("chardev-remove", R"({"id":"echo"})").error, "");
  char byte;
  struct pollfd end = { pair[0], POLLIN, 0 };
  EXPECT_EQ (poll (&end, 1, 10000), 1);
  EXPECT_EQ (read (pair[0], &byte, 1), 0) << "somebody keeps a copy of it";
  close (pair[0]);
}

/* What goes wrong before there is a QEMU, and in QEMU. The runtime that has connected before it
 * launched sees the end, and whoever reads stderr one line that says why. */
struct Failure
{
  const char *name;
  const char *toml;
  const char *devices;
  Args arguments;
  int status;
  const char *text;
};
std::ostream &
operator<< (std::ostream &stream, const Failure &row)
{
  return stream << row.name;
}
class Fails : public testing::TestWithParam<Failure>
{
};
const Failure failures[] = {
  { "bad_file", "take_over = maybe\n", "", {}, 2, "wrapper.toml:1:" },
  { "no_such_device", "", "0000:41:00.0", {}, 3, "0000:41:00.0" },
  { "no_device_at_all", "", "thing", {}, 2, "thing" },
  { "device_that_the_file_names", "devices = [\"41:00.0\"]\n", nullptr, {}, 3, "0000:41:00.0" },
  { "qemu_that_is_not_there",
    "qemu = \"/nonexistent/qemu\"\n",
    nullptr,
    {},
    3,
    "/nonexistent/qemu" },
  { "option_that_qemu_does_not_know", "", nullptr, { "-no-such-option" }, 1, "-no-such-option" },
  { "nobody_at_a_socket",
    "",
    nullptr,
    { "-chardev", "socket,id=char-1,path=/nonexistent/virtiofsd.sock" },
    1,
    "/nonexistent/virtiofsd.sock" },
  { "device_that_qemu_does_not_know", "", nullptr, { "-device", "no-such" }, 1, "no-such" },
  { "kernel_that_is_not_there", "", nullptr, { "-kernel", "/nonexistent/k" }, 1, "/nonexistent/k" },
  { "device_of_ours_that_qemu_refuses", "", "qemu,driver=no-such,plug=cold", {}, 1, "no-such" },
};
INSTANTIATE_TEST_SUITE_P (Table, Fails, testing::ValuesIn (failures), name_of_row<Failure>);

TEST_P (Fails, TheRuntimeIsNotLeftWaiting)
{
  for (const char *toml : { "", "take_over = true\n" })
    {
      Sandbox sandbox;

      sandbox.configure (GetParam ().toml[0] != '\0' ? GetParam ().toml : toml);
      sandbox.give (GetParam ().devices != nullptr ? GetParam ().devices : DEVICES);
      sandbox.runtime.add (GetParam ().arguments);
      sandbox.launch ();
      EXPECT_EQ (sandbox.runtime.wait (20), GetParam ().status) << toml;
      EXPECT_TRUE (sandbox.runtime.qmp ().is_closed_within (5)) << toml;
      EXPECT_TRUE (sandbox.runtime.err_ends ()) << toml;
      const std::string &err = sandbox.runtime.err ();
      EXPECT_NE (err.find (GetParam ().text), std::string::npos) << toml << err;
      EXPECT_EQ (std::count (err.begin (), err.end (), '\n'), 1) << toml << err;
      EXPECT_TRUE (eventually ([&] { return !fs::exists (sandbox.run_dir ()); }, 10)) << toml;
      EXPECT_EQ (sandbox.vmplug ({ "list" }).out.find (sandbox.name ()), std::string::npos);
    }
}

TEST (Twice, TheSecondOfOneNameIsRefusedAndTheFirstGoesOn)
{
  Sandbox sandbox;
  KataRuntime other;

  sandbox.give (DEVICES);
  sandbox.start ();
  other.environment = sandbox.runtime.environment;
  other.launch (VMPLUG_QEMU_PROGRAM);
  EXPECT_NE (other.wait (20), 0);
  EXPECT_TRUE (other.qmp ().is_closed_within (5));
  EXPECT_NE (other.err ().find (sandbox.name ()), std::string::npos) << other.err ();
  EXPECT_EQ (sandbox.runtime.qmp ().execute ("query-status").error, "");
  EXPECT_EQ (sandbox.status ()["pid"].number (), sandbox.runtime.pid ());
}

/* With a guest: the device with the large BAR has its place, the other comes and works, and more
 * can be asked for. */
TEST (Guest, HasTheDevicesAndIsGivenMore)
{
  Sandbox sandbox;

  sandbox.give (DEVICES);
  sandbox.boot_guest ();
  sandbox.start ();
  Guest &guest = sandbox.guest ();

  const Json big = sandbox.wait_usable ("big");
  EXPECT_EQ (big["plug"].text (), "cold") << big;
  EXPECT_EQ (big["guest_path"].text (), sandbox.runtime.guest_path ("big"));
  EXPECT_EQ (guest.run ("grep -l 0x0005 /sys/bus/pci/devices/*/device | wc -l"), "1\n");
  const Json dice = sandbox.wait_usable ("dice");
  EXPECT_EQ (dice["plug"].text (), "hot") << dice;
  EXPECT_EQ (dice["guest_path"].text (), sandbox.runtime.guest_path ("dice"));

  const Json list = sandbox.ask ({ "list" });
  EXPECT_NE (list.dump ().find (sandbox.name ()), std::string::npos) << list;
  const Json nic = sandbox.ask (
      { "attach", sandbox.name (), "qemu,driver=e1000e,mac=52:54:00:01:02:03,id=lan" });
  EXPECT_EQ (nic["state"].text (), "usable") << nic;
  EXPECT_TRUE (eventually (
      [&] { return guest.can ("grep -qs 52:54:00:01:02:03 /sys/class/net/*/address"); }));
  for (const char *id : { "lan", "dice" })
    EXPECT_EQ (sandbox.ask ({ "detach", sandbox.name (), id })["state"].text (), "removed");
  EXPECT_TRUE (sandbox.device ("dice").is_null ());
  EXPECT_TRUE (eventually (
      [&] { return !guest.can ("grep -qs 52:54:00:01:02:03 /sys/class/net/*/address"); }));

  /* It is the runtime's VM, with the end that it gives it. */
  EXPECT_EQ (sandbox.runtime.qmp ().execute ("quit").error, "");
  EXPECT_EQ (sandbox.runtime.wait (), 0);
  sandbox.expect_gone ();
}

TEST (Crash, OfQemuIsTheEndOfTheSidecar)
{
  for (const char *toml : { "", "take_over = true\n" })
    {
      Sandbox sandbox;

      sandbox.configure (toml);
      sandbox.give (DEVICES);
      sandbox.start ();
      kill (sandbox.runtime.pid (), SIGKILL);
      EXPECT_EQ (sandbox.runtime.wait (), -SIGKILL);
      EXPECT_TRUE (sandbox.runtime.qmp ().is_closed_within (5)) << toml;
      EXPECT_TRUE (sandbox.runtime.err_ends (2)) << toml;
      sandbox.expect_gone ();
      const Outcome status = sandbox.vmplug ({ "status", sandbox.name () });
      EXPECT_EQ (status.status, 5) << status;
    }
}

/* The VM is not ours: it goes on without us. */
TEST (Crash, OfTheSidecarLeavesTheVmAlone)
{
  for (int signal : { SIGKILL, SIGTERM })
    {
      Sandbox sandbox;

      sandbox.give (DEVICES);
      sandbox.start ();
      kill (sandbox.sidecar (), signal);
      ASSERT_TRUE (ends (sandbox.sidecar ()));
      sandbox.forget_sidecar ();
      EXPECT_EQ (sandbox.runtime.qmp ().execute ("query-status").value["status"].text (),
                 "running");
      sandbox.runtime.reconnect ();

      const Outcome gc = sandbox.vmplug ({ "gc" });
      EXPECT_EQ (sandbox.runtime.qmp ().execute ("query-status").error, "")
          << "gc has killed it: " << gc;
      EXPECT_EQ (sandbox.runtime.stop (), -SIGKILL);
      EXPECT_EQ (sandbox.runtime.err (), "");
      const Outcome again = sandbox.vmplug ({ "gc" });
      EXPECT_EQ (again.status, 0) << again;
      EXPECT_FALSE (fs::exists (sandbox.run_dir ())) << again;
    }
}

/* Even from the middle of its channel: the runtime is hung up on, and does not wait for ever. */
TEST (Crash, OfTheSidecarOnItsChannelIsHeardByTheRuntime)
{
  Sandbox sandbox;

  sandbox.configure ("take_over = true\n");
  sandbox.give (DEVICES);
  sandbox.start ();
  kill (sandbox.sidecar (), SIGKILL);
  ASSERT_TRUE (ends (sandbox.sidecar ()));
  sandbox.forget_sidecar ();
  EXPECT_TRUE (sandbox.runtime.qmp ().is_closed_within (5));
  EXPECT_THROW (QmpConversation (sandbox.runtime.qmp_path ()), std::runtime_error)
      << "and cannot come back, for nobody is there";
  EXPECT_TRUE (sandbox.runtime.is_running ());
  EXPECT_EQ (sandbox.runtime.stop (), -SIGKILL);
  EXPECT_EQ (sandbox.runtime.err (), "");
  EXPECT_EQ (sandbox.vmplug ({ "gc" }).status, 0);
  EXPECT_FALSE (fs::exists (sandbox.run_dir ()));
}

/* The sidecar leaves the folder that it was started in, and still finds its own. */
TEST (Root, CanBeRelative)
{
  Sandbox sandbox (KataRuntime::RUST);

  sandbox.configure ("take_over = true\n");
  fs::create_directory_symlink (sandbox.root (), sandbox.runtime.folder.path ("host"));
  sandbox.runtime.environment["VMPLUG_ROOT"] = "host";
  sandbox.start ();
  EXPECT_EQ (sandbox.runtime.qmp ().execute ("query-status").value["status"].text (), "running");
  EXPECT_EQ (sandbox.runtime.stop (), -SIGKILL);
  EXPECT_EQ (sandbox.runtime.err (), "");
}

/* Whether a process that lives has @name among its arguments, or in its title. */
bool
is_anywhere (const std::string &name)
{
  for (const auto &entry : fs::directory_iterator ("/proc"))
    {
      const std::string pid = entry.path ().filename ().string ();

      if (std::isdigit (pid.front ()) != 0 &&
          content_of (entry.path () / "cmdline").find (name) != std::string::npos)
        return true;
    }
  return false;
}

/* A runtime may give a start up at any moment of it: before the sidecar, while that plans, and when
 * it hands over. */
TEST (Crash, OfWhoWaitsToBecomeQemuLeavesNothing)
{
  for (int i = 0; i < 24; i++)
    {
      Sandbox sandbox (KataRuntime::SHIM, "given-up-" + std::to_string (i));

      sandbox.configure (i % 2 == 0 ? "" : "take_over = true\n");
      sandbox.give (DEVICES);
      sandbox.launch ();
      g_usleep (static_cast<gulong> (i) * 3000);
      kill (sandbox.runtime.child (), SIGKILL);
      EXPECT_EQ (sandbox.runtime.wait (), -SIGKILL);
      EXPECT_TRUE (eventually ([&] { return !is_anywhere (sandbox.name ()); })) << i;
      EXPECT_FALSE (fs::exists (sandbox.run_dir ())) << i;
    }
}

/* Paused it stays until its owner lets it run, and what comes later comes then. */
TEST (Paused, IsNotLetRunByUs)
{
  Sandbox sandbox;

  sandbox.give (DEVICES);
  sandbox.runtime.add ({ "-S" });
  sandbox.start ();
  EXPECT_EQ (sandbox.runtime.qmp ().execute ("query-status").value["status"].text (), "prelaunch");
  EXPECT_EQ (sandbox.device ("dice")["state"].text (), "queued") << sandbox.status ();
  usleep (300000);
  EXPECT_EQ (sandbox.runtime.qmp ().execute ("query-status").value["status"].text (), "prelaunch");
  EXPECT_EQ (sandbox.runtime.qmp ().execute ("cont").error, "");
  EXPECT_TRUE (eventually ([&] { return sandbox.device ("dice")["state"].text () == "accepted"; }))
      << sandbox.status ();
}

/* QEMU may daemonize without a pidfile; whoever has survived is followed. */
TEST (Daemon, IsFollowedWithoutAPidfile)
{
  Sandbox sandbox (KataRuntime::DAEMON);
  Args &words = sandbox.runtime.arguments;

  words.erase (std::find (words.begin (), words.end (), "-pidfile"),
               std::find (words.begin (), words.end (), "-pidfile") + 2);
  sandbox.give (DEVICES);
  sandbox.start ();
  const pid_t pid = static_cast<pid_t> (sandbox.status ()["pid"].number ());
  ASSERT_GT (pid, 0);
  EXPECT_NE (pid, sandbox.runtime.child ());
  EXPECT_EQ (fs::read_symlink (proc (pid, "exe")).filename (), QEMU);
  kill (pid, SIGKILL);
  EXPECT_TRUE (ends (pid));
  sandbox.expect_gone ();
}

} // namespace
