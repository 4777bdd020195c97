#include "devices/siblings.h"

#include "tests/support/plan-input.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <list>
#include <string>
#include <vector>

namespace
{

/* "emulated", "vf:ADDRESS" of a virtual function, or an address. */
class Functions
{
public:
  explicit Functions (const std::vector<std::string> &texts)
  {
    for (const std::string &text : texts)
      {
        const bool is_virtual = text.compare (0, 3, "vf:") == 0;

        if (text == "emulated")
          {
            pointers.push_back (nullptr);
            continue;
          }
        made_.push_back (fake_function (text.substr (is_virtual ? 3 : 0), {}));
        made_.back ().is_virtual = is_virtual;
        pointers.push_back (&made_.back ());
      }
  }

  std::vector<const VpPciFunction *> pointers;

private:
  std::list<VpPciFunction> made_;
};

struct Row
{
  const char *name;
  std::vector<std::string> functions;
  std::vector<guint8> numbers;
};

class Number : public testing::TestWithParam<Row>
{
};

TEST_P (Number, IsTheHostsAndThereIsAFunctionZero)
{
  Functions functions (GetParam ().functions);
  std::vector<guint8> numbers (functions.pointers.size (), 99);

  vp_siblings_number (functions.pointers.data (), static_cast<guint> (numbers.size ()),
                      numbers.data ());
  EXPECT_EQ (numbers, GetParam ().numbers);
}

const Row rows[] = {
  { "one", { "0000:41:00.0" }, { 0 } },
  { "emulated", { "emulated" }, { 0 } },
  { "two", { "0000:41:00.0", "0000:41:00.1" }, { 0, 1 } },
  { "any_order", { "0000:41:00.7", "0000:41:00.0", "0000:41:00.3" }, { 7, 0, 3 } },
  { "without_0", { "0000:41:00.3", "0000:41:00.1" }, { 3, 0 } },
  { "lone_1", { "0000:41:00.1" }, { 0 } },
  { "virtual", { "vf:0000:41:10.5" }, { 0 } },
};

INSTANTIATE_TEST_SUITE_P (Table, Number, testing::ValuesIn (rows), name_of_row<Row>);

TEST (Siblings, AreSplitByHostDevice)
{
  Functions functions ({ "0000:41:00.1", "emulated", "0000:42:00.0", "0000:41:00.0", "emulated",
                         "0001:41:00.2", "vf:0000:41:00.3", "vf:0000:41:00.4" });
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  const std::vector<std::vector<guint>> expected = { { 0, 3 }, { 1 }, { 2 }, { 4 },
                                                     { 5 },    { 6 }, { 7 } };

  for (const VpPciFunction *function : functions.pointers)
    g_ptr_array_add (all, const_cast<VpPciFunction *> (function));
  g_autoptr (GPtrArray) devices = vp_siblings_split (all);
  ASSERT_EQ (devices->len, expected.size ());
  for (guint i = 0; i < devices->len; i++)
    {
      const auto *device = static_cast<const GPtrArray *> (devices->pdata[i]);

      ASSERT_EQ (device->len, expected[i].size ()) << i;
      for (guint j = 0; j < device->len; j++)
        EXPECT_EQ (device->pdata[j], functions.pointers[expected[i][j]]) << i << " " << j;
    }
}

} // namespace
