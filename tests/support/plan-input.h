#pragma once

#include "devices/device-id.h"
#include "devices/plan.h"

#include "tests/support/fake-sysfs.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <gtest/gtest.h>
#include <string>
#include <vector>

constexpr uint64_t KiB = UINT64_C (1) << 10;
constexpr uint64_t MiB = UINT64_C (1) << 20;
constexpr uint64_t GiB = UINT64_C (1) << 30;
constexpr uint64_t TiB = UINT64_C (1) << 40;

/* A host function that no host has; for code that is pure. */
inline VpPciFunction
fake_function (const std::string &address, const std::vector<FakeBar> &bars)
{
  VpPciFunction function = {};

  if (!vp_pci_address_parse (address.c_str (), &function.address, nullptr) ||
      bars.size () > VP_PCI_N_BARS)
    {
      fprintf (stderr, "bad fake function %s\n", address.c_str ());
      abort ();
    }
  function.pcie = TRUE;
  function.group = -1;
  function.cdev = -1;
  function.numa_node = -1;
  for (const FakeBar &bar : bars)
    {
      VpBar &out = function.bars[function.n_bars++];

      out.index = bar.index;
      out.kind = bar.kind == FakeBar::IO                                         ? VP_BAR_IO
                 : bar.kind == FakeBar::MEM64 || bar.kind == FakeBar::MEM64_PREF ? VP_BAR_MEM64
                                                                                 : VP_BAR_MEM32;
      out.prefetchable = bar.kind == FakeBar::MEM32_PREF || bar.kind == FakeBar::MEM64_PREF;
      out.size = bar.size;
      out.max_size = bar.size;
    }
  return function;
}

/* What vp_plan_build() is given, written down device by device:
 *
 *   PlanInput input;
 *   input.host ("0000:41:00.0", { { 2, FakeBar::MEM64_PREF, 16 * GiB } }).ref ("/dev/vfio/40");
 *   input.emulated ("nvme").cold (); */
class PlanInput
{
public:
  class Device
  {
  public:
    Device &
    ref (const std::string &text)
    {
      ref_ = text;
      return *this;
    }
    Device &
    id (const std::string &text)
    {
      id_ = text;
      has_id_ = true;
      return *this;
    }
    Device &
    cold ()
    {
      plug_ = VP_PLUG_COLD;
      return *this;
    }
    Device &
    hot ()
    {
      plug_ = VP_PLUG_HOT;
      return *this;
    }
    Device &
    conventional ()
    {
      function.pcie = FALSE;
      return *this;
    }
    Device &
    class_code (guint32 code)
    {
      function.class_code = code;
      return *this;
    }
    Device &
    node (int numa_node)
    {
      function.numa_node = numa_node;
      return *this;
    }
    Device &
    rom (guint64 size)
    {
      function.rom_size = size;
      return *this;
    }
    /* The last of its BARs can be resized up to @size. */
    Device &
    resizable (guint64 size)
    {
      function.bars[function.n_bars - 1].max_size = size;
      return *this;
    }
    Device &
    virtual_function ()
    {
      function.is_virtual = TRUE;
      return *this;
    }

    Device &
    vfio_user ()
    {
      is_vfio_user_ = true;
      return *this;
    }

    VpPciFunction function = {};

  private:
    friend class PlanInput;
    VpPlanRequest
    request () const
    {
      VpPlanRequest request = { ref_.c_str (), is_host_ ? &function : nullptr,
                                has_id_ ? id_.c_str () : nullptr, plug_ };
      request.is_vfio_user = is_vfio_user_;
      request.driver = is_vfio_user_ ? VP_DEVICE_ID_VFIO_USER : nullptr;
      return request;
    }

    std::string ref_, id_;
    bool is_host_ = false, has_id_ = false, is_vfio_user_ = false;
    VpPlug plug_ = VP_PLUG_AUTO;
  };

  Device &
  host (const std::string &address, const std::vector<FakeBar> &bars = {})
  {
    Device &device = devices_.emplace_back ();
    device.function = fake_function (address, bars);
    device.is_host_ = true;
    return device.ref (address);
  }
  Device &
  emulated (const std::string &driver)
  {
    return devices_.emplace_back ().ref (driver);
  }

  bool
  are_functions_of_one_device (guint a, guint b) const
  {
    const Device &one = devices_[a], &other = devices_[b];
    const VpPciAddress &x = one.function.address, &y = other.function.address;

    return one.is_host_ && other.is_host_ && !one.function.is_virtual &&
           !other.function.is_virtual && x.domain == y.domain && x.bus == y.bus && x.slot == y.slot;
  }

  guint
  size () const
  {
    return static_cast<guint> (devices_.size ());
  }

  /* Borrows from the @i-th device. */
  VpPlanRequest
  request (guint i) const
  {
    return devices_[i].request ();
  }

  /* Of the first @count devices only. */
  VpPlan *
  build (guint count, GError **error) const
  {
    std::vector<VpPlanRequest> requests;
    for (guint i = 0; i < count; i++)
      requests.push_back (request (i));
    return vp_plan_build (&policy, requests.data (), count, error);
  }
  VpPlan *
  build (GError **error) const
  {
    return build (size (), error);
  }

  VpPlanPolicy policy = { .root = { .machine = VP_MACHINE_Q35 },
                          .firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, "1.16.2"),
                          .large_bar = VP_PLAN_DEFAULT_LARGE_BAR };

private:
  std::deque<Device> devices_; /* a deque, so that what host() returned stays where it is */
};

/* Devices that the tests have in common. */

inline const std::vector<FakeBar> GPU = { { 0, FakeBar::MEM32, 16 * MiB },
                                          { 2, FakeBar::MEM64_PREF, 16 * GiB },
                                          { 4, FakeBar::MEM64_PREF, 32 * MiB } };
inline const std::vector<FakeBar> NVME = { { 0, FakeBar::MEM64, 16 * KiB } };
inline const std::vector<FakeBar> EDU = { { 0, FakeBar::MEM32, 1 * MiB } };
inline const std::vector<FakeBar> NIC_WITH_IO = { { 0, FakeBar::MEM32, 128 * KiB },
                                                  { 2, FakeBar::IO, 32 } };

/* Another host function for each @i. */
inline std::string
nth_address (int i)
{
  char text[32];
  snprintf (text, sizeof text, "%04x:%02x:00.0", i / 255, 1 + i % 255);
  return text;
}

inline void
add_many (PlanInput &input, int n, const std::vector<FakeBar> &bars)
{
  for (int i = 0; i < n; i++)
    input.host (nth_address (i), bars);
}

inline void
add_many_conventional (PlanInput &input, int n, const std::vector<FakeBar> &bars)
{
  for (int i = 0; i < n; i++)
    input.host (nth_address (i), bars).conventional ();
}

/* The plan as its users see it. */

inline const VpPlanPort *
port_at (const VpPlan *plan, guint i)
{
  return static_cast<VpPlanPort *> (g_ptr_array_index (plan->ports, i));
}

inline const VpPlanDevice *
device_at (const VpPlan *plan, guint i)
{
  return static_cast<VpPlanDevice *> (g_ptr_array_index (plan->devices, i));
}

inline std::vector<std::string>
warnings_of (const VpPlan *plan)
{
  std::vector<std::string> lines;
  for (guint i = 0; i < plan->warnings->len; i++)
    lines.push_back (static_cast<char *> (g_ptr_array_index (plan->warnings, i)));
  return lines;
}

/* Builds, and fails the test when that does not work. */
inline VpPlan *
must_build (const PlanInput &input)
{
  g_autoptr (GError) error = nullptr;
  VpPlan *plan = input.build (&error);

  EXPECT_NE (plan, nullptr) << error->message;
  return plan;
}
