#include "launcher/config/params.h"
#include "launcher/error.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

/* "HEAD|KEY=VALUE|FLAG", as it was understood. */
std::string
to_text (const VpParams *params)
{
  std::string text = params->head;
  for (guint i = 0; i < params->rest->len; i++)
    {
      const auto *param = static_cast<VpParam *> (params->rest->pdata[i]);
      text += std::string ("|") + param->key;
      if (param->value != nullptr)
        text += std::string ("=") + param->value;
    }
  return text;
}

struct Row
{
  const char *name;
  const char *text;
  const char *understood;    /* or nullptr: refused */
  const char *why = nullptr; /* with this in the message */
};

const Row rows[] = {
  { "head", "a", "a" },
  { "head_with_equals", "a=b", "a=b" },
  { "parameters", "a,b=c,d", "a|b=c|d" },
  { "empty_value", "a,b=", "a|b=" },
  { "value_with_equals", "a,b=c=d", "a|b=c=d" },
  { "doubled_comma", "a,,b,c=,,,,", "a,b|c=,," },
  { "only_a_comma", ",,", "," },
  { "three_commas", "a,,,b", "a,|b" },
  { "empty", "", nullptr, "empty" },
  { "comma", ",", nullptr, "before or after a comma" },
  { "trailing_comma", "a,b=c,", nullptr, "before or after a comma" },
  { "three_trailing_commas", "a,,,", nullptr, "before or after a comma" },
  { "no_key", "a,=b", nullptr, "\"=b\" has no name before" },
  { "key_twice", "a,b=1,c,b=2", nullptr, "\"b\" is given twice" },
  { "flag_twice", "a,b,b", nullptr, "\"b\" is given twice" },
  { "flag_and_key", "a,b,b=", nullptr, "\"b\" is given twice" },
  { "newline", "a\n", nullptr, "control character at byte 2" },
  { "delete", "a,b=\177", nullptr, "control character at byte 5" },
  { "not_utf8", "a,b=\xc3", nullptr, "not valid UTF-8" },
};

class Params : public testing::TestWithParam<Row>
{
};

TEST_P (Params, AreCutAtSingleCommas)
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpParams) params = vp_params_parse (GetParam ().text, &error);

  if (GetParam ().understood != nullptr)
    {
      ASSERT_NE (params, nullptr) << error->message;
      EXPECT_EQ (to_text (params), GetParam ().understood);
      return;
    }
  ASSERT_EQ (params, nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
  EXPECT_NE (strstr (error->message, GetParam ().why), nullptr) << error->message;
}

INSTANTIATE_TEST_SUITE_P (Table, Params, testing::ValuesIn (rows), name_of_row<Row>);

TEST (ParamsProperty, RandomTextIsReadBackWhenCommasAreDoubled)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);

  for (int i = 0; i < 20000; i++)
    {
      static const char letters[] = "ab,=' \\\"$;";
      std::string head, escaped;
      for (int n = g_rand_int_range (random, 1, 12); n > 0; n--)
        {
          head += letters[g_rand_int_range (random, 0, sizeof letters - 1)];
          escaped += head.back () == ',' ? ",," : std::string (1, head.back ());
        }
      g_autoptr (GError) error = nullptr;
      g_autoptr (VpParams) params = vp_params_parse ((escaped + ",k=" + escaped).c_str (), &error);

      ASSERT_NE (params, nullptr) << escaped << ": " << error->message;
      ASSERT_EQ (params->head, head);
      ASSERT_EQ (params->rest->len, 1u);
      const auto *param = static_cast<VpParam *> (params->rest->pdata[0]);
      ASSERT_STREQ (param->key, "k");
      ASSERT_EQ (param->value, head);
    }
}

} // namespace
