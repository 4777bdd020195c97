#include "launcher/error.h"
#include "launcher/failure.h"
#include "launcher/wrapper/hand-over.h"
#include "launcher/wrapper/sandbox.h"
#include "launcher/wrapper/sidecar-process.h"
#include "launcher/wrapper/sidecar.h"
#include "launcher/wrapper/waiting-room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROOT_VARIABLE "VMPLUG_ROOT"

/* A line on stderr as QEMU writes them, which is how runtimes tell warnings from errors. */
static void
say (const char *prefix, const char *text)
{
  fprintf (stderr, "vmplug-qemu: %s%s\n", prefix, text);
}

/* The socket on which the caller's QMP is to be served, or -1. */
static int
get_listener (const VpForeignVm *vm)
{
  return vm->qmp.kind == VP_FOREIGN_QMP_LISTENER ? vm->qmp.fd : -1;
}

/* Returns the exit status. */
static int
give_up (const VpForeignVm *vm, const GError *error)
{
  g_autofree char *line = vp_failure_to_line (error);
  int listener = get_listener (vm);

  say ("", line);
  if (listener >= 0)
    vp_waiting_room_clear (listener);
  return vp_failure_of (error)->exit_status;
}

/* Out of the way of each other's numbers first, then there, and open across exec(). */
static gboolean
put_fds (const VpHandOver *hand_over)
{
  int above = 0;

  for (guint i = 0; i < hand_over->numbers->len; i++)
    above = MAX (above, g_array_index (hand_over->numbers, int, i) + 1);
  for (guint i = 0; i < hand_over->fds->len; i++)
    {
      int *fd = &g_array_index (hand_over->fds, int, i);
      int moved = fcntl (*fd, F_DUPFD_CLOEXEC, above);

      close (*fd);
      *fd = moved;
    }
  for (guint i = 0; i < hand_over->fds->len; i++)
    if (dup2 (g_array_index (hand_over->fds, int, i), g_array_index (hand_over->numbers, int, i)) <
        0)
      return FALSE;
  return TRUE;
}

/* Returns only when it fails. */
static void
become (char **argv, GError **error)
{
  execv (argv[0], argv);
  g_set_error (error, VP_ERROR, VP_ERROR_START, "%s could not be started: %s", argv[0],
               g_strerror (errno));
}

/* Whether vmplug has nothing to add, by what is quickly seen: not even a fork is needed then. */
static gboolean
is_left_alone (const VpForeignVm *vm, const VpWrapperConfig *config)
{
  g_auto (GStrv) environment = NULL;

  if (vm->is_probe || !vm->has_machine)
    return TRUE;
  environment = g_get_environ ();
  if (!vp_sandbox_is_wanted (vm, config, (const char *const *) environment))
    return TRUE;
  /* A chassis number or an id that is there twice would be fatal. */
  if (vm->is_opaque)
    say ("warning: ",
         "-readconfig: what that file adds cannot be seen, and nothing is added to it");
  return vm->is_opaque;
}

static void
become_unchanged (const char *qemu, char **argv, GError **error)
{
  g_auto (GStrv) copy = g_strdupv (argv);

  g_free (copy[0]);
  copy[0] = g_strdup (qemu);
  become (copy, error);
}

/* Waits for the sidecar, and becomes what it says. Returns only when that fails. */
static void
wait_and_become (int socket, GError **error)
{
  g_autoptr (VpHandOver) hand_over = vp_hand_over_receive (socket, error);

  close (socket);
  if (hand_over == NULL)
    return;
  for (char **warning = hand_over->warnings; *warning != NULL; warning++)
    say ("warning: ", *warning);
  if (put_fds (hand_over))
    become (hand_over->argv, error);
  else
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "no file descriptor left: %s", g_strerror (errno));
}

/* Returns only in the caller, and only when it fails. */
static void
become_with_sidecar (int argc,
                     char **words,
                     const VpForeignArgv *argv,
                     const VpForeignVm *vm,
                     const VpWrapperConfig *config,
                     const char *root,
                     GError **error)
{
  VpSidecarInput input = { .argv = argv,
                           .vm = vm,
                           .config = config,
                           .root = root,
                           .pid = getpid (),
                           .first_fd = vp_sidecar_process_highest_fd () + 1 };
  int kept[2] = { -1, get_listener (vm) };
  int process = vp_sidecar_process_fork (&kept[0], error);

  if (process < 0)
    return;
  if (process > 0)
    {
      wait_and_become (kept[0], error);
      return;
    }

  vp_sidecar_process_set_title (argc, words, vm->name);
  vp_sidecar_process_detach (kept, kept[1] >= 0 ? 2 : 1);
  input.socket = kept[0];
  input.listener = kept[1];
  vp_sidecar_run (&input);
  _exit (EXIT_SUCCESS);
}

int
main (int argc, char **argv)
{
  const char *variable = g_getenv (ROOT_VARIABLE);
  /* Absolute, because the sidecar does not stay in this folder. */
  const gboolean is_set = variable != NULL && variable[0] != '\0';
  g_autofree char *root = g_canonicalize_filename (is_set ? variable : "/", NULL);
  g_autoptr (VpForeignArgv) words = NULL;
  g_autoptr (VpForeignVm) vm = NULL;
  g_autoptr (VpWrapperConfig) config = NULL;
  g_autoptr (GError) error = NULL;

  g_set_prgname ("vmplug-qemu");
  words = vp_foreign_argv_parse ((const char *const *) argv, &error);
  if (words == NULL)
    {
      say ("", error->message);
      return vp_failure_of (error)->exit_status;
    }
  vm = vp_foreign_vm_new (words);
  config = vp_wrapper_config_read (root, vm->name, &error);
  if (config != NULL && is_left_alone (vm, config))
    {
      for (guint i = 0; i < config->warnings->len && !vm->is_probe; i++)
        say ("warning: ", config->warnings->pdata[i]);
      become_unchanged (config->qemu, argv, &error);
    }
  else if (config != NULL)
    become_with_sidecar (argc, argv, words, vm, config, root, &error);
  return give_up (vm, error);
}
