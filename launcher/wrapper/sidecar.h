#pragma once

#include "launcher/wrapper/foreign-vm.h"
#include "launcher/wrapper/wrapper-config.h"

#include <sys/types.h>

G_BEGIN_DECLS

/**
 * VpSidecarInput:
 * @argv: the command line that QEMU was asked for with
 * @vm: what it says
 * @config: what the administrator says
 * @root: where host paths start
 * @pid: the process that waits to become QEMU
 * @first_fd: it has nothing open from here on
 * @socket: where it waits
 * @listener: the listening socket of its caller's QMP, or -1; closed by vp_sidecar_run()
 *
 * What the sidecar starts from.
 */
typedef struct
{
  const VpForeignArgv *argv;
  const VpForeignVm *vm;
  const VpWrapperConfig *config;
  const char *root;
  pid_t pid;
  int first_fd;
  int socket;
  int listener;
} VpSidecarInput;

/**
 * vp_sidecar_run:
 * @input: what it starts from
 *
 * What goes on beside a QEMU that somebody else has started: chooses its devices, plans and takes
 * them, hands the command line over, and from then on is to it what the supervisor is to a VM of
 * vmplug's own, until its end. Without anything to do it says so and is done. All errors go over
 * @input's socket, because it has no stderr any more.
 */
void vp_sidecar_run (const VpSidecarInput *input);

G_END_DECLS
