#pragma once

#include "launcher/config/config-option.h"

G_BEGIN_DECLS

/**
 * VpManifestKeyKind:
 * @VP_MANIFEST_KEY_VM: an option of the VM
 * @VP_MANIFEST_KEY_BOOT: an option of the boot test
 * @VP_MANIFEST_KEY_CONFIG: --config
 * @VP_MANIFEST_KEY_STEPS: steps, or expect for steps that are nothing else
 * @VP_MANIFEST_KEY_COMMAND: what follows "--"
 * @VP_MANIFEST_KEY_NAME: what the case is called
 * @VP_MANIFEST_KEY_MATRIX: a table of keys that are each of their values in turn
 *
 * What becomes of the value of a key.
 */
typedef enum
{
  VP_MANIFEST_KEY_VM,
  VP_MANIFEST_KEY_BOOT,
  VP_MANIFEST_KEY_CONFIG,
  VP_MANIFEST_KEY_STEPS,
  VP_MANIFEST_KEY_COMMAND,
  VP_MANIFEST_KEY_NAME,
  VP_MANIFEST_KEY_MATRIX,
} VpManifestKeyKind;

/**
 * VpManifestKey:
 * @kind: what becomes of its value
 * @option: long name of the option, without dashes
 * @repeats: whether an array is all its values, and not each of them in turn
 * @type: what its value can be
 *
 * A key of [defaults] or of a [[case]].
 */
typedef struct
{
  VpManifestKeyKind kind;
  const char *option;
  gboolean repeats;
  VpOptionType type;
} VpManifestKey;

/**
 * vp_manifest_key_find:
 * @name: a key
 * @key: (out): what it is
 *
 * Returns: whether there is such a key
 */
gboolean vp_manifest_key_find (const char *name, VpManifestKey *key);

/**
 * vp_manifest_key_suggest:
 * @name: a key that is none
 *
 * Returns: (transfer full) (nullable): the key that was probably meant; %NULL when none looks like
 *   it
 */
char *vp_manifest_key_suggest (const char *name);

G_END_DECLS
