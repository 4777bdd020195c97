#pragma once

#include "devices/error.h"
#include "devices/sysfs.h"

#include "tests/support/fake-sysfs.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

/* The part of the kernel that answers a write below sys/bus/pci, for a FakeSysfs. The linker puts
 * it between vp_sysfs_write() and its callers (--wrap), so it answers before the write returns,
 * as the kernel does, without a thread and without a seam in the program. Include it in one source
 * file of a test, and give that test fake_kernel_dep. Without a FakeKernel writes just go through.
 *
 *   FakeSysfs fake;
 *   FakeKernel kernel (&fake);
 *   kernel.refuse ("drivers_probe", VP_DEVICE_ERROR_IO, "Input/output error");
 */
class FakeKernel
{
public:
  /* Every write, refused ones too: "driver_override=vfio-pci" with the last two path components
   * at most, in order. */
  std::vector<std::string> writes;

  explicit FakeKernel (FakeSysfs *host) : host_ (host) { current () = this; }
  ~FakeKernel () { current () = nullptr; }
  FakeKernel (const FakeKernel &) = delete;
  FakeKernel &operator= (const FakeKernel &) = delete;

  /* Fails each write to a path that ends in @path, but for the first @skip. */
  void
  refuse (const std::string &path, VpDeviceError code, const std::string &why, unsigned skip = 0)
  {
    refusals_.push_back ({ path, code, why, skip });
  }
  /* Nothing is refused any more. */
  void
  forgive ()
  {
    refusals_.clear ();
  }
  /* The driver's probe fails: drivers_probe stays silent about it, bind says ENODEV. */
  void
  make_unwilling (const std::string &driver)
  {
    unwilling_.insert (driver);
  }
  /* Which driver the kernel finds for a function without an override; by default the one that it
   * was unbound from. */
  void
  set_native_driver (const std::string &address, const std::string &driver)
  {
    native_[address] = driver;
  }
  /* Called before each write, to pull the rug. */
  std::function<void (const std::string &path)> before_write;

  static FakeKernel *&
  current ()
  {
    static FakeKernel *kernel;
    return kernel;
  }

  gboolean
  write (VpSysfs *sysfs, const std::string &path, const std::string &text, GError **error)
  {
    {
      std::lock_guard guard (mutex_);
      writes.push_back (shortened (path) + "=" + text);
    }
    if (before_write)
      before_write (path);

    std::lock_guard guard (mutex_);
    for (Refusal &refusal : refusals_)
      if (ends_with (path, refusal.path))
        {
          if (refusal.skip == 0)
            return fail (path, refusal.code, refusal.why, error);
          refusal.skip--;
        }
    if (!real_write (sysfs, path, text, error))
      return FALSE;
    return answer (path, text, error);
  }

private:
  struct Refusal
  {
    std::string path;
    VpDeviceError code;
    std::string why;
    unsigned skip;
  };
  FakeSysfs *host_;
  std::mutex mutex_; /* workers write, too */
  std::vector<Refusal> refusals_;
  std::set<std::string> unwilling_;
  std::map<std::string, std::string> native_;

  static gboolean
  real_write (VpSysfs *sysfs, const std::string &path, const std::string &text, GError **error);

  static bool
  ends_with (const std::string &text, const std::string &end)
  {
    return text.size () >= end.size () &&
           text.compare (text.size () - end.size (), end.size (), end) == 0;
  }
  static std::string
  shortened (const std::string &path)
  {
    const std::filesystem::path whole = path;
    return (whole.parent_path ().filename () / whole.filename ()).string ();
  }
  gboolean
  fail (const std::string &path, VpDeviceError code, const std::string &why, GError **error) const
  {
    g_set_error (error, VP_DEVICE_ERROR, code, "%s/%s: %s", host_->root (), path.c_str (),
                 why.c_str ());
    return FALSE;
  }

  std::string
  driver_of (const std::string &address) const
  {
    return host_->link_name (FakeSysfs::pci_folder (address) / "driver");
  }
  std::string
  override_of (const std::string &address) const
  {
    const std::string text = host_->read (FakeSysfs::pci_folder (address) / "driver_override");
    return text == "(null)\n" ? "" : text.substr (0, text.find ('\n'));
  }
  bool
  takes (const std::string &driver, const std::string &address) const
  {
    const std::string override = override_of (address);
    const auto native = native_.find (address);
    const bool matches = !override.empty () ? override == driver
                                            : native != native_.end () && native->second == driver;
    return matches && unwilling_.count (driver) == 0 &&
           std::filesystem::exists (host_->root () / FakeSysfs::driver_folder (driver));
  }

  gboolean
  answer (const std::string &path, const std::string &text, GError **error)
  {
    const std::filesystem::path whole = path;
    const std::string file = whole.filename ().string ();

    if (file == "driver_override")
      {
        const std::string name = text.substr (0, text.find ('\n'));
        host_->write (whole, name.empty () ? "(null)\n" : name + "\n");
      }
    else if (file == "unbind")
      {
        const std::string driver = driver_of (text);
        if (driver.empty ())
          return fail (path, VP_DEVICE_ERROR_NOT_FOUND, "No such device", error);
        if (driver != "vfio-pci")
          native_.emplace (text, driver);
        host_->pci (text).driver ("");
      }
    else if (file == "bind")
      {
        const std::string driver = whole.parent_path ().filename ().string ();
        if (!driver_of (text).empty () || !takes (driver, text))
          return fail (path, VP_DEVICE_ERROR_NOT_FOUND, "No such device", error);
        host_->pci (text).driver (driver);
      }
    else if (file == "drivers_probe" && driver_of (text).empty ())
      {
        const std::string override = override_of (text);
        const std::string driver = !override.empty () ? override : native_[text];
        if (takes (driver, text))
          host_->pci (text).driver (driver);
      }
    return TRUE;
  }
};

extern "C"
{
  gboolean
  __real_vp_sysfs_write (VpSysfs *self, const char *path, const char *text, GError **error);

  gboolean
  __wrap_vp_sysfs_write (VpSysfs *self, const char *path, const char *text, GError **error)
  {
    FakeKernel *kernel = FakeKernel::current ();

    return kernel != nullptr ? kernel->write (self, path, text, error)
                             : __real_vp_sysfs_write (self, path, text, error);
  }
}

inline gboolean
FakeKernel::real_write (VpSysfs *sysfs,
                        const std::string &path,
                        const std::string &text,
                        GError **error)
{
  return __real_vp_sysfs_write (sysfs, path.c_str (), text.c_str (), error);
}
