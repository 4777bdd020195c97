#include "tests/e2e/boot-guest.h"
#include "tests/e2e/vm.h"
#include "tests/support/temp-folder.h"

#include <algorithm>
#include <map>
#include <sys/stat.h>

namespace
{

using Args = std::vector<std::string>;
using namespace std::string_literals;

constexpr double SECONDS = 600;

/* `vmplug test` of a manifest in a folder of its own. Times are as given. */
class BootTest : public testing::Test
{
protected:
  FakeSysfs host_;
  TempFolder folder_;

  BootTest ()
  {
    kernel ("ready", TinyGuest ().print ("boot: ready\n"));
    kernel ("silent", TinyGuest ());
    kernel ("stops", TinyGuest ().print ("hello\n").power_off ());
    kernel ("echoes", TinyGuest ().print ("login: ").echo ().print ("welcome\n"));
  }
  void
  kernel (const std::string &name, const TinyGuest &guest)
  {
    folder_.write (name, guest.image ());
  }
  std::string
  manifest (const std::string &text, const std::string &name = "m.toml")
  {
    return folder_.write (name, "[defaults]\ntcg_scale = 1\nkernel = 'ready'\nexpect = 'ready'\n"
                                "memory = '64M'\n" +
                                    text);
  }
  Outcome
  run (const Args &args) const
  {
    return VmplugProgram::run (Args{ "test" } + args, host_.root (), SECONDS);
  }
  /* Each case's document by its name, with --json. */
  std::map<std::string, Json>
  judge (const Args &args, int status) const
  {
    const Outcome outcome = run (args + Args{ "--json" });
    const Json document = Json::parse (outcome.out);
    std::map<std::string, Json> cases;

    EXPECT_EQ (outcome.status, status) << outcome;
    EXPECT_EQ (document["exit"].number (), status) << outcome;
    for (unsigned i = 0; i < document["cases"].size (); i++)
      cases[document["cases"].at (i)["name"].text ()] = document["cases"].at (i);
    return cases;
  }
  /* Lines of @text that begin with @start. */
  static unsigned
  count (const std::string &text, const std::string &start)
  {
    const std::string lines = "\n" + text;
    unsigned n = 0;
    for (size_t at = 0; (at = lines.find ("\n" + start, at)) != std::string::npos; at++)
      n++;
    return n;
  }
  std::string
  read (const std::string &name) const
  {
    std::ifstream file (folder_.path (name));
    return { std::istreambuf_iterator<char> (file), {} };
  }
};

const char *const MIXED = "[[case]]\nname = 'boot'\nmachine = ['q35', 'pc']\n"
                          "[[case]]\nname = 'login'\nkernel = 'echoes'\n"
                          "steps = [{expect = 'login: $', within = 30}, {send = 'root'},"
                          " {expect = '^welcome'}]\n"
                          "[[case]]\nname = 'skipped'\nskip_if = 'no-kvm'\n"
                          "[[case]]\nname = 'gone'\nkernel = 'stops'\n";

TEST_F (BootTest, JudgesEachCase)
{
  const std::string artifacts = folder_.path ("artifacts");
  auto cases = judge ({ manifest (MIXED), "-j", "2", "--artifacts", artifacts }, 1);

  ASSERT_EQ (cases.size (), 5u);
  EXPECT_EQ (cases["boot[machine=q35]"]["verdict"].text (), "pass");
  EXPECT_EQ (cases["boot[machine=pc]"]["verdict"].text (), "pass");
  EXPECT_EQ (cases["login"]["verdict"].text (), "pass");
  EXPECT_EQ (cases["skipped"]["verdict"].text (), "skip");
  EXPECT_EQ (cases["gone"]["verdict"].text (), "guest-gone");
  EXPECT_EQ (cases["gone"]["evidence"]["command"].text (), "vmplug boot --memory 64M --kernel " +
                                                               folder_.path ("stops") +
                                                               " --tcg-scale 1 --expect ready");
  EXPECT_EQ (read ("artifacts/login/console.log").find ("login: "), 0u);
  EXPECT_EQ (read ("artifacts/gone/verdict.json")
                 .find ("{\n  \"name\" : \"gone\",\n  \"verdict\" : \"guest-gone\",\n"),
             0u);
  EXPECT_NE (read ("artifacts/boot[machine=pc]/verdict.json").find ("\"pass\""), std::string::npos);
}

TEST_F (BootTest, IsReadByProve)
{
  const std::string good = manifest ("[[case]]\nname = 'a'\n[[case]]\nname = 'b'\n"
                                     "skip_if = 'no-kvm'\n",
                                     "good.toml");
  const std::string bad = manifest ("[[case]]\nname = 'c'\nkernel = 'stops'\n", "bad.toml");
  g_auto (GStrv) environment =
      g_environ_setenv (g_get_environ (), "VMPLUG_ROOT", host_.root (), TRUE);
  g_autofree char *program = g_find_program_in_path ("prove");
  if (program == nullptr)
    GTEST_SKIP () << "no prove";

  for (const auto &[path, status] : { std::pair{ good, 0 }, { bad, 1 } })
    {
      const char *const argv[] = { program, "--exec", VMPLUG_PROGRAM " test", path.c_str (),
                                   nullptr };
      g_autofree char *out = nullptr;
      g_autofree char *err = nullptr;
      int wait_status;

      ASSERT_TRUE (g_spawn_sync (nullptr, const_cast<char **> (argv), environment, G_SPAWN_DEFAULT,
                                 nullptr, nullptr, &out, &err, &wait_status, nullptr));
      EXPECT_EQ (WEXITSTATUS (wait_status), status) << out << err;
      EXPECT_NE (
          std::string (out).find (status == 0 ? "All tests successful" : "Failed 1/1 subtests"),
          std::string::npos)
          << out << err;
    }
}

TEST_F (BootTest, PrintsTapAndWritesJunit)
{
  const std::string junit = folder_.path ("j.xml");
  const Outcome outcome = run ({ manifest (MIXED), "-j", "1", "--junit", junit });

  EXPECT_EQ (outcome.status, 1) << outcome;
  EXPECT_EQ (outcome.out.find ("TAP version 13\n1..5\n"), 0u) << outcome;
  EXPECT_EQ (count (outcome.out, "ok "), 4u) << outcome;
  EXPECT_EQ (count (outcome.out, "not ok 5 - gone\n"), 1u) << outcome;
  const std::string xml = read ("j.xml");
  EXPECT_EQ (count (xml, "    <testcase "), 5u) << xml;
  EXPECT_EQ (count (xml, "      <failure "), 1u) << xml;
  EXPECT_EQ (xml.find ("has not finished"), std::string::npos);
}

/* A QEMU that fails the first time. */
TEST_F (BootTest, TriesAgainWhereTheHostFailed)
{
  const std::string once = folder_.path ("once");
  chmod (folder_
             .write ("qemu",
                     "#!/bin/sh\n"
                     "case \"$*\" in *-version* | *help*) exec qemu-system-x86_64 \"$@\" ;; esac\n"
                     "[ -e " +
                         once + " ] && exec qemu-system-x86_64 \"$@\"\n" + ": >" + once +
                         "\necho 'qemu: no luck' >&2\nexit 1\n")
             .c_str (),
         0755);
  const std::string path = manifest ("[[case]]\nname = 'a'\nqemu = './qemu'\n");

  auto cases = judge ({ path }, 99);
  EXPECT_EQ (cases["a"]["verdict"].text (), "infra");
  EXPECT_FALSE (cases["a"]["flaky"].flag ());

  std::filesystem::remove (once);
  cases = judge ({ path, "--retry-infra", "1" }, 0);
  EXPECT_EQ (cases["a"]["verdict"].text (), "pass");
  EXPECT_EQ (cases["a"]["attempts"].number (), 2);
  EXPECT_TRUE (cases["a"]["flaky"].flag ());
}

TEST_F (BootTest, ListsAndFilters)
{
  const std::string path = manifest (MIXED);

  EXPECT_EQ (run ({ path, "--list" }).out,
             "boot[machine=q35]\nboot[machine=pc]\nlogin\nskipped\ngone\n");
  EXPECT_EQ (run ({ path, "--list", "--filter", "^boot|gone" }).out,
             "boot[machine=q35]\nboot[machine=pc]\ngone\n");
  const Json list = Json::parse (run ({ path, "--list", "--json", "--filter", "gone" }).out);
  EXPECT_EQ (list["cases"].at (0)["argv"].at (1).text (), "boot");
  EXPECT_EQ (run ({ path, "--filter", "nothing" }).status, 2);
  EXPECT_EQ (run ({ path, path }).status, 2);
}

TEST_F (BootTest, RunsNothingOfManifestsThatAreWrong)
{
  const std::string good = manifest (MIXED);
  const std::string fifo = folder_.path ("fifo");
  ASSERT_EQ (mkfifo (fifo.c_str (), 0600), 0);

  for (const std::string &bad :
       { folder_.write ("half.toml", "[[case]]\nname = 'a'\nexpect = ["),
         folder_.write ("empty.toml", ""), folder_.write ("key.toml", "[[case]]\nnmae = 'a'\n"),
         fifo, folder_.path ("none") })
    {
      const Outcome outcome = run ({ good, bad });

      EXPECT_EQ (outcome.status, 2) << outcome;
      EXPECT_EQ (outcome.out, "") << outcome;
      EXPECT_EQ (std::count (outcome.err.begin (), outcome.err.end (), '\n'), 1) << outcome;
      EXPECT_EQ (outcome.err.find ("vmplug: " + bad + ":"), 0u) << outcome;
    }
}

TEST_F (BootTest, LeavesNothingWhenItIsEnded)
{
  kernel ("waits", TinyGuest ().print ("boot: begun\n").spin ());
  const std::string path = manifest ("[[case]]\nname = 'a'\nkernel = 'waits'\n"
                                     "smp = [1, 2, 3]\n"
                                     "steps = [{expect = 'begun'}, {expect = 'never'}]\n");
  const std::string junit = folder_.path ("j.xml");

  for (int signal : { SIGINT, SIGTERM })
    {
      VmplugProgram program (
          { "test", path, "-j", "2", "--events", "fd:2", "--junit", junit, "--tap" },
          host_.root ());
      ASSERT_TRUE (program.watch ([&] {
        return count (program.err (), "{\"event\":\"milestone\"") == 2;
      })) << program.err ();
      program.signal (signal);
      const Outcome outcome = program.wait ();

      EXPECT_EQ (outcome.status, 128 + signal) << outcome;
      EXPECT_NE (outcome.out.find ("Bail out! ended by signal"), std::string::npos) << outcome;
      EXPECT_EQ (count (outcome.out, "not ok "), 2u) << outcome;
      EXPECT_EQ (count (read ("j.xml"), "      <error "), 3u);
      EXPECT_EQ (VmplugProgram::run ({ "list", "--json" }, host_.root ()).out, "{\"vms\":[]}\n");
    }
}

/* A supervisor that is killed takes its QEMU with it, and is the host's fault. */
TEST_F (BootTest, OutlivesTheDeathOfACase)
{
  kernel ("waits", TinyGuest ().print ("boot: begun\n").spin ());
  const std::string path = manifest ("[[case]]\nname = 'a'\nkernel = 'waits'\n"
                                     "steps = [{expect = 'begun'}, {expect = 'never'}]\n"
                                     "[[case]]\nname = 'b'\n");
  VmplugProgram program ({ "test", path, "--events", "fd:2", "-j", "1" }, host_.root ());

  ASSERT_TRUE (program.watch ([&] {
    return count (program.err (), "{\"event\":\"milestone\"") == 1;
  })) << program.err ();
  const std::string self = std::to_string (program.pid ());
  pid_t child = 0;
  std::ifstream ("/proc/" + self + "/task/" + self + "/children") >> child;
  ASSERT_GT (child, 0);
  kill (child, SIGKILL);
  const Outcome outcome = program.wait ();

  EXPECT_EQ (outcome.status, 99) << outcome;
  EXPECT_EQ (count (outcome.out, "not ok 1 - a\n"), 1u) << outcome;
  EXPECT_NE (outcome.out.find ("was ended by signal 9 without a verdict"), std::string::npos)
      << outcome;
  EXPECT_EQ (count (outcome.out, "ok 2 - b\n"), 1u) << outcome;
}

/* A hundred boots, two at a time, and each gets the verdict that it has to have. */
TEST_F (BootTest, IsNeverWrong)
{
  struct Kind
  {
    const char *name;
    TinyGuest guest;
    const char *keys;
    const char *verdict;
    unsigned n;
  };
  const Kind kinds[] = {
    { "pass", TinyGuest ().print ("boot: ready\n"), "", "pass", 30 },
    { "prints", TinyGuest ().print ("a line of a guest\n", 2000).print ("boot: ready\n"), "",
      "pass", 10 },
    { "resets", TinyGuest ().reset (2).print ("boot: ready\n"), "", "pass", 5 },
    { "login", TinyGuest ().print ("login: ").echo ().print ("ready\n"),
      "steps = [{expect = 'login: $'}, {send = 'root'}, {expect = '^ready'}]\n", "pass", 10 },
    { "gone", TinyGuest ().print ("hello\n").power_off (), "", "guest-gone", 10 },
    { "panic", TinyGuest ().pvpanic (), "", "panic", 10 },
    { "oops", TinyGuest ().print ("[    1.0] Oops: 0002 [#1] PREEMPT SMP NOPTI\n"), "", "oops", 5 },
    { "fail", TinyGuest ().print ("tests: 1 failed\n"), "fail_on = '[1-9] failed'\n", "fail", 8 },
    { "hang", TinyGuest ().print ("hello\n"), "stall = 5\n", "hang", 4 },
    { "timeout", TinyGuest ().print ("still here\n", TinyGuest::FOR_EVER), "timeout = 5\n",
      "timeout", 4 },
  };
  std::map<std::string, std::string> wanted;
  std::string text;

  for (const Kind &kind : kinds)
    {
      kernel (kind.name, kind.guest);
      for (unsigned i = 0; i < kind.n; i++)
        {
          const std::string name = kind.name + "-"s + std::to_string (i);
          text += "[[case]]\nname = '" + name + "'\nkernel = '" + kind.name + "'\n" + kind.keys +
                  "machine = '" + (i % 2 == 0 ? "q35" : "pc") + "'\n";
          wanted[name] = kind.verdict;
        }
    }
  /* Linux, too; its test of the timer fails, and panics, once in a hundred boots that are emulated
   * on a host with much to do. */
  for (const char *machine : { "q35", "pc" })
    for (const char *mark : { "1", "2" })
      {
        const std::string name = "linux-"s + machine + mark;
        text += "[[case]]\nname = '" + name + "'\nkernel = '" + guest_file ("vmlinux") +
                "'\ninitrd = '" + guest_file ("initrd") + "'\nmemory = '512M'\nmachine = '" +
                machine +
                "'\nappend = 'quiet no_timer_check'\nexpect = 'guest: ready'\ntimeout = 300\n";
        wanted[name] = "pass";
      }
  ASSERT_EQ (wanted.size (), 100u);

  const auto start = std::chrono::steady_clock::now ();
  auto cases = judge ({ manifest (text), "-j", "2" }, 1);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now () - start;
  for (const auto &[name, verdict] : wanted)
    EXPECT_EQ (cases[name]["verdict"].text (), verdict) << name << ": " << cases[name];
  RecordProperty ("seconds", std::to_string (seconds.count ()));
}

} // namespace
