#include "tests/e2e/boot-guest.h"
#include "tests/e2e/guest.h"
#include "tests/support/fake-sysfs.h"
#include "tests/support/temp-folder.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

/* "vmplug boot -- COMMAND": a command of this host's in a guest of Linux, and how its status, its
 * output and its failures come back. */

namespace
{

using Args = std::vector<std::string>;

Args
operator+ (Args one, const Args &other)
{
  one.insert (one.end (), other.begin (), other.end ());
  return one;
}

std::string
content_of (const std::string &path)
{
  std::ifstream file (path, std::ios::binary);
  if (!file)
    throw std::runtime_error (path + " is missing: run scripts/lab-setup");
  return { std::istreambuf_iterator<char> (file), {} };
}

class BootCommand : public testing::Test
{
protected:
  FakeSysfs host;
  TempFolder folder;
  const std::string initrd = folder.write (
      "initrd",
      content_of (std::filesystem::path (VMPLUG_PROGRAM).parent_path () / "guest-initrd") +
          content_of (guest_file ("command-modules")));

  BootCommand () { setenv ("VMPLUG_GUEST_INITRD", initrd.c_str (), 1); }
  ~BootCommand () override { unsetenv ("VMPLUG_GUEST_INITRD"); }

  /* Emulated, so that it is the same everywhere. */
  static Args
  options ()
  {
    return { "boot",     "--accel", "tcg", "--memory", "256M", "--kernel", guest_file ("vmlinux"),
             "--append", "quiet" };
  }
  Outcome
  run (const Args &command, const Args &more = {})
  {
    return VmplugProgram::run (options () + more + Args{ "--" } + command, host.root (), 300);
  }
};

TEST_F (BootCommand, GetsItsArgumentsItsFolderAndTheHostsFiles)
{
  const std::string script = folder.write ("script", R"(
    for word; do printf '<%s>' "$word"; done
    echo; pwd; echo "$VMPLUG_TEST_VARIABLE"
    cat "$1"
    echo changed 2>&- >"$1.new" && cat "$1.new"
    echo no >/etc/vmplug-test || echo 'not writable' >&2
    exit 42
  )");
  const std::string file = folder.write ("a file", "of the host's\n");

  setenv ("VMPLUG_TEST_VARIABLE", "two\nlines", 1);
  const Outcome outcome = run ({ "sh", script, file, "", "it's", "$HOME \"x\"", "a\nb", "*" });
  unsetenv ("VMPLUG_TEST_VARIABLE");
  EXPECT_EQ (outcome.status, 42) << outcome;
  EXPECT_EQ (outcome.out, "<" + file + "><><it's><$HOME \"x\"><a\nb><*>\n" +
                              std::filesystem::current_path ().string () +
                              "\ntwo\nlines\nof the host's\nchanged\n");
  EXPECT_NE (outcome.err.find ("not writable\n"), std::string::npos) << outcome;
  EXPECT_EQ (outcome.err.find ("fail  "), std::string::npos)
      << "it has said so itself: " << outcome;
  EXPECT_FALSE (std::filesystem::exists (file + ".new")) << "/tmp is the guest's own";
  EXPECT_FALSE (std::filesystem::exists ("/etc/vmplug-test"));
}

TEST_F (BootCommand, BigOutputComesByteForByte)
{
  std::mt19937 random (1);
  std::string bytes (10'000'000, '\0');
  for (char &byte : bytes)
    byte = static_cast<char> (random ());
  const std::string file = folder.write ("bytes", bytes);
  const Outcome outcome = run ({ "sh", "-c", "cat $0; echo apart >&2", file });

  EXPECT_EQ (outcome.status, 0) << outcome.err;
  EXPECT_TRUE (outcome.out == bytes) << outcome.out.size () << " bytes";
  EXPECT_TRUE (outcome.says ("apart\n")) << outcome.err;
}

TEST_F (BootCommand, EndedByASignalIsToldAsAShellDoes)
{
  const Outcome outcome = run ({ "sh", "-c", "sleep 1000 & echo last words; kill -SEGV $$" });

  EXPECT_EQ (outcome.status, 128 + SIGSEGV) << outcome;
  EXPECT_EQ (outcome.out, "last words\n") << "what it leaves behind keeps nobody";
}

TEST_F (BootCommand, StatusOf255) { EXPECT_EQ (run ({ "sh", "-c", "exit 255" }).status, 255); }

TEST_F (BootCommand, ThatIsNotThere)
{
  const Outcome outcome = run ({ "vmplug-no-such-command" });

  EXPECT_EQ (outcome.status, 127) << outcome;
  EXPECT_TRUE (outcome.says ("could not be run: No such file or directory")) << outcome;
}

TEST_F (BootCommand, ThatIsNoProgram)
{
  const Outcome outcome = run ({ folder.write ("text", "hello\n") });

  EXPECT_EQ (outcome.status, 126) << outcome;
  EXPECT_TRUE (outcome.says ("could not be run: Permission denied")) << outcome;
}

TEST_F (BootCommand, GuestThatIsGoneHasReportedNothing)
{
  const Outcome outcome =
      run ({ "sh", "-c", "echo before; echo o >/proc/sysrq-trigger; sleep 1000" });

  EXPECT_EQ (outcome.status, 122) << outcome;
  EXPECT_EQ (outcome.out, "before\n");
}

TEST_F (BootCommand, PanicIsTold)
{
  const Outcome outcome =
      run ({ "sh", "-c", "echo before; sleep 0.2; echo c >/proc/sysrq-trigger; exit 0" });

  EXPECT_EQ (outcome.status, 123) << outcome;
  EXPECT_EQ (outcome.out, "before\n");
  EXPECT_TRUE (outcome.says ("panic")) << outcome;
}

TEST_F (BootCommand, HasATimeout)
{
  const Outcome outcome =
      run ({ "sh", "-c", "sleep 1000" }, { "--timeout", "3", "--tcg-scale", "1" });

  EXPECT_EQ (outcome.status, 124) << outcome;
}

TEST_F (BootCommand, FailuresOfOursHaveAStatusOfTheirOwn)
{
  const Args command = { "--", "true" };
  const Args bad[] = { { "boot" },
                       { "boot", "--kernel", folder.write ("garbage", std::string (65536, 'x')) },
                       { "boot", "--kernel", guest_file ("vmlinux"), "--initrd", "/nowhere" },
                       { "boot", "--kernel", guest_file ("vmlinux"), "--qemu", "/nowhere" },
                       { "boot", "--kernel", guest_file ("vmlinux"), "--no-such-option" },
                       { "boot", "--kernel", guest_file ("vmlinux"), "--result", "port" },
                       { "boot", "--kernel", guest_file ("vmlinux"), "--json" } };

  for (const Args &args : bad)
    {
      const Outcome outcome = VmplugProgram::run (args + command, host.root ());
      EXPECT_EQ (outcome.status, 125) << outcome;
      EXPECT_NE (outcome.err, "") << outcome;
      EXPECT_EQ (outcome.out, "") << outcome;
    }
}

/* There it is nobody's stdout: what it printed is evidence. */
TEST_F (BootCommand, OfAManifestShowsItsOutputWhenItFails)
{
  const std::string manifest = folder.write (
      "manifest.toml", "[[case]]\nname = \"c\"\nkernel = \"" + guest_file ("vmlinux") +
                           "\"\naccel = \"tcg\"\nmemory = \"256M\"\nappend = \"quiet\"\n"
                           "command = [\"sh\", \"-c\", \"echo its words; exit 3\"]\n");
  const Outcome outcome = VmplugProgram::run ({ "test", manifest }, host.root (), 300);

  EXPECT_EQ (outcome.status, 1) << outcome;
  EXPECT_NE (outcome.out.find ("> its words\n"), std::string::npos) << outcome;
}

/* As the documentation shows it: a cross file whose exe_wrapper is vmplug. */
TEST_F (BootCommand, IsMesonsWrapper)
{
  std::string wrapper = "'" VMPLUG_PROGRAM "'";
  for (const std::string &word : options ())
    wrapper += ", '" + word + "'";
  const std::string source = folder.make_folder ("source");
  const std::string build = folder.path ("build");

  folder.write ("source/meson.build", "project('p', 'c')\n"
                                      "test('good', executable('good', 'main.c'))\n"
                                      "test('bad', executable('bad', 'main.c'), args: 'x')\n");
  folder.write ("source/main.c", "#include <stdio.h>\n#include <unistd.h>\n"
                                 "int main (int argc, char **argv)\n"
                                 "{ printf (\"pid %d\\n\", getpid ()); return argc - 1; }\n");
  folder.write ("source/cross", "[binaries]\nc = 'cc'\nexe_wrapper = [" + wrapper +
                                    ", '--']\n[properties]\nneeds_exe_wrapper = true\n"
                                    "[host_machine]\nsystem = 'linux'\ncpu_family = 'x86_64'\n"
                                    "cpu = 'x86_64'\nendian = 'little'\n");
  const std::string log = folder.path ("log");
  setenv ("VMPLUG_ROOT", host.root (), 1);
  const auto shell = [&] (const std::string &line) {
    const pid_t pid = fork ();
    int status = 0;
    if (pid == 0)
      {
        execl ("/bin/sh", "sh", "-c", (line + " >>" + log + " 2>&1").c_str (), nullptr);
        _exit (125);
      }
    waitpid (pid, &status, 0);
    return WEXITSTATUS (status);
  };

  EXPECT_EQ (shell ("meson setup --cross-file " + source + "/cross " + build + " " + source), 0)
      << content_of (log);
  EXPECT_EQ (shell ("meson test -v -C " + build + " --num-processes 1 -t 10"), 1)
      << content_of (log);
  unsetenv ("VMPLUG_ROOT");
  const std::string said = content_of (log);
  EXPECT_NE (said.find ("Ok:                 1"), std::string::npos) << said;
  EXPECT_NE (said.find ("Fail:               1"), std::string::npos) << said;
  EXPECT_NE (said.find ("exit status 1"), std::string::npos) << said;
}

/* ---- a guest of one's own that reports by itself ---- */

class BootResult : public testing::Test
{
protected:
  FakeSysfs host;
  TempFolder folder;

  Outcome
  boot (const Args &args)
  {
    return VmplugProgram::run (Args{ "boot", "--accel", "tcg", "--memory", "256M" } + args,
                               host.root (), 300);
  }
  Args
  tiny (const TinyGuest &guest)
  {
    return { "--kernel", folder.write ("kernel", guest.image ()) };
  }
};

TEST_F (BootResult, DebugExitPassesWithItsValueOnly)
{
  EXPECT_EQ (boot (tiny (TinyGuest ().out (0xf4, 0x10)) + Args{ "--result", "debug-exit" }).status,
             0);
  EXPECT_EQ (boot (tiny (TinyGuest ().out (0xf4, 42)) + Args{ "--result", "debug-exit:42" }).status,
             0);
  for (uint16_t value : { 0, 1, 0x11, 0x7f })
    {
      const Outcome outcome =
          boot (tiny (TinyGuest ().out (0xf4, value)) + Args{ "--result", "debug-exit" });
      EXPECT_NE (outcome.status, 0) << value << outcome;
      EXPECT_LT (outcome.status, 122) << value << outcome;
    }
  EXPECT_EQ (boot (tiny (TinyGuest ().power_off ()) + Args{ "--result", "debug-exit" }).status, 1);
}

TEST_F (BootResult, PortTakesAStatus)
{
  const Outcome good = boot (guest_options () + Args{ "--result", "port", "--expect", "ready",
                                                      "--send", "echo 0 >/dev/vport0p1" });
  EXPECT_EQ (good.status, 0) << good;
  const Outcome bad = boot (guest_options () + Args{ "--result", "port", "--expect", "ready",
                                                     "--send", "echo 7 >/dev/vport0p1" });
  EXPECT_EQ (bad.status, 1) << bad;
  EXPECT_TRUE (bad.says ("status 7")) << bad;
}

} // namespace
