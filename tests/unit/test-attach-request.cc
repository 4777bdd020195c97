#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/vm/attach-request.h"

#include "tests/support/async-result.h"
#include "tests/support/hotplug-test.h"
#include "tests/support/temp-folder.h"
#include "tests/support/unix-socket.h"

#include <string>

namespace
{

const char *const CAN = R"([{"name":"fd"},{"name":"iommufd"}])";
const char *const NODE = "/dev/vfio/devices/vfio3";

/* A host with a card that is bound to vfio-pci, on a kernel with iommufd. */
class AttachRequest : public Hotplug
{
protected:
  VpIommufd *iommufd_ = nullptr;
  AsyncResult result_;
  VpAttachSource *source_ = nullptr;
  GPtrArray *functions_ = nullptr;
  GError *error_ = nullptr;

  void
  SetUp () override
  {
    Hotplug::SetUp ();
    host_.add_iommufd ().add_group_node (40);
    host_.pci ("0000:41:00.0").driver ("vfio-pci").group (40).cdev (3);
    iommufd_ = vp_iommufd_new (sysfs_, FALSE);
  }
  void
  TearDown () override
  {
    g_clear_pointer (&source_, vp_attach_source_unref);
    g_clear_pointer (&functions_, g_ptr_array_unref);
    g_clear_error (&error_);
    result_.forget ();
    Hotplug::TearDown ();
    g_assert_finalize_object (iommufd_);
  }
  void
  prepare (const char *text)
  {
    vp_attach_request_prepare_async (vp_device_spec_parse (text, nullptr), sysfs_, hotplug_,
                                     iommufd_, client_, AsyncResult::ready, &result_);
  }
  bool
  finish ()
  {
    if (!result_.wait ())
      return false;
    source_ = vp_attach_request_prepare_finish (result_.get (), &functions_, &error_);
    EXPECT_EQ (source_ == nullptr, error_ != nullptr);
    return source_ != nullptr;
  }
  void
  take_iommu ()
  {
    Heard getfd = qemu_.hear ("getfd");
    for (int fd : qemu_.take_fds ())
      close (fd);
    qemu_.reply (getfd);
    qemu_.reply (qemu_.hear ("object-add"));
  }
  void
  lose_iommu ()
  {
    std::filesystem::remove (std::string (host_.root ()) + "/dev/iommu");
  }
};

TEST_F (AttachRequest, QemuIsNotAskedForOthers)
{
  for (const char *text :
       { "rng", "41:00.0", "/dev/vfio/40", "/dev/vfio/devices/vfio3,iommufd=off" })
    {
      prepare (text);
      ASSERT_TRUE (finish ()) << text << ": " << error_->message;
      EXPECT_EQ (functions_->len, 1u);
      EXPECT_FALSE (vp_device_spec_is_by_iommufd (source_->spec)) << text;
      EXPECT_TRUE (qemu_.unheard ().empty ());
      g_clear_pointer (&source_, vp_attach_source_unref);
      g_clear_pointer (&functions_, g_ptr_array_unref);
      result_.forget ();
    }
}

TEST_F (AttachRequest, MakesQemuReady)
{
  for (const char *text : { "41:00.0,iommufd=on", NODE })
    {
      const bool first = source_ == nullptr;

      g_clear_pointer (&source_, vp_attach_source_unref);
      g_clear_pointer (&functions_, g_ptr_array_unref);
      result_.forget ();
      prepare (text);
      if (first)
        {
          qemu_.reply (qemu_.hear ("device-list-properties"), CAN);
          take_iommu ();
        }
      ASSERT_TRUE (finish ()) << error_->message;
      EXPECT_TRUE (vp_device_spec_is_by_iommufd (source_->spec)) << text;
      EXPECT_TRUE (qemu_.unheard ().empty ()) << "once is enough";
    }
}

TEST_F (AttachRequest, AKernelThatHasNone)
{
  lose_iommu ();
  prepare ("41:00.0,iommufd=on");
  EXPECT_FALSE (finish ());
  EXPECT_TRUE (g_error_matches (error_, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD));
  EXPECT_TRUE (qemu_.unheard ().empty ());
}

TEST_F (AttachRequest, ADeviceWithoutANode)
{
  host_.pci ("0000:41:00.0").remove_attribute ("vfio-dev");
  prepare ("41:00.0,iommufd=on");
  EXPECT_FALSE (finish ());
  EXPECT_TRUE (g_error_matches (error_, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD));
  EXPECT_TRUE (qemu_.unheard ().empty ());
}

TEST_F (AttachRequest, AQemuThatHasNone)
{
  prepare ("41:00.0,iommufd=on");
  qemu_.reply (qemu_.hear ("device-list-properties"), "[]");
  EXPECT_FALSE (finish ());
  EXPECT_TRUE (g_error_matches (error_, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMUFD));
}

/* Named by its node it is used by its group then. */
TEST_F (AttachRequest, FallsBackWhereItMay)
{
  prepare (NODE);
  qemu_.reply (qemu_.hear ("device-list-properties"), "[]");
  ASSERT_TRUE (finish ()) << error_->message;
  EXPECT_EQ (source_->spec->iommufd, VP_IOMMUFD_OFF);
}

TEST_F (AttachRequest, FallsBackWithoutAskingWhereTheKernelHasNone)
{
  lose_iommu ();
  prepare (NODE);
  ASSERT_TRUE (finish ()) << error_->message;
  EXPECT_EQ (source_->spec->iommufd, VP_IOMMUFD_OFF);
  EXPECT_TRUE (qemu_.unheard ().empty ());
}

TEST_F (AttachRequest, AHostThatHasNoSuchDevice)
{
  prepare ("77:00.0,iommufd=on");
  EXPECT_FALSE (finish ());
  EXPECT_TRUE (g_error_matches (error_, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND));
}

TEST_F (AttachRequest, AServerThatIsNotThere)
{
  prepare ("vfio-user,socket=/nonexistent/sock");
  EXPECT_FALSE (finish ());
  ASSERT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_HOST));
  EXPECT_STREQ (error_->message,
                "vfio-user /nonexistent/sock: No such file or directory: start its "
                "server first");
}

TEST_F (AttachRequest, AServerThatIsThere)
{
  const TempFolder folder;
  const UnixSocket socket (folder.path ("socket"));

  prepare (("vfio-user,socket=" + socket.path ()).c_str ());
  ASSERT_TRUE (finish ()) << error_->message;
  ASSERT_EQ (functions_->len, 1u);
  EXPECT_EQ (functions_->pdata[0], nullptr);
}

/* Some servers take their socket away when their client has come. */
TEST_F (AttachRequest, AServerOfTheVmNeedsNoSocket)
{
  Outcome outcome;

  ASSERT_TRUE (vp_config_set (blueprint_.config, "shared-memory", "on", nullptr));
  attach ("vfio-user,socket=/nonexistent/sock", &outcome);
  prepare ("vfio-user,socket=/nonexistent/sock");
  EXPECT_TRUE (finish ()) << "who attaches it is told that the VM has it";
}

} // namespace
