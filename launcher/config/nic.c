#include "launcher/config/nic.h"

#include "launcher/error.h"

#include <net/if.h>
#include <string.h>

void
vp_nic_free (VpNic *nic)
{
  if (nic == NULL)
    return;

  g_free (nic->ifname);
  g_free (nic->mac);
  g_free (nic);
}

static const char *const backends[] = { "user", "tap", "passt", NULL }; /* as VpNicKind */

const char *
vp_nic_kind_to_string (VpNicKind kind)
{
  return backends[kind];
}

VpNic *
vp_nic_new (const char *backend, GError **error)
{
  VpNic *nic;
  guint kind;

  if (!vp_params_parse_choice (backend, backends, &kind, error))
    return NULL;

  nic = g_new0 (VpNic, 1);
  nic->kind = (VpNicKind) kind;
  return nic;
}

/* As the kernel has it (dev_valid_name() in net/core/dev.c). */
static gboolean
is_interface_name (const char *name)
{
  return name[0] != '\0' && strlen (name) < IFNAMSIZ && strpbrk (name, "/: ") == NULL &&
         !g_str_equal (name, ".") && !g_str_equal (name, "..");
}

static gboolean
set_ifname (VpNic *nic, const char *name, GError **error)
{
  if (!is_interface_name (name))
    return vp_error_refuse (error, name, "is not the name of a network interface");
  nic->ifname = g_strdup (name);
  return TRUE;
}

static gboolean
set_vhost (VpNic *nic, const char *value, GError **error)
{
  static const char *const values[] = { "auto", "on", "off", NULL }; /* as VpNicVhost */
  guint vhost;

  if (!vp_params_parse_choice (value, values, &vhost, error))
    return FALSE;
  nic->vhost = (VpNicVhost) vhost;
  return TRUE;
}

/* The lowest bit of the first byte is set in the address of a group (IEEE 802, 8.2). */
static gboolean
set_mac (VpNic *nic, const char *mac, GError **error)
{
  if (!g_regex_match_simple ("^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$", mac, G_REGEX_CASELESS, 0) ||
      strlen (mac) != strlen ("00:00:00:00:00:00"))
    return vp_error_refuse (error, mac, "is not the address of one network card (mac)");
  nic->mac = g_ascii_strdown (mac, -1);
  return TRUE;
}

gboolean
vp_nic_set (VpNic *nic, const VpParam *param, const char *known, GError **error)
{
  gboolean is_tap = nic->kind == VP_NIC_TAP;

  if (param->value != NULL && g_str_equal (param->key, "mac"))
    return set_mac (nic, param->value, error);
  if (param->value != NULL && is_tap && g_str_equal (param->key, "ifname"))
    return set_ifname (nic, param->value, error);
  if (param->value != NULL && is_tap && g_str_equal (param->key, "vhost"))
    return set_vhost (nic, param->value, error);
  return vp_params_refuse (param, known, error);
}

gboolean
vp_nic_check (const VpNic *nic, const char *text, GError **error)
{
  if (nic->kind == VP_NIC_TAP && nic->ifname == NULL)
    return vp_error_refuse (error, text, "needs ifname=NAME, a tap interface that exists");
  return TRUE;
}

gboolean
vp_nic_wants_vhost (const VpNic *nic, gboolean is_there)
{
  return nic->kind == VP_NIC_TAP &&
         (nic->vhost == VP_NIC_VHOST_ON || (nic->vhost == VP_NIC_VHOST_AUTO && is_there));
}

VpNic *
vp_nic_parse (const char *text, GError **error)
{
  g_autoptr (VpParams) params = vp_params_parse (text, error);
  g_autoptr (VpNic) nic = NULL;

  if (params == NULL)
    return NULL;

  if (!g_str_equal (params->head, "user") && !g_str_equal (params->head, "tap"))
    {
      vp_error_refuse (error, params->head, "is none of user, tap, none");
      return NULL;
    }

  nic = vp_nic_new (params->head, error);
  for (guint i = 0; i < params->rest->len; i++)
    {
      const VpParam *param = params->rest->pdata[i];

      if (nic->kind == VP_NIC_USER)
        {
          vp_error_refuse (error, param->key, "is too much: user takes no parameters");
          return NULL;
        }
      if (!g_str_equal (param->key, "ifname"))
        {
          vp_params_refuse (param, "ifname=", error);
          return NULL;
        }
      if (!vp_nic_set (nic, param, "ifname=", error))
        return NULL;
    }
  return vp_nic_check (nic, text, error) ? g_steal_pointer (&nic) : NULL;
}
