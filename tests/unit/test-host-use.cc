#include "devices/error.h"
#include "devices/host-use.h"

#include "tests/support/fake-sysfs.h"

#include <gtest/gtest.h>

namespace
{

using Path = std::filesystem::path;

const char DISK[] = "0000:01:00.0", CARD[] = "0000:02:00.0", OTHER[] = "0000:03:00.0";

class HostUse : public testing::Test
{
protected:
  HostUse ()
  {
    for (const char *address : { DISK, CARD, OTHER })
      host.pci (address).driver ("some");
    host.write ("proc/self/mountinfo", "21 1 0:20 / /proc rw - proc proc rw\n");
    host.write ("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    host.write ("proc/net/route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask"
                                  "\t\tMTU\tWindow\tIRTT\n");
    host.write ("proc/net/ipv6_route", "");
  }
  ~HostUse () override { vp_sysfs_free (sysfs); }

  /* A block device in the folder @parent, with its number and its name in sys/class/block. */
  Path
  block (const Path &parent, const std::string &name, const std::string &number)
  {
    const Path folder = parent / name;
    host.write (folder / "dev", number + "\n");
    host.make_folder (folder / "holders");
    host.link (Path ("sys/class/block") / name, folder);
    return folder;
  }
  /* @upper is built of the block device in @folder. */
  void
  hold (const Path &folder, const Path &upper)
  {
    host.link (folder / "holders" / upper.filename (), upper);
  }
  Path
  interface (const Path &parent, const std::string &name)
  {
    const Path folder = parent / "net" / name;
    host.make_folder (folder);
    host.link (Path ("sys/class/net") / name, folder);
    return folder;
  }
  /* An NVMe disk with two partitions. */
  Path
  add_disk ()
  {
    const Path disk = block (FakeSysfs::pci_folder (DISK) / "nvme/nvme0", "nvme0n1", "259:0");
    block (disk, "nvme0n1p1", "259:1");
    return block (disk, "nvme0n1p2", "259:2");
  }
  void
  mount (const std::string &number, const std::string &point)
  {
    host.write ("proc/self/mountinfo", host.read ("proc/self/mountinfo") + "30 1 " + number +
                                           " / " + point + " rw,relatime shared:1 - ext4 x rw\n");
  }
  /* What lives on it, "" for nothing. */
  std::string
  use (const std::string &address)
  {
    VpPciAddress parsed;
    g_autoptr (GError) error = nullptr;
    if (!vp_pci_address_parse (address.c_str (), &parsed, nullptr))
      std::abort ();
    g_autoptr (VpPciFunction) function = vp_pci_function_read (sysfs, &parsed);
    if (vp_host_use_check (sysfs, function, &error))
      return "";
    EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_IN_USE));
    const std::string start = address + ": the host lives on it: ";
    EXPECT_EQ (std::string (error->message).find (start), 0u) << error->message;
    return error->message + start.size ();
  }

  FakeSysfs host;
  VpSysfs *sysfs = vp_sysfs_open (host.root (), nullptr);
};

TEST_F (HostUse, AHostWithoutAnythingLivesOnNothing)
{
  for (const char *file : { "proc/self", "proc/swaps", "proc/net" })
    std::filesystem::remove_all (Path (host.root ()) / file);
  EXPECT_EQ (use (DISK), "");
}

TEST_F (HostUse, AMountedPartition)
{
  add_disk ();
  EXPECT_EQ (use (DISK), "");
  mount ("259:20", "/other");
  EXPECT_EQ (use (DISK), "");
  mount ("259:2", "/");
  EXPECT_EQ (use (DISK), "/ is mounted from nvme0n1p2");
  EXPECT_EQ (use (CARD), "");
}

TEST_F (HostUse, AMountedDiskWithoutPartitions)
{
  add_disk ();
  mount ("259:0", "/with\\040blank");
  EXPECT_EQ (use (DISK), "/with blank is mounted from nvme0n1");
}

TEST_F (HostUse, AMountOnWhatIsBuiltOfIt)
{
  const Path partition = add_disk ();
  const Path crypt = block ("sys/devices/virtual/block", "dm-0", "254:0");
  const Path volume = block ("sys/devices/virtual/block", "dm-1", "254:1");
  hold (partition, crypt);
  hold (crypt, volume);
  EXPECT_EQ (use (DISK), "");
  mount ("254:1", "/home");
  EXPECT_EQ (use (DISK), "/home is mounted from dm-1");
}

TEST_F (HostUse, AMountOnAPartitionOfARaid)
{
  const Path raid = block ("sys/devices/virtual/block", "md0", "9:0");
  block (raid, "md0p1", "259:9");
  hold (add_disk (), raid);
  mount ("259:9", "/srv");
  EXPECT_EQ (use (DISK), "/srv is mounted from md0p1");
}

TEST_F (HostUse, Btrfs)
{
  const Path partition = add_disk ();
  mount ("0:31", "/");
  EXPECT_EQ (use (DISK), "");
  host.link ("sys/fs/btrfs/1234-5678/devices/nvme0n1p2", partition);
  EXPECT_EQ (use (DISK), "a btrfs file system is mounted from nvme0n1p2");
}

TEST_F (HostUse, Swap)
{
  const Path partition = add_disk ();
  host.write ("proc/swaps", host.read ("proc/swaps") + "/swapfile  file\t1\t0\t-2\n" +
                                "/dev/nvme0n1p20 partition\t1\t0\t-2\n");
  EXPECT_EQ (use (DISK), "");
  host.write ("proc/swaps",
              host.read ("proc/swaps") + "/dev/nvme0n1p2                partition\t1\t0\t-2\n");
  EXPECT_EQ (use (DISK), "swap is on nvme0n1p2");
}

TEST_F (HostUse, SwapByTheNameOfAMapping)
{
  const Path volume = block ("sys/devices/virtual/block", "dm-0", "254:0");
  hold (add_disk (), volume);
  host.link ("dev/mapper/vg-swap", "dev/dm-0");
  host.write ("proc/swaps", "Filename\n/dev/mapper/vg-swap partition\t1\t0\t-2\n");
  EXPECT_EQ (use (DISK), "swap is on dm-0");
}

TEST_F (HostUse, ADiskThatIsOnePathOfSeveral)
{
  block (FakeSysfs::pci_folder (DISK) / "nvme/nvme0", "nvme0c0n1", "259:5");
  const Path head = block ("sys/devices/virtual/nvme-subsystem/nvme-subsys0", "nvme0n1", "259:0");
  block (head, "nvme0n1p1", "259:1");
  mount ("259:1", "/");
  EXPECT_EQ (use (DISK), "/ is mounted from nvme0n1p1");
}

TEST_F (HostUse, HoldersThatGoInCirclesEnd)
{
  const Path partition = add_disk ();
  const Path crypt = block ("sys/devices/virtual/block", "dm-0", "254:0");
  hold (partition, crypt);
  hold (crypt, partition);
  EXPECT_EQ (use (DISK), "");
}

TEST_F (HostUse, TheNetworkCardOfADefaultRoute)
{
  interface (FakeSysfs::pci_folder (CARD), "eth0");
  interface (FakeSysfs::pci_folder (OTHER), "eth1");
  host.write ("proc/net/route", host.read ("proc/net/route") +
                                    "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0"
                                    "\t0\t0\n"
                                    "eth1\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000080\t0"
                                    "\t0\t0\n");
  EXPECT_EQ (use (CARD), "");
  EXPECT_EQ (use (OTHER), "") << "half of everything is not everything";
  host.write ("proc/net/route", host.read ("proc/net/route") +
                                    "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
  EXPECT_EQ (use (CARD), "the default route (IPv4) goes over eth0");
  EXPECT_EQ (use (OTHER), "");
  EXPECT_EQ (use (DISK), "");
}

TEST_F (HostUse, Ipv6)
{
  const std::string none (32, '0');
  interface (FakeSysfs::pci_folder (CARD), "eth0");
  host.write ("proc/net/ipv6_route", "fe80" + std::string (28, '0') + " 40 " + none + " 00 " +
                                         none + " 00000100 00000001 00000000 00000001     eth0\n" +
                                         none + " 00 " + none + " 00 " + none +
                                         " ffffffff 00000001 00000000 00200200       lo\n");
  EXPECT_EQ (use (CARD), "");
  host.write ("proc/net/ipv6_route", none + " 00 " + none + " 00 fe80" + std::string (28, '1') +
                                         " 00000400 00000001 00000000 00000003     eth0\n");
  EXPECT_EQ (use (CARD), "the default route (IPv6) goes over eth0");
}

TEST_F (HostUse, ADefaultRouteOfABridgeAboveABond)
{
  const Path card = interface (FakeSysfs::pci_folder (CARD), "eth0");
  const Path bond = interface ("sys/devices/virtual", "bond0");
  const Path bridge = interface ("sys/devices/virtual", "br0");
  host.link (card / "upper_bond0", bond);
  host.link (bond / "upper_br0", bridge);
  host.link (bridge / "lower_bond0", bond);
  EXPECT_EQ (use (CARD), "");
  host.write ("proc/net/route", host.read ("proc/net/route") +
                                    "br0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
  EXPECT_EQ (use (CARD), "the default route (IPv4) goes over br0");
}

TEST_F (HostUse, TheScreen)
{
  host.pci (OTHER).class_code (0x030000).attribute ("boot_vga", "0\n");
  EXPECT_EQ (use (OTHER), "");
  host.pci (OTHER).attribute ("boot_vga", "1\n");
  EXPECT_EQ (use (OTHER), "it is the screen that the host booted with, driven by some");
  host.pci (OTHER).driver ("");
  EXPECT_EQ (use (OTHER), "") << "nobody shows anything there";
}

} // namespace
