/* A kernel module with which a test guest breaks its kernel: insmod fault.ko kind=oops. Debian's
 * kernel has no other way: no CONFIG_LKDTM, and its sysrq panics. scripts/lab-mdev builds it. */

#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/string.h>

static char *kind = "oops";
module_param (kind, charp, 0);
MODULE_PARM_DESC (kind, "oops (writes to address 8) or lockup (keeps its processor for ever)");
MODULE_LICENSE ("GPL");

static int __init
fault_init (void)
{
  if (strcmp (kind, "oops") == 0)
    WRITE_ONCE (*(int *) 8, 1);
  if (strcmp (kind, "lockup") != 0)
    return -EINVAL;
  preempt_disable ();
  for (;;)
    cpu_relax ();
}
module_init (fault_init);
