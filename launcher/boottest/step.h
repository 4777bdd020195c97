#pragma once

#include "launcher/config/device-spec.h"

G_BEGIN_DECLS

/**
 * VpStepKind:
 * @VP_STEP_EXPECT: wait until the console shows something
 * @VP_STEP_SEND: type something on the console
 * @VP_STEP_ATTACH: plug a device in; done when it is usable
 * @VP_STEP_DETACH: unplug a device; done when it is gone
 * @VP_STEP_STOP: ask the guest to switch itself off; done when it has
 * @VP_STEP_RESET: reset the guest
 *
 * What a boot test can do.
 */
typedef enum
{
  VP_STEP_EXPECT,
  VP_STEP_SEND,
  VP_STEP_ATTACH,
  VP_STEP_DETACH,
  VP_STEP_STOP,
  VP_STEP_RESET,
} VpStepKind;

/**
 * VpStep:
 * @kind: what to do
 * @text: (nullable): as given, without its "@SECONDS"; %NULL for stop and reset
 * @regex: (nullable): what to expect
 * @bytes: (nullable): what to send
 * @spec: (nullable): what to attach
 * @within_ms: how long it may take; 0 when that was not said
 *
 * One step of a boot test's script.
 */
typedef struct
{
  VpStepKind kind;
  char *text;
  GRegex *regex;
  GBytes *bytes;
  VpDeviceSpec *spec;
  guint within_ms;
} VpStep;

/**
 * vp_step_new:
 * @kind: what to do
 * @text: (nullable): what with. Of all but what is sent, "TEXT@SECONDS" says how long it may take;
 *   "TEXT\@5" does not. What is sent has C's escapes, and gets a newline unless it ends with "\c".
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_step_free(); %NULL with %VP_ERROR_USAGE or
 *   %VP_DEVICE_ERROR_INVALID
 */
VpStep *vp_step_new (VpStepKind kind, const char *text, GError **error);

/**
 * vp_step_new_within:
 * @kind: what to do
 * @text: (nullable): what with, whole
 * @within_ms: how long it may take; 0 for no limit of its own
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): like vp_step_new()
 */
VpStep *vp_step_new_within (VpStepKind kind, const char *text, guint within_ms, GError **error);
void vp_step_free (VpStep *step);

/**
 * vp_step_kind_from_string:
 * @word: "expect", "send", "attach", "detach", "stop" or "reset"
 * @kind: (out): untouched on failure
 *
 * Returns: whether @word is one of them
 */
gboolean vp_step_kind_from_string (const char *word, VpStepKind *kind);
const char *vp_step_kind_to_string (VpStepKind kind);

/**
 * vp_step_kind_takes_text:
 *
 * Returns: whether a step of that kind needs a text; the others may have none
 */
gboolean vp_step_kind_takes_text (VpStepKind kind);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpStep, vp_step_free)

G_END_DECLS
