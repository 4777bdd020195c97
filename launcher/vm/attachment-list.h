#pragma once

#include "launcher/vm/attachment.h"

G_BEGIN_DECLS

/**
 * vp_attachment_list_find:
 * @list: (element-type VpAttachment): the devices of one VM
 * @id: (nullable): a QEMU id
 *
 * Returns: (transfer none) (nullable): the one with that id
 */
VpAttachment *vp_attachment_list_find (const GPtrArray *list, const char *id);

/**
 * vp_attachment_list_find_changing:
 * @list: (element-type VpAttachment): the devices of one VM
 *
 * Returns: (transfer none) (nullable): one whose host function is being taken or given back
 */
VpAttachment *vp_attachment_list_find_changing (const GPtrArray *list);

/**
 * vp_attachment_list_find_mediated:
 * @list: (element-type VpAttachment): the devices of one VM
 * @uuid: of a mediated device
 *
 * Returns: (transfer none) (nullable): the one that is that mediated device
 */
VpAttachment *vp_attachment_list_find_mediated (const GPtrArray *list, const char *uuid);

/**
 * vp_attachment_list_find_socket:
 * @list: (element-type VpAttachment): the devices of one VM
 * @path: of the socket of a vfio-user server
 *
 * Returns: (transfer none) (nullable): the device of that server, unless it has failed
 */
VpAttachment *vp_attachment_list_find_socket (const GPtrArray *list, const char *path);

/**
 * vp_attachment_list_copy:
 * @list: (element-type GObject): a list that may change while it is gone through
 *
 * Returns: (transfer full): the list as it is now
 */
GPtrArray *vp_attachment_list_copy (GPtrArray *list);

G_END_DECLS
