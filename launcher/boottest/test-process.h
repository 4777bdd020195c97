#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VpTestProcess:
 *
 * One "vmplug boot" that runs a case: a process of its own, which is heard over a pipe.
 */
typedef struct _VpTestProcess VpTestProcess;

/**
 * VpTestProcessHooks:
 * @event: called with each event but the last; see vmplug-test.toml(5)
 * @ended: called once, after everything else: @document is its verdict, or %NULL with @why there is
 *   none, which is one line; the process may be freed in it
 * @user_data: for both
 */
typedef struct
{
  void (*event) (JsonObject *event, gpointer user_data);
  void (*ended) (JsonObject *document, const char *why, gpointer user_data);
  gpointer user_data;
} VpTestProcessHooks;

/**
 * vp_test_process_find_program:
 *
 * Returns: (transfer full): the program that we are
 */
char *vp_test_process_find_program (void);

/**
 * vp_test_process_spawn:
 * @program: vmplug
 * @argv: (array zero-terminated=1): a command line of vmplug boot, from its name on
 * @artifacts: (nullable): its folder of artifacts
 * @hooks: who is told; borrowed until it is freed
 * @error: return location for a #GError
 *
 * It has no input, its output is not looked at, and it never outlives us.
 *
 * Returns: (transfer full) (nullable): free with vp_test_process_free(); %NULL with %VP_ERROR_START
 */
VpTestProcess *vp_test_process_spawn (const char *program,
                                      char **argv,
                                      const char *artifacts,
                                      const VpTestProcessHooks *hooks,
                                      GError **error);

/**
 * vp_test_process_free:
 *
 * Kills it if it still runs, and waits for it.
 */
void vp_test_process_free (VpTestProcess *self);

/**
 * vp_test_process_signal:
 * @self: a process
 * @signal_number: SIGTERM, SIGKILL
 */
void vp_test_process_signal (VpTestProcess *self, int signal_number);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpTestProcess, vp_test_process_free)

G_END_DECLS
