#include "launcher/config/firmware-file.h"
#include "launcher/error.h"

#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>

namespace
{

using namespace std::string_literals;

/* The end of every SeaBIOS (romlayout.S, reset_vector). */
const std::string JUMP = "\xea\x5b\xe0\x00\xf0"s
                         "06/23/99\0\xfc\0"s;
const std::string BANNER = "\0SeaBIOS (version %s)\n\0"s;
const std::string FOOTER = "\xde\x82\xb5\x96\xb2\x1f\xf7\x45\xba\xea\xa3\x66\xc5\x5a\x08\x2d";
const std::string VECTOR = "\x0f\x20\xc0\xa8\x01\x74\x05\xe9\x28\xff\xff\xff\xe9\x09\xff\x90";

/* What a SeaBIOS image holds beside code, and what could be taken for its version. */
std::string
seabios (const std::string &version)
{
  return std::string (4096, '\xcb') + BANNER +
         "\0rel-ease\0"
         "04/01/2014\0"
         "SMBIOS 3.0\0"s +
         "gcc: (Debian 12.2.0-14) 12.2.0\0"
         "10.0.2.2\0"s +
         version + '\0' + std::string (64, '\0') + JUMP;
}

std::string
volume (uint64_t length, const std::string &end)
{
  std::string image (4096, '\0');
  for (int i = 0; i < 8; i++)
    image[static_cast<size_t> (32 + i)] = static_cast<char> (length >> (8 * i));
  image.replace (40, 4, "_FVH");
  return image + end;
}

struct Row
{
  const char *name;
  std::string image;
  VpFirmwareKind kind;
  const char *version = nullptr;
};

const Row rows[] = {
  { "empty", "", VP_FIRMWARE_OTHER },
  { "one_byte", "x", VP_FIRMWARE_OTHER },
  { "zeros", std::string (65536, '\0'), VP_FIRMWARE_OTHER },
  { "erased_flash", std::string (65536, '\xff'), VP_FIRMWARE_OTHER },
  { "debian", seabios ("1.16.2-debian-1.16.2-1"), VP_FIRMWARE_SEABIOS, "1.16.2-debian-1.16.2-1" },
  { "qemu", seabios ("rel-1.16.3-0-ga6ed6b701f0a-prebuilt.qemu.org"), VP_FIRMWARE_SEABIOS,
    "rel-1.16.3-0-ga6ed6b701f0a-prebuilt.qemu.org" },
  { "plain", seabios ("1.17.0"), VP_FIRMWARE_SEABIOS, "1.17.0" },
  { "arch", seabios ("Arch Linux 1.16.3-1-1"), VP_FIRMWARE_SEABIOS, "Arch Linux 1.16.3-1-1" },
  { "same_version_twice", seabios ("1.17.0\0"s + "1.17.0"), VP_FIRMWARE_SEABIOS, "1.17.0" },
  { "versions_that_differ", seabios ("1.16.2\0"s + "1.17.0"), VP_FIRMWARE_SEABIOS },
  { "no_version", seabios ("-"), VP_FIRMWARE_SEABIOS },
  { "version_of_two_numbers", seabios ("1.17"), VP_FIRMWARE_SEABIOS },
  { "version_that_never_ends", seabios ("1.17.0" + std::string (300, '-')), VP_FIRMWARE_SEABIOS },
  { "version_that_is_an_address", seabios ("1.17.0.1"), VP_FIRMWARE_SEABIOS },
  { "version_with_control_characters", seabios ("1.17.0\033[2J"), VP_FIRMWARE_SEABIOS },
  { "version_cut_by_the_end", BANNER + std::string (1, '\xea') + "234567891.17.0\0"s,
    VP_FIRMWARE_SEABIOS },
  { "seabios_without_reset_vector", seabios ("1.17.0") + std::string (16, '\0'),
    VP_FIRMWARE_OTHER },
  { "reset_vector_alone", std::string (512, '\0') + JUMP, VP_FIRMWARE_OTHER },
  { "vga_bios",
    "\0SeaVGABIOS (version %s)\0"s
    "1.16.2\0"s +
        JUMP,
    VP_FIRMWARE_OTHER },
  { "text_about_seabios", "SeaBIOS (version 1.17.0)\n1.17.0\n", VP_FIRMWARE_OTHER },
  { "ovmf", volume (4096, FOOTER + std::string (16, '\0') + VECTOR), VP_FIRMWARE_OVMF },
  { "ovmf_code_without_variables",
    std::string (100, 'x') + FOOTER + std::string (16, '\0') + VECTOR, VP_FIRMWARE_OVMF },
  { "ovmf_shortest", FOOTER + std::string (32, '\0'), VP_FIRMWARE_OVMF },
  { "ovmf_footer_cut", FOOTER.substr (1) + std::string (32, '\0'), VP_FIRMWARE_OTHER },
  { "ovmf_footer_elsewhere", FOOTER + std::string (33, '\0'), VP_FIRMWARE_OTHER },
  { "ovmf_that_holds_a_seabios", seabios ("1.16.2") + FOOTER + std::string (16, '\0') + JUMP,
    VP_FIRMWARE_OVMF },
  { "old_ovmf", volume (4096, VECTOR), VP_FIRMWARE_OVMF },
  { "variables", volume (4096, std::string (65536, '\xff')), VP_FIRMWARE_OTHER },
  { "volume_of_no_length", volume (0, VECTOR), VP_FIRMWARE_OTHER },
  { "volume_longer_than_the_file", volume (4096 + 17, VECTOR), VP_FIRMWARE_OTHER },
  { "volume_of_huge_length", volume (UINT64_MAX, VECTOR), VP_FIRMWARE_OTHER },
  { "volume_cut", volume (4096, "").substr (0, 50), VP_FIRMWARE_OTHER },
};

class FirmwareFile : public testing::TestWithParam<Row>
{
protected:
  TempFolder folder_;
  VpFirmwareFile file_ = {};

  ~FirmwareFile () override { vp_firmware_file_clear (&file_); }
};

TEST_P (FirmwareFile, IsRecognisedByItsBytes)
{
  const Row &row = GetParam ();

  vp_firmware_file_recognise (reinterpret_cast<const guint8 *> (row.image.data ()),
                              row.image.size (), &file_);
  EXPECT_EQ (file_.kind, row.kind);
  EXPECT_STREQ (file_.version, row.version);
}

TEST_P (FirmwareFile, IsRecognisedOnDisk)
{
  const Row &row = GetParam ();
  g_autoptr (GError) error = nullptr;

  ASSERT_TRUE (vp_firmware_file_read (folder_.write ("fw", row.image).c_str (), &file_, &error))
      << error->message;
  EXPECT_EQ (file_.kind, row.kind);
  EXPECT_STREQ (file_.version, row.version);
}

INSTANTIATE_TEST_SUITE_P (Table, FirmwareFile, testing::ValuesIn (rows), name_of_row<Row>);

/* Cut anywhere, it is no more than it was, and nothing is read beyond its end. */
TEST (FirmwareFileCut, IsSafe)
{
  for (const std::string &whole :
       { seabios ("1.17.0"), volume (4096, FOOTER + std::string (16, '\0') + VECTOR) })
    for (size_t size = 0; size < whole.size (); size++)
      {
        g_autofree guint8 *copy =
            static_cast<guint8 *> (g_memdup2 (whole.data () + size, whole.size () - size));
        g_auto (VpFirmwareFile) head = {}, tail = {};

        vp_firmware_file_recognise (reinterpret_cast<const guint8 *> (whole.data ()), size, &head);
        vp_firmware_file_recognise (copy, whole.size () - size, &tail);
        EXPECT_NE (head.kind, VP_FIRMWARE_SEABIOS) << size;
      }
}

class FirmwarePath : public testing::Test
{
protected:
  TempFolder folder_;

  void
  expect_refused (const std::string &path, const std::string &why)
  {
    g_autoptr (GError) error = nullptr;
    g_auto (VpFirmwareFile) file = {};

    ASSERT_FALSE (vp_firmware_file_read (path.c_str (), &file, &error));
    EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
    EXPECT_EQ (std::string (error->message), path + ": " + why);
    EXPECT_EQ (file.kind, VP_FIRMWARE_OTHER);
  }
};

TEST_F (FirmwarePath, ThatIsMissing)
{
  expect_refused (folder_.path ("nowhere"), "No such file or directory");
}

TEST_F (FirmwarePath, ThatIsAFolder)
{
  expect_refused (folder_.make_folder ("folder"), "not a regular file");
}

TEST_F (FirmwarePath, ThatIsAFifoWithoutAWriter)
{
  ASSERT_EQ (mkfifo (folder_.path ("fifo").c_str (), 0600), 0);
  expect_refused (folder_.path ("fifo"), "not a regular file");
}

TEST_F (FirmwarePath, ThatIsADevice) { expect_refused ("/dev/zero", "not a regular file"); }

TEST_F (FirmwarePath, ThatIsHuge)
{
  const std::string path = folder_.write ("huge", "x");

  ASSERT_EQ (truncate (path.c_str (), VP_FIRMWARE_FILE_MAX + 1), 0);
  expect_refused (path, "larger than 64 MiB, which is no firmware");
}

TEST_F (FirmwarePath, OfTheLargestFileThatIsRead)
{
  const std::string path = folder_.write ("large", "x");
  g_autoptr (GError) error = nullptr;
  g_auto (VpFirmwareFile) file = {};

  ASSERT_EQ (truncate (path.c_str (), VP_FIRMWARE_FILE_MAX), 0);
  EXPECT_TRUE (vp_firmware_file_read (path.c_str (), &file, &error)) << error->message;
  EXPECT_EQ (file.kind, VP_FIRMWARE_OTHER);
}

/* A QEMU that is installed in a folder of its own: bin/qemu beside share/. */
class DefaultFirmware : public testing::Test
{
protected:
  TempFolder folder_;
  std::string program_;

  DefaultFirmware ()
  {
    for (const char *name : { "bin", "share/qemu", "share/seabios" })
      folder_.make_folder (name);
    program_ = folder_.write ("bin/qemu", "\177ELF");
    chmod (program_.c_str (), 0755);
  }
  void
  install (const std::string &name, const std::string &version)
  {
    folder_.write ("share/" + name + "/bios-256k.bin", seabios (version));
  }
  void
  expect (const char *version, const std::string &program)
  {
    g_auto (VpFirmwareFile) file = {};

    vp_firmware_file_read_default (program.c_str (), &file);
    EXPECT_EQ (file.kind, VP_FIRMWARE_SEABIOS);
    EXPECT_STREQ (file.version, version);
  }
};

TEST_F (DefaultFirmware, IsBesideTheProgram)
{
  install ("qemu", "1.17.0");
  expect ("1.17.0", program_);
}

TEST_F (DefaultFirmware, IsInAFolderOfItsOwn)
{
  install ("seabios", "1.16.2-debian-1.16.2-1");
  expect ("1.16.2-debian-1.16.2-1", program_);
}

TEST_F (DefaultFirmware, IsWhereTheProgramReallyIs)
{
  const std::string link = folder_.path ("link");

  install ("qemu", "1.17.0");
  ASSERT_EQ (symlink (program_.c_str (), link.c_str ()), 0);
  expect ("1.17.0", link);
}

TEST_F (DefaultFirmware, IsNotKnownWhenTwoDiffer)
{
  install ("qemu", "1.17.0");
  install ("seabios", "1.16.3");
  expect (nullptr, program_);
}

TEST_F (DefaultFirmware, IsKnownWhenTwoAgree)
{
  install ("qemu", "1.17.0");
  install ("seabios", "1.17.0");
  expect ("1.17.0", program_);
}

TEST_F (DefaultFirmware, IsNotKnownWhenThereIsNone) { expect (nullptr, program_); }

TEST_F (DefaultFirmware, IsNotKnownOfAScript)
{
  install ("qemu", "1.17.0");
  folder_.write ("bin/qemu", "#!/bin/sh\nexec /elsewhere/qemu -L /elsewhere \"$@\"\n");
  expect (nullptr, program_);
}

TEST_F (DefaultFirmware, IsNotKnownOfAProgramThatIsNotThere)
{
  expect (nullptr, folder_.path ("bin/no-such-program"));
}

} // namespace
