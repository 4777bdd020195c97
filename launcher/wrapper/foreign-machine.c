#include "launcher/wrapper/foreign-machine.h"

#include <string.h>

#define DEFAULT_MACHINE "pc"
#define Q35_PREFIX      "pc-q35-"
#define PC_PREFIX       "pc-i440fx-"
#define ACPI_PROPERTY   "acpi-pci-hotplug-with-bridge-support"

/* The first machine with ACPI hotplug on q35. */
#define ACPI_MAJOR 6
#define ACPI_MINOR 1

char *
vp_foreign_machine_get_name (const VpForeignArgv *argv)
{
  g_autoptr (VpQemuParams) machine = vp_foreign_argv_merge (argv, "machine");
  const char *name = vp_qemu_params_get (machine, "type");

  return g_strdup (name != NULL ? name : DEFAULT_MACHINE);
}

gboolean
vp_foreign_machine_parse_type (const char *name, VpMachineType *type)
{
  g_return_val_if_fail (name != NULL && type != NULL, FALSE);

  if (g_str_equal (name, "q35") || g_str_has_prefix (name, Q35_PREFIX))
    *type = VP_MACHINE_Q35;
  else if (g_str_equal (name, "pc") || g_str_has_prefix (name, PC_PREFIX))
    *type = VP_MACHINE_PC;
  else
    return FALSE;
  return TRUE;
}

static VpAccel
choose_accel (GPtrArray *names)
{
  if (names->len == 0 || g_str_equal (names->pdata[0], "tcg"))
    return VP_ACCEL_TCG;
  return names->len == 1 ? VP_ACCEL_KVM : VP_ACCEL_AUTO;
}

VpAccel
vp_foreign_machine_get_accel (const VpForeignArgv *argv)
{
  g_autoptr (VpQemuParams) machine = vp_foreign_argv_merge (argv, "machine");
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_auto (GStrv) list = NULL;
  const char *of_machine = vp_qemu_params_get (machine, "accel");

  /* -enable-kvm is another word for accel=kvm of the machine. */
  if (vp_foreign_argv_find (argv, "enable-kvm") != NULL)
    of_machine = "kvm";
  if (of_machine != NULL)
    {
      list = g_strsplit (of_machine, ":", -1);
      for (char **name = list; *name != NULL; name++)
        g_ptr_array_add (names, *name);
      return choose_accel (names);
    }

  for (guint i = 0; i < argv->options->len; i++)
    {
      const VpForeignOption *option = argv->options->pdata[i];
      const char *name = vp_foreign_option_is (option, "accel") && option->params != NULL
                             ? vp_qemu_params_get (option->params, "accel")
                             : NULL;

      if (name != NULL)
        g_ptr_array_add (names, (gpointer) name);
    }
  /* Called as "kvm", QEMU tries that first (accel/accel-system.c). */
  if (names->len == 0 && g_str_has_suffix (argv->argv[0], "kvm"))
    return VP_ACCEL_AUTO;
  return choose_accel (names);
}

static gboolean
is_older_q35 (const char *name)
{
  guint64 major, minor;
  char *end;

  if (!g_str_has_prefix (name, Q35_PREFIX))
    return FALSE;
  major = g_ascii_strtoull (name + strlen (Q35_PREFIX), &end, 10);
  minor = *end == '.' ? g_ascii_strtoull (end + 1, NULL, 10) : 0;
  return major < ACPI_MAJOR || (major == ACPI_MAJOR && minor < ACPI_MINOR);
}

/* "DRIVER.PROPERTY=VALUE", or the same by three keys. */
static void
take_global (const VpQemuParams *params, gboolean *has_acpi)
{
  const char *property = vp_qemu_params_get (params, "property");

  if (property != NULL && g_str_equal (property, ACPI_PROPERTY))
    *has_acpi = vp_qemu_params_is_on (params, "value", *has_acpi);
  *has_acpi = vp_qemu_params_is_on (params, "ICH9-LPC." ACPI_PROPERTY, *has_acpi);
}

VpHotplugMode
vp_foreign_machine_get_hotplug_mode (const VpForeignArgv *argv, const char *name)
{
  g_autoptr (VpQemuParams) machine = vp_foreign_argv_merge (argv, "machine");
  VpMachineType type = VP_MACHINE_PC;
  gboolean has_acpi = !is_older_q35 (name);

  if (!vp_foreign_machine_parse_type (name, &type) || type == VP_MACHINE_PC)
    return VP_HOTPLUG_ACPI;

  for (guint i = 0; i < argv->options->len; i++)
    {
      const VpForeignOption *option = argv->options->pdata[i];

      if (vp_foreign_option_is (option, "global") && option->params != NULL)
        take_global (option->params, &has_acpi);
    }
  if (vp_foreign_argv_find (argv, "no-acpi") != NULL ||
      !vp_qemu_params_is_on (machine, "acpi", TRUE))
    has_acpi = FALSE;
  return has_acpi ? VP_HOTPLUG_ACPI : VP_HOTPLUG_NATIVE;
}

guint64
vp_foreign_machine_parse_size (const char *text, guint64 unit)
{
  static const char units[] = "BKMGTPE";
  const char *letter;
  double number;
  char *end;

  if (text == NULL || !g_ascii_isdigit (text[0]))
    return 0;

  number = text[0] == '0' && g_ascii_tolower (text[1]) == 'x'
               ? (double) g_ascii_strtoull (text, &end, 16)
               : g_ascii_strtod (text, &end);
  if (*end != '\0')
    {
      letter = strchr (units, g_ascii_toupper (*end));
      if (letter == NULL || end[1] != '\0')
        return 0;
      unit = G_GUINT64_CONSTANT (1) << 10 * (letter - units);
    }
  number *= (double) unit;
  return number >= 0 && number < (double) G_MAXINT64 ? (guint64) number : 0;
}

static gboolean
is_help (const char *text)
{
  return text != NULL && (g_str_equal (text, "help") || g_str_equal (text, "?"));
}

static gboolean
asks_for_help (const VpForeignOption *option)
{
  if (vp_foreign_option_is (option, "help") || vp_foreign_option_is (option, "version") ||
      vp_foreign_option_is (option, "audio-help"))
    return TRUE;
  if (option->params == NULL)
    return FALSE;
  if (vp_foreign_option_is (option, "drive"))
    return is_help (vp_qemu_params_get (option->params, "format"));
  if (!option->option->has_help)
    return FALSE;

  if (is_help (option->value) || is_help (vp_qemu_params_get (option->params, "model")))
    return TRUE;
  if (option->option->first_key != NULL &&
      is_help (vp_qemu_params_get (option->params, option->option->first_key)))
    return TRUE;
  return vp_qemu_params_find (option->params, "help") != NULL ||
         vp_qemu_params_find (option->params, "?") != NULL;
}

gboolean
vp_foreign_machine_is_probe (const VpForeignArgv *argv)
{
  g_autofree char *name = vp_foreign_machine_get_name (argv);

  if (g_str_equal (name, "none"))
    return TRUE;
  for (guint i = 0; i < argv->options->len; i++)
    {
      const VpForeignOption *option = argv->options->pdata[i];

      if (option->option != NULL && asks_for_help (option))
        return TRUE;
    }
  return FALSE;
}
