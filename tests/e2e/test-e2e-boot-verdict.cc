#include "tests/e2e/boot-guest.h"
#include "tests/e2e/vm.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <algorithm>
#include <random>

namespace
{
using Args = std::vector<std::string>;

const Args BASE = { "boot", "--json" };
const Args TCG = { "--accel", "tcg" };
constexpr double SECONDS = 400;

/* `vmplug boot` of a guest, and what it says about it. */
class BootVerdict : public testing::Test
{
protected:
  FakeSysfs host_;
  TempFolder folder_;

  /* Returns its document, of which it has checked what all of them have. */
  static Json
  document_of (const Outcome &outcome)
  {
    const Json document = Json::parse (outcome.out);

    EXPECT_EQ (document["exit"].number (), outcome.status) << outcome;
    EXPECT_NE (document["reason"].text (), "") << outcome;
    EXPECT_EQ (document["reason"].text ().find ('\n'), std::string::npos) << outcome;
    EXPECT_EQ (document["evidence"]["command"].text ().find ("vmplug boot "), 0u) << outcome;
    return document;
  }
  Json
  judge (const Args &options) const
  {
    return document_of (VmplugProgram::run (BASE + TCG + options, host_.root (), SECONDS));
  }
  Json
  judge (const TinyGuest &guest, Args options) const
  {
    options.insert (options.begin (), { "--kernel", folder_.write ("kernel", guest.image ()) });
    return judge (options);
  }
  /* The lab's kernel with an initramfs that is made for it. */
  Json
  judge (const Initramfs &initramfs, Args options) const
  {
    options.insert (options.begin (), { "--kernel", guest_file ("vmlinux"), "--initrd",
                                        folder_.write ("initrd", initramfs.image ()) });
    return judge (options);
  }

  static void
  expect (const Json &document,
          const std::string &verdict,
          int status,
          const std::string &reason,
          const char *kind = nullptr)
  {
    EXPECT_EQ (document["verdict"].text (), verdict) << document;
    EXPECT_EQ (document["exit"].number (), status) << document;
    EXPECT_NE (document["reason"].text ().find (reason), std::string::npos) << document;
    EXPECT_EQ (document["evidence"]["kind"].text (), kind != nullptr ? kind : "") << document;
  }
};

struct Row
{
  const char *name;
  TinyGuest guest;
  Args options;
  const char *verdict;
  int status;
  const char *reason;
  const char *kind;
};

void
PrintTo (const Row &row, std::ostream *stream)
{
  *stream << row.name;
}

class TinyGuestVerdict : public BootVerdict, public testing::WithParamInterface<Row>
{
};

TEST_P (TinyGuestVerdict, IsItsOwn)
{
  const Row &row = GetParam ();

  expect (judge (row.guest, row.options), row.verdict, row.status, row.reason, row.kind);
}

/* Only where being slow cannot make another verdict of it. */
const Args UNSCALED = { "--tcg-scale", "1" };
const Args NEVER = { "--expect", "never" };
const Row rows[] = {
  { "says_it",
    TinyGuest ().print ("boot: ready\n"),
    { "--expect", "^boot: ready$" },
    "pass",
    0,
    "all steps are done",
    nullptr },
  { "is_spoken_to",
    TinyGuest ().print ("tiny login: ").echo ().print ("welcome\n# "),
    { "--expect", "login: $", "--send", "root", "--expect", "^welcome", "--expect", "^# $" },
    "pass",
    0,
    "all steps are done",
    nullptr },
  { "says_nothing", TinyGuest (), UNSCALED + Args{ "--stall", "2" } + NEVER, "hang", 1,
    "no output for 2 s while waiting for 'never'", nullptr },
  { "stands_still", TinyGuest ().print ("hello\n"), UNSCALED + Args{ "--stall", "2" } + NEVER,
    "hang", 1, "no output for 2 s", nullptr },
  { "spins", TinyGuest ().print ("hello\n").spin (), UNSCALED + Args{ "--stall", "2" } + NEVER,
    "hang", 1, "no output for 2 s", nullptr },
  { "prints_for_ever", TinyGuest ().print ("still here\n", TinyGuest::FOR_EVER),
    UNSCALED + Args{ "--timeout", "3" } + NEVER, "timeout", 124, "not over after 3 s", nullptr },
  { "is_slow_at_one_step", TinyGuest ().print ("one\n"),
    UNSCALED + Args{ "--expect", "one", "--expect", "two@1" }, "timeout", 124,
    "'expect two' was not done within 1 s", nullptr },
  { "resets_for_ever", TinyGuest ().print ("hello\n").reset (), NEVER, "guest-gone", 1,
    "reset itself 3 times while waiting for 'never', and may 2", nullptr },
  { "resets_no_more_than_it_may",
    TinyGuest ().reset (2).print ("boot: ready\n"),
    { "--expect", "boot: ready" },
    "pass",
    0,
    "all steps are done",
    nullptr },
  { "must_not_reset",
    TinyGuest ().reset (1).print ("boot: ready\n"),
    { "--resets", "0", "--expect", "boot: ready" },
    "guest-gone",
    1,
    "reset itself 1 time",
    nullptr },
  { "powers_off_early", TinyGuest ().print ("hello\n").power_off (), NEVER, "guest-gone", 1,
    "the guest powered off while waiting for 'never'", nullptr },
  { "panics_in_silence", TinyGuest ().pvpanic (), NEVER, "panic", 1,
    "as its pvpanic device reports", nullptr },
  { "falls_into_a_shell",
    TinyGuest ().print ("ALERT!  /dev/sda1 does not exist.  Dropping to a shell!\r\n\r\n"
                        "BusyBox v1.35.0 (Debian 1:1.35.0-4) built-in shell (ash)\r\n"
                        "Enter 'help' for a list of built-in commands.\r\n\r\n(initramfs) "),
    NEVER, "fail", 1, "Dropping to a shell!", "initramfs shell" },
  { "says_what_it_must_not",
    TinyGuest ().print ("tests: 1 failed\n"),
    { "--fail-on", "[1-9] failed", "--expect", "never" },
    "fail",
    1,
    "tests: 1 failed",
    "[1-9] failed" },
  { "may_say_anything",
    TinyGuest ().print ("Kernel panic - not syncing: a joke\nboot: ready\n"),
    { "--fail-on", "none", "--expect", "boot: ready" },
    "pass",
    0,
    "all steps are done",
    nullptr },
};
INSTANTIATE_TEST_SUITE_P (Table, TinyGuestVerdict, testing::ValuesIn (rows), name_of_row<Row>);

/* Real kernels */

TEST_F (BootVerdict, LinuxReachesInit)
{
  const Json document =
      judge (Initramfs ("echo init: here\nsleep 1000\n"),
             { "--expect", "Run /init as init process", "--expect", "^init: here$" });

  expect (document, "pass", 0, "all steps are done");
  ASSERT_EQ (document["milestones"].size (), 2u);
  EXPECT_EQ (document["milestones"].at (1)["line"].text (), "init: here");
  EXPECT_LE (document["milestones"].at (0)["seconds"].real (),
             document["milestones"].at (1)["seconds"].real ());
}

TEST_F (BootVerdict, LinuxWithoutARootPanics)
{
  const Json document = judge ({ "--kernel", guest_file ("vmlinux"), "--expect", "Run /init" });

  expect (document, "panic", 1, "Unable to mount root fs", "kernel panic");
  EXPECT_NE (document["evidence"]["report"]["stack"].dump ().find ("prepare_namespace"),
             std::string::npos)
      << document;
}

/* A lab whose scripts/lab-mdev has not been run has none. */
std::string
fault_module ()
{
  return Initramfs::read_file (guest_file ("fault.ko"));
}

TEST_F (BootVerdict, LinuxThatOopses)
{
  const Json document = judge (Initramfs ("insmod fault.ko kind=oops\nsleep 1000\n")
                                   .add ("fault.ko", Initramfs::FILE, fault_module ()),
                               { "--append", "quiet", "--expect", "never" });

  expect (document, "oops", 1, "BUG: kernel NULL pointer dereference", "kernel oops");
  EXPECT_NE (document["evidence"]["report"]["rip"].text ().find ("fault_init"), std::string::npos)
      << document;
  EXPECT_EQ (document["evidence"]["report"]["process"].text ().find ("insmod"), 0u) << document;
}

TEST_F (BootVerdict, LinuxThatLocksUp)
{
  const Json document =
      judge (Initramfs ("echo 1 >/proc/sys/kernel/watchdog_thresh\ninsmod fault.ko kind=lockup\n")
                 .add ("fault.ko", Initramfs::FILE, fault_module ()),
             { "--append", "quiet", "--expect", "never" });

  expect (document, "hang", 1, "BUG: soft lockup", "soft lockup");
}

/* The archive behind the lab's own takes the place of its files. */
TEST_F (BootVerdict, LinuxThatPanicsOnAnotherConsole)
{
  const std::string init = "insmod /lib/modules/pvpanic.ko\n"
                           "insmod /lib/modules/pvpanic-mmio.ko\n"
                           "echo c >/proc/sysrq-trigger\n";
  const std::string initrd =
      Initramfs::read_file (guest_file ("initrd")) + Initramfs (init).image ();
  const Json document =
      judge ({ "--kernel", guest_file ("vmlinux"), "--initrd", folder_.write ("initrd", initrd),
               "--append", "console=tty0", "--expect", "never" });

  expect (document, "panic", 1, "as its pvpanic device reports");
  EXPECT_TRUE (document["evidence"]["console_tail"].is_empty ()) << document;
  EXPECT_FALSE (document["evidence"]["qmp"].find ("event", "GUEST_PANICKED").is_null ())
      << document;
}

/* A bzImage that is damaged says so, to who asks. */
TEST_F (BootVerdict, ADamagedKernel)
{
  std::string kernel = Initramfs::read_file (guest_file ("vmlinuz"));

  kernel[kernel.size () / 2] ^= 1;
  expect (judge ({ "--kernel", folder_.write ("bzImage", kernel), "--append",
                   "console=ttyS0 earlyprintk=ttyS0", "--expect", "Linux version" }),
          "fail", 1, "-- System halted", "kernel not loaded");
}

/* What is no kernel is not booted at all. */

struct BadKernelRow
{
  const char *name;
  std::string content;
  const char *why;
};

class BadKernel : public BootVerdict, public testing::WithParamInterface<BadKernelRow>
{
};

TEST_P (BadKernel, IsAUsageError)
{
  const Outcome outcome = VmplugProgram::run (
      { "boot", "--kernel", folder_.write ("kernel", GetParam ().content), "--expect", "never" },
      host_.root ());

  EXPECT_EQ (outcome.status, 2) << outcome;
  EXPECT_EQ (outcome.out, "") << outcome;
  EXPECT_EQ (std::count (outcome.err.begin (), outcome.err.end (), '\n'), 1) << outcome;
  EXPECT_TRUE (outcome.says (GetParam ().why)) << outcome;
}

std::string
random_bytes (size_t size)
{
  std::minstd_rand random (1);
  std::string bytes (size, '\0');

  for (char &byte : bytes)
    byte = static_cast<char> (random () >> 8);
  return bytes;
}

/* As long as 64 KiB of a bzImage of 8 MB. */
std::string
half_a_bzimage ()
{
  std::string file (65536, '\0');

  file[0x1f1] = 39;
  file.replace (0x1f4, 4, "\x20\xd8\x07\x00", 4);
  return file.replace (0x202, 4, "HdrS");
}

const BadKernelRow bad_kernels[] = {
  { "empty", "", "not a kernel" },
  { "text", "I am no kernel.\n", "not a kernel" },
  { "random", random_bytes (65536), "not a kernel" },
  { "cut_short", half_a_bzimage (), "cut short: it has 65536 bytes, and its header says 8245760" },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          BadKernel,
                          testing::ValuesIn (bad_kernels),
                          name_of_row<BadKernelRow>);

/* QEMU refuses it itself. */
TEST_F (BootVerdict, AnElfFileThatIsCutShort)
{
  std::filesystem::copy_file (guest_file ("vmlinux"), folder_.path ("vmlinux"));
  std::filesystem::resize_file (folder_.path ("vmlinux"), 1 << 20);
  expect (judge ({ "--kernel", folder_.path ("vmlinux"), "--expect", "never" }), "infra", 99,
          "QEMU");
}

/* The host */

class KvmVerdict : public BootVerdict
{
protected:
  void
  expect_infra ()
  {
    const std::string kernel = folder_.write ("kernel", TinyGuest ().image ());
    expect (document_of (VmplugProgram::run (
                BASE + Args{ "--accel", "kvm", "--kernel", kernel } + NEVER, host_.root ())),
            "infra", 99, "/dev/kvm");
  }
};

TEST_F (KvmVerdict, IsNotThere) { expect_infra (); }

TEST_F (KvmVerdict, IsNoDevice)
{
  host_.write ("dev/kvm", "");
  expect_infra ();
}

/* Its QEMU, the only child that it has. */
pid_t
child_of (pid_t parent)
{
  const std::string pid = std::to_string (parent);
  std::ifstream children ("/proc/" + pid + "/task/" + pid + "/children");
  pid_t child;

  if (!(children >> child))
    throw std::runtime_error ("process " + pid + " has no child");
  return child;
}

class QemuVerdict : public BootVerdict
{
protected:
  /* Sends a signal to QEMU once the guest has said something. */
  Json
  judge_when (int number, const Args &options)
  {
    const std::string kernel = folder_.write ("kernel", TinyGuest ().print ("one\n").image ());
    VmplugProgram program (BASE + TCG + Args{ "--kernel", kernel, "--expect", "one" } + options,
                           host_.root ());
    program.close_stdin ();
    program.watch ([&] { return program.err ().find ("expect one") != std::string::npos; });
    kill (child_of (program.pid ()), number);
    return document_of (program.wait (SECONDS));
  }
};

TEST_F (QemuVerdict, IsKilled)
{
  expect (judge_when (SIGKILL, NEVER), "infra", 99, "killed by signal 9");
}

TEST_F (QemuVerdict, IsTerminated)
{
  expect (judge_when (SIGTERM, NEVER), "infra", 99, "QEMU went away while waiting for 'never'");
}

/* Even so it ends, and evidence that cannot be had is not waited for. */
TEST_F (QemuVerdict, IsFrozen)
{
  expect (judge_when (SIGSTOP, UNSCALED + Args{ "--expect", "never@1" }), "timeout", 124,
          "'expect never' was not done within 1 s");
}

/* Hostile consoles */

class HostileConsole : public BootVerdict
{
protected:
  /* "boot: ready" to whoever looks at a terminal. */
  static constexpr const char *READY = "\r\n\033[1mbo\033[0mot\033[K: re\033]0;title\aady";
  static constexpr const char *PATTERN = "^boot: ready$";

  /* Whether a file is @piece, @times times, then READY and at most the end of its line. */
  static bool
  logs (const std::string &path, const std::string &piece, int times)
  {
    std::ifstream file (path, std::ios::binary);
    std::string read (piece.size (), '\0');

    for (; times > 0; times--)
      if (!file.read (read.data (), static_cast<std::streamsize> (read.size ())) || read != piece)
        return false;
    const std::string rest (std::istreambuf_iterator<char> (file), {});
    return rest == READY || rest == READY + std::string ("\n");
  }
  static void
  expect_pass (const Json &document)
  {
    expect (document, "pass", 0, "all steps are done");
    EXPECT_EQ (document["milestones"].at (0)["line"].text (), "boot: ready") << document;
  }
};

/* What no terminal would survive: invalid UTF-8, sequences without an end, zeroes, a long line. */
std::string
hostile_text ()
{
  return "\xff\xfe\xc3\x28\xed\xa0\x80 \033[9999;9999H\033[1;2;3;4;5;6;7;8m" +
         std::string ("\0\0\0", 3) + "\r\r\n\n\x9b[31m\b\b\b\033P1$r" + std::string (100, 'q') +
         "\033\\ \033[" + std::string (500, ';') + "m\n" + std::string (12000, 'x') +
         "\033[6n\033c";
}

/* A real UART, which is slow where it is emulated: ten to a hundred kilobytes in a second. */
TEST_F (HostileConsole, OfAGuest)
{
  const std::string text = hostile_text ();

  expect_pass (judge (TinyGuest ().print (text, 2).print (READY + std::string ("\n")).power_off (),
                      { "--expect", PATTERN, "--artifacts", folder_.path ("artifacts") }));
  EXPECT_TRUE (logs (folder_.path ("artifacts/console.log"), text, 2));
}

/* Says of QEMU only what is needed, and prints a file many times. */
constexpr const char *FLOOD = R"(#!/bin/sh
print () {
  for i in $(seq "$TIMES"); do cat "$FILE"; done
  printf '%s\n' "$READY"
}
printf '{"QMP":{"version":{},"capabilities":[]}}\r\n' >&3
while read -r line <&3; do
  id=${line##*\"id\":}
  printf '{"return":{},"id":%s}\r\n' "${id%%\}*}" >&3
  case $line in
    *'"cont"'*) print >&4 & ;;
    *'"quit"'*) exit 0 ;;
  esac
done
)";

/* The most memory that a process has had, in KiB. */
long
peak_memory (pid_t pid)
{
  std::ifstream status ("/proc/" + std::to_string (pid) + "/status");
  long peak = 0;

  for (std::string word; status >> word;)
    if (word == "VmHWM:")
      status >> peak;
  return peak;
}

TEST_F (HostileConsole, Floods)
{
  constexpr size_t PIECE = 8 << 20;
  constexpr int TIMES = 32;
  std::string piece;
  long peak = 0;

  for (int i = 0; piece.size () < PIECE / 2; i++)
    piece += "[ " + std::to_string (i) + "] what a kernel says\r\n" +
             (i % 64 == 0 ? hostile_text () : "");
  piece += random_bytes (PIECE / 4);
  piece.resize (PIECE, 'x');
  setenv ("FILE", folder_.write ("piece", piece).c_str (), 1);
  setenv ("TIMES", std::to_string (TIMES).c_str (), 1);
  setenv ("READY", READY, 1);
  const std::string qemu = folder_.write ("qemu", FLOOD);
  std::filesystem::permissions (qemu, std::filesystem::perms::owner_all);

  VmplugProgram program (BASE + TCG +
                             Args{ "--qemu", qemu, "--expect", PATTERN, "--timeout", "60",
                                   "--artifacts", folder_.path ("artifacts") },
                         host_.root ());
  program.close_stdin ();
  program.watch ([&] { return peak = std::max (peak, peak_memory (program.pid ())), false; },
                 SECONDS);
  expect_pass (document_of (program.wait ()));
  EXPECT_LT (peak, 64 * 1024);
  EXPECT_GT (peak, 0);
  EXPECT_TRUE (logs (folder_.path ("artifacts/console.log"), piece, TIMES));
}
}
