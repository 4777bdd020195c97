#pragma once

#include "tests/support/fake-qmp.h"

#include <set>

/* What a QEMU has been given, and how it answers: "node d", "netdev d", "device d", "fd d-fd0". */
class PlugWorld
{
public:
  std::set<std::string> has;
  std::vector<std::string> heard; /* commands, in their order */
  int fail_at = -1;               /* which of them fails, and */
  bool fails_late = false;        /* whether it has read its arguments by then */
  int n_busy = 0;                 /* how often a backend is still in use */

  void
  answer (FakeQmp &qemu, const Heard &command)
  {
    const std::string name = command.command ();
    const bool fails = static_cast<int> (heard.size ()) == fail_at;

    heard.push_back (name);
    refused_ = false;
    if (name == "getfd")
      for (int fd : qemu.take_fds ())
        close (fd);
    if (!fails)
      carry_out (command, name);
    else if (fails_late)
      take_descriptors (command);

    if (fails || refused_)
      qemu.fail (command, "GenericError", "no: " + name);
    else
      qemu.reply (command);
  }
  /* DEVICE_DELETED: the guest has let go. */
  void
  let_go ()
  {
    for (auto it = has.begin (); it != has.end ();)
      it = it->rfind ("device ", 0) == 0 ? has.erase (it) : std::next (it);
  }

private:
  bool refused_ = false;

  void
  add (const std::string &what)
  {
    refused_ = !has.insert (what).second;
  }
  void
  remove (const std::string &what)
  {
    refused_ = has.erase (what) == 0;
  }
  void
  take_descriptors (const Heard &command)
  {
    for (auto it = has.begin (); it != has.end ();)
      it = it->rfind ("fd ", 0) == 0 &&
                   command.line ().find ("\"" + it->substr (3) + "\"") != std::string::npos
               ? has.erase (it)
               : std::next (it);
  }
  void
  carry_out (const Heard &command, const std::string &name)
  {
    if (name == "getfd")
      add ("fd " + command.argument ("fdname"));
    else if (name == "closefd")
      remove ("fd " + command.argument ("fdname"));
    else if (name == "blockdev-add")
      add ("node " + command.argument ("node-name"));
    else if (name == "netdev_add")
      add ("netdev " + command.argument ("id"));
    else if (name == "device_add")
      add ("device " + command.argument ("id"));
    else if (n_busy-- > 0)
      refused_ = true;
    else if (name == "blockdev-del")
      remove ("node " + command.argument ("node-name"));
    else if (name == "netdev_del")
      remove ("netdev " + command.argument ("id"));
    else
      throw std::logic_error ("unknown: " + name);
    if (name.find ("_add") != std::string::npos)
      take_descriptors (command);
  }
};
