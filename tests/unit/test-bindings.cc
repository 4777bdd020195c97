#include "devices/error.h"
#include "launcher/vm/bindings.h"
#include "launcher/vm/group-lock.h"
#include "launcher/vm/run-dir.h"

#include "tests/support/async-result.h"
#include "tests/support/fake-kernel.h"
#include "tests/support/row-name.h"

#include <atomic>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

/* A node that somebody has open. */
static std::string busy_node;

extern "C"
{
  int __real_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags);

  int
  __wrap_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags)
  {
    if (!busy_node.empty () && busy_node == path)
      {
        errno = EBUSY;
        return -1;
      }
    return __real_vp_sysfs_open_file (self, path, flags);
  }
}

namespace
{

namespace fs = std::filesystem;

const char ADDRESS[] = "0000:41:00.0";
const char JOURNAL[] = "run/vmplug/bindings/0000:41:00.0";

class Bindings : public testing::Test
{
protected:
  Bindings ()
  {
    host.add_driver ("vfio-pci");
    host.pci (ADDRESS).group (40);
    if (!vp_pci_address_parse (ADDRESS, &function.address, nullptr))
      std::abort ();
    sysfs = vp_sysfs_open (host.root (), nullptr);
    bindings = vp_bindings_new (sysfs, host.root ());
  }
  ~Bindings () override
  {
    vp_bindings_free (bindings);
    vp_sysfs_free (sysfs);
    g_clear_error (&error);
  }

  bool
  take ()
  {
    g_clear_error (&error);
    return vp_bindings_take (bindings, &function, &error);
  }
  bool
  give_back ()
  {
    g_clear_error (&error);
    return vp_bindings_give_back (bindings, &function.address, &error);
  }
  bool
  has ()
  {
    return vp_bindings_has (bindings, &function.address);
  }
  bool
  failed_with (int code)
  {
    return g_error_matches (error, VP_DEVICE_ERROR, code);
  }
  std::string
  driver ()
  {
    return host.link_name (FakeSysfs::pci_folder (ADDRESS) / "driver");
  }
  std::string
  override_text ()
  {
    return host.read (FakeSysfs::pci_folder (ADDRESS) / "driver_override");
  }
  std::string
  journal ()
  {
    return host.read (JOURNAL);
  }
  /* What lies in the folder of journals. */
  std::vector<std::string>
  files ()
  {
    std::vector<std::string> names;
    for (const auto &entry :
         fs::directory_iterator (fs::path (host.root ()) / "run/vmplug/bindings"))
      names.push_back (entry.path ().filename ());
    std::sort (names.begin (), names.end ());
    return names;
  }
  void
  plant_journal (const std::string &text)
  {
    host.make_folder ("run/vmplug/bindings");
    chmod ((fs::path (host.root ()) / "run/vmplug").c_str (), 0700);
    chmod ((fs::path (host.root ()) / "run/vmplug/bindings").c_str (), 0700);
    host.write (JOURNAL, text);
  }

  FakeSysfs host;
  FakeKernel kernel{ &host };
  VpPciFunction function = {};
  VpSysfs *sysfs;
  VpBindings *bindings;
  GError *error = nullptr;
};

TEST_F (Bindings, ATakenDeviceGoesBackToItsDriver)
{
  host.pci (ADDRESS).driver ("e1000e");

  ASSERT_TRUE (take ()) << error->message;
  EXPECT_EQ (driver (), "vfio-pci");
  EXPECT_EQ (journal (), "driver=e1000e\n");
  EXPECT_TRUE (has ());

  ASSERT_TRUE (give_back ()) << error->message;
  EXPECT_EQ (driver (), "e1000e");
  EXPECT_EQ (override_text (), "(null)\n");
  EXPECT_FALSE (has ());
  EXPECT_EQ (files (), std::vector<std::string>{ ".lock" });
}

TEST_F (Bindings, ADeviceWithoutADriverIsGivenBackWithoutOne)
{
  kernel.set_native_driver (ADDRESS, "e1000e");
  host.add_driver ("e1000e");

  ASSERT_TRUE (take ()) << error->message;
  EXPECT_EQ (journal (), "driver=\n");
  ASSERT_TRUE (give_back ()) << error->message;
  EXPECT_EQ (driver (), "");
  EXPECT_FALSE (has ());
}

TEST_F (Bindings, TheJournalIsWrittenBeforeTheFirstChange)
{
  std::string before_first;
  host.pci (ADDRESS).driver ("e1000e");
  kernel.before_write = [&] (const std::string &) {
    if (before_first.empty ())
      before_first = "journal: " + journal ();
  };

  ASSERT_TRUE (take ());
  EXPECT_EQ (before_first, "journal: driver=e1000e\n");
}

TEST_F (Bindings, WhatTheUserHasBoundStaysHis)
{
  host.pci (ADDRESS).driver ("vfio-pci");

  ASSERT_TRUE (take ()) << error->message;
  EXPECT_FALSE (has ());
  EXPECT_TRUE (kernel.writes.empty ());
}

TEST_F (Bindings, WithoutAnEntryTheKernelIsAsked)
{
  host.pci (ADDRESS).driver ("vfio-pci").attribute ("driver_override", "vfio-pci\n");
  host.add_driver ("e1000e");
  kernel.set_native_driver (ADDRESS, "e1000e");

  ASSERT_TRUE (give_back ()) << error->message;
  EXPECT_EQ (driver (), "e1000e");
}

TEST_F (Bindings, ADeviceOfTheHostsIsLeftAlone)
{
  host.pci (ADDRESS).driver ("e1000e");

  ASSERT_TRUE (give_back ()) << error->message;
  EXPECT_TRUE (kernel.writes.empty ());
  EXPECT_EQ (driver (), "e1000e");
}

TEST_F (Bindings, ADeviceThatWasMovedByHandIsNotMovedAgain)
{
  host.pci (ADDRESS).driver ("e1000e");
  ASSERT_TRUE (take ());
  host.pci (ADDRESS).driver ("igb");

  ASSERT_TRUE (give_back ()) << error->message;
  EXPECT_EQ (driver (), "igb");
  EXPECT_EQ (override_text (), "(null)\n") << "it would come back to vfio-pci one day";
  EXPECT_FALSE (has ());
}

TEST_F (Bindings, AnEntryOutlivesTheProcess)
{
  host.pci (ADDRESS).driver ("e1000e");
  ASSERT_TRUE (take ());

  VpBindings *later = vp_bindings_new (sysfs, host.root ());
  EXPECT_TRUE (vp_bindings_has (later, &function.address));
  EXPECT_TRUE (vp_bindings_take (later, &function, &error)) << "bound, and noted";
  EXPECT_EQ (journal (), "driver=e1000e\n");
  EXPECT_TRUE (vp_bindings_give_back (later, &function.address, &error));
  EXPECT_EQ (driver (), "e1000e");
  vp_bindings_free (later);
}

TEST_F (Bindings, KilledBetweenUnbindAndProbeTheDriverIsStillKnown)
{
  plant_journal ("driver=e1000e\n");
  host.add_driver ("e1000e");
  kernel.set_native_driver (ADDRESS, "e1000e");
  host.pci (ADDRESS).attribute ("driver_override", "vfio-pci\n");

  ASSERT_TRUE (take ()) << error->message;
  EXPECT_EQ (journal (), "driver=e1000e\n");
  ASSERT_TRUE (give_back ());
  EXPECT_EQ (driver (), "e1000e");
}

TEST_F (Bindings, AnOldEntryGivesWayToWhoHasItNow)
{
  plant_journal ("driver=igb\n");
  host.pci (ADDRESS).driver ("e1000e");

  ASSERT_TRUE (take ()) << error->message;
  EXPECT_EQ (journal (), "driver=e1000e\n");
}

TEST_F (Bindings, WhatAKilledWriterLeftIsReplaced)
{
  plant_journal ("driver=igb\n");
  fs::remove (fs::path (host.root ()) / JOURNAL);
  host.write ("run/vmplug/bindings/.0000:41:00.0.new", "driv");
  host.pci (ADDRESS).driver ("e1000e");

  ASSERT_TRUE (take ()) << error->message;
  EXPECT_EQ (files (), (std::vector<std::string>{ ".lock", ADDRESS }));
  EXPECT_EQ (journal (), "driver=e1000e\n");
}

TEST_F (Bindings, AFailedTakeLeavesNothingBehind)
{
  host.pci (ADDRESS).driver ("e1000e");
  kernel.make_unwilling ("vfio-pci");

  EXPECT_FALSE (take ());
  EXPECT_TRUE (failed_with (VP_DEVICE_ERROR_DRIVER));
  EXPECT_EQ (driver (), "e1000e");
  EXPECT_EQ (override_text (), "(null)\n");
  EXPECT_FALSE (has ());
}

TEST_F (Bindings, AFailedTakeThatCannotBeUndoneKeepsItsEntry)
{
  host.pci (ADDRESS).driver ("e1000e");
  kernel.make_unwilling ("vfio-pci");
  kernel.make_unwilling ("e1000e");

  EXPECT_FALSE (take ());
  EXPECT_EQ (driver (), "");
  EXPECT_EQ (journal (), "driver=e1000e\n") << "now nobody knows whose it was";
}

TEST_F (Bindings, ADeviceThatIsNotThereLeavesNoEntry)
{
  host.remove_pci (ADDRESS);

  EXPECT_FALSE (take ());
  EXPECT_TRUE (failed_with (VP_DEVICE_ERROR_NOT_FOUND));
  EXPECT_FALSE (has ());
}

TEST_F (Bindings, ADeviceThatWasPulledOutTakesItsEntryAlong)
{
  host.pci (ADDRESS).driver ("e1000e");
  ASSERT_TRUE (take ());
  host.remove_pci (ADDRESS);

  EXPECT_TRUE (give_back ()) << "nothing is left to give back";
  EXPECT_FALSE (has ());
}

TEST_F (Bindings, AFailedGiveBackKeepsItsEntry)
{
  host.pci (ADDRESS).driver ("e1000e");
  ASSERT_TRUE (take ());
  kernel.refuse ("driver/unbind", VP_DEVICE_ERROR_IO, "Input/output error");

  EXPECT_FALSE (give_back ());
  EXPECT_TRUE (failed_with (VP_DEVICE_ERROR_IO));
  EXPECT_EQ (journal (), "driver=e1000e\n");
}

TEST_F (Bindings, AnotherWhoIsAtItIsWaitedForByNobody)
{
  host.pci (ADDRESS).driver ("e1000e");
  VpPciFunction other = function;
  other.address.function = 1;
  host.pci ("0000:41:00.1").driver ("e1000e").group (40);
  bool inner = true, neighbour = false;
  GError *why = nullptr;
  kernel.before_write = [&] (const std::string &) {
    if (why != nullptr)
      return;
    inner = vp_bindings_give_back (bindings, &function.address, &why);
    neighbour = vp_bindings_take (bindings, &other, nullptr);
  };

  EXPECT_TRUE (take ());
  EXPECT_FALSE (inner);
  EXPECT_TRUE (g_error_matches (why, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY));
  EXPECT_STREQ (why->message, "0000:41:00.0: another vmplug is changing its driver");
  EXPECT_TRUE (neighbour) << "the lock is one device's, not everybody's";
  g_clear_error (&why);
}

TEST_F (Bindings, AJournalThatCannotBeWrittenStopsEverything)
{
  host.pci (ADDRESS).driver ("e1000e");
  fs::create_directories (fs::path (host.root ()) / "run/vmplug");
  host.write ("run/vmplug/bindings", "in the way");

  EXPECT_FALSE (take ());
  EXPECT_TRUE (failed_with (VP_DEVICE_ERROR_IO));
  EXPECT_TRUE (kernel.writes.empty ());
  EXPECT_EQ (driver (), "e1000e");
}

/* What VM it is of stands in the entry, so that whoever finds it knows whether it is needed. */
class BindingsOfAVm : public Bindings
{
protected:
  BindingsOfAVm ()
  {
    host.pci (ADDRESS).driver ("e1000e");
    host.pci (SECOND).group (40).driver ("igb");
    kernel.set_native_driver (ADDRESS, "e1000e");
    if (!vp_pci_address_parse (SECOND, &second.address, nullptr))
      std::abort ();
    vm = vp_bindings_new_for_vm (sysfs, host.root (), "vm1");
  }
  ~BindingsOfAVm () override { vp_bindings_free (vm); }

  bool
  take_both (guint deadline_ms = 0)
  {
    g_autoptr (GPtrArray) functions = g_ptr_array_new ();
    g_ptr_array_add (functions, &function);
    g_ptr_array_add (functions, &second);
    g_clear_error (&error);
    g_ptr_array_set_size (taken, 0);
    return vp_bindings_take_all (vm, functions, deadline_ms, taken, &error);
  }
  bool
  reclaim (const char *of = "vm1")
  {
    g_clear_error (&error);
    g_clear_pointer (&given_to, g_free);
    return vp_bindings_reclaim (bindings, &function.address, of, 0, &given_to, &error);
  }
  void
  TearDown () override
  {
    g_free (given_to);
    g_ptr_array_unref (taken);
  }
  std::string
  second_driver ()
  {
    return host.link_name (FakeSysfs::pci_folder (SECOND) / "driver");
  }

  static constexpr const char *SECOND = "0000:41:00.1";
  VpPciFunction second = {};
  VpBindings *vm;
  GPtrArray *taken = g_ptr_array_new ();
  char *given_to = nullptr;
};

TEST_F (BindingsOfAVm, TheEntrySaysWhoseItIs)
{
  ASSERT_TRUE (vp_bindings_take (vm, &function, &error)) << error->message;
  EXPECT_EQ (journal (), "driver=e1000e\nvm=vm1\n");
  EXPECT_TRUE (vp_bindings_owes (vm, &function.address));
  EXPECT_FALSE (vp_bindings_owes (bindings, &function.address));
  EXPECT_TRUE (vp_bindings_give_back (vm, &function.address, &error));
  EXPECT_FALSE (has ());
  EXPECT_FALSE (vp_bindings_owes (vm, &function.address));
}

TEST_F (BindingsOfAVm, WhatTheUserBindsMeanwhileStays)
{
  ASSERT_TRUE (vp_bindings_take (vm, &function, &error));
  ASSERT_TRUE (take ()) << "vmplug bind";
  EXPECT_EQ (journal (), "driver=e1000e\n");
  EXPECT_FALSE (vp_bindings_owes (vm, &function.address));
  EXPECT_TRUE (reclaim ());
  EXPECT_EQ (given_to, nullptr);
  EXPECT_EQ (driver (), "vfio-pci");
}

TEST_F (BindingsOfAVm, AllAreNotedThenUnboundThenBound)
{
  std::string before_first;
  kernel.before_write = [&] (const std::string &) {
    if (before_first.empty ())
      before_first = journal () + host.read ("run/vmplug/bindings/0000:41:00.1");
  };

  ASSERT_TRUE (take_both ()) << error->message;
  EXPECT_EQ (before_first, "driver=e1000e\nvm=vm1\ndriver=igb\nvm=vm1\n");
  EXPECT_EQ (kernel.writes,
             (std::vector<std::string>{
                 "0000:41:00.0/driver_override=vfio-pci", "driver/unbind=0000:41:00.0",
                 "0000:41:00.1/driver_override=vfio-pci", "driver/unbind=0000:41:00.1",
                 "pci/drivers_probe=0000:41:00.0", "pci/drivers_probe=0000:41:00.1" }));
  EXPECT_EQ (taken->len, 2u);
}

TEST_F (BindingsOfAVm, WhatIsWithVfioAlreadyIsNotTaken)
{
  host.pci (ADDRESS).driver ("vfio-pci");
  ASSERT_TRUE (take_both ());
  ASSERT_EQ (taken->len, 1u);
  EXPECT_EQ (taken->pdata[0], &second);
}

/* At whichever write it fails, everything is as it was. */
TEST_F (BindingsOfAVm, AFailureAtAnyStepUndoesAllBefore)
{
  for (unsigned step = 0; step < 6; step++)
    {
      unsigned n = 0;
      bool refused = false;
      kernel.writes.clear ();
      kernel.before_write = [&] (const std::string &path) {
        if (n++ == step && !refused)
          {
            refused = true;
            kernel.refuse (path, VP_DEVICE_ERROR_IO, "Input/output error");
          }
        else if (refused)
          kernel.forgive ();
      };
      EXPECT_FALSE (take_both ()) << step;
      kernel.before_write = nullptr;
      kernel.forgive ();
      EXPECT_TRUE (failed_with (VP_DEVICE_ERROR_IO)) << error->message;
      EXPECT_EQ (taken->len, 0u);
      EXPECT_EQ (driver (), "e1000e") << step;
      EXPECT_EQ (second_driver (), "igb") << step;
      EXPECT_EQ (files (), std::vector<std::string>{ ".lock" }) << step;
    }
}

TEST_F (BindingsOfAVm, ADriverThatDoesNotLetGoIsNotWaitedForForEver)
{
  std::atomic<bool> may_go = false;
  kernel.before_write = [&] (const std::string &path) {
    while (!may_go && path.find ("41:00.1/driver/unbind") != path.npos)
      g_usleep (1000);
  };

  EXPECT_FALSE (take_both (100));
  EXPECT_TRUE (failed_with (VP_DEVICE_ERROR_BUSY));
  EXPECT_STREQ (error->message, "0000:41:00.1: igb has not let go of it after 0.1 s");
  EXPECT_EQ (driver (), "e1000e") << "what was taken is back";
  EXPECT_FALSE (has ());
  g_autoptr (GError) why = nullptr;
  EXPECT_FALSE (vp_bindings_give_back (bindings, &second.address, &why));
  EXPECT_TRUE (g_error_matches (why, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY))
      << "it is still on its way";

  may_go = true;
  EXPECT_TRUE (run_until ([&] { return files () == std::vector<std::string>{ ".lock" }; }, 5000));
  EXPECT_EQ (second_driver (), "igb") << "it let go, and has it again";
}

TEST_F (BindingsOfAVm, TheLastMomentCounts)
{
  ASSERT_TRUE (take_both (30000)) << error->message;
  EXPECT_EQ (driver (), "vfio-pci");
}

/* What a supervisor that was killed leaves, step by step. */
TEST_F (BindingsOfAVm, WhateverItHasReachedIsReclaimed)
{
  for (int step = 0; step < 4; step++)
    {
      plant_journal ("driver=e1000e\nvm=vm1\n");
      if (step >= 1)
        host.pci (ADDRESS).attribute ("driver_override", "vfio-pci\n");
      if (step >= 2)
        host.pci (ADDRESS).driver ("");
      if (step >= 3)
        host.pci (ADDRESS).driver ("vfio-pci");

      EXPECT_TRUE (reclaim ()) << step << error->message;
      EXPECT_STREQ (given_to, "e1000e");
      EXPECT_EQ (driver (), "e1000e") << step;
      EXPECT_EQ (override_text (), "(null)\n") << step;
      EXPECT_FALSE (has ());
    }
}

TEST_F (BindingsOfAVm, OnlyItsOwnIsReclaimed)
{
  for (const char *text : { "driver=e1000e\n", "driver=e1000e\nvm=vm2\n" })
    {
      plant_journal (text);
      host.pci (ADDRESS).driver ("vfio-pci");
      EXPECT_TRUE (reclaim ());
      EXPECT_EQ (given_to, nullptr);
      EXPECT_EQ (driver (), "vfio-pci");
      EXPECT_EQ (journal (), text);
    }
}

TEST_F (BindingsOfAVm, WhatAnotherVmHasIsNotReclaimed)
{
  VpBindings *other = vp_bindings_new_for_vm (sysfs, host.root (), "vm2");
  plant_journal ("driver=e1000e\nvm=vm1\n");
  host.pci (ADDRESS).driver ("vfio-pci");
  ASSERT_TRUE (vp_bindings_lock_group (other, 40, nullptr));

  EXPECT_FALSE (reclaim ());
  EXPECT_TRUE (failed_with (VP_DEVICE_ERROR_BUSY));
  EXPECT_STREQ (error->message, "0000:41:00.0: group 40: VM vm2 has it");
  EXPECT_EQ (driver (), "vfio-pci");

  vp_bindings_free (other);
  EXPECT_TRUE (reclaim ());
}

/* By whichever of its nodes: to unbind it would block. */
TEST_F (BindingsOfAVm, WhatAProcessHasOpenIsNotReclaimed)
{
  plant_journal ("driver=e1000e\nvm=vm1\n");
  host.pci (ADDRESS).driver ("vfio-pci").cdev (3);
  host.add_group_node (40).write ("dev/iommu", "");
  for (const char *node : { "dev/vfio/40", "dev/vfio/devices/vfio3" })
    {
      busy_node = node;
      EXPECT_FALSE (reclaim ()) << node;
      EXPECT_TRUE (failed_with (VP_DEVICE_ERROR_BUSY));
      EXPECT_EQ (std::string (error->message).find ("0000:41:00.0: "), 0u) << error->message;
      EXPECT_NE (std::string (error->message).find (node), std::string::npos) << error->message;
      EXPECT_TRUE (kernel.writes.empty ());
    }
  busy_node.clear ();
  EXPECT_TRUE (reclaim ());
}

TEST_F (BindingsOfAVm, OneThatWasPulledOutIsReclaimed)
{
  plant_journal ("driver=e1000e\nvm=vm1\n");
  host.remove_pci (ADDRESS);
  EXPECT_TRUE (reclaim ()) << error->message;
  EXPECT_STREQ (given_to, "");
  EXPECT_FALSE (has ());
}

TEST_F (BindingsOfAVm, AGroupIsLockedOnceAndGoneWithTheBindings)
{
  VpBindings *other = vp_bindings_new_for_vm (sysfs, host.root (), "vm2");
  g_autofree char *base = vp_run_dir_base (host.root ());

  EXPECT_TRUE (vp_bindings_lock_group (vm, 40, nullptr));
  EXPECT_TRUE (vp_bindings_lock_group (vm, 40, nullptr)) << "it is ours";
  EXPECT_FALSE (vp_bindings_lock_group (other, 40, &error));
  EXPECT_STREQ (error->message, "group 40: VM vm1 has it");
  EXPECT_FALSE (vp_group_lock_check (base, 40, nullptr, nullptr));
  EXPECT_TRUE (vp_group_lock_check (base, 41, nullptr, nullptr));

  vp_bindings_unlock_group (vm, 40);
  vp_bindings_unlock_group (vm, 99);
  EXPECT_TRUE (vp_group_lock_check (base, 40, nullptr, nullptr));
  EXPECT_TRUE (vp_bindings_lock_group (other, 40, nullptr));
  vp_bindings_free (other);
  EXPECT_TRUE (vp_group_lock_check (base, 40, nullptr, nullptr));
}

struct GarbageRow
{
  const char *name;
  std::string text;
};
class BindingsGarbage : public Bindings, public testing::WithParamInterface<GarbageRow>
{
};
const GarbageRow garbage[] = {
  { "empty", "" },
  { "half", "driver=e10" },
  { "no_key", "e1000e\n" },
  { "two_lines", "driver=a\ndriver=b\n" },
  { "three_lines", "driver=a\nvm=b\n\n" },
  { "half_a_vm", "driver=a\nvm=b" },
  { "no_vm", "driver=a\nvm=\n" },
  { "vm_with_a_way_out", "driver=a\nvm=../b\n" },
  { "way_out", "driver=../../../devices\n" },
  { "dot_dot", "driver=..\n" },
  { "nul", std::string ("driver=a\0b\n", 11) },
  { "control", "driver=a\x1b[2J\n" },
  { "too_long", "driver=" + std::string (300, 'x') + "\n" },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          BindingsGarbage,
                          testing::ValuesIn (garbage),
                          name_of_row<GarbageRow>);

TEST_P (BindingsGarbage, IsNamedAndNothingChanges)
{
  const std::string path = (fs::path (host.root ()) / JOURNAL).string ();
  host.pci (ADDRESS).driver ("vfio-pci");
  plant_journal (GetParam ().text);

  for (bool is_take : { true, false })
    {
      EXPECT_FALSE (is_take ? take () : give_back ());
      ASSERT_TRUE (failed_with (VP_DEVICE_ERROR_IO));
      EXPECT_EQ (std::string (error->message).find (path), 0u) << error->message;
    }
  EXPECT_TRUE (kernel.writes.empty ());
  EXPECT_EQ (driver (), "vfio-pci");
  EXPECT_EQ (journal (), GetParam ().text);
}

TEST_F (Bindings, AnEntryOfAnotherUserIsNone)
{
  host.pci (ADDRESS).driver ("vfio-pci");
  plant_journal ("driver=e1000e\n");
  if (chown ((fs::path (host.root ()) / JOURNAL).c_str (), 65534, 65534) != 0)
    GTEST_SKIP () << "needs root";

  EXPECT_FALSE (give_back ());
  EXPECT_TRUE (failed_with (VP_DEVICE_ERROR_IO));
  EXPECT_NE (std::string (error->message).find ("belongs to uid 65534"), std::string::npos);
  EXPECT_TRUE (kernel.writes.empty ());
}

TEST_F (Bindings, AnEntryThatIsALinkIsNotFollowed)
{
  host.pci (ADDRESS).driver ("vfio-pci");
  plant_journal ("x");
  fs::remove (fs::path (host.root ()) / JOURNAL);
  host.write ("elsewhere", "driver=e1000e\n");
  host.link (JOURNAL, "elsewhere");

  EXPECT_FALSE (give_back ());
  EXPECT_TRUE (failed_with (VP_DEVICE_ERROR_IO));
  EXPECT_TRUE (kernel.writes.empty ());
}

} // namespace
