#include "launcher/config/config-file.h"
#include "launcher/config/config-option.h"
#include "launcher/config/kata-key.h"
#include "launcher/config/own-table.h"
#include "launcher/error.h"

#include "tests/support/as-user.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

/* What a file of --config becomes, with what is typed. */

namespace
{

using Typed = std::vector<std::pair<const char *, const char *>>;

/* A host with 8 CPUs, 2 NUMA nodes and 16 GiB, and a folder with the files. */
class Files
{
public:
  TempFolder folder;

  Files ()
  {
    folder.make_folder ("root/sys/devices/system/cpu");
    folder.make_folder ("root/sys/devices/system/node");
    folder.make_folder ("root/proc");
    folder.write ("root/sys/devices/system/cpu/online", "0-3,8-11\n");
    folder.write ("root/sys/devices/system/node/online", "0-1\n");
    folder.write ("root/proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\n");
  }

  VpConfig *
  apply (const Typed &typed, GError **error) const
  {
    g_autoptr (VpConfig) config = vp_config_new ();

    for (const auto &[option, value] : typed)
      EXPECT_TRUE (vp_config_set (config, option, value, nullptr)) << option;
    EXPECT_TRUE (vp_config_file_set (config, folder.path ("a.toml").c_str (), nullptr));
    if (!vp_config_file_apply (config, folder.path ("root").c_str (), error))
      return nullptr;
    return g_steal_pointer (&config);
  }
  /* As a file without its heading, or the message, without the folder's path. */
  std::string
  result (const Typed &typed = {}) const
  {
    g_autoptr (GError) error = nullptr;
    g_autoptr (VpConfig) config = apply (typed, &error);
    g_autofree char *text = nullptr;

    if (config != nullptr)
      text = vp_own_table_write (config->settings);
    else
      EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE) ||
                   error->domain == g_quark_from_string ("vp_device_error"))
          << error->message;
    return strip (config != nullptr ? text + strlen ("[vmplug]\n") : error->message);
  }
  std::vector<std::string>
  warnings () const
  {
    g_autoptr (GError) error = nullptr;
    g_autoptr (VpConfig) config = apply ({}, &error);
    std::vector<std::string> lines;

    if (config == nullptr)
      return { error->message };
    for (guint i = 0; i < config->warnings->len; i++)
      lines.push_back (strip (static_cast<char *> (config->warnings->pdata[i])));
    return lines;
  }

private:
  std::string
  strip (std::string text) const
  {
    const std::string path = folder.path ("");
    for (size_t at; (at = text.find (path)) != std::string::npos;)
      text.erase (at, path.size ());
    return text;
  }
};

struct Row
{
  const char *name;
  const char *file;
  const char *result; /* or the message */
  Typed typed = {};
};

void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

#define QEMU "[hypervisor.qemu]\n"
#define K    "kernel = \"k\"\n"

const Row rows[] = {
  { "empty", "", "" },
  { "own_options",
    "[vmplug]\nmemory = \"2G\"\nspare = 2\nspare_window = 33554432\nshared_memory = true\n"
    "device = [\"rng\", \"qemu,driver=edu\"]\n",
    "memory = \"2G\"\nshared_memory = \"on\"\ndevice = [\"rng\", \"qemu,driver=edu\"]\nspare = 2\n"
    "spare_window = \"33554432\"\n" },
  { "typed_beats_the_file",
    "[vmplug]\nmemory = \"2G\"\n",
    "memory = \"3G\"\n",
    { { "memory", "3G" } } },
  { "typed_is_added",
    "[vmplug]\ndisk = [\"a\"]\n",
    "disk = [\"a\", \"b\"]\n",
    { { "disk", "b" } } },
  { "typed_nic_is_added",
    "[vmplug]\nnic = [\"user\"]\n",
    "nic = [\"user\", \"user\"]\n",
    { { "nic", "user" } } },
  { "typed_none_is_the_last_word",
    "[vmplug]\nnic = [\"user\"]\n",
    "nic = [\"none\"]\n",
    { { "nic", "none" } } },
  { "typed_nic_beats_none",
    "[vmplug]\nnic = [\"none\"]\n",
    "nic = [\"user\"]\n",
    { { "nic", "user" } } },
  { "own_beats_kata", QEMU "default_memory = 512\n[vmplug]\nmemory = \"2G\"\n",
    "memory = \"2G\"\n" },

  { "kata_texts",
    QEMU "path = \"/q\"\n" K "initrd = \"i\"\nmachine_type = \"pc\"\nkernel_params = \"quiet\"\n"
         "firmware = \"/OVMF.fd\"\ncpu_features = \"pmu=off, avx2=on ,\"\n",
    "machine = \"pc\"\ncpu_features = \"pmu=off,avx2=on\"\nfirmware = \"/OVMF.fd\"\nkernel = "
    "\"k\"\n"
    "initrd = \"i\"\nappend = \"quiet\"\nqemu = \"/q\"\n" },
  { "kata_empty_texts",
    QEMU "path = \"\"\nkernel = \"\"\ninitrd = \"\"\nimage = \"\"\nmachine_type = \"\"\n"
         "kernel_params = \"\"\nfirmware = \"\"\ncpu_features = \"\"\nseccompsandbox = \"\"\n"
         "cold_plug_vfio = \"\"\n",
    "" },
  { "kata_image", QEMU K "image = \"a,b\"\nkernel_params = \"quiet\"\n",
    "kernel = \"k\"\n"
    "append = \"root=/dev/vda1 rootflags=data=ordered,errors=remount-ro ro rootfstype=ext4 "
    "quiet\"\n"
    "disk = [\"a,,b,format=raw,readonly\"]\n" },
  { "kata_image_of_another_type", QEMU K "image = \"a\"\nrootfs_type = \"erofs\"\n",
    "kernel = \"k\"\nappend = \"root=/dev/vda1 rootflags=ro rootfstype=erofs\"\n"
    "disk = [\"a,format=raw,readonly\"]\n" },
  { "kata_image_comes_first",
    QEMU K "image = \"a\"\n[vmplug]\ndisk = [\"b\"]\nappend = \"x\"\n",
    "kernel = \"k\"\n"
    "append = \"root=/dev/vda1 rootflags=data=ordered,errors=remount-ro ro rootfstype=ext4 x\"\n"
    "disk = [\"a,format=raw,readonly\", \"b\", \"c\"]\n",
    { { "disk", "c" } } },
  { "another_root_stays",
    QEMU K "image = \"a\"\n",
    "kernel = \"k\"\nappend = \"x root=/dev/vdb\"\ndisk = [\"a,format=raw,readonly\"]\n",
    { { "append", "x root=/dev/vdb" } } },
  { "kernel_may_be_typed",
    QEMU "kernel_params = \"quiet\"\n",
    "kernel = \"k\"\nappend = \"quiet\"\n",
    { { "kernel", "k" } } },

  { "cpus", QEMU "default_vcpus = 3\n", "smp = 3\n" },
  { "cpus_none", QEMU "default_vcpus = 0\n", "smp = 1\n" },
  { "cpus_all", QEMU "default_vcpus = -1\n", "smp = 8\n" },
  { "cpus_more_than_all", QEMU "default_vcpus = 500\n", "smp = 8\n" },
  { "cpus_a_part", QEMU "default_vcpus = 2.5\n", "smp = 3\n" },
  { "max_cpus", QEMU "default_vcpus = 2\ndefault_maxvcpus = 4\n", "smp = 2\nmax_cpus = 4\n" },
  { "max_cpus_of_the_host", QEMU "default_maxvcpus = 0\n", "max_cpus = 8\n" },
  { "max_cpus_gives_way", QEMU "default_maxvcpus = 2\n", "smp = 4\n", { { "smp", "4" } } },
  { "memory", QEMU "default_memory = 300\n", "memory = \"300M\"\n" },
  { "memory_none", QEMU "default_memory = 0\n", "memory = \"2048M\"\n" },
  { "max_memory", QEMU "default_memory = 1024\ndefault_maxmemory = 2048\n",
    "memory = \"1024M\"\nmax_memory = \"2048M\"\n" },
  { "max_memory_of_the_host", QEMU "default_maxmemory = 0\n", "max_memory = \"16384M\"\n" },
  { "max_memory_in_blocks",
    QEMU "default_maxmemory = 0\n",
    "memory = \"1025M\"\nmax_memory = \"16383M\"\n",
    { { "memory", "1025M" } } },
  { "max_memory_gives_way",
    QEMU "default_maxmemory = 2048\n",
    "memory = \"4G\"\n",
    { { "memory", "4G" } } },
  { "typed_max_memory_does_not",
    QEMU "default_maxmemory = 2048\n",
    "max_memory = \"3G\"\n",
    { { "max-memory", "3G" } } },

  { "bridges", QEMU "default_bridges = 3\n", "bridges = 3\n" },
  { "bridges_none", QEMU "default_bridges = 0\n", "bridges = 1\n" },
  { "bridges_many", QEMU "default_bridges = 6\n", "bridges = 5\n" },
  { "ports", QEMU "pcie_root_port = 3\n", "spare = 3\n" },
  { "ports_none", QEMU "pcie_root_port = 0\n", "" },
  { "ports_many", QEMU "pcie_root_port = 17\n", "spare = 16\n" },
  { "switch_ports", QEMU "pcie_root_port = 1\npcie_switch_port = 9\n", "spare = 9\n" },
  { "cold", QEMU "cold_plug_vfio = \"root-port\"\nhot_plug_vfio = \"no-port\"\n",
    "plug = \"cold\"\n" },
  { "hot", QEMU "cold_plug_vfio = \"no-port\"\nhot_plug_vfio = \"switch-port\"\n",
    "plug = \"hot\"\n" },
  { "hot_on_bridge", QEMU "hot_plug_vfio = \"bridge-port\"\n",
    "plug = \"hot\"\nhot_bus = \"bridge\"\n" },
  { "neither", QEMU "cold_plug_vfio = \"no-port\"\nhot_plug_vfio = \"no-port\"\n", "" },
  { "on_root_bus", QEMU "hotplug_vfio_on_root_bus = true\n", "" },
  { "not_on_root_bus", QEMU "hotplug_vfio_on_root_bus = false\n", "hot_bus = \"bridge\"\n" },
  { "numa", QEMU "enable_numa = true\nnuma_mapping = [\"0\", \"1\", \"2-3\"]\n", "numa = 3\n" },
  { "numa_of_the_host", QEMU "enable_numa = true\ndefault_maxvcpus = 0\n", "numa = 2\n" },
  { "no_numa", QEMU "enable_numa = false\nnuma_mapping = [\"0\", \"1\"]\n", "" },
  { "sandbox", QEMU "seccompsandbox = \"on,obsolete=deny,spawn=deny,resourcecontrol=deny\"\n", "" },
  { "no_confidence", QEMU "confidential_guest = false\npflashes = []\n", "" },

  { "other_hypervisor", "[hypervisor.clh]\ndefault_memory = \"x\"\n[agent.kata]\nx = 1\n", "" },

  { "unknown_port", QEMU "cold_plug_vfio = \"port\"\n",
    "a.toml:2:18: cold_plug_vfio: is none of no-port, root-port, switch-port, bridge-port" },
  { "cold_and_hot", QEMU "cold_plug_vfio = \"root-port\"\nhot_plug_vfio = \"root-port\"\n",
    "a.toml:2:18: cold_plug_vfio: excludes hot_plug_vfio, which is in a.toml:3:17" },
  { "image_and_initrd", QEMU K "image = \"a\"\ninitrd = \"b\"\n",
    "a.toml:3:9: image: excludes initrd, which is in a.toml:4:10" },
  { "no_kernel", QEMU "image = \"a\"\n", "a.toml:2:9: image: is given without kernel" },
  { "file_system", QEMU K "image = \"a\"\nrootfs_type = \"btrfs\"\n",
    "a.toml:4:15: rootfs_type: is none of ext4, xfs, erofs" },
  { "microvm", QEMU "machine_type = \"microvm\"\n",
    "a.toml:2:16: machine_type: \"microvm\" is not a machine: expected q35 or pc" },
  { "negative", QEMU "default_memory = -1\n",
    "a.toml:2:18: default_memory: is not from 0 to 4294967295" },
  { "too_much", QEMU "pcie_root_port = 4294967296\n",
    "a.toml:2:18: pcie_root_port: is not from 0 to 4294967295" },
  { "other_sandbox", QEMU "seccompsandbox = \"on,unheard-of=deny\"\n",
    "a.toml:2:18: seccompsandbox: refused: vmplug's own sandbox does not cover that; it denies "
    "obsolete, elevateprivileges, spawn and resourcecontrol" },
  { "control_character", QEMU K "kernel_params = \"a\\u0007\"\n",
    "a.toml:3:17: kernel_params: control character at byte 2" },
  { "own_value", "[vmplug]\nmemory = \"2Q\"\n",
    "a.toml:2:10: memory: \"2Q\" is not a size: expected" },
  { "own_number", "[vmplug]\nspare = -1\n",
    "a.toml:2:9: spare: \"-1\" is not a number from 0 to 253" },
  { "own_type", "[vmplug]\nname = 1\n", "a.toml:2:8: name is an integer, and must be a string" },
  { "own_boolean", "[vmplug]\nspare = true\n",
    "a.toml:2:9: spare is a boolean, and must be an integer" },
  { "own_array", "[vmplug]\ndevice = \"rng\"\n",
    "a.toml:2:10: device is a string, and must be an array of strings" },
  { "own_element", "[vmplug]\ndevice = [\"rng\", 1]\n",
    "a.toml:2:18: device[1] is an integer, and must be a string" },
  { "own_element_value", "[vmplug]\ndevice = [\"rng\",\n \"no\"]\n",
    "a.toml:3:2: device: \"no\" is not a device: expected" },
  { "own_no_array", "[vmplug]\nmemory = [\"1G\"]\n",
    "a.toml:2:10: memory is an array, and must be a string or an integer" },
  { "own_no_table", "vmplug = 1\n", "a.toml:1:10: vmplug is an integer, and must be a table" },
  { "hypervisor_no_table", "hypervisor = 1\n",
    "a.toml:1:14: hypervisor is an integer, and must be a table" },
  { "qemu_no_table", "[hypervisor]\nqemu = 1\n",
    "a.toml:2:8: hypervisor.qemu is an integer, and must be a table" },
  { "runtime_no_table", "runtime = [1]\n",
    "a.toml:1:11: runtime is an array, and must be a table" },
};

class ConfigFile : public testing::TestWithParam<Row>
{
};

TEST_P (ConfigFile, BecomesOptions)
{
  Files files;
  files.folder.write ("a.toml", GetParam ().file);
  const std::string is = files.result (GetParam ().typed);
  const std::string wanted = GetParam ().result;

  if (wanted.rfind ("a.toml:", 0) == 0)
    {
      EXPECT_EQ (is.substr (0, wanted.size ()), wanted) << is;
    }
  else
    {
      EXPECT_EQ (is, wanted);
    }
}

INSTANTIATE_TEST_SUITE_P (Table, ConfigFile, testing::ValuesIn (rows), name_of_row<Row>);

/* Each key of kata's that is known, with a value of each other type. */
TEST (ConfigFileKata, AWrongTypeIsAnErrorAtEveryKey)
{
  static const struct
  {
    const char *text;
    std::vector<VpKataType> fits;
  } values[] = {
    { "\"\"", { VP_KATA_TEXT } },
    { "[]", { VP_KATA_LIST } },
    { "0", { VP_KATA_INTEGER, VP_KATA_NUMBER } },
    { "0.0", { VP_KATA_NUMBER } },
    { "false", { VP_KATA_SWITCH } },
    { "{}", {} },
    { "[1]", {} },
  };
  const VpKataKey *key;
  Files files;
  guint n = 0;

  for (; (key = vp_kata_key_get (n)) != nullptr; n++)
    for (const auto &value : values)
      {
        files.folder.write ("a.toml", std::string ("[") + key->table + "]\n" + key->name + " = " +
                                          value.text + "\n");
        const std::string result = files.result ();
        const bool fits =
            std::find (value.fits.begin (), value.fits.end (), key->type) != value.fits.end ();
        const std::string message =
            "a.toml:2:" + std::to_string (strlen (key->name) + 4) + ": " + key->name + " is ";

        EXPECT_EQ (result.rfind (message, 0) == 0, !fits) << value.text << ": " << result;
      }
  EXPECT_GT (n, 130u);
}

TEST (ConfigFileKata, WhatIsRefusedIsRefusedOnlyWhenItAsksForSomething)
{
  const VpKataKey *key;
  Files files;

  for (guint i = 0; (key = vp_kata_key_get (i)) != nullptr; i++)
    {
      const char *const asks[] = { "\"x\"", "[\"x\"]", "1", "1", "true" };
      const char *const asks_not[] = { "\"\"", "[]", "0", "0", "false" };
      const std::string head = std::string ("[") + key->table + "]\n" + key->name + " = ";

      if (key->fate == VP_KATA_HONOURED)
        continue;
      files.folder.write ("a.toml", head + asks_not[key->type]);
      EXPECT_EQ (files.result (), "") << key->name;
      EXPECT_TRUE (files.warnings ().empty ()) << key->name;

      files.folder.write ("a.toml", head + asks[key->type]);
      EXPECT_EQ (files.result ().find (": refused: ") != std::string::npos,
                 key->fate == VP_KATA_REFUSED)
          << key->name;
      EXPECT_EQ (files.warnings ().size (), key->fate == VP_KATA_IGNORED ? 0u : 1u) << key->name;
    }
}

TEST (ConfigFileKata, KeysAreInOrderAndHaveAReason)
{
  const VpKataKey *key, *before = nullptr;

  for (guint i = 0; (key = vp_kata_key_get (i)) != nullptr; before = key, i++)
    {
      EXPECT_EQ (vp_kata_key_find (key->table, key->name), key);
      EXPECT_GT (strlen (key->why), 5u) << key->name;
      if (before != nullptr && g_str_equal (before->table, key->table))
        {
          EXPECT_LT (strcmp (before->name, key->name), 0) << key->name;
        }
    }
  EXPECT_EQ (vp_kata_key_find ("runtime", "path"), nullptr);
}

TEST (ConfigFileWarnings, NameWhatNobodyKnows)
{
  Files files;
  files.folder.write ("a.toml", "x = 1\n[vmplug]\nspare-window = \"1G\"\nnonsense = 1\n"
                                "[hypervisor.qemu]\nfoo = 1\nenable_hugepages = true\n"
                                "[runtime]\n\"b.c\" = 1\n[strange]\n");

  EXPECT_EQ (files.warnings (),
             (std::vector<std::string>{
                 "a.toml:10: strange is nothing that vmplug knows",
                 "a.toml:1: x is nothing that vmplug knows",
                 "a.toml:4: vmplug.nonsense is no option, with _ for -",
                 "a.toml:3: vmplug.spare-window is no option, with _ for -",
                 "a.toml:6: hypervisor.qemu.foo is no key of kata's that vmplug knows",
                 "a.toml:9: runtime.\"b.c\" is no key of kata's that vmplug knows",
                 "a.toml:7:20: enable_hugepages: ignored: memory is not from hugetlbfs",
             }));
}

TEST (ConfigFileWarnings, SayThatThereIsNoQemu)
{
  Files files;
  files.folder.write ("a.toml", "[hypervisor.clh]\n");

  EXPECT_EQ (files.warnings (), (std::vector<std::string>{
                                    "a.toml:1: there is no [hypervisor.qemu], and vmplug starts "
                                    "nothing else" }));
}

TEST (ConfigFileWarnings, AreNotWithoutEndAndFitForATerminal)
{
  Files files;
  std::string text = "\"\\u001b[31m\" = 1\n";
  for (guint i = 1; i < 100; i++)
    text += "a" + std::to_string (i) + " = 1\n";
  files.folder.write ("a.toml", text);
  const std::vector<std::string> lines = files.warnings ();

  ASSERT_EQ (lines.size (), 65u);
  EXPECT_EQ (lines[0], "a.toml:1: \"\\U0000001B[31m\" is nothing that vmplug knows");
  EXPECT_EQ (lines[64], "and 36 more of what the files say is not heeded");
}

class DropIns : public testing::Test
{
protected:
  DropIns () { files.folder.make_folder ("config.d"); }

  void
  write (const std::string &name, const std::string &text)
  {
    files.folder.write (name, text);
  }

  Files files;
};

/* Kata's own example: base 3, 10-base 4, and one more key in 10-override. */
TEST_F (DropIns, OverrideSingleKeysInTheOrderOfTheirNames)
{
  write ("a.toml", QEMU "default_bridges = 3\ndefault_memory = 512\n");
  write ("config.d/10-override", QEMU "shared_fs = \"virtio-9p\"\ndefault_memory = 1024\n");
  write ("config.d/10-base", QEMU "default_bridges = 4\ndefault_memory = 768\n");

  EXPECT_EQ (files.result (), "memory = \"1024M\"\nbridges = 4\n");
}

TEST_F (DropIns, BeatWhatIsTheFilesOwn)
{
  write ("a.toml", "[vmplug]\nmemory = \"4G\"\ndevice = [\"rng\"]\n");
  write ("config.d/1", QEMU "default_memory = 512\n[vmplug]\ndevice = [\"qemu,driver=edu\"]\n");

  EXPECT_EQ (files.result (), "memory = \"512M\"\ndevice = [\"qemu,driver=edu\"]\n");
}

TEST_F (DropIns, MayTakeBackWhatWouldBeRefused)
{
  write ("a.toml", QEMU "confidential_guest = true\nimage = \"a\"\n" K);
  write ("config.d/1", QEMU "confidential_guest = false\nimage = \"\"\n");
  EXPECT_EQ (files.result (), "kernel = \"k\"\n");

  write ("config.d/2", QEMU "rootless = true\n");
  EXPECT_EQ (files.result (),
             "config.d/2:2:12: rootless: refused: QEMU would have the rights of who "
             "starts vmplug");
}

TEST_F (DropIns, ABadOneIsNotPassedOver)
{
  write ("a.toml", "");
  ASSERT_EQ (symlink ("nowhere", files.folder.path ("config.d/1").c_str ()), 0);
  EXPECT_EQ (files.result (), "config.d/1: No such file or directory");

  ASSERT_EQ (unlink (files.folder.path ("config.d/1").c_str ()), 0);
  files.folder.make_folder ("config.d/1");
  EXPECT_EQ (files.result (), "config.d/1: not a regular file");

  write ("config.d/0", "=\n");
  EXPECT_EQ (files.result ().rfind ("config.d/0:1:1: ", 0), 0u) << files.result ();
}

TEST_F (DropIns, AreNotWithoutEnd)
{
  write ("a.toml", "");
  for (guint i = 0; i < VP_CONFIG_FILE_MAX_DROP_INS; i++)
    write ("config.d/" + std::to_string (i), "");
  EXPECT_EQ (files.result (), "");

  write ("config.d/more", "");
  EXPECT_EQ (files.result (), "config.d: more than 256 files");
}

TEST_F (DropIns, AFolderThatIsNoneOrUnreadableIsAnError)
{
  write ("a.toml", "");
  if (geteuid () == 0)
    {
      ASSERT_EQ (chmod (files.folder.path ("config.d").c_str (), 0), 0);
      ASSERT_EQ (chmod (files.folder.path ("").c_str (), 0755), 0);
      EXPECT_EQ (as_user (65534,
                          [&] {
                            const std::string result = files.result ();
                            return result.rfind ("config.d: cannot be read as a folder: ", 0) == 0
                                       ? 0
                                       : 1;
                          }),
                 0);
    }

  ASSERT_EQ (rmdir (files.folder.path ("config.d").c_str ()), 0);
  write ("config.d", "");
  EXPECT_EQ (files.result ().rfind ("config.d: cannot be read as a folder: ", 0), 0u)
      << files.result ();
}

TEST (ConfigFileItself, MustBeThereAndOnlyOnce)
{
  Files files;
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (files.result (), "a.toml: No such file or directory");
  ASSERT_EQ (mkfifo (files.folder.path ("a.toml").c_str (), 0600), 0);
  EXPECT_EQ (files.result (), "a.toml: not a regular file");

  EXPECT_TRUE (vp_config_file_set (config, "a", &error));
  EXPECT_FALSE (vp_config_file_set (config, "b", &error));
  EXPECT_STREQ (error->message, "--config is given twice");
}

TEST (ConfigFileHost, WhatIsNotKnownIsNotMadeUp)
{
  Files files;
  for (const char *name :
       { "sys/devices/system/cpu/online", "sys/devices/system/node/online", "proc/meminfo" })
    ASSERT_EQ (unlink (files.folder.path (std::string ("root/") + name).c_str ()), 0);

  files.folder.write ("a.toml",
                      QEMU "default_maxvcpus = 0\ndefault_maxmemory = 0\ndefault_vcpus = 4\n"
                           "enable_numa = true\n");
  EXPECT_EQ (files.result (), "smp = 4\n");
  files.folder.write ("a.toml", QEMU "default_vcpus = -1\n");
  EXPECT_EQ (files.result (),
             "a.toml:2:17: default_vcpus: it is not known how many CPUs the host has");
}

/* What is written is read back as the same, whatever the values hold. */
TEST (ConfigFileRoundTrip, GivesTheSameSettings)
{
  Files files;
  const Typed typed = { { "name", "vm" },         { "append", "a=\"b\\c\" 'd' \xc3\xa9 # ]" },
                        { "kernel", "k" },        { "disk", "a,,b,snapshot" },
                        { "disk", "c" },          { "nic", "user" },
                        { "share", "/d,tag=t" },  { "device", "0000:41:00.0,plug=cold" },
                        { "device", "rng" },      { "spare", "007" },
                        { "cpu", "host,-avx" },   { "memory", "1536M" },
                        { "shared-memory", "on" } };
  files.folder.write ("a.toml", QEMU "default_bridges = 2\nhot_plug_vfio = \"bridge-port\"\n");
  const std::string once = files.result (typed);

  files.folder.write ("a.toml", "[vmplug]\n" + once);
  EXPECT_EQ (files.result (), once);
  EXPECT_NE (once.find ("spare = 7\n"), std::string::npos) << once;
}

TEST (ConfigOptionInitial, IsWhatANewConfigurationHas)
{
  const VpConfigOption *option;
  g_autoptr (VpConfig) fresh = vp_config_new ();

  for (guint i = 0; (option = vp_config_option_get (i)) != nullptr; i++)
    {
      g_autoptr (VpConfig) config = vp_config_new ();
      g_autoptr (GError) error = nullptr;

      if (option->initial == nullptr)
        continue;
      ASSERT_TRUE (vp_config_set (config, option->name, option->initial, &error)) << error->message;
      EXPECT_EQ (config->machine, fresh->machine);
      EXPECT_EQ (config->accel, fresh->accel);
      EXPECT_EQ (config->smp, fresh->smp);
      EXPECT_EQ (config->memory, fresh->memory);
      EXPECT_EQ (config->shared_memory, fresh->shared_memory);
      EXPECT_EQ (config->numa, fresh->numa);
      EXPECT_EQ (config->firmware, fresh->firmware);
      EXPECT_EQ (config->plug, fresh->plug);
      EXPECT_EQ (config->large_bar, fresh->large_bar);
      EXPECT_EQ (config->spare, fresh->spare);
      EXPECT_EQ (config->n_bridges, fresh->n_bridges);
      EXPECT_EQ (config->hot_on_bridge, fresh->hot_on_bridge);
      EXPECT_EQ (config->hotplug_mode, fresh->hotplug_mode);
      EXPECT_EQ (config->ready.kind, fresh->ready.kind);
      EXPECT_STREQ (config->qemu, fresh->qemu);
    }
}

} // namespace
