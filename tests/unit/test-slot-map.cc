#include "devices/error.h"
#include "devices/slot-map.h"

#include "tests/support/map-probe.h"
#include "tests/support/plan-input.h"

#include <gtest/gtest.h>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace
{

TEST (SlotMap, EveryDeviceOfThePlanHasItsPlaceFromTheStart)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 2;
    in.host ("0000:41:00.0", GPU);
    in.host ("0000:42:00.0", NVME);
    in.host ("0000:06:01.0").conventional ();
  });

  EXPECT_EQ (map.find ("vfio-41-00.0"), "port1 port1.0");
  EXPECT_EQ (map.find ("vfio-42-00.0"), "port2 port2.0");
  EXPECT_EQ (map.find ("vfio-06-01.0"), "port3 bridge1.1");
  EXPECT_EQ (map.find ("nobody"), "nowhere");
  EXPECT_EQ (map.count (), "2 of 4") << "bridge slots are not counted";
}

TEST (SlotMap, ADeviceOfThePlanGetsItsOwnPlaceHoweverOftenItAsks)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 1;
    in.host ("0000:42:00.0", NVME);
    in.emulated ("nvme");
  });

  EXPECT_EQ (map.reserve ("vfio-42-00.0", map.function (0)), "port1 port1.0");
  EXPECT_EQ (map.reserve ("vfio-42-00.0", map.function (0)), "port1 port1.0");
  EXPECT_EQ (map.reserve ("nvme0"), "port2 port2.0");
  EXPECT_EQ (map.count (), "1 of 3");
}

TEST (SlotMap, AnotherDeviceGetsAPlaceOnceAndOnlyOnce)
{
  MapProbe map ([] (PlanInput &in) { in.policy.n_spare = 2; });

  EXPECT_EQ (map.reserve ("extra", nvme), "port1 port1.0");
  EXPECT_EQ (map.find ("extra"), "port1 port1.0");
  EXPECT_EQ (map.reserve ("extra", nvme), "the id \"extra\" is taken by the device in port1");
  EXPECT_EQ (map.code, VP_DEVICE_ERROR_DUPLICATE);
  EXPECT_EQ (map.count (), "1 of 2");
}

TEST (SlotMap, AnIdOfThePlanIsForThatDeviceOnly)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 1;
    in.host ("0000:42:00.0", NVME);
    in.emulated ("nvme");
  });

  EXPECT_EQ (map.reserve ("vfio-42-00.0", nvme),
             "the id \"vfio-42-00.0\" is taken by the device in port1");
  EXPECT_EQ (map.code, VP_DEVICE_ERROR_DUPLICATE);
  EXPECT_EQ (map.reserve ("vfio-42-00.0"),
             "the id \"vfio-42-00.0\" is taken by the device in port1");
  EXPECT_EQ (map.reserve ("nvme0", nvme), "the id \"nvme0\" is taken by the device in port2");
  EXPECT_EQ (map.count (), "1 of 3") << "a refusal takes nothing";
}

TEST (SlotMap, OneFunctionHasOnePlace)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 2;
    in.host ("0000:42:00.0", NVME);
  });

  EXPECT_EQ (map.reserve ("again", map.function (0)),
             "0000:42:00.0 is in the VM already: as vfio-42-00.0 in port1");
  EXPECT_EQ (map.code, VP_DEVICE_ERROR_DUPLICATE);
  EXPECT_EQ (map.reserve ("extra", nvme), "port2 port2.0");
  EXPECT_EQ (map.reserve ("extra2", nvme), "0000:51:00.0 is in the VM already: as extra in port2");
  map.release ("extra");
  EXPECT_EQ (map.reserve ("extra2", nvme), "port2 port2.0");
}

TEST (SlotMap, IdsOfPortsAreRefused)
{
  MapProbe map ([] (PlanInput &in) { in.policy.n_spare = 1; });

  for (const char *id : { "port1", "port7", "bridge1", "slot2" })
    {
      EXPECT_EQ (map.reserve (id),
                 "the id \"" + std::string (id) + "\" belongs to the VM's own ports and bridges");
      EXPECT_EQ (map.code, VP_DEVICE_ERROR_DUPLICATE);
    }
}

TEST (SlotMap, FullNamesWhoHasWhat)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 1;
    in.host ("0000:41:00.0", GPU);
    in.host ("0000:42:00.0", NVME).id ("scratch");
    in.host ("0000:06:01.0").conventional ();
  });

  EXPECT_EQ (map.reserve ("extra", nvme), "port4 port4.0");
  EXPECT_EQ (map.reserve ("rng0"),
             "no free hotplug port: all 3 are taken (port1: vfio-41-00.0, port2: scratch, port4: "
             "extra)");
  EXPECT_EQ (map.code, VP_DEVICE_ERROR_NO_SLOT);
  EXPECT_EQ (map.count (), "0 of 3");

  MapProbe many ([] (PlanInput &in) {
    for (int i = 0; i < 10; i++)
      in.emulated ("nvme");
  });
  EXPECT_EQ (many.reserve ("rng0"),
             "no free hotplug port: all 10 are taken (port1: nvme0, port2: nvme1, port3: nvme2, "
             "port4: nvme3, port5: nvme4, port6: nvme5, port7: nvme6, port8: nvme7 and 2 more)");
}

TEST (SlotMap, NoPortsAtAllIsNotFull)
{
  MapProbe map ([] (PlanInput &) {});

  EXPECT_EQ (map.reserve ("rng0"), "no free hotplug port: the VM was started without any");
  EXPECT_EQ (map.code, VP_DEVICE_ERROR_NO_SLOT);
  EXPECT_EQ (map.count (), "0 of 0");
}

TEST (SlotMap, APlannedHotDeviceLeavesItsPortAndWindowToAnyone)
{
  MapProbe map ([] (PlanInput &in) { in.host ("0000:41:00.0", GPU).hot (); });

  map.release ("vfio-41-00.0");
  EXPECT_EQ (map.find ("vfio-41-00.0"), "nowhere");
  EXPECT_EQ (map.count (), "1 of 1");
  EXPECT_EQ (map.reserve ("other", gpu), "port1 port1.0");
  EXPECT_EQ (map.reserve ("vfio-41-00.0", map.function (0)),
             "no free hotplug port: the only one is taken (port1: other)");
}

TEST (SlotMap, ADeviceThatComesBackGetsItsOwnPlaceIfItCan)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 2;
    in.policy.spare_window = 1;
    in.host ("0000:41:00.0", { { 0, FakeBar::MEM64_PREF, 64 * MiB } }).id ("a");
    in.host ("0000:42:00.0", NVME).id ("b");
  });

  map.release ("a");
  map.release ("b");
  EXPECT_EQ (map.reserve ("b", map.function (1)), "port2 port2.0");
  map.release ("b");
  EXPECT_EQ (map.reserve ("x", nvme), "port2 port2.0") << "the first of the smallest";
  EXPECT_EQ (map.reserve ("b", map.function (1)), "port3 port3.0") << "its own is taken";
  EXPECT_EQ (map.reserve ("a", with_pref64 ("0000:61:00.0", 1 * GiB)),
             "no spare port is large enough: BARs of 0000:61:00.0 need 1 GiB, the largest free "
             "port has 64 MiB")
      << "the name alone does not make it fit";
  EXPECT_EQ (map.reserve ("a", map.function (0)), "port1 port1.0");
}

TEST (SlotMap, ReleaseOfNobodyIsIgnored)
{
  MapProbe map ([] (PlanInput &in) { in.host ("0000:41:00.0", NVME); });

  map.release ("nobody");
  map.release ("port1");
  EXPECT_EQ (map.count (), "0 of 1");
  map.release ("vfio-41-00.0");
  map.release ("vfio-41-00.0");
  EXPECT_EQ (map.count (), "1 of 1");
}

TEST (SlotMap, ConventionalDevicesGoBehindABridgeFirst)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 1;
    in.host ("0000:06:01.0", EDU).conventional ();
  });

  EXPECT_EQ (map.reserve ("a", conventional ("0000:61:00.0", EDU)), "port1 bridge1.2");
  EXPECT_EQ (map.reserve ("b", conventional ("0000:62:00.0", EDU)), "port2 port2.0")
      << "the bridge's 2 MiB are taken";
  EXPECT_EQ (map.reserve ("c", conventional ("0000:63:00.0")), "port1 bridge1.3");
  map.release ("a");
  EXPECT_EQ (map.reserve ("d", conventional ("0000:64:00.0", EDU)), "port1 bridge1.2");
  EXPECT_EQ (map.count (), "0 of 1");
}

TEST (SlotMap, WhereABridgeHasOnlyShpcItIsForWhenNoPortIsLeft)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.root.is_native = TRUE;
    in.policy.n_spare = 1;
    in.host ("0000:06:01.0").conventional ().cold ();
  });

  EXPECT_EQ (map.find ("vfio-06-01.0"), "port1 bridge1.1");
  EXPECT_EQ (map.reserve ("a", conventional ("0000:61:00.0")), "port2 port2.0");
  EXPECT_EQ (map.reserve ("b", conventional ("0000:62:00.0")), "port1 bridge1.2");
}

TEST (SlotMap, OnlyAConventionalDeviceGoesBehindABridge)
{
  MapProbe map ([] (PlanInput &in) { in.host ("0000:06:01.0").conventional (); });

  EXPECT_EQ (map.reserve ("express", nvme), "no free hotplug port: the VM was started without any");
  EXPECT_EQ (map.reserve ("emulated"), "no free hotplug port: the VM was started without any");

  MapProbe no_bridge ([] (PlanInput &in) { in.policy.n_spare = 1; });
  EXPECT_EQ (no_bridge.reserve ("a", conventional ("0000:61:00.0", EDU)), "port1 port1.0");
}

TEST (SlotMap, ABridgeHasThirtyOneSlots)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.n_spare = 1;
    in.host ("0000:06:01.0").conventional ();
  });

  for (int i = 2; i <= 31; i++)
    EXPECT_EQ (map.reserve ("x" + std::to_string (i), conventional (nth_address (i + 100))),
               "port1 bridge1." + std::to_string (i));
  EXPECT_EQ (map.reserve ("y", conventional ("0000:61:00.0")), "port2 port2.0");
  EXPECT_EQ (map.reserve ("z", conventional ("0000:62:00.0")),
             "no free hotplug port: the only one is taken (port2: y)");
}

TEST (SlotMap, PcHasSlots)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.root.machine = VP_MACHINE_PC;
    in.policy.n_spare = 2;
    in.host ("0000:41:00.0", GPU);
    in.host ("0000:42:00.0", NVME);
  });

  EXPECT_EQ (map.find ("vfio-41-00.0"), "slot2 pci.0.2");
  EXPECT_EQ (map.count (), "2 of 4");
  EXPECT_EQ (map.reserve ("big", gpu),
             "no spare port is large enough: BARs of 0000:52:00.0 need 16416 MiB, the largest "
             "free port has 2 GiB (a device with a BAR of 4 GiB or more belongs in the plan, as "
             "plug=cold)");
  EXPECT_EQ (map.reserve ("a", nvme), "slot4 pci.0.4");
  EXPECT_EQ (map.reserve ("b", conventional ("0000:61:00.0")), "slot5 pci.0.5");
  EXPECT_EQ (map.reserve ("c"),
             "no free hotplug port: all 4 are taken (slot2: vfio-41-00.0, slot3: vfio-42-00.0, "
             "slot4: a, slot5: b)");
  map.release ("vfio-41-00.0");
  EXPECT_EQ (map.reserve ("big", gpu), "slot2 pci.0.2") << "firmware has made room for one";
}

TEST (SlotMap, HoldsItsPromisesUnderRandomUse)
{
  for (unsigned seed = 1; seed <= 200 && !testing::Test::HasFailure (); seed++)
    {
      SCOPED_TRACE ("seed " + std::to_string (seed));
      std::mt19937 random (seed);
      MapProbe map ([&] (PlanInput &in) {
        in.policy.n_spare = random () % 6;
        in.policy.spare_window = UINT64_C (1) << random () % 34;
        add_many (in, random () % 4, random () % 2 ? NVME : GPU);
        in.host ("0000:06:01.0").conventional ();
      });
      const std::string before = map.count ();
      std::set<std::string> held;

      for (int i = 0; i < 200; i++)
        {
          const unsigned n = random () % 12;
          const std::string id = "x" + std::to_string (n);
          VpPciFunction function =
              with_pref64 (nth_address (100 + static_cast<int> (n)), MiB << random () % 12);
          function.pcie = random () % 2;

          if (held.erase (id) > 0)
            map.release (id);
          else if (map.reserve (id, random () % 4 ? &function : nullptr); map.code == -1)
            held.insert (id);

          std::set<std::string> places;
          for (const std::string &one : held)
            EXPECT_TRUE (places.insert (map.find (one)).second) << one << " shares its place";
          EXPECT_EQ (places.count ("nowhere"), 0U);
        }
      for (const std::string &id : held)
        map.release (id);
      EXPECT_EQ (map.count (), before) << "a place was lost";
    }
}

TEST (SlotMap, WhatLeavesAnExpanderLeavesNoPort)
{
  MapProbe map ([] (PlanInput &in) {
    in.policy.root.n_nodes = 2;
    in.host ("0000:41:00.0", GPU).node (1);
  });

  map.release ("vfio-41-00.0");
  EXPECT_EQ (map.count (), "0 of 1");
  EXPECT_EQ (map.reserve ("x", nvme), "no free hotplug port: the VM was started without any");
}

} // namespace
