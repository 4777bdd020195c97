#include "launcher/vm/stand-in.h"

#include "tests/support/hand-plan.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{

constexpr uint64_t KiB = UINT64_C (1) << 10;
constexpr uint64_t MiB = UINT64_C (1) << 20;
constexpr uint64_t GiB = UINT64_C (1) << 30;

std::string
join (const GPtrArray *argv)
{
  std::string text;
  for (guint i = 0; i < argv->len; i++)
    text += std::string (static_cast<char *> (argv->pdata[i])) + (i % 2 == 0 ? " " : "\n");
  return text;
}

/* The stand-ins as QEMU gets them. */
std::string
command_of (const HandPlan &plan)
{
  g_autoptr (VpStandIns) stand_ins = vp_stand_ins_new (plan.get ());
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  const GPtrArray *all = vp_stand_ins_get_all (stand_ins);

  for (guint i = 0; i < all->len; i++)
    vp_stand_in_add (argv, static_cast<VpStandIn *> (all->pdata[i]));
  return join (argv);
}

/* "driver.function/BAR size exact" of what stands in for each BAR of the @i-th device. */
std::vector<std::string>
found_for (const HandPlan &plan, guint i)
{
  static const char *const drivers[] = { "ivshmem", "testdev", "bochs", "erst" };
  g_autoptr (VpStandIns) stand_ins = vp_stand_ins_new (plan.get ());
  const VpPlanDevice *device = plan.device (i);
  std::vector<std::string> lines;

  for (guint j = 0; device->function != nullptr && j < device->function->n_bars; j++)
    {
      VpStandInBar found = {};
      if (!vp_stand_ins_find (stand_ins, device, &device->function->bars[j], &found))
        {
          lines.push_back ("none");
          continue;
        }
      g_autofree char *line =
          g_strdup_printf ("%s.%u/%u %" G_GUINT64_FORMAT "M%s", drivers[found.stand_in->kind],
                           found.stand_in->function, found.index, found.stand_in->size / MiB,
                           found.exact ? "" : " about");
      lines.push_back (line);
    }
  return lines;
}

struct Row
{
  const char *name;
  const char *bus;
  std::vector<FakeBar> bars;
  std::vector<std::string> found;
};

const Row rows[] = {
  { "gpu",
    "port1",
    { { 0, FakeBar::MEM32, 16 * MiB },
      { 1, FakeBar::MEM64_PREF, 128 * GiB },
      { 3, FakeBar::MEM64_PREF, 32 * MiB } },
    { "erst.0/1 16M", "ivshmem.1/2 131072M", "ivshmem.2/2 32M" } },
  { "gpu_with_io",
    "port1",
    { { 0, FakeBar::MEM32, 16 * MiB },
      { 1, FakeBar::MEM64_PREF, 64 * GiB },
      { 5, FakeBar::IO, 128 } },
    { "erst.0/1 16M", "testdev.1/2 65536M", "testdev.1/1 65536M about" } },
  { "io_of_the_same_size", "port1", { { 0, FakeBar::IO, 256 } }, { "testdev.0/1 0M" } },
  { "io_and_32_bits",
    "port1",
    { { 0, FakeBar::MEM32, 1 * MiB }, { 2, FakeBar::IO, 256 } },
    { "erst.0/1 1M", "testdev.1/1 0M" } },
  { "64_bits_not_prefetchable_behind_a_port",
    "port1",
    { { 0, FakeBar::MEM64, 16 * MiB } },
    { "erst.0/1 16M about" } },
  { "64_bits_not_prefetchable_without_one",
    "pci.0",
    { { 0, FakeBar::MEM64, 16 * MiB } },
    { "ivshmem.0/2 16M about" } },
  { "prefetchable_32_bits",
    "port1",
    { { 0, FakeBar::MEM32_PREF, 64 * MiB } },
    { "bochs.0/0 64M" } },
  { "prefetchable_32_bits_too_small",
    "port1",
    { { 0, FakeBar::MEM32_PREF, 1 * MiB } },
    { "bochs.0/0 4M about" } },
  { "prefetchable_32_bits_too_large",
    "port1",
    { { 0, FakeBar::MEM32_PREF, 512 * MiB } },
    { "erst.0/1 512M about" } },
  { "smaller_than_a_page",
    "port1",
    { { 0, FakeBar::MEM32, 256 }, { 1, FakeBar::MEM64_PREF, 1 * GiB } },
    { "ivshmem.0/0 1024M about", "ivshmem.0/2 1024M" } },
  { "nothing_has_a_small_one",
    "port1",
    { { 0, FakeBar::MEM32_PREF, 64 * MiB }, { 1, FakeBar::MEM32, 256 } },
    { "bochs.0/0 64M", "erst.1/0 0M about" } },
  { "half_of_4_gib", "port1", { { 0, FakeBar::MEM32, 2 * GiB } }, { "erst.0/1 2048M" } },
};

class StandIn : public testing::TestWithParam<Row>
{
};
INSTANTIATE_TEST_SUITE_P (Table, StandIn, testing::ValuesIn (rows), name_of_row<Row>);

TEST_P (StandIn, IsOfTheSameKind)
{
  HandPlan plan (std::string (GetParam ().bus) == "pci.0" ? VP_MACHINE_PC : VP_MACHINE_Q35);
  plan.cold ("dev", GetParam ().bus, GetParam ().bars);

  EXPECT_EQ (found_for (plan, 0), GetParam ().found) << command_of (plan);
}

TEST (StandIns, AreWrittenAsQemuTakesThem)
{
  HandPlan plan;
  plan.cold ("gpu", "port1",
             { { 1, FakeBar::MEM64_PREF, 64 * GiB },
               { 3, FakeBar::MEM32_PREF, 4 * MiB },
               { 5, FakeBar::IO, 128 } });
  plan.cold ("nvme", "port2", { { 0, FakeBar::MEM64, 16 * KiB } });

  EXPECT_EQ (command_of (plan), R"(-device {"driver":"pci-testdev","id":"gpu.0","bus":"port1",)"
                                R"("addr":"00.0","multifunction":true,"membar":68719476736})"
                                "\n"
                                R"(-device {"driver":"bochs-display","id":"gpu.1","bus":"port1",)"
                                R"("addr":"00.1","vgamem":4194304,"romfile":""})"
                                "\n"
                                R"(-object {"qom-type":"memory-backend-ram","id":"nvme.0.memory",)"
                                R"("size":16384,"reserve":false})"
                                "\n"
                                R"(-device {"driver":"acpi-erst","id":"nvme.0","bus":"port2",)"
                                R"("addr":"00.0","record_size":16384,"memdev":"nvme.0.memory"})"
                                "\n");
}

/* A GPU and its audio function stay together, and the slots apart. */
TEST (StandIns, KeepToTheirSlot)
{
  HandPlan plan;
  plan.cold ("gpu", "port1", { { 0, FakeBar::MEM32, 16 * MiB }, { 2, FakeBar::MEM64_PREF, GiB } });
  plan.cold ("other", "bridge1", { { 0, FakeBar::MEM32, MiB } }, 3);
  plan.cold ("audio", "port1", { { 0, FakeBar::MEM32, 16 * KiB } });

  EXPECT_EQ (found_for (plan, 0),
             (std::vector<std::string>{ "erst.0/1 16M", "ivshmem.1/2 1024M" }));
  EXPECT_EQ (found_for (plan, 1), (std::vector<std::string>{ "erst.0/1 1M" }));
  EXPECT_EQ (found_for (plan, 2), (std::vector<std::string>{ "erst.2/1 0M" }));
  EXPECT_NE (command_of (plan).find (R"("bus":"bridge1","addr":"03.0")"), std::string::npos);
}

TEST (StandIns, AreNotNeededForHotAndEmulatedDevices)
{
  HandPlan plan;
  plan.hot ("hot", "port1", { { 0, FakeBar::MEM64_PREF, 64 * GiB } });
  plan.emulated ("rng", VP_PLUG_COLD, "port2");

  EXPECT_EQ (command_of (plan), "");
  EXPECT_EQ (found_for (plan, 0), std::vector<std::string>{ "none" });
}

TEST (StandIns, TakeTheSpaceOfARom)
{
  HandPlan plan;
  plan.port ("port1").cold ("gpu", "port1", { { 0, FakeBar::MEM32, 16 * MiB } });
  const std::string without = command_of (plan);
  const_cast<VpPciFunction *> (plan.device (0)->function)->rom_size = 512 * KiB;
  const std::string with = command_of (plan);

  EXPECT_EQ (without.find ("524288"), std::string::npos) << without;
  EXPECT_NE (with.find ("524288"), std::string::npos) << with;
}

TEST (StandIns, AreThereForAFunctionWithoutBars)
{
  HandPlan plan;
  plan.cold ("empty", "port1", {});

  EXPECT_NE (command_of (plan).find (R"("driver":"acpi-erst","id":"empty.0")"), std::string::npos);
}

/* 12 BARs, 8 functions: the smallest are put together, and what holds them is no smaller. */
TEST (StandIns, AreAtMostEightOnASlot)
{
  HandPlan plan;
  for (int i = 0; i < 4; i++)
    plan.cold ("f" + std::to_string (i), "port1",
               { { 0, FakeBar::MEM32, MiB },
                 { 2, FakeBar::MEM64_PREF, GiB << i },
                 { 4, FakeBar::MEM64_PREF, 8 * MiB } });
  g_autoptr (VpStandIns) stand_ins = vp_stand_ins_new (plan.get ());
  const GPtrArray *all = vp_stand_ins_get_all (stand_ins);
  guint64 mem32 = 0, pref64 = 0;

  ASSERT_EQ (all->len, 8u);
  for (guint i = 0; i < all->len; i++)
    {
      const auto *one = static_cast<const VpStandIn *> (all->pdata[i]);
      (one->kind == VP_STAND_IN_MEM32 ? mem32 : pref64) += one->size;
      EXPECT_EQ (one->function, i);
      EXPECT_EQ (one->multifunction, i == 0);
    }
  EXPECT_GE (mem32, 4 * MiB);
  EXPECT_GE (pref64, 15 * GiB + 32 * MiB);
  for (guint i = 0; i < 4; i++)
    EXPECT_EQ (found_for (plan, i)[1].find (" about"), std::string::npos)
        << "large ones stay alone";
}

} // namespace
