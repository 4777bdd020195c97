#include "launcher/config/nic.h"

#include "launcher/config/params.h"
#include "launcher/error.h"

#include <net/if.h>
#include <string.h>

void
vp_nic_free (VpNic *nic)
{
  if (nic == NULL)
    return;

  g_free (nic->ifname);
  g_free (nic);
}

/* As the kernel has it (dev_valid_name() in net/core/dev.c). */
static gboolean
is_interface_name (const char *name)
{
  return name[0] != '\0' && strlen (name) < IFNAMSIZ && strpbrk (name, "/: ") == NULL &&
         !g_str_equal (name, ".") && !g_str_equal (name, "..");
}

VpNic *
vp_nic_parse (const char *text, GError **error)
{
  g_autoptr (VpParams) params = vp_params_parse (text, error);
  g_autoptr (VpNic) nic = g_new0 (VpNic, 1);

  if (params == NULL)
    return NULL;

  if (!g_str_equal (params->head, "user") && !g_str_equal (params->head, "tap"))
    {
      vp_error_refuse (error, params->head, "is none of user, tap, none");
      return NULL;
    }

  for (guint i = 0; i < params->rest->len; i++)
    {
      const VpParam *param = params->rest->pdata[i];

      if (g_str_equal (params->head, "user"))
        {
          vp_error_refuse (error, param->key, "is too much: user takes no parameters");
          return NULL;
        }
      if (!g_str_equal (param->key, "ifname") || param->value == NULL)
        {
          vp_params_refuse (param, "ifname=", error);
          return NULL;
        }
      if (!is_interface_name (param->value))
        {
          vp_error_refuse (error, param->value, "is not the name of a network interface");
          return NULL;
        }
      nic->ifname = g_strdup (param->value);
    }

  if (g_str_equal (params->head, "tap") && nic->ifname == NULL)
    {
      vp_error_refuse (error, text, "needs ifname=NAME, a tap interface that exists");
      return NULL;
    }
  return g_steal_pointer (&nic);
}
