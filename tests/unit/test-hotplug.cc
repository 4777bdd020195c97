#include "devices/error.h"
#include "devices/lifecycle.h"
#include "launcher/error.h"
#include "launcher/vm/bar-watch.h"

#include "tests/support/hotplug-test.h"
#include "tests/support/row-name.h"

namespace
{

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
  EXPECT_TRUE (g_error_matches (adding.error, VP_ERROR, VP_ERROR_NO_VM));
  EXPECT_EQ (removing.text ("state"), "removed");
  EXPECT_EQ (spare (), 2u);
  EXPECT_TRUE (vp_hotplug_is_idle (hotplug_));
}

/* The guest prints before the reply to "cont" is read: what it waits for may be there first. */
TEST_F (Hotplug, ReadyBeforeItIsKnownToRunIsReadyThen)
{
  const VpPlanPolicy policy = { .root = { .machine = VP_MACHINE_Q35 },
                                .firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, nullptr),
                                .large_bar = VP_PLAN_DEFAULT_LARGE_BAR,
                                .n_spare = 2 };
  const VpPlanRequest request = { "nvme", nullptr, "disk", VP_PLUG_HOT };
  VpDeviceSpec *spec = vp_device_spec_parse ("qemu,driver=nvme,id=disk", nullptr);
  VpBlueprint blueprint = blueprint_;

  blueprint.plan = vp_plan_build (&policy, &request, 1, nullptr);
  blueprint.specs =
      g_ptr_array_new_with_free_func (reinterpret_cast<GDestroyNotify> (vp_device_spec_free));
  g_ptr_array_add (blueprint.specs, spec);
  VpHotplug *early = vp_hotplug_new (&blueprint, bindings_);
  vp_hotplug_set_ready (early);
  run_pending ();
  EXPECT_EQ (qemu_.unheard (), "");

  vp_hotplug_set_running (early, client_);
  EXPECT_EQ (qemu_.hear ("device_add").argument ("id"), "disk");
  vp_qmp_client_close (client_);
  run_pending ();
  g_object_unref (early);
  g_ptr_array_unref (blueprint.specs);
  vp_plan_free (blueprint.plan);
}

/* Linux may move what firmware has placed: what is told is where it is now. */
TEST_F (Hotplug, AColdDeviceIsLookedAtAgainWhenTheGuestIsReady)
{
  const VpPlanPolicy policy = { .root = { .machine = VP_MACHINE_Q35 },
                                .firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, nullptr),
                                .large_bar = VP_PLAN_DEFAULT_LARGE_BAR,
                                .n_spare = 2 };
  const VpPlanRequest request = { "nvme", nullptr, "disk", VP_PLUG_COLD };
  VpDeviceSpec *spec = vp_device_spec_parse ("qemu,driver=nvme,id=disk,plug=cold", nullptr);
  VpBlueprint blueprint = blueprint_;
  bool usable = false, never = false;

  blueprint.plan = vp_plan_build (&policy, &request, 1, nullptr);
  blueprint.specs =
      g_ptr_array_new_with_free_func (reinterpret_cast<GDestroyNotify> (vp_device_spec_free));
  g_ptr_array_add (blueprint.specs, spec);
  VpHotplug *cold = vp_hotplug_new (&blueprint, bindings_);
  g_signal_connect_swapped (cold, "changed", G_CALLBACK (+[] (bool *seen, const char *, int state) {
                              *seen |= state == VP_DEVICE_USABLE;
                            }),
                            &usable);
  const auto address = [&] {
    g_autoptr (JsonObject) status = json_object_new ();
    vp_hotplug_add_status (cold, status);
    JsonObject *device =
        json_array_get_object_element (json_object_get_array_member (status, "devices"), 0);
    JsonArray *bars = json_object_get_array_member (device, "bars");
    return std::string (
        json_object_get_string_member (json_array_get_object_element (bars, 0), "guest_address"));
  };

  vp_hotplug_set_running (cold, client_);
  show_bars ("disk", MAPPED, usable);
  EXPECT_EQ (address (), "0xfe800000");

  vp_hotplug_set_ready (cold);
  Heard question = qemu_.hear ("query-pci");
  qemu_.reply (question, query_pci ("disk", R"({"bar":0,"size":4096,"address":4096000,)"
                                            R"("type":"memory"})"));
  run_until ([&] { return address () != "0xfe800000" || !qemu_.unheard ().empty (); });
  if (!qemu_.unheard ().empty ())
    show_bars ("disk", R"({"bar":0,"size":4096,"address":4096000,"type":"memory"})", never);
  EXPECT_EQ (address (), "0x3e8000");
  vp_qmp_client_close (client_);
  run_pending ();
  g_object_unref (cold);
  g_ptr_array_unref (blueprint.specs);
  vp_plan_free (blueprint.plan);
}

/* With native hotplug the guest forgets a request when it starts anew; with ACPI the reset carries
 * it out. */
TEST_F (Hotplug, AResetHasTheGuestAskedAnew)
{
  Outcome outcome;

  attach_for_good ("qemu,driver=nvme,id=disk", "disk");
  detach ("disk", &outcome);
  qemu_.reply (qemu_.hear ("device_del"));
  qemu_.event ("RESET", R"({"guest":true})");
  qemu_.reply (qemu_.hear ("device_del"));
  run_pending ();
  EXPECT_FALSE (outcome.done);
  qemu_.event ("DEVICE_DELETED", R"({"device":"disk"})");
  EXPECT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_EQ (outcome.text ("state"), "removed");
}

/* SHPC takes a second press of the button within 5 s for a change of mind. */
TEST_F (Hotplug, WithoutAcpiAnImpatientUserTakesNothingBack)
{
  Outcome first, second;

  blueprint_.config->hotplug_mode = VP_HOTPLUG_NATIVE;
  attach_for_good ("qemu,driver=nvme,id=disk", "disk");
  detach ("disk", &first, 50);
  qemu_.reply (qemu_.hear ("device_del"));
  EXPECT_TRUE (run_until ([&] { return first.done; }));

  detach ("disk", &second);
  run_until ([] { return false; }, 100);
  EXPECT_EQ (qemu_.unheard (), "");
  qemu_.event ("DEVICE_DELETED", R"({"device":"disk"})");
  EXPECT_TRUE (run_until ([&] { return second.done; }));
  EXPECT_EQ (second.text ("state"), "removed");
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
