#include "devices/lifecycle.h"

#include <gtest/gtest.h>
#include <random>
#include <set>
#include <string>

namespace
{

struct Step
{
  VpDeviceState to;
  VpDeviceAction action;
};

constexpr auto QUEUED = VP_DEVICE_QUEUED;
constexpr auto ADDING = VP_DEVICE_ADDING;
constexpr auto ACCEPTED = VP_DEVICE_ACCEPTED;
constexpr auto USABLE = VP_DEVICE_USABLE;
constexpr auto PENDING = VP_DEVICE_PENDING_REMOVAL;
constexpr auto REMOVED = VP_DEVICE_REMOVED;
constexpr auto FAILED = VP_DEVICE_FAILED;

constexpr auto NONE = VP_DEVICE_ACTION_NONE;
constexpr auto ADD = VP_DEVICE_ACTION_ADD;
constexpr auto VERIFY = VP_DEVICE_ACTION_VERIFY;
constexpr auto REPORT = VP_DEVICE_ACTION_REPORT;
constexpr auto DELETE = VP_DEVICE_ACTION_DELETE;
constexpr auto RELEASE = VP_DEVICE_ACTION_RELEASE;
constexpr auto REJECT = VP_DEVICE_ACTION_REJECT;

/* The whole policy a second time: a change of one needs a change of the other. */
const Step expected[VP_DEVICE_N_STATES][VP_DEVICE_N_EVENTS] = {
  /* QUEUED */
  {
      { ADDING, ADD },      /* START */
      { QUEUED, REJECT },   /* ADD_OK */
      { QUEUED, REJECT },   /* ADD_FAILED */
      { QUEUED, REJECT },   /* MAPPED */
      { QUEUED, REJECT },   /* NO_WINDOW */
      { REMOVED, RELEASE }, /* DETACH */
      { QUEUED, REJECT },   /* DEL_REFUSED */
      { QUEUED, REJECT },   /* DELETED */
      { FAILED, RELEASE },  /* MATE_FAILED */
      { QUEUED, REJECT },   /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* ADDING */
  {
      { ADDING, REJECT },   /* START */
      { ACCEPTED, VERIFY }, /* ADD_OK */
      { FAILED, RELEASE },  /* ADD_FAILED */
      { ADDING, REJECT },   /* MAPPED */
      { ADDING, REJECT },   /* NO_WINDOW */
      { ADDING, REJECT },   /* DETACH */
      { ADDING, REJECT },   /* DEL_REFUSED */
      { FAILED, RELEASE },  /* DELETED */
      { ADDING, REJECT },   /* MATE_FAILED */
      { ADDING, REJECT },   /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* ACCEPTED */
  {
      { ACCEPTED, REJECT }, /* START */
      { ACCEPTED, REJECT }, /* ADD_OK */
      { ACCEPTED, REJECT }, /* ADD_FAILED */
      { USABLE, REPORT },   /* MAPPED */
      { PENDING, DELETE },  /* NO_WINDOW */
      { PENDING, DELETE },  /* DETACH */
      { ACCEPTED, NONE },   /* DEL_REFUSED */
      { FAILED, RELEASE },  /* DELETED */
      { PENDING, DELETE },  /* MATE_FAILED */
      { PENDING, NONE },    /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* USABLE */
  {
      { USABLE, REJECT },   /* START */
      { USABLE, REJECT },   /* ADD_OK */
      { USABLE, REJECT },   /* ADD_FAILED */
      { USABLE, NONE },     /* MAPPED */
      { USABLE, REJECT },   /* NO_WINDOW */
      { PENDING, DELETE },  /* DETACH */
      { USABLE, NONE },     /* DEL_REFUSED */
      { REMOVED, RELEASE }, /* DELETED */
      { USABLE, REJECT },   /* MATE_FAILED */
      { PENDING, NONE },    /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* PENDING_REMOVAL */
  {
      { PENDING, REJECT },  /* START */
      { PENDING, REJECT },  /* ADD_OK */
      { PENDING, REJECT },  /* ADD_FAILED */
      { PENDING, NONE },    /* MAPPED */
      { PENDING, NONE },    /* NO_WINDOW */
      { PENDING, DELETE },  /* DETACH */
      { ACCEPTED, VERIFY }, /* DEL_REFUSED */
      { REMOVED, RELEASE }, /* DELETED */
      { PENDING, NONE },    /* MATE_FAILED */
      { PENDING, NONE },    /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* REMOVED */
  {
      { REMOVED, REJECT }, /* START */
      { REMOVED, NONE },   /* ADD_OK */
      { REMOVED, NONE },   /* ADD_FAILED */
      { REMOVED, NONE },   /* MAPPED */
      { REMOVED, NONE },   /* NO_WINDOW */
      { REMOVED, REJECT }, /* DETACH */
      { REMOVED, NONE },   /* DEL_REFUSED */
      { REMOVED, NONE },   /* DELETED */
      { REMOVED, NONE },   /* MATE_FAILED */
      { REMOVED, NONE },   /* MATE_LEAVES */
      { REMOVED, NONE },   /* QEMU_GONE */
  },
  /* FAILED */
  {
      { FAILED, REJECT }, /* START */
      { FAILED, NONE },   /* ADD_OK */
      { FAILED, NONE },   /* ADD_FAILED */
      { FAILED, NONE },   /* MAPPED */
      { FAILED, NONE },   /* NO_WINDOW */
      { FAILED, REJECT }, /* DETACH */
      { FAILED, NONE },   /* DEL_REFUSED */
      { FAILED, NONE },   /* DELETED */
      { FAILED, NONE },   /* MATE_FAILED */
      { FAILED, NONE },   /* MATE_LEAVES */
      { FAILED, NONE },   /* QEMU_GONE */
  },
};

template <typename Visit>
void
for_each_pair (Visit visit)
{
  for (int s = 0; s < VP_DEVICE_N_STATES; s++)
    for (int e = 0; e < VP_DEVICE_N_EVENTS; e++)
      {
        const auto from = static_cast<VpDeviceState> (s);
        const auto event = static_cast<VpDeviceEvent> (e);
        VpDeviceState to = from;
        const VpDeviceAction action = vp_lifecycle_step (&to, event);

        SCOPED_TRACE (std::string (vp_device_state_to_string (from)) + " + event " +
                      std::to_string (e));
        visit (from, event, to, action);
      }
}

bool
is_end (VpDeviceState state)
{
  return state == REMOVED || state == FAILED;
}

TEST (Lifecycle, EveryPairDoesWhatTheTableSays)
{
  for_each_pair ([] (auto from, auto event, auto to, auto action) {
    EXPECT_EQ (to, expected[from][event].to);
    EXPECT_EQ (action, expected[from][event].action);
  });
}

TEST (Lifecycle, RejectedEventsLeaveTheStateAlone)
{
  for_each_pair ([] (auto from, auto, auto to, auto action) {
    if (action == REJECT)
      {
        EXPECT_EQ (from, to);
      }
  });
}

TEST (Lifecycle, OnlyAQueuedDeviceThatStartsIsAdded)
{
  for_each_pair ([] (auto from, auto event, auto, auto action) {
    EXPECT_EQ (action == ADD, from == QUEUED && event == VP_DEVICE_EVENT_START);
  });
}

TEST (Lifecycle, OnlyWhatQemuHasIsDeleted)
{
  for_each_pair ([] (auto from, auto, auto, auto action) {
    if (action == DELETE)
      {
        EXPECT_TRUE (from == ACCEPTED || from == USABLE || from == PENDING);
      }
  });
}

/* Giving a host device back while QEMU has it corrupts the guest; twice, the next VM. */
TEST (Lifecycle, TheEndIsReachedByOneReleaseAndNeverLeft)
{
  for_each_pair ([] (auto from, auto, auto to, auto action) {
    EXPECT_EQ (action == RELEASE, !is_end (from) && is_end (to));
    if (is_end (from))
      {
        EXPECT_EQ (from, to);
      }
  });
}

TEST (Lifecycle, QemusEndEndsEveryDevice)
{
  for_each_pair ([] (auto, auto event, auto to, auto) {
    if (event == VP_DEVICE_EVENT_QEMU_GONE)
      {
        EXPECT_TRUE (is_end (to));
      }
  });
}

TEST (Lifecycle, ARandomWalkReleasesOnceAndOnlyAtTheEnd)
{
  constexpr int N_EVENTS = 10000;
  int n_ended = 0;

  for (unsigned seed = 1; seed <= 100; seed++)
    {
      SCOPED_TRACE ("seed " + std::to_string (seed));
      std::mt19937 random (seed);
      VpDeviceState state = QUEUED;
      int n_released = 0;

      for (int i = 0; i < N_EVENTS; i++)
        {
          /* The end of QEMU is kept rare, or no walk would see anything else. */
          const bool is_last = i == N_EVENTS - 1 && seed % 2 == 0;
          const auto event =
              is_last ? VP_DEVICE_EVENT_QEMU_GONE
                      : static_cast<VpDeviceEvent> (random () % VP_DEVICE_EVENT_QEMU_GONE);
          n_released += vp_lifecycle_step (&state, event) == RELEASE;
          ASSERT_EQ (n_released, is_end (state) ? 1 : 0) << "event " << i;
        }
      n_ended += is_end (state);
    }
  EXPECT_GT (n_ended, 50);
}

TEST (Lifecycle, EveryStateCanBeReached)
{
  std::set<VpDeviceState> reached = { QUEUED };

  for (size_t before = 0; before != reached.size ();)
    {
      before = reached.size ();
      for_each_pair ([&] (auto from, auto, auto to, auto) {
        if (reached.count (from) > 0)
          {
            reached.insert (to);
          }
      });
    }
  EXPECT_EQ (reached.size (), static_cast<size_t> (VP_DEVICE_N_STATES));
}

TEST (Lifecycle, ADeviceThatTheGuestCannotPlaceIsRolledBack)
{
  VpDeviceState state = ACCEPTED;

  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_NO_WINDOW), DELETE);
  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_MAPPED), NONE) << "too late";
  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_DELETED), RELEASE);
  EXPECT_EQ (state, REMOVED);
}

TEST (Lifecycle, AskingAgainIsAllowedAndDeletedMayComeFirst)
{
  VpDeviceState state = USABLE;

  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_DETACH), DELETE);
  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_DETACH), DELETE);
  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_DELETED), RELEASE);
  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_DEL_REFUSED), NONE) << "the late reply";
  EXPECT_EQ (state, REMOVED);
}

TEST (Lifecycle, ARefusedRemovalIsLookedAtAgain)
{
  VpDeviceState state = PENDING;

  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_DEL_REFUSED), VERIFY);
  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_MAPPED), REPORT);
  EXPECT_EQ (state, USABLE);
}

/* The guest lets go of whole slots: one device_del is enough for all functions of one, and a second
 * one can take the first back. */
TEST (Lifecycle, WhatLeavesWithAnotherIsNotAskedFor)
{
  for_each_pair ([] (auto, auto event, auto, auto action) {
    if (event == VP_DEVICE_EVENT_MATE_LEAVES)
      {
        EXPECT_TRUE (action == NONE || action == REJECT);
      }
  });
}

TEST (Lifecycle, StatesHaveTheNamesOfTheContract)
{
  const char *const names[] = { "queued",          "adding",  "accepted", "usable",
                                "pending-removal", "removed", "failed" };

  static_assert (G_N_ELEMENTS (names) == VP_DEVICE_N_STATES, "one name for each state");
  for (int s = 0; s < VP_DEVICE_N_STATES; s++)
    EXPECT_STREQ (vp_device_state_to_string (static_cast<VpDeviceState> (s)), names[s]);
}

} // namespace
