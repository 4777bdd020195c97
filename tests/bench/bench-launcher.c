/* The least that a launcher can do: starts the QEMU of its arguments with a QMP channel on
 * descriptor 3 and a console on 4, shakes hands, lets the guest run, prints "ready" and kills it.
 * After "--until TEXT" it waits for that text on the console first. This is the limit that
 * `vmplug run` and `vmplug boot` are measured against. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int
wait_for (int fd, const char *word)
{
  char buffer[65536];
  size_t filled = 0;

  for (;;)
    {
      ssize_t n = read (fd, buffer + filled, sizeof buffer - 1 - filled);

      if (n <= 0)
        return 0;
      filled += (size_t) n;
      buffer[filled] = '\0';
      if (strstr (buffer, word) != NULL && buffer[filled - 1] == '\n')
        return 1;
    }
}

/* A text that two reads share is found, too. */
static int
wait_for_text (int fd, const char *text)
{
  char buffer[65536];
  size_t length = strlen (text), kept = 0;
  ssize_t n;

  while ((n = read (fd, buffer + kept, sizeof buffer - kept)) > 0)
    {
      size_t filled = kept + (size_t) n;

      if (memmem (buffer, filled, text, length) != NULL)
        return 1;
      kept = filled < length ? filled : length - 1;
      memmove (buffer, buffer + filled - kept, kept);
    }
  return 0;
}

static int
say (int fd, const char *text)
{
  return write (fd, text, strlen (text)) == (ssize_t) strlen (text);
}

static void
become_qemu (char **argv, int qmp, int console)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  dup2 (qmp, 3);
  dup2 (console, 4);
  execvp (argv[0], argv);
  _exit (127);
}

int
main (int argc, char **argv)
{
  const char *text = argc > 2 && strcmp (argv[1], "--until") == 0 ? argv[2] : NULL;
  int qmp[2], console[2];
  int ready;
  pid_t pid;

  /* Not below 5, so that the descriptors that QEMU is given are free. */
  while (dup (0) < 5)
    ;
  if (argc < 2 || socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp) != 0 ||
      socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console) != 0)
    return 2;

  pid = fork ();
  if (pid == 0)
    become_qemu (argv + (text != NULL ? 3 : 1), qmp[1], console[1]);
  close (qmp[1]);
  close (console[1]);

  ready = wait_for (qmp[0], "\"QMP\"") && say (qmp[0], "{\"execute\":\"qmp_capabilities\"}\n") &&
          wait_for (qmp[0], "\"return\"") && say (qmp[0], "{\"execute\":\"cont\"}\n") &&
          wait_for (qmp[0], "\"return\"") && (text == NULL || wait_for_text (console[0], text));
  if (ready)
    {
      puts ("ready");
      fflush (stdout);
    }
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  return ready ? 0 : 1;
}
