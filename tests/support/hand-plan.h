#pragma once

#include "devices/plan.h"

#include "tests/support/fake-sysfs.h"

#include <deque>
#include <string>
#include <vector>

/* A plan put together by hand, for code that is given one; whether a planner would make it so is
 * not asked. */
class HandPlan
{
public:
  explicit HandPlan (VpMachineType machine = VP_MACHINE_Q35)
  {
    plan_.root.machine = machine;
    plan_.firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, nullptr);
    plan_.ports = g_ptr_array_new ();
    plan_.expanders = g_ptr_array_new ();
    plan_.devices = g_ptr_array_new ();
    plan_.warnings = g_ptr_array_new ();
  }
  ~HandPlan ()
  {
    g_ptr_array_unref (plan_.ports);
    g_ptr_array_unref (plan_.expanders);
    g_ptr_array_unref (plan_.devices);
    g_ptr_array_unref (plan_.warnings);
  }
  HandPlan (const HandPlan &) = delete;
  HandPlan &operator= (const HandPlan &) = delete;

  const VpPlan *
  get () const
  {
    return &plan_;
  }
  const VpPlanDevice *
  device (guint i) const
  {
    return static_cast<const VpPlanDevice *> (plan_.devices->pdata[i]);
  }

  HandPlan &
  port (const std::string &id)
  {
    VpPlanPort &port = ports_.emplace_back ();
    port.id = keep (id);
    g_ptr_array_add (plan_.ports, &port);
    return *this;
  }
  HandPlan &
  cold (const std::string &id,
        const std::string &bus,
        const std::vector<FakeBar> &bars,
        guint8 slot = 0)
  {
    return add (id, VP_PLUG_COLD, bus, slot, &bars);
  }
  HandPlan &
  hot (const std::string &id, const std::string &bus, const std::vector<FakeBar> &bars)
  {
    return add (id, VP_PLUG_HOT, bus, 0, &bars);
  }
  HandPlan &
  emulated (const std::string &id, VpPlug plug, const std::string &bus)
  {
    return add (id, plug, bus, 0, nullptr);
  }

private:
  VpPlan plan_ = {};
  std::deque<std::string> texts_;
  std::deque<VpPciFunction> functions_;
  std::deque<VpPlanDevice> devices_;
  std::deque<VpPlanPort> ports_;

  char *
  keep (const std::string &text)
  {
    return texts_.emplace_back (text).data ();
  }
  static VpBar
  bar_of (const FakeBar &fake)
  {
    VpBar bar = {};
    bar.index = fake.index;
    bar.kind = fake.kind == FakeBar::IO      ? VP_BAR_IO
               : fake.kind >= FakeBar::MEM64 ? VP_BAR_MEM64
                                             : VP_BAR_MEM32;
    bar.prefetchable = fake.kind == FakeBar::MEM32_PREF || fake.kind == FakeBar::MEM64_PREF;
    bar.size = fake.size;
    return bar;
  }
  HandPlan &
  add (const std::string &id,
       VpPlug plug,
       const std::string &bus,
       guint8 slot,
       const std::vector<FakeBar> *bars)
  {
    VpPlanDevice &device = devices_.emplace_back ();
    device.ref = device.id = keep (id);
    device.plug = plug;
    device.port = device.bus = keep (bus);
    device.slot = slot;
    device.reason = keep ("");
    if (bars != nullptr)
      {
        VpPciFunction &function = functions_.emplace_back ();
        for (const FakeBar &fake : *bars)
          function.bars[function.n_bars++] = bar_of (fake);
        device.function = &function;
      }
    g_ptr_array_add (plan_.devices, &device);
    return *this;
  }
};
