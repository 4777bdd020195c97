#pragma once

#include "devices/sysfs.h"

G_BEGIN_DECLS

typedef enum
{
  VP_REPLAY_QEMU,    /* a process was ended */
  VP_REPLAY_DEVICE,  /* a device went back to its driver */
  VP_REPLAY_RUN_DIR, /* a folder was removed */
} VpReplayKind;

/**
 * VpReplayStep:
 * @kind: what was done, or could not be
 * @vm: (nullable): the dead VM
 * @subject: a pid, a device's address or a path
 * @driver: (nullable): who has the device now, "" for nobody
 * @error: (nullable): why it could not be done
 *
 * One thing that was cleared up after a dead supervisor, or was not.
 */
typedef struct
{
  VpReplayKind kind;
  char *vm;
  char *subject;
  char *driver;
  GError *error;
} VpReplayStep;

/**
 * vp_replay_kind_to_string:
 *
 * Returns: (transfer none): "qemu", "device" or "run-dir"
 */
const char *vp_replay_kind_to_string (VpReplayKind kind);

/**
 * vp_replay_run:
 * @sysfs: the host
 * @root: where host paths start
 * @patience_ms: the longest wait for whoever has a group open: a QEMU that was just killed
 *
 * Clears up after each VM whose supervisor is dead (the lock of its run-dir tells): ends a QEMU
 * that it left, waits until that is gone, gives back the host devices that were taken for it, and
 * removes its run-dir. What belongs to nobody (vmplug bind took it to stay) or to a VM that lives
 * is not touched. Each step can be repeated, so that a second call finishes what the first one was
 * killed at. With nothing left it costs the reading of two folders.
 *
 * Returns: (transfer full) (element-type VpReplayStep): what was done, in that order, and what
 * could not be
 */
GPtrArray *vp_replay_run (VpSysfs *sysfs, const char *root, guint patience_ms);

/**
 * vp_replay_clear_up:
 * @root: where host paths start
 *
 * The same before a VM starts, which may need what is left. What cannot be given back is told when
 * it is needed, and by vmplug gc.
 */
void vp_replay_clear_up (const char *root);

G_END_DECLS
