#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* How one option of QEMU's command line is written; @argv is a (element-type utf8). */

/**
 * vp_argv_add:
 * @argv: a command line in the making
 * @option: "-kernel"
 * @value: (nullable): its value, as it is
 */
void vp_argv_add (GPtrArray *argv, const char *option, const char *value);

/**
 * vp_argv_add_format:
 * @argv: a command line in the making
 * @option: "-name"
 * @format: its value. Text of the user's goes through vp_argv_escape() first, or is known to hold
 * no comma
 */
void vp_argv_add_format (GPtrArray *argv, const char *option, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/**
 * vp_argv_add_json:
 * @argv: a command line in the making
 * @option: "-device"
 * @object: (transfer full): its value
 */
void vp_argv_add_json (GPtrArray *argv, const char *option, JsonObject *object);

/**
 * vp_argv_escape:
 * @text: a value for one of the few options that only take key=value
 *
 * Returns: (transfer full): @text with every comma doubled
 */
char *vp_argv_escape (const char *text);

/**
 * vp_argv_new_device:
 * @driver: QEMU's name of a device
 * @id: its id
 * @bus: QEMU's name of a bus
 * @slot: slot on it
 * @function: function there
 *
 * Returns: (transfer full): what every PCI device has
 */
JsonObject *vp_argv_new_device (
    const char *driver, const char *id, const char *bus, guint slot, guint function);

G_END_DECLS
