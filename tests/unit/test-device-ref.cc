#include "devices/device-ref.h"
#include "devices/error.h"

#include "tests/support/row-name.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

struct Good
{
  const char *name;
  const char *text;
  VpDeviceRefKind kind;
  guint number;
  const char *canonical;
};

const Good good[] = {
  { "kata_group", "/dev/vfio/16", VP_DEVICE_REF_GROUP, 16, "/dev/vfio/16" },
  { "kata_one_digit", "/dev/vfio/1", VP_DEVICE_REF_GROUP, 1, "/dev/vfio/1" },
  { "group_zero", "/dev/vfio/0", VP_DEVICE_REF_GROUP, 0, "/dev/vfio/0" },
  { "largest_group", "/dev/vfio/2147483647", VP_DEVICE_REF_GROUP, 2147483647,
    "/dev/vfio/2147483647" },
  { "cdev", "/dev/vfio/devices/vfio3", VP_DEVICE_REF_CDEV, 3, "/dev/vfio/devices/vfio3" },
  { "kata_cdev_zero", "/dev/vfio/devices/vfio0", VP_DEVICE_REF_CDEV, 0, "/dev/vfio/devices/vfio0" },
  { "kata_cdev", "/dev/vfio/devices/vfio99", VP_DEVICE_REF_CDEV, 99, "/dev/vfio/devices/vfio99" },
  { "address", "0000:41:00.0", VP_DEVICE_REF_PCI, 0, "0000:41:00.0" },
  { "short_address", "41:00.0", VP_DEVICE_REF_PCI, 0, "0000:41:00.0" },
  { "vmd_address", "10000:e1:00.0", VP_DEVICE_REF_PCI, 0, "10000:e1:00.0" },
  { "uuid", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", VP_DEVICE_REF_MDEV, 0,
    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001" },
  { "uuid_upper_case", "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001", VP_DEVICE_REF_MDEV, 0,
    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001" },
};

class DeviceRefGood : public testing::TestWithParam<Good>
{
};

TEST_P (DeviceRefGood, IsReadAndSpelledCanonically)
{
  const Good &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  VpDeviceRef ref;

  ASSERT_TRUE (vp_device_ref_parse (row.text, &ref, &error)) << error->message;
  EXPECT_EQ (ref.kind, row.kind);
  EXPECT_EQ (ref.number, row.number);
  g_autofree char *text = vp_device_ref_to_string (&ref);
  EXPECT_STREQ (text, row.canonical);
}

INSTANTIATE_TEST_SUITE_P (Table, DeviceRefGood, testing::ValuesIn (good), name_of_row<Good>);

struct Bad
{
  const char *name;
  const char *text;
  const char *why; /* part of the message */
};

const Bad bad[] = {
  { "control_node", "/dev/vfio/vfio", "\"/dev/vfio/vfio\" is the VFIO control node, not a device" },
  { "below_the_control_node", "/dev/vfio/vfio/12", "is not a VFIO node" },
  { "noiommu", "/dev/vfio/noiommu-0", "without an IOMMU" },
  { "folder", "/dev/vfio", "is not a VFIO node" },
  { "folder_with_slash", "/dev/vfio/", "is not a VFIO node" },
  { "kata_short", "/dev/vf", "is not a VFIO node" },
  { "kata_dev", "/dev", "is not a VFIO node" },
  { "kata_word", "/dev/vfio/invalid", "is not a VFIO node" },
  { "kata_other_folder", "/dev/other/42", "is not a VFIO node" },
  { "other_node", "/dev/kvm", "is not a VFIO node" },
  { "leading_zero", "/dev/vfio/016", "is not a VFIO node" },
  { "two_zeros", "/dev/vfio/00", "is not a VFIO node" },
  { "plus", "/dev/vfio/+1", "is not a VFIO node" },
  { "minus", "/dev/vfio/-1", "is not a VFIO node" },
  { "hexadecimal", "/dev/vfio/0x10", "is not a VFIO node" },
  { "blank_after", "/dev/vfio/1 ", "is not a VFIO node" },
  { "blank_before", "/dev/vfio/ 1", "is not a VFIO node" },
  { "newline_after", "/dev/vfio/1\n", "\"/dev/vfio/1\\n\" is not a VFIO node" },
  { "slash_after", "/dev/vfio/1/", "is not a VFIO node" },
  { "two_slashes", "/dev/vfio//1", "is not a VFIO node" },
  { "dots", "/dev/vfio/../vfio/1", "is not a VFIO node" },
  { "above_int", "/dev/vfio/2147483648", "is not a VFIO node" },
  { "wraps_32_bits", "/dev/vfio/4294967297", "is not a VFIO node" },
  { "wraps_64_bits", "/dev/vfio/18446744073709551617", "is not a VFIO node" },
  { "comma", "/dev/vfio/16,sysfsdev=/etc", "is not a VFIO node" },
  { "cdev_folder", "/dev/vfio/devices", "is not a VFIO node" },
  { "cdev_without_number", "/dev/vfio/devices/vfio", "is not a VFIO node" },
  { "cdev_number_alone", "/dev/vfio/devices/3", "is not a VFIO node" },
  { "cdev_leading_zero", "/dev/vfio/devices/vfio03", "is not a VFIO node" },
  { "cdev_trailing", "/dev/vfio/devices/vfio3x", "is not a VFIO node" },

  { "empty", "", "\"\" is not a device" },
  { "number", "16", "is not a device" },
  { "relative", "dev/vfio/16", "is not a device" },
  { "blank", " /dev/vfio/16", "is not a device" },
  { "word", "gpu0", "is not a device" },
  { "address_comma", "0000:41:00.0,rombar=off", "is not a PCI address" },
  { "address_slot", "0000:41:20.0", "is not a PCI address" },
  { "address_newline", "0000:41:00.0\n", "is not a PCI address" },
  { "uuid_short", "83b8f4f2-509f-382f-3c1e-e6bfe0fa100", "is not a device" },
  { "uuid_long", "83b8f4f2-509f-382f-3c1e-e6bfe0fa10011", "is not a device" },
  { "uuid_not_hex", "83b8f4f2-509f-382f-3c1e-e6bfe0fa100g", "is not a device" },
  { "uuid_dash_moved", "83b8f4f25-09f-382f-3c1e-e6bfe0fa1001", "is not a device" },
  { "uuid_in_braces", "{83b8f4f2-509f-382f-3c1e-e6bfe0fa1001}", "is not a device" },
  { "kata_uuid_cut", "f79944e4-5a3d-11e8-99ce", "is not a device" },
  { "kata_uuid_dash_last", "f79944e4-5a3d-11e8-99ce-", "is not a device" },
};

class DeviceRefBad : public testing::TestWithParam<Bad>
{
};

TEST_P (DeviceRefBad, IsRefusedWithAReason)
{
  const Bad &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  VpDeviceRef ref;
  std::memset (&ref, 0xa5, sizeof ref);

  ASSERT_FALSE (vp_device_ref_parse (row.text, &ref, &error));
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID));
  EXPECT_NE (std::string (error->message).find (row.why), std::string::npos) << error->message;

  unsigned char untouched[sizeof ref];
  std::memset (untouched, 0xa5, sizeof untouched);
  EXPECT_EQ (std::memcmp (&ref, untouched, sizeof ref), 0) << "touched on failure";
}

INSTANTIATE_TEST_SUITE_P (Table, DeviceRefBad, testing::ValuesIn (bad), name_of_row<Bad>);

TEST (DeviceRef, NoTextReachesTheMessageRaw)
{
  /* Each byte in each form: the message stays one line of printable ASCII. */
  for (int byte = 1; byte < 256; byte++)
    {
      for (const char *prefix : { "", "/dev/vfio/", "0000:41:00." })
        {
          const std::string text = std::string (prefix) + static_cast<char> (byte) + "\x1b]0;x\a";
          g_autoptr (GError) error = nullptr;
          VpDeviceRef ref;

          ASSERT_FALSE (vp_device_ref_parse (text.c_str (), &ref, &error));
          for (const char *p = error->message; *p != '\0'; p++)
            {
              ASSERT_TRUE (g_ascii_isprint (*p)) << byte << ": " << error->message;
            }
        }
    }
}

TEST (DeviceRef, ALongTextIsCut)
{
  g_autoptr (GError) error = nullptr;
  const std::string text (1 << 20, 'a');
  VpDeviceRef ref;

  ASSERT_FALSE (vp_device_ref_parse (text.c_str (), &ref, &error));
  EXPECT_LT (std::strlen (error->message), 300u);
  EXPECT_NE (std::string (error->message).find ("..."), std::string::npos);
}

} // namespace
