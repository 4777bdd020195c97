#pragma once

#include "tests/support/fake-kernel.h"
#include "tests/support/hotplug-test.h"

#include <vector>

/* A VM on a host that has three cards in one IOMMU group, which e1000e drives. */
class HotplugGroup : public Hotplug
{
protected:
  static constexpr int N = 3;

  HotplugGroup () : kernel_ (&host_)
  {
    n_spare_ = 4;
    host_.add_driver ("vfio-pci");
    host_.add_driver ("e1000e");
    for (int i = 0; i < N; i++)
      host_.pci (card (i)).driver ("e1000e").group (40).bars ({ { 0, FakeBar::MEM32, 4096 } });
  }
  void
  SetUp () override
  {
    Hotplug::SetUp ();
    vp_hotplug_set_ready (hotplug_);
  }
  void
  TearDown () override
  {
    EXPECT_TRUE (run_until ([&] { return vp_hotplug_is_idle (hotplug_); }));
    Hotplug::TearDown ();
  }

  static std::string
  card (int i)
  {
    return "0000:0" + std::to_string (i + 1) + ":00.0";
  }
  static std::string
  id_of (int i)
  {
    return "vfio-0" + std::to_string (i + 1) + "-00.0";
  }
  static std::string
  deleted (int i)
  {
    return R"({"device":")" + id_of (i) + R"("})";
  }
  std::string
  driver (int i) const
  {
    return host_.link_name (FakeSysfs::pci_folder (card (i)) / "driver");
  }
  bool
  all_driven_by (const std::string &name) const
  {
    for (int i = 0; i < N; i++)
      if (driver (i) != name)
        return false;
    return true;
  }
  void
  attach_cards (const std::vector<int> &cards, Outcome *outcome, guint timeout_ms = 60000)
  {
    std::vector<std::string> addresses;

    for (int i : cards)
      addresses.push_back (card (i));
    attach ("/dev/vfio/40,bind=on", outcome, timeout_ms, addresses);
  }
  /* Answers the questions about BARs, of which card @partial has one without a window and card
   * @hidden none with one, until @done or another command comes. */
  void
  show_all (const bool &done, int partial = -1, int hidden = -1)
  {
    std::string devices;

    for (int i = 0; i < N; i++)
      devices += std::string (i > 0 ? "," : "") + R"({"bus":)" + std::to_string (i + 1) +
                 R"(,"slot":0,"function":0,"qdev_id":")" + id_of (i) + R"(","regions":[)" +
                 (i == hidden ? UNMAPPED : MAPPED) +
                 (i == partial ? std::string (",") + UNMAPPED : "") + "]}";
    answer_probes (R"([{"bus":0,"devices":[)" + devices + "]}]", done);
  }
  void
  attach_group_for_good ()
  {
    Outcome outcome;

    attach_cards ({ 0, 1, 2 }, &outcome);
    for (int i = 0; i < N; i++)
      qemu_.reply (qemu_.hear ("device_add"));
    show_all (outcome.done);
    ASSERT_NE (outcome.document, nullptr);
  }

  FakeKernel kernel_;
};
