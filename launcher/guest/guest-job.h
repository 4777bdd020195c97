#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C"
{
#endif

/** The virtio-serial ports between vmplug and guest-init. */
#define VP_GUEST_PORT_RESULT "org.vmplug.result"
#define VP_GUEST_PORT_STDOUT "org.vmplug.stdout"
#define VP_GUEST_PORT_STDERR "org.vmplug.stderr"

/** Tag of the share that holds the host's files. */
#define VP_GUEST_SHARE_TAG "vmplug-host"

/** How many decimal digits say the size of a job before it, and how many bytes it can have. */
#define VP_GUEST_JOB_HEADER 8
#define VP_GUEST_JOB_MAX    (16 * 1024 * 1024)

  /**
   * VpGuestJob:
   * @folder: where to run the command
   * @argv: its arguments, %NULL-terminated
   * @environment: its environment, "NAME=VALUE", %NULL-terminated
   *
   * What guest-init is to run. On its way it is a list of strings, each with its NUL: the folder,
   * the number of arguments in decimal digits, the arguments, the environment.
   */
  typedef struct
  {
    char *folder;
    char **argv;
    char **environment;
  } VpGuestJob;

  /**
   * vp_guest_job_parse:
   * @data: (array length=size): a job as it comes; what is made of it points into it
   * @size: bytes
   * @job: (out): the job; its folder is @data, and @argv - 2 is to be freed
   *
   * Returns: whether it is one
   */
  bool vp_guest_job_parse (char *data, size_t size, VpGuestJob *job);

#ifdef __cplusplus
}
#endif
