#pragma once

#include "launcher/config/config.h"

G_BEGIN_DECLS

/** What a virtio-serial port may be called. */
#define VP_READY_PORT_GRAMMAR "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

/**
 * VpOptionType:
 * @VP_OPTION_TEXT: a string in files, too
 * @VP_OPTION_NUMBER: may be an integer there
 * @VP_OPTION_SIZE: may be an integer there, of bytes
 * @VP_OPTION_SWITCH: may be true or false there
 */
typedef enum
{
  VP_OPTION_TEXT,
  VP_OPTION_NUMBER,
  VP_OPTION_SIZE,
  VP_OPTION_SWITCH,
} VpOptionType;

/**
 * VpConfigOption:
 * @name: long name, without dashes
 * @argument: what its value is called in the help
 * @help: one line
 * @repeats: whether it may be given more than once
 * @type: what its value can be in a file
 * @initial: (nullable): the value that it has unless it is given; %NULL for none
 * @set: takes a value that is UTF-8 without control characters; its errors do not name the option
 *
 * One option of the VM. The one table of them serves the command line and every file format.
 */
typedef struct
{
  const char *name;
  const char *argument;
  const char *help;
  gboolean repeats;
  VpOptionType type;
  const char *initial;
  gboolean (*set) (VpConfig *config, const char *value, GError **error);
} VpConfigOption;

/**
 * vp_config_option_get:
 * @index: 0 and up
 *
 * Returns: (transfer none) (nullable): the option, or %NULL after the last
 */
const VpConfigOption *vp_config_option_get (guint index);

/**
 * vp_config_option_find:
 * @name: long name, without dashes
 *
 * Returns: (transfer none) (nullable): the option
 */
const VpConfigOption *vp_config_option_find (const char *name);

G_END_DECLS
