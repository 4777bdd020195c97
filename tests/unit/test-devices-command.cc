#include "devices/error.h"
#include "launcher/commands/commands.h"
#include "launcher/error.h"
#include "qmp/message.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/plan-input.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using Words = std::vector<std::string>;

int
run (Words words, gboolean *as_json, GError **error)
{
  std::vector<char *> argv;
  for (std::string &word : words)
    argv.push_back (word.data ());
  argv.push_back (nullptr);
  return vp_command_devices (static_cast<int> (words.size ()), argv.data (), as_json, error);
}

class Devices : public testing::Test
{
protected:
  FakeSysfs host_;

  Devices ()
  {
    host_.pci ("0000:40:00.0").ids (0x8086, 0x352a).class_code (0x060400).driver ("pcieport");
    host_.pci ("0000:41:00.0").ids (0x10de, 0x20b5).class_code (0x030200).bars (GPU);
    host_.pci ("0000:41:00.0").driver ("vfio-pci").group (40).numa_node (1);
    host_.pci ("0000:41:00.0").rom (512 << 10).resizable (2, 0x1c000);
    host_.pci ("0000:42:00.0").bars (NIC_WITH_IO).driver ("e1000e").group (41);
    host_.pci ("0000:43:00.0").pcie (false).bars (EDU).driver ("vfio-pci").group (42);
    host_.add_group_node (40);
  }

  /* Runs it; returns what it printed, or the error's message. */
  std::string
  print (Words words, GError **error = nullptr)
  {
    gboolean as_json = FALSE;
    g_autoptr (GError) local = nullptr;

    words.insert (words.begin (), { "devices", "--root", host_.root () });
    testing::internal::CaptureStdout ();
    const int status = run (words, &as_json, &local);
    fflush (stdout);
    std::string out = testing::internal::GetCapturedStdout ();
    EXPECT_EQ (status, local == nullptr ? 0 : -1);
    if (local != nullptr)
      {
        out = local->message;
        g_propagate_error (error, g_steal_pointer (&local));
      }
    return out;
  }
  JsonArray *
  json (Words words)
  {
    words.push_back ("--json");
    std::string text = print (words);
    g_autoptr (GError) error = nullptr;
    g_clear_pointer (&document_, json_object_unref);
    document_ = vp_qmp_message_parse (text.substr (0, text.size () - 1).c_str (), &error);
    EXPECT_NE (document_, nullptr) << error->message;
    return vp_qmp_message_get_array (document_, "devices");
  }
  ~Devices () override { g_clear_pointer (&document_, json_object_unref); }

private:
  JsonObject *document_ = nullptr;
};

TEST_F (Devices, JsonIsThatOfTheContract)
{
  JsonArray *devices = json ({});

  ASSERT_EQ (json_array_get_length (devices), 4u);
  JsonObject *gpu = json_array_get_object_element (devices, 1);
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "address"), "0000:41:00.0");
  EXPECT_EQ (vp_qmp_message_get_int (gpu, "group", -1), 40);
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "type"), "pci");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "vendor"), "10de");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "device"), "20b5");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "class"), "030200");
  EXPECT_STREQ (vp_qmp_message_get_string (gpu, "driver"), "vfio-pci");
  EXPECT_TRUE (vp_qmp_message_get_boolean (gpu, "pcie", FALSE));
  EXPECT_EQ (vp_qmp_message_get_int (gpu, "numa", -1), 1);
  EXPECT_TRUE (vp_qmp_message_get_boolean (gpu, "large", FALSE));
  EXPECT_TRUE (vp_qmp_message_get_boolean (gpu, "assignable", FALSE));
  EXPECT_TRUE (json_object_get_null_member (gpu, "reason"));

  JsonArray *bars = vp_qmp_message_get_array (gpu, "bars");
  ASSERT_EQ (json_array_get_length (bars), 3u);
  JsonObject *bar = json_array_get_object_element (bars, 1);
  EXPECT_EQ (vp_qmp_message_get_int (bar, "index", -1), 2);
  EXPECT_STREQ (vp_qmp_message_get_string (bar, "kind"), "mem64");
  EXPECT_TRUE (vp_qmp_message_get_boolean (bar, "prefetchable", FALSE));
  EXPECT_EQ (vp_qmp_message_get_int (bar, "size", -1), gint64 (16 * GiB));
  EXPECT_EQ (vp_qmp_message_get_int (bar, "max_size", -1), gint64 (64 * GiB));
  EXPECT_EQ (vp_qmp_message_get_int (gpu, "rom", -1), 512 << 10);
}

TEST_F (Devices, JsonSaysWhyNot)
{
  JsonArray *devices = json ({ "42:00.0", "40:00.0" });

  ASSERT_EQ (json_array_get_length (devices), 2u);
  JsonObject *nic = json_array_get_object_element (devices, 0);
  EXPECT_FALSE (vp_qmp_message_get_boolean (nic, "assignable", TRUE));
  EXPECT_NE (strstr (vp_qmp_message_get_string (nic, "reason"), "e1000e"), nullptr);
  JsonObject *bridge = json_array_get_object_element (devices, 1);
  EXPECT_TRUE (json_object_get_null_member (bridge, "group"));
  EXPECT_FALSE (vp_qmp_message_get_boolean (bridge, "assignable", TRUE));
}

TEST_F (Devices, ABoundDeviceWithoutItsNodeIsNotAssignable)
{
  JsonArray *devices = json ({ "43:00.0" });
  JsonObject *device = json_array_get_object_element (devices, 0);

  EXPECT_FALSE (vp_qmp_message_get_boolean (device, "assignable", TRUE));
  EXPECT_NE (strstr (vp_qmp_message_get_string (device, "reason"), "/dev/vfio/42"), nullptr);
}

TEST_F (Devices, ReferencesSelectAndNeverRepeat)
{
  EXPECT_EQ (json_array_get_length (json ({ "41:00.0", "/dev/vfio/40", "0000:41:00.0" })), 1u);
  EXPECT_EQ (json_array_get_length (json ({ "/dev/vfio/42", "41:00.0" })), 2u);
}

TEST_F (Devices, TheThresholdMoves)
{
  JsonArray *devices = json ({ "41:00.0", "--large-bar", "32G" });

  EXPECT_FALSE (
      vp_qmp_message_get_boolean (json_array_get_object_element (devices, 0), "large", TRUE));
}

TEST_F (Devices, TableForPeople)
{
  const std::string table = print ({ "40:00.0", "41:00.0", "42:00.0" });

  EXPECT_EQ ("\n" + table, R"(
ADDRESS       GROUP  ID         CLASS                DRIVER    BARS                            ASSIGNABLE
0000:40:00.0  -      8086:352a  PCI bridge           pcieport  -                               no: is a bridge: VFIO does not hand over bridges
0000:41:00.0  40     10de:20b5  3D controller        vfio-pci  16 MiB, 16 GiB (large), 32 MiB  yes
0000:42:00.0  41     8086:10d3  Ethernet controller  e1000e    128 KiB, 32 B                   no: is driven by e1000e, not by vfio-pci
)");
}

TEST_F (Devices, AHostWithoutDevicesHasAnEmptyList)
{
  FakeSysfs empty;

  EXPECT_EQ (json_array_get_length (json ({ "--root", empty.root () })), 0u);
}

TEST_F (Devices, Refusals)
{
  g_autoptr (GError) error = nullptr;

  print ({ "nonsense" }, &error);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID));
  g_clear_error (&error);
  print ({ "77:00.0" }, &error);
  EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND));
  g_clear_error (&error);
  print ({ "--large-bar", "0" }, &error);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
}

} // namespace
