#pragma once

#include "tests/e2e/guest.h"
#include "tests/e2e/newer-qemu.h"
#include "tests/support/fake-sysfs.h"
#include "tests/support/kata-runtime.h"

#include <memory>

/* A VM that a container runtime starts with vmplug-qemu instead of QEMU. */
class Sandbox
{
public:
  KataRuntime runtime;

  /* On a host of its own. */
  explicit Sandbox (KataRuntime::Shape shape = KataRuntime::SHIM,
                    const std::string &sandbox = "4d1f2a")
      : runtime (shape, sandbox), host_ (std::make_unique<FakeSysfs> ()), root_ (host_->root ())
  {
    runtime.environment["VMPLUG_ROOT"] = root_;
  }
  /* On another's; commands may take @seconds. */
  Sandbox (const std::string &root, double seconds, const std::string &sandbox)
      : runtime (KataRuntime::SHIM, sandbox), root_ (root), seconds_ (seconds)
  {
    runtime.environment["VMPLUG_ROOT"] = root_;
  }
  ~Sandbox ()
  {
    guest_.reset ();
    if (sidecar_ > 0)
      expect_gone ();
  }
  Sandbox (const Sandbox &) = delete;
  Sandbox &operator= (const Sandbox &) = delete;

  /* What the administrator says; where newer QEMUs are tested, of which that is, too. */
  void
  configure (std::string toml)
  {
    if (std::getenv ("VMPLUG_TEST_NEWER_QEMU") != nullptr)
      toml = "qemu = \"" + newer_qemu () + "\"\n" + toml;
    if (host_ != nullptr)
      host_->write ("etc/vmplug/wrapper.toml", toml);
    else
      runtime.environment["VMPLUG_WRAPPER_CONFIG"] = runtime.folder.write ("wrapper.toml", toml);
  }
  /* What whoever starts it asks for. */
  void
  give (const std::string &specs)
  {
    runtime.environment["VMPLUG_DEVICES"] = specs;
  }
  void
  boot_guest (const std::string &append = "quiet")
  {
    guest_options (); /* which throws when they are not there */
    runtime.boot_kernel (guest_file ("vmlinux"), guest_file ("initrd"), append);
  }

  /* As a runtime does, until it has its VM. */
  void
  start ()
  {
    runtime.start (VMPLUG_QEMU_PROGRAM);
    note_sidecar ();
  }
  void
  launch ()
  {
    runtime.launch (VMPLUG_QEMU_PROGRAM);
  }
  /* Waits until `vmplug status` answers, and remembers who it was. */
  void
  note_sidecar ()
  {
    EXPECT_TRUE (eventually ([this] {
      return vmplug ({ "status", name () }).status == 0;
    })) << vmplug ({ "status", name () })
        << "\nand on the runtime's stderr: " << runtime.err ();
    sidecar_ = static_cast<pid_t> (status ()["supervisor"].number ());
  }

  const std::string &
  root () const
  {
    return root_;
  }
  std::string
  name () const
  {
    return "sandbox-" + runtime.sandbox;
  }
  pid_t
  sidecar () const
  {
    return sidecar_;
  }
  std::filesystem::path
  run_dir () const
  {
    return std::filesystem::path (root_) / "run/vmplug/vms" / name ();
  }

  Outcome
  vmplug (const std::vector<std::string> &args) const
  {
    return VmplugProgram::run (args, root_, seconds_);
  }
  /* The document of a command that must succeed. */
  Json
  ask (std::vector<std::string> args) const
  {
    args.push_back ("--json");
    const Outcome outcome = vmplug (args);
    EXPECT_EQ (outcome.status, 0) << outcome;
    return outcome.status == 0 ? Json::parse (outcome.out) : Json ();
  }
  Json
  status () const
  {
    return ask ({ "status", name () });
  }
  /* What the status says of one device; null when the VM has none of that id. */
  Json
  device (const std::string &id) const
  {
    return status ()["devices"].find ("id", id);
  }
  Json
  wait_usable (const std::string &id) const
  {
    Json last;
    EXPECT_TRUE (
        eventually ([&] { return (last = device (id))["state"].text () == "usable"; }, seconds_))
        << status ();
    return last;
  }
  /* Waits for the guest's shell. */
  Guest &
  guest ()
  {
    if (guest_ == nullptr)
      {
        guest_ = std::make_unique<Guest> (runtime.folder.path (""));
        guest_->wait_until_ready ();
      }
    return *guest_;
  }

  /* The runtime's VM ends, or has ended, and with it all that is ours. */
  void
  expect_gone ()
  {
    if (runtime.is_running ())
      runtime.stop ();
    EXPECT_TRUE (ends (sidecar_, 20)) << "the sidecar is left: " << sidecar_;
    EXPECT_FALSE (std::filesystem::exists (run_dir ()));
    if (process_state (sidecar_) != 'X')
      kill (sidecar_, SIGKILL);
    ends (sidecar_);
    sidecar_ = -1;
  }
  /* Its end was no good one: what it has left is for the next one to clear up. */
  void
  forget_sidecar ()
  {
    sidecar_ = -1;
  }

private:
  std::unique_ptr<FakeSysfs> host_;
  std::string root_;
  double seconds_ = VmplugProgram::SECONDS;
  pid_t sidecar_ = -1;
  std::unique_ptr<Guest> guest_;
};
