#include "devices/device-id.h"

#include "tests/support/row-name.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

/* What QEMU 7.2 takes without aborting. */
bool
is_valid (const char *id)
{
  if (!g_ascii_isalpha (id[0]) || strlen (id) > VP_DEVICE_ID_MAX_LENGTH)
    return false;
  for (const char *c = id; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_.-", *c) == nullptr)
      return false;
  return true;
}

struct AddressRow
{
  const char *name;
  VpPciAddress address;
  const char *id;
};

const AddressRow addresses[] = {
  { "domain_0_is_left_out", { 0, 0x41, 0, 0 }, "vfio-41-00.0" },
  { "largest_of_domain_0", { 0, 0xff, 0x1f, 7 }, "vfio-ff-1f.7" },
  { "small_domain", { 1, 0x41, 0, 0 }, "vfio-0001-41-00.0" },
  { "domain_behind_vmd", { 0x10000, 0xe1, 0, 0 }, "vfio-10000-e1-00.0" },
};

class DeviceIdOfAddress : public testing::TestWithParam<AddressRow>
{
};

TEST_P (DeviceIdOfAddress, SaysWhichFunctionItIs)
{
  g_autofree char *id = vp_device_id_from_address (&GetParam ().address);

  EXPECT_STREQ (id, GetParam ().id);
  EXPECT_TRUE (is_valid (id));
}

INSTANTIATE_TEST_SUITE_P (Table,
                          DeviceIdOfAddress,
                          testing::ValuesIn (addresses),
                          name_of_row<AddressRow>);

struct DriverRow
{
  const char *name;
  std::string driver;
  guint number;
  std::string id;
};

const DriverRow drivers[] = {
  { "plain", "virtio-net-pci", 0, "virtio-net-pci0" },
  { "number", "nvme", 12, "nvme12" },
  { "legal_punctuation", "a_b.c-d", 1, "a_b.c-d1" },
  { "digit_first", "82559er", 0, "qemu-82559er0" },
  { "punctuation_first", "-nvme", 0, "qemu--nvme0" },
  { "comma_and_equals", "nvme,id=x", 0, "nvme-id-x0" },
  { "newline_and_quote", "a\n\"b", 0, "a--b0" },
  { "not_ascii", "n\xc3\xa9", 0, "n--0" },
  { "empty", "", 3, "qemu-3" },
  { "as_long_as_it_can_be", std::string (63, 'x'), 7, std::string (63, 'x') + "7" },
  { "too_long_keeps_its_number", std::string (200, 'x'), 123, std::string (61, 'x') + "123" },
  { "not_a_port", "port", 1, "port-1" },
  { "not_a_slot", "slot", 2, "slot-2" },
  { "not_a_bridge", "bridge", 1, "bridge-1" },
  { "a_word_with_port_in_it", "portal", 1, "portal1" },
};

class DeviceIdOfDriver : public testing::TestWithParam<DriverRow>
{
};

TEST_P (DeviceIdOfDriver, IsAlwaysValidAndNeverReserved)
{
  g_autofree char *id = vp_device_id_from_driver (GetParam ().driver.c_str (), GetParam ().number);

  EXPECT_EQ (id, GetParam ().id);
  EXPECT_TRUE (is_valid (id)) << id;
  EXPECT_FALSE (vp_device_id_is_reserved (id)) << id;
}

INSTANTIATE_TEST_SUITE_P (Table,
                          DeviceIdOfDriver,
                          testing::ValuesIn (drivers),
                          name_of_row<DriverRow>);

struct ReservedRow
{
  const char *name;
  const char *id;
  bool reserved;
};

const ReservedRow reserved[] = {
  { "port", "port1", true },
  { "port_of_no_plan", "port4096", true },
  { "slot", "slot2", true },
  { "bridge", "bridge31", true },
  { "port_without_number", "port", false },
  { "port_with_more", "port1a", false },
  { "port_with_dash", "port-1", false },
  { "sport", "sport1", false },
  { "upper_case", "Port1", false },
  { "empty", "", false },
  { "digits", "1", false },
};

class DeviceIdReserved : public testing::TestWithParam<ReservedRow>
{
};

TEST_P (DeviceIdReserved, IsWhatPlansCallTheirOwn)
{
  EXPECT_EQ (vp_device_id_is_reserved (GetParam ().id), GetParam ().reserved);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          DeviceIdReserved,
                          testing::ValuesIn (reserved),
                          name_of_row<ReservedRow>);

} // namespace
