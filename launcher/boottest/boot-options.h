#pragma once

#include "launcher/config/config-option.h"

G_BEGIN_DECLS

/** What the guest writes to isa-debug-exit to say that all is well, unless another value was asked
 * for. */
#define VP_BOOT_DEFAULT_EXIT_VALUE 0x10

/**
 * VpResultKind:
 * @VP_RESULT_NONE: the console decides alone
 * @VP_RESULT_PORT: the guest writes it to a virtio-serial port
 * @VP_RESULT_DEBUG_EXIT: the guest writes a value to isa-debug-exit
 *
 * How the guest tells how it went.
 */
typedef enum
{
  VP_RESULT_NONE,
  VP_RESULT_PORT,
  VP_RESULT_DEBUG_EXIT,
} VpResultKind;

/**
 * VpBootOptions:
 *
 * What is asked of one boot test beside its VM. Each member is the option of the same name in
 * vmplug(1).
 */
typedef struct
{
  GPtrArray *steps;    /* (element-type VpStep) */
  GPtrArray *fail_on;  /* (element-type utf8): regular expressions */
  gboolean no_builtin; /* of the patterns of a failure: "--fail-on none" */
  guint timeout_ms;
  guint stall_ms; /* 0: the console may be quiet for as long as it likes */
  double tcg_scale;
  guint resets;
  VpResultKind result;
  guint result_value; /* of debug-exit */
  char *artifacts;    /* nullable */
  char *junit;        /* nullable */
  gboolean tap;
  gboolean console;
  gboolean dump_memory;
  int events_fd;        /* -1: none */
  GPtrArray *skip_if;   /* (element-type utf8): see vp_skip_condition_check() */
  GPtrArray *qemu_args; /* (element-type utf8) */
  char **command;       /* nullable: after "--" */
  char *word;           /* nullable: a step's word, whose text is to follow */
  GHashTable *given;    /* (element-type utf8): names of the options that were set */
} VpBootOptions;

VpBootOptions *vp_boot_options_new (void);
void vp_boot_options_free (VpBootOptions *self);

/**
 * VpBootOption:
 * @name: long name, without dashes
 * @argument: (nullable): what its value is called in the help; %NULL for a switch
 * @help: one line
 * @repeats: whether it may be given more than once
 * @is_report: it says where results go, not what is tested: it has no place in a manifest
 * @type: what its value can be in a file
 * @set: takes a value that is UTF-8 without control characters; its errors do not name the option
 *
 * One option of a boot test. The one table of them serves the command line and manifests.
 */
typedef struct
{
  const char *name;
  const char *argument;
  const char *help;
  gboolean repeats;
  gboolean is_report;
  VpOptionType type;
  gboolean (*set) (VpBootOptions *self, const char *value, GError **error);
} VpBootOption;

/**
 * vp_boot_option_get:
 * @index: 0 and up
 *
 * Returns: (transfer none) (nullable): the option, or %NULL after the last
 */
const VpBootOption *vp_boot_option_get (guint index);

/**
 * vp_boot_option_find:
 * @name: long name, without dashes
 *
 * Returns: (transfer none) (nullable): the option
 */
const VpBootOption *vp_boot_option_find (const char *name);

/**
 * vp_boot_options_set:
 * @self: options
 * @name: long name of one, without dashes
 * @value: its value; "on" or "off" for a switch
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE: no such option, given twice though it does not repeat, or a
 *   malformed value
 */
gboolean
vp_boot_options_set (VpBootOptions *self, const char *name, const char *value, GError **error);

/**
 * vp_boot_options_add_word:
 * @self: options
 * @word: the next argument that is no option
 * @error: return location for a #GError
 *
 * A step is a word, and for some a second one that is its text: "attach", "nic,user".
 *
 * Returns: %FALSE with %VP_ERROR_USAGE
 */
gboolean vp_boot_options_add_word (VpBootOptions *self, const char *word, GError **error);

/**
 * vp_boot_options_check:
 * @self: options that are all set
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE: a step lacks its text, nothing is expected, or one option
 *   needs another
 */
gboolean vp_boot_options_check (const VpBootOptions *self, GError **error);

/**
 * vp_boot_options_group:
 * @self: filled while the command line is parsed; must live as long as the group
 *
 * Returns: (transfer full): the options with their help, and the steps' words, in the order in
 *   which they are typed: a main group
 */
GOptionGroup *vp_boot_options_group (VpBootOptions *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpBootOptions, vp_boot_options_free)

G_END_DECLS
