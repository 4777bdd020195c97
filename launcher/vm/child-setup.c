#include "launcher/vm/child-setup.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Between fork and exec: only async-signal-safe calls. */
void
vp_child_set_up (gpointer user_data)
{
  pid_t parent = (pid_t) GPOINTER_TO_INT (user_data);
  sigset_t none;

  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGPIPE, SIG_DFL);
  signal (SIGXFSZ, SIG_DFL);
  setpgid (0, 0);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != parent) /* it died before the signal was set */
    _exit (127);
}
