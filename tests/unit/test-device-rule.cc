#include "launcher/error.h"
#include "launcher/wrapper/device-rule.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

constexpr guint64 LARGE = UINT64_C (4) << 30;

/* What a rule says, in few words. */
struct Says
{
  const char *sandbox = nullptr;
  std::vector<const char *> addresses = {}, groups = {}, ids = {}, classes = {}, drivers = {};
  VpRuleLarge large = VP_RULE_LARGE_ANY;
  gboolean bind = FALSE;
};

void
set_globs (char ***globs, const std::vector<const char *> &values)
{
  g_strfreev (*globs);
  *globs = g_new0 (char *, values.size () + 1);
  for (size_t i = 0; i < values.size (); i++)
    (*globs)[i] = g_strdup (values[i]);
}

void
set_refs (GArray *refs, const std::vector<const char *> &values)
{
  for (const char *value : values)
    {
      VpDeviceRef ref;
      if (!vp_device_ref_parse (value, &ref, nullptr))
        std::abort ();
      g_array_append_val (refs, ref);
    }
}

VpDeviceRule *
make (const Says &says)
{
  VpDeviceRule *rule = vp_device_rule_new ("rule 1 of x.toml");
  rule->sandbox = g_strdup (says.sandbox);
  set_refs (rule->addresses, says.addresses);
  set_refs (rule->groups, says.groups);
  set_globs (&rule->ids, says.ids);
  set_globs (&rule->classes, says.classes);
  set_globs (&rule->drivers, says.drivers);
  rule->large = says.large;
  rule->bind = says.bind;
  return rule;
}

struct Match
{
  const char *name;
  Says says;
  bool matches;
};

/* A GPU: 0000:41:00.0 of group 40, 10de:20b5, class 030200, vfio-pci, 64 GiB. */
const Match matches[] = {
  { "no_condition", {}, true },
  { "address", { .addresses = { "41:00.0" } }, true },
  { "one_of_two_addresses", { .addresses = { "42:00.0", "41:00.0" } }, true },
  { "other_address", { .addresses = { "41:00.1" } }, false },
  { "group", { .groups = { "/dev/vfio/40" } }, true },
  { "other_group", { .groups = { "/dev/vfio/4" } }, false },
  { "id", { .ids = { "10de:20b5" } }, true },
  { "id_of_any_device", { .ids = { "10de:*" } }, true },
  { "id_of_any_vendor", { .ids = { "*:20b5" } }, true },
  { "one_of_two_ids", { .ids = { "8086:*", "10de:20b?" } }, true },
  { "other_id", { .ids = { "10de:1*" } }, false },
  { "class", { .classes = { "0302*" } }, true },
  { "whole_class", { .classes = { "030200" } }, true },
  { "other_class", { .classes = { "0300*", "02*" } }, false },
  { "driver", { .drivers = { "vfio-pci" } }, true },
  { "variant_of_the_driver", { .drivers = { "*vfio*pci" } }, true },
  { "other_driver", { .drivers = { "mlx5*" } }, false },
  { "large", { .large = VP_RULE_LARGE_YES }, true },
  { "not_large", { .large = VP_RULE_LARGE_NO }, false },
  { "all_of_them",
    { .addresses = { "41:00.0" },
      .groups = { "/dev/vfio/40" },
      .ids = { "10de:*" },
      .classes = { "03*" },
      .drivers = { "vfio*" },
      .large = VP_RULE_LARGE_YES },
    true },
  { "all_but_one", { .addresses = { "41:00.0" }, .ids = { "8086:*" } }, false },
  { "address_of_another_group",
    { .addresses = { "41:00.0" }, .groups = { "/dev/vfio/1" } },
    false },
};

class DeviceRuleMatches : public testing::TestWithParam<Match>
{
};

TEST_P (DeviceRuleMatches, EveryConditionCounts)
{
  g_autofree char *driver = g_strdup ("vfio-pci");
  VpPciFunction gpu = {};
  gpu.address = { 0, 0x41, 0, 0 };
  gpu.class_code = 0x030200;
  gpu.vendor = 0x10de;
  gpu.device = 0x20b5;
  gpu.driver = driver;
  gpu.group = 40;
  gpu.n_bars = 1;
  gpu.bars[0].kind = VP_BAR_MEM64;
  gpu.bars[0].prefetchable = TRUE;
  gpu.bars[0].size = gpu.bars[0].max_size = UINT64_C (64) << 30;
  g_autoptr (VpDeviceRule) rule = make (GetParam ().says);

  EXPECT_EQ (vp_device_rule_matches (rule, &gpu, LARGE), GetParam ().matches);
}
INSTANTIATE_TEST_SUITE_P (Table,
                          DeviceRuleMatches,
                          testing::ValuesIn (matches),
                          name_of_row<Match>);

TEST (DeviceRule, AFunctionWithoutGroupAndDriverIsInNone)
{
  VpPciFunction function = {};
  function.group = -1;
  g_autoptr (VpDeviceRule) by_group = make ({ .groups = { "/dev/vfio/0" } });
  g_autoptr (VpDeviceRule) by_driver = make ({ .drivers = { "?*" } });
  g_autoptr (VpDeviceRule) by_any_driver = make ({ .drivers = { "*" } });

  EXPECT_FALSE (vp_device_rule_matches (by_group, &function, LARGE));
  EXPECT_FALSE (vp_device_rule_matches (by_driver, &function, LARGE));
  EXPECT_TRUE (vp_device_rule_matches (by_any_driver, &function, LARGE));
}

struct Sandbox
{
  const char *name;
  const char *glob;    /* or nullptr */
  const char *sandbox; /* or nullptr */
  bool applies;
};

const Sandbox sandboxes[] = {
  { "all", nullptr, "sandbox-1", true },
  { "all_even_without_name", nullptr, nullptr, true },
  { "glob", "sandbox-*", "sandbox-1", true },
  { "other", "sandbox-*", "vm1", false },
  { "whole_name_only", "sandbox-", "sandbox-1", false },
  { "no_name", "*", nullptr, false },
  { "long_name", "sandbox-*",
    "sandbox-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", true },
};

class DeviceRuleApplies : public testing::TestWithParam<Sandbox>
{
};

TEST_P (DeviceRuleApplies, ToItsSandboxes)
{
  g_autoptr (VpDeviceRule) rule = make ({ .sandbox = GetParam ().glob });

  EXPECT_EQ (vp_device_rule_applies (rule, GetParam ().sandbox), GetParam ().applies);
}
INSTANTIATE_TEST_SUITE_P (Table,
                          DeviceRuleApplies,
                          testing::ValuesIn (sandboxes),
                          name_of_row<Sandbox>);

struct Check
{
  const char *name;
  Says says;
  bool is_explicit;
  const char *why; /* or nullptr: good */
};

const Check checks[] = {
  { "empty", {}, false, "it is about every device: add " },
  { "only_a_sandbox", { .sandbox = "*" }, false, "it is about every device" },
  { "large", { .large = VP_RULE_LARGE_YES }, false, nullptr },
  { "class", { .classes = { "02*" } }, false, nullptr },
  { "address", { .addresses = { "41:00.0" } }, true, nullptr },
  { "group", { .groups = { "/dev/vfio/40" } }, true, nullptr },
  { "address_and_bind", { .addresses = { "41:00.0" }, .bind = TRUE }, true, nullptr },
  { "bind_of_what_nobody_named",
    { .ids = { "10de:*" }, .bind = TRUE },
    false,
    "bind = true is for devices that are named: add " },
};

class DeviceRuleCheck : public testing::TestWithParam<Check>
{
};

TEST_P (DeviceRuleCheck, RefusesWhatIsTooBroad)
{
  const Check &row = GetParam ();
  g_autoptr (VpDeviceRule) rule = make (row.says);
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (vp_device_rule_is_explicit (rule), row.is_explicit);
  EXPECT_EQ (vp_device_rule_check (rule, &error), row.why == nullptr);
  if (row.why != nullptr)
    {
      ASSERT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
      EXPECT_NE (std::string (error->message).find (row.why), std::string::npos) << error->message;
    }
}
INSTANTIATE_TEST_SUITE_P (Table, DeviceRuleCheck, testing::ValuesIn (checks), name_of_row<Check>);

} // namespace
