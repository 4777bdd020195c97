#include "launcher/config/vm-name.h"

gboolean
vp_vm_name_is_valid (const char *name)
{
  g_return_val_if_fail (name != NULL, FALSE);

  return g_regex_match_simple ("^" VP_VM_NAME_GRAMMAR "$", name,
                               G_REGEX_DOLLAR_ENDONLY | G_REGEX_RAW, 0);
}
