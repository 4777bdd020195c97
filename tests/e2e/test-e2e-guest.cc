#include "tests/e2e/vm.h"
#include "tests/support/temp-folder.h"

#include <algorithm>

/* What the VM's own options give to the guest, as its kernel sees it. */

namespace
{

using Args = std::vector<std::string>;

constexpr size_t MiB = 1 << 20;

std::string
content_of (const std::string &path)
{
  std::ostringstream text;
  text << std::ifstream (path, std::ios::binary).rdbuf ();
  return text.str ();
}

/* An empty qcow2 image, by QEMU's docs/interop/qcow2.txt; no qemu-img is needed for that. */
std::string
empty_qcow2 (uint64_t size)
{
  constexpr size_t CLUSTER = 65536;
  std::string image (4 * CLUSTER, '\0');
  const auto put = [&] (size_t offset, size_t bytes, uint64_t number) {
    for (size_t i = 0; i < bytes; i++)
      image[offset + i] = static_cast<char> (number >> 8 * (bytes - 1 - i));
  };

  put (0, 4, 0x514649fb); /* "QFI\xfb" */
  put (4, 4, 2);          /* version */
  put (20, 4, 16);        /* bits of a cluster */
  put (24, 8, size);
  put (36, 4, 1); /* entries of the L1 table, which is the last cluster */
  put (40, 8, 3 * CLUSTER);
  put (48, 8, CLUSTER); /* the refcount table */
  put (56, 4, 1);       /* its clusters */
  put (CLUSTER, 8, 2 * CLUSTER);
  for (size_t i = 0; i < 4; i++)
    put (2 * CLUSTER + 2 * i, 2, 1);
  return image;
}

/* What QEMU calls the network card of that id. */
std::string
address_of (const Vm &vm, const std::string &id)
{
  const Outcome outcome =
      vm.vmplug ({ "qmp", "vm", "qom-get",
                   R"({"path":"/machine/peripheral/)" + id + R"(","property":"mac"})" });
  EXPECT_EQ (outcome.status, 0) << outcome;
  return Json::parse (outcome.out).text ();
}

class OwnDevices : public testing::TestWithParam<const char *>
{
};
INSTANTIATE_TEST_SUITE_P (Machine, OwnDevices, testing::Values ("q35", "pc"), [] (const auto &row) {
  return std::string (row.param);
});

TEST_P (OwnDevices, AreWhatTheGuestSees)
{
  TempFolder files;
  const std::string empty (2 * MiB, '\0');
  const std::string plain = files.write ("plain", std::string (MiB, '\0')),
                    snapshot = files.write ("snapshot, too", empty),
                    readonly = files.write ("readonly", std::string (3 * MiB, 'r')),
                    qcow2 = files.write ("qcow2", empty_qcow2 (4 * MiB));
  const std::string folder = files.make_folder ("shared, too");
  files.write ("shared, too/note", "from the host\n");
  const auto escaped = [] (std::string path) { return path.insert (path.find (','), ","); };

  Vm vm;
  Guest &guest =
      vm.boot ({ "--machine", GetParam (), "--smp", "2", "--memory", "300M", "--disk", plain,
                 "--disk", escaped (snapshot) + ",snapshot", "--disk", readonly + ",readonly",
                 "--disk", qcow2, "--nic", "user", "--share", escaped (folder) + ",tag=a-tag" });

  EXPECT_EQ (guest.run ("nproc"), "2\n");
  const long kib = std::stol (guest.run ("sed -n 's/MemTotal: *//p' /proc/meminfo"));
  EXPECT_TRUE (kib > 200 * 1024 && kib < 300 * 1024) << kib;

  /* Each has its own number of megabytes. */
  std::string names[5];
  for (size_t size = 1; size <= 4; size++)
    {
      const std::string found = guest.run ("cd /sys/block; grep -lx " +
                                           std::to_string (size * MiB / 512) + " vd?/size; cd /");
      ASSERT_EQ (found.size (), strlen ("vda/size\n")) << found;
      names[size] = found.substr (0, 3);
    }
  EXPECT_EQ (guest.run ("cat /sys/block/" + names[3] + "/ro"), "1\n");
  for (size_t size : { 1, 2, 4 })
    {
      const std::string disk = "/dev/" + names[size], text = "written to " + std::to_string (size);
      EXPECT_TRUE (guest.can ("echo " + text + " | dd of=" + disk + " conv=fsync")) << disk;
      EXPECT_EQ (guest.run ("dd if=" + disk + " bs=13 count=1 2>/dev/null"), text + "\n") << disk;
    }
  EXPECT_FALSE (guest.can ("echo x | dd of=/dev/" + names[3] + " conv=fsync"));
  EXPECT_EQ (guest.run ("dd if=/dev/" + names[3] + " bs=4 count=1 2>/dev/null"), "rrrr");

  EXPECT_EQ (guest.run ("cat /sys/class/net/eth0/address"), address_of (vm, "nic0") + "\n");
  guest.run ("ip link set eth0 up; udhcpc -i eth0 -n -q");
  EXPECT_NE (guest.run ("ip address show eth0").find ("inet 10.0.2.15"), std::string::npos);

  ASSERT_TRUE (guest.can ("mount -t 9p -o trans=virtio,version=9p2000.L a-tag /mnt"));
  EXPECT_EQ (guest.run ("cat /mnt/note"), "from the host\n");
  files.write ("shared, too/later", "so it goes\n");
  EXPECT_EQ (guest.run ("cat /mnt/later"), "so it goes\n");

  EXPECT_EQ (vm.vmplug ({ "stop", "vm" }).status, 0);
  EXPECT_EQ (content_of (plain).substr (0, 13), "written to 1\n");
  EXPECT_EQ (content_of (snapshot), empty);
  EXPECT_EQ (content_of (readonly), std::string (3 * MiB, 'r'));
  EXPECT_EQ (content_of (qcow2).substr (0, 4), "QFI\xfb");
  EXPECT_NE (content_of (qcow2).find ("written to 4\n"), std::string::npos);
}

/* The first --disk is what root=/dev/vda means, and the first --nic is eth0. */
TEST_P (OwnDevices, HaveTheOrderOfTheCommandLine)
{
  TempFolder files;
  Vm vm;
  Guest &guest = vm.boot (
      { "--machine", GetParam (), "--disk", files.write ("a", std::string (MiB, 'a')), "--disk",
        files.write ("b", std::string (MiB, 'b')), "--nic", "user", "--nic", "user" });

  EXPECT_EQ (guest.run ("dd if=/dev/vda bs=4 count=1 2>/dev/null"), "aaaa");
  EXPECT_EQ (guest.run ("dd if=/dev/vdb bs=4 count=1 2>/dev/null"), "bbbb");
  EXPECT_EQ (guest.run ("cat /sys/class/net/eth0/address /sys/class/net/eth1/address"),
             address_of (vm, "nic0") + "\n" + address_of (vm, "nic1") + "\n");
}

} // namespace
