#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/bar-watch.h"
#include "launcher/vm/hotplug.h"

#include "tests/support/fake-qmp.h"
#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{

/* One line each: they are sent as lines. */
const char *const MAPPED = R"({"bar":0,"size":4096,"address":4269801472,"type":"memory"})";
const char *const UNMAPPED =
    R"({"bar":2,"size":17179869184,"address":-1,"type":"memory","mem_type_64":true})";

std::string
query_pci (const std::string &id, const std::string &regions)
{
  return R"([{"bus":0,"devices":[{"bus":0,"slot":1,"function":0,"qdev_id":")" + id +
         R"(","regions":[)" + regions + "]}]}]";
}

/* What an attach or a detach came to. */
struct Outcome
{
  bool done = false;
  JsonObject *document = nullptr;
  GError *error = nullptr;

  ~Outcome ()
  {
    g_clear_pointer (&document, json_object_unref);
    g_clear_error (&error);
  }
  static void
  on_attached (GObject *source, GAsyncResult *result, gpointer user_data)
  {
    auto *self = static_cast<Outcome *> (user_data);

    self->document = vp_hotplug_attach_finish (VP_HOTPLUG (source), result, &self->error);
    self->done = true;
  }
  static void
  on_detached (GObject *source, GAsyncResult *result, gpointer user_data)
  {
    auto *self = static_cast<Outcome *> (user_data);

    self->document = vp_hotplug_detach_finish (VP_HOTPLUG (source), result, &self->error);
    self->done = true;
  }
  std::string
  text (const char *member) const
  {
    return document != nullptr ? json_object_get_string_member (document, member) : "(none)";
  }
};

/* A VM on q35 with two spare ports, whose QEMU is the test. */
class Hotplug : public testing::Test
{
protected:
  void
  SetUp () override
  {
    VpPlanPolicy policy = { .machine = VP_MACHINE_Q35,
                            .firmware = VP_FIRMWARE_SEABIOS,
                            .large_bar = VP_PLAN_DEFAULT_LARGE_BAR,
                            .n_spare = 2,
                            .spare_window = 0 };

    sysfs_ = vp_sysfs_open (host_.root (), nullptr);
    blueprint_.config = vp_config_new ();
    blueprint_.plan = vp_plan_build (&policy, nullptr, 0, nullptr);
    blueprint_.specs = g_ptr_array_new ();
    bindings_ = vp_bindings_new (sysfs_, host_.root ());
    hotplug_ = vp_hotplug_new (&blueprint_, bindings_);
    client_ = vp_qmp_client_new (qemu_.socket ());
    vp_qmp_client_handshake_async (client_, 0, nullptr, nullptr, nullptr);
    qemu_.negotiate ();
    run_pending ();
    g_signal_connect (client_, "event", G_CALLBACK (on_event), this);
    vp_hotplug_set_running (hotplug_, client_);
  }
  void
  TearDown () override
  {
    vp_qmp_client_close (client_);
    run_pending ();
    g_clear_object (&client_);
    g_clear_object (&hotplug_);
    vp_bindings_free (bindings_);
    vp_plan_free (blueprint_.plan);
    vp_config_free (blueprint_.config);
    g_ptr_array_unref (blueprint_.specs);
    vp_sysfs_free (sysfs_);
  }
  static void
  on_event (VpQmpClient *, const char *name, JsonObject *data, gpointer user_data)
  {
    vp_hotplug_handle_event (static_cast<Hotplug *> (user_data)->hotplug_, name, data);
  }

  void
  attach (const char *text, Outcome *outcome, guint timeout_ms = 60000)
  {
    VpDeviceSpec *spec = vp_device_spec_parse (text, nullptr);
    g_autoptr (VpAttachSource) source =
        vp_attach_source_new (spec, vp_inventory_read (sysfs_, nullptr));

    vp_hotplug_attach_async (hotplug_, source, nullptr, timeout_ms, Outcome::on_attached, outcome);
  }
  void
  detach (const char *id, Outcome *outcome, guint timeout_ms = 60000)
  {
    vp_hotplug_detach_async (hotplug_, id, timeout_ms, Outcome::on_detached, outcome);
  }
  /* Answers the questions about BARs until @done. */
  void
  show_bars (const char *id, const std::string &regions, const bool &done)
  {
    while (!done)
      {
        Heard question = qemu_.hear ();

        if (question.command () == "query-pci")
          qemu_.reply (question, query_pci (id, regions));
        else if (question.command () == "qom-get")
          qemu_.reply (question, "2952790016");
        else if (question.command () == "human-monitor-command")
          qemu_.reply (question, R"("b0008010: 0x0 0x0 0xc 0x0\r\nb0008020: 0x0 0x0\r\n")");
        else
          {
            other_.push_back (question);
            return;
          }
        run_until ([&] { return done || !qemu_.unheard ().empty (); }, 10000);
      }
  }
  void
  attach_for_good (const char *text, const char *id)
  {
    Outcome outcome;

    vp_hotplug_set_ready (hotplug_);
    attach (text, &outcome);
    qemu_.reply (qemu_.hear ("device_add"));
    show_bars (id, MAPPED, outcome.done);
    ASSERT_TRUE (outcome.document != nullptr);
  }
  guint
  spare ()
  {
    g_autoptr (JsonObject) status = json_object_new ();

    vp_hotplug_add_status (hotplug_, status);
    return static_cast<guint> (
        json_object_get_int_member (json_object_get_object_member (status, "ports"), "spare"));
  }

  FakeSysfs host_;
  FakeQmp qemu_;
  VpBlueprint blueprint_ = {};
  VpSysfs *sysfs_ = nullptr;
  VpBindings *bindings_ = nullptr;
  VpQmpClient *client_ = nullptr;
  VpHotplug *hotplug_ = nullptr;
  std::vector<Heard> other_;
};

TEST_F (Hotplug, WhatIsAttachedIsUsableOnlyOnceItsBarsAreMapped)
{
  Outcome outcome;

  vp_hotplug_set_ready (hotplug_);
  attach ("qemu,driver=nvme,id=disk", &outcome);
  Heard add = qemu_.hear ("device_add");
  EXPECT_EQ (add.argument ("bus"), "port1");
  EXPECT_EQ (add.argument ("addr"), "00.0") << "a root port without addr takes a second device";
  qemu_.reply (add);
  run_pending ();
  EXPECT_FALSE (outcome.done) << "accepted is not usable";

  show_bars ("disk", MAPPED, outcome.done);
  EXPECT_EQ (outcome.text ("state"), "usable");
  EXPECT_EQ (outcome.text ("port"), "port1");
  EXPECT_EQ (outcome.text ("guest_path"), "01/00");
  EXPECT_EQ (spare (), 1u);
}

TEST_F (Hotplug, NothingIsAddedBeforeTheGuestIsReady)
{
  Outcome outcome;

  attach ("qemu,driver=nvme,id=disk", &outcome, 50);
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_PENDING));
  EXPECT_EQ (qemu_.unheard (), "");

  vp_hotplug_set_ready (hotplug_);
  qemu_.hear ("device_add");
}

TEST_F (Hotplug, ARefusalGivesThePortBack)
{
  Outcome outcome;

  vp_hotplug_set_ready (hotplug_);
  attach ("qemu,driver=nvme,id=disk", &outcome);
  qemu_.fail (qemu_.hear ("device_add"), "GenericError", "serial property not set");
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_NE (std::string (outcome.error->message).find ("serial property not set"),
             std::string::npos);
  EXPECT_EQ (spare (), 2u);
}

TEST_F (Hotplug, TimeIsUpButTheDeviceStays)
{
  Outcome outcome;

  vp_hotplug_set_ready (hotplug_);
  attach ("qemu,driver=nvme,id=disk", &outcome, 300);
  qemu_.reply (qemu_.hear ("device_add"));
  show_bars ("disk", UNMAPPED, outcome.done);
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_PENDING));
  EXPECT_EQ (spare (), 1u);
}

TEST_F (Hotplug, ABarWithoutAWindowIsRolledBack)
{
  Outcome outcome;

  vp_hotplug_set_ready (hotplug_);
  attach ("qemu,driver=nvme,id=gpu", &outcome);
  qemu_.reply (qemu_.hear ("device_add"));
  show_bars ("gpu", std::string (MAPPED) + "," + UNMAPPED, outcome.done);
  ASSERT_EQ (other_.size (), 1u);
  EXPECT_EQ (other_[0].command (), "device_del");
  EXPECT_FALSE (outcome.done) << "it is still in the VM";

  qemu_.reply (other_[0]);
  qemu_.event ("DEVICE_DELETED", R"({"device":"gpu","path":"/machine/peripheral/gpu"})");
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_NO_WINDOW));
  EXPECT_STREQ (outcome.error->message, "gpu: BAR 2 (16 GiB) has no window behind port1");
  EXPECT_EQ (spare (), 2u);
}

TEST_F (Hotplug, ThrownOutDuringBootIsAFailure)
{
  Outcome outcome;

  vp_hotplug_set_ready (hotplug_);
  attach ("qemu,driver=nvme,id=disk", &outcome);
  qemu_.reply (qemu_.hear ("device_add"));
  qemu_.event ("DEVICE_DELETED", R"({"device":"disk"})");
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_NE (outcome.error, nullptr);
  EXPECT_EQ (spare (), 2u);
}

struct DetachRow
{
  const char *name;
  bool event_first;
};

class DetachOrder : public Hotplug, public testing::WithParamInterface<DetachRow>
{
};

TEST_P (DetachOrder, EndsWithTheEventWheneverItComes)
{
  Outcome outcome;

  attach_for_good ("qemu,driver=nvme,id=disk", "disk");
  detach ("disk", &outcome);
  Heard del = qemu_.hear ("device_del");
  if (GetParam ().event_first)
    {
      qemu_.event ("DEVICE_DELETED", R"({"device":"disk"})");
      EXPECT_TRUE (run_until ([&] { return outcome.done; }));
      qemu_.reply (del);
      run_pending ();
    }
  else
    {
      qemu_.reply (del);
      run_pending ();
      EXPECT_FALSE (outcome.done) << "the reply says only that QEMU was asked";
      qemu_.event ("DEVICE_DELETED", R"({"path":"/machine/peripheral/disk/part"})");
      run_pending ();
      EXPECT_FALSE (outcome.done) << "that was a part of it";
      qemu_.event ("DEVICE_DELETED", R"({"device":"disk"})");
    }
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_EQ (outcome.text ("state"), "removed");
  EXPECT_EQ (spare (), 2u);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          DetachOrder,
                          testing::Values (DetachRow{ "event_first", true },
                                           DetachRow{ "reply_first", false }),
                          name_of_row<DetachRow>);

TEST_F (Hotplug, ALateEventFinishesARemovalThatTimedOut)
{
  Outcome first, second;

  attach_for_good ("qemu,driver=nvme,id=disk", "disk");
  detach ("disk", &first, 50);
  qemu_.reply (qemu_.hear ("device_del"));
  EXPECT_TRUE (run_until ([&] { return first.done; }));
  EXPECT_TRUE (g_error_matches (first.error, VP_ERROR, VP_ERROR_PENDING));
  EXPECT_EQ (spare (), 1u) << "the guest still has it";

  detach ("disk", &second);
  qemu_.fail (qemu_.hear ("device_del"), "GenericError", "already in the process of unplug");
  run_pending ();
  EXPECT_FALSE (second.done) << "that is no refusal, it is under way";
  qemu_.event ("DEVICE_DELETED", R"({"device":"disk"})");
  EXPECT_TRUE (run_until ([&] { return second.done; }));
  EXPECT_EQ (second.text ("state"), "removed");
  EXPECT_EQ (spare (), 2u);
}

TEST_F (Hotplug, ARefusedRemovalLeavesItUsable)
{
  Outcome outcome;
  bool never = false;

  attach_for_good ("qemu,driver=nvme,id=disk", "disk");
  detach ("disk", &outcome);
  qemu_.fail (qemu_.hear ("device_del"), "GenericError", "guest is busy");
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_EQ (spare (), 1u);

  /* and it can be tried again */
  Outcome again;
  detach ("disk", &again);
  show_bars ("disk", MAPPED, never);
  ASSERT_EQ (other_.size (), 1u);
  EXPECT_EQ (other_[0].command (), "device_del");
}

TEST_F (Hotplug, GoneAlreadyIsRemoved)
{
  Outcome outcome;

  attach_for_good ("qemu,driver=nvme,id=disk", "disk");
  detach ("disk", &outcome);
  qemu_.fail (qemu_.hear ("device_del"), "DeviceNotFound", "Device 'disk' not found");
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_EQ (outcome.text ("state"), "removed");
}

TEST_F (Hotplug, TheGuestMayRemoveItUnasked)
{
  attach_for_good ("qemu,driver=nvme,id=disk", "disk");
  qemu_.event ("DEVICE_DELETED", R"({"device":"disk"})");
  EXPECT_TRUE (run_until ([&] { return spare () == 2; }));
}

TEST_F (Hotplug, TheSameIdTwiceIsRefusedBeforeQemuHearsOfIt)
{
  Outcome outcome;

  attach_for_good ("qemu,driver=nvme,id=disk", "disk");
  attach ("qemu,driver=nvme,id=disk", &outcome);
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE));
  EXPECT_EQ (qemu_.unheard (), "");
}

TEST_F (Hotplug, PortsRunOutBeforeQemuHearsOfIt)
{
  Outcome outcome;

  attach_for_good ("qemu,driver=nvme,id=a", "a");
  attach_for_good ("qemu,driver=nvme,id=b", "b");
  attach ("qemu,driver=nvme,id=c", &outcome);
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT));
}

TEST_F (Hotplug, AnUnknownIdIsSaidSo)
{
  Outcome outcome;

  detach ("nothing", &outcome);
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_NO_DEVICE));
}

TEST_F (Hotplug, QemusEndEndsEverything)
{
  Outcome adding, removing;

  attach_for_good ("qemu,driver=nvme,id=disk", "disk");
  detach ("disk", &removing);
  attach ("qemu,driver=nvme,id=other", &adding);
  qemu_.drop ();
  run_pending ();
  vp_hotplug_set_gone (hotplug_);
  EXPECT_TRUE (run_until ([&] { return adding.done && removing.done; }));
  EXPECT_NE (adding.error, nullptr);
  EXPECT_EQ (removing.text ("state"), "removed");
  EXPECT_EQ (spare (), 2u);
  EXPECT_TRUE (vp_hotplug_is_idle (hotplug_));
}

TEST_F (Hotplug, AThousandTimesInAndOut)
{
  vp_hotplug_set_ready (hotplug_);
  for (int i = 0; i < 1000; i++)
    {
      Outcome in, out;

      attach ("qemu,driver=nvme,id=disk", &in);
      qemu_.reply (qemu_.hear ("device_add"));
      qemu_.event ("DEVICE_DELETED", R"({"device":"disk"})");
      EXPECT_TRUE (run_until ([&] { return in.done; }));
      detach ("disk", &out);
      EXPECT_TRUE (run_until ([&] { return out.done; }));
      EXPECT_TRUE (g_error_matches (out.error, VP_ERROR, VP_ERROR_NO_DEVICE));
    }
  EXPECT_EQ (spare (), 2u);
}

} // namespace
