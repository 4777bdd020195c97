/* guest-init - the first process of a guest that runs one command of the host's: vmplug boot -- …
 *
 * The host's file system is the guest's root, read-only, by 9p. What to run comes over one
 * virtio-serial port, its output goes over two others, and how it ended goes back over the first:
 * launcher/boottest/guest-command.h has the words. Linked statically, since it is alone in its
 * initrd; messages go to the console.
 *
 * Not a script of busybox's: Debian's runs its own applets where the command says "ls", and has
 * nothing that both moves and counts bytes. */

#include "launcher/guest/guest-job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULES       "/lib/modules"
#define PORTS         "/sys/class/virtio-ports"
#define HOST          "/host"
#define SCRATCH       "/scratch"
#define PORTS_WAIT_MS 10000
#define PIECE         32768 /* what the driver of the ports takes at once */

/* One stream of the command's, on its way to the host. */
typedef struct
{
  int pipe; /* where it comes from; -1 once it is over */
  int port;
  char data[PIECE];
  size_t size, sent;
  unsigned long long total;
} Stream;

typedef struct
{
  int result; /* -1: not there yet */
  Stream streams[2];
} Guest;

/* What is under way to the host would be lost: it says when it has all, or ends us. */
_Noreturn static void
power_off (int result)
{
  char last;

  sync ();
  if (result >= 0)
    while (read (result, &last, 1) < 0 && errno == EINTR)
      ;
  reboot (RB_POWER_OFF);
  for (;;)
    pause ();
}

/* The host hears it, too, where it can be told. */
__attribute__ ((format (printf, 2, 3))) _Noreturn static void
fail (const Guest *guest, const char *format, ...)
{
  char text[512];
  va_list args;

  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  fprintf (stderr, "guest-init: %s\n", text);
  if (guest->result >= 0)
    dprintf (guest->result, "failed %s\n", text);
  power_off (guest->result);
}

static bool
try_mount (const char *type, const char *where, unsigned long flags, const char *data)
{
  return mount (type, where, type, flags, data) == 0;
}

/* The console that the kernel opened for us may have been none: its driver can be a module. */
static void
open_console (void)
{
  int console = open ("/dev/console", O_RDWR | O_NOCTTY);

  for (int fd = 0; console >= 0 && fd <= 2; fd++)
    dup2 (console, fd);
  if (console > 2)
    close (console);
}

/* A kernel that has them built in comes without. */
static void
load_modules (void)
{
  FILE *order = fopen (MODULES "/order", "re");
  char name[256];

  while (order != NULL && fgets (name, sizeof name, order) != NULL)
    {
      char path[sizeof MODULES + sizeof name + 1];
      int fd;

      name[strcspn (name, "\n")] = '\0';
      snprintf (path, sizeof path, MODULES "/%s", name);
      fd = open (path, O_RDONLY | O_CLOEXEC);
      if (fd < 0 || (syscall (SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST))
        fprintf (stderr, "guest-init: cannot load %s: %s\n", name, strerror (errno));
      if (fd >= 0)
        close (fd);
    }
  if (order != NULL)
    fclose (order);
}

/* Whether the port of /sys that is called @entry is the one that the host calls @name. */
static bool
is_port (const char *entry, const char *name)
{
  char path[sizeof PORTS + 256 + sizeof "/name"];
  char text[64] = "";
  FILE *file;

  snprintf (path, sizeof path, PORTS "/%s/name", entry);
  file = fopen (path, "re");
  if (file == NULL)
    return false;
  if (fgets (text, sizeof text, file) != NULL)
    text[strcspn (text, "\n")] = '\0';
  fclose (file);
  return strcmp (text, name) == 0;
}

/* Returns a descriptor, or -1. */
static int
try_open_port (const char *name, int flags)
{
  DIR *dir = opendir (PORTS);
  struct dirent *entry;
  int fd = -1;

  while (dir != NULL && fd < 0 && (entry = readdir (dir)) != NULL)
    {
      char path[sizeof "/dev/" + 256];

      snprintf (path, sizeof path, "/dev/%s", entry->d_name);
      if (entry->d_name[0] != '.' && is_port (entry->d_name, name))
        fd = open (path, O_RDWR | O_CLOEXEC | flags);
    }
  if (dir != NULL)
    closedir (dir);
  return fd;
}

/* QEMU tells the driver of the ports one by one. */
static int
open_port (const Guest *guest, const char *name, int flags)
{
  for (int waited = 0; waited < PORTS_WAIT_MS; waited += 10)
    {
      int fd = try_open_port (name, flags);

      if (fd >= 0)
        return fd;
      usleep (10000);
    }
  fail (guest, "no port %s: has this kernel a driver, virtio_console, and for PCI, virtio_pci?",
        name);
}

/* A port that the driver has only just heard of reads as ended until it hears that it is open. */
static void
read_all (const Guest *guest, char *data, size_t size)
{
  for (int waited = 0; size > 0 && waited < PORTS_WAIT_MS;)
    {
      ssize_t n = read (guest->result, data, size);

      if (n < 0 && errno != EINTR)
        fail (guest, "cannot read what to run: %s", strerror (errno));
      if (n > 0)
        {
          data += n;
          size -= (size_t) n;
        }
      else
        {
          usleep (1000);
          waited++;
        }
    }
  if (size > 0)
    fail (guest, "what to run never came");
}

static VpGuestJob
receive_job (const Guest *guest)
{
  VpGuestJob job;
  char header[VP_GUEST_JOB_HEADER + 1] = "";
  size_t size;
  char *data;

  read_all (guest, header, VP_GUEST_JOB_HEADER);
  size = strtoul (header, NULL, 10);
  if (size == 0 || size > VP_GUEST_JOB_MAX || (data = malloc (size)) == NULL)
    fail (guest, "no room for what to run: %zu bytes", size);
  read_all (guest, data, size);
  if (!vp_guest_job_parse (data, size, &job))
    fail (guest, "what to run is not understood");
  return job;
}

static bool
is_below_tmp (const char *path)
{
  return strncmp (path, "/tmp", 4) == 0 && (path[4] == '/' || path[4] == '\0');
}

/* What is written to /tmp is the guest's own, what is there already can be read. Without overlayfs
 * it is one or the other. */
static void
mount_tmp (const VpGuestJob *job)
{
  mkdir (SCRATCH, 0755);
  if (!try_mount ("tmpfs", SCRATCH, 0, "mode=755"))
    return;
  mkdir (SCRATCH "/tmp", 0755);
  mkdir (SCRATCH "/work", 0755);
  chmod (SCRATCH "/tmp", 01777);
  if (!try_mount ("overlay", HOST "/tmp", 0,
                  "lowerdir=" HOST "/tmp,upperdir=" SCRATCH "/tmp,workdir=" SCRATCH "/work") &&
      !is_below_tmp (job->folder))
    try_mount ("tmpfs", HOST "/tmp", 0, "mode=1777");
}

/* The host's tree with what is each system's own on top of it becomes the root: really the root,
 * since in a chroot there are no user namespaces. What a host has no folder for is left out. */
static void
enter_host (const Guest *guest, const VpGuestJob *job)
{
  mkdir (HOST, 0755);
  if (mount (VP_GUEST_SHARE_TAG, HOST, "9p", MS_RDONLY,
             "trans=virtio,version=9p2000.L,cache=loose,msize=512000") != 0)
    fail (guest, "cannot mount the host's files: %s: has this kernel 9p and 9pnet_virtio?",
          strerror (errno));
  mount_tmp (job);
  try_mount ("proc", HOST "/proc", 0, NULL);
  try_mount ("sysfs", HOST "/sys", 0, NULL);
  try_mount ("tmpfs", HOST "/run", 0, "mode=755");
  if (try_mount ("devtmpfs", HOST "/dev", 0, NULL))
    {
      mkdir (HOST "/dev/pts", 0755);
      mkdir (HOST "/dev/shm", 0755);
      try_mount ("devpts", HOST "/dev/pts", 0, "ptmxmode=666");
      try_mount ("tmpfs", HOST "/dev/shm", 0, "mode=1777");
      symlink ("/proc/self/fd", HOST "/dev/fd");
      symlink ("/proc/self/fd/0", HOST "/dev/stdin");
      symlink ("/proc/self/fd/1", HOST "/dev/stdout");
      symlink ("/proc/self/fd/2", HOST "/dev/stderr");
    }
  if (chdir (HOST) != 0 || mount (".", "/", NULL, MS_MOVE, NULL) != 0 || chroot (".") != 0 ||
      chdir ("/") != 0)
    fail (guest, "cannot make the host's files the root: %s", strerror (errno));
}

static void
bring_up_loopback (void)
{
  struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return;
  ioctl (fd, SIOCSIFFLAGS, &request);
  close (fd);
}

static void
on_child (int number)
{
}

/* Becomes the command, or tells @report the errno of what it could not do. */
_Noreturn static void
become (const VpGuestJob *job, int out, int err, int report)
{
  sigset_t none;
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  int failure;

  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  setsid ();
  umask (022);
  dup2 (null, STDIN_FILENO);
  dup2 (out, STDOUT_FILENO);
  dup2 (err, STDERR_FILENO);
  environ = job->environment;
  if (chdir (job->folder) == 0)
    execvp (job->argv[0], job->argv); /* closes everything else */
  failure = errno;
  write (report, &failure, sizeof failure);
  _exit (failure == ENOENT ? 127 : 126);
}

/* Starts the command. @failure: why that could not be; 0 */
static pid_t
start (Guest *guest, const VpGuestJob *job, int *failure)
{
  int out[2], err[2], report[2];
  pid_t pid;

  *failure = 0;
  if (pipe2 (out, O_CLOEXEC) != 0 || pipe2 (err, O_CLOEXEC) != 0 || pipe2 (report, O_CLOEXEC) != 0)
    fail (guest, "no pipe: %s", strerror (errno));
  dprintf (guest->result, "started\n");
  pid = fork ();
  if (pid < 0)
    fail (guest, "cannot fork: %s", strerror (errno));
  if (pid == 0)
    become (job, out[1], err[1], report[1]);
  close (out[1]);
  close (err[1]);
  close (report[1]);
  guest->streams[0].pipe = out[0];
  guest->streams[1].pipe = err[0];
  read (report[0], failure, sizeof *failure); /* nothing once it has become the command */
  close (report[0]);
  return pid;
}

/* Reads a piece, or sends what is left of the last one. */
static void
advance (const Guest *guest, Stream *stream)
{
  ssize_t n;

  if (stream->sent == stream->size)
    {
      n = read (stream->pipe, stream->data, PIECE);
      stream->sent = stream->size = 0;
      if (n > 0)
        stream->size = (size_t) n;
      else if (n == 0 || errno != EINTR)
        {
          close (stream->pipe);
          stream->pipe = -1;
        }
      return;
    }
  n = write (stream->port, stream->data + stream->sent, stream->size - stream->sent);
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    fail (guest, "cannot send the output: %s", strerror (errno));
  if (n > 0)
    {
      stream->sent += (size_t) n;
      stream->total += (unsigned long long) n;
    }
}

static bool
is_over (const Stream *stream)
{
  return stream->pipe < 0 && stream->sent == stream->size;
}

static struct pollfd
watch (const Stream *stream)
{
  if (stream->sent < stream->size)
    return (struct pollfd){ .fd = stream->port, .events = POLLOUT };
  return (struct pollfd){ .fd = stream->pipe, .events = POLLIN };
}

/* Reaps what has ended, and whatever the command leaves behind ends with it: it may hold the pipes
 * open. */
static void
reap (pid_t command, bool *has_ended, int *wait_status)
{
  int status;
  pid_t pid;

  while ((pid = waitpid (-1, &status, WNOHANG)) > 0)
    if (pid == command)
      {
        *has_ended = true;
        *wait_status = status;
        kill (-1, SIGKILL);
      }
}

/* Returns the command's wait status, once it and its output are over. */
static int
follow (Guest *guest, pid_t command)
{
  Stream *streams = guest->streams;
  bool has_ended = false;
  int wait_status = 0;
  sigset_t none;

  sigemptyset (&none);
  while (!has_ended || !is_over (&streams[0]) || !is_over (&streams[1]))
    {
      struct pollfd fds[] = { watch (&streams[0]), watch (&streams[1]) };

      ppoll (fds, 2, NULL, &none); /* here alone SIGCHLD comes in */
      reap (command, &has_ended, &wait_status);
      for (int i = 0; i < 2; i++)
        if (fds[i].fd >= 0 && fds[i].revents != 0)
          advance (guest, &streams[i]);
    }
  return wait_status;
}

int
main (void)
{
  static Guest guest = { .result = -1, .streams = { { .pipe = -1 }, { .pipe = -1 } } };
  struct sigaction action = { .sa_handler = on_child };
  sigset_t child;
  VpGuestJob job;
  int failure, status;
  pid_t command;

  mkdir ("/dev", 0755);
  mkdir ("/sys", 0755);
  try_mount ("devtmpfs", "/dev", 0, NULL);
  try_mount ("sysfs", "/sys", 0, NULL);
  load_modules ();
  open_console ();

  guest.result = open_port (&guest, VP_GUEST_PORT_RESULT, 0);
  guest.streams[0].port = open_port (&guest, VP_GUEST_PORT_STDOUT, O_NONBLOCK);
  guest.streams[1].port = open_port (&guest, VP_GUEST_PORT_STDERR, O_NONBLOCK);
  job = receive_job (&guest);
  enter_host (&guest, &job);
  bring_up_loopback ();
  sethostname ("localhost", 9);

  sigemptyset (&child);
  sigaddset (&child, SIGCHLD);
  sigprocmask (SIG_BLOCK, &child, NULL);
  sigaction (SIGCHLD, &action, NULL);
  command = start (&guest, &job, &failure);
  status = follow (&guest, command);
  sync ();
  dprintf (guest.result, "ended %d %llu %llu %s\n",
           WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status),
           guest.streams[0].total, guest.streams[1].total, failure != 0 ? strerror (failure) : "");
  power_off (guest.result);
}
