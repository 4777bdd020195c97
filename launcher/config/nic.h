#pragma once

#include "launcher/config/params.h"

G_BEGIN_DECLS

/** The node of the host's vhost-net. */
#define VP_NIC_VHOST_NODE "/dev/vhost-net"

typedef enum
{
  VP_NIC_USER,  /* QEMU's own user-mode network */
  VP_NIC_TAP,   /* a tap interface of the host */
  VP_NIC_PASST, /* a passt of its own: a user-mode network in another process */
} VpNicKind;

typedef enum
{
  VP_NIC_VHOST_AUTO, /* when the host has it */
  VP_NIC_VHOST_ON,
  VP_NIC_VHOST_OFF,
} VpNicVhost;

/**
 * VpNic:
 * @kind: what is at its other end
 * @ifname: (nullable): of %VP_NIC_TAP, an interface that exists
 * @vhost: of %VP_NIC_TAP, whether the host's kernel moves the packets
 * @mac: (nullable): the address asked for
 */
typedef struct
{
  VpNicKind kind;
  char *ifname;
  VpNicVhost vhost;
  char *mac;
} VpNic;

/**
 * vp_nic_new:
 * @backend: "user", "tap" or "passt"
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_nic_free(); %NULL with %VP_ERROR_USAGE
 */
VpNic *vp_nic_new (const char *backend, GError **error);
void vp_nic_free (VpNic *nic);

/**
 * vp_nic_set:
 * @nic: a network card
 * @param: mac=, and of a tap interface ifname= or vhost=
 * @known: what there is, to be named when it is none of them
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE
 */
gboolean vp_nic_set (VpNic *nic, const VpParam *param, const char *known, GError **error);

/**
 * vp_nic_kind_to_string:
 *
 * Returns: (transfer none): "user", "tap" or "passt"
 */
const char *vp_nic_kind_to_string (VpNicKind kind);

/**
 * vp_nic_check:
 * @nic: a network card whose parameters are all set
 * @text: as typed
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when one is missing
 */
gboolean vp_nic_check (const VpNic *nic, const char *text, GError **error);

/**
 * vp_nic_wants_vhost:
 * @nic: a network card
 * @is_there: whether the host has vhost-net
 *
 * Returns: whether the host's kernel shall move its packets
 */
gboolean vp_nic_wants_vhost (const VpNic *nic, gboolean is_there);

/**
 * vp_nic_parse:
 * @text: "user" or "tap,ifname=NAME", as --nic takes it
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_nic_free(); %NULL with %VP_ERROR_USAGE
 */
VpNic *vp_nic_parse (const char *text, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpNic, vp_nic_free)

G_END_DECLS
