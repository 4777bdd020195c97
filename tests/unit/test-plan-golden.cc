#include "devices/plan.h"

#include "tests/support/golden.h"
#include "tests/support/plan-dump.h"
#include "tests/support/plan-input.h"
#include "tests/support/row-name.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

/* A host as somebody may have it, and what they ask for. */
struct Host
{
  const char *name;
  std::function<void (PlanInput &)> fill;
};

const std::vector<FakeBar> GPU_128G = { { 0, FakeBar::MEM64_PREF, 16 * MiB },
                                        { 2, FakeBar::MEM64_PREF, 128 * GiB },
                                        { 4, FakeBar::MEM64_PREF, 32 * MiB } };
const std::vector<FakeBar> GPU_AUDIO = { { 0, FakeBar::MEM32, 16 * KiB } };
const std::vector<FakeBar> CONNECTX_PF = { { 0, FakeBar::MEM64_PREF, 32 * MiB } };
const std::vector<FakeBar> CONNECTX_VF = { { 0, FakeBar::MEM64_PREF, 2 * MiB } };
const std::vector<FakeBar> E1000E = { { 0, FakeBar::MEM32, 128 * KiB },
                                      { 1, FakeBar::MEM32, 128 * KiB },
                                      { 2, FakeBar::IO, 32 },
                                      { 3, FakeBar::MEM32, 16 * KiB } };

void
gpu_and_nic (PlanInput &in)
{
  in.policy.n_spare = 4;
  in.host ("0000:41:00.0", GPU).ref ("/dev/vfio/40");
  in.host ("0000:61:00.0", E1000E).ref ("/dev/vfio/52");
}

void
conventional (PlanInput &in)
{
  in.policy.n_spare = 4;
  in.host ("0000:41:00.0", GPU);
  in.host ("0000:06:01.0", EDU).conventional ();
  in.host ("0000:06:02.0", EDU).conventional ();
  in.host ("0000:06:03.0", EDU).conventional ().cold ();
  in.host ("0000:61:00.0", E1000E);
}

const Host hosts[] = {
  { "gpu_and_nic", gpu_and_nic },
  { "gpu_and_nic_ovmf",
    [] (PlanInput &in) {
      gpu_and_nic (in);
      in.policy.firmware = vp_firmware_get (VP_FIRMWARE_OVMF, nullptr);
    } },
  { "gpu_and_audio_in_one_group",
    [] (PlanInput &in) {
      in.policy.n_spare = 4;
      in.host ("0000:0a:00.0", GPU).ref ("/dev/vfio/17");
      in.host ("0000:0a:00.1", GPU_AUDIO).ref ("/dev/vfio/17");
    } },
  { "three_gpus_of_128_gib",
    [] (PlanInput &in) {
      in.policy.n_spare = 4;
      in.policy.firmware = vp_firmware_get (VP_FIRMWARE_OVMF, nullptr);
      for (const char *address : { "0000:17:00.0", "0000:65:00.0", "0000:ca:00.0" })
        in.host (address, GPU_128G);
    } },
  { "connectx_and_virtual_functions",
    [] (PlanInput &in) {
      in.policy.n_spare = 2;
      in.host ("0000:3b:00.0", CONNECTX_PF);
      for (const char *address : { "0000:3b:00.2", "0000:3b:00.3", "0000:3b:00.4" })
        in.host (address, CONNECTX_VF).virtual_function ();
    } },
  { "conventional", conventional },
  { "conventional_on_pc",
    [] (PlanInput &in) {
      conventional (in);
      in.policy.root.machine = VP_MACHINE_PC;
    } },
  { "forty_nvme",
    [] (PlanInput &in) {
      in.policy.n_spare = 4;
      add_many (in, 40, NVME);
    } },
  { "large_and_hot_by_request",
    [] (PlanInput &in) {
      in.policy.n_spare = 2;
      in.host ("0000:41:00.0", GPU).hot ();
      in.emulated ("virtio-net-pci");
    } },
};

class PlanGolden : public testing::TestWithParam<Host>
{
};

TEST_P (PlanGolden, IsAsItWas)
{
  PlanInput input;
  GetParam ().fill (input);
  g_autoptr (VpPlan) plan = must_build (input);
  ASSERT_NE (plan, nullptr);

  expect_golden (std::string ("plans/") + GetParam ().name + ".txt", dump_plan (plan));
}

INSTANTIATE_TEST_SUITE_P (Hosts, PlanGolden, testing::ValuesIn (hosts), name_of_row<Host>);

} // namespace
