#include "devices/error.h"
#include "launcher/error.h"

#include "tests/support/hotplug-group.h"
#include "tests/support/row-name.h"

namespace
{

/* The devices of an IOMMU group, which come as a whole or not at all. */

TEST_F (HotplugGroup, AllAreSentBeforeTheFirstAnswer)
{
  Outcome outcome;
  std::vector<Heard> adds;

  attach_cards ({ 0, 1, 2 }, &outcome);
  for (int i = 0; i < N; i++)
    adds.push_back (qemu_.hear ("device_add"));
  EXPECT_TRUE (all_driven_by ("vfio-pci"));
  for (int i = 0; i < N; i++)
    {
      EXPECT_EQ (adds[i].argument ("id"), id_of (i)) << "in the order of their addresses";
      qemu_.reply (adds[i]);
    }
  show_all (outcome.done);
  EXPECT_EQ (all_states (),
             id_of (0) + " usable, " + id_of (1) + " usable, " + id_of (2) + " usable");
}

struct FailureRow
{
  const char *name;
  enum
  {
    TAKE,
    BIND,
    ADD,
    WINDOW
  } step;
  int card;
};

class GroupFailure : public HotplugGroup, public testing::WithParamInterface<FailureRow>
{
protected:
  const FailureRow &row_ = GetParam ();

  /* Lets the guest let go of what it is asked for, in the order asked. */
  void
  let_go (const bool &done)
  {
    const auto has_news = [&] { return done || !other_.empty () || !qemu_.unheard ().empty (); };

    while (run_until (has_news, 5000) && !done)
      {
        if (other_.empty ())
          show_all (done, row_.step == FailureRow::WINDOW ? row_.card : -1);
        if (other_.empty ())
          continue;
        ASSERT_EQ (other_[0].command (), "device_del");
        qemu_.reply (other_[0]);
        qemu_.event ("DEVICE_DELETED", R"({"device":")" + other_[0].argument ("id") + R"("})");
        other_.erase (other_.begin ());
      }
  }
};

TEST_P (GroupFailure, LeavesEverythingAsItWas)
{
  Outcome outcome;

  if (row_.step == FailureRow::TAKE)
    kernel_.refuse (card (row_.card) + "/driver_override", VP_DEVICE_ERROR_PERMISSION,
                    "Permission denied");
  else if (row_.step == FailureRow::BIND)
    kernel_.refuse ("drivers_probe", VP_DEVICE_ERROR_IO, "Input/output error",
                    static_cast<unsigned> (row_.card));
  attach_cards ({ 0, 1, 2 }, &outcome);
  for (int i = 0; i < N && row_.step >= FailureRow::ADD; i++)
    {
      Heard add = qemu_.hear ("device_add");

      if (row_.step == FailureRow::ADD && i == row_.card)
        qemu_.fail (add, "GenericError", "not viable");
      else
        qemu_.reply (add);
    }
  let_go (outcome.done);

  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  ASSERT_NE (outcome.error, nullptr);
  EXPECT_EQ (all_states (), "") << outcome.error->message;
  EXPECT_EQ (spare (), 4u);
  EXPECT_TRUE (run_until ([&] { return all_driven_by ("e1000e"); }));
  EXPECT_EQ (qemu_.unheard (), "");
}

INSTANTIATE_TEST_SUITE_P (Table,
                          GroupFailure,
                          testing::Values (FailureRow{ "take_0", FailureRow::TAKE, 0 },
                                           FailureRow{ "take_1", FailureRow::TAKE, 1 },
                                           FailureRow{ "take_2", FailureRow::TAKE, 2 },
                                           FailureRow{ "bind_0", FailureRow::BIND, 0 },
                                           FailureRow{ "bind_1", FailureRow::BIND, 1 },
                                           FailureRow{ "bind_2", FailureRow::BIND, 2 },
                                           FailureRow{ "add_0", FailureRow::ADD, 0 },
                                           FailureRow{ "add_1", FailureRow::ADD, 1 },
                                           FailureRow{ "add_2", FailureRow::ADD, 2 },
                                           FailureRow{ "window_0", FailureRow::WINDOW, 0 },
                                           FailureRow{ "window_1", FailureRow::WINDOW, 1 },
                                           FailureRow{ "window_2", FailureRow::WINDOW, 2 }),
                          name_of_row<FailureRow>);

TEST_F (HotplugGroup, AnErrorIsToldOnlyOnceTheOthersAreGone)
{
  Outcome outcome;

  attach_cards ({ 0, 1, 2 }, &outcome);
  qemu_.reply (qemu_.hear ("device_add"));
  qemu_.reply (qemu_.hear ("device_add"));
  qemu_.fail (qemu_.hear ("device_add"), "GenericError", "not viable");
  for (int i : { 1, 0 })
    {
      Heard del = qemu_.hear ("device_del");

      EXPECT_EQ (del.argument ("id"), id_of (i)) << "in reverse";
      qemu_.reply (del);
    }
  run_until ([] { return false; }, 50);
  EXPECT_FALSE (outcome.done) << "the guest still has two of them";
  EXPECT_TRUE (all_driven_by ("vfio-pci")) << "so QEMU has the group open";

  qemu_.event ("DEVICE_DELETED", deleted (0));
  qemu_.event ("DEVICE_DELETED", deleted (1));
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_NE (strstr (outcome.error->message, "not viable"), nullptr) << outcome.error->message;
  EXPECT_TRUE (run_until ([&] { return all_driven_by ("e1000e"); }));
}

TEST_F (HotplugGroup, AGuestThatKeepsTheOthersDoesNotKeepTheError)
{
  Outcome outcome;

  attach_cards ({ 0, 1 }, &outcome, 100);
  qemu_.reply (qemu_.hear ("device_add"));
  qemu_.fail (qemu_.hear ("device_add"), "GenericError", "not viable");
  qemu_.reply (qemu_.hear ("device_del"));
  ASSERT_TRUE (run_until ([&] { return outcome.done; }));
  EXPECT_NE (strstr (outcome.error->message, "not viable"), nullptr) << outcome.error->message;
  EXPECT_EQ (all_states (), id_of (0) + " pending-removal");
  qemu_.event ("DEVICE_DELETED", deleted (0));
  EXPECT_TRUE (run_until ([&] { return all_states () == ""; })) << "hours later, if need be";
}

TEST_F (HotplugGroup, OnceAllAreUsableEachLivesItsOwnLife)
{
  attach_group_for_good ();
  qemu_.event ("DEVICE_DELETED", deleted (1));
  ASSERT_TRUE (run_until ([&] { return spare () == 2; }));
  EXPECT_EQ (all_states (), id_of (0) + " usable, " + id_of (2) + " usable");
  EXPECT_EQ (qemu_.unheard (), "");
}

TEST_F (HotplugGroup, NoPlaceForOneIsNoPlaceForAny)
{
  Outcome one, two, three;

  attach_for_good ("qemu,driver=nvme,id=a", "a");
  attach_for_good ("qemu,driver=nvme,id=b", "b");
  attach_cards ({ 0, 1, 2 }, &three);
  ASSERT_TRUE (run_until ([&] { return three.done; }));
  EXPECT_TRUE (g_error_matches (three.error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT));
  EXPECT_EQ (spare (), 2u);
  EXPECT_TRUE (all_driven_by ("e1000e"));
  EXPECT_TRUE (kernel_.writes.empty ());
}

TEST_F (HotplugGroup, AttachedTwiceItStaysUntilItIsDetachedTwice)
{
  Outcome again, first, second;

  attach_group_for_good ();
  attach_cards ({ 0, 1, 2 }, &again);
  ASSERT_TRUE (run_until ([&] { return again.done; }));
  ASSERT_NE (again.document, nullptr) << again.error->message;
  EXPECT_EQ (json_object_get_int_member (again.document, "attach_count"), 2);
  EXPECT_EQ (qemu_.unheard (), "") << "the first attach did the work";

  detach (id_of (1).c_str (), &first);
  ASSERT_TRUE (run_until ([&] { return first.done; }));
  EXPECT_EQ (first.text ("state"), "usable");
  EXPECT_EQ (json_object_get_int_member (first.document, "attach_count"), 1);
  EXPECT_EQ (qemu_.unheard (), "");

  detach (id_of (1).c_str (), &second);
  qemu_.reply (qemu_.hear ("device_del"));
  qemu_.event ("DEVICE_DELETED", deleted (1));
  ASSERT_TRUE (run_until ([&] { return second.done; }));
  EXPECT_EQ (second.text ("state"), "removed");
  EXPECT_EQ (json_object_get_int_member (second.document, "attach_count"), 0);
}

TEST_F (HotplugGroup, ForceTakesItOutHoweverOftenItIsAttached)
{
  const std::string id = id_of (2);
  const char *const ids[] = { id.c_str (), nullptr };
  Outcome again, out;

  attach_group_for_good ();
  attach_cards ({ 2 }, &again);
  ASSERT_TRUE (run_until ([&] { return again.done; }));
  vp_hotplug_detach_async (hotplug_, ids, TRUE, 60000, Outcome::on_detached, &out);
  qemu_.reply (qemu_.hear ("device_del"));
  qemu_.event ("DEVICE_DELETED", deleted (2));
  ASSERT_TRUE (run_until ([&] { return out.done; }));
  EXPECT_EQ (out.text ("state"), "removed");
}

/* Who comes while the first is on its way waits for the same, and counts. */
TEST_F (HotplugGroup, TwoMayWaitForOneAttach)
{
  Outcome first, second;

  attach_cards ({ 0 }, &first);
  Heard add = qemu_.hear ("device_add");
  attach_cards ({ 0 }, &second);
  run_pending ();
  EXPECT_FALSE (second.done);
  qemu_.reply (add);
  show_all (second.done);
  ASSERT_TRUE (run_until ([&] { return first.done && second.done; }));
  EXPECT_EQ (json_object_get_int_member (second.document, "attach_count"), 2);
}

TEST_F (HotplugGroup, AFailedAttachDoesNotCountWhatWasThere)
{
  Outcome first, all, out;

  attach_cards ({ 0 }, &first);
  qemu_.reply (qemu_.hear ("device_add"));
  show_all (first.done);
  attach_cards ({ 0, 1, 2 }, &all);
  qemu_.fail (qemu_.hear ("device_add"), "GenericError", "no");
  qemu_.fail (qemu_.hear ("device_add"), "GenericError", "no");
  ASSERT_TRUE (run_until ([&] { return all.done; }));
  ASSERT_NE (all.error, nullptr);
  EXPECT_EQ (all_states (), id_of (0) + " usable");

  detach (id_of (0).c_str (), &out);
  qemu_.reply (qemu_.hear ("device_del")); /* so it was attached once */
  qemu_.event ("DEVICE_DELETED", deleted (0));
  ASSERT_TRUE (run_until ([&] { return out.done; }));
}

TEST_F (HotplugGroup, WhatIsLeavingCannotBeAttachedOnceMore)
{
  Outcome out, in;

  attach_group_for_good ();
  detach (id_of (0).c_str (), &out);
  qemu_.reply (qemu_.hear ("device_del"));
  attach_cards ({ 0 }, &in);
  ASSERT_TRUE (run_until ([&] { return in.done; }));
  EXPECT_TRUE (g_error_matches (in.error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE));
  EXPECT_NE (strstr (in.error->message, "pending-removal"), nullptr) << in.error->message;
}

TEST_F (HotplugGroup, AllAreAskedForBeforeTheFirstHasLetGo)
{
  const std::string names[] = { id_of (0), id_of (1), id_of (2) };
  const char *const ids[] = { names[0].c_str (), names[1].c_str (), names[2].c_str (), nullptr };
  Outcome out;

  attach_group_for_good ();
  vp_hotplug_detach_async (hotplug_, ids, FALSE, 60000, Outcome::on_detached, &out);
  for (int i = 0; i < N; i++)
    EXPECT_EQ (qemu_.hear ("device_del").argument ("id"), id_of (i));
  for (int i : { 2, 0, 1 })
    {
      EXPECT_FALSE (out.done);
      qemu_.event ("DEVICE_DELETED", deleted (i));
      run_pending ();
    }
  ASSERT_TRUE (run_until ([&] { return out.done; }));
  EXPECT_EQ (out.text ("id"), id_of (0));
  EXPECT_EQ (json_array_get_length (json_object_get_array_member (out.document, "others")), 2u);
  EXPECT_TRUE (run_until ([&] { return all_driven_by ("e1000e"); }));
  EXPECT_EQ (spare (), 4u);
}

/* The kernel takes the link to the driver away before the driver lets go: the host wants it. */
TEST_F (HotplugGroup, WhatTheHostTakesBackHasNotBounced)
{
  Outcome in;

  vp_hotplug_set_bounce_ms (hotplug_, 300);
  attach_cards ({ 0 }, &in);
  qemu_.reply (qemu_.hear ("device_add"));
  show_all (in.done);
  host_.pci (card (0)).driver ("");
  qemu_.event ("DEVICE_DELETED", deleted (0));
  EXPECT_TRUE (run_until ([&] { return all_states () == ""; }));
  run_until ([] { return false; }, 100);
  EXPECT_EQ (qemu_.unheard (), "");
  EXPECT_EQ (spare (), 4u);
}

} // namespace
