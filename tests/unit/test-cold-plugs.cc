#include "launcher/error.h"
#include "launcher/vm/argv.h"
#include "launcher/vm/cold-plugs.h"

#include "tests/support/plan-input.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace
{

/* A plan of three cold devices and a hot one, each with its spec. */
class ColdPlugs : public testing::Test
{
protected:
  PlanInput input_;
  VpPlan *plan_ = nullptr;
  std::vector<VpDeviceSpec *> specs_;
  GPtrArray *plugs_ = nullptr;

  ~ColdPlugs () override
  {
    for (VpDeviceSpec *spec : specs_)
      vp_device_spec_free (spec);
    g_clear_pointer (&plugs_, g_ptr_array_unref);
    g_clear_pointer (&plan_, vp_plan_free);
  }
  /* @options: what each of them says beside its address */
  void
  make (const std::vector<std::string> &options)
  {
    for (size_t i = 0; i < options.size (); i++)
      {
        const std::string address = nth_address (static_cast<int> (i));
        PlanInput::Device &device = input_.host (address, NVME);

        specs_.push_back (vp_device_spec_parse ((address + options[i]).c_str (), nullptr));
        ASSERT_NE (specs_.back (), nullptr);
        specs_.back ()->plug == VP_PLUG_HOT ? device.hot () : device.cold ();
      }
    plan_ = must_build (input_);
    ASSERT_NE (plan_, nullptr);
    plugs_ = vp_cold_plugs_new (plan_, specs_.data (), "vm", FALSE);
  }
  /* "ID:FD FD", in their order */
  std::vector<std::string>
  names () const
  {
    std::vector<std::string> all;

    for (guint i = 0; i < plugs_->len; i++)
      {
        const auto *sequence = static_cast<VpPlugSequence *> (plugs_->pdata[i]);
        g_autoptr (GPtrArray) fds = vp_plug_sequence_get_fds (sequence);
        std::string text = std::string (sequence->id) + ":";
        for (guint k = 0; k < fds->len; k++)
          text += static_cast<VpPlugFd *> (fds->pdata[k])->name;
        all.push_back (text);
      }
    return all;
  }
};

int n_opened;
int fails_at; /* -1: never */

int
open_null (const VpPlugFd *fd, GObject **, gpointer, GError **error)
{
  if (n_opened == fails_at)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "no %s", fd->name);
      return -1;
    }
  n_opened++;
  return open ("/dev/null", O_RDWR | O_CLOEXEC);
}

TEST_F (ColdPlugs, WithoutIommufdThereIsNothingToPass)
{
  make ({ "", ",iommufd=off", ",plug=hot" });
  EXPECT_EQ (names (), (std::vector<std::string>{ "vfio-01-00.0:", "vfio-02-00.0:" }));
  EXPECT_FALSE (vp_cold_plugs_have_iommufd (plugs_));
}

TEST_F (ColdPlugs, AreNumberedWithoutGaps)
{
  make ({ ",iommufd=on", "", ",iommufd=on,plug=hot", ",iommufd=on" });
  EXPECT_EQ (names (), (std::vector<std::string>{ "iommufd0:5", "vfio-01-00.0:6",
                                                  "vfio-02-00.0:", "vfio-04-00.0:7" }));
  EXPECT_TRUE (vp_cold_plugs_have_iommufd (plugs_));
}

TEST_F (ColdPlugs, AreThereForAHotOneAlone)
{
  make ({ "", ",iommufd=on,plug=hot" });
  EXPECT_EQ (names (), (std::vector<std::string>{ "iommufd0:5", "vfio-01-00.0:" }));
  EXPECT_TRUE (vp_cold_plugs_have_iommufd (plugs_));
}

TEST_F (ColdPlugs, AreOpenedAllOrNone)
{
  g_autoptr (GPtrArray) keepers = g_ptr_array_new_with_free_func (g_object_unref);
  const int lowest_before = dup (0);
  close (lowest_before);

  make ({ ",iommufd=on", ",iommufd=on" });
  for (int k = -1; k < 3; k++)
    {
      g_autoptr (GError) error = nullptr;

      n_opened = 0;
      fails_at = k;
      {
        g_autoptr (GUnixFDList) list =
            vp_cold_plugs_open (plugs_, open_null, nullptr, keepers, &error);
        EXPECT_EQ (list != nullptr, k < 0);
        if (list != nullptr)
          {
            EXPECT_EQ (g_unix_fd_list_get_length (list), 3);
          }
        else
          EXPECT_EQ (error->message, "no " + std::to_string (VP_ARGV_PASSED_FD + k));
      }
      const int lowest_after = dup (0);
      close (lowest_after);
      EXPECT_EQ (lowest_after, lowest_before) << "a descriptor is left open";
    }
}

} // namespace
