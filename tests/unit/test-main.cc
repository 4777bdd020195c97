/* The program itself, run as a user runs it. $VMPLUG is where it was built. */

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"

#include <gio/gio.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace
{

struct Outcome
{
  int status = -1;
  std::string out, err;
};

Outcome
run (const std::vector<std::string> &words, const char *stdout_path = nullptr)
{
  Outcome outcome;
  std::vector<const char *> argv = { g_getenv ("VMPLUG") };
  for (const std::string &word : words)
    argv.push_back (word.c_str ());
  argv.push_back (nullptr);

  g_autoptr (GError) error = nullptr;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      GSubprocessFlags (G_SUBPROCESS_FLAGS_STDERR_PIPE |
                        (stdout_path == nullptr ? G_SUBPROCESS_FLAGS_STDOUT_PIPE : 0)));
  if (stdout_path != nullptr)
    g_subprocess_launcher_set_stdout_file_path (launcher, stdout_path);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C", TRUE);
  g_autoptr (GSubprocess) process = g_subprocess_launcher_spawnv (launcher, argv.data (), &error);
  if (process == nullptr)
    {
      ADD_FAILURE () << error->message;
      return outcome;
    }

  g_autofree char *out = nullptr;
  g_autofree char *err = nullptr;
  EXPECT_TRUE (g_subprocess_communicate_utf8 (process, nullptr, nullptr, &out, &err, &error))
      << error->message;
  outcome.status =
      g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process) : -1;
  outcome.out = out != nullptr ? out : "";
  outcome.err = err != nullptr ? err : "";
  return outcome;
}

struct Row
{
  const char *name;
  std::vector<std::string> words;
  int status;
  const char *out; /* part of it, or "" for nothing at all */
  const char *err;
};

const Row rows[] = {
  { "alone", {}, 0, "Commands:\n", "" },
  { "help", { "--help" }, 0, "Commands:\n", "" },
  { "short_help", { "-h" }, 0, "Commands:\n", "" },
  { "version", { "--version" }, 0, "vmplug " VMPLUG_VERSION "\n", "" },
  { "unknown_command",
    { "frobnicate" },
    2,
    "",
    "vmplug: frobnicate: no such command; vmplug --help lists what there is\n" },
  { "unknown_option", { "--frobnicate" }, 2, "", "vmplug: --frobnicate: no such option; " },
  { "empty_command", { "" }, 2, "", "no such command" },
  { "hostile_command", { "a\033[2J\nb" }, 2, "", "vmplug: a\\x1b[2J\\x0ab: no such command; " },
  { "help_of_a_command", { "plan", "--help" }, 0, "vmplug plan [OPTION", "" },
  { "bad_option",
    { "plan", "--bogus" },
    2,
    "",
    "vmplug: unknown option --bogus; see vmplug plan --help\n" },
  { "bad_option_json",
    { "plan", "--bogus", "--json" },
    2,
    "{\"error\":{\"code\":\"usage\"",
    "unknown option --bogus" },
  { "bad_value",
    { "plan", "--spare", "254" },
    2,
    "",
    "vmplug: --spare: \"254\" is not a number from 0 to 253; see vmplug plan --help\n" },
  { "stray_argument", { "plan", "x" }, 2, "", "\"x\" is an argument too many; see" },
  { "refused_qemu_argument", { "plan", "--", "-daemonize" }, 2, "", "\"-daemonize\" cannot be" },
  { "missing_root", { "devices", "--root", "/nonexistent" }, 3, "", "/nonexistent" },
  { "text_that_is_not_ascii",
    { "plan", "--kernel", "/nonexistent/Größe" },
    3,
    "",
    "/nonexistent/Größe: No such file" },
};

class Program : public testing::TestWithParam<Row>
{
};

TEST_P (Program, PrintsAndExits)
{
  const Row &row = GetParam ();
  const Outcome outcome = run (row.words);

  EXPECT_EQ (outcome.status, row.status);
  for (const auto &[got, wanted] : { std::pair (outcome.out, std::string (row.out)),
                                     std::pair (outcome.err, std::string (row.err)) })
    {
      EXPECT_NE (got.find (wanted), std::string::npos) << got;
      EXPECT_EQ (got.empty (), wanted.empty ()) << got;
    }
  if (row.status != 0)
    {
      EXPECT_EQ (std::count (outcome.err.begin (), outcome.err.end (), '\n'), 1)
          << "one error, one line: " << outcome.err;
    }
}

INSTANTIATE_TEST_SUITE_P (Table, Program, testing::ValuesIn (rows), name_of_row<Row>);

TEST (ProgramOutput, ThatCannotBeWrittenIsAFailure)
{
  FakeSysfs host;

  for (const auto &words : std::vector<std::vector<std::string>>{
           { "--help" },
           { "--version" },
           { "plan", "--help" },
           { "devices", "--root", host.root () },
           { "doctor", "--root", host.root (), "--qemu", "/bin/true" },
           { "plan", "--root", host.root (), "--qemu", "/bin/true", "--json" } })
    {
      const Outcome outcome = run (words, "/dev/full");
      EXPECT_EQ (outcome.status, 1) << words[0];
      EXPECT_NE (outcome.err.find ("No space left on device"), std::string::npos) << outcome.err;
    }
}

TEST (ProgramDoctor, SaysWhatABareHostLacks)
{
  FakeSysfs host;
  const Outcome outcome = run ({ "doctor", "--root", host.root (), "--qemu", "/bin/true" });

  EXPECT_EQ (outcome.status, 3);
  EXPECT_EQ (outcome.err, "");
  EXPECT_EQ (std::count (outcome.out.begin (), outcome.out.end (), '\n'), 11);
  EXPECT_EQ (outcome.out.find ('\033'), std::string::npos);
  EXPECT_NE (outcome.out.find ("failed   iommu                none: "), std::string::npos)
      << outcome.out;
}

TEST (ProgramDoctor, SaysItInJsonToo)
{
  FakeSysfs host;
  const Outcome outcome =
      run ({ "doctor", "--root", host.root (), "--qemu", "/bin/true", "--json" });

  EXPECT_EQ (outcome.status, 3);
  EXPECT_EQ (outcome.err, "");
  EXPECT_EQ (outcome.out.rfind ("{\"checks\":[{\"name\":\"kvm\",\"status\":\"warning\",", 0), 0U)
      << outcome.out;
  EXPECT_EQ (outcome.out.find ('\n'), outcome.out.size () - 1);
}

/* All that can be faked is in order, so that nothing has failed. */
TEST (ProgramDoctor, IsContentWithAHostThatLacksNothing)
{
  FakeSysfs host;
  const std::string qemu = std::string (host.root ()) + "/qemu";

  host.pci ("0000:41:00.0").group (40).driver ("vfio-pci");
  host.write ("proc/interrupts", "  0:  5  IR-IO-APIC    2-edge      timer\n");
  host.write ("qemu", "#!/bin/sh\necho QEMU emulator version 7.2.22\n"
                      "echo 'name \"vfio-pci\"'; echo 'name \"pcie-root-port\"'\n");
  ASSERT_EQ (chmod (qemu.c_str (), 0755), 0);
  const Outcome outcome = run ({ "doctor", "--root", host.root (), "--qemu", qemu });

  EXPECT_EQ (outcome.status, 0) << outcome.out;
  EXPECT_EQ (outcome.out.find ("failed"), std::string::npos) << outcome.out;
}

TEST (ProgramOutput, HasNoColourWhenItIsNoTerminal)
{
  FakeSysfs host;

  EXPECT_EQ (run ({ "plan", "--root", host.root (), "--qemu", "/bin/true" }).out.find ('\033'),
             std::string::npos);
}

TEST (ProgramOutput, PlanInJsonIsOneLine)
{
  FakeSysfs host;
  const Outcome outcome = run ({ "plan", "--root", host.root (), "--qemu", "/bin/true", "--json" });

  EXPECT_EQ (outcome.status, 0);
  EXPECT_EQ (outcome.err, "");
  EXPECT_EQ (outcome.out[0], '{');
  EXPECT_EQ (outcome.out.find ('\n'), outcome.out.size () - 1);
}

/* To load it would take a third of the time that "vmplug --version" takes. */
TEST (Main, DoesNotLoadTheLibraryOfCxx)
{
  g_autofree char *program = nullptr;
  gsize size;

  ASSERT_TRUE (g_file_get_contents (g_getenv ("VMPLUG"), &program, &size, nullptr));
  const std::string bytes (program, size);
  EXPECT_NE (bytes.find ("libglib-2.0.so"), std::string::npos);
  EXPECT_EQ (bytes.find ("libstdc++.so"), std::string::npos);
}

} // namespace
