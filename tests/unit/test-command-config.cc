#include "launcher/config/kata-key.h"

#include "tests/support/command-run.h"
#include "tests/support/fake-sysfs.h"
#include "tests/support/temp-folder.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

/* "vmplug config", and what --config does to a plan. */

namespace
{

class CommandConfig : public testing::Test
{
protected:
  CommandConfig ()
  {
    fake.pci ("0000:41:00.0")
        .ids (0x8086, 0x10d3)
        .bars ({ { 0, FakeBar::MEM32, 1 << 20 } })
        .driver ("vfio-pci")
        .group (40);
    fake.write ("dev/vfio/40", "");
    fake.write ("sys/devices/system/cpu/online", "0-3\n");
  }

  std::string
  write (const std::string &text)
  {
    return folder.write ("a.toml", text);
  }
  /* Prints what it printed on stdout. */
  std::string
  run (std::vector<std::string> words, int status = 0)
  {
    words.insert (words.begin () + 1, { "--root", fake.root () });
    CommandRun command (words);
    EXPECT_EQ (command.wait (), status) << command.err;
    err = command.err;
    return command.out;
  }

  FakeSysfs fake;
  TempFolder folder;
  std::string err;
};

TEST_F (CommandConfig, WritesAFile)
{
  const std::string path = write ("[hypervisor.qemu]\ndefault_vcpus = 2\n");

  EXPECT_EQ (run ({ "config" }), "[vmplug]\n");
  EXPECT_EQ (run ({ "config", "--config", path, "--memory", "2G", "--device", "rng" }),
             "[vmplug]\nsmp = 2\nmemory = \"2G\"\ndevice = [\"rng\"]\n");
  EXPECT_EQ (err, "");
}

TEST_F (CommandConfig, ShowsWhereEachOptionComesFrom)
{
  const std::string path = write ("[hypervisor.qemu]\ndefault_vcpus = 2\nx = 1\n"
                                  "[vmplug]\ndevice = [\n\"rng\"]\n");
  const std::string out = run ({ "config", "--config", path, "--show-origin", "--memory", "2G",
                                 "--device", "qemu,driver=edu" });
  const auto has = [&] (const std::string &regex) {
    return static_cast<bool> (g_regex_match_simple (regex.c_str (), out.c_str (), G_REGEX_MULTILINE,
                                                    GRegexMatchFlags (0)));
  };

  EXPECT_TRUE (has ("^OPTION +VALUE +ORIGIN$")) << out;
  EXPECT_TRUE (has ("^machine +q35 +default$")) << out;
  EXPECT_TRUE (has ("^name +- +default$")) << out;
  EXPECT_TRUE (has ("^smp +2 +" + path + ":2$")) << out;
  EXPECT_TRUE (has ("^memory +2G +command line$")) << out;
  EXPECT_TRUE (has ("^device +rng +" + path + ":6\ndevice +qemu,driver=edu +command line$")) << out;
  EXPECT_EQ (err, "vmplug: warning: " + path +
                      ":3: hypervisor.qemu.x is no key of kata's that vmplug knows\n");
}

TEST_F (CommandConfig, ShowsTheSameAsJson)
{
  const std::string path = write ("[vmplug]\nsmp = 2\n");
  const std::string out = run ({ "config", "--config", path, "--show-origin", "--json" });

  EXPECT_EQ (
      out.rfind ("{\"settings\":[{\"option\":\"name\",\"value\":null,\"origin\":\"default\"},"
                 "{\"option\":\"machine\",\"value\":\"q35\",\"origin\":\"default\"},",
                 0),
      0u)
      << out;
  EXPECT_NE (out.find ("{\"option\":\"smp\",\"value\":\"2\",\"origin\":\"" + path + ":2\"}"),
             std::string::npos)
      << out;
}

TEST_F (CommandConfig, ListsKatasKeys)
{
  const std::string out = run ({ "config", "--keys" });

  EXPECT_NE (out.find ("\nhypervisor.qemu.confidential_guest "), std::string::npos) << out;
  EXPECT_NE (run ({ "config", "--keys", "--json" })
                 .find ("{\"key\":\"hypervisor.qemu.kernel\",\"fate\":\"honoured\",\"why\":\""),
             std::string::npos);
}

TEST_F (CommandConfig, RefusesWhatMakesNoSense)
{
  const std::string path = write ("x\n");

  run ({ "config", "--json" }, 2);
  EXPECT_NE (err.find ("--json: use it with"), std::string::npos) << err;
  run ({ "config", "--config", path }, 2);
  EXPECT_EQ (err.rfind ("vmplug: " + path + ":1:", 0), 0u) << err;
  EXPECT_EQ (err.find ("--help"), std::string::npos) << err;
  run ({ "config", "--config", path, "--config", path }, 2);
  EXPECT_NE (err.find ("--config is given twice"), std::string::npos) << err;
}

TEST_F (CommandConfig, APlanDoesWhatTheFileSays)
{
  const std::string path = write ("[hypervisor.qemu]\ncpu_features = \"pmu=off\"\n"
                                  "default_bridges = 2\ncold_plug_vfio = \"root-port\"\n"
                                  "enable_hugepages = true\n"
                                  "[vmplug]\ndevice = [\"0000:41:00.0\"]\naccel = \"tcg\"\n");
  std::string out = run ({ "plan", "--config", path, "--json" });

  EXPECT_NE (out.find ("\"-cpu\",\"max,pmu=off\""), std::string::npos) << out;
  EXPECT_NE (out.find ("\"bridge\":\"bridge2\""), std::string::npos) << out;
  EXPECT_NE (out.find ("\"plug\":\"cold\""), std::string::npos) << out;
  EXPECT_NE (out.find (":5:20: enable_hugepages: ignored: "), std::string::npos) << out;

  /* A device that says it is its own master. */
  write ("[hypervisor.qemu]\nhot_plug_vfio = \"bridge-port\"\n"
         "[vmplug]\ndevice = [\"0000:41:00.0\"]\naccel = \"tcg\"\n");
  out = run ({ "plan", "--config", path, "--json" });
  EXPECT_NE (out.find ("\"plug\":\"hot\",\"port\":\"port1\",\"bus\":\"bridge1\""),
             std::string::npos)
      << out;
  write ("[vmplug]\nplug = \"cold\"\ndevice = [\"0000:41:00.0,plug=auto\"]\naccel = \"tcg\"\n");
  out = run ({ "plan", "--config", path, "--json" });
  EXPECT_NE (out.find ("\"plug\":\"hot\""), std::string::npos) << out;
}

/* What seccompsandbox may ask for is what QEMU is really denied. */
TEST_F (CommandConfig, TheSandboxThatIsPromisedIsTheOneThatQemuGets)
{
  const std::string out = run ({ "plan", "--accel", "tcg", "--json" });
  const std::string option = "\"-sandbox\",\"";
  const size_t at = out.find (option);
  ASSERT_NE (at, std::string::npos) << out;
  const std::string sandbox =
      out.substr (at + option.size (), out.find ('"', at + option.size ()) - at - option.size ());

  EXPECT_TRUE (vp_kata_key_sandbox_is_covered (sandbox.c_str ())) << sandbox;
  for (const char *denied :
       { "obsolete=deny", "elevateprivileges=deny", "spawn=deny", "resourcecontrol=deny" })
    EXPECT_NE (sandbox.find (denied), std::string::npos) << denied;
}

} // namespace
