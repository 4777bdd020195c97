#include "tests/e2e/sandbox.h"

/* vmplug-qemu on the runtime's own QMP channel: what the runtime plugs in has a place, and what it
 * takes out is answered. */

namespace
{

std::string
plug (const std::string &driver, const std::string &id, const std::string &more)
{
  return R"({"driver":")" + driver + R"(","id":")" + id + "\"" + more + "}";
}

std::string
just (const std::string &id)
{
  return R"({"id":")" + id + "\"}";
}

/* One guest for all tests of this program; each leaves it as it was. */
class TakeOver : public testing::Test
{
protected:
  static std::unique_ptr<Sandbox> sandbox;

  static void
  SetUpTestSuite ()
  {
    sandbox = std::make_unique<Sandbox> ();
    sandbox->configure ("take_over = true\nspare = 2\n");
    sandbox->boot_guest ();
    sandbox->start ();
    sandbox->guest ();
  }
  static void
  TearDownTestSuite ()
  {
    sandbox.reset ();
  }
  void
  TearDown () override
  {
    EXPECT_TRUE (sandbox->status ()["devices"].is_empty ()) << sandbox->status ();
    EXPECT_EQ (sandbox->runtime.err (), "");
  }
  QmpConversation &
  qmp ()
  {
    return sandbox->runtime.qmp ();
  }
  bool
  guest_has_card ()
  {
    return sandbox->guest ().can ("grep -qs 52:54:00:01:02:03 /sys/class/net/*/address");
  }
};
std::unique_ptr<Sandbox> TakeOver::sandbox;

/* A runtime counts its ports by itself: it names one that QEMU has not got, or one that is taken,
 * or the root bus, where q35 takes nothing any more. */
TEST_F (TakeOver, ABusThatIsNotThereBecomesOneThatIs)
{
  const std::string id = "vfio-0123456789abcdef0";

  ASSERT_EQ (qmp ().execute ("device_add", plug ("virtio-rng-pci", "r0", R"(,"bus":"rp0")")).error,
             "");
  for (const char *bus : { "rp7", "rp0", "swdp3", "pcie.0" })
    {
      EXPECT_EQ (qmp ()
                     .execute ("device_add", plug ("e1000e", id,
                                                   R"(,"mac":"52:54:00:01:02:03","bus":")" +
                                                       std::string (bus) + "\""))
                     .error,
                 "")
          << bus;
      EXPECT_TRUE (eventually ([&] { return guest_has_card (); })) << bus;
      const Json device = sandbox->status ()["devices"].at (0);
      EXPECT_EQ (device["state"].text (), "usable") << device;
      EXPECT_EQ (device["guest_path"].text (), sandbox->runtime.guest_path (id)) << bus;

      EXPECT_EQ (qmp ().execute ("device_del", just (id)).error, "") << bus;
      qmp ().wait_for_event ("DEVICE_DELETED", id);
      qmp ().events.clear ();
      EXPECT_FALSE (guest_has_card ());
    }
  EXPECT_EQ (qmp ().execute ("device_del", just ("r0")).error, "");
  qmp ().wait_for_event ("DEVICE_DELETED", "r0");
}

/* What has a place of its own is none of ours. */
TEST_F (TakeOver, ABusThatIsThereIsTheRuntimes)
{
  EXPECT_EQ (qmp ()
                 .execute ("device_add", plug ("e1000e", "virtio-tap0",
                                               R"(,"mac":"52:54:00:01:02:03","bus":"rp0")"))
                 .error,
             "");
  EXPECT_TRUE (eventually ([&] { return guest_has_card (); }));
  EXPECT_TRUE (sandbox->status ()["devices"].is_empty ()) << sandbox->status ();
  EXPECT_EQ (sandbox->runtime.guest_path ("virtio-tap0"),
             sandbox->runtime.guest_path ("/machine/peripheral/rp0") + "/00");
  EXPECT_EQ (qmp ().execute ("device_del", just ("virtio-tap0")).error, "");
  EXPECT_NO_THROW (qmp ().wait_for_event ("DEVICE_DELETED", "virtio-tap0"));
}

/* Its backend came over the same channel, as a descriptor. */
TEST_F (TakeOver, ACardIsPluggedAsTheRuntimeDoesIt)
{
  int pair[2];

  ASSERT_EQ (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  EXPECT_EQ (qmp ().execute ("getfd", R"({"fdname":"fd0"})", pair[1]).error, "");
  close (pair[1]);
  EXPECT_EQ (
      qmp ().execute ("netdev_add", R"({"type":"socket","id":"network-1","fd":"fd0"})").error, "");
  EXPECT_EQ (qmp ()
                 .execute ("device_add", plug ("virtio-net-pci", "virtio-network-1",
                                               R"(,"netdev":"network-1","mac":"52:54:00:01:02:03",)"
                                               R"("addr":"01","bus":"pci-bridge-0")"))
                 .error,
             "");
  EXPECT_TRUE (eventually ([&] { return guest_has_card (); }));
  EXPECT_EQ (qmp ().execute ("device_del", just ("virtio-network-1")).error, "");
  EXPECT_NO_THROW (qmp ().wait_for_event ("DEVICE_DELETED", "virtio-network-1"));
  EXPECT_EQ (qmp ().execute ("netdev_del", just ("network-1")).error, "");
  close (pair[0]);
}

TEST_F (TakeOver, NoPortLeftIsAnError)
{
  std::vector<std::string> ids;

  for (int i = 0; i < 2; i++)
    {
      ids.push_back ("r" + std::to_string (i));
      EXPECT_EQ (
          qmp ().execute ("device_add", plug ("virtio-rng-pci", ids[i], R"(,"bus":"rp7")")).error,
          "");
    }
  const QmpAnswer refused =
      qmp ().execute ("device_add", plug ("virtio-rng-pci", "r2", R"(,"bus":"rp7")"));
  EXPECT_NE (refused.error, "") << refused;
  for (const std::string &id : ids)
    {
      EXPECT_EQ (qmp ().execute ("device_del", just (id)).error, "");
      qmp ().wait_for_event ("DEVICE_DELETED", id);
    }
}

/* Attached by others, it is the runtime's to see, too. */
TEST_F (TakeOver, BothWaysLeadToOneVm)
{
  EXPECT_EQ (sandbox->ask ({ "attach", sandbox->name (), "rng,id=dice" })["state"].text (),
             "usable");
  EXPECT_EQ (sandbox->runtime.guest_path ("dice").size (), 5u);
  EXPECT_EQ (qmp ().execute ("device_del", just ("dice")).error, "");
  qmp ().wait_for_event ("DEVICE_DELETED", "dice");
}

TEST_F (TakeOver, ARuntimeComesBack)
{
  EXPECT_EQ (qmp ().execute ("device_add", plug ("virtio-rng-pci", "r0", R"(,"bus":"rp7")")).error,
             "");
  sandbox->runtime.reconnect ();
  EXPECT_EQ (sandbox->runtime.guest_path ("r0").size (), 5u);
  EXPECT_EQ (qmp ().execute ("device_del", just ("r0")).error, "");
  EXPECT_NO_THROW (qmp ().wait_for_event ("DEVICE_DELETED", "r0"));
}

/* Nobody is there who would let go: a runtime that waits for ever for the event is told so. */
TEST (NoGuest, ADeviceThatIsNotLetGoIsAnError)
{
  Sandbox sandbox;

  sandbox.configure ("take_over = true\nunplug_timeout = 1\nattach_timeout = 1\n");
  sandbox.give ("qemu,driver=virtio-rng-pci,id=dice,plug=cold");
  sandbox.start ();
  QmpConversation &qmp = sandbox.runtime.qmp ();

  EXPECT_EQ (qmp.execute ("device_add", plug ("virtio-rng-pci", "r0", R"(,"bus":"rp0")")).error,
             "");
  for (const char *id : { "dice", "r0" })
    {
      const auto start = std::chrono::steady_clock::now ();
      const QmpAnswer answer = qmp.execute ("device_del", just (id));
      EXPECT_NE (answer.error.find (id), std::string::npos) << answer;
      EXPECT_LT (std::chrono::steady_clock::now () - start, std::chrono::seconds (10));
    }
  EXPECT_EQ (qmp.execute ("query-status").error, "");
}

/* Whoever starts it may go away in the middle of a sentence. */
TEST (Client, ThatHangsUpLeavesTheChannelFree)
{
  Sandbox sandbox;

  sandbox.configure ("take_over = true\n");
  sandbox.start ();
  sandbox.runtime.qmp ().say (R"({"execute":"query-qmp-sch)");
  sandbox.runtime.reconnect ();
  sandbox.runtime.qmp ().say ("{\"execute\":\"query-qmp-schema\"}\n");
  sandbox.runtime.reconnect ();
  EXPECT_EQ (sandbox.runtime.qmp ().execute ("query-status").error, "");
}

} // namespace
