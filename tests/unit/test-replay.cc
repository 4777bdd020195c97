#include "devices/error.h"
#include "launcher/vm/bindings.h"
#include "launcher/vm/leftover.h"
#include "launcher/vm/replay.h"
#include "launcher/vm/run-dir.h"

#include "tests/support/command-run.h"
#include "tests/support/fake-kernel.h"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace
{

namespace fs = std::filesystem;

const char FIRST[] = "0000:41:00.0", SECOND[] = "0000:41:00.1", ALONE[] = "0000:42:00.0";

/* Two functions in group 40, and one in group 41, all of a driver of the host. */
class Replay : public testing::Test
{
protected:
  Replay ()
  {
    host.add_driver ("vfio-pci");
    for (auto [address, group, function] :
         { std::tuple{ FIRST, 40, &first }, { SECOND, 40, &second }, { ALONE, 41, &alone } })
      {
        host.pci (address).group (group).driver ("e1000e");
        kernel.set_native_driver (address, "e1000e");
        if (!vp_pci_address_parse (address, &function->address, nullptr))
          std::abort ();
        function->group = group;
      }
    sysfs = vp_sysfs_open (host.root (), nullptr);
    setenv ("VMPLUG_ROOT", host.root (), 1);
  }
  ~Replay () override
  {
    unsetenv ("VMPLUG_ROOT");
    vp_sysfs_free (sysfs);
  }

  /* What is done, and what is not, line by line. */
  std::vector<std::string>
  replay ()
  {
    g_autoptr (GPtrArray) steps = vp_replay_run (sysfs, host.root (), 0);
    std::vector<std::string> lines;

    for (guint i = 0; i < steps->len; i++)
      {
        const auto *step = static_cast<const VpReplayStep *> (steps->pdata[i]);
        std::string subject = step->subject;
        if (subject.rfind (host.root (), 0) == 0)
          subject.erase (0, strlen (host.root ()));
        lines.push_back (
            std::string (step->vm != nullptr ? step->vm : "-") + ": " +
            vp_replay_kind_to_string (step->kind) + " " + subject +
            (step->driver != nullptr ? std::string (" -> ") + step->driver : "") +
            (step->error != nullptr ? ": " + without_root (step->error->message) : ""));
      }
    return lines;
  }
  std::string
  without_root (std::string text) const
  {
    for (size_t at; (at = text.find (host.root ())) != text.npos;)
      text.erase (at, strlen (host.root ()));
    return text;
  }
  /* Does something in a process that may die of it; returns whether it was killed. */
  static bool
  in_child (const std::function<void ()> &something)
  {
    pid_t pid = fork ();
    int status = 0;

    if (pid == 0)
      {
        something ();
        _exit (0);
      }
    waitpid (pid, &status, 0);
    return WIFSIGNALED (status);
  }
  /* Kills whoever makes the write of that number. */
  void
  die_at (unsigned step)
  {
    n_writes = 0;
    kernel.before_write = [this, step] (const std::string &) {
      if (n_writes++ == step)
        kill (getpid (), SIGKILL);
    };
  }
  /* A supervisor that takes all of group 40, and is killed with it or before. */
  bool
  supervise_and_die (unsigned step, const char *vm = "vm1")
  {
    return in_child ([&] {
      VpRunDir *dir = vp_run_dir_create (host.root (), vm, nullptr);
      VpBindings *bindings = vp_bindings_new_for_vm (sysfs, host.root (), vm);
      g_autoptr (GPtrArray) functions = g_ptr_array_new ();

      g_ptr_array_add (functions, &first);
      g_ptr_array_add (functions, &second);
      die_at (step);
      if (dir == nullptr || !vp_bindings_take_all (bindings, functions, 0, nullptr, nullptr))
        _exit (1);
      kill (getpid (), SIGKILL);
    });
  }
  std::string
  driver (const char *address)
  {
    return host.link_name (FakeSysfs::pci_folder (address) / "driver");
  }
  void
  expect_home ()
  {
    for (const char *address : { FIRST, SECOND })
      {
        EXPECT_EQ (driver (address), "e1000e") << address;
        EXPECT_EQ (host.read (FakeSysfs::pci_folder (address) / "driver_override"), "(null)\n");
        EXPECT_EQ (entry (address), "");
      }
    EXPECT_FALSE (fs::exists (fs::path (host.root ()) / "run/vmplug/vms/vm1"));
  }
  std::string
  entry (const std::string &address)
  {
    return host.read ("run/vmplug/bindings/" + address);
  }
  void
  plant_entry (const std::string &name, const std::string &text)
  {
    host.make_folder ("run/vmplug/bindings");
    for (const char *folder : { "run/vmplug", "run/vmplug/bindings" })
      chmod ((fs::path (host.root ()) / folder).c_str (), 0700);
    host.write ("run/vmplug/bindings/" + name, text);
  }

  FakeSysfs host;
  FakeKernel kernel{ &host };
  VpPciFunction first = {}, second = {}, alone = {};
  VpSysfs *sysfs;
  unsigned n_writes = 0;
};

using Lines = std::vector<std::string>;

TEST_F (Replay, WithNothingLeftThereIsNothingToDo)
{
  EXPECT_EQ (replay (), Lines{});
  EXPECT_FALSE (fs::exists (fs::path (host.root ()) / "run")) << "a look makes nothing";
}

/* Noted; unbound, one or both; bound, one or both; and nothing but its QEMU missing. */
TEST_F (Replay, AtWhateverStepASupervisorIsKilledAllComesHome)
{
  for (unsigned step = 0; step <= 6; step++)
    {
      ASSERT_TRUE (supervise_and_die (step)) << step;
      EXPECT_EQ (entry (FIRST), "driver=e1000e\nvm=vm1\n") << step;
      EXPECT_EQ (replay (),
                 (Lines{ "vm1: device 0000:41:00.0 -> e1000e", "vm1: device 0000:41:00.1 -> e1000e",
                         "vm1: run-dir /run/vmplug/vms/vm1" }))
          << step;
      expect_home ();
      EXPECT_EQ (replay (), Lines{});
    }
}

TEST_F (Replay, KilledItselfItIsRunAgain)
{
  for (unsigned step = 0;; step++)
    {
      ASSERT_TRUE (supervise_and_die (6));
      const bool was_killed = in_child ([&] {
        die_at (step);
        replay ();
      });
      replay ();
      expect_home ();
      EXPECT_EQ (replay (), Lines{});
      if (!was_killed)
        {
          EXPECT_GE (step, 6u) << "override, unbind, bind, of both";
          break;
        }
    }
}

TEST_F (Replay, WhatALiveVmHasIsNotTouched)
{
  VpRunDir *dir = vp_run_dir_create (host.root (), "vm1", nullptr);
  VpBindings *bindings = vp_bindings_new_for_vm (sysfs, host.root (), "vm1");

  ASSERT_TRUE (vp_bindings_take (bindings, &first, nullptr));
  EXPECT_EQ (replay (), Lines{});
  EXPECT_EQ (driver (FIRST), "vfio-pci");

  vp_bindings_free (bindings);
  vp_run_dir_free (dir);
  EXPECT_EQ (replay ().size (), 2u);
  expect_home ();
}

TEST_F (Replay, WhatWasBoundToStayStays)
{
  VpBindings *nobodys = vp_bindings_new (sysfs, host.root ());

  ASSERT_TRUE (vp_bindings_take (nobodys, &first, nullptr));
  EXPECT_EQ (replay (), Lines{});
  EXPECT_EQ (driver (FIRST), "vfio-pci");
  EXPECT_EQ (entry (FIRST), "driver=e1000e\n");
  vp_bindings_free (nobodys);
}

TEST_F (Replay, WithoutARunDirItsOwnerIsDeadToo)
{
  host.pci (ALONE).driver ("vfio-pci");
  plant_entry (ALONE, "driver=e1000e\nvm=vm7\n");
  EXPECT_EQ (replay (), Lines{ "vm7: device 0000:42:00.0 -> e1000e" });
  EXPECT_EQ (driver (ALONE), "e1000e");
  EXPECT_FALSE (fs::exists (fs::path (host.root ()) / "run/vmplug/vms/vm7"));
}

TEST_F (Replay, WhatDoesNotGoBackIsToldAndStaysNoted)
{
  ASSERT_TRUE (supervise_and_die (6));
  kernel.refuse ("41:00.0/driver_override", VP_DEVICE_ERROR_IO, "Input/output error");
  EXPECT_EQ (replay (),
             (Lines{ "vm1: device 0000:41:00.0: 0000:41:00.0: "
                     "/sys/bus/pci/devices/0000:41:00.0/driver_override: Input/output error",
                     "vm1: device 0000:41:00.1 -> e1000e", "vm1: run-dir /run/vmplug/vms/vm1" }));
  EXPECT_EQ (entry (FIRST), "driver=e1000e\nvm=vm1\n");

  kernel.forgive ();
  EXPECT_EQ (replay (), Lines{ "vm1: device 0000:41:00.0 -> e1000e" });
  expect_home ();
}

TEST_F (Replay, WhatAnotherVmUsesNowIsLeftToIt)
{
  ASSERT_TRUE (supervise_and_die (6));
  VpBindings *other = vp_bindings_new_for_vm (sysfs, host.root (), "vm2");
  ASSERT_TRUE (vp_bindings_lock_group (other, 40, nullptr));
  EXPECT_EQ (replay (), (Lines{ "vm1: device 0000:41:00.0: 0000:41:00.0: group 40: VM vm2 has it",
                                "vm1: device 0000:41:00.1: 0000:41:00.1: group 40: VM vm2 has it",
                                "vm1: run-dir /run/vmplug/vms/vm1" }));
  EXPECT_EQ (driver (FIRST), "vfio-pci");
  vp_bindings_free (other);
  replay ();
  expect_home ();
}

TEST_F (Replay, WhatIsNoEntryIsNamedAndSkipped)
{
  ASSERT_TRUE (supervise_and_die (6));
  plant_entry ("0000:42:00.0", "driver=e10");
  plant_entry ("nonsense", "driver=e1000e\n");
  plant_entry (".0000:43:00.0.new", "driv");
  EXPECT_EQ (replay (),
             (Lines{ "-: device 0000:42:00.0: /run/vmplug/bindings/0000:42:00.0: no journal entry "
                     "(wanted driver=NAME); remove it, or write the driver into it",
                     "-: device nonsense: /run/vmplug/bindings/nonsense: no journal entry (its "
                     "name is no address); remove it",
                     "vm1: device 0000:41:00.0 -> e1000e", "vm1: device 0000:41:00.1 -> e1000e",
                     "vm1: run-dir /run/vmplug/vms/vm1" }));
  expect_home ();
}

TEST_F (Replay, WhatIsNoVmsFolderIsNamedAndSkipped)
{
  ASSERT_TRUE (supervise_and_die (6));
  host.write ("run/vmplug/vms/vm0", "a file in the way");
  const Lines lines = replay ();
  ASSERT_EQ (lines.size (), 4u);
  EXPECT_EQ (lines[0].find ("vm0: run-dir /run/vmplug/vms/vm0: "), 0u) << lines[0];
  expect_home ();
}

TEST_F (Replay, AJournalThatOthersMayWriteIsNotBelieved)
{
  plant_entry (ALONE, "driver=e1000e\nvm=vm7\n");
  chmod ((fs::path (host.root ()) / "run/vmplug/bindings").c_str (), 0777);
  const Lines lines = replay ();
  ASSERT_EQ (lines.size (), 1u);
  EXPECT_NE (lines[0].find ("other users may write to it"), std::string::npos) << lines[0];
}

/* A QEMU without its parent-death signal, which holds its devices until it is ended. */
class Leftover : public Replay
{
protected:
  Leftover ()
  {
    qemu = fork ();
    if (qemu == 0)
      {
        pause ();
        _exit (0);
      }
    in_child ([&] {
      VpRunDir *dir = vp_run_dir_create (host.root (), "vm1", nullptr);

      vp_leftover_note (dir, qemu);
      kill (getpid (), SIGKILL);
    });
  }
  ~Leftover () override
  {
    kill (qemu, SIGKILL);
    waitpid (qemu, nullptr, 0);
  }
  bool
  is_alive () const
  {
    siginfo_t info = {};
    return waitid (P_PID, static_cast<id_t> (qemu), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
  }
  std::string
  note () const
  {
    return host.read ("run/vmplug/vms/vm1/qemu.pid");
  }

  pid_t qemu;
};

TEST_F (Leftover, IsEndedBeforeItsDevicesGoBack)
{
  bool was_alive = true;

  ASSERT_TRUE (is_alive ());
  plant_entry (ALONE, "driver=e1000e\nvm=vm1\n");
  host.pci (ALONE).driver ("vfio-pci");
  kernel.before_write = [&] (const std::string &) { was_alive = is_alive (); };
  EXPECT_EQ (replay (),
             (Lines{ "vm1: qemu " + std::to_string (qemu), "vm1: device 0000:42:00.0 -> e1000e",
                     "vm1: run-dir /run/vmplug/vms/vm1" }));
  EXPECT_FALSE (was_alive);
}

TEST_F (Leftover, AnotherProcessOfTheSamePidIsNotHarmed)
{
  const std::string text = note ();
  for (const std::string &other :
       { std::to_string (qemu) + " 1\n", std::to_string (qemu) + "\n", text + text,
         "-1 " + text.substr (text.find (' ') + 1), "1" + text.substr (text.find (' ')),
         text.substr (0, text.size () - 1), std::string ("\0\0", 2), std::string () })
    {
      host.write ("run/vmplug/vms/vm1/qemu.pid", other);
      EXPECT_EQ (replay (), Lines{ "vm1: run-dir /run/vmplug/vms/vm1" }) << other;
      EXPECT_TRUE (is_alive ()) << other;
      host.make_folder ("run/vmplug/vms/vm1");
      chmod ((fs::path (host.root ()) / "run/vmplug/vms/vm1").c_str (), 0700);
    }
}

TEST_F (Leftover, OneThatHasEndedIsNotTold)
{
  kill (qemu, SIGKILL);
  siginfo_t info;
  waitid (P_PID, static_cast<id_t> (qemu), &info, WEXITED | WNOWAIT);
  EXPECT_EQ (replay (), Lines{ "vm1: run-dir /run/vmplug/vms/vm1" });
}

/* vmplug gc */

TEST_F (Replay, TheCommandTellsEachThing)
{
  CommandRun before ({ "gc" });
  EXPECT_EQ (before.wait (), 0);
  EXPECT_EQ (before.out, "nothing is left over\n");

  ASSERT_TRUE (supervise_and_die (6));
  CommandRun run ({ "gc" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (without_root (run.out), "vm1: 0000:41:00.0 -> e1000e\n"
                                     "vm1: 0000:41:00.1 -> e1000e\n"
                                     "vm1: removed /run/vmplug/vms/vm1\n");
  EXPECT_EQ (run.err, "");
}

TEST_F (Replay, TheCommandFailsWhenSomethingIsLeft)
{
  ASSERT_TRUE (supervise_and_die (6));
  kernel.make_unwilling ("e1000e");
  CommandRun run ({ "gc" });
  EXPECT_EQ (run.wait (), 3);
  EXPECT_EQ (run.err.find ("vmplug: vm1: 0000:41:00.0: "), 0u) << run.err;
  EXPECT_NE (run.err.find ("\nvmplug: vm1: 0000:41:00.1: "), std::string::npos) << run.err;
}

TEST_F (Replay, TheCommandSpeaksJson)
{
  ASSERT_TRUE (supervise_and_die (6));
  kernel.refuse ("41:00.1/driver_override", VP_DEVICE_ERROR_IO, "Input/output error");
  CommandRun run ({ "gc", "--json" });
  EXPECT_EQ (run.wait (), 3);
  EXPECT_EQ (run.err, "");
  EXPECT_EQ (
      without_root (run.out),
      "{\"done\":[{\"kind\":\"device\",\"vm\":\"vm1\",\"subject\":\"0000:41:00.0\",\"driver\":"
      "\"e1000e\"},{\"kind\":\"run-dir\",\"vm\":\"vm1\",\"subject\":\"/run/vmplug/vms/vm1\"}],"
      "\"failed\":[{\"kind\":\"device\",\"vm\":\"vm1\",\"subject\":\"0000:41:00.1\",\"code\":"
      "\"io\","
      "\"message\":\"0000:41:00.1: /sys/bus/pci/devices/0000:41:00.1/driver_override: Input/output "
      "error\",\"hint\":\"the kernel's log (dmesg) may say why\"}]}\n");
}

} // namespace
