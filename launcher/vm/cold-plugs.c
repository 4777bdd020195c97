#include "launcher/vm/cold-plugs.h"

#include "launcher/vm/argv.h"

static void
sequence_free (gpointer data)
{
  vp_plug_sequence_free (data);
}

static gboolean
needs_iommufd (const VpPlan *plan, const VpDeviceSpec *const *specs)
{
  for (guint i = 0; i < plan->devices->len; i++)
    if (vp_device_spec_is_by_iommufd (specs[i]))
      return TRUE;
  return FALSE;
}

/* Returns: the number that follows those of @sequence */
static int
add (GPtrArray *plugs, VpPlugSequence *sequence, int first_fd)
{
  g_autoptr (GPtrArray) fds = vp_plug_sequence_get_fds (sequence);

  g_ptr_array_add (plugs, sequence);
  return first_fd + (int) fds->len;
}

GPtrArray *
vp_cold_plugs_new (const VpPlan *plan,
                   const VpDeviceSpec *const *specs,
                   const char *vm,
                   gboolean has_vhost_net)
{
  GPtrArray *plugs = g_ptr_array_new_with_free_func (sequence_free);
  int next_fd = VP_ARGV_PASSED_FD;

  g_return_val_if_fail (plan != NULL, plugs);

  if (needs_iommufd (plan, specs))
    next_fd = add (plugs, vp_plug_sequence_new_iommufd (next_fd), next_fd);
  for (guint i = 0; i < plan->devices->len; i++)
    {
      const VpPlanDevice *device = plan->devices->pdata[i];
      VpPlace place = vp_plan_device_place (device);
      const VpPlugInput input = { .spec = specs[i],
                                  .function = device->function,
                                  .id = device->id,
                                  .place = &place,
                                  .vm = vm,
                                  .has_vhost_net = has_vhost_net,
                                  .first_fd = next_fd };

      if (device->plug == VP_PLUG_COLD)
        next_fd = add (plugs, vp_plug_sequence_new (&input), next_fd);
    }
  return plugs;
}

gboolean
vp_cold_plugs_have_iommufd (const GPtrArray *plugs)
{
  const VpPlugSequence *first = plugs->len > 0 ? plugs->pdata[0] : NULL;

  return first != NULL && g_str_equal (first->id, VP_ARGV_IOMMUFD_ID);
}

GUnixFDList *
vp_cold_plugs_open (const GPtrArray *plugs,
                    VpPlugOpenFunc open,
                    gpointer user_data,
                    GPtrArray *keepers,
                    GError **error)
{
  g_autoptr (GArray) opened = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (GUnixFDList) list = NULL;
  gboolean ok = TRUE;

  g_return_val_if_fail (plugs != NULL && open != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  for (guint i = 0; i < plugs->len; i++)
    {
      g_autoptr (GPtrArray) fds = vp_plug_sequence_get_fds (plugs->pdata[i]);

      for (guint k = 0; ok && k < fds->len; k++)
        {
          GObject *keeper = NULL;
          int fd = open (fds->pdata[k], &keeper, user_data, error);

          if (keeper != NULL)
            g_ptr_array_add (keepers, keeper);
          ok = fd >= 0;
          if (ok)
            g_array_append_val (opened, fd);
        }
    }

  /* The list closes them, those of a failure too. */
  list = g_unix_fd_list_new_from_array ((const int *) (void *) opened->data, (int) opened->len);
  return ok ? g_steal_pointer (&list) : NULL;
}
