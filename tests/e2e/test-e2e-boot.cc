#include "tests/e2e/boot-guest.h"
#include "tests/e2e/guest.h"
#include "tests/e2e/json.h"
#include "tests/support/fake-sysfs.h"
#include "tests/support/temp-folder.h"
#include "tests/support/vmplug-program.h"

/* "vmplug boot": real guests, and what it makes of them. */

namespace
{

using Args = std::vector<std::string>;

class Boot : public testing::Test
{
protected:
  FakeSysfs host;
  TempFolder folder;

  /* Always emulated; with the given times, and not with those for a slow machine of somebody's. */
  Args
  command (const Args &args) const
  {
    Args all = { "boot", "--accel", "tcg", "--memory", "256M" };
    all.insert (all.end (), args.begin (), args.end ());
    return all;
  }
  Outcome
  boot (const Args &args)
  {
    return VmplugProgram::run (command (args), host.root (), 300);
  }
  /* Its document; the program must end with what that says. */
  Json
  judge (Args args)
  {
    args.push_back ("--json");
    const Outcome outcome = boot (args);
    const Json document = Json::parse (outcome.out);
    EXPECT_EQ (document["exit"].number (), outcome.status) << outcome;
    return document;
  }
  Args
  tiny (const TinyGuest &guest) const
  {
    return { "--kernel", folder.write ("kernel", guest.image ()) };
  }
  /* The beginning of a file: a dump of memory is long. */
  std::string
  content_of (const std::string &name) const
  {
    std::ifstream file (folder.path (name), std::ios::binary);
    std::string content (1 << 20, '\0');

    file.read (content.data (), static_cast<std::streamsize> (content.size ()));
    content.resize (static_cast<size_t> (file.gcount ()));
    return content;
  }
};

Args
operator+ (Args one, const Args &other)
{
  one.insert (one.end (), other.begin (), other.end ());
  return one;
}

TEST_F (Boot, OfLinuxPassesAtTheLastMilestone)
{
  const Json document = judge (guest_options () + Args{ "--timeout", "20", "--expect",
                                                        "guest: ready", "--expect", "BusyBox" });

  EXPECT_EQ (document["verdict"].text (), "pass") << document;
  ASSERT_EQ (document["milestones"].size (), 2u) << document;
  EXPECT_GT (document["milestones"].at (1)["seconds"].real (),
             document["milestones"].at (0)["seconds"].real ());
}

/* A driver's hotplug path, as a test of it would be written. */
TEST_F (Boot, FollowsADeviceThroughItsHotplug)
{
  /* The shell's prompt has no end of line; what it is told to say must not be its echo. */
  const Json document =
      judge (guest_options () +
             Args{ "--timeout",    "10",
                   "--at",         "guest: ready",
                   "expect",       "guest# $",
                   "send",         "echo 8 >/proc/sys/kernel/printk",
                   "expect",       "guest# $",
                   "attach",       "qemu,driver=virtio-rng-pci,id=n1",
                   "expect",       "pci 0000:..:00.0: .1af4:1044.@10",
                   "detach",       "n1",
                   "send",         "echo left: $(cat /sys/bus/pci/devices/*/device | grep -c 1044)",
                   "expect",       "left: 0",
                   "reset",        "expect",
                   "guest: ready", "stop" });

  EXPECT_EQ (document["verdict"].text (), "pass") << document;
  for (unsigned i = 0; i < document["steps"].size (); i++)
    EXPECT_EQ (document["steps"].at (i)["state"].text (), "done") << document;
}

TEST_F (Boot, TypesAndReadsOnAtTheSameLine)
{
  const Json document = judge (tiny (TinyGuest ().print ("login: ").echo ().print ("welcome\n")) +
                               Args{ "--at", "login: $", "send", "me", "expect", "welcome" });

  EXPECT_EQ (document["verdict"].text (), "pass") << document;
}

TEST_F (Boot, EndsWhenTimeIsUp)
{
  const Json document =
      judge (tiny (TinyGuest ().print ("one\n").spin ()) +
             Args{ "--expect", "one", "--expect", "two", "--timeout", "2", "--tcg-scale", "1.5" });

  EXPECT_EQ (document["verdict"].text (), "timeout") << document;
  EXPECT_EQ (document["exit"].number (), 124);
  EXPECT_EQ (document["timeout"].real (), 3) << document;
  EXPECT_GE (document["seconds"].real (), 3) << document;
  EXPECT_EQ (document["steps"].at (0)["state"].text (), "done") << document;
  EXPECT_EQ (document["steps"].at (1)["state"].text (), "due") << document;
}

TEST_F (Boot, TellsAKilledQemuFromAGuest)
{
  VmplugProgram program (command (tiny (TinyGuest ().print ("up\n").spin ()) +
                                  Args{ "--expect", "up", "--expect", "never", "--json" }),
                         host.root ());

  EXPECT_TRUE (
      program.watch ([&] { return program.err ().find ("expect up") != std::string::npos; }));
  std::ifstream children ("/proc/" + std::to_string (program.pid ()) + "/task/" +
                          std::to_string (program.pid ()) + "/children");
  pid_t qemu = 0;
  ASSERT_TRUE (children >> qemu);
  kill (qemu, SIGKILL);

  const Outcome outcome = program.wait ();
  EXPECT_EQ (outcome.status, 99) << outcome;
  const Json document = Json::parse (outcome.out);
  EXPECT_EQ (document["verdict"].text (), "infra") << outcome;
  EXPECT_NE (document["evidence"]["qemu"].text ().find ("killed by signal 9"), std::string::npos)
      << outcome;
}

TEST_F (Boot, NeverTakesAnotherAcceleratorForKvm)
{
  const Outcome outcome = VmplugProgram::run (
      Args{ "boot", "--accel", "kvm", "--expect", "x", "--json" } + tiny (TinyGuest ()),
      host.root ());

  EXPECT_EQ (outcome.status, 99) << outcome;
  EXPECT_EQ (Json::parse (outcome.out)["verdict"].text (), "infra") << outcome;
}

TEST_F (Boot, EndsAtOnceOnASignal)
{
  VmplugProgram program (command (tiny (TinyGuest ().print ("up\n").spin ()) +
                                  Args{ "--expect", "up", "--expect", "never", "--json",
                                        "--artifacts", folder.path ("art") }),
                         host.root ());

  EXPECT_TRUE (
      program.watch ([&] { return program.err ().find ("expect up") != std::string::npos; }));
  EXPECT_NE (content_of ("art/verdict.json").find ("has not finished"), std::string::npos);
  program.signal (SIGINT);

  const Outcome outcome = program.wait (20);
  EXPECT_EQ (outcome.status, 130) << outcome;
  EXPECT_EQ (Json::parse (outcome.out)["verdict"].text (), "infra") << outcome;
  EXPECT_NE (content_of ("art/verdict.json").find ("interrupted"), std::string::npos);
}

TEST_F (Boot, KeepsWhatIsLeftOfAFailure)
{
  const std::string noise (100, '\xff');
  const Json document = judge (
      tiny (TinyGuest ().print ("begin\r\n").print (noise).print ("\nboom: 1\nwhy: 2\n").spin ()) +
      Args{ "--expect", "never", "--fail-on", "boom: \\d", "--artifacts", folder.path ("art"),
            "--dump-memory", "--device", "qemu,driver=VGA,plug=cold" });
  const Json evidence = document["evidence"];

  EXPECT_EQ (document["verdict"].text (), "fail") << document;
  EXPECT_EQ (evidence["line"].text (), "boom: 1") << document;
  EXPECT_EQ (evidence["console_tail"].at (evidence["console_tail"].size () - 1).text (), "why: 2")
      << document;
  EXPECT_NE (content_of ("art/console.log").find ("begin\r\n" + noise), std::string::npos);
  EXPECT_EQ (content_of ("art/screenshot.png").find ("PNG"), 1u);
  EXPECT_EQ (content_of ("art/memory.dump").find ("ELF"), 1u);
  EXPECT_EQ (evidence["memory_dump"].text (), folder.path ("art/memory.dump"));
  EXPECT_NE (content_of ("art/qmp.jsonl").find ("RESUME"), std::string::npos);
  EXPECT_TRUE (std::filesystem::exists (folder.path ("art/qemu.log")));
  EXPECT_NE (content_of ("art/verdict.json").find ("\"verdict\" : \"fail\""), std::string::npos);
}

TEST_F (Boot, TellsItsEventsAsTheyCome)
{
  const Outcome outcome =
      boot (tiny (TinyGuest ().print ("one\n").print ("two\n")) +
            Args{ "--name", "t1", "--expect", "one", "--expect", "two", "--events", "fd:1" });
  std::istringstream lines (outcome.out);
  std::vector<std::string> events;

  EXPECT_EQ (outcome.status, 0) << outcome;
  for (std::string line; std::getline (lines, line) && line[0] == '{';)
    events.push_back (line + "\n");
  ASSERT_GE (events.size (), 4u) << outcome;
  EXPECT_EQ (Json::parse (events[0])["event"].text (), "start");
  EXPECT_EQ (Json::parse (events[0])["name"].text (), "t1");
  EXPECT_EQ (Json::parse (events[0])["accel"].text (), "tcg");
  EXPECT_EQ (Json::parse (events.back ())["event"].text (), "end");
  EXPECT_EQ (Json::parse (events.back ())["document"]["verdict"].text (), "pass");
  EXPECT_NE (
      outcome.out.find ("{\"event\":\"milestone\",\"step\":0,\"do\":\"expect\",\"text\":\"one\""),
      std::string::npos)
      << outcome;
  EXPECT_NE (outcome.out.find ("{\"event\":\"console\",\"lines\":["), std::string::npos) << outcome;
}

TEST_F (Boot, SaysForAPersonWhatItDoes)
{
  const Outcome outcome =
      boot (tiny (TinyGuest ().print ("one\n")) + Args{ "--expect", "one", "--console" });

  EXPECT_EQ (outcome.status, 0) << outcome;
  EXPECT_TRUE (outcome.says ("timeouts × 5\n")) << outcome;
  EXPECT_TRUE (outcome.says (" s  expect one\n")) << outcome;
  EXPECT_TRUE (outcome.says ("\none")) << outcome;
  EXPECT_NE (outcome.out.find ("pass"), std::string::npos) << outcome;
}

TEST_F (Boot, IsNotTriedWhereThereIsNothingToTest)
{
  const Json document =
      judge (tiny (TinyGuest ()) + Args{ "--expect", "x", "--skip-if", "no-file=/nothing/here" });

  EXPECT_EQ (document["verdict"].text (), "skip") << document;
  EXPECT_EQ (document["exit"].number (), 77);
}

/* As a CI script copies it out of a report. */
TEST_F (Boot, CanBeDoneAgain)
{
  const Args args = tiny (TinyGuest ()) + Args{ "--expect", "it's", "--timeout", "0.1" };
  const Json document = judge (args + Args{ "--events=fd:2" });

  EXPECT_EQ (document["evidence"]["command"].text (),
             "vmplug boot --accel tcg --memory 256M --kernel " + folder.path ("kernel") +
                 " --expect 'it'\\''s' --timeout 0.1 --json")
      << document;
}

} // namespace
