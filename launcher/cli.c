#include "launcher/cli.h"

#include "launcher/commands/commands.h"

static const VpCommand commands[] = {
  { "run", "boot a VM and stay with it, or leave it running with --detach", vp_command_run },
  { "plan", "print where each device goes and QEMU's command line; change nothing",
    vp_command_plan },
  { "rehearse", "boot the planned machine with stand-ins for its devices; prove that all find room",
    vp_command_rehearse },
  { "boot", "boot a VM and judge from its console whether that went well", vp_command_boot },
  { "test", "boot the VMs of a manifest and judge each of them", vp_command_test },
  { "config", "print the options of a VM and where each comes from, or what is read of kata's",
    vp_command_config },
  { "devices", "list the host's PCI devices and which of them can be assigned",
    vp_command_devices },
  { "doctor", "look whether this host can pass devices through, and say what to do",
    vp_command_doctor },
  { "bind", "give host devices to vfio-pci, and note whose they were", vp_command_bind },
  { "release", "give host devices back to the drivers they had", vp_command_release },
  { "gc", "clear up after VMs whose supervisor died", vp_command_gc },
  { "list", "list the VMs that run", vp_command_list },
  { "status", "show one VM, its ports and its devices", vp_command_status },
  { "events", "print the events of a VM as lines of JSON", vp_command_events },
  { "attach", "add a device to a running VM", vp_command_attach },
  { "detach", "take a device from a running VM", vp_command_detach },
  { "resize", "change how many CPUs and how much memory a running VM has", vp_command_resize },
  { "console", "show the serial console of a VM and type on it", vp_command_console },
  { "stop", "end a VM, in good order or by force", vp_command_stop },
  { "qmp", "give a VM one QMP command", vp_command_qmp },
};

const VpCommand *
vp_cli_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_strcmp0 (commands[i].name, name) == 0)
      return &commands[i];

  return NULL;
}

char *
vp_cli_help (void)
{
  GString *text = g_string_new ("Usage: vmplug COMMAND [OPTION…]\n\n"
                                "Starts QEMU virtual machines with passed-through PCI devices.\n\n"
                                "Commands:\n");

  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    g_string_append_printf (text, "  %-9s %s\n", commands[i].name, commands[i].summary);
  g_string_append (text,
                   "\nOptions:\n"
                   "  --help     show this help; vmplug COMMAND --help shows that of a command\n"
                   "  --version  show the version\n");
  return g_string_free (text, FALSE);
}
