#include "launcher/vm/bar-watch.h"

#include "tests/support/fake-qmp.h"

#include <gtest/gtest.h>

namespace
{

const char *const MAPPED = R"([{"bus":0,"devices":[{"bus":0,"slot":1,"function":0,"qdev_id":"gpu",)"
                           R"("regions":[{"bar":0,"size":4096,"address":4269801472,)"
                           R"("type":"memory"}]}]}])";
const char *const ELSEWHERE = R"([{"bus":0,"devices":[{"bus":0,"slot":1,"function":0,)"
                              R"("qdev_id":"gpu","regions":[{"bar":0,"size":4096,)"
                              R"("address":4026531840,"type":"memory"}]}]}])";
const char *const NOT_THERE = R"([{"bus":0,"devices":[]}])";

/* A watch on pc, where every look is one query-pci. */
class BarWatch : public testing::Test
{
protected:
  void
  SetUp () override
  {
    client_ = vp_qmp_client_new (qemu_.socket ());
    vp_qmp_client_handshake_async (client_, 0, nullptr, nullptr, nullptr);
    qemu_.negotiate ();
    run_pending ();
    watch_ = vp_bar_watch_new ("gpu");
    g_signal_connect_swapped (watch_, "mapped", G_CALLBACK (count), &n_mapped_);
    g_signal_connect_swapped (watch_, "stuck", G_CALLBACK (count), &n_stuck_);
  }
  void
  TearDown () override
  {
    vp_qmp_client_close (client_);
    run_pending ();
    g_clear_object (&client_);
    if (watch_ != nullptr)
      g_assert_finalize_object (watch_);
  }
  static void
  count (int *n)
  {
    ++*n;
  }
  void
  start ()
  {
    vp_bar_watch_start (watch_, client_, VP_MACHINE_PC);
  }
  static void
  pass (guint milliseconds)
  {
    run_until ([] { return false; }, milliseconds);
  }

  FakeQmp qemu_;
  VpQmpClient *client_ = nullptr;
  VpBarWatch *watch_ = nullptr;
  int n_mapped_ = 0, n_stuck_ = 0;
};

TEST_F (BarWatch, LooksUntilAllAreMapped)
{
  start ();
  EXPECT_EQ (vp_bar_watch_get_bars (watch_), nullptr);
  qemu_.reply (qemu_.hear ("query-pci"), NOT_THERE);
  qemu_.fail (qemu_.hear ("query-pci"), "GenericError", "busy");
  qemu_.reply (qemu_.hear ("query-pci"), MAPPED);
  EXPECT_TRUE (run_until ([&] { return n_mapped_ == 1; }));
  pass (200);
  EXPECT_EQ (qemu_.unheard (), "") << "it is over";
  EXPECT_EQ (vp_bar_watch_get_bars (watch_)->bars[0].address, 4269801472u);
}

TEST_F (BarWatch, AResetIsFollowedByALookOfItsOwn)
{
  start ();
  Heard before = qemu_.hear ("query-pci");
  start ();
  pass (120); /* the look that the reset wants comes while that one is on its way */
  qemu_.reply (before, MAPPED);
  Heard after = qemu_.hear ("query-pci");
  EXPECT_EQ (n_mapped_, 0) << "that was before the reset";
  qemu_.reply (after, ELSEWHERE);
  EXPECT_TRUE (run_until ([&] { return n_mapped_ == 1; }));
  EXPECT_EQ (vp_bar_watch_get_bars (watch_)->bars[0].address, 4026531840u);
}

TEST_F (BarWatch, AResetBeforeTheLookIsOneLook)
{
  start ();
  start ();
  start ();
  Heard look = qemu_.hear ("query-pci");
  pass (150);
  EXPECT_EQ (qemu_.unheard (), "");
  qemu_.reply (look, MAPPED);
  EXPECT_TRUE (run_until ([&] { return n_mapped_ == 1; }));
}

TEST_F (BarWatch, NothingIsAskedAfterAStop)
{
  start ();
  vp_bar_watch_stop (watch_);
  pass (150);
  EXPECT_EQ (qemu_.unheard (), "");

  start ();
  qemu_.reply (qemu_.hear ("query-pci"), NOT_THERE);
  run_pending ();
  vp_bar_watch_stop (watch_);
  pass (200);
  EXPECT_EQ (qemu_.unheard (), "");
}

TEST_F (BarWatch, AReplyAfterAStopSaysNothing)
{
  start ();
  Heard look = qemu_.hear ("query-pci");
  vp_bar_watch_stop (watch_);
  qemu_.reply (look, MAPPED);
  pass (150);
  EXPECT_EQ (n_mapped_, 0);
  EXPECT_EQ (vp_bar_watch_get_bars (watch_), nullptr);
}

TEST_F (BarWatch, QemusEndDuringALookIsNoVerdict)
{
  start ();
  qemu_.hear ("query-pci");
  qemu_.drop ();
  pass (200);
  EXPECT_EQ (n_mapped_ + n_stuck_, 0);
  vp_bar_watch_stop (watch_);
}

TEST_F (BarWatch, DroppedDuringALookItIsForgotten)
{
  start ();
  Heard look = qemu_.hear ("query-pci");
  g_clear_object (&watch_);
  qemu_.reply (look, NOT_THERE);
  pass (200);
  EXPECT_EQ (qemu_.unheard (), "");
}

} // namespace
