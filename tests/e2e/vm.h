#pragma once

#include "tests/e2e/guest.h"
#include "tests/e2e/json.h"
#include "tests/support/fake-sysfs.h"
#include "tests/support/vmplug-program.h"

#include <memory>

/* Joins two lists of arguments. */
inline std::vector<std::string>
operator+ (std::vector<std::string> one, const std::vector<std::string> &other)
{
  one.insert (one.end (), other.begin (), other.end ());
  return one;
}

/* A VM called "vm" that runs in the background on a host of its own, gone with the object. */
class Vm
{
public:
  FakeSysfs host;

  Vm () = default;
  ~Vm () { end (); }
  Vm (const Vm &) = delete;
  Vm &operator= (const Vm &) = delete;

  Outcome
  vmplug (const std::vector<std::string> &args, double seconds = VmplugProgram::SECONDS) const
  {
    return VmplugProgram::run (args, host.root (), seconds);
  }
  /* The document of a command that must succeed. */
  Json
  ask (const std::vector<std::string> &args) const
  {
    const Outcome outcome = vmplug (args + std::vector<std::string>{ "--json" });
    EXPECT_EQ (outcome.status, 0) << outcome;
    return Json::parse (outcome.out);
  }

  /* Always emulated: what KVM can do here is not what is tested. */
  bool
  start (const std::vector<std::string> &options = {})
  {
    const Json status = ask (
        std::vector<std::string>{ "run", "--detach", "--name", "vm", "--accel", "tcg" } + options);
    qemu_ = static_cast<pid_t> (status["pid"].number ());
    supervisor_ = static_cast<pid_t> (status["supervisor"].number ());
    return supervisor_ > 0;
  }
  /* Starts it with the guest of the lab, and waits for its shell. */
  Guest &
  boot (const std::vector<std::string> &options = {})
  {
    if (!start (guest_options () + options))
      throw std::runtime_error ("the VM did not start");
    return guest ();
  }
  /* Waits for the guest's shell. */
  Guest &
  guest ()
  {
    if (guest_ == nullptr)
      {
        guest_ = std::make_unique<Guest> (run_dir ());
        guest_->wait_until_ready ();
      }
    return *guest_;
  }

  pid_t
  qemu () const
  {
    return qemu_;
  }
  pid_t
  supervisor () const
  {
    return supervisor_;
  }
  std::filesystem::path
  run_dir () const
  {
    return std::filesystem::path (host.root ()) / "run/vmplug/vms/vm";
  }
  bool
  is_there () const
  {
    return std::filesystem::exists (run_dir ());
  }
  Json
  status () const
  {
    return ask ({ "status", "vm" });
  }
  /* What the status says of one device; null when the VM has none of that id. */
  Json
  device (const std::string &id) const
  {
    return status ()["devices"].find ("id", id);
  }
  std::string
  state_of (const std::string &id) const
  {
    return device (id)["state"].text ();
  }

  /* Ends it, whatever state it is in, and sees to it that nothing is left. */
  void
  end ()
  {
    guest_.reset ();
    if (supervisor_ > 0 && process_state (supervisor_) != 'X')
      {
        kill (supervisor_, SIGCONT);
        const Outcome outcome = vmplug ({ "stop", "--force", "vm" });
        EXPECT_EQ (outcome.status, 0) << outcome;
      }
    for (pid_t pid : { supervisor_, qemu_ })
      if (pid > 0 && !ends (pid, 20))
        {
          ADD_FAILURE () << "process " << pid << " is left";
          kill (pid, SIGKILL);
          ends (pid);
        }
    supervisor_ = qemu_ = -1;
  }

private:
  pid_t qemu_ = -1, supervisor_ = -1;
  std::unique_ptr<Guest> guest_;
};
