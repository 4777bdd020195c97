#include "launcher/vm/blueprint.h"

#include "tests/support/foreign-lines.h"
#include "tests/support/foreign-parse.h"
#include "tests/support/golden.h"
#include "tests/support/named-hosts.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using foreign_lines::Line;

/* The whole of it, with the devices of @refs. */
VpBlueprint *
add_to (const Line &line,
        const FakeSysfs &host,
        const std::vector<const char *> &refs,
        GError **error)
{
  g_autoptr (VpForeignArgv) argv = parse_foreign (line);
  g_autoptr (VpForeignVm) vm = vp_foreign_vm_new (argv);
  VpConfig *config = vp_foreign_vm_to_config (vm);

  for (const char *ref : refs)
    EXPECT_TRUE (vp_config_set (config, "device", ref, nullptr)) << ref;
  EXPECT_TRUE (vp_config_set (config, "spare", "1", nullptr));
  EXPECT_TRUE (vp_config_set (config, "qemu", "/nonexistent/qemu", nullptr));
  return vp_blueprint_new_for_foreign (
      config, vp_foreign_vm_to_foreign (vm, argv, line[0].c_str ()), nullptr, host.root (), error);
}

/* One option a line, as it is. */
std::string
to_text (char **argv)
{
  std::string text;
  for (char **arg = argv; *arg != nullptr; arg++)
    text += std::string (text.empty () ? "" : (*arg)[0] == '-' ? "\n" : " ") + *arg;
  return text + "\n";
}

struct Row
{
  const char *name;
  Line line;
};

const Row rows[] = {
  { "kata", foreign_lines::kata (foreign_lines::kata_bridge ("0", "2")) },
  { "kata_nvdimm", foreign_lines::kata (foreign_lines::kata_bridge ("0", "2"),
                                        foreign_lines::kata_nvdimm (),
                                        {},
                                        "q35,accel=kvm,nvdimm=on") },
  { "kata_firmware", foreign_lines::kata (foreign_lines::kata_nested_bridge ("0"),
                                          {},
                                          { "-bios", "/var/lib/firmware/OVMF.fd" }) },
  { "kata_sixteen_ports", foreign_lines::kata (foreign_lines::kata_bridge ("0", "2"),
                                               foreign_lines::kata_root_ports (16)) },
  { "kata_rust", foreign_lines::kata_rust () },
  { "libvirt", foreign_lines::libvirt () },
  { "plain", foreign_lines::plain () },
  { "pc", foreign_lines::pc () },
};

class Golden : public testing::TestWithParam<Row>
{
};

/* A GPU of four functions whose BAR is large, and a network card that comes later. */
TEST_P (Golden, TheirsIsFirstAndUntouched)
{
  FakeSysfs host;
  g_autoptr (GError) error = nullptr;

  named_hosts::workstation_with_large_bar (host);
  host.write ("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n"
                              "address sizes\t: 46 bits physical, 48 bits virtual\n");
  g_autoptr (VpBlueprint) blueprint =
      add_to (GetParam ().line, host, { "/dev/vfio/17", "06:00.0" }, &error);
  ASSERT_NE (blueprint, nullptr) << error->message;

  const Line argv (blueprint->argv, blueprint->argv + g_strv_length (blueprint->argv));
  ASSERT_GT (argv.size (), GetParam ().line.size ());
  EXPECT_EQ (Line (argv.begin (), argv.begin () + GetParam ().line.size ()), GetParam ().line);
  expect_golden (std::string ("foreign-argv/") + GetParam ().name + ".txt",
                 to_text (blueprint->argv));
}

INSTANTIATE_TEST_SUITE_P (Table, Golden, testing::ValuesIn (rows), name_of_row<Row>);

} // namespace
