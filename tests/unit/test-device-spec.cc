#include "devices/error.h"
#include "launcher/config/device-spec.h"
#include "launcher/error.h"
#include "qmp/json-writer.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

std::string
properties_of (const VpDeviceSpec *spec)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GString) text = g_string_new (nullptr);

  json_node_set_object (node, spec->properties);
  vp_json_write (text, node);
  return text->str;
}

struct Good
{
  const char *name;
  const char *text;
  VpDeviceSpecKind kind;
  const char *ref;    /* or nullptr */
  const char *driver; /* or nullptr */
  const char *id;     /* or nullptr */
  VpPlug plug;
  gboolean bind;
  const char *properties;
};

#define HOST         VP_DEVICE_SPEC_VFIO, "0000:41:00.0", nullptr
#define RNG          VP_DEVICE_SPEC_QEMU, nullptr, "virtio-rng-pci"
#define USER         VP_DEVICE_SPEC_VFIO_USER, nullptr, "vfio-user-pci"
#define DISK(driver) VP_DEVICE_SPEC_DISK, nullptr, driver, nullptr, VP_PLUG_AUTO, FALSE, "{}"
#define NIC(driver)  VP_DEVICE_SPEC_NIC, nullptr, driver, nullptr, VP_PLUG_AUTO, FALSE, "{}"
#define NVME         VP_DEVICE_SPEC_QEMU, nullptr, "nvme", nullptr, VP_PLUG_AUTO, FALSE

const Good good[] = {
  { "address", "0000:41:00.0", HOST, nullptr, VP_PLUG_AUTO, FALSE, "{}" },
  { "short_address", "41:00.0", HOST, nullptr, VP_PLUG_AUTO, FALSE, "{}" },
  { "group", "/dev/vfio/40", VP_DEVICE_SPEC_VFIO, "/dev/vfio/40", nullptr, nullptr, VP_PLUG_AUTO,
    FALSE, "{}" },
  { "all_keys", "41:00.0,plug=cold,id=gpu.0,bind=on,rombar=off,x-no-mmap=on", HOST, "gpu.0",
    VP_PLUG_COLD, TRUE, R"({"rombar":0,"x-no-mmap":true})" },
  { "switches_off", "41:00.0,x-no-mmap=off,bind=off,rombar=on,plug=hot", HOST, nullptr, VP_PLUG_HOT,
    FALSE, R"({"x-no-mmap":false,"rombar":1})" },
  { "iommufd", "41:00.0,iommufd=on", HOST, nullptr, VP_PLUG_AUTO, FALSE, "{}" },
  { "plug_auto", "41:00.0,plug=auto", HOST, nullptr, VP_PLUG_AUTO, FALSE, "{}" },
  { "longest_id", "41:00.0,id=a234567890123456789012345678901234567890123456789012345678901234",
    HOST, "a234567890123456789012345678901234567890123456789012345678901234", VP_PLUG_AUTO, FALSE,
    "{}" },
  { "rng", "rng", RNG, nullptr, VP_PLUG_AUTO, FALSE, "{}" },
  { "rng_with_keys", "rng,id=dice,plug=cold", RNG, "dice", VP_PLUG_COLD, FALSE, "{}" },
  { "vfio_user", "vfio-user,socket=/run/a,,b.sock", USER, nullptr, VP_PLUG_AUTO, FALSE, "{}" },
  { "vfio_user_with_keys", "vfio-user,plug=hot,id=u,socket=/s", USER, "u", VP_PLUG_HOT, FALSE,
    "{}" },
  { "qemu", "qemu,driver=nvme", NVME, "{}" },
  { "qemu_id_and_plug", "qemu,plug=hot,driver=nvme,id=n1", VP_DEVICE_SPEC_QEMU, nullptr, "nvme",
    "n1", VP_PLUG_HOT, FALSE, "{}" },
  { "booleans", "qemu,driver=nvme,a=on,b=off,c=true,d=false", NVME,
    R"({"a":true,"b":false,"c":true,"d":false})" },
  { "integers", "qemu,driver=nvme,a=0,b=42,c=-1,d=0x1F,e=0Xff,f=9223372036854775807", NVME,
    R"({"a":0,"b":42,"c":-1,"d":31,"e":255,"f":9223372036854775807})" },
  { "sizes", "qemu,driver=nvme,a=1K,b=64G,c=2T,d=0M", NVME,
    R"({"a":1024,"b":68719476736,"c":2199023255552,"d":0})" },
  { "strings", "qemu,driver=nvme,a=abc,b=007,c=,d=52:54:00:12:34:56,e=1e3,f=On,g=1.5,h=0x", NVME,
    R"({"a":"abc","b":"007","c":"","d":"52:54:00:12:34:56","e":"1e3","f":"On","g":"1.5","h":"0x"})" },
  { "quotes_keep_strings", "qemu,driver=nvme,a='on',b='42',c='',d='64G'", NVME,
    R"({"a":"on","b":"42","c":"","d":"64G"})" },
  { "a_single_quote_is_text", "qemu,driver=nvme,a=',b=x'", NVME, R"({"a":"'","b":"x'"})" },
  { "doubled_comma", "qemu,driver=nvme,a=x,,y,,,b=1", NVME, R"({"a":"x,y,","b":1})" },
  { "equals_in_value", "qemu,driver=nvme,a=b=c", NVME, R"({"a":"b=c"})" },
  { "disk", "disk,a.img", DISK ("virtio-blk-pci") },
  { "disk_virtio_scsi", "disk,/a,model=virtio-scsi,readonly", DISK ("virtio-scsi-pci") },
  { "disk_nvme", "disk,/a,format=qcow2,model=nvme", DISK ("nvme") },
  { "disk_id_and_plug", "disk,/a,id=data,plug=cold", VP_DEVICE_SPEC_DISK, nullptr, "virtio-blk-pci",
    "data", VP_PLUG_COLD, FALSE, "{}" },
  { "nic_user", "nic,user", NIC ("virtio-net-pci") },
  { "nic_passt_e1000e", "nic,passt,model=e1000e", NIC ("e1000e") },
  { "nic_tap", "nic,tap,ifname=t0,vhost=on,mac=52:54:00:12:34:5F", NIC ("virtio-net-pci") },
  { "not_ascii", "qemu,driver=nvme,serial=Größe", NVME, R"({"serial":"Größe"})" },
};

class DeviceSpecGood : public testing::TestWithParam<Good>
{
};

TEST_P (DeviceSpecGood, IsRead)
{
  const Good &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpDeviceSpec) spec = vp_device_spec_parse (row.text, &error);

  ASSERT_NE (spec, nullptr) << error->message;
  EXPECT_STREQ (spec->text, row.text);
  EXPECT_EQ (spec->kind, row.kind);
  EXPECT_STREQ (spec->driver, row.driver);
  EXPECT_STREQ (spec->id, row.id);
  EXPECT_EQ (spec->plug, row.plug);
  EXPECT_EQ (spec->bind, row.bind);
  EXPECT_EQ (properties_of (spec), row.properties);
  if (row.ref != nullptr)
    {
      g_autofree char *ref = vp_device_ref_to_string (&spec->ref);
      EXPECT_STREQ (ref, row.ref);
    }
}

INSTANTIATE_TEST_SUITE_P (Table, DeviceSpecGood, testing::ValuesIn (good), name_of_row<Good>);

struct Bad
{
  const char *name;
  const char *text;
  const char *why; /* part of the message */
};

const Bad bad[] = {
  { "empty", "", "empty" },
  { "not_a_device", "gpu0", "\"gpu0\" is not a device" },
  { "control_node", "/dev/vfio/vfio", "/dev/vfio/vfio" },
  { "trailing_comma", "41:00.0,", "before or after a comma" },
  { "leading_comma", ",41:00.0", "before or after a comma" },
  { "nothing_between_commas", "41:00.0,plug=cold, ,id=x", "\" \" is not one of plug=, id=" },
  { "unknown_key", "41:00.0,romfile=x",
    "\"romfile=\" is not one of plug=, id=, bind=, force=, iommufd=, rombar=, x-no-mmap=" },
  { "injection", "41:00.0,sysfsdev=/etc", "\"sysfsdev=\" is not one of" },
  { "second_host", "41:00.0,host=42:00.0", "\"host=\" is not one of" },
  { "key_without_value", "41:00.0,plug", "\"plug\" is not one of plug=" },
  { "value_without_key", "41:00.0,=cold", "no name before" },
  { "given_twice", "41:00.0,plug=hot,plug=cold", "\"plug\" is given twice" },
  { "id_twice", "rng,id=a,id=a", "\"id\" is given twice" },
  { "iommufd_unknown", "41:00.0,iommufd=yes", "iommufd: \"yes\" is none of auto, on, off" },
  { "iommufd_of_an_emulated_one", "rng,iommufd=on", "\"iommufd=\" is not one of plug=, id=" },
  { "plug_unknown", "41:00.0,plug=warm", "\"warm\" is none of auto, cold, hot" },
  { "plug_empty", "41:00.0,plug=", "\"\" is none of auto, cold, hot" },
  { "force_without_bind", "41:00.0,force=on",
    "41:00.0: force=on is about taking it from its driver: add bind=on" },
  { "force_of_rng", "rng,force=on", "\"force=\" is not one of" },
  { "bind_neither", "41:00.0,bind=yes", "\"yes\" is neither on nor off (bind)" },
  { "rombar_number", "41:00.0,rombar=0", "\"0\" is neither on nor off (rombar)" },
  { "id_empty", "41:00.0,id=", "is not an id" },
  { "id_digit_first", "41:00.0,id=1a", "\"1a\" is not an id" },
  { "id_slash", "41:00.0,id=a/b", "\"a/b\" is not an id" },
  { "id_comma", "41:00.0,id=a,,b", "\"a,b\" is not an id" },
  { "id_too_long", "rng,id=a2345678901234567890123456789012345678901234567890123456789012345",
    "is not an id" },
  { "id_of_a_port", "41:00.0,id=port7", "part of the VM itself" },
  { "id_of_a_bridge", "41:00.0,id=bridge1", "part of the VM itself" },
  { "id_of_a_disk", "rng,id=disk0", "part of the VM itself" },
  { "id_of_a_nic", "rng,id=nic3", "part of the VM itself" },
  { "id_of_a_share", "rng,id=share12", "part of the VM itself" },
  { "id_of_the_monitor", "rng,id=qmp", "part of the VM itself" },
  { "id_of_iommufd", "rng,id=vmplug-iommufd", "part of the VM itself" },
  { "id_of_the_console", "rng,id=console", "part of the VM itself" },
  { "id_of_a_cpu", "rng,id=cpu1", "part of the VM itself" },
  { "id_of_the_memory", "rng,id=memory", "part of the VM itself" },
  { "id_of_shared_memory", "rng,id=ram", "part of the VM itself" },
  { "id_of_the_ready_port", "rng,id=ready-port", "part of the VM itself" },
  { "newline_in_id", "41:00.0,id=a\nb", "control character at byte 13" },
  { "escape", "41:00.0,id=\033[2J", "control character at byte 12" },
  { "c1_control", "41:00.0,id=\xc2\x9b", "control character at byte 12" },
  { "not_utf8", "qemu,driver=nvme,serial=\xff", "not valid UTF-8" },
  { "disk_alone", "disk", "disk,FILE" },
  { "disk_empty", "disk,", "empty" },
  { "disk_unknown", "disk,a,cache=none",
    "disk: \"cache=\" is not one of format=, readonly, model=, plug=, id=" },
  { "disk_property", "disk,a,serial=1", "\"serial=\" is not one of" },
  { "disk_format", "disk,a,format=vmdk", "\"vmdk\" is none of raw, qcow2" },
  { "disk_model", "disk,a,model=ide", "\"ide\" is none of virtio-blk, virtio-scsi, nvme" },
  { "disk_model_without_value", "disk,a,model", "\"model\" is not one of" },
  { "disk_snapshot", "disk,a,snapshot", "is for a --disk that is there from the start" },
  { "disk_escaped", "disk,,a", "is not a device" },
  { "disk_bind", "disk,a,bind=on", "\"bind=\" is not one of" },
  { "nic_alone", "nic", "nic,user|tap|passt" },
  { "nic_unknown", "nic,bridge", "\"bridge\" is none of user, tap, passt" },
  { "nic_user_ifname", "nic,user,ifname=t0",
    "nic: \"ifname=\" is not one of model=, mac=, plug=, id=" },
  { "nic_tap_alone", "nic,tap", "\"tap\" needs ifname=NAME" },
  { "nic_tap_unknown", "nic,tap,ifname=t0,script=/x", "\"script=\" is not one of ifname=, vhost=" },
  { "nic_tap_name", "nic,tap,ifname=../x", "is not the name of a network interface" },
  { "nic_tap_vhost", "nic,tap,ifname=t0,vhost=yes", "\"yes\" is none of auto, on, off" },
  { "nic_passt_vhost", "nic,passt,vhost=on", "\"vhost=\" is not one of model=" },
  { "nic_model", "nic,user,model=rtl8139", "\"rtl8139\" is none of virtio-net, e1000e" },
  { "nic_mac_short", "nic,user,mac=52:54:00:12:34", "is not the address of one network card" },
  { "nic_mac_long", "nic,user,mac=52:54:00:12:34:56:78", "is not the address of one network card" },
  { "nic_mac_group", "nic,user,mac=53:54:00:12:34:56", "is not the address of one network card" },
  { "nic_mac_text", "nic,user,mac=52:54:00:12:34:5g", "is not the address of one network card" },
  { "rng_property", "rng,max-bytes=1", "\"max-bytes=\" is not one of plug=, id=" },
  { "rng_bind", "rng,bind=on", "\"bind=\" is not one of" },
  { "qemu_alone", "qemu", "driver= is missing" },
  { "qemu_without_driver", "qemu,id=x", "driver= is missing" },
  { "driver_empty", "qemu,driver=", "not the name of a device" },
  { "driver_help", "qemu,driver=help", "not the name of a device" },
  { "driver_question_mark", "qemu,driver=?", "not the name of a device" },
  { "driver_with_comma", "qemu,driver=nvme,,addr=3", "not the name of a device" },
  { "vfio_user_without_socket", "vfio-user,id=u", "vfio-user: socket= is missing" },
  { "vfio_user_relative", "vfio-user,socket=a.sock",
    "\"a.sock\" is not an absolute path (socket)" },
  { "vfio_user_empty", "vfio-user,socket=", "\"\" is not an absolute path" },
  { "vfio_user_twice", "vfio-user,socket=/a,socket=/b", "\"socket\" is given twice" },
  { "vfio_user_unknown_key", "vfio-user,socket=/a,rombar=off",
    "\"rombar=\" is not one of socket=, plug=, id=" },
  { "socket_of_another_kind", "41:00.0,socket=/a", "\"socket=\" is not one of plug=" },
  { "driver_vfio_user", "qemu,driver=vfio-user-pci", "is asked for as vfio-user,socket=PATH" },
  { "driver_vfio", "qemu,driver=vfio-pci", "give the reference instead" },
  { "driver_vfio_nohotplug", "qemu,driver=vfio-pci-nohotplug", "give the reference instead" },
  { "bus_is_ours", "qemu,driver=nvme,bus=pcie.0", "\"bus\" is for vmplug to set" },
  { "addr_is_ours", "qemu,driver=nvme,addr=4", "\"addr\" is for vmplug to set" },
  { "host_is_ours", "qemu,driver=nvme,host=41:00.0", "\"host\" is for vmplug to set" },
  { "sysfsdev_is_ours", "qemu,driver=nvme,sysfsdev=/x", "\"sysfsdev\" is for vmplug to set" },
  { "property_without_value", "qemu,driver=nvme,discard", "\"discard\" is not one of driver=" },
  { "property_name", "qemu,driver=nvme,a b=1", "\"a b=\" is not one of" },
  { "too_large", "qemu,driver=nvme,a=9223372036854775808", "does not fit into 63 bits (a)" },
  { "hex_too_large", "qemu,driver=nvme,a=0xffffffffffffffff", "does not fit into 63 bits" },
  { "size_too_large", "qemu,driver=nvme,a=8388608T", "does not fit into 63 bits" },
  { "size_beyond_64_bits", "qemu,driver=nvme,a=99999999999999999999T", "64 bits" },
};

class DeviceSpecBad : public testing::TestWithParam<Bad>
{
};

TEST_P (DeviceSpecBad, IsRefusedAndSaysWhy)
{
  const Bad &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpDeviceSpec) spec = vp_device_spec_parse (row.text, &error);

  ASSERT_EQ (spec, nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE) ||
               g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID));
  EXPECT_NE (std::string (error->message).find (row.why), std::string::npos) << error->message;
  for (const char *p = error->message; *p != '\0'; p++)
    EXPECT_FALSE (g_ascii_iscntrl (*p)) << error->message;
}

INSTANTIATE_TEST_SUITE_P (Table, DeviceSpecBad, testing::ValuesIn (bad), name_of_row<Bad>);

TEST (DeviceSpec, ASocketMayBeAsLongAsASocketCanBe)
{
  const std::string longest = "/" + std::string (VP_DEVICE_SPEC_MAX_SOCKET - 1, 'x');
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpDeviceSpec) spec =
      vp_device_spec_parse (("vfio-user,socket=" + longest).c_str (), &error);

  ASSERT_NE (spec, nullptr) << error->message;
  EXPECT_EQ (spec->socket, longest);
  EXPECT_EQ (vp_device_spec_parse (("vfio-user,socket=" + longest + "x").c_str (), &error),
             nullptr);
  EXPECT_NE (strstr (error->message, "has 108 bytes, the path of a socket at most 107"), nullptr)
      << error->message;
}

TEST (DeviceSpec, WhatIsBehindADisk)
{
  g_autoptr (VpDeviceSpec) spec =
      vp_device_spec_parse ("disk,a,,b=c,readonly,format=qcow2", nullptr);

  EXPECT_STREQ (spec->disk->file, "a,b=c");
  EXPECT_STREQ (spec->disk->format, "qcow2");
  EXPECT_TRUE (spec->disk->readonly);
  EXPECT_EQ (spec->nic, nullptr);
  EXPECT_TRUE (vp_device_spec_is_emulated (spec));
}

TEST (DeviceSpec, WhatIsBehindANetworkCard)
{
  g_autoptr (VpDeviceSpec) spec =
      vp_device_spec_parse ("nic,tap,ifname=t0,vhost=off,mac=52:54:00:AB:cd:EF", nullptr);

  EXPECT_EQ (spec->nic->kind, VP_NIC_TAP);
  EXPECT_STREQ (spec->nic->ifname, "t0");
  EXPECT_EQ (spec->nic->vhost, VP_NIC_VHOST_OFF);
  EXPECT_STREQ (spec->nic->mac, "52:54:00:ab:cd:ef");
  EXPECT_EQ (spec->disk, nullptr);
}

TEST (DeviceSpec, OnlyTheFileOfADiskDependsOnTheFolder)
{
  const char *const rows[][2] = {
    { "disk,a.img,readonly", "disk,/x,,y/a.img,readonly" },
    { "disk,,a", "disk,,a" },
    { "disk,/a.img", "disk,/a.img" },
    { "disk", "disk" },
    { "nic,user", "nic,user" },
    { "qemu,driver=nvme", "qemu,driver=nvme" },
    { "41:00.0", "41:00.0" },
  };

  for (const auto &row : rows)
    {
      g_autofree char *text = vp_device_spec_make_absolute (row[0], "/x,y");
      EXPECT_STREQ (text, row[1]);
    }
}

TEST (DeviceSpec, TheMessageNamesTheDevice)
{
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (vp_device_spec_parse ("41:00.0,plug=warm", &error), nullptr);
  EXPECT_TRUE (g_str_has_prefix (error->message, "41:00.0: ")) << error->message;
}

TEST (DeviceSpecIommufd, IsUndecidedUnlessSaidSo)
{
  static const struct
  {
    const char *text;
    VpIommufdMode mode;
    bool is_by_iommufd;
  } table[] = {
    { "41:00.0", VP_IOMMUFD_AUTO, false },
    { "/dev/vfio/devices/vfio3", VP_IOMMUFD_AUTO, false },
    { "41:00.0,iommufd=auto", VP_IOMMUFD_AUTO, false },
    { "41:00.0,iommufd=off", VP_IOMMUFD_OFF, false },
    { "/dev/vfio/40,iommufd=on", VP_IOMMUFD_ON, true },
  };

  for (const auto &row : table)
    {
      g_autoptr (VpDeviceSpec) spec = vp_device_spec_parse (row.text, nullptr);

      ASSERT_NE (spec, nullptr) << row.text;
      EXPECT_EQ (spec->iommufd, row.mode) << row.text;
      EXPECT_EQ (vp_device_spec_is_by_iommufd (spec), row.is_by_iommufd) << row.text;
    }
}

} // namespace
