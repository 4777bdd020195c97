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
constexpr auto RESERVED = VP_DEVICE_RESERVED;
constexpr auto BOUND = VP_DEVICE_BOUND;
constexpr auto ADDING = VP_DEVICE_ADDING;
constexpr auto ACCEPTED = VP_DEVICE_ACCEPTED;
constexpr auto USABLE = VP_DEVICE_USABLE;
constexpr auto BOUNCED = VP_DEVICE_BOUNCED;
constexpr auto PENDING = VP_DEVICE_PENDING_REMOVAL;
constexpr auto REMOVED = VP_DEVICE_REMOVED;
constexpr auto FAILED = VP_DEVICE_FAILED;

constexpr auto NONE = VP_DEVICE_ACTION_NONE;
constexpr auto TAKE = VP_DEVICE_ACTION_TAKE;
constexpr auto ADD = VP_DEVICE_ACTION_ADD;
constexpr auto VERIFY = VP_DEVICE_ACTION_VERIFY;
constexpr auto REPORT = VP_DEVICE_ACTION_REPORT;
constexpr auto RETRY = VP_DEVICE_ACTION_RETRY;
constexpr auto DELETE = VP_DEVICE_ACTION_DELETE;
constexpr auto RELEASE = VP_DEVICE_ACTION_RELEASE;
constexpr auto REJECT = VP_DEVICE_ACTION_REJECT;

/* The whole policy a second time: a change of one needs a change of the other. */
const Step expected[VP_DEVICE_N_STATES][VP_DEVICE_N_EVENTS] = {
  /* QUEUED */
  {
      { RESERVED, TAKE },   /* START */
      { QUEUED, REJECT },   /* TAKEN */
      { QUEUED, REJECT },   /* TAKE_FAILED */
      { QUEUED, REJECT },   /* TURN */
      { QUEUED, REJECT },   /* ADD_OK */
      { QUEUED, REJECT },   /* ADD_FAILED */
      { QUEUED, REJECT },   /* MAPPED */
      { QUEUED, REJECT },   /* UNUSABLE */
      { REMOVED, RELEASE }, /* DETACH */
      { QUEUED, REJECT },   /* DEL_REFUSED */
      { QUEUED, REJECT },   /* DELETED */
      { QUEUED, REJECT },   /* BOUNCE */
      { QUEUED, REJECT },   /* RETRY */
      { QUEUED, REJECT },   /* GIVE_UP */
      { FAILED, RELEASE },  /* MATE_FAILED */
      { QUEUED, REJECT },   /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* RESERVED */
  {
      { RESERVED, REJECT }, /* START */
      { BOUND, NONE },      /* TAKEN */
      { FAILED, RELEASE },  /* TAKE_FAILED */
      { RESERVED, REJECT }, /* TURN */
      { RESERVED, REJECT }, /* ADD_OK */
      { RESERVED, REJECT }, /* ADD_FAILED */
      { RESERVED, REJECT }, /* MAPPED */
      { RESERVED, REJECT }, /* UNUSABLE */
      { RESERVED, REJECT }, /* DETACH */
      { RESERVED, REJECT }, /* DEL_REFUSED */
      { RESERVED, REJECT }, /* DELETED */
      { RESERVED, REJECT }, /* BOUNCE */
      { RESERVED, REJECT }, /* RETRY */
      { RESERVED, REJECT }, /* GIVE_UP */
      { RESERVED, NONE },   /* MATE_FAILED */
      { RESERVED, REJECT }, /* MATE_LEAVES */
      { RESERVED, NONE },   /* QEMU_GONE */
  },
  /* BOUND */
  {
      { BOUND, REJECT },    /* START */
      { BOUND, REJECT },    /* TAKEN */
      { BOUND, REJECT },    /* TAKE_FAILED */
      { ADDING, ADD },      /* TURN */
      { BOUND, REJECT },    /* ADD_OK */
      { BOUND, REJECT },    /* ADD_FAILED */
      { BOUND, REJECT },    /* MAPPED */
      { BOUND, REJECT },    /* UNUSABLE */
      { REMOVED, RELEASE }, /* DETACH */
      { BOUND, REJECT },    /* DEL_REFUSED */
      { BOUND, REJECT },    /* DELETED */
      { BOUND, REJECT },    /* BOUNCE */
      { BOUND, REJECT },    /* RETRY */
      { BOUND, REJECT },    /* GIVE_UP */
      { FAILED, RELEASE },  /* MATE_FAILED */
      { BOUND, REJECT },    /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* ADDING */
  {
      { ADDING, REJECT },   /* START */
      { ADDING, REJECT },   /* TAKEN */
      { ADDING, REJECT },   /* TAKE_FAILED */
      { ADDING, REJECT },   /* TURN */
      { ACCEPTED, VERIFY }, /* ADD_OK */
      { FAILED, RELEASE },  /* ADD_FAILED */
      { ADDING, REJECT },   /* MAPPED */
      { ADDING, REJECT },   /* UNUSABLE */
      { ADDING, REJECT },   /* DETACH */
      { ADDING, REJECT },   /* DEL_REFUSED */
      { FAILED, RELEASE },  /* DELETED */
      { ADDING, REJECT },   /* BOUNCE */
      { ADDING, REJECT },   /* RETRY */
      { ADDING, REJECT },   /* GIVE_UP */
      { ADDING, NONE },     /* MATE_FAILED */
      { ADDING, REJECT },   /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* ACCEPTED */
  {
      { ACCEPTED, REJECT }, /* START */
      { ACCEPTED, REJECT }, /* TAKEN */
      { ACCEPTED, REJECT }, /* TAKE_FAILED */
      { ACCEPTED, REJECT }, /* TURN */
      { ACCEPTED, REJECT }, /* ADD_OK */
      { ACCEPTED, REJECT }, /* ADD_FAILED */
      { USABLE, REPORT },   /* MAPPED */
      { PENDING, DELETE },  /* UNUSABLE */
      { PENDING, DELETE },  /* DETACH */
      { ACCEPTED, NONE },   /* DEL_REFUSED */
      { FAILED, RELEASE },  /* DELETED */
      { BOUNCED, RETRY },   /* BOUNCE */
      { ACCEPTED, REJECT }, /* RETRY */
      { ACCEPTED, REJECT }, /* GIVE_UP */
      { PENDING, DELETE },  /* MATE_FAILED */
      { PENDING, NONE },    /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* USABLE */
  {
      { USABLE, REJECT },   /* START */
      { USABLE, REJECT },   /* TAKEN */
      { USABLE, REJECT },   /* TAKE_FAILED */
      { USABLE, REJECT },   /* TURN */
      { USABLE, REJECT },   /* ADD_OK */
      { USABLE, REJECT },   /* ADD_FAILED */
      { USABLE, NONE },     /* MAPPED */
      { USABLE, REJECT },   /* UNUSABLE */
      { PENDING, DELETE },  /* DETACH */
      { USABLE, NONE },     /* DEL_REFUSED */
      { REMOVED, RELEASE }, /* DELETED */
      { BOUNCED, RETRY },   /* BOUNCE */
      { USABLE, REJECT },   /* RETRY */
      { USABLE, REJECT },   /* GIVE_UP */
      { PENDING, DELETE },  /* MATE_FAILED */
      { PENDING, NONE },    /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* BOUNCED */
  {
      { BOUNCED, REJECT },  /* START */
      { BOUNCED, REJECT },  /* TAKEN */
      { BOUNCED, REJECT },  /* TAKE_FAILED */
      { BOUNCED, REJECT },  /* TURN */
      { BOUNCED, REJECT },  /* ADD_OK */
      { BOUNCED, REJECT },  /* ADD_FAILED */
      { BOUNCED, NONE },    /* MAPPED */
      { BOUNCED, NONE },    /* UNUSABLE */
      { REMOVED, RELEASE }, /* DETACH */
      { BOUNCED, REJECT },  /* DEL_REFUSED */
      { BOUNCED, NONE },    /* DELETED */
      { BOUNCED, NONE },    /* BOUNCE */
      { BOUND, NONE },      /* RETRY */
      { FAILED, RELEASE },  /* GIVE_UP */
      { FAILED, RELEASE },  /* MATE_FAILED */
      { REMOVED, RELEASE }, /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* PENDING_REMOVAL */
  {
      { PENDING, REJECT },  /* START */
      { PENDING, REJECT },  /* TAKEN */
      { PENDING, REJECT },  /* TAKE_FAILED */
      { PENDING, REJECT },  /* TURN */
      { PENDING, REJECT },  /* ADD_OK */
      { PENDING, REJECT },  /* ADD_FAILED */
      { PENDING, NONE },    /* MAPPED */
      { PENDING, NONE },    /* UNUSABLE */
      { PENDING, DELETE },  /* DETACH */
      { ACCEPTED, VERIFY }, /* DEL_REFUSED */
      { REMOVED, RELEASE }, /* DELETED */
      { PENDING, REJECT },  /* BOUNCE */
      { PENDING, REJECT },  /* RETRY */
      { PENDING, REJECT },  /* GIVE_UP */
      { PENDING, NONE },    /* MATE_FAILED */
      { PENDING, NONE },    /* MATE_LEAVES */
      { REMOVED, RELEASE }, /* QEMU_GONE */
  },
  /* REMOVED */
  {
      { REMOVED, REJECT }, /* START */
      { REMOVED, REJECT }, /* TAKEN */
      { REMOVED, REJECT }, /* TAKE_FAILED */
      { REMOVED, REJECT }, /* TURN */
      { REMOVED, NONE },   /* ADD_OK */
      { REMOVED, NONE },   /* ADD_FAILED */
      { REMOVED, NONE },   /* MAPPED */
      { REMOVED, NONE },   /* UNUSABLE */
      { REMOVED, REJECT }, /* DETACH */
      { REMOVED, NONE },   /* DEL_REFUSED */
      { REMOVED, NONE },   /* DELETED */
      { REMOVED, NONE },   /* BOUNCE */
      { REMOVED, NONE },   /* RETRY */
      { REMOVED, NONE },   /* GIVE_UP */
      { REMOVED, NONE },   /* MATE_FAILED */
      { REMOVED, NONE },   /* MATE_LEAVES */
      { REMOVED, NONE },   /* QEMU_GONE */
  },
  /* FAILED */
  {
      { FAILED, REJECT }, /* START */
      { FAILED, REJECT }, /* TAKEN */
      { FAILED, REJECT }, /* TAKE_FAILED */
      { FAILED, REJECT }, /* TURN */
      { FAILED, NONE },   /* ADD_OK */
      { FAILED, NONE },   /* ADD_FAILED */
      { FAILED, NONE },   /* MAPPED */
      { FAILED, NONE },   /* UNUSABLE */
      { FAILED, REJECT }, /* DETACH */
      { FAILED, NONE },   /* DEL_REFUSED */
      { FAILED, NONE },   /* DELETED */
      { FAILED, NONE },   /* BOUNCE */
      { FAILED, NONE },   /* RETRY */
      { FAILED, NONE },   /* GIVE_UP */
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
  return vp_device_state_is_over (state);
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

TEST (Lifecycle, NothingIsAddedBeforeItsHostFunctionIsThere)
{
  for_each_pair ([] (auto from, auto event, auto, auto action) {
    EXPECT_EQ (action == TAKE, from == QUEUED && event == VP_DEVICE_EVENT_START);
    EXPECT_EQ (action == ADD, from == BOUND && event == VP_DEVICE_EVENT_TURN);
  });
}

TEST (Lifecycle, WhatBouncedKeepsWhatItHas)
{
  VpDeviceState state = ACCEPTED;

  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_BOUNCE), RETRY);
  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_MAPPED), NONE) << "a late look";
  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_RETRY), NONE);
  EXPECT_EQ (state, BOUND);
  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_TURN), ADD);
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

/* But for one whose host function is on its way: that is waited for. */
TEST (Lifecycle, QemusEndEndsEveryDevice)
{
  for_each_pair ([] (auto from, auto event, auto to, auto) {
    if (event == VP_DEVICE_EVENT_QEMU_GONE)
      {
        EXPECT_EQ (is_end (to), from != RESERVED);
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

  EXPECT_EQ (vp_lifecycle_step (&state, VP_DEVICE_EVENT_UNUSABLE), DELETE);
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
        EXPECT_NE (action, DELETE);
      }
  });
}

TEST (Lifecycle, StatesHaveTheNamesOfTheContract)
{
  const char *const names[] = { "queued", "reserved", "bound",           "adding",  "accepted",
                                "usable", "bounced",  "pending-removal", "removed", "failed" };

  static_assert (G_N_ELEMENTS (names) == VP_DEVICE_N_STATES, "one name for each state");
  for (int s = 0; s < VP_DEVICE_N_STATES; s++)
    EXPECT_STREQ (vp_device_state_to_string (static_cast<VpDeviceState> (s)), names[s]);
}

} // namespace
