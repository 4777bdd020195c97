#include "launcher/vm/argv-foreign.h"

#include "launcher/vm/argv-writer.h"

#define CPU "x86_64-cpu"

static void
add_width (GPtrArray *argv, VpAccel accel, guint bits)
{
  if (bits == 0)
    return;

  /* As vp_guest_cpu_widen() does it. */
  if (accel == VP_ACCEL_KVM)
    vp_argv_add (argv, "-global", CPU ".host-phys-bits=on");
  else
    vp_argv_add_format (argv, "-global", CPU ".phys-bits=%u", bits);
}

char **
vp_argv_foreign_build (const VpArgvInput *input, const VpForeign *foreign, guint bits)
{
  g_autoptr (GPtrArray) cold = NULL;
  GPtrArray *argv;

  g_return_val_if_fail (input != NULL && foreign != NULL, NULL);
  g_return_val_if_fail (input->first_device_fd == foreign->first_fd + 1, NULL);

  argv = g_ptr_array_new ();
  for (char **arg = foreign->argv; *arg != NULL; arg++)
    g_ptr_array_add (argv, g_strdup (*arg));

  vp_argv_add_format (argv, "-chardev", "socket,id=" VP_ARGV_FOREIGN_QMP_ID ",fd=%d",
                      foreign->first_fd);
  vp_argv_add (argv, "-mon", "chardev=" VP_ARGV_FOREIGN_QMP_ID ",mode=control");
  if (!foreign->has_aperture)
    vp_argv_add_aperture (argv, input->plan);
  add_width (argv, input->accel, bits);

  vp_argv_add_topology (argv, input->plan);
  cold = vp_argv_get_cold_devices (input);
  for (guint i = 0; i < cold->len; i++)
    vp_plug_sequence_add_to_argv (cold->pdata[i], argv);

  g_ptr_array_add (argv, NULL);
  return (char **) g_ptr_array_free (argv, FALSE);
}
