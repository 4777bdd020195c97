#include "launcher/config/config.h"
#include "launcher/error.h"

#include "tests/support/as-user.h"
#include "tests/support/temp-folder.h"

#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

using namespace std::string_literals;

const VpDisk *
disk_at (const VpConfig *c, guint i)
{
  return static_cast<VpDisk *> (c->disks->pdata[i]);
}
class ConfigCheck : public testing::Test
{
protected:
  TempFolder folder_;
  VpConfig *config_ = vp_config_new ();
  std::string bzimage_ = folder_.write ("bzImage", bzimage ());

  /* One sector of setup, and 17 times 16 bytes of kernel: as small as it can be, 1296 bytes. */
  static std::string
  bzimage ()
  {
    std::string file (1296, '\0');
    file[0x1f1] = 1;
    file[0x1f4] = 17;
    return file.replace (0x202, 4, "HdrS");
  }

  ConfigCheck () { set ("qemu", "/bin/true"); }
  ~ConfigCheck () override { vp_config_free (config_); }

  void
  set (const char *option, const std::string &value)
  {
    g_autoptr (GError) error = nullptr;
    ASSERT_TRUE (vp_config_set (config_, option, value.c_str (), &error)) << error->message;
  }
  void
  expect_ok ()
  {
    g_autoptr (GError) error = nullptr;
    EXPECT_TRUE (vp_config_check (config_, &error)) << error->message;
  }
  void
  expect_failure (VpError code, const std::string &why)
  {
    g_autoptr (GError) error = nullptr;
    ASSERT_FALSE (vp_config_check (config_, &error));
    EXPECT_TRUE (g_error_matches (error, VP_ERROR, code)) << error->message;
    EXPECT_NE (std::string (error->message).find (why), std::string::npos) << error->message;
  }
};

TEST_F (ConfigCheck, NamesTheVmAfterTheProcess)
{
  expect_ok ();
  EXPECT_EQ (std::string (config_->name), "vm-" + std::to_string (getpid ()));
}

TEST_F (ConfigCheck, KeepsTheNameThatWasGiven)
{
  set ("name", "mine");
  expect_ok ();
  EXPECT_STREQ (config_->name, "mine");
}

TEST_F (ConfigCheck, KernelsOfAllKinds)
{
  const std::string kernels[] = {
    bzimage_,
    folder_.write ("elf", "\177ELF" + std::string (100, 'x')),
    folder_.write ("multiboot", std::string (4100, 'x') + "\x02\xb0\xad\x1b"),
  };

  for (const std::string &kernel : kernels)
    {
      g_autoptr (VpConfig) config = vp_config_new ();
      g_autoptr (GError) error = nullptr;

      vp_config_set (config, "qemu", "/bin/true", nullptr);
      vp_config_set (config, "kernel", kernel.c_str (), nullptr);
      EXPECT_TRUE (vp_config_check (config, &error)) << error->message;
    }
}

TEST_F (ConfigCheck, GarbageIsNoKernel)
{
  set ("kernel", folder_.write ("garbage", std::string (512 * 1024, 'x')));
  expect_failure (VP_ERROR_USAGE, "not a kernel");
}

TEST_F (ConfigCheck, AnEmptyFileIsNoKernel)
{
  set ("kernel", folder_.write ("empty", ""));
  expect_failure (VP_ERROR_USAGE, "not a kernel");
}

TEST_F (ConfigCheck, ABzImageThatIsCutShort)
{
  set ("kernel", folder_.write ("half", bzimage ().substr (0, 1295)));
  expect_failure (VP_ERROR_USAGE, "cut short: it has 1295 bytes, and its header says 1296; build");
}

TEST_F (ConfigCheck, ABzImageMayBeLonger)
{
  set ("kernel", folder_.write ("signed", bzimage () + std::string (2000, 's')));
  expect_ok ();
}

TEST_F (ConfigCheck, MissingKernel)
{
  set ("kernel", folder_.path ("nowhere"));
  expect_failure (VP_ERROR_HOST,
                  "--kernel " + folder_.path ("nowhere") + ": No such file or directory");
}

TEST_F (ConfigCheck, AFolderIsNoKernel)
{
  set ("kernel", folder_.make_folder ("d"));
  expect_failure (VP_ERROR_HOST, "not a regular file");
}

TEST_F (ConfigCheck, AFifoDoesNotHang)
{
  ASSERT_EQ (mkfifo (folder_.path ("fifo").c_str (), 0600), 0);
  set ("kernel", folder_.path ("fifo"));
  expect_failure (VP_ERROR_HOST, "not a regular file");
}

TEST_F (ConfigCheck, InitrdNeedsAKernel)
{
  set ("initrd", bzimage_);
  expect_failure (VP_ERROR_USAGE, "--initrd is given without --kernel");
}

TEST_F (ConfigCheck, AppendNeedsAKernel)
{
  set ("append", "");
  expect_failure (VP_ERROR_USAGE, "--append is given without --kernel");
}

TEST_F (ConfigCheck, MissingInitrd)
{
  set ("kernel", bzimage_);
  set ("initrd", folder_.path ("nowhere"));
  expect_failure (VP_ERROR_HOST, "--initrd ");
}

TEST_F (ConfigCheck, ACompleteBoot)
{
  set ("kernel", bzimage_);
  set ("initrd", bzimage_);
  set ("append", "quiet");
  expect_ok ();
}

TEST_F (ConfigCheck, MissingFirmware)
{
  set ("firmware", folder_.path ("bios.bin"));
  expect_failure (VP_ERROR_HOST, "--firmware ");
}

/* The end of every SeaBIOS, after its banner and its version. */
const std::string SEABIOS = "\0SeaBIOS (version %s)\0"
                            "1.17.0\0"
                            "\xea\x5b\xe0\x00\xf0"
                            "06/23/99\0\xfc\0"s;

TEST_F (ConfigCheck, FirmwareIsWhatItsFileHolds)
{
  set ("firmware", folder_.write ("OVMF.fd", SEABIOS));
  expect_ok ();
  EXPECT_EQ (config_->firmware, VP_FIRMWARE_SEABIOS);
  EXPECT_STREQ (config_->firmware_version, "1.17.0");
}

TEST_F (ConfigCheck, FirmwareIsWhatItsNameSaysWhenItsFileSaysNothing)
{
  set ("firmware", folder_.write ("OVMF.fd", "x"));
  expect_ok ();
  EXPECT_EQ (config_->firmware, VP_FIRMWARE_OVMF);
  EXPECT_EQ (config_->firmware_version, nullptr);
}

TEST_F (ConfigCheck, FirmwareVersionThatIsAskedForWins)
{
  set ("firmware", folder_.write ("bios.bin", SEABIOS));
  set ("firmware-version", "1.16.3");
  expect_ok ();
  EXPECT_STREQ (config_->firmware_version, "1.16.3");
}

TEST_F (ConfigCheck, DefaultFirmwareIsThatOfTheProgram)
{
  g_autoptr (VpConfig) config = vp_config_new ();

  folder_.make_folder ("bin");
  folder_.make_folder ("share/qemu");
  folder_.write ("share/qemu/bios-256k.bin", SEABIOS);
  ASSERT_EQ (chmod (folder_.write ("bin/qemu", "\177ELF").c_str (), 0755), 0);
  vp_config_set (config, "qemu", folder_.path ("bin/qemu").c_str (), nullptr);
  ASSERT_TRUE (vp_config_check (config, nullptr));
  EXPECT_EQ (config->firmware_path, nullptr);
  EXPECT_STREQ (config->firmware_version, "1.17.0");
}

TEST_F (ConfigCheck, DefaultFirmwareIsNotKnownWhereArgumentsReplaceIt)
{
  for (const char *option : { "-L", "-bios", "--bios", "-pflash" })
    {
      const char *args[] = { option, "x", nullptr };
      g_autoptr (VpConfig) config = vp_config_new ();

      vp_config_set (config, "qemu", "/bin/true", nullptr);
      ASSERT_TRUE (vp_config_set_qemu_args (config, const_cast<char **> (args), nullptr));
      ASSERT_TRUE (vp_config_check (config, nullptr));
      EXPECT_EQ (config->firmware_version, nullptr) << option;
    }
}

TEST_F (ConfigCheck, OvmfIsFoundOrItsPackageNamed)
{
  g_autoptr (GError) error = nullptr;

  set ("firmware", "ovmf");
  if (vp_config_check (config_, &error))
    {
      ASSERT_NE (config_->firmware_path, nullptr);
      EXPECT_EQ (access (config_->firmware_path, R_OK), 0);
    }
  else
    {
      EXPECT_NE (access ("/usr/share/ovmf/OVMF.fd", R_OK), 0);
      EXPECT_NE (strstr (error->message, "Debian package ovmf"), nullptr) << error->message;
    }
}

TEST_F (ConfigCheck, MissingQemu)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  vp_config_set (config, "qemu", "no-such-program-here", nullptr);
  EXPECT_FALSE (vp_config_check (config, &error));
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
  EXPECT_NE (strstr (error->message, "not in PATH"), nullptr) << error->message;
}

TEST_F (ConfigCheck, QemuThatIsNoProgram)
{
  g_autoptr (VpConfig) config = vp_config_new ();
  g_autoptr (GError) error = nullptr;

  vp_config_set (config, "qemu", bzimage_.c_str (), nullptr);
  EXPECT_FALSE (vp_config_check (config, &error));
  EXPECT_NE (strstr (error->message, "no such program"), nullptr) << error->message;
}

TEST_F (ConfigCheck, PcHasNoNativeHotplug)
{
  set ("machine", "pc");
  set ("hotplug-mode", "native");
  expect_failure (VP_ERROR_USAGE, "--hotplug-mode native: a pc machine has hotplug by ACPI only");
}

TEST_F (ConfigCheck, PcHasFewerCpus)
{
  set ("machine", "pc");
  set ("smp", "256");
  expect_failure (VP_ERROR_USAGE, "at most 255");
}

TEST_F (ConfigCheck, PcHas255Cpus)
{
  set ("machine", "pc");
  set ("smp", "255");
  expect_ok ();
}

TEST_F (ConfigCheck, PcHasFewerCpusAtMost)
{
  set ("machine", "pc");
  set ("max-cpus", "256");
  expect_failure (VP_ERROR_USAGE, "--max-cpus 256: a pc machine has at most 255");
}

TEST_F (ConfigCheck, MoreCpusAreNotFewer)
{
  set ("smp", "4");
  set ("max-cpus", "3");
  expect_failure (VP_ERROR_USAGE, "--max-cpus 3: less than the 4 CPUs");
}

TEST_F (ConfigCheck, MoreMemoryIsNotLess)
{
  set ("memory", "2G");
  set ("max-memory", "1G");
  expect_failure (VP_ERROR_USAGE, "--max-memory 1 GiB: less than the 2 GiB");
}

TEST_F (ConfigCheck, MoreMemoryComesInBlocks)
{
  set ("memory", "1G");
  set ("max-memory", "1025M");
  expect_failure (VP_ERROR_USAGE, "a multiple of 2 MiB more");
}

TEST_F (ConfigCheck, MuchMoreMemoryComesInLargerBlocks)
{
  set ("memory", "1G");
  set ("max-memory", "66562M");
  expect_failure (VP_ERROR_USAGE, "a multiple of 4 MiB more");
}

TEST_F (ConfigCheck, RoomToGrow)
{
  set ("max-cpus", "4");
  set ("max-memory", "65G");
  expect_ok ();
}

TEST_F (ConfigCheck, CpusOfNodesStay)
{
  set ("numa", "2");
  set ("max-cpus", "4");
  expect_failure (VP_ERROR_USAGE, "--max-cpus 4: the CPUs of a VM with 2 NUMA nodes");
}

TEST_F (ConfigCheck, MemoryOfNodesStays)
{
  set ("numa", "2");
  set ("max-memory", "4G");
  expect_failure (VP_ERROR_USAGE, "--max-memory 4 GiB: the memory of a VM with 2 NUMA nodes");
}

TEST_F (ConfigCheck, SharesAreFolders)
{
  set ("share", bzimage_ + ",tag=x");
  expect_failure (VP_ERROR_HOST, "--share " + bzimage_ + ": Not a directory");
}

TEST_F (ConfigCheck, ShareThatIsThere)
{
  set ("share", folder_.make_folder ("d") + ",tag=x");
  expect_ok ();
}

std::string
big_endian (guint64 value, int n_bytes)
{
  std::string text;
  while (n_bytes-- > 0)
    text += static_cast<char> (value >> (8 * n_bytes));
  return text;
}

/* The first 112 bytes of a qcow2 image. */
std::string
qcow2_header (guint version, guint64 backing_file, guint64 incompatible)
{
  std::string header = "QFI\xfb" + big_endian (version, 4) + big_endian (backing_file, 8);
  header.resize (72, '\0');
  header += big_endian (incompatible, 8);
  header.resize (112, '\0');
  return header;
}

TEST_F (ConfigCheck, FindsTheFormatOfADisk)
{
  set ("disk", folder_.write ("raw", std::string (4096, 'x')));
  set ("disk", folder_.write ("empty", ""));
  set ("disk", folder_.write ("qcow2", qcow2_header (3, 0, 0)));
  set ("disk", folder_.write ("old", qcow2_header (2, 0, 4)));
  set ("disk", folder_.path ("qcow2") + ",format=raw");
  expect_ok ();
  EXPECT_STREQ (disk_at (config_, 0)->format, "raw");
  EXPECT_STREQ (disk_at (config_, 1)->format, "raw");
  EXPECT_STREQ (disk_at (config_, 2)->format, "qcow2");
  EXPECT_STREQ (disk_at (config_, 3)->format, "qcow2") << "version 2 has no feature bits";
  EXPECT_STREQ (disk_at (config_, 4)->format, "raw") << "what was given stays";
  EXPECT_FALSE (disk_at (config_, 0)->is_block_device);
}

TEST_F (ConfigCheck, ABackingFileIsNotFollowedUnasked)
{
  set ("disk", folder_.write ("trap", qcow2_header (3, 512, 0)));
  expect_failure (VP_ERROR_USAGE, "say format=qcow2");
}

TEST_F (ConfigCheck, AnExternalDataFileIsNotFollowedUnasked)
{
  set ("disk", folder_.write ("trap", qcow2_header (3, 0, 4)));
  expect_failure (VP_ERROR_USAGE, "say format=qcow2");
}

TEST_F (ConfigCheck, ABackingFileIsFollowedWhenAsked)
{
  set ("disk", folder_.write ("image", qcow2_header (3, 512, 0)) + ",format=qcow2");
  expect_ok ();
}

TEST_F (ConfigCheck, MissingDisk)
{
  set ("disk", folder_.path ("nowhere"));
  expect_failure (VP_ERROR_HOST, "--disk " + folder_.path ("nowhere") + ": No such file");
}

TEST_F (ConfigCheck, MissingDiskOfADevice)
{
  set ("device", "disk," + folder_.path ("nowhere"));
  expect_failure (VP_ERROR_HOST, "--device disk: " + folder_.path ("nowhere") + ": No such file");
}

TEST_F (ConfigCheck, ADiskThatIsADeviceIsLookedInto)
{
  set ("device", "disk," + folder_.write ("d", "text"));
  expect_ok ();
  EXPECT_STREQ (static_cast<VpDeviceSpec *> (config_->devices->pdata[0])->disk->format, "raw");
}

TEST_F (ConfigCheck, OneFileIsNotTwoDisks)
{
  const std::string file = folder_.write ("d", "");

  std::filesystem::create_hard_link (file, folder_.path ("other"));
  set ("disk", file);
  set ("device", "disk," + folder_.path ("other"));
  expect_failure (VP_ERROR_USAGE, "other\" is a disk of this VM already (" + file + ")");
}

TEST_F (ConfigCheck, OneFileIsNotTwoDevices)
{
  set ("device", "disk," + folder_.write ("d", ""));
  set ("device", "rng");
  set ("device", "disk," + folder_.path ("d"));
  expect_failure (VP_ERROR_USAGE, "is a disk of this VM already");
}

TEST_F (ConfigCheck, EmptyFilesAreDifferentDisks)
{
  set ("device", "disk," + folder_.write ("d", ""));
  set ("device", "disk," + folder_.write ("e", ""));
  expect_ok ();
}

TEST_F (ConfigCheck, MissingPasstIsNamedWithItsPackage)
{
  const std::string path = g_getenv ("PATH");

  set ("device", "nic,passt");
  g_setenv ("PATH", "/nowhere", TRUE);
  expect_failure (VP_ERROR_HOST,
                  "--device nic: passt: not in PATH: install the Debian package passt");
  g_setenv ("PATH", path.c_str (), TRUE);
}

TEST_F (ConfigCheck, AFolderIsNoDisk)
{
  set ("disk", folder_.make_folder ("d") + ",readonly");
  expect_failure (VP_ERROR_USAGE, "neither a file nor a block device");
}

TEST_F (ConfigCheck, ACharacterDeviceIsNoDisk)
{
  set ("disk", "/dev/null");
  expect_failure (VP_ERROR_USAGE, "neither a file nor a block device");
}

TEST_F (ConfigCheck, ADiskIsWrittenUnlessToldOtherwise)
{
  const std::string file = folder_.write ("disk", "x");
  const auto check = [&] (const char *how) {
    return as_user (65534, [&] {
      g_autoptr (VpConfig) config = vp_config_new ();
      vp_config_set (config, "qemu", "/bin/true", nullptr);
      vp_config_set (config, "disk", (file + how).c_str (), nullptr);
      return vp_config_check (config, nullptr) ? 0 : 1;
    });
  };

  if (geteuid () != 0)
    GTEST_SKIP () << "needs root to become somebody else";
  ASSERT_EQ (chmod (file.c_str (), 0444), 0);
  ASSERT_EQ (chmod (folder_.path ("").c_str (), 0755), 0);
  EXPECT_EQ (check (""), 1);
  EXPECT_EQ (check (",readonly"), 0);
  EXPECT_EQ (check (",snapshot"), 0);
}

} // namespace
