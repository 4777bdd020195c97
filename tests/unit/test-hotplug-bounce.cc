#include "devices/lifecycle.h"
#include "launcher/error.h"

#include "tests/support/hotplug-test.h"

namespace
{

const char *const ATTACH = "qemu,driver=nvme,id=disk";
const char *const DELETED = R"({"device":"disk"})";

/* A VM whose guest throws out again what comes while it sets up its hotplug. */
class Bounce : public Hotplug
{
protected:
  void
  SetUp () override
  {
    Hotplug::SetUp ();
    vp_hotplug_set_bounce_ms (hotplug_, 300);
    vp_hotplug_set_ready (hotplug_);
  }
  void
  bounce ()
  {
    qemu_.reply (qemu_.hear ("device_add"));
    run_pending ();
    qemu_.event ("DEVICE_DELETED", DELETED);
    run_until ([&] { return all_states () == "disk bounced"; });
  }
};

TEST_F (Bounce, ItIsTriedAgainInTheSamePlace)
{
  Outcome outcome;

  attach (ATTACH, &outcome);
  bounce ();
  EXPECT_EQ (all_states (), "disk bounced");
  EXPECT_FALSE (outcome.done);
  EXPECT_EQ (spare (), 1u) << "its place is kept";

  Heard again = qemu_.hear ("device_add");
  EXPECT_EQ (again.argument ("bus"), "port1");
  qemu_.reply (again);
  show_bars ("disk", MAPPED, outcome.done);
  EXPECT_EQ (outcome.text ("state"), "usable");
}

TEST_F (Bounce, AUsableOneMayBounceToo)
{
  attach_for_good (ATTACH, "disk");
  qemu_.event ("DEVICE_DELETED", DELETED);
  Heard again = qemu_.hear ("device_add");
  EXPECT_EQ (again.argument ("id"), "disk");
  qemu_.reply (again);
  bool usable = false;
  g_signal_connect_swapped (hotplug_, "changed",
                            G_CALLBACK (+[] (bool *seen, const char *, int state) {
                              *seen |= state == VP_DEVICE_USABLE;
                            }),
                            &usable);
  show_bars ("disk", MAPPED, usable);
  EXPECT_EQ (all_states (), "disk usable");
}

TEST_F (Bounce, TheFourthTimeIsTheLast)
{
  Outcome outcome;

  attach (ATTACH, &outcome);
  for (int i = 0; i < 3; i++)
    {
      bounce ();
      EXPECT_FALSE (outcome.done);
    }
  qemu_.reply (qemu_.hear ("device_add"));
  run_pending ();
  qemu_.event ("DEVICE_DELETED", DELETED);
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_NE (strstr (outcome.error->message, "thrown out by the guest 4 times"), nullptr)
      << outcome.error->message;
  EXPECT_EQ (spare (), 2u);
  EXPECT_EQ (qemu_.unheard (), "");
}

TEST_F (Bounce, WhatWasAskedForIsNone)
{
  Outcome out;

  attach_for_good (ATTACH, "disk");
  detach ("disk", &out);
  qemu_.reply (qemu_.hear ("device_del"));
  qemu_.event ("DEVICE_DELETED", DELETED);
  ASSERT_TRUE (run_until ([&] { return out.done; }));
  EXPECT_EQ (out.text ("state"), "removed");
  run_until ([] { return false; }, 100);
  EXPECT_EQ (qemu_.unheard (), "");
}

TEST_F (Bounce, LaterItIsTheGuestsWill)
{
  attach_for_good (ATTACH, "disk");
  run_until ([] { return false; }, 350);
  qemu_.event ("DEVICE_DELETED", DELETED);
  EXPECT_TRUE (run_until ([&] { return all_states () == ""; }));
  EXPECT_EQ (spare (), 2u);
}

TEST_F (Bounce, ADetachMeanwhileIsTheEnd)
{
  Outcome in, out;

  attach (ATTACH, &in);
  bounce ();
  detach ("disk", &out);
  ASSERT_TRUE (run_until ([&] { return in.done && out.done; }));
  EXPECT_EQ (out.text ("state"), "removed");
  EXPECT_TRUE (g_error_matches (in.error, VP_ERROR, VP_ERROR_STATE)) << in.error->message;
  run_until ([] { return false; }, 100);
  EXPECT_EQ (qemu_.unheard (), "");
  EXPECT_EQ (spare (), 2u);
}

TEST_F (Bounce, QemusEndMeanwhileIsTheEnd)
{
  Outcome in;

  attach (ATTACH, &in);
  bounce ();
  vp_hotplug_set_gone (hotplug_);
  ASSERT_TRUE (run_until ([&] { return in.done; }));
  EXPECT_TRUE (g_error_matches (in.error, VP_ERROR, VP_ERROR_NO_VM));
}

TEST_F (Bounce, TimeIsUpMeanwhileAndItIsSaidSo)
{
  Outcome in;

  vp_hotplug_set_bounce_ms (hotplug_, 5000);
  attach (ATTACH, &in, 300);
  bounce ();
  ASSERT_TRUE (run_until ([&] { return in.done; }));
  EXPECT_TRUE (g_error_matches (in.error, VP_ERROR, VP_ERROR_PENDING));
  EXPECT_EQ (std::string (in.error->message).find ("disk is bounced after "), 0u)
      << in.error->message;
  qemu_.hear ("device_add"); /* and it goes on */
}

} // namespace
