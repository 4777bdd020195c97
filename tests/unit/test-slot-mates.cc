#include "devices/error.h"
#include "launcher/error.h"

#include "tests/support/fake-kernel.h"
#include "tests/support/hotplug-test.h"
#include "tests/support/row-name.h"

#include <algorithm>
#include <vector>

/* Functions of one host device, which share a slot of the guest. */

namespace
{

using Numbers = std::vector<int>;

std::string
card (int number)
{
  return "0000:41:00." + std::to_string (number);
}

std::string
id_of (int number)
{
  return "vfio-41-00." + std::to_string (number);
}

std::string
deleted (int number)
{
  return R"({"device":")" + id_of (number) + R"("})";
}

/* A host with a card of three functions in one group, which vfio-pci or e1000e has. */
class SlotMates : public Hotplug
{
protected:
  SlotMates () : kernel_ (&host_)
  {
    host_.add_driver ("vfio-pci");
    host_.add_driver ("e1000e");
    host_.add_group_node (40);
    set_driver ("vfio-pci");
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
    EXPECT_TRUE (run_until ([&] { return vp_hotplug_is_idle (hotplug_); }));
    Hotplug::TearDown ();
  }

  void
  set_driver (const char *driver)
  {
    for (int number : { 0, 1, 2 })
      host_.pci (card (number)).driver (driver).group (40).bars ({ { 0, FakeBar::MEM32, 4096 } });
  }
  std::string
  driver (int number) const
  {
    return host_.link_name (FakeSysfs::pci_folder (card (number)) / "driver");
  }

  void
  attach_card (const Numbers &numbers, Outcome *outcome, guint timeout_ms = 60000)
  {
    std::vector<std::string> addresses;

    for (int number : numbers)
      addresses.push_back (card (number));
    attach ("/dev/vfio/40,bind=on", outcome, timeout_ms, addresses);
  }
  void
  detach_function (int number, Outcome *outcome, guint timeout_ms = 60000)
  {
    detach (id_of (number).c_str (), outcome, timeout_ms);
  }
  /* The next command is device_add of function @number of the card, as function @as of the slot. */
  Heard
  hear_add (int number, int as)
  {
    Heard add = qemu_.hear ("device_add");

    EXPECT_EQ (add.argument ("id"), id_of (number));
    EXPECT_EQ (add.argument ("host"), card (number));
    EXPECT_EQ (add.argument ("addr"), "00." + std::to_string (as));
    return add;
  }
  Heard
  hear_del (int number)
  {
    Heard del = qemu_.hear ("device_del");

    EXPECT_EQ (del.argument ("id"), id_of (number));
    return del;
  }
  void
  expect_silence (const char *why)
  {
    run_until ([] { return false; }, 120); /* a look at BARs begins after 50 ms */
    EXPECT_EQ (qemu_.unheard (), "") << why;
  }
  /* Answers the questions about the BARs of all functions, of which @partial has one without a
   * window, until @done or another command comes. */
  void
  show_all (const bool &done, int partial = -1)
  {
    std::string devices;

    for (int number : { 0, 1, 2 })
      devices += std::string (number > 0 ? "," : "") + R"({"bus":1,"slot":0,"function":)" +
                 std::to_string (number) + R"(,"qdev_id":")" + id_of (number) + R"(","regions":[)" +
                 MAPPED + (number == partial ? std::string (",") + UNMAPPED : "") + "]}";
    answer_probes (R"([{"bus":0,"devices":[)" + devices + "]}]", done);
  }
  void
  attach_card_for_good ()
  {
    Outcome outcome;

    attach_card ({ 0, 1, 2 }, &outcome);
    for (int number : { 1, 2, 0 })
      qemu_.reply (hear_add (number, number));
    show_all (outcome.done);
    ASSERT_NE (outcome.document, nullptr);
  }
  /* "usable usable failed" of all there are, in their order. */
  std::string
  states ()
  {
    g_autoptr (JsonObject) status = json_object_new ();
    std::string text;

    vp_hotplug_add_status (hotplug_, status);
    JsonArray *devices = json_object_get_array_member (status, "devices");
    for (guint i = 0; i < json_array_get_length (devices); i++)
      text += std::string (i > 0 ? " " : "") +
              json_object_get_string_member (json_array_get_object_element (devices, i), "state");
    return text;
  }
  /* The ids in a document and in its "others". */
  static std::vector<std::string>
  ids_in (const Outcome &outcome)
  {
    std::vector<std::string> ids = { outcome.text ("id") };
    JsonArray *others = outcome.document != nullptr
                            ? json_object_get_array_member (outcome.document, "others")
                            : nullptr;

    for (guint i = 0; others != nullptr && i < json_array_get_length (others); i++)
      ids.push_back (
          json_object_get_string_member (json_array_get_object_element (others, i), "id"));
    return ids;
  }

  FakeKernel kernel_;
};

TEST_F (SlotMates, FunctionZeroComesLastAndOnlyThenIsAnythingLookedAt)
{
  Outcome outcome;

  attach_card ({ 0, 1, 2 }, &outcome);
  Heard one = hear_add (1, 1);
  EXPECT_FALSE (one.has ("multifunction"));
  EXPECT_EQ (one.argument ("bus"), "port1");
  expect_silence ("one after the other");
  qemu_.reply (one);
  Heard two = hear_add (2, 2);
  qemu_.reply (two);
  Heard zero = hear_add (0, 0);
  EXPECT_EQ (zero.json ({ "arguments", "multifunction" }), "true");
  expect_silence ("the guest sees none of them");
  EXPECT_EQ (states (), "adding accepted accepted");

  qemu_.reply (zero);
  show_all (outcome.done);
  ASSERT_NE (outcome.document, nullptr);
  EXPECT_EQ (ids_in (outcome), (std::vector{ id_of (0), id_of (1), id_of (2) }));
  EXPECT_EQ (outcome.text ("guest_path"), "01/00");
  EXPECT_EQ (states (), "usable usable usable");
  EXPECT_EQ (spare (), 1u);
}

TEST_F (SlotMates, WithoutFunctionZeroTheLowestIsIt)
{
  Outcome outcome;

  attach_card ({ 1, 2 }, &outcome);
  qemu_.reply (hear_add (2, 2));
  Heard zero = hear_add (1, 0);
  EXPECT_EQ (zero.json ({ "arguments", "multifunction" }), "true");
}

TEST_F (SlotMates, OneThatComesLaterHasASlotOfItsOwn)
{
  Outcome first, second;

  attach_card ({ 0, 2 }, &first);
  qemu_.reply (hear_add (2, 2));
  qemu_.reply (hear_add (0, 0));
  show_all (first.done);
  attach_card ({ 1 }, &second);
  Heard add = hear_add (1, 0);
  EXPECT_EQ (add.argument ("bus"), "port2");
  EXPECT_FALSE (add.has ("multifunction"));
}

TEST_F (SlotMates, TimeIsUpWhileTheGuestSeesNoneOfThem)
{
  Outcome outcome;

  attach_card ({ 0, 1 }, &outcome, 50);
  hear_add (1, 1);
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_PENDING));
  EXPECT_NE (strstr (outcome.error->message, "another function of its slot is not ready"), nullptr)
      << outcome.error->message;
}

struct FailureRow
{
  const char *name;
  int failing;   /* QEMU refuses this one, */
  Numbers added; /* after these */
  bool event_first;
};

class SlotMatesFailure : public SlotMates, public testing::WithParamInterface<FailureRow>
{
};

TEST_P (SlotMatesFailure, OfOneIsTheFailureOfAll)
{
  Outcome outcome;

  attach_card ({ 0, 1, 2 }, &outcome);
  for (int number : GetParam ().added)
    qemu_.reply (hear_add (number, number));
  qemu_.fail (hear_add (GetParam ().failing, GetParam ().failing), "GenericError", "no luck");

  std::vector<Heard> removals;
  for (int number : GetParam ().added)
    removals.push_back (hear_del (number));
  expect_silence ("nothing else is added or removed");
  EXPECT_EQ (outcome.done, removals.empty ()) << "what QEMU has is not over";
  EXPECT_EQ (spare (), removals.empty () ? 2u : 1u);

  for (size_t i = 0; i < removals.size (); i++)
    {
      if (!GetParam ().event_first)
        qemu_.reply (removals[i]);
      qemu_.event ("DEVICE_DELETED", deleted (GetParam ().added[i]));
      if (GetParam ().event_first)
        qemu_.reply (removals[i]);
    }
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_EQ (std::string (outcome.error->message),
             id_of (GetParam ().failing) + ": QEMU refused it: no luck");
  EXPECT_EQ (states (), "");
  EXPECT_EQ (spare (), 2u);
  EXPECT_EQ (qemu_.unheard (), "");
}

INSTANTIATE_TEST_SUITE_P (Table,
                          SlotMatesFailure,
                          testing::Values (FailureRow{ "first", 1, {}, false },
                                           FailureRow{ "second", 2, { 1 }, false },
                                           FailureRow{ "last", 0, { 1, 2 }, false },
                                           FailureRow{ "second_event_first", 2, { 1 }, true },
                                           FailureRow{ "last_event_first", 0, { 1, 2 }, true }),
                          name_of_row<FailureRow>);

/* With ACPI and SHPC the first request takes all of them, also of those the guest has not seen. */
TEST_F (SlotMates, WhatIsGoneWithAnotherIsGone)
{
  Outcome outcome;

  attach_card ({ 0, 1, 2 }, &outcome);
  for (int number : { 1, 2 })
    qemu_.reply (hear_add (number, number));
  qemu_.fail (hear_add (0, 0), "GenericError", "no luck");
  Heard one = hear_del (1);
  Heard two = hear_del (2);
  qemu_.reply (one);
  qemu_.fail (two, "DeviceNotFound", "Device not found");
  qemu_.event ("DEVICE_DELETED", deleted (1));
  qemu_.event ("DEVICE_DELETED", deleted (2));
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_EQ (spare (), 2u);
}

/* With ACPI the guest has to let go, even of what it has never seen. */
TEST_F (SlotMates, WhatAGuestDoesNotLetGoOfStays)
{
  Outcome outcome, again;

  attach_card ({ 0, 1 }, &outcome, 300);
  qemu_.reply (hear_add (1, 1));
  qemu_.fail (hear_add (0, 0), "GenericError", "no luck");
  qemu_.reply (hear_del (1));
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_EQ (states (), "pending-removal");
  EXPECT_EQ (spare (), 1u);

  qemu_.event ("RESET", R"({"guest":false})");
  hear_del (1);
  qemu_.event ("DEVICE_DELETED", deleted (1));
  EXPECT_TRUE (run_until ([&] { return spare () == 2; }));
}

TEST_F (SlotMates, ARefusedWayOutIsNotTriedForEver)
{
  Outcome outcome, removed;

  attach_card ({ 0, 1 }, &outcome, 300);
  qemu_.reply (hear_add (1, 1));
  qemu_.fail (hear_add (0, 0), "GenericError", "no luck");
  qemu_.fail (hear_del (1), "GenericError", "guest is busy");
  expect_silence ("it was refused");
  EXPECT_EQ (states (), "accepted");
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));

  detach_function (1, &removed);
  hear_del (1);
  qemu_.event ("DEVICE_DELETED", deleted (1));
  ASSERT_TRUE (run_until ([&] { return removed.done; }));
  EXPECT_EQ (removed.text ("state"), "removed");
}

TEST_F (SlotMates, OneThatIsThrownOutTooSoonTakesTheOthersWithIt)
{
  Outcome outcome;

  attach_card ({ 0, 1, 2 }, &outcome);
  qemu_.reply (hear_add (1, 1));
  Heard two = hear_add (2, 2);
  qemu_.event ("DEVICE_DELETED", deleted (1));
  run_pending ();
  qemu_.reply (two);
  hear_del (2);
  qemu_.event ("DEVICE_DELETED", deleted (2));
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_EQ (spare (), 2u);
  EXPECT_EQ (qemu_.unheard (), "");
}

TEST_F (SlotMates, TheGuestIsAskedForOneAndLetsGoOfAll)
{
  Outcome outcome;

  attach_card_for_good ();
  detach_function (1, &outcome);
  Heard del = hear_del (1);
  expect_silence ("a second request takes the first one back");
  EXPECT_EQ (states (), "pending-removal pending-removal pending-removal");

  qemu_.event ("DEVICE_DELETED", deleted (0));
  qemu_.event ("DEVICE_DELETED", deleted (1));
  qemu_.reply (del);
  run_pending ();
  EXPECT_FALSE (outcome.done) << "one of them is still there";
  EXPECT_EQ (spare (), 1u);
  qemu_.event ("DEVICE_DELETED", deleted (2));
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_EQ (ids_in (outcome), (std::vector{ id_of (1), id_of (2), id_of (0) }));
  EXPECT_EQ (outcome.text ("state"), "removed");
  EXPECT_EQ (states (), "");
  EXPECT_EQ (spare (), 2u);
}

TEST_F (SlotMates, TheGuestMayRemoveThemUnasked)
{
  attach_card_for_good ();
  for (int number : { 2, 0, 1 })
    qemu_.event ("DEVICE_DELETED", deleted (number));
  EXPECT_TRUE (run_until ([&] { return spare () == 2; }));
  EXPECT_EQ (states (), "");
  EXPECT_EQ (qemu_.unheard (), "");
}

TEST_F (SlotMates, WhoeverAsksForAnotherOneAsksForTheSame)
{
  Outcome first, second;

  attach_card_for_good ();
  detach_function (1, &first, 50);
  qemu_.reply (hear_del (1));
  ASSERT_TRUE (run_until ([&] { return first.done; }));
  EXPECT_TRUE (g_error_matches (first.error, VP_ERROR, VP_ERROR_PENDING));

  detach_function (0, &second);
  hear_del (1);
  for (int number : { 0, 2, 1 })
    qemu_.event ("DEVICE_DELETED", deleted (number));
  ASSERT_TRUE (run_until ([&] { return second.done; }));
  EXPECT_EQ (ids_in (second), (std::vector{ id_of (0), id_of (1), id_of (2) }));
}

TEST_F (SlotMates, ARefusedRemovalLeavesThemAll)
{
  Outcome outcome;
  bool never = false;

  attach_card_for_good ();
  detach_function (1, &outcome);
  qemu_.fail (hear_del (1), "GenericError", "guest is busy");
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_EQ (states (), "accepted accepted accepted");

  Outcome again;
  detach_function (2, &again);
  show_all (never);
  ASSERT_EQ (other_.size (), 1u);
  EXPECT_EQ (other_[0].argument ("id"), id_of (2));
}

TEST_F (SlotMates, AfterAResetTheGuestIsAskedForOneAgain)
{
  Outcome outcome;

  attach_card_for_good ();
  detach_function (1, &outcome);
  qemu_.reply (hear_del (1));
  qemu_.event ("RESET", R"({"guest":true})");
  hear_del (1);
  expect_silence ("for one");
}

TEST_F (SlotMates, OneWithoutAWindowTakesTheOthersWithIt)
{
  Outcome outcome;

  attach_card ({ 0, 1, 2 }, &outcome);
  for (int number : { 1, 2, 0 })
    qemu_.reply (hear_add (number, number));
  show_all (outcome.done, 2);
  ASSERT_EQ (other_.size (), 1u);
  EXPECT_EQ (other_[0].command (), "device_del");
  EXPECT_EQ (other_[0].argument ("id"), id_of (2));
  expect_silence ("for one");
  EXPECT_EQ (states (), "pending-removal pending-removal pending-removal");
  for (int number : { 0, 1, 2 })
    qemu_.event ("DEVICE_DELETED", deleted (number));
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_ERROR, VP_ERROR_NO_WINDOW));
  EXPECT_EQ (spare (), 2u);
}

TEST_F (SlotMates, NoneCanBeRemovedWhileOneIsBeingAdded)
{
  Outcome adding, removing;

  attach_card ({ 0, 1 }, &adding);
  qemu_.reply (hear_add (1, 1));
  hear_add (0, 0);
  detach_function (1, &removing);
  ASSERT_TRUE (run_until ([&] { return removing.done; }));
  EXPECT_TRUE (g_error_matches (removing.error, VP_ERROR, VP_ERROR_STATE));
  EXPECT_EQ (std::string (removing.error->message),
             id_of (0) + " cannot be removed now: it is adding");
}

TEST_F (SlotMates, QemusEndEndsThemAll)
{
  Outcome adding;

  attach_card ({ 0, 1, 2 }, &adding);
  qemu_.reply (hear_add (1, 1));
  hear_add (2, 2);
  qemu_.drop ();
  run_pending ();
  vp_hotplug_set_gone (hotplug_);
  ASSERT_TRUE (run_until ([&] { return adding.done; }));
  EXPECT_TRUE (g_error_matches (adding.error, VP_ERROR, VP_ERROR_NO_VM)) << adding.error->message;
  EXPECT_EQ (states (), "");
}

TEST_F (SlotMates, TheirDriverGetsThemBackOnceAllAreGone)
{
  Outcome outcome;

  set_driver ("e1000e");
  attach_card_for_good ();
  for (int number : { 0, 1, 2 })
    EXPECT_EQ (driver (number), "vfio-pci");
  detach_function (0, &outcome);
  hear_del (0);
  qemu_.event ("DEVICE_DELETED", deleted (0));
  qemu_.event ("DEVICE_DELETED", deleted (2));
  run_until ([] { return false; }, 50);
  for (int number : { 0, 1, 2 })
    EXPECT_EQ (driver (number), "vfio-pci") << "QEMU still has the group";
  qemu_.event ("DEVICE_DELETED", deleted (1));
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  for (int number : { 0, 1, 2 })
    EXPECT_EQ (driver (number), "e1000e");
}

TEST_F (SlotMates, NoneIsAddedWhenOneCannotBeTaken)
{
  Outcome outcome;

  set_driver ("e1000e");
  kernel_.refuse (card (1) + "/driver_override", VP_DEVICE_ERROR_PERMISSION, "Permission denied");
  attach_card ({ 0, 1, 2 }, &outcome);
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_TRUE (g_error_matches (outcome.error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_PERMISSION))
      << outcome.error->message;
  EXPECT_EQ (qemu_.unheard (), "");
  EXPECT_TRUE (run_until ([&] { return vp_hotplug_is_idle (hotplug_); }));
  for (int number : { 0, 1, 2 })
    EXPECT_EQ (driver (number), "e1000e");
  EXPECT_EQ (spare (), 2u);
}

/* The same, planned. */
class PlannedSlotMates : public SlotMates
{
protected:
  void
  SetUp () override
  {
    Hotplug::SetUp ();
  }
  void
  TearDown () override
  {
    SlotMates::TearDown ();
    g_clear_pointer (&inventory_, vp_inventory_free);
  }
  /* In place of the VM without devices. */
  void
  plan (VpPlug plug)
  {
    const VpPlanPolicy policy = { .root = { .machine = VP_MACHINE_Q35 },
                                  .firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, nullptr),
                                  .large_bar = VP_PLAN_DEFAULT_LARGE_BAR,
                                  .n_spare = 2 };
    std::vector<VpPlanRequest> requests;

    inventory_ = vp_inventory_read (sysfs_, nullptr);
    g_clear_object (&hotplug_);
    g_ptr_array_set_free_func (blueprint_.specs,
                               reinterpret_cast<GDestroyNotify> (vp_device_spec_free));
    for (int number : { 0, 1, 2 })
      {
        VpPciAddress address;

        ASSERT_TRUE (vp_pci_address_parse (card (number).c_str (), &address, nullptr));
        requests.push_back (
            { "/dev/vfio/40", vp_inventory_find (inventory_, &address), nullptr, plug });
        g_ptr_array_add (blueprint_.specs, vp_device_spec_parse ("/dev/vfio/40,bind=on", nullptr));
      }
    vp_plan_free (blueprint_.plan);
    blueprint_.plan = vp_plan_build (&policy, requests.data (), 3, nullptr);
    hotplug_ = vp_hotplug_new (&blueprint_, bindings_);
    vp_hotplug_set_running (hotplug_, client_);
  }
  bool
  are (const std::string &wanted)
  {
    return run_until ([&] { return states () == wanted; });
  }

  VpInventory *inventory_ = nullptr;
};

TEST_F (PlannedSlotMates, HotOnesComeInTheirOrderGoAndComeBackToTheirSlot)
{
  Outcome removed, outcome;

  plan (VP_PLUG_HOT);
  expect_silence ("the guest is not ready");
  vp_hotplug_set_ready (hotplug_);
  for (int number : { 1, 2, 0 })
    qemu_.reply (hear_add (number, number));
  const bool never = false;
  ASSERT_TRUE (are ("accepted accepted accepted")) << states ();
  detach_function (2, &removed);
  show_all (never);
  ASSERT_EQ (other_.size (), 1u);
  EXPECT_EQ (other_[0].argument ("id"), id_of (2));
  for (int number : { 0, 1, 2 })
    qemu_.event ("DEVICE_DELETED", deleted (number));
  ASSERT_TRUE (run_until ([&] { return removed.done; }));

  attach_card ({ 0, 1, 2 }, &outcome);
  for (int number : { 1, 2, 0 })
    {
      Heard add = hear_add (number, number);
      EXPECT_EQ (add.argument ("bus"), "port1");
      qemu_.reply (add);
    }
}

TEST_F (PlannedSlotMates, AFailureIsSeenInTheStatus)
{
  plan (VP_PLUG_HOT);
  vp_hotplug_set_ready (hotplug_);
  qemu_.fail (hear_add (1, 1), "GenericError", "no luck");
  EXPECT_TRUE (are ("failed failed failed")) << states ();
  EXPECT_EQ (spare (), 3u);
}

TEST_F (PlannedSlotMates, OneThatIsTakenBackTakesTheOthersBack)
{
  Outcome outcome;

  plan (VP_PLUG_HOT);
  detach_function (0, &outcome);
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_EQ (ids_in (outcome), (std::vector{ id_of (0), id_of (1), id_of (2) }));
  EXPECT_EQ (states (), "");
  vp_hotplug_set_ready (hotplug_);
  EXPECT_EQ (qemu_.unheard (), "");
}

TEST_F (PlannedSlotMates, ColdOnesAreLookedAtFromTheStartAndLeaveTogether)
{
  Outcome outcome;
  bool never = false;

  plan (VP_PLUG_COLD);
  EXPECT_EQ (states (), "accepted accepted accepted");
  detach_function (1, &outcome);
  show_all (never);
  ASSERT_EQ (other_.size (), 1u);
  EXPECT_EQ (other_[0].argument ("id"), id_of (1));
  for (int number : { 0, 1, 2 })
    qemu_.event ("DEVICE_DELETED", deleted (number));
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_EQ (spare (), 3u);
}

} // namespace
