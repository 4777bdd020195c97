#include "devices/io-space.h"

#include "devices/byte-size.h"
#include "devices/error.h"

/* 36 KiB must not be reached, nor OVMF's 16 KiB, and the machine's own IDE has 16 bytes. */
#define PC_SEABIOS_BYTES (9 * VP_IO_WINDOW - 256)
#define PC_OTHER_BYTES   (4 * VP_IO_WINDOW - 256)

static guint64
total_of (VpMachineType machine, const VpFirmware *firmware)
{
  if (machine == VP_MACHINE_Q35)
    return firmware->io_windows * VP_IO_WINDOW;

  return firmware->kind == VP_FIRMWARE_SEABIOS ? PC_SEABIOS_BYTES : PC_OTHER_BYTES;
}

void
vp_io_space_init (VpIoSpace *space, VpMachineType machine, const VpFirmware *firmware)
{
  g_return_if_fail (space != NULL && firmware != NULL);

  space->total = total_of (machine, firmware);
  space->left = space->total;
  space->left_for_hot = machine == VP_MACHINE_Q35 ? space->total / 2 : 0;
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
