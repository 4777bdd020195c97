#include "launcher/boottest/test-claims.h"

#include "launcher/boottest/step.h"

#include <string.h>

static void
claim (GPtrArray *claims, const char *kind, const char *name)
{
  g_ptr_array_add (claims, g_strconcat (kind, " ", name, NULL));
}

static void
claim_disk (GPtrArray *claims, const VpDisk *disk)
{
  if (!disk->readonly && !disk->snapshot)
    claim (claims, "disk", disk->file);
}

static void
claim_nic (GPtrArray *claims, const VpNic *nic)
{
  if (nic->kind == VP_NIC_TAP && nic->ifname != NULL)
    claim (claims, "tap", nic->ifname);
}

static void
claim_device (GPtrArray *claims, const VpDeviceSpec *spec)
{
  VpDeviceRef ref = spec->ref;
  g_autofree char *name = NULL;

  switch (spec->kind)
    {
    case VP_DEVICE_SPEC_VFIO:
      ref.address.function = 0;
      name = vp_device_ref_to_string (&ref);
      claim (claims, "device", name);
      break;
    case VP_DEVICE_SPEC_DISK:
      claim_disk (claims, spec->disk);
      break;
    case VP_DEVICE_SPEC_NIC:
      claim_nic (claims, spec->nic);
      break;
    case VP_DEVICE_SPEC_VFIO_USER:
      claim (claims, "socket", spec->socket);
      break;
    case VP_DEVICE_SPEC_QEMU:
      break;
    }
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

char **
vp_test_claims_of (const VpConfig *config, const VpBootOptions *options)
{
  GPtrArray *claims = g_ptr_array_new ();

  for (guint i = 0; i < config->disks->len; i++)
    claim_disk (claims, config->disks->pdata[i]);
  for (guint i = 0; i < config->nics->len; i++)
    claim_nic (claims, config->nics->pdata[i]);
  for (guint i = 0; i < config->devices->len; i++)
    claim_device (claims, config->devices->pdata[i]);
  for (guint i = 0; i < options->steps->len; i++)
    {
      const VpStep *step = options->steps->pdata[i];

      if (step->spec != NULL)
        claim_device (claims, step->spec);
    }
  g_ptr_array_sort (claims, compare);
  g_ptr_array_add (claims, NULL);
  return (char **) g_ptr_array_free (claims, FALSE);
}

gboolean
vp_test_claims_overlap (char **a, char **b)
{
  while (a != NULL && b != NULL && *a != NULL && *b != NULL)
    {
      int order = strcmp (*a, *b);

      if (order == 0)
        return TRUE;
      if (order < 0)
        a++;
      else
        b++;
    }
  return FALSE;
}
