#pragma once

#include "tests/support/plan-input.h"

#include <cstdio>
#include <random>
#include <string>
#include <vector>

/* A host and a wish that nobody had in mind. The same seed gives the same ones. */
class RandomHost
{
public:
  explicit RandomHost (unsigned seed) : random_ (seed)
  {
    input.policy.root.machine = one_in (4) ? VP_MACHINE_PC : VP_MACHINE_Q35;
    static const char *const versions[] = { nullptr, "1.16.2", "1.16.3", "1.17.0" };
    input.policy.firmware =
        vp_firmware_get (static_cast<VpFirmwareKind> (below (3)), versions[below (4)]);
    input.policy.root.n_own = one_in (3) ? below (13) : 0;
    if (input.policy.root.machine == VP_MACHINE_Q35 && one_in (6))
      {
        input.policy.root.n_nodes = 2 + below (3);
        input.policy.root.n_own = MIN (input.policy.root.n_own, 11);
      }
    input.policy.large_bar = UINT64_C (1) << (28 + below (10));
    input.policy.n_spare = below (6);
    input.policy.spare_window = one_in (3) ? UINT64_C (1) << below (36) : 0;

    is_full_ = input.policy.root.machine == VP_MACHINE_Q35 && one_in (20);
    const unsigned n =
        is_full_ ? 40 + below (240) : below (input.policy.root.machine == VP_MACHINE_PC ? 60 : 24);
    for (unsigned i = 0; i < n; i++)
      add (i);
  }

  PlanInput input;

  /* Makes the same devices in @host. Returns the options of vmplug that ask for the same plan, but
   * for the firmware and for own devices; what is emulated is another device. */
  std::vector<std::string>
  furnish (FakeSysfs &host) const
  {
    const VpPlanPolicy &policy = input.policy;
    std::vector<std::string> options = {
      "--machine",   vp_machine_type_to_string (policy.root.machine),
      "--large-bar", std::to_string (policy.large_bar),
      "--spare",     std::to_string (policy.n_spare)
    };

    if (policy.spare_window >= 1 * MiB)
      options.insert (options.end (), { "--spare-window", std::to_string (policy.spare_window) });
    if (policy.root.n_nodes > 1)
      options.insert (options.end (), { "--numa", std::to_string (policy.root.n_nodes) });
    for (guint i = 0; i < input.size (); i++)
      {
        const VpPlanRequest request = input.request (i);
        const char *const plugs[] = { "", ",plug=cold", ",plug=hot" };
        std::string device = "rng";

        if (request.function != nullptr)
          device = furnish (host, *request.function);
        options.insert (options.end (), { "--device", device + plugs[request.plug] });
      }
    return options;
  }

private:
  unsigned
  below (unsigned limit)
  {
    return static_cast<unsigned> (random_ () % limit);
  }
  bool
  one_in (unsigned n)
  {
    return below (n) == 0;
  }

  /* Returns its address. */
  static std::string
  furnish (FakeSysfs &host, const VpPciFunction &function)
  {
    static const std::string physical = "0000:fe:00.0";
    g_autofree char *address = vp_pci_address_to_string (&function.address);
    std::vector<FakeBar> bars;

    for (guint i = 0; i < function.n_bars; i++)
      {
        const VpBar &bar = function.bars[i];
        bars.push_back ({ bar.index,
                          bar.kind == VP_BAR_IO      ? FakeBar::IO
                          : bar.kind == VP_BAR_MEM32 ? FakeBar::MEM32
                          : bar.prefetchable         ? FakeBar::MEM64_PREF
                                                     : FakeBar::MEM64,
                          bar.size });
      }
    host.pci (address).bars (bars).pcie (function.pcie).numa_node (function.numa_node);
    if (function.is_virtual)
      {
        host.pci (physical);
        host.pci (address).virtual_of (physical);
      }
    return address;
  }

  void
  add (unsigned i)
  {
    static const char *const drivers[] = { "nvme", "virtio-net-pci", "9p,x" };
    auto &device =
        one_in (5) ? input.emulated (drivers[below (3)]) : input.host (address (i), bars ());

    if (one_in (4))
      device.node (static_cast<int> (below (5)) - 1);
    if (one_in (8))
      device.virtual_function ();
    if (one_in (is_full_ ? 12 : 3))
      device.conventional ();
    /* Functions of one device must not be asked for as cold and as hot. */
    if (i / 4 % 4 == 1)
      device.cold ();
    else if (i / 4 % 8 == 2)
      device.hot ();
    if (one_in (8))
      device.id ("user" + std::to_string (i));
  }

  /* Often several functions of one device, in any order. */
  std::string
  address (unsigned i) const
  {
    char text[16];

    if (is_full_)
      snprintf (text, sizeof text, "%02x:%02x.0", 1 + i / 32, i % 32);
    else
      snprintf (text, sizeof text, "%02x:%02x.%x", 1 + i / 32, i / 4 % 8, (i * 3 + i / 4) % 4);
    return text;
  }

  /* Where there are very many devices, I/O space and that below 4 GiB are not for all of them. */
  std::vector<FakeBar>
  bars ()
  {
    std::vector<FakeBar> bars;
    for (unsigned index = 0; index < 5; index += 2)
      switch (below (5))
        {
        case 0:
          bars.push_back (
              { index, FakeBar::MEM32, UINT64_C (1) << (12 + below (is_full_ ? 8 : 14)) });
          break;
        case 1:
          bars.push_back (
              { index, FakeBar::MEM64, UINT64_C (1) << (12 + below (is_full_ ? 8 : 14)) });
          break;
        case 2:
          bars.push_back (
              { index, FakeBar::MEM64_PREF, UINT64_C (1) << (12 + below (is_full_ ? 9 : 26)) });
          break;
        case 3:
          if (!is_full_)
            bars.push_back ({ index, FakeBar::IO, UINT64_C (1) << (3 + below (6)) });
          break;
        default:
          break;
        }
    return bars;
  }

  std::mt19937 random_;
  bool is_full_ = false; /* more devices than root ports, now and then */
};
