#pragma once

#include "launcher/config/guest-cpu.h"
#include "launcher/vm/argv-foreign.h"

#include "tests/support/foreign-parse.h"
#include "tests/support/plan-input.h"

#include <string>
#include <vector>

/* A foreign command line with devices of ours, but that each device is played by one that QEMU
 * emulates, with a BAR of the size that matters:
 *
 *   ForeignMachine machine (line);
 *   machine.input.host ("0000:41:00.0", GPU);
 *   ASSERT_TRUE (machine.build ());
 *   machine.argv ();
 */
class ForeignMachine
{
public:
  explicit ForeignMachine (const std::vector<std::string> &line) : argv_ (parse_foreign (line))
  {
    vm_ = vp_foreign_vm_new (argv_);
    foreign_ = vp_foreign_vm_to_foreign (vm_, argv_, line[0].c_str ());
    config_ = vp_foreign_vm_to_config (vm_);
    config_->name = g_strdup ("vm");
    input.policy.root = foreign_->root;
    input.policy.taken_ids = foreign_->ids;
    input.policy.n_spare = 2;
    measure ();
  }
  ~ForeignMachine ()
  {
    for (VpDeviceSpec *spec : specs_)
      vp_device_spec_free (spec);
    g_clear_pointer (&plan_, vp_plan_free);
    vp_config_free (config_);
    vp_foreign_free (foreign_);
    vp_foreign_vm_free (vm_);
    vp_foreign_argv_free (argv_);
  }
  ForeignMachine (const ForeignMachine &) = delete;
  ForeignMachine &operator= (const ForeignMachine &) = delete;

  PlanInput input;

  bool
  build (GError **error)
  {
    plan_ = input.build (error);
    for (guint i = 0; plan_ != nullptr && i < plan_->devices->len; i++)
      specs_.push_back (stand_in (device_at (plan_, i)->function));
    return plan_ != nullptr;
  }
  std::vector<std::string>
  argv () const
  {
    return argv (plan_->phys_bits > input.policy.default_bits ? plan_->phys_bits : 0);
  }
  std::vector<std::string>
  argv (guint bits) const
  {
    const VpArgvInput argv_input = {
      .config = config_,
      .plan = plan_,
      .specs = specs_.data (),
      .accel = VP_ACCEL_TCG,
      .cpu = vm_->cpu,
      .n_host_nodes = 0,
      .has_vhost_net = FALSE,
      .first_device_fd = foreign_->first_fd + 1,
    };
    g_auto (GStrv) argv = vp_argv_foreign_build (&argv_input, foreign_, bits);
    return std::vector<std::string> (argv, argv + g_strv_length (argv));
  }
  const VpPlan *
  plan () const
  {
    return plan_;
  }
  int
  first_fd () const
  {
    return foreign_->first_fd;
  }

private:
  VpForeignArgv *argv_;
  VpForeignVm *vm_;
  VpForeign *foreign_;
  VpConfig *config_;
  VpPlan *plan_ = nullptr;
  std::vector<VpDeviceSpec *> specs_;

  /* How wide its CPU is with TCG, and what RAM takes of that. */
  void
  measure ()
  {
    const VpHostCpu host = {};
    VpGuestCpu cpu;

    vp_guest_cpu_get (vm_->cpu, VP_ACCEL_TCG, &host, &cpu);
    input.policy.space = { vm_->machine,
                           vm_->memory,
                           vm_->max_memory,
                           vm_->n_memory_slots,
                           vp_address_space_hole64 (vm_->machine),
                           cpu.is_amd };
    input.policy.default_bits = cpu.default_bits;
    input.policy.max_bits = cpu.max_bits;
  }
  static VpDeviceSpec *
  stand_in (const VpPciFunction *function)
  {
    std::string text = "qemu,driver=pci-testdev";
    guint64 size = 0;

    for (guint i = 0; function != nullptr && i < function->n_bars; i++)
      if (function->bars[i].kind == VP_BAR_MEM64 && function->bars[i].prefetchable)
        size = MAX (size, function->bars[i].size);
    if (size > 0)
      text += ",membar=" + std::to_string (size);
    return vp_device_spec_parse (text.c_str (), nullptr);
  }
};
