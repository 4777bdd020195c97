#pragma once

#include "tests/e2e/cache-folder.h"
#include "tests/e2e/unix-connection.h"
#include "tests/support/vmplug-program.h"

#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

/* What scripts/lab-setup makes. */
inline std::string
guest_file (const std::string &name)
{
  return cache_folder ("VMPLUG_LAB_CACHE", "vmplug-lab") + "/guest/" + name;
}

/* The options that boot it. The unpacked kernel, which starts sooner where all is emulated. */
inline std::vector<std::string>
guest_options (const std::string &kernel = "vmlinux")
{
  if (access (guest_file (kernel).c_str (), R_OK) != 0 ||
      access (guest_file ("initrd").c_str (), R_OK) != 0)
    throw std::runtime_error (guest_file (kernel) + " or initrd is missing: run scripts/lab-setup");
  return { "--kernel", guest_file (kernel),  "--initrd", guest_file ("initrd"),
           "--append", "console=ttyS0 quiet" };
}

/* The guest's shell, over a VM's console socket. It throws when the guest does not do its part. */
class Guest
{
public:
  static constexpr double SECONDS = 180;

  explicit Guest (const std::filesystem::path &run_dir) : socket_ (run_dir / "console") {}

  /* Waits for the shell; from then on it neither echoes nor prompts. */
  void
  wait_until_ready ()
  {
    hear_until ("guest: ready");
    hear_until ("guest# ");
    run ("PS1=; stty -echo");
  }
  /* Runs a line in the shell; returns what it printed. */
  std::string
  run (const std::string &command, double seconds = SECONDS)
  {
    const std::string number = std::to_string (++n_commands_);

    /* The quotes keep its echo, if there is one, from being taken for the end. */
    say (command + "; echo '<'" + number + "'>'\n");
    std::string text = hear_until ("<" + number + ">\r\n", seconds);
    text.erase (text.rfind ("<" + number));
    return text;
  }
  /* Whether a command ends with status 0. */
  bool
  can (const std::string &command)
  {
    return run ("{ " + command + "; } >/dev/null 2>&1 && echo yes") == "yes\n";
  }

  void
  say (const std::string &text)
  {
    if (send (socket_.fd (), text.data (), text.size (), MSG_NOSIGNAL) !=
        static_cast<ssize_t> (text.size ()))
      throw std::runtime_error ("the console takes no input");
  }
  /* Returns all that came up to and with @end, without carriage returns. */
  std::string
  hear_until (const std::string &end, double seconds = SECONDS)
  {
    size_t at;

    if (!eventually ([&] { return hear_some (), (at = heard_.find (end)) != std::string::npos; },
                     seconds))
      throw std::runtime_error ("the guest never said " + end + ", but: " + heard_);
    std::string text = heard_.substr (0, at + end.size ());
    heard_.erase (0, text.size ());
    text.erase (std::remove (text.begin (), text.end (), '\r'), text.end ());
    return text;
  }

private:
  UnixConnection socket_;
  unsigned n_commands_ = 0;
  std::string heard_;

  void
  hear_some ()
  {
    char piece[65536];
    ssize_t n;

    while ((n = recv (socket_.fd (), piece, sizeof piece, MSG_DONTWAIT)) > 0)
      heard_.append (piece, static_cast<size_t> (n));
    if (n == 0)
      throw std::runtime_error ("the console has ended after: " + heard_);
  }
};
