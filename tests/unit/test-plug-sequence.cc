#include "launcher/vm/plug-sequence.h"
#include "qmp/json-writer.h"

#include "tests/support/plug-input.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <vector>

namespace
{

std::string
json_of (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GString) text = g_string_new (nullptr);

  json_node_set_object (node, object);
  vp_json_write (text, node);
  return text->str;
}

/* "COMMAND ARGUMENTS", with " <- COMMAND ARGUMENTS" when it can be undone, after one "fd NAME PATH"
 * for each descriptor. */
std::vector<std::string>
lines_of (const VpPlugSequence *sequence)
{
  std::vector<std::string> lines;

  for (guint i = 0; i < sequence->steps->len; i++)
    {
      const auto *step = static_cast<const VpPlugStep *> (sequence->steps->pdata[i]);

      for (guint k = 0; k < step->fds->len; k++)
        {
          const auto *fd = static_cast<const VpPlugFd *> (step->fds->pdata[k]);
          lines.push_back (std::string ("fd ") + fd->name + " " +
                           (fd->kind == VP_PLUG_FD_PASST   ? "passt"
                            : fd->kind == VP_PLUG_FD_IOMMU ? "/dev/iommu"
                                                           : fd->path));
        }
      std::string line = std::string (step->command) + " " + json_of (step->arguments);
      if (step->undo != nullptr)
        line += std::string (" <- ") + step->undo + " " + json_of (step->undo_arguments);
      lines.push_back (line);
    }
  return lines;
}

struct Row
{
  const char *name;
  const char *spec;
  bool has_vhost_net;
  std::vector<std::string> lines;
};

#define PLACE R"("id":"d","bus":"port1","addr":"00.0")"
#define NODE                                                                                       \
  R"(blockdev-add {"driver":"raw","node-name":"d","read-only":false,"file":{"driver":"file",)"     \
  R"("filename":"/d.img","read-only":false}} <- blockdev-del {"node-name":"d"})"
#define NETDEV_DEL R"( <- netdev_del {"id":"d"})"
#define TAP        R"("type":"tap","id":"d","ifname":"t0","script":"no","downscript":"no")"
#define CARD       R"("netdev":"d","mac":"52:54:00:12:cb:bc","romfile":"")"
#define NET        R"(device_add {"driver":"virtio-net-pci",)" PLACE R"(,"disable-legacy":"on",)" CARD "}"

const Row rows[] = {
  { "vfio",
    "41:00.0",
    false,
    { R"(device_add {"driver":"vfio-pci",)" PLACE R"(,"host":"0000:41:00.0"})" } },
  { "iommufd",
    "41:00.0,iommufd=on,x-no-mmap=on",
    false,
    { "fd d-fd0 sys/bus/pci/devices/0000:41:00.0",
      R"(device_add {"driver":"vfio-pci",)" PLACE
      R"(,"x-no-mmap":true,"fd":"d-fd0","iommufd":"vmplug-iommufd"})" } },
  { "mediated_by_iommufd",
    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001,iommufd=on",
    false,
    { "fd d-fd0 sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
      R"(device_add {"driver":"vfio-pci",)" PLACE
      R"(,"sysfsdev":"/sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",)"
      R"("fd":"d-fd0","iommufd":"vmplug-iommufd"})" } },
  { "vfio_user",
    "vfio-user,socket=/run/a b",
    false,
    { R"(device_add {"driver":"vfio-user-pci",)" PLACE
      R"(,"socket":{"type":"unix","path":"/run/a b"}})" } },
  { "rng", "rng", false, { R"(device_add {"driver":"virtio-rng-pci",)" PLACE "}" } },
  { "qemu_is_left_alone",
    "qemu,driver=virtio-net-pci",
    false,
    { R"(device_add {"driver":"virtio-net-pci",)" PLACE "}" } },
  { "virtio_blk",
    "disk,/d.img",
    false,
    { NODE, R"(device_add {"driver":"virtio-blk-pci",)" PLACE
            R"(,"disable-legacy":"on","drive":"d"})" } },
  { "nvme",
    "disk,/d.img,model=nvme",
    false,
    { NODE, R"(device_add {"driver":"nvme",)" PLACE R"(,"serial":"d","drive":"d"})" } },
  { "virtio_scsi",
    "disk,/d.img,model=virtio-scsi",
    false,
    { NODE, R"(device_add {"driver":"virtio-scsi-pci",)" PLACE R"(,"disable-legacy":"on"})",
      R"(device_add {"driver":"scsi-hd","id":"d-disk","bus":"d.0","drive":"d"})" } },
  { "qcow2_readonly",
    "disk,/a,,b.img,readonly,format=qcow2",
    false,
    { R"(blockdev-add {"driver":"qcow2","node-name":"d","read-only":true,"file":{"driver":"file",)"
      R"("filename":"/a,b.img","read-only":true}} <- blockdev-del {"node-name":"d"})",
      R"(device_add {"driver":"virtio-blk-pci",)" PLACE
      R"(,"disable-legacy":"on","drive":"d"})" } },
  { "user", "nic,user", false, { R"(netdev_add {"type":"user","id":"d"})" NETDEV_DEL, NET } },
  { "e1000e_with_mac",
    "nic,user,model=e1000e,mac=52:54:00:00:00:0A",
    false,
    { R"(netdev_add {"type":"user","id":"d"})" NETDEV_DEL,
      R"(device_add {"driver":"e1000e",)" PLACE
      R"(,"netdev":"d","mac":"52:54:00:00:00:0a","romfile":""})" } },
  { "tap_without_vhost", "nic,tap,ifname=t0", false, { "netdev_add {" TAP "}" NETDEV_DEL, NET } },
  { "tap_with_vhost",
    "nic,tap,ifname=t0",
    true,
    { "fd d-fd0 /dev/vhost-net",
      "netdev_add {" TAP R"(,"vhost":true,"vhostfd":"d-fd0"})" NETDEV_DEL, NET } },
  { "vhost_off", "nic,tap,ifname=t0,vhost=off", true, { "netdev_add {" TAP "}" NETDEV_DEL, NET } },
  { "vhost_on_is_tried",
    "nic,tap,ifname=t0,vhost=on",
    false,
    { "fd d-fd0 /dev/vhost-net",
      "netdev_add {" TAP R"(,"vhost":true,"vhostfd":"d-fd0"})" NETDEV_DEL, NET } },
  { "passt",
    "nic,passt",
    false,
    { "fd d-fd0 passt", R"(netdev_add {"type":"socket","id":"d","fd":"d-fd0"})" NETDEV_DEL, NET } },
};

class PlugSequence : public testing::TestWithParam<Row>
{
};

TEST_P (PlugSequence, IsThis)
{
  const PlugInput input (GetParam ().spec, GetParam ().has_vhost_net);
  g_autoptr (VpPlugSequence) sequence = input.sequence ();

  EXPECT_STREQ (sequence->id, "d");
  EXPECT_EQ (lines_of (sequence), GetParam ().lines);
}

INSTANTIATE_TEST_SUITE_P (Table, PlugSequence, testing::ValuesIn (rows), name_of_row<Row>);

class PlugSequenceKinds : public testing::TestWithParam<PlugKind>
{
};

TEST_P (PlugSequenceKinds, HoldOnePciDevice)
{
  const PlugInput input (GetParam ().spec, GetParam ().has_vhost_net);
  g_autoptr (VpPlugSequence) sequence = input.sequence ();
  guint n = 0;

  for (guint i = 0; i < sequence->steps->len; i++)
    {
      const auto *step = static_cast<const VpPlugStep *> (sequence->steps->pdata[i]);

      EXPECT_EQ (step->undo == nullptr, step->is_pci_device || n > 0) << step->command;
      n += step->is_pci_device;
    }
  EXPECT_EQ (n, 1u);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          PlugSequenceKinds,
                          testing::ValuesIn (plug_kinds),
                          name_of_row<PlugKind>);

TEST (PlugSequenceIommufd, IsSharedByAll)
{
  g_autoptr (VpPlugSequence) sequence = vp_plug_sequence_new_iommufd (-1);

  EXPECT_EQ (
      lines_of (sequence),
      (std::vector<std::string>{
          "fd vmplug-iommufd-fd0 /dev/iommu",
          R"(object-add {"qom-type":"iommufd","id":"vmplug-iommufd","fd":"vmplug-iommufd-fd0"})"
          R"( <- object-del {"id":"vmplug-iommufd"})" }));
}

std::vector<std::string>
argv_of (const VpPlugSequence *sequence)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  std::vector<std::string> words;

  vp_plug_sequence_add_to_argv (sequence, argv);
  for (guint i = 0; i < argv->len; i++)
    words.emplace_back (static_cast<const char *> (argv->pdata[i]));
  return words;
}

TEST (PlugSequenceArgv, BackendsComeFirst)
{
  const PlugInput input ("disk,/d.img,model=nvme", false, 5);
  g_autoptr (VpPlugSequence) sequence = input.sequence ();
  const std::vector<std::string> argv = argv_of (sequence);

  ASSERT_EQ (argv.size (), 4u);
  EXPECT_EQ (argv[0], "-blockdev");
  EXPECT_EQ (argv[2], "-device");
  EXPECT_EQ (argv[3],
             R"({"driver":"nvme","id":"d","bus":"port1","addr":"00.0","serial":"d","drive":"d"})");
}

TEST (PlugSequenceArgv, IommufdIsAnObject)
{
  g_autoptr (VpPlugSequence) sequence = vp_plug_sequence_new_iommufd (5);

  EXPECT_EQ (argv_of (sequence),
             (std::vector<std::string>{
                 "-object", R"({"qom-type":"iommufd","id":"vmplug-iommufd","fd":"5"})" }));
}

TEST (PlugSequenceArgv, InheritedDescriptorsHaveNumbers)
{
  const PlugInput input ("nic,passt", false, 5);
  g_autoptr (VpPlugSequence) sequence = input.sequence ();
  g_autoptr (GPtrArray) fds = vp_plug_sequence_get_fds (sequence);

  ASSERT_EQ (fds->len, 1u);
  EXPECT_STREQ (static_cast<VpPlugFd *> (fds->pdata[0])->name, "5");
  EXPECT_EQ (argv_of (sequence)[1], R"({"type":"socket","id":"d","fd":"5"})");
}

} // namespace
