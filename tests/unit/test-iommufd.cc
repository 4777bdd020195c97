#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/iommufd.h"
#include "qmp/error.h"

#include "tests/support/async-result.h"
#include "tests/support/fake-qmp.h"
#include "tests/support/fake-sysfs.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

const char *const CAN = R"([{"name":"host","type":"str"},{"name":"fd","type":"string"},)"
                        R"({"name":"iommufd","type":"link<iommufd>"}])";

/* A VM's /dev/iommu, and a QEMU that is the test. */
class Iommufd : public testing::Test
{
protected:
  FakeSysfs host_;
  FakeQmp qemu_;
  VpSysfs *sysfs_ = vp_sysfs_open (host_.root (), nullptr);
  VpQmpClient *client_ = nullptr;
  VpIommufd *iommufd_ = nullptr;
  GError *error_ = nullptr;

  void
  SetUp () override
  {
    host_.add_iommufd ();
    client_ = vp_qmp_client_new (qemu_.socket ());
    vp_qmp_client_handshake_async (client_, 0, nullptr, nullptr, nullptr);
    qemu_.negotiate ();
    run_pending ();
    iommufd_ = vp_iommufd_new (sysfs_, FALSE);
  }
  void
  TearDown () override
  {
    g_clear_error (&error_);
    vp_qmp_client_close (client_);
    run_pending ();
    g_assert_finalize_object (iommufd_);
    g_clear_object (&client_);
    vp_sysfs_free (sysfs_);
  }
  void
  prepare (AsyncResult *result)
  {
    vp_iommufd_prepare_async (iommufd_, client_, AsyncResult::ready, result);
  }
  bool
  is_ready (AsyncResult &result)
  {
    g_clear_error (&error_);
    if (!result.wait ())
      return false;
    return vp_iommufd_prepare_finish (iommufd_, result.get (), &error_);
  }
  /* Answers as a QEMU that can. */
  void
  agree ()
  {
    Heard question = qemu_.hear ("device-list-properties");

    EXPECT_EQ (question.argument ("typename"), "vfio-pci");
    qemu_.reply (question, CAN);
    Heard getfd = qemu_.hear ("getfd");
    const std::vector<int> fds = qemu_.take_fds ();
    EXPECT_EQ (fds.size (), 1u);
    for (int fd : fds)
      close (fd);
    qemu_.reply (getfd);
    Heard object = qemu_.hear ("object-add");
    EXPECT_EQ (object.argument ("qom-type"), "iommufd");
    EXPECT_EQ (object.argument ("id"), "vmplug-iommufd");
    EXPECT_EQ (object.argument ("fd"), getfd.argument ("fdname"));
    qemu_.reply (object);
  }
};

TEST_F (Iommufd, ComesOnceAndStays)
{
  AsyncResult first, second;

  prepare (&first);
  agree ();
  EXPECT_TRUE (is_ready (first)) << error_->message;

  prepare (&second);
  EXPECT_TRUE (is_ready (second)) << error_->message;
  EXPECT_TRUE (qemu_.unheard ().empty ());
}

TEST_F (Iommufd, ThatWasThereFromTheStartIsNotGivenAgain)
{
  g_autoptr (VpIommufd) there = vp_iommufd_new (sysfs_, TRUE);
  AsyncResult result;

  vp_iommufd_prepare_async (there, client_, AsyncResult::ready, &result);
  ASSERT_TRUE (result.wait ());
  EXPECT_TRUE (vp_iommufd_prepare_finish (there, result.get (), nullptr));
  EXPECT_TRUE (qemu_.unheard ().empty ());
}

TEST_F (Iommufd, WhoeverComesMeanwhileWaitsForTheSame)
{
  AsyncResult first, second;

  prepare (&first);
  prepare (&second);
  agree ();
  EXPECT_TRUE (is_ready (first));
  EXPECT_TRUE (is_ready (second));
  EXPECT_TRUE (qemu_.unheard ().empty ());
}

TEST_F (Iommufd, AQemuThatHasNone)
{
  for (const char *properties :
       { "[]", R"([{"name":"host"}])", R"([{"name":"iommufd"}])", R"([{"name":"fd"},7,{}])", "{}" })
    {
      AsyncResult first, second;

      prepare (&first);
      prepare (&second);
      qemu_.reply (qemu_.hear ("device-list-properties"), properties);
      EXPECT_FALSE (is_ready (first)) << properties;
      EXPECT_FALSE (is_ready (second)) << properties;
      EXPECT_TRUE (g_error_matches (error_, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD));
      EXPECT_TRUE (qemu_.unheard ().empty ());
    }
}

TEST_F (Iommufd, AHostThatHasNone)
{
  AsyncResult result;

  std::filesystem::remove (std::string (host_.root ()) + "/dev/iommu");
  prepare (&result);
  qemu_.reply (qemu_.hear ("device-list-properties"), CAN);
  EXPECT_FALSE (is_ready (result));
  EXPECT_TRUE (g_error_matches (error_, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD));
  EXPECT_TRUE (qemu_.unheard ().empty ());
}

/* Wherever it fails nothing is left, and it can be tried again. */
TEST_F (Iommufd, FailingAtEveryStep)
{
  for (const char *step : { "device-list-properties", "getfd", "object-add" })
    {
      SCOPED_TRACE (step);
      AsyncResult result;
      std::vector<std::string> after;
      bool has_failed = false;

      prepare (&result);
      while (!result.is_ready () || !qemu_.unheard ().empty ())
        {
          Heard command = qemu_.hear ();

          for (int fd : qemu_.take_fds ())
            close (fd);
          if (has_failed)
            after.push_back (command.command ());
          if (command.command () != step)
            qemu_.reply (command, command.command () == "device-list-properties" ? CAN : "{}");
          else
            {
              qemu_.fail (command, "GenericError", "no");
              has_failed = true;
            }
          run_until ([&] { return result.is_ready () || !qemu_.unheard ().empty (); });
          run_pending ();
        }
      EXPECT_FALSE (is_ready (result));
      EXPECT_NE (std::string (error_->message).find ("no"), std::string::npos);
      EXPECT_EQ (after.size (), strcmp (step, "device-list-properties") == 0 ? 0u : 1u);
      for (const std::string &command : after)
        EXPECT_EQ (command, "closefd");
    }

  AsyncResult again;
  prepare (&again);
  agree ();
  EXPECT_TRUE (is_ready (again));
}

TEST_F (Iommufd, ARefusalIsQemus)
{
  AsyncResult result;

  prepare (&result);
  qemu_.reply (qemu_.hear ("device-list-properties"), CAN);
  Heard getfd = qemu_.hear ("getfd");
  for (int fd : qemu_.take_fds ())
    close (fd);
  qemu_.reply (getfd);
  qemu_.fail (qemu_.hear ("object-add"), "GenericError", "duplicate id");
  EXPECT_FALSE (is_ready (result));
  EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_REFUSED));
  EXPECT_STREQ (error_->message, "iommufd: QEMU refused it: duplicate id");
}

TEST_F (Iommufd, AQemuThatEndsMeanwhile)
{
  AsyncResult result;

  prepare (&result);
  qemu_.hear ("device-list-properties");
  qemu_.drop ();
  EXPECT_FALSE (is_ready (result));
  EXPECT_TRUE (g_error_matches (error_, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

} // namespace
