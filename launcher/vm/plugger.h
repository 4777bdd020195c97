#pragma once

#include "launcher/vm/plug-sequence.h"
#include "qmp/client.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define VP_TYPE_PLUGGER (vp_plugger_get_type ())
G_DECLARE_FINAL_TYPE (VpPlugger, vp_plugger, VP, PLUGGER, GObject)

typedef enum
{
  VP_PLUG_DONE,     /* every step was carried out: QEMU has accepted the device */
  VP_PLUG_UNDONE,   /* a step failed, and whatever stood before it was taken back */
  VP_PLUG_ACCEPTED, /* a step failed, but the PCI device is in: the caller must device_del it, wait
                     * for DEVICE_DELETED, and then vp_plugger_clear_async() */
} VpPlugOutcome;

/**
 * VpPlugOpenFunc:
 * @fd: what QEMU needs
 * @keeper: (out) (optional) (nullable): what must live as long as the device: the process at the
 *   other end
 * @user_data: as given with the function
 * @error: return location for a #GError
 *
 * Returns: an open file descriptor, close-on-exec; -1 with @error set
 */
typedef int (*VpPlugOpenFunc) (const VpPlugFd *fd,
                               GObject **keeper,
                               gpointer user_data,
                               GError **error);

/**
 * vp_plugger_new:
 * @sequence: (transfer full): what is to be done
 * @open: opens the file descriptors of @sequence, each just before it is sent
 * @user_data: for @open; must outlive the plugger
 *
 * Gives one device to QEMU over QMP, and takes its backends back when the device has gone. It knows
 * no PCI: that the guest has to let go of the device first is the caller's part.
 *
 * Returns: (transfer full): a plugger that has sent nothing
 */
VpPlugger *vp_plugger_new (VpPlugSequence *sequence, VpPlugOpenFunc open, gpointer user_data);

/**
 * vp_plugger_set_there:
 * @self: a plugger that has sent nothing
 *
 * The device was on QEMU's command line, so that all steps are carried out.
 */
void vp_plugger_set_there (VpPlugger *self);

/**
 * vp_plugger_has_backends:
 *
 * Returns: whether there is anything for vp_plugger_clear_async() to do
 */
gboolean vp_plugger_has_backends (VpPlugger *self);

/**
 * vp_plugger_add_async:
 * @self: a plugger that has sent nothing, or has taken everything back
 * @client: QEMU
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Carries out the steps, one after the other. When one fails, everything before it is undone in
 * reverse before that is told; what fails of the undoing is not. Without a deadline: pinning a
 * large guest's memory takes minutes, and QEMU answers or ends.
 */
void vp_plugger_add_async (VpPlugger *self,
                           VpQmpClient *client,
                           GAsyncReadyCallback callback,
                           gpointer user_data);

/**
 * vp_plugger_add_finish:
 * @self: a plugger
 * @result: what @callback was given
 * @outcome: (out): what there is in QEMU now; of a client that is closed nobody knows
 * @error: return location for a #GError: %VP_QMP_ERROR of the step that failed, or why a file
 *   descriptor could not be opened
 *
 * Returns: whether @outcome is %VP_PLUG_DONE
 */
gboolean vp_plugger_add_finish (VpPlugger *self,
                                GAsyncResult *result,
                                VpPlugOutcome *outcome,
                                GError **error);

/**
 * vp_plugger_clear_async:
 * @self: a plugger
 * @client: QEMU
 * @callback: called once, later
 * @user_data: for @callback
 *
 * Takes the backends back, in reverse: after DEVICE_DELETED, and not before. QEMU may free a
 * device some time after that event, and its backend is busy until then: what is refused is asked
 * for again, a few times. Comes DEVICE_DELETED while the device is still being added, this begins
 * when that is over.
 */
void vp_plugger_clear_async (VpPlugger *self,
                             VpQmpClient *client,
                             GAsyncReadyCallback callback,
                             gpointer user_data);

/**
 * vp_plugger_clear_finish:
 *
 * Returns: %FALSE with the last %VP_QMP_ERROR when QEMU has kept a backend
 */
gboolean vp_plugger_clear_finish (VpPlugger *self, GAsyncResult *result, GError **error);

G_END_DECLS
