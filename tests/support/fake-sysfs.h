#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

/* One BAR as a test writes it down. */
struct FakeBar
{
  enum Kind
  {
    IO,
    MEM32,
    MEM32_PREF,
    MEM64,
    MEM64_PREF,
  };
  unsigned index;
  Kind kind;
  uint64_t size;
  uint64_t start = 0; /* 0: placed by the fake */
};

/* A host that is a temporary folder with sys/, dev/vfio/ and proc/. Its links are relative as
 * the kernel's are, so the code under test gets the folder as its root and cannot tell: no
 * LD_PRELOAD, so it runs under ASan as it is. Nothing here reacts to a write; see fake-kernel.h
 * for that.
 *
 *   FakeSysfs fake;
 *   fake.pci ("0000:41:00.0").ids (0x10de, 0x20b5).class_code (0x030200)
 *       .bars ({ { 1, FakeBar::MEM64_PREF, 64ull << 30 } }).driver ("vfio-pci").group (40);
 */
class FakeSysfs
{
  using Path = std::filesystem::path;

public:
  /* One PCI function. A plain handle: each call changes the files at once. */
  class Pci
  {
  public:
    Pci (FakeSysfs *host, const std::string &address) : host_ (host), address_ (address) {}

    /* Any attribute, raw: attribute ("class", "0x03\n"). */
    Pci &
    attribute (const std::string &name, const std::string &text)
    {
      host_->write (folder () / name, text);
      return *this;
    }
    Pci &
    remove_attribute (const std::string &name)
    {
      std::filesystem::remove_all (host_->root_ / folder () / name);
      return *this;
    }
    Pci &
    ids (unsigned vendor, unsigned device)
    {
      attribute ("vendor", hex (vendor, 4) + "\n");
      return attribute ("device", hex (device, 4) + "\n");
    }
    Pci &
    class_code (unsigned code)
    {
      return attribute ("class", hex (code, 6) + "\n");
    }
    /* 4096 bytes of configuration space when PCI Express, 256 otherwise */
    Pci &
    pcie (bool is_pcie)
    {
      return attribute ("config", std::string (is_pcie ? 4096 : 256, '\0'));
    }
    Pci &
    numa_node (int node)
    {
      return attribute ("numa_node", std::to_string (node) + "\n");
    }
    Pci &
    bars (std::vector<FakeBar> list)
    {
      for (FakeBar &bar : list)
        if (bar.start == 0)
          bar.start = host_->place (bar);
      return attribute ("resource", resource_text (list));
    }
    /* An expansion ROM of @size bytes beside the BARs, which must be there first. */
    Pci &
    rom (uint64_t size)
    {
      const uint64_t start = host_->place ({ 6, FakeBar::MEM32, size });
      return rom_line (hex (start, 16) + " " + hex (start + size - 1, 16) + " " +
                       hex (0x46200, 16));
    }
    /* The same, raw: rom_line ("0xc0000 0xdffff 0x212"). */
    Pci &
    rom_line (const std::string &line)
    {
      std::istringstream lines (host_->read (folder () / "resource"));
      std::string text, old;
      for (unsigned i = 0; std::getline (lines, old); i++)
        text += (i == 6 ? line : old) + "\n";
      return attribute ("resource", text);
    }
    /* BAR @index can have each size of which @sizes has the bit: bit n is 2^n MiB. */
    Pci &
    resizable (unsigned index, uint64_t sizes)
    {
      return attribute ("resource" + std::to_string (index) + "_resize",
                        hex (sizes, 16).substr (2) + "\n");
    }
    /* Binds and links both ways; "" unbinds. The driver is made if need be. */
    Pci &
    driver (const std::string &name)
    {
      const std::string bound = host_->link_name (folder () / "driver");
      if (!bound.empty ())
        {
          std::filesystem::remove (host_->root_ / folder () / "driver");
          std::filesystem::remove (host_->root_ / driver_folder (bound) / address_);
        }
      if (!name.empty ())
        {
          host_->add_driver (name);
          host_->link (folder () / "driver", driver_folder (name));
          host_->link (driver_folder (name) / address_, folder ());
        }
      return *this;
    }
    Pci &
    group (int number)
    {
      const Path folder_of_group = Path ("sys/kernel/iommu_groups") / std::to_string (number);
      host_->link (folder () / "iommu_group", folder_of_group);
      host_->link (folder_of_group / "devices" / address_, folder ());
      return *this;
    }
    /* The character device of iommufd: vfio-dev/vfioN here, dev/vfio/devices/vfioN there */
    Pci &
    cdev (int number)
    {
      const std::string name = "vfio" + std::to_string (number);
      attribute ("vfio-dev/" + name + "/dev", "511:" + std::to_string (number) + "\n");
      host_->write (Path ("dev/vfio/devices") / name, "");
      return *this;
    }
    /* A physical function, with so many virtual functions switched on */
    Pci &
    virtual_functions (unsigned n_enabled, unsigned n_possible = 8)
    {
      attribute ("sriov_totalvfs", std::to_string (n_possible) + "\n");
      return attribute ("sriov_numvfs", std::to_string (n_enabled) + "\n");
    }
    /* A virtual function: links both ways, and counts itself in. */
    Pci &
    virtual_of (const std::string &physical)
    {
      const Path parent = host_->pci_folder (physical);
      unsigned n = 0;
      while (std::filesystem::is_symlink (host_->root_ / parent / ("virtfn" + std::to_string (n))))
        n++;
      host_->link (parent / ("virtfn" + std::to_string (n)), folder ());
      host_->link (folder () / "physfn", parent);
      Pci (host_, physical).virtual_functions (n + 1);
      return *this;
    }

    Path
    folder () const
    {
      return host_->pci_folder (address_);
    }

  private:
    FakeSysfs *host_;
    std::string address_;
  };

  FakeSysfs ()
  {
    std::string pattern = (folder_for_files () / "vmplug-fake-XXXXXX").string ();
    if (mkdtemp (pattern.data ()) == nullptr)
      std::abort ();
    root_ = pattern;
    make_folder ("sys/bus/pci/devices");
    make_folder ("sys/bus/pci/drivers");
    make_folder ("sys/kernel/iommu_groups");
    make_folder ("proc");
    write ("sys/bus/pci/drivers_probe", "");
    write ("dev/vfio/vfio", "");
  }
  ~FakeSysfs () { std::filesystem::remove_all (root_); }
  FakeSysfs (const FakeSysfs &) = delete;
  FakeSysfs &operator= (const FakeSysfs &) = delete;

  const char *
  root () const
  {
    return root_.c_str ();
  }

  /* The function at @address. New ones are PCI Express network cards without BARs, driver and
   * group. */
  Pci
  pci (const std::string &address)
  {
    Pci function (this, address);
    if (!std::filesystem::exists (root_ / function.folder ()))
      {
        function.ids (0x8086, 0x10d3).class_code (0x020000).pcie (true).bars ({}).numa_node (-1);
        function.attribute ("driver_override", "(null)\n");
        link (Path ("sys/bus/pci/devices") / address, function.folder ());
      }
    return function;
  }

  /* As if pulled out. @leave_link keeps its name on the bus: listed, and gone when looked at. */
  void
  remove_pci (const std::string &address, bool leave_link = false)
  {
    std::filesystem::remove_all (root_ / pci_folder (address));
    if (!leave_link)
      std::filesystem::remove (root_ / "sys/bus/pci/devices" / address);
  }

  FakeSysfs &
  add_driver (const std::string &name)
  {
    for (const char *attribute : { "bind", "unbind", "new_id" })
      if (!std::filesystem::exists (root_ / driver_folder (name) / attribute))
        write (driver_folder (name) / attribute, "");
    return *this;
  }
  FakeSysfs &
  remove_driver (const std::string &name)
  {
    std::filesystem::remove_all (root_ / driver_folder (name));
    return *this;
  }

  /* dev/iommu, which a kernel with iommufd has */
  FakeSysfs &
  add_iommufd ()
  {
    return write ("dev/iommu", "");
  }

  /* With a group of its own, and the node of that. */
  FakeSysfs &
  add_mdev (const std::string &uuid, const std::string &parent, int group = 90)
  {
    const Path folder = pci_folder (parent) / uuid;
    make_folder (folder);
    link (folder / "iommu_group", Path ("sys/kernel/iommu_groups") / std::to_string (group));
    add_group_node (group);
    link (Path ("sys/bus/mdev/devices") / uuid, folder);
    return *this;
  }

  /* dev/vfio/N, which the kernel makes when a function of group N is bound to vfio-pci */
  FakeSysfs &
  add_group_node (int group)
  {
    return write (Path ("dev/vfio") / std::to_string (group), "");
  }

  /* A process that has @target open. The link is what the kernel shows, not below our root. */
  FakeSysfs &
  add_open_file (int pid, const std::string &comm, int fd, const std::string &target)
  {
    const Path folder = Path ("proc") / std::to_string (pid);
    write (folder / "comm", comm + "\n");
    make_folder (folder / "fd");
    std::filesystem::create_symlink (target, root_ / folder / "fd" / std::to_string (fd));
    return *this;
  }

  /* Any file below the root, with its folders. */
  FakeSysfs &
  write (const Path &path, const std::string &text)
  {
    make_folder (path.parent_path ());
    std::ofstream file (root_ / path, std::ios::binary);
    if (!(file << text).flush ())
      std::abort ();
    return *this;
  }
  std::string
  read (const Path &path) const
  {
    std::ostringstream text;
    text << std::ifstream (root_ / path, std::ios::binary).rdbuf ();
    return text.str ();
  }
  void
  make_folder (const Path &path)
  {
    std::filesystem::create_directories (root_ / path);
  }
  /* A relative link, as the kernel makes them. */
  void
  link (const Path &path, const Path &target)
  {
    make_folder (path.parent_path ());
    if (std::filesystem::is_symlink (root_ / path))
      std::filesystem::remove (root_ / path);
    std::filesystem::create_symlink (target.lexically_relative (path.parent_path ()), root_ / path);
  }
  /* Last component of a link, "" if there is none. */
  std::string
  link_name (const Path &path) const
  {
    std::error_code none;
    return std::filesystem::read_symlink (root_ / path, none).filename ().string ();
  }

  /* What the kernel writes into "resource": 13 lines of start, end and IORESOURCE_* flags. */
  static std::string
  resource_text (const std::vector<FakeBar> &bars)
  {
    static const unsigned long flags[] = { 0x40101, 0x40200, 0x42208, 0x140204, 0x14220c };
    std::string text;
    for (unsigned line = 0; line < 13; line++)
      {
        uint64_t start = 0, end = 0, flag = 0;
        for (const FakeBar &bar : bars)
          if (bar.index == line)
            {
              start = bar.start;
              end = bar.start + bar.size - 1;
              flag = flags[bar.kind];
            }
        text += hex (start, 16) + " " + hex (end, 16) + " " + hex (flag, 16) + "\n";
      }
    return text;
  }

  static Path
  pci_folder (const std::string &address)
  {
    /* "0000:41:00.0" hangs off root bus pci0000:41: flat, since no code here walks bridges. */
    return Path ("sys/devices") / ("pci" + address.substr (0, address.size () - 5)) / address;
  }
  static Path
  driver_folder (const std::string &name)
  {
    return Path ("sys/bus/pci/drivers") / name;
  }

private:
  std::filesystem::path root_;
  uint64_t next_memory32_ = 0xe0000000;
  uint64_t next_memory64_ = 0x380000000000;
  uint64_t next_io_ = 0x1000;

  /* In memory where possible: a host is hundreds of small files and links, made anew per test. */
  static Path
  folder_for_files ()
  {
    const bool has_shm = std::getenv ("TMPDIR") == nullptr && access ("/dev/shm", W_OK) == 0;
    return has_shm ? Path ("/dev/shm") : std::filesystem::temp_directory_path ();
  }

  uint64_t
  place (const FakeBar &bar)
  {
    uint64_t &next = bar.kind == FakeBar::IO      ? next_io_
                     : bar.kind >= FakeBar::MEM64 ? next_memory64_
                                                  : next_memory32_;
    const uint64_t start = (next + bar.size - 1) & ~(bar.size - 1);
    next = start + bar.size;
    return start;
  }

  static std::string
  hex (uint64_t value, int digits)
  {
    char text[2 + 16 + 1];
    std::snprintf (text, sizeof text, "0x%0*llx", digits, static_cast<unsigned long long> (value));
    return text;
  }
};
