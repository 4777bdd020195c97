#pragma once

#include "tests/support/fake-sysfs.h"

#include <string>
#include <vector>

/* Hosts as people have them, as sysfs trees: what is in them, their ids, classes, BAR sizes, groups
 * and drivers are facts of the products; addresses and group numbers are made up. A device that is
 * to be passed through is bound to vfio-pci unless the host says otherwise. */
namespace named_hosts
{

constexpr uint64_t K = UINT64_C (1) << 10;
constexpr uint64_t M = UINT64_C (1) << 20;
constexpr uint64_t G = UINT64_C (1) << 30;

constexpr unsigned CLASS_NVME = 0x010802;
constexpr unsigned CLASS_ETHERNET = 0x020000;
constexpr unsigned CLASS_VGA = 0x030000;
constexpr unsigned CLASS_3D = 0x030200;
constexpr unsigned CLASS_AUDIO = 0x040300;
constexpr unsigned CLASS_BRIDGE = 0x060400;
constexpr unsigned CLASS_OTHER_BRIDGE = 0x068000;
constexpr unsigned CLASS_SERIAL = 0x070002;
constexpr unsigned CLASS_USB = 0x0c0330;
constexpr unsigned CLASS_SERIAL_BUS = 0x0c8000;

/* 80 GB and SXM: the first BAR is a 32-bit one. */
inline const std::vector<FakeBar> A100 = { { 0, FakeBar::MEM32, 16 * M },
                                           { 1, FakeBar::MEM64_PREF, 128 * G },
                                           { 3, FakeBar::MEM64_PREF, 32 * M } };
/* 80 GB: all three are 64-bit. */
inline const std::vector<FakeBar> H100 = { { 0, FakeBar::MEM64_PREF, 16 * M },
                                           { 2, FakeBar::MEM64_PREF, 128 * G },
                                           { 4, FakeBar::MEM64_PREF, 32 * M } };
inline const std::vector<FakeBar> A40 = { { 0, FakeBar::MEM32, 16 * M },
                                          { 1, FakeBar::MEM64_PREF, 64 * G },
                                          { 3, FakeBar::MEM64_PREF, 32 * M } };
inline const std::vector<FakeBar> NVSWITCH = { { 0, FakeBar::MEM64, 32 * M } };
inline const std::vector<FakeBar> NVME_DRIVE = { { 0, FakeBar::MEM64, 16 * K } };
inline const std::vector<FakeBar> CONNECTX_PF = { { 0, FakeBar::MEM64_PREF, 32 * M } };
inline const std::vector<FakeBar> CONNECTX_VF = { { 0, FakeBar::MEM64_PREF, 1 * M } };
inline const std::vector<FakeBar> NIC_82574L = { { 0, FakeBar::MEM32, 128 * K },
                                                 { 1, FakeBar::MEM32, 512 * K },
                                                 { 2, FakeBar::IO, 32 },
                                                 { 3, FakeBar::MEM32, 16 * K } };

/* Ready to be passed through, alone in its group. */
inline FakeSysfs::Pci
assignable (FakeSysfs &host, const std::string &address, int group)
{
  host.add_group_node (group);
  return host.pci (address).driver ("vfio-pci").group (group);
}

inline FakeSysfs::Pci
root_port (FakeSysfs &host, const std::string &address, int group)
{
  return host.pci (address)
      .ids (0x8086, 0x352a)
      .class_code (CLASS_BRIDGE)
      .driver ("pcieport")
      .group (group);
}

/* Eight GPUs in groups 11 to 18 and the six switches between them in groups 21 to 26. */
inline void
dgx (FakeSysfs &host)
{
  static const char *const gpus[] = { "07", "0f", "47", "4e", "87", "90", "b7", "bd" };

  for (int i = 0; i < 8; i++)
    assignable (host, std::string ("0000:") + gpus[i] + ":00.0", 11 + i)
        .ids (0x10de, 0x20b2)
        .class_code (CLASS_3D)
        .bars (A100)
        .virtual_functions (0, 20)
        .numa_node (i / 4);
  for (int i = 0; i < 6; i++)
    assignable (host, "0000:c" + std::to_string (4 + i) + ":00.0", 21 + i)
        .ids (0x10de, 0x1af1)
        .class_code (CLASS_OTHER_BRIDGE)
        .bars (NVSWITCH)
        .numa_node (1);
}

/* A graphics card of four functions, which shares group 17 with its root port and which the host
 * uses; and a network card in group 20. */
inline void
workstation (FakeSysfs &host)
{
  root_port (host, "0000:00:01.0", 17);
  host.pci ("0000:0a:00.0")
      .ids (0x10de, 0x1e04)
      .class_code (CLASS_VGA)
      .bars ({ { 0, FakeBar::MEM32, 16 * M },
               { 1, FakeBar::MEM64_PREF, 256 * M },
               { 3, FakeBar::MEM64_PREF, 32 * M },
               { 5, FakeBar::IO, 128 } })
      .rom (512 * K)
      .driver ("nvidia");
  host.pci ("0000:0a:00.1")
      .ids (0x10de, 0x10f7)
      .class_code (CLASS_AUDIO)
      .bars ({ { 0, FakeBar::MEM32, 16 * K } })
      .driver ("snd_hda_intel");
  host.pci ("0000:0a:00.2")
      .ids (0x10de, 0x1ad6)
      .class_code (CLASS_USB)
      .bars ({ { 0, FakeBar::MEM64_PREF, 256 * K }, { 2, FakeBar::MEM64_PREF, 64 * K } })
      .driver ("xhci_hcd");
  host.pci ("0000:0a:00.3")
      .ids (0x10de, 0x1ad7)
      .class_code (CLASS_SERIAL_BUS)
      .bars ({ { 0, FakeBar::MEM32, 4 * K } })
      .driver ("nvidia-gpu");
  for (const char *address : { "0000:0a:00.0", "0000:0a:00.1", "0000:0a:00.2", "0000:0a:00.3" })
    host.pci (address).group (17);

  root_port (host, "0000:00:1c.0", 19);
  assignable (host, "0000:06:00.0", 20)
      .ids (0x8086, 0x10d3)
      .class_code (CLASS_ETHERNET)
      .bars (NIC_82574L)
      .rom (256 * K);
}

/* The same with its graphics card given to vfio-pci, and with all 11 GiB of it behind a BAR of
 * 16 GiB, which makes it large. */
inline void
workstation_with_large_bar (FakeSysfs &host)
{
  workstation (host);
  host.pci ("0000:0a:00.0")
      .bars ({ { 0, FakeBar::MEM32, 16 * M },
               { 1, FakeBar::MEM64_PREF, 16 * G },
               { 3, FakeBar::MEM64_PREF, 32 * M },
               { 5, FakeBar::IO, 128 } });
  for (const char *address : { "0000:0a:00.0", "0000:0a:00.1", "0000:0a:00.2", "0000:0a:00.3" })
    host.pci (address).driver ("vfio-pci");
  host.add_group_node (17);
}

inline void
three_gpus (FakeSysfs &host)
{
  int group = 31;

  for (const char *address : { "0000:17:00.0", "0000:65:00.0", "0000:ca:00.0" })
    assignable (host, address, group++).ids (0x10de, 0x2331).class_code (CLASS_3D).bars (H100);
}

/* The address of the @n-th virtual function, of 16: they follow the port's own function. */
inline std::string
connectx_vf (unsigned n)
{
  return "0000:3b:0" + std::to_string ((n + 1) / 8) + "." + std::to_string ((n + 1) % 8);
}

/* A network card with all of its 16 virtual functions on, in groups 41 to 56. */
inline void
connectx (FakeSysfs &host)
{
  host.pci ("0000:3b:00.0")
      .ids (0x15b3, 0x101d)
      .class_code (CLASS_ETHERNET)
      .bars (CONNECTX_PF)
      .rom (1 * M)
      .driver ("mlx5_core")
      .group (40);
  for (unsigned i = 0; i < 16; i++)
    assignable (host, connectx_vf (i), 41 + static_cast<int> (i))
        .ids (0x15b3, 0x101e)
        .class_code (CLASS_ETHERNET)
        .bars (CONNECTX_VF)
        .virtual_of ("0000:3b:00.0");
}

inline std::string
nvme_address (unsigned n)
{
  char text[16];

  snprintf (text, sizeof text, "0000:%02x:00.0", 0x10 + n);
  return text;
}

/* Forty drives in groups 60 to 99. */
inline void
storage (FakeSysfs &host)
{
  for (unsigned i = 0; i < 40; i++)
    assignable (host, nvme_address (i), 60 + static_cast<int> (i))
        .ids (0x144d, 0xa824)
        .class_code (CLASS_NVME)
        .bars (NVME_DRIVE)
        .numa_node (i < 20 ? 0 : 1);
}

/* A GPU, a network card and a drive at each of two processors. */
inline void
two_sockets (FakeSysfs &host)
{
  for (int node = 0; node < 2; node++)
    {
      const std::string bus = node == 0 ? "0000:3" : "0000:b";

      host.make_folder ("sys/devices/system/node/node" + std::to_string (node));
      assignable (host, bus + "1:00.0", 31 + 100 * node)
          .ids (0x10de, 0x2235)
          .class_code (CLASS_3D)
          .bars (A40)
          .virtual_functions (0, 32)
          .numa_node (node);
      assignable (host, bus + "2:00.0", 32 + 100 * node)
          .ids (0x15b3, 0x101d)
          .class_code (CLASS_ETHERNET)
          .bars (CONNECTX_PF)
          .virtual_functions (0, 16)
          .rom (1 * M)
          .numa_node (node);
      assignable (host, bus + "3:00.0", 33 + 100 * node)
          .ids (0x144d, 0xa824)
          .class_code (CLASS_NVME)
          .bars (NVME_DRIVE)
          .numa_node (node);
    }
}

/* Nothing but a graphics unit in the processor, whose ROM is a shadow in memory and no BAR; and a
 * processor that addresses 512 GiB. */
inline void
laptop (FakeSysfs &host)
{
  host.pci ("0000:00:00.0").ids (0x8086, 0x9a14).class_code (0x060000).pcie (false).group (0);
  assignable (host, "0000:00:02.0", 1)
      .ids (0x8086, 0x9a49)
      .class_code (CLASS_VGA)
      .bars ({ { 0, FakeBar::MEM64, 16 * M },
               { 2, FakeBar::MEM64_PREF, 256 * M },
               { 4, FakeBar::IO, 64 } })
      .rom_line ("0xc0000 0xdffff 0x212")
      .virtual_functions (0, 7);
  host.write ("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n"
                              "address sizes\t: 39 bits physical, 48 bits virtual\n");
}

/* Three old cards behind a bridge: one group, 14, of which the bridge is a member. */
inline void
old_cards (FakeSysfs &host)
{
  root_port (host, "0000:00:1c.0", 13);
  host.pci ("0000:06:00.0").ids (0x12d8, 0xe111).class_code (CLASS_BRIDGE).group (14);
  assignable (host, "0000:07:00.0", 14)
      .ids (0x1102, 0x0007)
      .class_code (CLASS_AUDIO)
      .pcie (false)
      .bars ({ { 0, FakeBar::IO, 32 } });
  assignable (host, "0000:07:01.0", 14)
      .ids (0x8086, 0x100e)
      .class_code (CLASS_ETHERNET)
      .pcie (false)
      .bars ({ { 0, FakeBar::MEM32, 128 * K }, { 2, FakeBar::IO, 64 } })
      .rom (128 * K);
  assignable (host, "0000:07:02.0", 14)
      .ids (0x1415, 0x950a)
      .class_code (CLASS_SERIAL)
      .pcie (false)
      .bars ({ { 0, FakeBar::IO, 32 }, { 1, FakeBar::MEM32, 4 * K } });
}

} // namespace named_hosts
