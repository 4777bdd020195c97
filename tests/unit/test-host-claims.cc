#include "launcher/vm/group-lock.h"
#include "launcher/vm/host-claims.h"
#include "launcher/vm/run-dir.h"

#include "tests/support/async-result.h"
#include "tests/support/fake-kernel.h"

#include <atomic>
#include <gtest/gtest.h>
#include <unistd.h>

/* How many more times a group is held by somebody. */
static std::atomic<int> n_busy = 0;

extern "C"
{
  int __real_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags);

  int
  __wrap_vp_sysfs_open_file (VpSysfs *self, const char *path, int flags)
  {
    if (n_busy > 0 && g_str_has_prefix (path, "dev/vfio/"))
      {
        n_busy--;
        errno = EBUSY;
        return -1;
      }
    return __real_vp_sysfs_open_file (self, path, flags);
  }
}

namespace
{

const char FIRST[] = "0000:41:00.0", SECOND[] = "0000:41:00.1", ALONE[] = "0000:42:00.0";

/* Two functions in group 40, and one in group 41, all of a driver of the host. */
class HostClaims : public testing::Test
{
protected:
  HostClaims ()
  {
    host.add_driver ("vfio-pci");
    for (auto [address, group, function] :
         { std::tuple{ FIRST, 40, &first }, { SECOND, 40, &second }, { ALONE, 41, &alone } })
      {
        host.pci (address).group (group).driver ("e1000e");
        if (!vp_pci_address_parse (address, &function->address, nullptr))
          std::abort ();
        function->group = group;
      }
    sysfs = vp_sysfs_open (host.root (), nullptr);
    bindings = vp_bindings_new (sysfs, host.root ());
    claims = vp_host_claims_new (bindings);
  }
  ~HostClaims () override
  {
    vp_host_claims_unref (claims);
    vp_bindings_free (bindings);
    vp_sysfs_free (sysfs);
  }

  std::string
  driver (const char *address)
  {
    return host.link_name (FakeSysfs::pci_folder (address) / "driver");
  }
  void
  claim (const VpPciFunction *function, AsyncResult *result)
  {
    vp_host_claims_add (claims, function);
    vp_host_claims_take_async (claims, function, TRUE, VP_HOST_NODE_GROUP, AsyncResult::ready,
                               result);
  }
  /* Fails the test when the change did. */
  static void
  expect_good (AsyncResult *result)
  {
    g_autoptr (GError) error = nullptr;

    ASSERT_TRUE (result->wait ());
    EXPECT_TRUE (vp_host_claims_finish (result->get (), &error)) << error->message;
  }
  /* The same of one that was to be taken; returns whether it was. */
  static bool
  expect_ours (AsyncResult *result)
  {
    g_autoptr (GError) error = nullptr;
    gboolean taken = FALSE;

    EXPECT_TRUE (result->wait ());
    EXPECT_TRUE (vp_host_claims_take_finish (result->get (), &taken, &error)) << error->message;
    return taken;
  }
  static std::string
  expect_refused (AsyncResult *result, int code)
  {
    g_autoptr (GError) error = nullptr;
    gboolean taken = FALSE;

    EXPECT_TRUE (result->wait ());
    EXPECT_FALSE (vp_host_claims_take_finish (result->get (), &taken, &error));
    EXPECT_FALSE (taken);
    EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, code));
    return error != nullptr ? error->message : "";
  }
  void
  take (const VpPciFunction *function)
  {
    AsyncResult result;
    claim (function, &result);
    EXPECT_TRUE (expect_ours (&result));
  }
  /* Whether another VM could have the group now. */
  bool
  is_free (int group)
  {
    g_autofree char *base = vp_run_dir_base (host.root ());
    return vp_group_lock_check (base, group, nullptr, nullptr);
  }
  void
  give_back (int group)
  {
    AsyncResult result;
    vp_host_claims_give_back_async (claims, group, AsyncResult::ready, &result);
    expect_good (&result);
  }

  FakeSysfs host;
  FakeKernel kernel{ &host };
  VpPciFunction first = {}, second = {}, alone = {};
  VpSysfs *sysfs;
  VpBindings *bindings;
  VpHostClaims *claims;
};

TEST_F (HostClaims, AGroupIsTakenWhenAllOfItIs)
{
  std::atomic<bool> may_go = false;
  AsyncResult one, two, other;

  kernel.before_write = [&] (const std::string &path) {
    while (path.find (SECOND) != std::string::npos && !may_go)
      usleep (1000);
  };
  claim (&first, &one);
  claim (&second, &two);
  claim (&alone, &other);
  EXPECT_TRUE (other.wait ()) << "another group has nothing to wait for";
  EXPECT_TRUE (run_until ([&] { return driver (FIRST) == ""; }, 5000));
  EXPECT_FALSE (one.wait (100)) << "QEMU cannot open the group yet";

  may_go = true;
  for (AsyncResult *result : { &one, &two, &other })
    EXPECT_TRUE (expect_ours (result));
  EXPECT_EQ (driver (SECOND), "vfio-pci");
}

TEST_F (HostClaims, AllOfAGroupAreUnboundBeforeTheFirstIsBound)
{
  AsyncResult one, two;

  claim (&first, &one);
  claim (&second, &two);
  EXPECT_TRUE (expect_ours (&one) && expect_ours (&two));
  EXPECT_EQ (kernel.writes,
             (std::vector<std::string>{
                 "0000:41:00.0/driver_override=vfio-pci", "driver/unbind=0000:41:00.0",
                 "0000:41:00.1/driver_override=vfio-pci", "driver/unbind=0000:41:00.1",
                 "pci/drivers_probe=0000:41:00.0", "pci/drivers_probe=0000:41:00.1" }));
}

TEST_F (HostClaims, WhenOneOfAGroupFailsNoneIsTaken)
{
  AsyncResult one, two;

  kernel.refuse (std::string (SECOND) + "/driver_override", VP_DEVICE_ERROR_PERMISSION, "no");
  claim (&first, &one);
  claim (&second, &two);
  for (AsyncResult *result : { &one, &two })
    EXPECT_EQ (expect_refused (result, VP_DEVICE_ERROR_PERMISSION).find (SECOND), 0u);
  EXPECT_EQ (driver (FIRST), "e1000e");
  EXPECT_EQ (driver (SECOND), "e1000e");

  EXPECT_FALSE (vp_host_claims_drop (claims, &second, FALSE));
  EXPECT_FALSE (is_free (40));
  EXPECT_FALSE (vp_host_claims_drop (claims, &first, FALSE)) << "nothing is to go back";
  EXPECT_TRUE (is_free (40));
}

TEST_F (HostClaims, AGroupOfAnotherVmIsNotTouched)
{
  VpBindings *other = vp_bindings_new_for_vm (sysfs, host.root (), "vm9");
  AsyncResult result;

  ASSERT_TRUE (vp_bindings_lock_group (other, 40, nullptr));
  claim (&first, &result);
  EXPECT_EQ (expect_refused (&result, VP_DEVICE_ERROR_BUSY), "group 40: VM vm9 has it");
  EXPECT_TRUE (kernel.writes.empty ());
  EXPECT_FALSE (vp_host_claims_drop (claims, &first, FALSE));

  vp_bindings_free (other);
  take (&first);
}

TEST_F (HostClaims, AGroupIsLockedUntilAllOfItIsBack)
{
  std::atomic<bool> may_go = false;
  AsyncResult back;

  take (&first);
  EXPECT_FALSE (is_free (40));
  EXPECT_TRUE (is_free (41));
  EXPECT_TRUE (vp_host_claims_drop (claims, &first, TRUE));
  EXPECT_FALSE (is_free (40));
  kernel.before_write = [&] (const std::string &) {
    while (!may_go)
      usleep (1000);
  };
  vp_host_claims_give_back_async (claims, 40, AsyncResult::ready, &back);
  EXPECT_FALSE (back.wait (50));
  EXPECT_FALSE (is_free (40));
  may_go = true;
  expect_good (&back);
  EXPECT_TRUE (is_free (40));
}

TEST_F (HostClaims, WhatComesAgainTooSoonWaitsForItsReturn)
{
  std::atomic<bool> may_go = false;
  AsyncResult back, again;

  take (&first);
  EXPECT_TRUE (vp_host_claims_drop (claims, &first, TRUE));
  kernel.before_write = [&] (const std::string &) {
    while (!may_go)
      usleep (1000);
  };
  vp_host_claims_give_back_async (claims, 40, AsyncResult::ready, &back);
  claim (&first, &again);
  EXPECT_FALSE (again.wait (50));
  may_go = true;
  expect_good (&back);
  EXPECT_TRUE (expect_ours (&again)) << "it went home, and was taken once more";
  EXPECT_EQ (driver (FIRST), "vfio-pci");
  EXPECT_FALSE (is_free (40));
}

TEST_F (HostClaims, WhatIsBoundAlreadyLocksItsGroupAndGoesNowhere)
{
  AsyncResult result;

  host.pci (FIRST).driver ("vfio-pci");
  host.add_group_node (40);
  claim (&first, &result);
  EXPECT_FALSE (expect_ours (&result));
  EXPECT_TRUE (kernel.writes.empty ());
  EXPECT_FALSE (is_free (40));
  EXPECT_FALSE (vp_host_claims_drop (claims, &first, FALSE));
  EXPECT_TRUE (is_free (40));
}

/* A QEMU that was killed still has it for a moment. */
TEST_F (HostClaims, AGroupThatIsBusyForAMomentIsWaitedFor)
{
  AsyncResult result;

  host.pci (FIRST).driver ("vfio-pci");
  host.add_group_node (40);
  n_busy = 3;
  claim (&first, &result);
  EXPECT_FALSE (expect_ours (&result));
  EXPECT_EQ (n_busy, 0);
}

TEST_F (HostClaims, OurOwnQemuDoesNotMakeItsGroupBusy)
{
  AsyncResult result;

  host.pci (SECOND).driver ("vfio-pci");
  host.add_group_node (40);
  vp_host_claims_add (claims, &first);
  n_busy = 1000000;
  claim (&second, &result);
  EXPECT_FALSE (expect_ours (&result));
  n_busy = 0;
}

TEST_F (HostClaims, TheLastOfAGroupTakesTheOthersHome)
{
  take (&first);
  take (&second);
  take (&alone);

  EXPECT_FALSE (vp_host_claims_drop (claims, &first, TRUE));
  EXPECT_TRUE (vp_host_claims_drop (claims, &alone, TRUE)) << "its group is its own";
  give_back (41);
  EXPECT_EQ (driver (ALONE), "e1000e");
  EXPECT_EQ (driver (FIRST), "vfio-pci");

  EXPECT_TRUE (vp_host_claims_drop (claims, &second, TRUE));
  give_back (40);
  EXPECT_EQ (driver (FIRST), "e1000e");
  EXPECT_EQ (driver (SECOND), "e1000e");
}

/* Who has bound it does not matter, only that it is in the VM. */
TEST_F (HostClaims, WhatTheUserHasBoundHoldsTheGroupToo)
{
  host.pci (SECOND).driver ("vfio-pci");
  take (&first);
  vp_host_claims_add (claims, &second);

  EXPECT_FALSE (vp_host_claims_drop (claims, &first, TRUE));
  EXPECT_TRUE (vp_host_claims_drop (claims, &second, FALSE));
  give_back (40);
  EXPECT_EQ (driver (FIRST), "e1000e");
  EXPECT_EQ (driver (SECOND), "vfio-pci");
}

/* It comes a second time while it is still ours, and is not taken again. */
TEST_F (HostClaims, WhatComesAgainGoesHomeOnce)
{
  take (&first);
  take (&second);
  EXPECT_FALSE (vp_host_claims_drop (claims, &first, TRUE));
  vp_host_claims_add (claims, &first);
  EXPECT_FALSE (vp_host_claims_drop (claims, &second, TRUE));
  EXPECT_TRUE (vp_host_claims_drop (claims, &first, FALSE));
  give_back (40);
  EXPECT_EQ (driver (FIRST), "e1000e");
  EXPECT_EQ (driver (SECOND), "e1000e");

  vp_host_claims_add (claims, &first);
  EXPECT_FALSE (vp_host_claims_drop (claims, &first, FALSE)) << "nothing is left to give back";
}

/* Until somebody has repaired it. */
TEST_F (HostClaims, WhatDoesNotGoBackIsOwed)
{
  AsyncResult result;
  g_autoptr (GError) error = nullptr;

  take (&first);
  take (&second);
  EXPECT_FALSE (vp_host_claims_drop (claims, &first, TRUE));
  EXPECT_TRUE (vp_host_claims_drop (claims, &second, TRUE));
  EXPECT_FALSE (vp_host_claims_is_owing (claims));
  kernel.make_unwilling ("e1000e");
  vp_host_claims_give_back_async (claims, 40, AsyncResult::ready, &result);
  ASSERT_TRUE (result.wait ());
  EXPECT_FALSE (vp_host_claims_finish (result.get (), &error));
  EXPECT_TRUE (vp_host_claims_is_owing (claims));

  for (const char *address : { FIRST, SECOND })
    {
      EXPECT_TRUE (vp_host_claims_is_owing (claims));
      host.pci (address).driver ("e1000e");
      VpPciAddress parsed;
      ASSERT_TRUE (vp_pci_address_parse (address, &parsed, nullptr));
      EXPECT_TRUE (vp_bindings_give_back (bindings, &parsed, nullptr));
    }
  EXPECT_FALSE (vp_host_claims_is_owing (claims));
}

} // namespace
