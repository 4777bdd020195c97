#include "launcher/wrapper/foreign-spec.h"
#include "qmp/message.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{

struct Row
{
  const char *name;
  const char *arguments;
  const char *ref;        /* "" for none */
  const char *properties; /* what is left; nullptr: refused */
};

const Row rows[] = {
  { "kata_root_port",
    R"({"id":"vfio-0123456789abcdef0","driver":"vfio-pci","host":"0000:02:10.0","romfile":"","bus":"rp0"})",
    "0000:02:10.0", R"({"romfile":""})" },
  { "kata_bridge",
    R"({"id":"v0","driver":"vfio-pci","host":"02:10.0","addr":"02","bus":"pci-bridge-0"})",
    "02:10.0", "{}" },
  { "mediated",
    R"({"id":"m","driver":"vfio-pci","sysfsdev":"/sys/bus/mdev/devices/f79944e4-5a3d-11e8-99ce-479cbab002e4"})",
    "f79944e4-5a3d-11e8-99ce-479cbab002e4", "{}" },
  { "network",
    R"({"id":"virtio-tap0","driver":"virtio-net-pci","netdev":"tap0","mac":"02:00:00:00:00:01","addr":"3","bus":"b","mq":"on","vectors":4})",
    "", R"({"netdev":"tap0","mac":"02:00:00:00:00:01","mq":"on","vectors":4})" },
  { "no_id", R"({"driver":"virtio-net-pci"})", "", "{}" },
  { "no_driver", R"({"id":"a","host":"02:10.0"})", "02:10.0", nullptr },
  { "no_host_device", R"({"driver":"vfio-pci","id":"a","host":"nonsense"})", "", nullptr },
  { "comma_in_driver", R"({"driver":"a,plug=cold","id":"a"})", "", nullptr },
  { "comma_in_id", R"({"driver":"e1000e","id":"a,b=c"})", "", nullptr },
  { "bad_id", R"({"driver":"e1000e","id":"4"})", "", nullptr },
};

class ForeignSpec : public testing::TestWithParam<Row>
{
};

TEST_P (ForeignSpec, SaysTheSame)
{
  const Row &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  g_autoptr (JsonObject) arguments = vp_qmp_message_parse (row.arguments, nullptr);
  g_autofree char *ref = vp_foreign_spec_get_ref (arguments);
  g_autoptr (VpDeviceSpec) spec = vp_foreign_spec_new (arguments, &error);

  EXPECT_STREQ (ref != nullptr ? ref : "", row.ref);
  if (row.properties == nullptr)
    {
      EXPECT_EQ (spec, nullptr);
      ASSERT_NE (error, nullptr);
      return;
    }
  ASSERT_NE (spec, nullptr) << error->message;
  g_autofree char *properties = vp_qmp_message_to_line (spec->properties);
  EXPECT_STREQ (g_strchomp (properties), row.properties);
  EXPECT_EQ (spec->plug, VP_PLUG_HOT);
  EXPECT_FALSE (spec->bind) << "it is the runtime's to take it from its driver";
  EXPECT_STREQ (spec->id, vp_qmp_message_get_string (arguments, "id"));
}

INSTANTIATE_TEST_SUITE_P (Table, ForeignSpec, testing::ValuesIn (rows), name_of_row<Row>);

} // namespace
