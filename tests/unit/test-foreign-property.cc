#include "devices/error.h"

#include "tests/support/foreign-machine.h"
#include "tests/support/random-line.h"

#include <algorithm>
#include <random>
#include <set>

/* With VMPLUG_SEED in the environment, of that one only. */

namespace
{

using Line = foreign_lines::Line;

constexpr unsigned N_CASES = 4000;

std::vector<unsigned>
choose_seeds ()
{
  const char *only = g_getenv ("VMPLUG_SEED");
  std::vector<unsigned> seeds;

  if (only != nullptr)
    return { static_cast<unsigned> (atoi (only)) };
  for (unsigned seed = 1; seed <= N_CASES; seed++)
    seeds.push_back (seed);
  return seeds;
}

/* What was added has nothing in common with what was there. */
void
expect_disjoint (const RandomLine &random, const Line &added)
{
  const std::string root_bus = random.is_q35 ? "pcie.0" : "pci.0";
  std::set<std::pair<unsigned, std::string>> places;

  for (size_t i = 0; i + 1 < added.size (); i += 2)
    {
      if (added[i] != "-device")
        continue;
      g_autoptr (VpQemuParams) params = vp_qemu_params_parse (added[i + 1].c_str (), nullptr);
      const char *id = vp_qemu_params_get (params, "id");
      const char *addr = vp_qemu_params_get (params, "addr");
      const char *bus = vp_qemu_params_get (params, "bus");

      ASSERT_TRUE (id != nullptr && addr != nullptr && bus != nullptr) << added[i + 1];
      EXPECT_EQ (random.ids.count (id), 0u) << id;
      for (const char *key : { "chassis", "chassis_nr" })
        if (vp_qemu_params_get (params, key) != nullptr)
          {
            EXPECT_EQ (random.chassis.count (
                           static_cast<unsigned> (atoi (vp_qemu_params_get (params, key)))),
                       0u)
                << id;
          }
      EXPECT_TRUE (bus == root_bus || g_str_has_prefix (bus, "vmplug-")) << bus;
      if (bus == root_bus)
        {
          const unsigned slot = static_cast<unsigned> (strtoul (addr, nullptr, 16));
          EXPECT_EQ (random.slots.count (slot), 0u) << addr;
          EXPECT_TRUE (places.emplace (slot, addr).second) << addr;
        }
    }
}

TEST (ForeignProperty, WhatIsAddedKeepsOutOfTheWay)
{
  unsigned n_planned = 0;

  for (unsigned seed : choose_seeds ())
    {
      const RandomLine random (seed);
      std::mt19937 numbers (seed);
      ForeignMachine machine (random.line);
      g_autoptr (GError) error = nullptr;

      SCOPED_TRACE ("VMPLUG_SEED=" + std::to_string (seed));
      const unsigned n = 1 + numbers () % 4;
      for (unsigned i = 0; i < n; i++)
        {
          const std::vector<FakeBar> kinds[] = { GPU, NVME, NIC_WITH_IO, EDU };
          const unsigned kind = numbers () % 4;
          auto &device = machine.input.host (nth_address (static_cast<int> (i)), kinds[kind]);
          if (kind == 3)
            device.conventional ();
        }
      if (!machine.build (&error))
        {
          EXPECT_EQ (error->code, VP_DEVICE_ERROR_NO_SLOT) << error->message;
          continue;
        }

      n_planned++;
      const Line argv = machine.argv ();
      ASSERT_GE (argv.size (), random.line.size () + 4);
      ASSERT_TRUE (std::equal (random.line.begin (), random.line.end (), argv.begin ()));
      expect_disjoint (random,
                       Line (argv.begin () + static_cast<long> (random.line.size ()), argv.end ()));
    }
  EXPECT_TRUE (n_planned > N_CASES * 3 / 4 || g_getenv ("VMPLUG_SEED") != nullptr) << n_planned;
}

/* Words as nobody writes them. */
class Scribble
{
public:
  explicit Scribble (unsigned seed) : random_ (seed) {}

  Line
  line ()
  {
    Line words = { "qemu" };
    const unsigned n = below (20);

    for (unsigned i = 0; i < n; i++)
      words.push_back (word ());
    return words;
  }

private:
  std::mt19937 random_;

  unsigned
  below (unsigned n)
  {
    return static_cast<unsigned> (random_ ()) % n;
  }
  std::string
  word ()
  {
    static const char *const options[] = {
      "-device",   "--device",    "-machine", "-M",      "-m",    "-smp", "-qmp",
      "-mon",      "-drive",      "-chardev", "-netdev", "-nic",  "-net", "-name",
      "-blockdev", "-global",     "-accel",   "-cpu",    "-bios", "-usb", "-fw_cfg",
      "-S",        "-readconfig", "-add-fd",  "-",       "--",    "-x",   "-vga",
      "-object",   "-h",          "",         "disk",
    };
    static const char *const pieces[] = {
      "driver=", "addr=",    "id=",      "bus=",
      "pcie.0",  ",",        ",,",       "=",
      "0x1f",    "{",        "}",        "\"",
      ":",       "fd=",      "fds=",     "99999999999999999999",
      "-1",      "q35",      "pc-q35-",  "unix:",
      "server",  "wait=off", "chassis=", "a",
      "\\",      "[",        "]",        "1e400",
      "\xff",    ".",        "pflash0=", "type=fd",
      ".str=",   "nowait",
    };
    std::string text;

    if (below (2) == 0)
      return options[below (G_N_ELEMENTS (options))];
    for (unsigned i = below (8); i > 0; i--)
      text += pieces[below (G_N_ELEMENTS (pieces))];
    return text;
  }
};

TEST (ForeignProperty, AnyWordsAreTakenAsTheyAre)
{
  for (unsigned seed : choose_seeds ())
    {
      SCOPED_TRACE ("VMPLUG_SEED=" + std::to_string (seed));
      const Line line = Scribble (seed).line ();
      g_autoptr (VpForeignArgv) argv = parse_foreign (line);
      g_autoptr (VpForeignVm) vm = vp_foreign_vm_new (argv);
      guint next = 1;

      /* Every word is an option, or the value of the one before it. */
      EXPECT_EQ (Line (argv->argv, argv->argv + g_strv_length (argv->argv)), line);
      for (guint i = 0; i < argv->options->len; i++)
        {
          const auto *option = static_cast<VpForeignOption *> (argv->options->pdata[i]);
          EXPECT_EQ (option->index, next);
          next = option->value_index + 1;
        }
      EXPECT_EQ (next, line.size ());

      if (!vm->has_machine)
        continue;
      g_autoptr (VpForeign) foreign = vp_foreign_vm_to_foreign (vm, argv, "qemu");
      EXPECT_GE (foreign->first_fd, 3);
      EXPECT_TRUE (g_strv_equal (foreign->argv, argv->argv));
    }
}

} // namespace
