#include "devices/vfio-bind.h"

#include "devices/error.h"
#include "devices/quote.h"

#include <string.h>

#define DEVICES_FOLDER "sys/bus/pci/devices"
#define DRIVERS_FOLDER "sys/bus/pci/drivers"
#define DRIVERS_PROBE  "sys/bus/pci/drivers_probe"
#define VFIO_PCI       "vfio-pci"
#define NO_OVERRIDE    "\n" /* an empty write would be no write at all */

static char *
device_path (const char *bdf, const char *name)
{
  return g_build_filename (DEVICES_FOLDER, bdf, name, NULL);
}

static gboolean
has_device (VpSysfs *sysfs, const char *bdf)
{
  g_autofree char *path = device_path (bdf, NULL);

  return vp_sysfs_exists (sysfs, path);
}

static gboolean
has_driver (VpSysfs *sysfs, const char *driver)
{
  g_autofree char *path = g_build_filename (DRIVERS_FOLDER, driver, NULL);

  return vp_sysfs_exists (sysfs, path);
}

static char *
driver_of (VpSysfs *sysfs, const char *bdf)
{
  g_autofree char *path = device_path (bdf, "driver");

  return vp_sysfs_read_link (sysfs, path);
}

static gboolean
set_override (VpSysfs *sysfs, const char *bdf, const char *driver, GError **error)
{
  g_autofree char *path = device_path (bdf, "driver_override");

  return vp_sysfs_write (sysfs, path, driver, error);
}

static gboolean
unbind (VpSysfs *sysfs, const char *bdf, GError **error)
{
  g_autofree char *path = device_path (bdf, "driver/unbind");

  return vp_sysfs_write (sysfs, path, bdf, error);
}

static void
set_not_taken (GError **error, const char *driver, const char *now, const char *why)
{
  if (now != NULL)
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DRIVER, "%s did not take it, %s has it%s",
                 driver, now, why);
  else
    g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DRIVER,
                 "%s did not take it, it has no driver%s", driver, why);
}

/* One error for the caller: whose device, what failed, and what it left behind. */
static gboolean
fail (VpSysfs *sysfs, const char *bdf, const GError *failure, const char *left, GError **error)
{
  int code = failure->code;

  /* A missing attribute or driver must not pass for a missing device. */
  if (code == VP_DEVICE_ERROR_NOT_FOUND && has_device (sysfs, bdf))
    code = VP_DEVICE_ERROR_DRIVER;

  g_set_error (error, VP_DEVICE_ERROR, code, "%s: %s%s", bdf, failure->message,
               left != NULL ? left : "");
  return FALSE;
}

static gboolean
check_device (VpSysfs *sysfs, const char *bdf, GError **error)
{
  if (has_device (sysfs, bdf))
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND, "%s: the host has no such device",
               bdf);
  return FALSE;
}

static gboolean
bind_to (VpSysfs *sysfs, const char *bdf, const char *driver, GError **error)
{
  g_autofree char *path = g_build_filename (DRIVERS_FOLDER, driver, "bind", NULL);
  g_autofree char *now = NULL;

  if (!has_driver (sysfs, driver))
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DRIVER,
                   "%s is not loaded any more, it has no driver", driver);
      return FALSE;
    }
  if (!vp_sysfs_write (sysfs, path, bdf, error))
    return FALSE;

  now = driver_of (sysfs, bdf);
  if (g_strcmp0 (now, driver) == 0)
    return TRUE;

  set_not_taken (error, driver, now, "");
  return FALSE;
}

/* Returns what could not be undone, to be added to the error, or NULL. */
static char *
roll_back (VpSysfs *sysfs, const char *bdf, const char *earlier)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *now = NULL;

  if (!set_override (sysfs, bdf, NO_OVERRIDE, &error))
    return g_strdup_printf ("; its driver_override is still set: %s", error->message);

  now = driver_of (sysfs, bdf);
  if (earlier != NULL && now == NULL && !bind_to (sysfs, bdf, earlier, &error))
    return g_strdup_printf ("; not given back: %s", error->message);

  return NULL;
}

static gboolean
move_in (VpSysfs *sysfs, const char *bdf, GError **error)
{
  g_autofree char *group = device_path (bdf, "iommu_group");
  g_autofree char *now = NULL;

  if (!vp_sysfs_write (sysfs, DRIVERS_PROBE, bdf, error))
    return FALSE;

  now = driver_of (sysfs, bdf);
  if (vp_vfio_is_vfio_driver (now))
    return TRUE;

  /* The kernel tells a refused probe to its log only; this is its usual reason. */
  set_not_taken (error, VFIO_PCI, now,
                 vp_sysfs_exists (sysfs, group) ? "" : ", and it is in no IOMMU group");
  return FALSE;
}

gboolean
vp_vfio_unbind (VpSysfs *sysfs, const VpPciAddress *address, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *bdf = NULL;
  g_autofree char *earlier = NULL;
  g_autofree char *left = NULL;

  g_return_val_if_fail (sysfs != NULL && address != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  bdf = vp_pci_address_to_string (address);
  if (!check_device (sysfs, bdf, error))
    return FALSE;

  earlier = driver_of (sysfs, bdf);
  if (vp_vfio_is_vfio_driver (earlier))
    return TRUE;

  /* Before the first change: without the driver there is nothing to win by unbinding. */
  if (!has_driver (sysfs, VFIO_PCI))
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DRIVER,
                   "%s: the driver " VFIO_PCI " is not loaded", bdf);
      return FALSE;
    }

  if (!set_override (sysfs, bdf, VFIO_PCI, &failure))
    return fail (sysfs, bdf, failure, NULL, error);
  if (earlier == NULL || unbind (sysfs, bdf, &failure))
    return TRUE;

  left = roll_back (sysfs, bdf, earlier);
  return fail (sysfs, bdf, failure, left, error);
}

gboolean
vp_vfio_probe (VpSysfs *sysfs, const VpPciAddress *address, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *bdf = NULL;
  g_autofree char *now = NULL;

  g_return_val_if_fail (sysfs != NULL && address != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  bdf = vp_pci_address_to_string (address);
  if (!check_device (sysfs, bdf, error))
    return FALSE;

  now = driver_of (sysfs, bdf);
  return vp_vfio_is_vfio_driver (now) || move_in (sysfs, bdf, &failure) ||
         fail (sysfs, bdf, failure, NULL, error);
}

gboolean
vp_vfio_bind (VpSysfs *sysfs, const VpPciAddress *address, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *bdf = NULL;
  g_autofree char *earlier = NULL;
  g_autofree char *left = NULL;

  g_return_val_if_fail (sysfs != NULL && address != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  earlier = vp_vfio_driver_of (sysfs, address);
  if (!vp_vfio_unbind (sysfs, address, error))
    return FALSE;
  if (vp_vfio_probe (sysfs, address, &failure))
    return TRUE;

  bdf = vp_pci_address_to_string (address);
  left = roll_back (sysfs, bdf, earlier);
  g_set_error (error, VP_DEVICE_ERROR, failure->code, "%s%s", failure->message,
               left != NULL ? left : "");
  return FALSE;
}

/* @driver may come from a journal on disk, and becomes part of a path. */
static gboolean
check_driver_name (const char *bdf, const char *driver, GError **error)
{
  g_autofree char *quoted = NULL;

  if (driver == NULL || (driver[0] != '\0' && driver[0] != '.' && strchr (driver, '/') == NULL))
    return TRUE;

  quoted = vp_quote (driver);
  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DRIVER, "%s: no driver is called %s", bdf,
               quoted);
  return FALSE;
}

static gboolean
move_from_vfio (VpSysfs *sysfs, const char *bdf, const char *driver, GError **error)
{
  g_autofree char *bound = driver_of (sysfs, bdf);
  g_autofree char *now = NULL;

  if (bound != NULL && !unbind (sysfs, bdf, error))
    return FALSE;
  if (driver != NULL)
    return bind_to (sysfs, bdf, driver, error);

  now = driver_of (sysfs, bdf);
  if (now == NULL)
    return TRUE;

  g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DRIVER, "%s still has it", now);
  return FALSE;
}

gboolean
vp_vfio_release (VpSysfs *sysfs, const VpPciAddress *address, const char *driver, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *bdf = NULL;
  g_autofree char *now = NULL;
  gboolean is_back;

  g_return_val_if_fail (sysfs != NULL && address != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  bdf = vp_pci_address_to_string (address);
  if (!check_driver_name (bdf, driver, error) || !check_device (sysfs, bdf, error))
    return FALSE;

  now = driver_of (sysfs, bdf);
  is_back = g_strcmp0 (now, driver) == 0;
  if (is_back && vp_vfio_is_vfio_driver (now))
    return TRUE; /* it was with VFIO before us: the override is somebody else's */

  if (!is_back && now != NULL && !vp_vfio_is_vfio_driver (now))
    {
      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_DRIVER,
                   "%s: %s has it, not " VFIO_PCI ": left alone", bdf, now);
      return FALSE;
    }

  if (!set_override (sysfs, bdf, NO_OVERRIDE, &failure))
    return fail (sysfs, bdf, failure, NULL, error);
  if (!is_back && !move_from_vfio (sysfs, bdf, driver, &failure))
    return fail (sysfs, bdf, failure, NULL, error);

  return TRUE;
}

char *
vp_vfio_driver_of (VpSysfs *sysfs, const VpPciAddress *address)
{
  g_autofree char *bdf = vp_pci_address_to_string (address);

  return driver_of (sysfs, bdf);
}

gboolean
vp_vfio_is_vfio_driver (const char *driver)
{
  /* Variants are called NAME_vfio_pci or NAME-vfio-pci, as each module likes. */
  return driver != NULL &&
         (strcmp (driver, VFIO_PCI) == 0 || g_str_has_suffix (driver, "_vfio_pci") ||
          g_str_has_suffix (driver, "-vfio-pci"));
}
