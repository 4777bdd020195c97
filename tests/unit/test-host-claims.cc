#include "launcher/vm/host-claims.h"

#include "tests/support/async-result.h"
#include "tests/support/fake-kernel.h"

#include <atomic>
#include <gtest/gtest.h>
#include <unistd.h>

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
    vp_host_claims_take_async (claims, function, AsyncResult::ready, result);
  }
  /* Fails the test when the change did. */
  static void
  expect_good (AsyncResult *result)
  {
    g_autoptr (GError) error = nullptr;

    ASSERT_TRUE (result->wait ());
    EXPECT_TRUE (vp_host_claims_finish (result->get (), &error)) << error->message;
  }
  void
  take (const VpPciFunction *function)
  {
    AsyncResult result;
    claim (function, &result);
    expect_good (&result);
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
  EXPECT_TRUE (run_until ([&] { return driver (FIRST) == "vfio-pci"; }, 5000));
  EXPECT_FALSE (one.wait (100)) << "QEMU cannot open the group yet";

  may_go = true;
  expect_good (&one);
  expect_good (&two);
  expect_good (&other);
  EXPECT_EQ (driver (SECOND), "vfio-pci");
}

TEST_F (HostClaims, OneThatFailsKeepsNobodyWaiting)
{
  AsyncResult one, two;
  g_autoptr (GError) error = nullptr;

  kernel.refuse (std::string (SECOND) + "/driver_override", VP_DEVICE_ERROR_PERMISSION, "no");
  claim (&first, &one);
  claim (&second, &two);
  expect_good (&one);
  ASSERT_TRUE (two.wait ());
  EXPECT_FALSE (vp_host_claims_finish (two.get (), &error));
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_PERMISSION));

  EXPECT_FALSE (vp_host_claims_drop (claims, &second, FALSE));
  EXPECT_TRUE (vp_host_claims_drop (claims, &first, TRUE));
  give_back (40);
  EXPECT_EQ (driver (FIRST), "e1000e");
  EXPECT_EQ (driver (SECOND), "e1000e");
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
