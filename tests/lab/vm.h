#pragma once

#include "tests/e2e/guest.h"
#include "tests/lab/host.h"

#include <iomanip>
#include <memory>

/* Without this the nested guest's timer stops now and then: the emulated processor loses the
 * deadlines that a guest sets under KVM. */
inline const std::string nested_guest = "console=ttyS0 quiet lapic=notscdeadline no_timer_check";

/* A VM that runs in the background, gone with the object. */
class LabVm
{
public:
  explicit LabVm (const std::string &its_name = "vm") : name (its_name) {}
  ~LabVm () { end (); }
  LabVm (const LabVm &) = delete;
  LabVm &operator= (const LabVm &) = delete;

  const std::string name;

  /* Without a guest, unless the options say otherwise: firmware that finds nothing to boot. */
  bool
  start (const Args &options = {})
  {
    const Json status =
        ask_vmplug (Args{ "run", "--detach", "--name", name, "--memory", "256M" } + options);
    qemu_ = static_cast<pid_t> (status["pid"].number ());
    supervisor_ = static_cast<pid_t> (status["supervisor"].number ());
    EXPECT_EQ (status["accel"].text (), "kvm") << status;
    return supervisor_ > 0;
  }
  /* With the lab's guest, whose hot devices come when it is up; waits for its shell. */
  void
  boot (const Args &options = {})
  {
    if (!start (Args{ "--kernel", guest_file ("vmlinux"), "--initrd", guest_file ("initrd"),
                      "--append", nested_guest, "--ready", "console:guest: ready" } +
                options))
      throw std::runtime_error ("the VM did not start");
    guest_ = std::make_unique<Guest> (std::filesystem::path ("/run/vmplug/vms") / name);
    guest_->wait_until_ready ();
  }

  Guest &
  guest ()
  {
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

  Outcome
  attach (const std::string &spec, const Args &options = {}) const
  {
    return vmplug (Args{ "attach", name, spec, "--json", "--timeout", "120" } + options);
  }
  Outcome
  detach (const std::string &id) const
  {
    return vmplug ({ "detach", name, id, "--json", "--timeout", "120" });
  }
  Json
  status () const
  {
    return ask_vmplug ({ "status", name });
  }
  /* What the status says of one device; null when the VM has none of that id. */
  Json
  device (const std::string &id) const
  {
    return status ()["devices"].find ("id", id);
  }
  /* Waits until a device of the VM can be used, or has failed; returns what the status says. */
  Json
  wait_usable (const std::string &id) const
  {
    Json last;
    EXPECT_TRUE (eventually (
        [&] {
          last = device (id);
          return last["state"].text () == "usable" || last["state"].text () == "failed";
        },
        LAB_SECONDS))
        << last;
    EXPECT_EQ (last["state"].text (), "usable") << last;
    return last;
  }

  /* Ends it at once, and sees to it that nothing is left. */
  void
  end ()
  {
    guest_.reset ();
    if (supervisor_ > 0 && process_state (supervisor_) != 'X')
      {
        const Outcome outcome = vmplug ({ "stop", "--force", name, "--timeout", "200" });
        EXPECT_EQ (outcome.status, 0) << outcome;
      }
    expect_gone ();
  }
  /* Its QEMU dies with it; what it leaves behind is for whoever comes next. */
  void
  kill_supervisor ()
  {
    kill (supervisor_, SIGKILL);
    for (pid_t pid : { supervisor_, qemu_ })
      EXPECT_TRUE (ends (pid)) << "process " << pid << " is left";
    supervisor_ = qemu_ = -1;
  }
  /* It ends, or has ended, by another's doing. */
  void
  expect_gone ()
  {
    for (pid_t pid : { supervisor_, qemu_ })
      EXPECT_TRUE (pid <= 0 || ends (pid, LAB_SECONDS)) << "process " << pid << " is left";
    EXPECT_FALSE (supervisor_ > 0 && std::filesystem::exists ("/run/vmplug/vms/" + name));
    supervisor_ = qemu_ = -1;
  }

private:
  pid_t qemu_ = -1, supervisor_ = -1;
  std::unique_ptr<Guest> guest_;
};

/* A device as the VM's guest has it, found by the guest_path that vmplug gives. */
class GuestDevice
{
public:
  GuestDevice (LabVm &vm, const std::string &guest_path) : guest_ (vm.guest ())
  {
    std::istringstream slots (guest_path);

    folder_ = "/sys/devices/pci0000:00/0000:00";
    for (std::string slot; std::getline (slots, slot, '/');)
      {
        const size_t dot = slot.find ('.');
        folder_ += ":" + slot.substr (0, dot) + "." +
                   (dot != std::string::npos ? slot.substr (dot + 1) : "0") + "/0000:??";
      }
    folder_.erase (folder_.rfind ('/'));
  }

  const std::string &
  folder () const
  {
    return folder_;
  }
  bool
  is_there () const
  {
    return guest_.can ("test -e " + folder_ + "/vendor");
  }
  std::string
  attribute (const std::string &name) const
  {
    return guest_.run ("cat " + folder_ + "/" + name);
  }
  /* The first and the last byte of a BAR, as the guest's kernel has them; 0 and 0 for none. */
  std::pair<uint64_t, uint64_t>
  bar (unsigned index) const
  {
    std::istringstream lines (attribute ("resource"));
    std::string line;
    uint64_t first = 0, last = 0;

    for (unsigned i = 0; i <= index; i++)
      std::getline (lines, line);
    std::istringstream (line) >> std::setbase (0) >> first >> last;
    return { first, last };
  }

private:
  Guest &guest_;
  std::string folder_;
};

/* What vmplug says of a BAR of one of its devices; 0 when it has no address. */
inline uint64_t
guest_address (const Json &device, unsigned index)
{
  const Json bars = device["bars"];

  for (unsigned i = 0; i < bars.size (); i++)
    if (bars.at (i)["index"].number () == static_cast<long> (index))
      return std::strtoull (bars.at (i)["guest_address"].text ().c_str (), nullptr, 0);
  return 0;
}
