#include "devices/error.h"
#include "devices/pci-address.h"

#include "tests/support/row-name.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

struct Row
{
  const char *name;
  const char *text;
  const char *canonical; /* nullptr: must be refused */
};

const Row rows[] = {
  { "long_form", "0000:65:00.0", "0000:65:00.0" },
  { "short_form_is_domain_0", "65:00.1", "0000:65:00.1" },
  { "largest_of_16_bits", "ffff:ff:1f.7", "ffff:ff:1f.7" },
  { "upper_case", "ABCD:EF:1F.7", "abcd:ef:1f.7" },
  { "vmd_domain", "10000:e1:00.0", "10000:e1:00.0" },
  { "widest_domain", "ffffffff:00:00.0", "ffffffff:00:00.0" },
  { "padded_domain", "00000001:00:00.0", "0001:00:00.0" },
  { "kata_vector", "0000:02:10.0", "0000:02:10.0" },

  { "domain_of_9_digits", "000000001:00:00.0", nullptr },
  { "domain_of_3_digits", "000:65:00.0", nullptr },
  { "domain_of_1_digit", "0:65:00.0", nullptr },
  { "domain_of_2_digits", "00:65:00.0", nullptr },
  { "no_domain", ":65:00.0", nullptr },
  { "bus_of_1_digit", "0000:5:00.0", nullptr },
  { "bus_of_3_digits", "0000:065:00.0", nullptr },
  { "short_bus_of_3_digits", "065:00.0", nullptr },
  { "slot_too_large", "0000:65:20.0", nullptr },
  { "slot_of_1_digit", "0000:65:0.0", nullptr },
  { "function_too_large", "0000:65:00.8", nullptr },
  { "function_of_2_digits", "0000:65:00.00", nullptr },
  { "no_function", "0000:65:00", nullptr },
  { "empty_function", "0000:65:00.", nullptr },
  { "blank_after", "0000:65:00.0 ", nullptr },
  { "blank_before", " 0000:65:00.0", nullptr },
  { "newline_after", "0000:65:00.0\n", nullptr },
  { "comma_after", "0000:65:00.0,x-foo=1", nullptr },
  { "empty", "", nullptr },
  { "sign", "0000:-1:00.0", nullptr },
  { "prefix", "0x00:65:00.0", nullptr },
  { "not_hex", "0000:6g:00.0", nullptr },
  { "colon_for_dot", "0000:65:00:0", nullptr },
  { "dot_for_colon", "0000.65.00.0", nullptr },
  { "kata_missing_colon", "0000:0210.0", nullptr },
  { "kata_word", "test", nullptr },
};

class PciAddressParse : public testing::TestWithParam<Row>
{
};

TEST_P (PciAddressParse, GivesCanonicalTextOrInvalid)
{
  const Row &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  VpPciAddress address = { 0xa5, 0xa5, 0xa5, 0xa5 };

  if (!vp_pci_address_parse (row.text, &address, &error))
    {
      EXPECT_EQ (row.canonical, nullptr) << error->message;
      EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID));
      EXPECT_EQ (address.domain, 0xa5u) << "touched on failure";
      EXPECT_EQ (address.function, 0xa5) << "touched on failure";
      return;
    }

  g_autofree char *text = vp_pci_address_to_string (&address);
  EXPECT_STREQ (text, row.canonical);
}

INSTANTIATE_TEST_SUITE_P (Table, PciAddressParse, testing::ValuesIn (rows), name_of_row<Row>);

TEST (PciAddress, TheMessageQuotesControlCharactersAndCutsLongText)
{
  g_autoptr (GError) error = nullptr;
  VpPciAddress address;
  const std::string text = "\x1b[31m\n" + std::string (5000, 'a');

  ASSERT_FALSE (vp_pci_address_parse (text.c_str (), &address, &error));
  EXPECT_EQ (std::strpbrk (error->message, "\x1b\n"), nullptr) << error->message;
  EXPECT_LT (std::strlen (error->message), 200u);
}

TEST (PciAddress, OrderIsByDomainBusSlotFunctionAndNotByText)
{
  const VpPciAddress ascending[] = {
    { 0, 0, 0, 0 },
    { 0, 0, 0, 1 },
    { 0, 0, 1, 0 },
    { 0, 0, 31, 7 },
    { 0, 1, 0, 0 },
    { 0, 0xff, 0, 0 },
    { 1, 0, 0, 0 },
    { 0xffff, 0, 0, 0 },
    { 0x10000, 0, 0, 0 }, /* sorts before "ffff" as text */
    { 0xffffffff, 0xff, 31, 7 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (ascending); i++)
    {
      for (gsize j = 0; j < G_N_ELEMENTS (ascending); j++)
        {
          const int order = vp_pci_address_compare (&ascending[i], &ascending[j]);
          EXPECT_EQ (order < 0, i < j) << i << " " << j;
          EXPECT_EQ (order == 0, i == j) << i << " " << j;
        }
    }
}

} // namespace
