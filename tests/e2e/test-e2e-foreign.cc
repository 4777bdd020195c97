#include "tests/e2e/bare-qemu.h"
#include "tests/support/foreign-machine.h"
#include "tests/support/named-hosts.h"
#include "tests/support/random-line.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

/* What QEMU says of command lines that others have written, with devices of ours behind them: it
 * takes them, and what was there stays where it is. With VMPLUG_SEED in the environment, of that
 * random one only. */

namespace
{

using foreign_lines::Line;
using foreign_lines::operator+;

constexpr unsigned N_RANDOM = 30;
constexpr const char *OLDER = "qemu-system-x86_64";

/* What a function of the root bus is, by its slot and number. */
using Functions = std::map<std::pair<long, long>, std::string>;

Functions
functions_of (BareQemu &qemu)
{
  Functions functions;

  EXPECT_EQ (qemu.execute ("query-pci"), "");
  const Json devices = qemu.reply ().at (0)["devices"];
  for (unsigned i = 0; i < devices.size (); i++)
    {
      const Json device = devices.at (i);
      functions[{ device["slot"].number (), device["function"].number () }] =
          device["qdev_id"].text () + " " + std::to_string (device["id"]["vendor"].number ()) +
          ":" + std::to_string (device["id"]["device"].number ());
    }
  return functions;
}

std::set<std::string>
ids_of (BareQemu &qemu)
{
  std::set<std::string> ids;

  EXPECT_EQ (qemu.execute ("qom-list", R"({"path":"/machine/peripheral"})"), "");
  for (unsigned i = 0; i < qemu.reply ().size (); i++)
    ids.insert (qemu.reply ().at (i)["name"].text ());
  return ids;
}

/* Four functions of which one has a large BAR, a drive with a place of its own, an old card. */
void
add_devices (PlanInput &input)
{
  input.host ("0000:0a:00.0", { { 0, FakeBar::MEM32, 16 * MiB },
                                { 1, FakeBar::MEM64_PREF, 16 * GiB },
                                { 3, FakeBar::MEM64_PREF, 32 * MiB } });
  input.host ("0000:0a:00.1", EDU);
  input.host ("0000:0a:00.2", NVME);
  input.host ("0000:06:00.0", NIC_WITH_IO).cold ();
  input.host ("0000:07:00.0", EDU).conventional ().cold ();
}

Line
words (const Line &argv)
{
  return Line (argv.begin () + 1, argv.end ());
}

void
expect_taken (const std::string &program, const Line &line, const std::vector<int> &listeners)
{
  SCOPED_TRACE (program);
  ForeignMachine machine (line);
  g_autoptr (GError) error = nullptr;

  add_devices (machine.input);
  ASSERT_TRUE (machine.build (&error)) << error->message;
  const Line all = machine.argv ();
  /* Theirs, with nothing of ours but the monitor. */
  const Line theirs (all.begin (), all.begin () + static_cast<long> (line.size ()) + 4);
  Functions was;
  {
    BareQemu before (program, words (theirs), machine.first_fd (), listeners);
    ASSERT_EQ (before.start (), "");
    was = functions_of (before);
    EXPECT_EQ (before.quit (), 0);
  }

  BareQemu after (program, words (all), machine.first_fd (), listeners);
  ASSERT_EQ (after.start (), "");
  const Functions is = functions_of (after);
  for (const auto &[place, what] : was)
    {
      ASSERT_EQ (is.count (place), 1u) << what;
      EXPECT_EQ (is.at (place), what) << place.first << "." << place.second;
    }

  /* And ours are where the plan has them, and nowhere else. */
  size_t n_ours = 0;
  const std::set<std::string> ids = ids_of (after);
  for (guint i = 0; i < machine.plan ()->ports->len; i++)
    {
      const VpPlanPort *port = port_at (machine.plan (), i);
      if (port->kind == VP_PORT_PCI_SLOT && port->bridge == nullptr)
        continue;
      const char *id = port->kind == VP_PORT_PCI_SLOT ? port->bridge : port->id;
      ASSERT_EQ (is.count ({ port->slot, port->function }), 1u) << id;
      EXPECT_EQ (is.at ({ port->slot, port->function }).substr (0, strlen (id)), id);
      n_ours++;
    }
  for (guint i = 0; i < machine.plan ()->devices->len; i++)
    {
      const VpPlanDevice *device = device_at (machine.plan (), i);
      if (device->plug != VP_PLUG_COLD)
        continue;
      EXPECT_EQ (ids.count (device->id), 1u) << device->id;
      n_ours += g_str_equal (device->bus, vp_topology_root_bus (machine.plan ()->root.machine));
    }
  EXPECT_EQ (is.size (), was.size () + n_ours);
  EXPECT_EQ (after.quit (), 0);
}

/* What a host has and this one has not: "replaced by" nothing takes the option away. */
struct Replacement
{
  const char *begin; /* of the value */
  const char *by;
};

const Replacement replacements[] = {
  { "host,pmu=off", "max,pmu=off" },
  { "host,migratable=on", "max,migratable=on" },
  { "/usr/share/kata-containers/vmlinux", nullptr },
  { "tsc=reliable ", nullptr },
  { "console=hvc0 ", nullptr },
  { "vhost-vsock-pci,", "virtio-balloon-pci" },
  { "vhost-user-fs-pci,", "virtio-rng-pci" },
  { "socket,id=char-1b2c3d,", "null,id=char-1b2c3d" },
  { "socket,id=chardev-virtiofs,", "null,id=chardev-virtiofs" },
  { "tap,id=network-0,", "user,id=network-0" },
  { R"({"type":"tap",)", R"({"type":"user","id":"hostnet0"})" },
  { R"({"qom-type":"secret",)", nullptr },
  { "fd=16,set=1,", nullptr },
  { R"({"driver":"raw","node-name":"image")", R"({"driver":"null-co","node-name":"image"})" },
  { "iommufd,id=", nullptr },
  { "vfio-pci,host=", "virtio-rng-pci,id=theirs,bus=rp0,addr=0x0" },
};

void
replace_all (std::string &text, const std::string &what, const std::string &by)
{
  for (size_t at = text.find (what); at != std::string::npos;
       at = text.find (what, at + by.size ()))
    text.replace (at, what.size (), by);
}

/* The same for this host. */
Line
make_runnable (Line line, const std::string &folder)
{
  for (size_t i = 1; i < line.size (); i++)
    {
      for (const Replacement &replacement : replacements)
        if (g_str_has_prefix (line[i].c_str (), replacement.begin))
          {
            line[i] = replacement.by != nullptr ? replacement.by : "";
            if (replacement.by != nullptr)
              break;
            line.erase (line.begin () + static_cast<long> (i) - 1,
                        line.begin () + static_cast<long> (i) + 1);
            i -= 2;
            break;
          }
      if (line[i] == "kvm")
        line[i] = "tcg";
      replace_all (line[i], "accel=kvm", "accel=tcg");
      replace_all (line[i], "/run/vc/vm/0123456789abcdef/", folder);
      replace_all (line[i], "unix:qmp.sock", "unix:" + folder + "qmp.sock");
      replace_all (line[i], "/usr/share/kata-containers/kata.img", folder + "disk.img");
      replace_all (line[i], "/var/lib/firmware/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_CODE.fd");
      replace_all (line[i], "/var/lib/firmware/OVMF.fd", "/usr/share/ovmf/OVMF.fd");
      if (line[i] == "disk.img" || line[i].find ("file=disk.img") != std::string::npos)
        replace_all (line[i], "disk.img", folder + "disk.img");
    }
  return line + Line{ "-display", "none", "-S" };
}

struct Row
{
  const char *name;
  Line line;
  std::vector<int> listeners;
};

const Row rows[] = {
  { "kata", foreign_lines::kata (foreign_lines::kata_bridge ("0", "2")), { 3 } },
  { "kata_nvdimm",
    foreign_lines::kata (foreign_lines::kata_bridge ("0", "2"),
                         foreign_lines::kata_nvdimm (),
                         {},
                         "q35,accel=kvm,nvdimm=on"),
    { 3 } },
  { "kata_firmware",
    foreign_lines::kata (
        foreign_lines::kata_nested_bridge ("0"), {}, { "-bios", "/var/lib/firmware/OVMF.fd" }),
    { 3 } },
  { "kata_sixteen_ports",
    foreign_lines::kata (foreign_lines::kata_bridge ("0", "2"),
                         foreign_lines::kata_root_ports (16)),
    { 3 } },
  { "kata_rust", foreign_lines::kata_rust (), {} },
  { "libvirt", foreign_lines::libvirt (), { 33 } },
  { "plain", foreign_lines::plain (), {} },
  { "pc", foreign_lines::pc (), {} },
};

/* What firmware looks at. */
const Row booted[] = {
  { "seabios",
    foreign_lines::kata (foreign_lines::kata_bridge ("0", "2"), foreign_lines::kata_root_ports (8)),
    { 3 } },
  { "ovmf",
    foreign_lines::kata (foreign_lines::kata_nested_bridge ("0"),
                         foreign_lines::kata_root_ports (2),
                         { "-bios", "/var/lib/firmware/OVMF.fd" }),
    { 3 } },
  { "pc", { "qemu-system-x86_64", "-m", "1G", "-nodefaults" }, {} },
};

class Written : public testing::TestWithParam<Row>
{
};

TEST_P (Written, IsTakenWithOurs)
{
  TempFolder folder;
  const std::string disk = folder.path ("disk.img");
  const int fd = open (disk.c_str (), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  ASSERT_EQ (ftruncate (fd, 256 << 20), 0);
  close (fd);
  const Line line = make_runnable (GetParam ().line, folder.path (""));
  for (const std::string &program : { std::string (OLDER), newer_qemu () })
    expect_taken (program, line, GetParam ().listeners);
}

INSTANTIATE_TEST_SUITE_P (Table, Written, testing::ValuesIn (rows), name_of_row<Row>);

/* The addresses that firmware has given to the BARs of @id, wherever it is. */
std::vector<long>
addresses_of (const Json &devices, const std::string &id)
{
  std::vector<long> addresses;

  for (unsigned i = 0; i < devices.size (); i++)
    {
      const Json device = devices.at (i);
      for (unsigned n = 0; device["qdev_id"].text () == id && n < device["regions"].size (); n++)
        addresses.push_back (device["regions"].at (n)["address"].number ());
      for (long address : addresses_of (device["pci_bridge"]["devices"], id))
        addresses.push_back (address);
    }
  return addresses;
}

class Booted : public testing::TestWithParam<Row>
{
};

TEST_P (Booted, GivesOurLargeBarAnAddress)
{
  TempFolder folder;
  const Line line = make_runnable (GetParam ().line, folder.path (""));
  const bool is_ovmf = std::find (line.begin (), line.end (), "-bios") != line.end ();

  for (const std::string &program : { std::string (OLDER), newer_qemu () })
    {
      SCOPED_TRACE (program);
      ForeignMachine machine (line);
      g_autoptr (GError) error = nullptr;

      machine.input.policy.firmware =
          vp_firmware_get (is_ovmf ? VP_FIRMWARE_OVMF : VP_FIRMWARE_SEABIOS, nullptr);
      machine.input.host ("0000:0a:00.0", { { 1, FakeBar::MEM64_PREF, 16 * GiB } });
      ASSERT_TRUE (machine.build (&error)) << error->message;
      BareQemu qemu (program, words (machine.argv ()), machine.first_fd (), GetParam ().listeners);

      ASSERT_EQ (qemu.start (), "");
      ASSERT_EQ (qemu.execute ("cont"), "");
      std::vector<long> addresses;
      EXPECT_TRUE (eventually ([&] {
        EXPECT_EQ (qemu.execute ("query-pci"), "");
        addresses = addresses_of (qemu.reply ().at (0)["devices"], "vfio-0a-00.0");
        return !addresses.empty () &&
               std::all_of (addresses.begin (), addresses.end (), [] (long at) { return at > 0; });
      })) << testing::PrintToString (addresses);
      EXPECT_EQ (qemu.quit (), 0);
    }
}

INSTANTIATE_TEST_SUITE_P (Table, Booted, testing::ValuesIn (booted), name_of_row<Row>);

TEST (Random, IsTakenWithOurs)
{
  const char *only = g_getenv ("VMPLUG_SEED");
  const unsigned first = only != nullptr ? static_cast<unsigned> (atoi (only)) : 1;

  for (unsigned seed = first; seed < first + (only != nullptr ? 1 : N_RANDOM); seed++)
    {
      SCOPED_TRACE ("VMPLUG_SEED=" + std::to_string (seed));
      const Line line = RandomLine (seed).line + Line{ "-S" };
      for (const std::string &program : { std::string (OLDER), newer_qemu () })
        expect_taken (program, line, {});
    }
}

/* The width of the CPU's addresses is ours to widen only where nothing is said of it. */
struct WidthRow
{
  const char *name;
  Line cpu;
  long bits;
};

class Width : public testing::TestWithParam<WidthRow>
{
};

TEST_P (Width, IsThatOfThePlanUnlessTheySayAnother)
{
  const Line line =
      Line{ "qemu", "-M", "q35", "-nodefaults", "-display", "none", "-S" } + GetParam ().cpu;

  for (const std::string &program : { std::string (OLDER), newer_qemu (), newer_qemu ("11") })
    {
      SCOPED_TRACE (program);
      ForeignMachine machine (line);
      ASSERT_TRUE (machine.build (nullptr));
      BareQemu qemu (program, words (machine.argv (46)), machine.first_fd ());

      ASSERT_EQ (qemu.start (), "");
      ASSERT_EQ (qemu.execute ("query-cpus-fast"), "");
      const std::string path = qemu.reply ().at (0)["qom-path"].text ();
      ASSERT_EQ (qemu.execute ("qom-get", R"({"path":")" + path + R"(","property":"phys-bits"})"),
                 "");
      EXPECT_EQ (qemu.reply ().number (), GetParam ().bits);
      EXPECT_EQ (qemu.quit (), 0);
    }
}

INSTANTIATE_TEST_SUITE_P (Table,
                          Width,
                          testing::Values (WidthRow{ "no_cpu", {}, 46 },
                                           WidthRow{ "max", { "-cpu", "max" }, 46 },
                                           WidthRow{ "model", { "-cpu", "Haswell" }, 46 },
                                           WidthRow{
                                               "theirs", { "-cpu", "max,phys-bits=44" }, 44 }),
                          name_of_row<WidthRow>);

} // namespace
