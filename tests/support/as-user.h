#pragma once

#include <functional>
#include <sys/wait.h>
#include <unistd.h>

/* Does something as another user in a child process, which needs root; returns what it returned,
 * or -1 when the child could not. The parent's sanitizers see nothing of the child's leaks. */
inline int
as_user (uid_t uid, const std::function<int ()> &something)
{
  pid_t pid = fork ();
  if (pid == 0)
    _exit (setresgid (uid, uid, uid) == 0 && setresuid (uid, uid, uid) == 0 ? something () : 255);

  int status;
  if (pid < 0 || waitpid (pid, &status, 0) != pid || !WIFEXITED (status) ||
      WEXITSTATUS (status) == 255)
    return -1;
  return WEXITSTATUS (status);
}
