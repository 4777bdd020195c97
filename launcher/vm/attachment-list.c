#include "launcher/vm/attachment-list.h"

VpAttachment *
vp_attachment_list_find (const GPtrArray *list, const char *id)
{
  for (guint i = 0; id != NULL && i < list->len; i++)
    if (g_str_equal (vp_attachment_get_facts (list->pdata[i])->id, id))
      return list->pdata[i];
  return NULL;
}

VpAttachment *
vp_attachment_list_find_changing (const GPtrArray *list)
{
  for (guint i = 0; i < list->len; i++)
    if (vp_attachment_is_host_changing (list->pdata[i]))
      return list->pdata[i];
  return NULL;
}

VpAttachment *
vp_attachment_list_find_mediated (const GPtrArray *list, const char *uuid)
{
  for (guint i = 0; i < list->len; i++)
    if (vp_attachment_facts_is_mediated (vp_attachment_get_facts (list->pdata[i]), uuid))
      return list->pdata[i];
  return NULL;
}

VpAttachment *
vp_attachment_list_find_socket (const GPtrArray *list, const char *path)
{
  for (guint i = 0; i < list->len; i++)
    if (vp_attachment_get_state (list->pdata[i]) != VP_DEVICE_FAILED &&
        g_strcmp0 (vp_attachment_get_facts (list->pdata[i])->spec->socket, path) == 0)
      return list->pdata[i];
  return NULL;
}

static gpointer
ref_element (gconstpointer element, gpointer user_data)
{
  return g_object_ref ((gpointer) element);
}

GPtrArray *
vp_attachment_list_copy (GPtrArray *list)
{
  GPtrArray *copy = g_ptr_array_copy (list, ref_element, NULL);

  g_ptr_array_set_free_func (copy, g_object_unref);
  return copy;
}
