#include "launcher/boottest/boot-config.h"

#include "launcher/boottest/guest-command.h"

#include <string.h>

#define SERIAL_CONSOLE "console=ttyS0"
#define NO_TIMER_CHECK "no_timer_check"

/* Puts @word before the kernel's command line, unless that has something of the kind. */
static void
add_word (VpConfig *config, const char *word, const char *kind)
{
  g_autofree char *append = g_steal_pointer (&config->append);

  if (append != NULL && strstr (append, kind) != NULL)
    config->append = g_steal_pointer (&append);
  else
    config->append = append != NULL && append[0] != '\0' ? g_strconcat (word, " ", append, NULL)
                                                         : g_strdup (word);
}

/* A kernel that does not know where its console is would be tested in vain. And one that tests its
 * timer panics on a busy host that emulates it (1 boot in 100, measured); on KVM Linux leaves that
 * test out by itself (arch/x86/kernel/kvm.c). */
static void
complete_append (VpConfig *config)
{
  if (config->kernel == NULL)
    return;
  add_word (config, NO_TIMER_CHECK, NO_TIMER_CHECK);
  add_word (config, SERIAL_CONSOLE, "console=");
}

/* A panic is QEMU's to tell, too, and leaves the guest there to be looked at. The user's come
 * behind: they count more. */
static gboolean
add_qemu_args (VpConfig *config, const VpBootOptions *options, GError **error)
{
  g_autoptr (GPtrArray) args = g_ptr_array_new ();
  static const char *const ours[] = { "-device", "{\"driver\":\"pvpanic\"}", "-action",
                                      "panic=pause" };

  for (guint i = 0; i < G_N_ELEMENTS (ours); i++)
    g_ptr_array_add (args, (gpointer) ours[i]);
  for (guint i = 0; i < options->qemu_args->len; i++)
    g_ptr_array_add (args, options->qemu_args->pdata[i]);
  g_ptr_array_add (args, NULL);
  return vp_config_set_qemu_args (config, (char **) args->pdata, error);
}

gboolean
vp_boot_config_complete (VpConfig *config, const VpBootOptions *options, GError **error)
{
  complete_append (config);
  return add_qemu_args (config, options, error);
}

gboolean
vp_boot_config_add_result (VpConfig *config, const VpBootOptions *options, GError **error)
{
  if (options->command != NULL)
    return vp_guest_command_prepare (config, error);
  if (options->result == VP_RESULT_PORT)
    config->guest_ports = VP_GUEST_PORTS_RESULT;
  config->has_debug_exit = options->result == VP_RESULT_DEBUG_EXIT;
  return TRUE;
}
