#include "devices/byte-size.h"
#include "devices/error.h"

#include "tests/support/row-name.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>

namespace
{

constexpr guint64 UNTOUCHED = 0xdeadbeef;

struct Good
{
  const char *name;
  const char *text;
  guint64 bytes;
};

const Good good[] = {
  { "zero", "0", 0 },
  { "plain", "4096", 4096 },
  { "leading_zeros_are_decimal", "0010", 10 },
  { "kilo", "1K", UINT64_C (1) << 10 },
  { "mega", "512M", UINT64_C (512) << 20 },
  { "giga", "16G", UINT64_C (16) << 30 },
  { "tera", "2T", UINT64_C (2) << 40 },
  { "long_unit", "16GiB", UINT64_C (16) << 30 },
  { "lower_case", "16g", UINT64_C (16) << 30 },
  { "lower_case_long_unit", "16gib", UINT64_C (16) << 30 },
  { "mixed_case", "16gIB", UINT64_C (16) << 30 },
  { "zero_with_unit", "0T", 0 },
  { "largest", "18446744073709551615", UINT64_MAX },
  { "largest_in_kibibytes", "18014398509481983K", UINT64_MAX - 1023 },
  { "largest_in_tebibytes", "16777215T", UINT64_C (16777215) << 40 },
};

class ByteSizeGood : public testing::TestWithParam<Good>
{
};

TEST_P (ByteSizeGood, IsRead)
{
  g_autoptr (GError) error = nullptr;
  guint64 bytes = UNTOUCHED;

  ASSERT_TRUE (vp_byte_size_parse (GetParam ().text, &bytes, &error)) << error->message;
  EXPECT_EQ (bytes, GetParam ().bytes);
}

INSTANTIATE_TEST_SUITE_P (Table, ByteSizeGood, testing::ValuesIn (good), name_of_row<Good>);

struct Bad
{
  const char *name;
  const char *text;
};

const Bad bad[] = {
  { "empty", "" },
  { "unit_alone", "G" },
  { "blank_before", " 1G" },
  { "blank_after", "1G " },
  { "blank_between", "1 G" },
  { "newline_after", "1G\n" },
  { "plus", "+1G" },
  { "minus", "-1" },
  { "hexadecimal", "0x1000" },
  { "fraction", "1.5G" },
  { "byte_unit", "1B" },
  { "decimal_unit", "1GB" },
  { "half_a_unit", "1Gi" },
  { "unit_twice", "1GG" },
  { "unit_too_large", "1P" },
  { "not_ascii", "1\xc2\xa0G" },
  { "one_too_many", "18446744073709551616" },
  { "one_kibibyte_too_many", "18014398509481984K" },
  { "one_tebibyte_too_many", "16777216T" },
  { "wraps_to_a_small_number", "36893488147419103232K" },
};

class ByteSizeBad : public testing::TestWithParam<Bad>
{
};

TEST_P (ByteSizeBad, IsRefusedAndLeavesTheResultAlone)
{
  g_autoptr (GError) error = nullptr;
  guint64 bytes = UNTOUCHED;

  ASSERT_FALSE (vp_byte_size_parse (GetParam ().text, &bytes, &error)) << bytes;
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID));
  EXPECT_EQ (bytes, UNTOUCHED);
  EXPECT_EQ (std::string (error->message).find ('\n'), std::string::npos) << error->message;
}

INSTANTIATE_TEST_SUITE_P (Table, ByteSizeBad, testing::ValuesIn (bad), name_of_row<Bad>);

const Good formatted[] = {
  { "zero", "0 B", 0 },
  { "one", "1 B", 1 },
  { "not_a_multiple", "1023 B", 1023 },
  { "odd_kibibytes", "6 KiB", 6144 },
  { "one_past_a_unit", "1025 B", 1025 },
  { "kibibytes_below_a_mebibyte", "1023 KiB", 1023 << 10 },
  { "gibibytes", "16 GiB", UINT64_C (16) << 30 },
  { "tebibytes", "3 TiB", UINT64_C (3) << 40 },
  { "pebibytes", "8 PiB", UINT64_C (8) << 50 },
  { "exbibytes", "8 EiB", UINT64_C (8) << 60 },
  { "largest", "18446744073709551615 B", UINT64_MAX },
};

class ByteSizeFormat : public testing::TestWithParam<Good>
{
};

TEST_P (ByteSizeFormat, UsesTheLargestUnitThatDivides)
{
  g_autofree char *text = vp_byte_size_format (GetParam ().bytes);

  EXPECT_STREQ (text, GetParam ().text);
}

INSTANTIATE_TEST_SUITE_P (Table, ByteSizeFormat, testing::ValuesIn (formatted), name_of_row<Good>);

} // namespace
