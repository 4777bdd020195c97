#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpError:
 * @VP_ERROR_USAGE: the command line or a configuration value is wrong
 * @VP_ERROR_HOST: the host lacks something: a file, a permission, hardware virtualization
 * @VP_ERROR_START: QEMU could not be started, or ended before it was ready
 * @VP_ERROR_NO_VM: no such VM, or it does not answer
 * @VP_ERROR_EXISTS: a VM of that name is running
 * @VP_ERROR_NO_DEVICE: the VM has no device of that id
 * @VP_ERROR_STATE: the device or the VM is in a state where that cannot be done
 * @VP_ERROR_REFUSED: QEMU refused
 * @VP_ERROR_NO_WINDOW: the guest has no room for a BAR
 * @VP_ERROR_PENDING: accepted, but not finished in time
 * @VP_ERROR_GUEST: the guest failed
 * @VP_ERROR_REHEARSAL: firmware found no place for a device
 * @VP_ERROR_MEMLOCK: QEMU may not lock as much memory as its devices need
 *
 * What can go wrong in the launcher itself. devices/ and qmp/ have domains of their own.
 */
typedef enum
{
  VP_ERROR_USAGE,
  VP_ERROR_HOST,
  VP_ERROR_START,
  VP_ERROR_NO_VM,
  VP_ERROR_EXISTS,
  VP_ERROR_NO_DEVICE,
  VP_ERROR_STATE,
  VP_ERROR_REFUSED,
  VP_ERROR_NO_WINDOW,
  VP_ERROR_PENDING,
  VP_ERROR_GUEST,
  VP_ERROR_REHEARSAL,
  VP_ERROR_MEMLOCK,
} VpError;

#define VP_ERROR (vp_error_quark ())
GQuark vp_error_quark (void);

/**
 * vp_error_refuse:
 * @error: return location for a #GError, set to %VP_ERROR_USAGE
 * @value: what the user gave; quoted, so that it may be anything
 * @format: what is wrong with it, to stand after @value: "is none of %s"
 *
 * Returns: %FALSE
 */
gboolean vp_error_refuse (GError **error, const char *value, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/**
 * vp_error_append:
 * @error: what went wrong
 * @further: what went wrong because of that, or on the way back
 *
 * Makes one message of the two; the code stays that of @error.
 */
void vp_error_append (GError *error, const GError *further);

G_END_DECLS
