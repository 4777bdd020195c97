#include "launcher/vm/cpu-steps.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

/* A slot as QEMU describes it. */
std::string
slot (int core, const char *path = nullptr)
{
  return R"({"props":{"core-id":)" + std::to_string (core) +
         R"(,"thread-id":0,"socket-id":0},"vcpus-count":1,"type":"max-x86_64-cpu")" +
         (path != nullptr ? std::string (R"(,"qom-path":")") + path + "\"" : "") + "}";
}
const std::string cold = slot (0, "/machine/unattached/device[0]");

std::string
hot (int core)
{
  return slot (core, ("/machine/peripheral/cpu" + std::to_string (core)).c_str ());
}

/* The ids of one list. */
using Ids = std::vector<std::string>;

struct Row
{
  const char *name;
  std::vector<std::string> slots; /* in QEMU's order */
  guint wanted;
  guint now;
  Ids adds, removals;
  const char *error; /* nullptr: none */
};
std::ostream &
operator<< (std::ostream &stream, const Row &row)
{
  return stream << row.name;
}

const Row rows[] = {
  { "as_it_is", { slot (1), cold }, 1, 1, {}, {}, nullptr },
  { "no_wish", { slot (1), cold }, 0, 1, {}, {}, nullptr },
  { "one_more", { slot (3), slot (2), slot (1), cold }, 2, 1, { "cpu1" }, {}, nullptr },
  { "all", { slot (3), slot (2), slot (1), cold }, 4, 1, { "cpu1", "cpu2", "cpu3" }, {}, nullptr },
  { "into_a_gap", { slot (3), hot (2), slot (1), cold }, 3, 2, { "cpu1" }, {}, nullptr },
  { "one_less", { slot (3), hot (2), hot (1), cold }, 2, 3, {}, { "cpu2" }, nullptr },
  { "highest_first",
    { hot (3), hot (2), hot (1), cold },
    1,
    4,
    {},
    { "cpu3", "cpu2", "cpu1" },
    nullptr },
  { "in_any_order", { cold, slot (2), hot (1) }, 3, 2, { "cpu2" }, {}, nullptr },
  { "ten_follows_two", { slot (10), cold, slot (2) }, 3, 1, { "cpu1", "cpu2" }, {}, nullptr },
  { "more_than_can_be",
    { slot (1), cold },
    3,
    0,
    {},
    {},
    "the VM can have 2; start it with --max-cpus 3" },
  { "fewer_than_stay",
    { hot (2), slot (1, "/machine/unattached/device[1]"), cold },
    1,
    0,
    {},
    {},
    "started with 2" },
  { "empty", {}, 1, 0, {}, {}, "no list" },
  { "no_object", { "7" }, 1, 0, {}, {}, "no list" },
  { "no_type", { R"({"props":{},"vcpus-count":1})" }, 1, 0, {}, {}, "no list" },
  { "no_props", { R"({"type":"x","vcpus-count":1})" }, 1, 0, {}, {}, "no list" },
  { "two_at_once", { R"({"type":"x","props":{},"vcpus-count":2})" }, 1, 0, {}, {}, "no list" },
};

class CpuSteps : public testing::TestWithParam<Row>
{
};
INSTANTIATE_TEST_SUITE_P (Table, CpuSteps, testing::ValuesIn (rows), name_of_row<Row>);

TEST_P (CpuSteps, LeadToWhatIsWanted)
{
  const Row &row = GetParam ();
  std::string text;
  for (const std::string &one : row.slots)
    text += (text.empty () ? "" : ",") + one;
  g_autoptr (JsonNode) reply = json_from_string (("[" + text + "]").c_str (), nullptr);
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpCpuSteps) steps = vp_cpu_steps_new (reply, row.wanted, &error);

  if (row.error != nullptr)
    {
      ASSERT_EQ (steps, nullptr);
      EXPECT_NE (std::string (error->message).find (row.error), std::string::npos)
          << error->message;
      return;
    }
  ASSERT_NE (steps, nullptr) << error->message;
  EXPECT_EQ (steps->now, row.now);
  EXPECT_EQ (steps->max, row.slots.size ());

  Ids adds, removals;
  for (guint i = 0; i < steps->adds->len; i++)
    adds.push_back (
        json_object_get_string_member (static_cast<JsonObject *> (steps->adds->pdata[i]), "id"));
  for (guint i = 0; i < steps->removals->len; i++)
    removals.push_back (static_cast<const char *> (steps->removals->pdata[i]));
  EXPECT_EQ (adds, row.adds);
  EXPECT_EQ (removals, row.removals);
}

TEST (CpuStepsAdd, SaysWhereItGoes)
{
  g_autoptr (JsonNode) reply =
      json_from_string (("[" + slot (1) + "," + cold + "]").c_str (), nullptr);
  g_autoptr (VpCpuSteps) steps = vp_cpu_steps_new (reply, 2, nullptr);
  ASSERT_NE (steps, nullptr);
  ASSERT_EQ (steps->adds->len, 1u);

  g_autoptr (JsonNode) node =
      json_node_init_object (json_node_alloc (), static_cast<JsonObject *> (steps->adds->pdata[0]));
  g_autofree char *text = json_to_string (node, FALSE);
  EXPECT_STREQ (text, R"({"driver":"max-x86_64-cpu","id":"cpu1","core-id":1,"thread-id":0,)"
                      R"("socket-id":0})");
}

TEST (CpuStepsReply, MayBeMissing)
{
  g_autoptr (GError) error = nullptr;
  EXPECT_EQ (vp_cpu_steps_new (nullptr, 1, &error), nullptr);
  EXPECT_NE (error, nullptr);
}

} // namespace
