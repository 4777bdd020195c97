#include "devices/io-space.h"

#include "devices/byte-size.h"
#include "devices/error.h"

#define Q35_WINDOWS     14
#define Q35_HOT_WINDOWS 8

/* 36 KiB must not be reached, and the machine's own IDE has 16 bytes. */
#define PC_BYTES (9 * VP_IO_WINDOW - 256)

void
vp_io_space_init (VpIoSpace *space, VpMachineType machine)
{
  g_return_if_fail (space != NULL);

  space->total = machine == VP_MACHINE_Q35 ? Q35_WINDOWS * VP_IO_WINDOW : PC_BYTES;
  space->left = space->total;
  space->left_for_hot = machine == VP_MACHINE_Q35 ? Q35_HOT_WINDOWS * VP_IO_WINDOW : 0;
}

gboolean
vp_io_space_take_cold (VpIoSpace *space, guint64 bytes, GError **error)
{
  g_return_val_if_fail (space != NULL, FALSE);

  if (bytes > space->left)
    {
      g_autofree char *wanted = vp_byte_size_format (bytes);
      g_autofree char *taken = vp_byte_size_format (space->total - space->left);
      g_autofree char *total = vp_byte_size_format (space->total);

      g_set_error (error, VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT,
                   "no I/O space: it takes %s at boot, and %s of the %s that firmware can give "
                   "away are taken",
                   wanted, space->left < space->total ? taken : "none", total);
      return FALSE;
    }
  space->left -= bytes;
  return TRUE;
}

gboolean
vp_io_space_take_hot (VpIoSpace *space, guint64 bytes)
{
  g_return_val_if_fail (space != NULL, FALSE);

  if (bytes > space->left || bytes > space->left_for_hot)
    return FALSE;

  space->left -= bytes;
  space->left_for_hot -= bytes;
  return TRUE;
}
