#pragma once

#include "launcher/wrapper/qemu-option.h"
#include "launcher/wrapper/qemu-params.h"

G_BEGIN_DECLS

/**
 * VpForeignOption:
 * @index: where in the command line it stands
 * @option: (nullable): what QEMU knows it as; %NULL for an unknown one and for a disk image
 * @value: (nullable): its value, the word after it; a disk image is a value alone
 * @value_index: where its value stands
 * @params: (nullable): @value taken apart
 *
 * One option on a command line.
 */
typedef struct
{
  guint index;
  const VpQemuOption *option;
  char *value;
  guint value_index;
  VpQemuParams *params;
} VpForeignOption;

/**
 * VpForeignArgv:
 * @argv: all of it, as it was given
 * @options: (element-type VpForeignOption): in their order
 * @is_incomplete: an option lacks its value, which QEMU refuses
 *
 * A command line of QEMU that somebody else wrote.
 */
typedef struct
{
  char **argv;
  GPtrArray *options;
  gboolean is_incomplete;
} VpForeignArgv;

/**
 * vp_foreign_argv_parse:
 * @argv: (array zero-terminated=1): a command line, with the program in front
 * @error: return location for a #GError
 *
 * Pure. An option that is not known has a value when the next word is no option.
 *
 * Returns: (transfer full) (nullable): free with vp_foreign_argv_free(); %NULL with
 *   %VP_ERROR_USAGE when there is not even a program
 */
VpForeignArgv *vp_foreign_argv_parse (const char *const *argv, GError **error);
void vp_foreign_argv_free (VpForeignArgv *self);

/**
 * vp_foreign_option_is:
 *
 * Returns: whether @self is the option @name, without dashes
 */
gboolean vp_foreign_option_is (const VpForeignOption *self, const char *name);

/**
 * vp_foreign_argv_find:
 *
 * Returns: (transfer none) (nullable): the last option @name
 */
const VpForeignOption *vp_foreign_argv_find (const VpForeignArgv *self, const char *name);

/**
 * vp_foreign_argv_merge:
 *
 * Returns: (transfer full): the keys of every option @name, as QEMU merges those of -machine, -m,
 *   -smp and -name: the last one wins
 */
VpQemuParams *vp_foreign_argv_merge (const VpForeignArgv *self, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpForeignArgv, vp_foreign_argv_free)

G_END_DECLS
