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
