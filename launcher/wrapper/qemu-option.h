#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpQemuOption:
 * @name: without dashes
 * @has_value: whether the next word belongs to it
 * @first_key: (nullable): key that the first word of its value may leave out: "-device VGA" is
 *   "-device driver=VGA"
 * @has_help: whether its value can be "help", upon which QEMU lists something and ends
 *
 * An option of QEMU.
 */
typedef struct
{
  const char *name;
  gboolean has_value;
  const char *first_key;
  gboolean has_help;
} VpQemuOption;

/**
 * vp_qemu_option_find:
 * @word: a word of a command line, with one dash or two
 *
 * Knows those of QEMU 7.2 to 11, and those that were removed before.
 *
 * Returns: (transfer none) (nullable): the option; of two names for the same, "-M" and "-machine",
 *   it has the longer one
 */
const VpQemuOption *vp_qemu_option_find (const char *word);

G_END_DECLS
