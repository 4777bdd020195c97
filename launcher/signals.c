#include "launcher/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int
vp_signals_open (void)
{
  sigset_t signals;

  sigemptyset (&signals);
  sigaddset (&signals, SIGINT);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGHUP);
  sigprocmask (SIG_BLOCK, &signals, NULL);
  /* "vmplug run | head": who stops reading must not kill the VM. */
  signal (SIGPIPE, SIG_IGN);
  /* A log that has reached RLIMIT_FSIZE is lost; the VM is not. */
  signal (SIGXFSZ, SIG_IGN);
  return signalfd (-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
vp_signals_read (int fd)
{
  struct signalfd_siginfo info;

  return read (fd, &info, sizeof info) == sizeof info ? (int) info.ssi_signo : 0;
}
