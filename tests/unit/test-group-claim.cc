#include "devices/error.h"
#include "launcher/vm/group-lock.h"
#include "launcher/vm/run-dir.h"
#include "launcher/wrapper/device-choice.h"
#include "launcher/wrapper/group-claim.h"

#include "tests/support/fake-sysfs.h"

#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <memory>
#include <poll.h>
#include <random>
#include <set>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

static std::string busy_node; /* somebody who is no VM of ours has it open */

extern "C"
{
  int __real_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags);

  int
  __wrap_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags)
  {
    if (busy_node == path)
      {
        errno = EBUSY;
        return -1;
      }
    return __real_vp_sysfs_open_file (self, path, flags);
  }
}

namespace
{

constexpr uint64_t GiB = UINT64_C (1) << 30;
constexpr int FIRST_GROUP = 40;

/* As many GPUs, each in a group of its own, as are asked for. */
class Host
{
public:
  explicit Host (unsigned n)
  {
    for (unsigned i = 0; i < n; i++)
      {
        const int group = FIRST_GROUP + static_cast<int> (i);
        char address[16];

        snprintf (address, sizeof address, "0000:%02x:00.0", 0x41 + i);
        fake.pci (address).bars ({ { 1, FakeBar::MEM64_PREF, 64 * GiB } }).driver ("vfio-pci");
        fake.pci (address).group (group);
        fake.add_group_node (group);
      }
  }

  FakeSysfs fake;
};

/* What a sidecar does: reads the host, chooses a single large device, and stays with it. Says which
 * group it has, 0 when there was none left for it; and that of no other it keeps the lock. */
[[noreturn]] void
be_sandbox (const char *root, unsigned number, int out)
{
  const std::string name = "sandbox-" + std::to_string (number);
  VpSysfs *sysfs = vp_sysfs_open (root, nullptr);
  VpInventory *inventory = vp_inventory_read (sysfs, nullptr);
  VpBindings *bindings = vp_bindings_new_for_vm (sysfs, root, name.c_str ());
  VpGroupClaim claim = { inventory, bindings, 0 };
  GPtrArray *rules = g_ptr_array_new ();
  VpDeviceRule *rule = vp_device_rule_new ("rule 1");
  GError *error = nullptr;
  int group = 0;

  prctl (PR_SET_PDEATHSIG, SIGKILL); /* no test leaves one behind */

  rule->large = VP_RULE_LARGE_YES;
  rule->count = 1;
  g_ptr_array_add (rules, rule);
  VpDeviceChoiceInput input = {};
  input.inventory = inventory;
  input.sandbox = name.c_str ();
  input.rules = rules;
  input.large_bar = 4 * GiB;
  input.claim = vp_group_claim_try;
  input.claim_data = &claim;

  VpDeviceChoice *choice = vp_device_choice_make (&input, &error);
  if (choice == nullptr || choice->specs->len > 1)
    group = -1;
  else if (choice->specs->len == 1)
    {
      const auto *spec = static_cast<VpDeviceSpec *> (choice->specs->pdata[0]);
      group = vp_inventory_find (inventory, &spec->ref.address)->group;
    }
  if (write (out, &group, sizeof group) != sizeof group)
    _exit (1);
  for (;;)
    pause ();
}

/* One such process; killed like one that crashed. */
class Sandbox
{
public:
  Sandbox (const char *root, unsigned number)
  {
    int ends[2];

    if (pipe2 (ends, O_CLOEXEC) != 0 || (pid_ = fork ()) < 0)
      std::abort ();
    if (pid_ == 0)
      be_sandbox (root, number, ends[1]);
    close (ends[1]);
    out_ = ends[0];
  }
  ~Sandbox ()
  {
    kill (pid_, SIGKILL);
    waitpid (pid_, nullptr, 0);
    close (out_);
  }
  Sandbox (const Sandbox &) = delete;
  Sandbox &operator= (const Sandbox &) = delete;

  /* Waits until it has chosen. */
  int
  group ()
  {
    pollfd waits = { out_, POLLIN, 0 };

    if (group_ == -2 &&
        (poll (&waits, 1, 20000) != 1 || read (out_, &group_, sizeof group_) != sizeof group_))
      group_ = -3;
    return group_;
  }

private:
  pid_t pid_;
  int out_;
  int group_ = -2;
};

using Sandboxes = std::vector<std::unique_ptr<Sandbox>>;

/* The groups that they have, each of which must be one's alone. */
std::set<int>
groups_of (const Sandboxes &sandboxes)
{
  std::set<int> groups;

  for (const auto &sandbox : sandboxes)
    {
      const int group = sandbox->group ();

      EXPECT_GE (group, 0) << "it failed";
      if (group > 0)
        {
          EXPECT_TRUE (groups.insert (group).second) << "group " << group << " is two VMs'";
        }
    }
  return groups;
}

/* Sandboxes come all at once, more of them than there are groups, and some are killed while others
 * still choose. No group is ever two VMs', and in the end none is lost. */
TEST (GroupClaim, IsOneSandboxsHoweverManyChooseAndDie)
{
  constexpr unsigned N_GROUPS = 5, N_ROUNDS = 12, N_NEW = 6;
  Host host (N_GROUPS);
  std::mt19937 random (7);
  unsigned n_started = 0, n_killed_early = 0;
  Sandboxes living;

  for (unsigned round = 0; round < N_ROUNDS; round++)
    {
      for (unsigned i = 0; i < N_NEW; i++)
        living.push_back (std::make_unique<Sandbox> (host.fake.root (), n_started++));
      for (unsigned i = 0; i < N_NEW / 2; i++) /* wherever they are just now */
        {
          usleep (random () % 2000);
          living.erase (living.begin () + static_cast<long> (random () % living.size ()));
          n_killed_early++;
        }
      groups_of (living);
      while (living.size () > N_GROUPS) /* the others have nothing to hope for any more */
        living.erase (living.begin () + static_cast<long> (random () % living.size ()));
    }
  EXPECT_EQ (n_killed_early, N_ROUNDS * N_NEW / 2);

  living.clear ();
  for (unsigned i = 0; i < N_GROUPS + 3; i++)
    living.push_back (std::make_unique<Sandbox> (host.fake.root (), n_started++));
  EXPECT_EQ (groups_of (living).size (), N_GROUPS) << "a group is lost";
}

/* What died takes nothing along, and the next has just that. */
TEST (GroupClaim, OfTheDeadIsTheNextOnes)
{
  Host host (3);
  Sandboxes living;

  for (unsigned i = 0; i < 3; i++)
    living.push_back (std::make_unique<Sandbox> (host.fake.root (), i));
  ASSERT_EQ (groups_of (living).size (), 3U);

  const int group = living[1]->group ();
  Sandbox none (host.fake.root (), 3);
  EXPECT_EQ (none.group (), 0);
  living.erase (living.begin () + 1);
  Sandbox next (host.fake.root (), 4);
  EXPECT_EQ (next.group (), group);
}

class GroupClaimOne : public testing::Test
{
protected:
  Host host_{ 2 };
  VpSysfs *sysfs_ = vp_sysfs_open (host_.fake.root (), nullptr);
  VpInventory *inventory_ = vp_inventory_read (sysfs_, nullptr);
  VpBindings *bindings_ = vp_bindings_new_for_vm (sysfs_, host_.fake.root (), "vm1");
  VpGroupClaim claim_ = { inventory_, bindings_, 40 };
  GError *error_ = nullptr;

  ~GroupClaimOne () override
  {
    busy_node = "";
    g_clear_error (&error_);
    vp_bindings_free (bindings_);
    vp_inventory_free (inventory_);
    vp_sysfs_free (sysfs_);
  }
  bool
  is_locked (int group)
  {
    g_autofree char *base = vp_run_dir_base (host_.fake.root ());
    return !vp_group_lock_check (base, group, nullptr, nullptr);
  }
};

TEST_F (GroupClaimOne, LocksItAndAgain)
{
  EXPECT_TRUE (vp_group_claim_try (FIRST_GROUP, FALSE, &claim_, &error_));
  EXPECT_TRUE (is_locked (FIRST_GROUP));
  EXPECT_FALSE (is_locked (FIRST_GROUP + 1));
  EXPECT_TRUE (vp_group_claim_try (FIRST_GROUP, TRUE, &claim_, &error_));
}

TEST_F (GroupClaimOne, NamesTheVmThatHasIt)
{
  g_autoptr (VpBindings) other = vp_bindings_new_for_vm (sysfs_, host_.fake.root (), "vm2");

  ASSERT_TRUE (vp_bindings_lock_group (other, FIRST_GROUP, nullptr));
  EXPECT_FALSE (vp_group_claim_try (FIRST_GROUP, TRUE, &claim_, &error_));
  ASSERT_TRUE (g_error_matches (error_, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY));
  EXPECT_STREQ (error_->message, "group 40: VM vm2 has it");
}

TEST_F (GroupClaimOne, LeavesWhatAnotherProgramHasOpen)
{
  busy_node = "dev/vfio/40";

  EXPECT_FALSE (vp_group_claim_try (FIRST_GROUP, TRUE, &claim_, &error_));
  EXPECT_TRUE (g_error_matches (error_, VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY));
  EXPECT_FALSE (is_locked (FIRST_GROUP)) << "the other VMs may look themselves";
  EXPECT_TRUE (vp_group_claim_try (FIRST_GROUP + 1, TRUE, &claim_, nullptr));
}

/* The VM that had it has ended between our look at the host and our lock. */
TEST_F (GroupClaimOne, WhatHasGoneBackToItsDriverIsNotTaken)
{
  host_.fake.pci ("0000:41:00.0").driver ("e1000e");

  EXPECT_FALSE (vp_group_claim_try (FIRST_GROUP, FALSE, &claim_, &error_));
  ASSERT_TRUE (g_error_matches (error_, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_BOUND));
  EXPECT_STREQ (error_->message, "0000:41:00.0 has just been taken from vfio-pci");
  EXPECT_FALSE (is_locked (FIRST_GROUP));
}

TEST_F (GroupClaimOne, WhatIsToBeBoundHasNoNodeYet)
{
  busy_node = "dev/vfio/40";
  host_.fake.pci ("0000:41:00.0").driver ("e1000e");
  g_autoptr (VpInventory) inventory = vp_inventory_read (sysfs_, nullptr);
  claim_.inventory = inventory;

  EXPECT_TRUE (vp_group_claim_try (FIRST_GROUP, TRUE, &claim_, &error_));
}

} // namespace
