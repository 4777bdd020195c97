#include "devices/error.h"
#include "devices/slot-map.h"

#include "tests/support/map-probe.h"
#include "tests/support/plan-input.h"

#include <gtest/gtest.h>
#include <string>

/* Functions of one host device, which share a slot. */

namespace
{

const std::vector<FakeBar> half = { { 0, FakeBar::MEM64_PREF, 32 * MiB } };
const VpPciFunction card0 = fake_function ("0000:61:00.0", half);
const VpPciFunction card1 = fake_function ("0000:61:00.1", half);
const VpPciFunction card3 = fake_function ("0000:61:00.3", {});

/* A planned card of two hot functions, and spare ports for 1 GiB. */
const auto fill = [] (PlanInput &in) {
  in.policy.n_spare = 2;
  in.policy.spare_window = 64 * MiB;
  in.host ("0000:41:00.0", half).id ("a");
  in.host ("0000:41:00.1", half).id ("b");
};

TEST (SlotMapFunctions, OfThePlanHaveTheirPlaces)
{
  MapProbe map (fill);

  EXPECT_EQ (map.find ("a"), "port1 port1.0+");
  EXPECT_EQ (map.find ("b"), "port1 port1.0.1");
  EXPECT_EQ (map.count (), "2 of 3");
  EXPECT_EQ (map.reserve_all ({ { "b", map.function (1) }, { "a", map.function (0) } }),
             "port1 port1.0.1, port1 port1.0+");
}

TEST (SlotMapFunctions, ThatComeTogetherShareASlot)
{
  MapProbe map (fill);

  EXPECT_EQ (map.reserve_all ({ { "x", &card0 }, { "y", &card1 }, { "z", &card3 } }),
             "port2 port2.0+, port2 port2.0.1, port2 port2.0.3");
  EXPECT_EQ (map.count (), "1 of 3");
  map.release ("x");
  map.release ("z");
  EXPECT_EQ (map.count (), "1 of 3") << "one of them is still there";
  map.release ("y");
  EXPECT_EQ (map.count (), "2 of 3");
}

TEST (SlotMapFunctions, TheLowestIsFunctionZeroWhenTheRealOneIsNotThere)
{
  MapProbe map (fill);

  EXPECT_EQ (map.reserve_all ({ { "z", &card3 }, { "y", &card1 } }),
             "port2 port2.0.3, port2 port2.0+");
}

/* QEMU: "slot 0 function 0 already occupied by …, new func … cannot be exposed to guest" */
TEST (SlotMapFunctions, OneThatComesLaterHasASlotOfItsOwn)
{
  MapProbe map (fill);

  EXPECT_EQ (map.reserve ("x", card0), "port2 port2.0");
  EXPECT_EQ (map.reserve ("y", card1), "port3 port3.0");
}

TEST (SlotMapFunctions, TheWindowIsForTheSumOfTheirBars)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 1;
    in.policy.spare_window = 32 * MiB;
  });

  EXPECT_EQ (map.reserve_all ({ { "x", &card0 }, { "y", &card1 } }),
             "no spare port is large enough: BARs of 0000:61:00.0 and 0000:61:00.1 need 64 MiB, "
             "the largest free port has 32 MiB");
  EXPECT_EQ (map.code, VP_DEVICE_ERROR_NO_SLOT);
  EXPECT_EQ (map.reserve_all ({ { "x", &card0 }, { "z", &card3 } }),
             "port1 port1.0+, port1 port1.0.3");
}

TEST (SlotMapFunctions, ThatComeBackGetTheirOwnSlot)
{
  MapProbe map (fill);

  map.release ("a");
  map.release ("b");
  EXPECT_EQ (map.reserve_all ({ { "a", map.function (0) }, { "b", map.function (1) } }),
             "port1 port1.0+, port1 port1.0.1");
  map.release ("a");
  EXPECT_EQ (map.reserve ("a", map.function (0)), "port2 port2.0") << "b is still in its own";
  map.release ("a");
  map.release ("b");
  EXPECT_EQ (map.reserve ("b", map.function (1)), "port1 port1.0") << "alone it is function 0";
  EXPECT_EQ (map.reserve ("a", map.function (0)), "port2 port2.0");
}

TEST (SlotMapFunctions, ARefusalOfOneTakesNothing)
{
  MapProbe map (fill);

  EXPECT_EQ (map.reserve_all ({ { "x", &card0 }, { "a", &card1 } }),
             "the id \"a\" is taken by the device in port1");
  EXPECT_EQ (map.reserve_all ({ { "x", &card0 }, { "x", &card1 } }),
             "the id \"x\" is asked for twice");
  EXPECT_EQ (map.reserve_all ({ { "x", &card0 }, { "port1", &card1 } }),
             "the id \"port1\" belongs to the VM's own ports and bridges");
  EXPECT_EQ (map.reserve_all ({ { "a", map.function (0) }, { "x", &card1 } }),
             "the id \"a\" is taken by the device in port1");
  EXPECT_EQ (map.code, VP_DEVICE_ERROR_DUPLICATE);
  EXPECT_EQ (map.find ("x"), "nowhere");
  EXPECT_EQ (map.count (), "2 of 3");
}

TEST (SlotMapFunctions, GoBehindABridgeTogether)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 1;
    in.host ("0000:06:01.0").conventional ();
  });
  const VpPciFunction one = conventional ("0000:61:00.0", EDU);
  const VpPciFunction other = conventional ("0000:61:00.1", EDU);
  const VpPciFunction third = conventional ("0000:62:00.0", EDU);

  EXPECT_EQ (map.reserve_all ({ { "x", &one }, { "y", &other } }),
             "port1 bridge1.2+, port1 bridge1.2.1");
  EXPECT_EQ (map.reserve ("z", third), "port2 port2.0") << "the bridge's 2 MiB are taken";
}

TEST (SlotMapFunctions, OfPcShareASlotOfItsBus)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.root.machine = VP_MACHINE_PC;
    in.policy.n_spare = 1;
  });

  EXPECT_EQ (map.reserve_all ({ { "x", &card0 }, { "y", &card1 } }),
             "slot2 pci.0.2+, slot2 pci.0.2.1");
}

} // namespace
