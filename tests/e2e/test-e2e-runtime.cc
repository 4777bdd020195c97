#include "tests/support/kata-runtime.h"

/* The scripted runtime against QEMU alone: what holds without vmplug, good or bad, and therefore is
 * what vmplug-qemu is measured by. */

namespace
{

const std::string QEMU = "qemu-system-x86_64";

class Shape : public testing::TestWithParam<KataRuntime::Shape>
{
};
INSTANTIATE_TEST_SUITE_P (Runtime,
                          Shape,
                          testing::Values (KataRuntime::SHIM,
                                           KataRuntime::RUST,
                                           KataRuntime::DAEMON),
                          [] (const auto &row) { return name_of_shape (row.param); });

TEST_P (Shape, StartsAndStopsItsVm)
{
  KataRuntime runtime (GetParam ());

  ASSERT_NO_THROW (runtime.start (QEMU)) << runtime.err ();
  EXPECT_EQ (runtime.pid () == runtime.child (), GetParam () != KataRuntime::DAEMON);
  EXPECT_EQ (runtime.qmp ().execute ("query-status").value["status"].text (), "running");
  EXPECT_EQ (runtime.guest_path ("scsi0").size (), 2u);
  EXPECT_EQ (runtime.qmp ()
                 .execute ("device_add", R"({"driver":"virtio-rng-pci","id":"r1","bus":"rp0"})")
                 .error,
             "");
  EXPECT_EQ (runtime.guest_path ("r1"), runtime.guest_path ("/machine/peripheral/rp0") + "/00");
  EXPECT_EQ (runtime.add_vfio ("v0", "0000:00:1f.9", "rp9").error, "Bus 'rp9' not found");
  EXPECT_EQ (runtime.err (), "");
  EXPECT_EQ (runtime.stop (), GetParam () == KataRuntime::DAEMON ? 0 : -SIGKILL);
  EXPECT_TRUE (runtime.err_ends ());
}

TEST_P (Shape, TheSecondClientWaitsForTheFirstToLeave)
{
  KataRuntime runtime (GetParam ());

  ASSERT_NO_THROW (runtime.start (QEMU)) << runtime.err ();
  QmpConversation second (runtime.qmp_path ());
  EXPECT_FALSE (second.hears (0.5));
  runtime.disconnect ();
  EXPECT_NO_THROW (second.negotiate ());
}

/* Its connection is in the backlog of a listener that the runtime itself holds: that QEMU has ended
 * is to be seen on stderr and in the exit status only, and nobody looks there. */
TEST (EarlyFailure, LeavesTheRuntimeBlocked)
{
  KataRuntime runtime;

  runtime.add ({ "-no-such-option" });
  runtime.launch (QEMU);
  EXPECT_EQ (runtime.wait (), 1);
  EXPECT_NE (runtime.err ().find ("invalid option"), std::string::npos) << runtime.err ();
  EXPECT_FALSE (runtime.qmp ().hears (1));
}

TEST (LateFailure, IsGreetedAndHungUpOn)
{
  KataRuntime runtime;

  runtime.add ({ "-device", "no-such-device" });
  runtime.launch (QEMU);
  EXPECT_NO_THROW (runtime.qmp ().hear_greeting ());
  EXPECT_TRUE (runtime.qmp ().is_closed_within (10));
  EXPECT_EQ (runtime.wait (), 1);
}

} // namespace
