#include "devices/error.h"
#include "launcher/error.h"

#include "tests/support/fake-kernel.h"
#include "tests/support/hotplug-test.h"

#include <atomic>

namespace
{

const char *const GPU = "0000:41:00.0";
const char *const ATTACH = "0000:41:00.0,bind=on,id=gpu";

/* A VM on a host whose one card belongs to e1000e, or to vfio-pci already. */
class HotplugHost : public Hotplug
{
protected:
  HotplugHost () : kernel_ (&host_)
  {
    host_.add_driver ("vfio-pci");
    host_.pci (GPU).driver ("e1000e").group (40).bars ({ { 0, FakeBar::MEM32, 4096 } });
    kernel_.before_write = [this] (const std::string &path) {
      const bool is_unbind = path.find ("unbind") != path.npos;

      while (is_unbind && blocked_)
        g_usleep (1000);
    };
  }
  void
  SetUp () override
  {
    Hotplug::SetUp ();
    vp_hotplug_set_ready (hotplug_);
  }
  void
  TearDown () override
  {
    blocked_ = false;
    EXPECT_TRUE (run_until ([&] { return vp_hotplug_is_idle (hotplug_); }));
    Hotplug::TearDown ();
  }

  void
  attach_host (Outcome *outcome, guint timeout_ms = 60000)
  {
    attach (ATTACH, outcome, timeout_ms, { GPU });
  }
  void
  attach_host_for_good ()
  {
    Outcome outcome;

    attach_host (&outcome);
    qemu_.reply (qemu_.hear ("device_add"));
    show_bars ("gpu", MAPPED, outcome.done);
    ASSERT_NE (outcome.document, nullptr);
  }
  std::string
  driver () const
  {
    return host_.link_name (FakeSysfs::pci_folder (GPU) / "driver");
  }
  bool
  is_given_back ()
  {
    return run_until ([&] { return driver () == "e1000e" && vp_hotplug_is_idle (hotplug_); });
  }
  /* Returns "" when nothing was left behind. */
  std::string
  left_behind ()
  {
    g_autoptr (GError) error = nullptr;

    return vp_hotplug_check_given_back (hotplug_, &error) ? "" : error->message;
  }

  FakeKernel kernel_;
  std::atomic<bool> blocked_{ false };
};

TEST_F (HotplugHost, ItIsTakenBeforeQemuHearsOfIt)
{
  Outcome outcome;

  blocked_ = true;
  attach_host (&outcome);
  run_until ([] { return false; }, 50);
  EXPECT_EQ (qemu_.unheard (), "");
  blocked_ = false;
  EXPECT_EQ (qemu_.hear ("device_add").argument ("host"), GPU);
  EXPECT_EQ (driver (), "vfio-pci");
}

TEST_F (HotplugHost, ItGoesBackWhenTheGuestHasLetGoAndNotBefore)
{
  Outcome outcome;

  attach_host_for_good ();
  detach ("gpu", &outcome);
  qemu_.reply (qemu_.hear ("device_del"));
  run_until ([] { return false; }, 50);
  EXPECT_EQ (driver (), "vfio-pci") << "the guest still uses it";

  qemu_.event ("DEVICE_DELETED", R"({"device":"gpu"})");
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_EQ (outcome.text ("state"), "removed");
  EXPECT_EQ (driver (), "e1000e") << "who is told that it is removed may use it";
  EXPECT_EQ (spare (), 2u);
}

TEST_F (HotplugHost, ARefusedOneGoesBackBeforeThatIsTold)
{
  Outcome outcome;

  attach_host (&outcome);
  qemu_.fail (qemu_.hear ("device_add"), "GenericError", "group 40 is not viable");
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_EQ (driver (), "e1000e");
  EXPECT_EQ (spare (), 2u);
}

TEST_F (HotplugHost, OneThatCannotBeTakenIsNeverAdded)
{
  Outcome outcome;

  kernel_.refuse ("unbind", VP_DEVICE_ERROR_PERMISSION, "Permission denied");
  attach_host (&outcome);
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_PERMISSION))
      << outcome.error->message;
  EXPECT_EQ (qemu_.unheard (), "");
  EXPECT_EQ (driver (), "e1000e");
  EXPECT_EQ (spare (), 2u);
}

TEST_F (HotplugHost, OneThatWasBoundStaysBound)
{
  Outcome outcome;

  host_.pci (GPU).driver ("vfio-pci");
  host_.add_group_node (40);
  attach_host_for_good ();
  detach ("gpu", &outcome);
  qemu_.event ("DEVICE_DELETED", R"({"device":"gpu"})");
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_EQ (driver (), "vfio-pci");
  EXPECT_TRUE (kernel_.writes.empty ());
}

TEST_F (HotplugHost, QemusEndGivesBackWhatWasPending)
{
  Outcome adding;

  attach_host (&adding);
  qemu_.hear ("device_add");
  qemu_.drop ();
  run_pending ();
  EXPECT_EQ (driver (), "vfio-pci") << "QEMU may still have it open";
  EXPECT_FALSE (adding.done);

  vp_hotplug_set_gone (hotplug_);
  EXPECT_FALSE (vp_hotplug_is_idle (hotplug_));
  ASSERT_TRUE (run_until ([&] { return adding.done; }));
  EXPECT_TRUE (g_error_matches (adding.error, VP_ERROR, VP_ERROR_NO_VM)) << adding.error->message;
  EXPECT_EQ (driver (), "e1000e");
  EXPECT_EQ (left_behind (), "");
}

/* What is no answer of QEMU is no refusal: it may have the device, and use it. */
TEST_F (HotplugHost, NonsenseInsteadOfAnAnswerIsNoRefusal)
{
  Outcome adding;

  attach_host (&adding);
  qemu_.hear ("device_add");
  qemu_.say_line ("this is not QMP");
  run_until ([] { return false; }, 50);
  EXPECT_FALSE (adding.done);
  EXPECT_EQ (driver (), "vfio-pci");

  vp_hotplug_set_gone (hotplug_);
  EXPECT_TRUE (is_given_back ());
}

TEST_F (HotplugHost, QemusEndWhileItIsBeingTakenGivesItBack)
{
  Outcome adding;

  blocked_ = true;
  attach_host (&adding);
  run_until ([&] { return !kernel_.writes.empty (); });
  vp_hotplug_set_gone (hotplug_);
  EXPECT_FALSE (vp_hotplug_is_idle (hotplug_));
  blocked_ = false;
  ASSERT_TRUE (run_until ([&] { return adding.done; }));
  EXPECT_TRUE (g_error_matches (adding.error, VP_ERROR, VP_ERROR_NO_VM)) << adding.error->message;
  EXPECT_TRUE (is_given_back ());
}

TEST_F (HotplugHost, ADriverThatDoesNotLetGoIsNamedAsTheReason)
{
  Outcome outcome;

  blocked_ = true;
  attach_host (&outcome, 50);
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_PENDING));
  EXPECT_NE (strstr (outcome.error->message, "its host driver has not let go of it"), nullptr)
      << outcome.error->message;
}

TEST_F (HotplugHost, WhoeverWaitsIsToldThatItDidNotGoBack)
{
  Outcome outcome;

  attach_host_for_good ();
  detach ("gpu", &outcome);
  kernel_.make_unwilling ("e1000e");
  qemu_.event ("DEVICE_DELETED", R"({"device":"gpu"})");
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  ASSERT_NE (outcome.error, nullptr);
  EXPECT_EQ (std::string (outcome.error->message).find ("gpu has left the VM, but "), 0u)
      << outcome.error->message;
  EXPECT_EQ (left_behind (), outcome.error->message);
}

TEST_F (HotplugHost, ARefusalSaysToThatItDidNotGoBack)
{
  Outcome outcome;

  attach_host (&outcome);
  Heard add = qemu_.hear ("device_add");
  kernel_.make_unwilling ("e1000e");
  qemu_.fail (add, "GenericError", "not viable");
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_NE (strstr (outcome.error->message, "not viable"), nullptr) << outcome.error->message;
  EXPECT_NE (strstr (outcome.error->message, "has not taken it back"), nullptr)
      << outcome.error->message;
}

/* Nobody waits at QEMU's end, so it is kept for whoever asks how it ended. */
TEST_F (HotplugHost, WhatDidNotGoBackIsKnownInTheEnd)
{
  VpPciAddress address;

  attach_host_for_good ();
  kernel_.make_unwilling ("e1000e");
  vp_hotplug_set_gone (hotplug_);
  EXPECT_TRUE (run_until ([&] { return vp_hotplug_is_idle (hotplug_); }));
  EXPECT_EQ (left_behind ().find ("gpu has left the VM, but "), 0u) << left_behind ();

  /* until somebody has repaired it */
  host_.pci (GPU).driver ("e1000e");
  ASSERT_TRUE (vp_pci_address_parse (GPU, &address, nullptr));
  ASSERT_TRUE (vp_bindings_give_back (bindings_, &address, nullptr));
  EXPECT_EQ (left_behind (), "");
}

TEST_F (HotplugHost, OneStillOnItsWayBackIsNotBack)
{
  attach_host_for_good ();
  blocked_ = true;
  vp_hotplug_set_gone (hotplug_);
  EXPECT_NE (left_behind ().find ("gpu"), std::string::npos) << left_behind ();
  blocked_ = false;
  EXPECT_TRUE (is_given_back ());
  EXPECT_EQ (left_behind (), "");
}

/* Its slot is still taken, and its driver is about to get it. */
TEST_F (HotplugHost, OneThatFailedCanBeTriedAgainOnlyOnceItIsBack)
{
  Outcome first, second, third;

  attach_host (&first);
  Heard add = qemu_.hear ("device_add");
  blocked_ = true;
  qemu_.fail (add, "GenericError", "not viable");
  run_until ([&] { return !vp_hotplug_is_idle (hotplug_); });
  EXPECT_FALSE (first.done);

  attach_host (&second);
  ASSERT_TRUE (run_until ([&] { return second.done; }));
  EXPECT_TRUE (g_error_matches (second.error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE));
  blocked_ = false;
  ASSERT_TRUE (run_until ([&] { return first.done; }));
  EXPECT_EQ (driver (), "e1000e");
  EXPECT_EQ (spare (), 2u);

  attach_host (&third);
  qemu_.hear ("device_add");
  EXPECT_EQ (driver (), "vfio-pci");
}

} // namespace
