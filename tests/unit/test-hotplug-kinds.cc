#include "launcher/error.h"

#include "tests/support/fake-passt.h"
#include "tests/support/hotplug-test.h"
#include "tests/support/plug-input.h"
#include "tests/support/plug-world.h"
#include "tests/support/row-name.h"

/* What becomes of each kind of device, wherever QEMU says no. */

namespace
{

class HotplugKinds : public Hotplug, public testing::WithParamInterface<PlugKind>
{
protected:
  PlugWorld world;
  FakePasst passt;

  void
  SetUp () override
  {
    Hotplug::SetUp ();
    blueprint_.config->name = g_strdup ("vm");
    blueprint_.config->shared_memory = TRUE;
    blueprint_.sysfs = sysfs_;
    if (GetParam ().has_vhost_net)
      host_.write ("dev/vhost-net", "");
    vp_hotplug_set_ready (hotplug_);
  }
  std::string
  spec () const
  {
    const std::string text = GetParam ().spec;

    return text.rfind ("41:00.0", 0) == 0 ? "qemu,driver=pci-testdev,id=d" : text + ",id=d";
  }
  /* Plays QEMU, and a guest that lets go at once, until @done and nothing more is said. */
  void
  play (const bool &done)
  {
    ASSERT_TRUE (run_until ([&] {
      while (!qemu_.unheard ().empty ())
        answer (qemu_.hear ());
      return done && qemu_.unheard ().empty ();
    })) << world.heard.back ();
  }
  void
  answer (const Heard &command)
  {
    if (command.command () == "query-pci")
      qemu_.reply (command, query_pci ("d", MAPPED));
    else if (command.command () == "device_del")
      {
        qemu_.reply (command);
        world.let_go ();
        qemu_.event ("DEVICE_DELETED", R"({"device":"d-disk","path":"/p"})");
        qemu_.event ("DEVICE_DELETED", R"({"device":"d","path":"/p"})");
      }
    else
      world.answer (qemu_, command);
  }
};

TEST_P (HotplugKinds, AWholeLifeLeavesNothing)
{
  Outcome attached, detached;

  attach (spec ().c_str (), &attached);
  play (attached.done);
  ASSERT_EQ (attached.error, nullptr) << attached.error->message;
  EXPECT_EQ (attached.text ("state"), "usable");
  EXPECT_EQ (spare (), 1u);

  detach ("d", &detached);
  play (detached.done);
  EXPECT_EQ (detached.error, nullptr) << detached.error->message;
  EXPECT_EQ (detached.text ("state"), "removed");
  EXPECT_TRUE (world.has.empty ()) << *world.has.begin ();
  EXPECT_EQ (spare (), 2u);
}

TEST_P (HotplugKinds, WhereverQemuSaysNoEverythingIsAsBefore)
{
  Outcome first;

  attach (spec ().c_str (), &first);
  play (first.done);
  const std::vector<std::string> steps = world.heard;
  Outcome gone;
  detach ("d", &gone);
  play (gone.done);

  for (size_t k = 0; k < steps.size (); k++)
    {
      SCOPED_TRACE (steps[k]);
      Outcome outcome;

      world.heard.clear ();
      world.fail_at = static_cast<int> (k);
      attach (spec ().c_str (), &outcome);
      play (outcome.done);
      ASSERT_NE (outcome.error, nullptr);
      EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
      EXPECT_EQ (outcome.error->message, "d: QEMU refused it: no: " + steps[k]);
      EXPECT_TRUE (world.has.empty ()) << *world.has.begin ();
      EXPECT_EQ (spare (), 2u);
    }
}

TEST_P (HotplugKinds, WhatTheGuestThrowsOutLeavesNothing)
{
  Outcome outcome;
  bool unasked = false;

  attach (spec ().c_str (), &outcome);
  play (outcome.done);
  world.let_go ();
  qemu_.event ("DEVICE_DELETED", R"({"device":"d","path":"/p"})");
  run_until ([&] {
    while (!qemu_.unheard ().empty ())
      answer (qemu_.hear ());
    return unasked = spare () == 2;
  });
  EXPECT_TRUE (unasked);
  EXPECT_TRUE (world.has.empty ()) << *world.has.begin ();
}

TEST_P (HotplugKinds, WhatQemuKeepsIsTold)
{
  Outcome attached, detached;

  attach (spec ().c_str (), &attached);
  play (attached.done);
  world.let_go ();
  if (world.has.empty () || strcmp (GetParam ().name, "nvme") != 0)
    return; /* nothing to keep; or told of one kind, because it takes its time */

  world.n_busy = 1000;
  detach ("d", &detached);
  play (detached.done);
  ASSERT_NE (detached.error, nullptr);
  EXPECT_STREQ (detached.error->message,
                "d has left the VM, but QEMU keeps what was behind it: no: blockdev-del");
  EXPECT_EQ (spare (), 2u);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          HotplugKinds,
                          testing::ValuesIn (plug_kinds),
                          name_of_row<PlugKind>);

class HotplugDisk : public Hotplug
{
protected:
  void
  attach_fails (const std::string &text, const char *why)
  {
    Outcome outcome;

    attach (text.c_str (), &outcome);
    ASSERT_TRUE (run_until ([&] { return outcome.done; }));
    ASSERT_NE (outcome.error, nullptr);
    EXPECT_STREQ (outcome.error->message, why);
    EXPECT_EQ (spare (), 1u);
    EXPECT_EQ (qemu_.unheard (), "");
  }
};

TEST_F (HotplugDisk, ANameForTheSameFileIsNotAnotherDisk)
{
  PlugWorld world;
  Outcome outcome;

  vp_hotplug_set_ready (hotplug_);
  attach ("disk,/a,format=raw", &outcome);
  world.answer (qemu_, qemu_.hear ("blockdev-add"));
  world.answer (qemu_, qemu_.hear ("device_add"));
  show_bars ("virtio-blk-pci0", MAPPED, outcome.done);
  attach_fails ("disk,/b,format=raw", "\"/b\" is a disk of this VM already (/a)");
}

TEST_F (HotplugDisk, WithoutPasstQemuHearsNothing)
{
  const std::string path = g_getenv ("PATH");

  blueprint_.config->name = g_strdup ("vm");
  blueprint_.sysfs = sysfs_;
  vp_hotplug_set_ready (hotplug_);
  g_setenv ("PATH", "/nowhere", TRUE);
  Outcome outcome;
  attach ("nic,passt", &outcome);
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  g_setenv ("PATH", path.c_str (), TRUE);

  ASSERT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_HOST));
  EXPECT_STREQ (outcome.error->message,
                "virtio-net-pci0: passt: not in PATH: install the Debian package passt");
  EXPECT_EQ (qemu_.unheard (), "");
  EXPECT_EQ (spare (), 2u);
}

} // namespace
