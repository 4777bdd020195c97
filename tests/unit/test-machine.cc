#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/machine.h"

#include "tests/support/async-result.h"
#include "tests/support/fake-kernel.h"
#include "tests/support/shell-qemu.h"
#include "tests/support/temp-folder.h"

#include <atomic>
#include <gtest/gtest.h>

namespace
{

const char *const GPU = "0000:41:00.0";

/* A VM that takes a card from e1000e, and whose QEMU is a shell script. */
class Machine : public testing::Test
{
protected:
  Machine () : kernel_ (&host_)
  {
    host_.add_driver ("vfio-pci");
    host_.pci (GPU).driver ("e1000e").group (40).bars ({ { 0, FakeBar::MEM32, 4096 } });
    kernel_.before_write = [this] (const std::string &path) {
      while (blocked_ && path.find ("unbind") != path.npos)
        g_usleep (1000);
    };
    setenv ("HEARD", folder_.path ("heard").c_str (), 1);
    setenv ("DRIVER", (host_.root () / FakeSysfs::pci_folder (GPU) / "driver").c_str (), 1);
  }
  void
  start (const std::string &script)
  {
    const VpPlanPolicy policy = { .root = { .machine = VP_MACHINE_Q35 },
                                  .firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, nullptr),
                                  .large_bar = VP_PLAN_DEFAULT_LARGE_BAR,
                                  .n_spare = 1 };
    VpBlueprint *blueprint = g_new0 (VpBlueprint, 1);
    ShellQemu shell (script);
    VpPciAddress address;

    ASSERT_TRUE (vp_pci_address_parse (GPU, &address, nullptr));
    blueprint->config = vp_config_new ();
    blueprint->config->name = g_strdup ("vm1");
    blueprint->sysfs = vp_sysfs_open (host_.root (), nullptr);
    blueprint->inventory = vp_inventory_read (blueprint->sysfs, nullptr);
    const VpPlanRequest request = { GPU, vp_inventory_find (blueprint->inventory, &address), "gpu",
                                    VP_PLUG_COLD };
    blueprint->plan = vp_plan_build (&policy, &request, 1, nullptr);
    ASSERT_NE (blueprint->plan, nullptr);
    blueprint->specs =
        g_ptr_array_new_with_free_func (reinterpret_cast<GDestroyNotify> (vp_device_spec_free));
    g_ptr_array_add (blueprint->specs,
                     vp_device_spec_parse ("0000:41:00.0,plug=cold,bind=on,id=gpu", nullptr));
    blueprint->cold = g_ptr_array_new ();
    blueprint->argv = g_strdupv (shell.argv ());

    run_dir_ = vp_run_dir_create (folder_.path ("").c_str (), "vm1", nullptr);
    bindings_ = vp_bindings_new (blueprint->sysfs, folder_.path ("").c_str ());
    machine_ = vp_machine_new (blueprint, run_dir_, bindings_);
    g_signal_connect (machine_, "ended", G_CALLBACK (on_ended), this);
    vp_machine_start_async (machine_, AsyncResult::ready, &result_);
  }
  void
  TearDown () override
  {
    blocked_ = false;
    result_.forget ();
    run_pending ();
    g_assert_finalize_object (machine_);
    vp_bindings_free (bindings_);
    vp_run_dir_remove (run_dir_);
  }
  static void
  on_ended (VpMachine *, gpointer user_data)
  {
    auto *self = static_cast<Machine *> (user_data);

    self->n_ends_++;
    self->driver_at_end_ = self->driver ();
  }

  /* Returns "" when it has started. */
  std::string
  outcome ()
  {
    if (!result_.wait ())
      return "(no answer)";
    driver_at_end_ = driver ();
    if (vp_machine_start_finish (machine_, result_.get (), &error_))
      return "";
    return error_->message;
  }
  bool
  has_ended ()
  {
    return run_until ([&] { return n_ends_ == 1; });
  }
  std::string
  driver () const
  {
    return host_.link_name (FakeSysfs::pci_folder (GPU) / "driver");
  }
  bool
  has_run () const
  {
    return std::filesystem::exists (folder_.path ("heard"));
  }
  ~Machine () override { g_clear_error (&error_); }

  FakeSysfs host_;
  FakeKernel kernel_;
  TempFolder folder_;
  std::atomic<bool> blocked_{ false };
  VpRunDir *run_dir_ = nullptr;
  VpBindings *bindings_ = nullptr;
  VpMachine *machine_ = nullptr;
  AsyncResult result_;
  GError *error_ = nullptr;
  std::string driver_at_end_;
  int n_ends_ = 0;
};

TEST_F (Machine, AFailedStartIsToldWhenEverythingIsBack)
{
  start ("basename $(readlink \"$DRIVER\") >&2; exit 1");
  EXPECT_EQ (outcome (), "QEMU did not start: vfio-pci (ended with status 1)")
      << "it was taken before QEMU came";
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_START));
  EXPECT_EQ (driver_at_end_, "e1000e");
  EXPECT_EQ (n_ends_, 0);
}

TEST_F (Machine, ARefusedContIsUndoneToo)
{
  start ("greet; ok; no 'cannot run'; sleep 60");
  EXPECT_EQ (outcome (), "QEMU did not start: cannot run");
  EXPECT_EQ (driver_at_end_, "e1000e");
}

TEST_F (Machine, AFailedStartSaysWhatIsNotBack)
{
  kernel_.make_unwilling ("e1000e");
  start ("exit 1");
  const std::string message = outcome ();
  EXPECT_EQ (message.find ("QEMU did not start: ended with status 1; gpu has left the VM, but "),
             0u)
      << message;
}

TEST_F (Machine, WithoutItsDeviceQemuIsNotStarted)
{
  kernel_.refuse ("unbind", VP_DEVICE_ERROR_PERMISSION, "Permission denied");
  start ("touch \"$HEARD\"");
  EXPECT_NE (outcome ().find ("Permission denied"), std::string::npos);
  EXPECT_TRUE (g_error_matches (error_, VP_DEVICE_ERROR, VP_DEVICE_ERROR_PERMISSION));
  EXPECT_FALSE (has_run ());
  EXPECT_EQ (driver_at_end_, "e1000e");
}

TEST_F (Machine, StoppedWhileItsDeviceIsTakenItDoesNotStart)
{
  blocked_ = true;
  start ("touch \"$HEARD\"");
  run_pending ();
  vp_machine_stop (machine_, TRUE);
  blocked_ = false;
  EXPECT_EQ (outcome (), "vm1 was stopped before it started");
  EXPECT_FALSE (has_run ());
  EXPECT_EQ (driver_at_end_, "e1000e");
}

TEST_F (Machine, ItsEndIsToldWhenEverythingIsBack)
{
  g_autoptr (GError) error = nullptr;

  start ("greet; ok; ok; hear; say SHUTDOWN '{\"reason\":\"guest-shutdown\"}'");
  ASSERT_EQ (outcome (), "");
  EXPECT_EQ (driver_at_end_, "vfio-pci");
  ASSERT_TRUE (has_ended ()); /* the look at the BARs is what it hears */
  EXPECT_EQ (driver_at_end_, "e1000e");
  EXPECT_TRUE (vp_machine_get_end (machine_, &error)) << error->message;
}

TEST_F (Machine, AnEndThatLeavesADeviceBehindIsNoGoodEnd)
{
  g_autoptr (GError) error = nullptr;

  start ("greet; ok; ok; hear; say SHUTDOWN '{\"reason\":\"guest-shutdown\"}'");
  ASSERT_EQ (outcome (), "");
  kernel_.make_unwilling ("e1000e");
  ASSERT_TRUE (has_ended ());
  EXPECT_FALSE (vp_machine_get_end (machine_, &error));
  ASSERT_NE (error, nullptr);
  EXPECT_EQ (error->domain, VP_DEVICE_ERROR) << error->message;
}

/* Asked to stop at every step, it ends, and is told once. */
TEST_F (Machine, StoppedAsSoonAsItRunsItGivesEverythingBack)
{
  g_autoptr (GError) error = nullptr;

  start ("greet; ok; ok; wait_for_quit () { hear; case $line in *quit*) agree; exit 0;; esac; "
         "agree; wait_for_quit; }; wait_for_quit");
  ASSERT_EQ (outcome (), "");
  vp_machine_stop (machine_, TRUE);
  ASSERT_TRUE (has_ended ());
  EXPECT_TRUE (vp_machine_get_end (machine_, &error)) << error->message;
  EXPECT_EQ (driver_at_end_, "e1000e");
}

} // namespace
