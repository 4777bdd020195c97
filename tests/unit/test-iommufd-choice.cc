#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/iommufd-choice.h"

#include "tests/support/fake-sysfs.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>

namespace
{

struct Row
{
  const char *name;
  const char *spec;
  bool wanted;
  VpIommufdMode when_it_can;
  VpIommufdMode when_it_cannot; /* ON: refused */
};

const VpIommufdMode ON = VP_IOMMUFD_ON, OFF = VP_IOMMUFD_OFF, AUTO = VP_IOMMUFD_AUTO;

const Row rows[] = {
  { "address", "41:00.0", false, AUTO, AUTO },
  { "address_on", "41:00.0,iommufd=on", true, ON, ON },
  { "address_off", "41:00.0,iommufd=off", false, OFF, OFF },
  { "group", "/dev/vfio/40", false, AUTO, AUTO },
  { "group_on", "/dev/vfio/40,iommufd=on", true, ON, ON },
  { "node", "/dev/vfio/devices/vfio3", true, ON, OFF },
  { "node_auto", "/dev/vfio/devices/vfio3,iommufd=auto", true, ON, OFF },
  { "node_on", "/dev/vfio/devices/vfio3,iommufd=on", true, ON, ON },
  { "node_off", "/dev/vfio/devices/vfio3,iommufd=off", false, OFF, OFF },
  { "emulated", "rng", false, AUTO, AUTO },
};

class IommufdChoice : public testing::TestWithParam<Row>
{
};

TEST_P (IommufdChoice, IsMadeOnce)
{
  const Row &row = GetParam ();
  g_autoptr (GError) why =
      g_error_new_literal (VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD, "there is none");

  for (const bool can : { true, false })
    {
      g_autoptr (VpDeviceSpec) spec = vp_device_spec_parse (row.spec, nullptr);
      g_autoptr (GError) error = nullptr;

      ASSERT_NE (spec, nullptr);
      EXPECT_EQ (vp_iommufd_choice_is_wanted (spec), row.wanted);
      if (!row.wanted)
        continue;
      const bool refused = !can && row.when_it_cannot == ON;
      EXPECT_EQ (vp_iommufd_choice_decide (spec, can ? nullptr : why, &error), !refused);
      EXPECT_EQ (spec->iommufd, can ? row.when_it_can : row.when_it_cannot);
      if (refused)
        {
          EXPECT_STREQ (error->message, "there is none");
        }
      else
        EXPECT_EQ (vp_iommufd_choice_is_wanted (spec), can) << "decided";
    }
}

INSTANTIATE_TEST_SUITE_P (Table, IommufdChoice, testing::ValuesIn (rows), name_of_row<Row>);

class IommufdHost : public testing::Test
{
protected:
  FakeSysfs host_;

  std::string
  check (const char *text)
  {
    g_autoptr (VpSysfs) sysfs = vp_sysfs_open (host_.root (), nullptr);
    g_autoptr (VpDeviceSpec) spec = vp_device_spec_parse (text, nullptr);
    g_autoptr (VpPciFunction) function = vp_device_spec_is_mediated (spec)
                                             ? nullptr
                                             : vp_pci_function_read (sysfs, &spec->ref.address);
    g_autoptr (GError) error = nullptr;

    if (vp_iommufd_choice_check_host (sysfs, spec, function, &error))
      return "";
    EXPECT_TRUE (g_error_matches (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD));
    return error->message;
  }
};

TEST_F (IommufdHost, ADeviceThatIsNotBoundNeedsNoNodeYet)
{
  host_.pci ("0000:41:00.0").driver ("e1000e").group (40);
  EXPECT_EQ (check ("41:00.0"), "/dev/iommu is not there: the kernel has no CONFIG_IOMMUFD");
  host_.add_iommufd ();
  EXPECT_EQ (check ("41:00.0"), "");

  host_.pci ("0000:41:00.0").driver ("vfio-pci");
  EXPECT_EQ (check ("41:00.0"), "0000:41:00.0: the kernel has made no VFIO node of its own for it");
  host_.pci ("0000:41:00.0").cdev (3);
  EXPECT_EQ (check ("41:00.0"), "");
}

TEST_F (IommufdHost, AMediatedDeviceHasItsNodeFromTheStart)
{
  const std::string uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";

  host_.pci ("0000:41:00.0");
  host_.add_iommufd ().add_mdev (uuid, "0000:41:00.0");
  EXPECT_EQ (check (uuid.c_str ()), uuid + ": the kernel has made no VFIO node of its own for it");
  host_.write ("sys/bus/mdev/devices/" + uuid + "/vfio-dev/vfio7/dev", "")
      .write ("dev/vfio/devices/vfio7", "");
  EXPECT_EQ (check (uuid.c_str ()), "");
}

struct ProgramRow
{
  const char *name;
  const char *script;
  bool is_host_error;
  const char *why; /* part of it; nullptr: it can */
};

const ProgramRow programs[] = {
  { "new", "echo '  fd=<string>'; echo '  iommufd=<link<iommufd>> - Set host IOMMUFD backend'",
    false, nullptr },
  { "old", "echo '  host=<str>'; echo '  x-iommufd=x'", false, "its vfio-pci has no iommufd" },
  { "without_fd", "echo '  iommufd=<link<iommufd>>'", false, "its vfio-pci has no iommufd" },
  { "failing", "echo no; exit 1", true, "ended with status 1, and had said \"no\"" },
};

class IommufdProgram : public testing::TestWithParam<ProgramRow>
{
};

TEST_P (IommufdProgram, IsAsked)
{
  const ProgramRow &row = GetParam ();
  TempFolder folder;
  const std::string qemu = folder.write (
      "qemu", std::string ("#!/bin/sh\n[ \"$*\" = '-device vfio-pci,help' ] || exit 9\n") +
                  row.script + "\n");
  g_autoptr (GError) error = nullptr;

  ASSERT_EQ (chmod (qemu.c_str (), 0755), 0);
  EXPECT_EQ (vp_iommufd_choice_check_program (qemu.c_str (), &error), row.why == nullptr);
  if (row.why != nullptr)
    {
      EXPECT_NE (std::string (error->message).find (row.why), std::string::npos) << error->message;
      EXPECT_EQ (std::string (error->message).rfind (qemu + ": ", 0), 0u);
      EXPECT_EQ (error->domain == VP_ERROR, row.is_host_error);
    }
}

INSTANTIATE_TEST_SUITE_P (Table,
                          IommufdProgram,
                          testing::ValuesIn (programs),
                          name_of_row<ProgramRow>);

} // namespace
