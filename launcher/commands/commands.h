#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One function per subcommand, each in the file of its name; the type is VpCommandFunc. */

int vp_command_run (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_boot (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_plan (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_rehearse (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_test (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_devices (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_doctor (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_bind (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_release (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_gc (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_list (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_status (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_events (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_attach (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_detach (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_resize (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_config (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_console (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_stop (int argc, char **argv, gboolean *as_json, GError **error);
int vp_command_qmp (int argc, char **argv, gboolean *as_json, GError **error);

G_END_DECLS
