#include "launcher/vm/memlock-limit.h"

#include "devices/byte-size.h"
#include "launcher/error.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static gboolean
may_lock_all (pid_t pid)
{
  struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, pid };
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

  if (syscall (SYS_capget, &header, sets) != 0 ||
      (sets[CAP_TO_INDEX (CAP_IPC_LOCK)].effective & CAP_TO_MASK (CAP_IPC_LOCK)) == 0)
    return FALSE;

  /* What root has, a program that it starts has, too; of others only what is ambient. */
  return pid != 0 || geteuid () == 0 ||
         prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_IPC_LOCK, 0, 0) == 1;
}

gboolean
vp_memlock_limit_raise (pid_t pid, guint64 need, GError **error)
{
  g_autofree char *needed = NULL;
  g_autofree char *allowed = NULL;
  struct rlimit limit, raised;

  if (need == 0 || may_lock_all (pid))
    return TRUE;
  if (prlimit (pid, RLIMIT_MEMLOCK, NULL, &limit) != 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_MEMLOCK, "QEMU's limit of locked memory: %s",
                   g_strerror (errno));
      return FALSE;
    }

  /* RLIM_INFINITY is the largest number there is. */
  if (limit.rlim_cur >= need)
    return TRUE;
  raised.rlim_max = MAX (limit.rlim_max, need);
  raised.rlim_cur = raised.rlim_max;
  if (prlimit (pid, RLIMIT_MEMLOCK, &raised, NULL) == 0)
    return TRUE;

  needed = vp_byte_size_format (need);
  allowed = vp_byte_size_format (limit.rlim_max);
  g_set_error (error, VP_ERROR, VP_ERROR_MEMLOCK,
               "QEMU needs %s of locked memory for VFIO devices, and may have %s", needed, allowed);
  return FALSE;
}
