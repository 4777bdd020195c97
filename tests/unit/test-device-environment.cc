#include "devices/error.h"
#include "launcher/config/device-spec.h"
#include "launcher/error.h"
#include "launcher/wrapper/device-environment.h"

#include "tests/support/row-name.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace
{

using Variables = std::vector<std::string>;

const char UUID[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";

VpDeviceEnvironment *
parse (const Variables &variables, GError **error)
{
  std::vector<const char *> environment;
  for (const std::string &variable : variables)
    environment.push_back (variable.c_str ());
  environment.push_back (nullptr);
  return vp_device_environment_parse (environment.data (), error);
}

/* "SPEC < VARIABLE", a line each, and then the warnings. */
std::string
to_text (const VpDeviceEnvironment *environment)
{
  std::string text;
  for (guint i = 0; i < environment->specs->len; i++)
    text += std::string (static_cast<VpDeviceSpec *> (environment->specs->pdata[i])->text) + " < " +
            static_cast<char *> (environment->reasons->pdata[i]) + "\n";
  for (guint i = 0; i < environment->warnings->len; i++)
    text += std::string ("! ") + static_cast<char *> (environment->warnings->pdata[i]) + "\n";
  return text;
}

struct Row
{
  const char *name;
  Variables variables;
  const char *understood;    /* or nullptr: refused */
  const char *why = nullptr; /* with this in the message */
};

const Row rows[] = {
  { "nothing", {}, "" },
  { "others", { "PATH=/bin", "HOME", "=C:=x", "VMPLUG_DEVICES_=41:00.0", "XPCIDEVICE_A=1" }, "" },
  { "own", { "VMPLUG_DEVICES=0000:41:00.0" }, "0000:41:00.0 < VMPLUG_DEVICES\n" },
  { "own_with_options",
    { "VMPLUG_DEVICES=41:00.0,plug=cold,id=gpu; /dev/vfio/40\n\trng;" },
    "41:00.0,plug=cold,id=gpu < VMPLUG_DEVICES\n/dev/vfio/40 < VMPLUG_DEVICES\n"
    "rng < VMPLUG_DEVICES\n" },
  { "own_empty", { "VMPLUG_DEVICES=" }, "" },
  { "own_only_separators", { "VMPLUG_DEVICES= ;\n; \t" }, "" },
  { "own_twice_the_same", { "VMPLUG_DEVICES=41:00.0 41:00.0" }, "41:00.0 < VMPLUG_DEVICES\n" },
  { "own_commas_are_of_a_spec",
    { "VMPLUG_DEVICES=41:00.0,42:00.0" },
    nullptr,
    "VMPLUG_DEVICES: 41:00.0: \"42:00.0\"" },
  { "own_nonsense", { "VMPLUG_DEVICES=41:00.0 gpu" }, nullptr, "VMPLUG_DEVICES: \"gpu\"" },
  { "own_not_utf8", { "VMPLUG_DEVICES=41:00.0,id=\xff" }, nullptr, "VMPLUG_DEVICES: " },
  { "sriov",
    { "PCIDEVICE_INTEL_COM_SRIOV=0000:5e:00.6,0000:5e:00.7" },
    "0000:5e:00.6 < PCIDEVICE_INTEL_COM_SRIOV\n0000:5e:00.7 < PCIDEVICE_INTEL_COM_SRIOV\n" },
  { "sriov_document",
    { "PCIDEVICE_OPENSHIFT_IO_NIC=0000:5e:00.6",
      "PCIDEVICE_OPENSHIFT_IO_NIC_INFO={\"0000:5e:00.7\":{\"netdevice\":{\"pci\":\"0000:5e:00.7\"}}"
      "}" },
    "0000:5e:00.6 < PCIDEVICE_OPENSHIFT_IO_NIC\n" },
  { "sriov_resource_that_ends_like_the_document",
    { "PCIDEVICE_EXAMPLE_COM_INFO=0000:5e:00.6" },
    "0000:5e:00.6 < PCIDEVICE_EXAMPLE_COM_INFO\n" },
  { "sriov_auxiliary_device",
    { "PCIDEVICE_NVIDIA_COM_SF=mlx5_core.sf.2,0000:5e:00.6" },
    "0000:5e:00.6 < PCIDEVICE_NVIDIA_COM_SF\n"
    "! \"PCIDEVICE_NVIDIA_COM_SF\": \"mlx5_core.sf.2\" is no PCI address, and left out\n" },
  { "kubevirt",
    { "PCI_RESOURCE_NVIDIA_COM_TU104GL_Tesla_T4=0000:81:11.1," },
    "0000:81:11.1 < PCI_RESOURCE_NVIDIA_COM_TU104GL_Tesla_T4\n" },
  { "kubevirt_mdev",
    { std::string ("MDEV_PCI_RESOURCE_NVIDIA_COM_GRID_T4-1Q=") + UUID + "," },
    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 < MDEV_PCI_RESOURCE_NVIDIA_COM_GRID_T4-1Q\n" },
  { "kubevirt_mdev_in_capitals",
    { "MDEV_PCI_RESOURCE_A=83B8F4F2-509F-382F-3C1E-E6BFE0FA1001" },
    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 < MDEV_PCI_RESOURCE_A\n" },
  { "mdev_where_an_address_is_due",
    { std::string ("PCI_RESOURCE_A=") + UUID },
    "! \"PCI_RESOURCE_A\": \"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\" is no PCI address, and left "
    "out\n" },
  { "address_where_an_mdev_is_due",
    { "MDEV_PCI_RESOURCE_A=0000:41:00.0" },
    "! \"MDEV_PCI_RESOURCE_A\": \"0000:41:00.0\" is no UUID of a mediated device, and left out\n" },
  { "a_path_is_no_address",
    { "PCIDEVICE_A=/dev/vfio/40,../../etc/passwd" },
    "! \"PCIDEVICE_A\": \"/dev/vfio/40\" is no PCI address, and left out\n"
    "! \"PCIDEVICE_A\": \"../../etc/passwd\" is no PCI address, and left out\n" },
  { "options_are_not_for_plugins",
    { "PCIDEVICE_A=0000:41:00.0 ,bind=on" },
    "0000:41:00.0 < PCIDEVICE_A\n! \"PCIDEVICE_A\": \"bind=on\" is no PCI address, and left "
    "out\n" },
  { "only_commas", { "PCI_RESOURCE_A=,,,", "PCIDEVICE_B=" }, "" },
  { "no_resource", { "PCIDEVICE_=0000:41:00.0" }, "0000:41:00.0 < PCIDEVICE_\n" },
  { "no_value", { "PCIDEVICE_A" }, "" },
  { "control_characters",
    { "PCIDEVICE_A=\x1b[2J" },
    "! \"PCIDEVICE_A\": \"\\033[2J\" is no PCI address, and left out\n" },
  { "one_device_by_two_names_is_the_first_s",
    { "PCI_RESOURCE_B=0000:41:00.0", "PCIDEVICE_A=41:00.0" },
    "0000:41:00.0 < PCIDEVICE_A\n" },
  { "ours_first_and_the_others_by_name",
    { "PCI_RESOURCE_Z=0000:41:00.0", "PCIDEVICE_B=0000:42:00.0", "VMPLUG_DEVICES=0000:43:00.0",
      "PCIDEVICE_A=0000:44:00.0" },
    "0000:43:00.0 < VMPLUG_DEVICES\n0000:44:00.0 < PCIDEVICE_A\n0000:42:00.0 < PCIDEVICE_B\n"
    "0000:41:00.0 < PCI_RESOURCE_Z\n" },
};

class DeviceEnvironment : public testing::TestWithParam<Row>
{
};

TEST_P (DeviceEnvironment, IsUnderstood)
{
  const Row &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  g_autoptr (VpDeviceEnvironment) environment = parse (row.variables, &error);

  if (row.understood == nullptr)
    {
      ASSERT_EQ (environment, nullptr);
      EXPECT_NE (std::string (error->message).find (row.why), std::string::npos) << error->message;
      EXPECT_TRUE (error->domain == VP_ERROR || error->domain == VP_DEVICE_ERROR);
      return;
    }
  ASSERT_NE (environment, nullptr) << error->message;
  EXPECT_EQ (to_text (environment), row.understood);
}
INSTANTIATE_TEST_SUITE_P (Table, DeviceEnvironment, testing::ValuesIn (rows), name_of_row<Row>);

TEST (DeviceEnvironment, MayBeMissing)
{
  g_autoptr (VpDeviceEnvironment) environment = vp_device_environment_parse (nullptr, nullptr);

  ASSERT_NE (environment, nullptr);
  EXPECT_EQ (to_text (environment), "");
}

/* One of @pieces, or a byte that nobody had in mind. */
template <size_t n>
std::string
random_piece (std::mt19937 *random, const char *const (&pieces)[n])
{
  if ((*random) () % 16 == 0)
    return std::string (1, static_cast<char> (1 + (*random) () % 255));
  return pieces[(*random) () % n];
}

std::string
random_variable (std::mt19937 *random)
{
  static const char *const names[] = { "PCIDEVICE_", "PCI_RESOURCE_", "MDEV_PCI_RESOURCE_",
                                       "VMPLUG_DEVICES" };
  static const char *const suffixes[] = { "", "", "A", "B", "_INFO", "=" };
  static const char *const words[] = { "0000:41:00.0", "41:00.1", "0000:42:00.0", "10000:01:00.0",
                                       "/dev/vfio/40", UUID,      "41:00.",       "{",
                                       "plug=cold",    "bind=on", "../",          "rng",
                                       "disk",         "\xc3",    "\x1b",         "" };
  static const char *const separators[] = { ",", ",", ",", ";", " ", "\n", "" };
  std::string text = random_piece (random, names) + random_piece (random, suffixes) + "=";
  for (unsigned i = (*random) () % 4; i > 0; i--)
    text += random_piece (random, words) + random_piece (random, separators);
  return text;
}

/* Whatever there is: an error, or devices that can be asked for, each once and with its reason, of
 * which a plugin has named addresses and UUIDs only; and the order of the variables is nothing. */
TEST (DeviceEnvironment, HoldsUnderRandomVariables)
{
  std::mt19937 random (20);
  unsigned n_good = 0, n_bad = 0;

  for (unsigned i = 0; i < 50000; i++)
    {
      Variables variables;
      for (unsigned j = random () % 5; j > 0; j--)
        variables.push_back (random_variable (&random));
      g_autoptr (GError) error = nullptr;
      g_autoptr (VpDeviceEnvironment) environment = parse (variables, &error);

      ASSERT_EQ (environment == nullptr, error != nullptr);
      if (environment == nullptr)
        {
          EXPECT_TRUE (g_str_has_prefix (error->message, "VMPLUG_DEVICES: ")) << error->message;
          EXPECT_EQ (strchr (error->message, '\n'), nullptr) << error->message;
          n_bad++;
          continue;
        }

      n_good += environment->specs->len;
      ASSERT_EQ (environment->specs->len, environment->reasons->len);
      for (guint j = 0; j < environment->specs->len; j++)
        {
          const auto *spec = static_cast<VpDeviceSpec *> (environment->specs->pdata[j]);
          const auto *reason = static_cast<char *> (environment->reasons->pdata[j]);

          if (strcmp (reason, "VMPLUG_DEVICES") == 0)
            continue;
          ASSERT_EQ (spec->kind, VP_DEVICE_SPEC_VFIO);
          EXPECT_EQ (spec->ref.kind, reason[0] == 'M' ? VP_DEVICE_REF_MDEV : VP_DEVICE_REF_PCI);
          EXPECT_FALSE (spec->bind);
          EXPECT_EQ (strchr (spec->text, ','), nullptr) << spec->text;
        }
      for (guint j = 0; j < environment->warnings->len; j++)
        {
          const auto *warning = static_cast<char *> (environment->warnings->pdata[j]);

          EXPECT_TRUE (g_utf8_validate (warning, -1, nullptr));
          EXPECT_EQ (strpbrk (warning, "\n\x1b"), nullptr) << warning;
        }

      std::shuffle (variables.begin (), variables.end (), random);
      g_autoptr (VpDeviceEnvironment) again = parse (variables, nullptr);
      const bool is_ours = std::any_of (variables.begin (), variables.end (), [] (auto &variable) {
        return g_str_has_prefix (variable.c_str (), "VMPLUG_DEVICES=");
      });
      if (!is_ours)
        {
          EXPECT_EQ (to_text (again), to_text (environment));
        }
    }
  EXPECT_GT (n_good, 1000U);
  EXPECT_GT (n_bad, 100U);
}

} // namespace
