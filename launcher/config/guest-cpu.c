#include "launcher/config/guest-cpu.h"

#include "devices/address-space.h"

#include <string.h>

#define QEMU_BITS 40

/* What is said of the width in an argument of -cpu; a later property replaces an earlier one. */
typedef struct
{
  guint phys_bits; /* 0: nothing */
  guint limit;     /* 0: none */
  gboolean host;   /* host-phys-bits */
  gboolean host_was_set;
  const char *vendor;
} Properties;

/* Those without 64-bit mode, with the width that is fixed for each (measured with 7.2). */
static const struct
{
  const char *model;
  guint bits;
} models_32[] = {
  { "486", 32 },     { "pentium", 32 }, { "pentium2", 36 }, { "pentium3", 36 }, { "athlon", 36 },
  { "coreduo", 32 }, { "n270", 32 },    { "kvm32", 36 },    { "qemu32", 32 },
};

static const char *const amd_models[] = {
  "max", "qemu64", "phenom", "athlon", "EPYC", "Opteron_G"
};

const char *
vp_guest_cpu_default (VpAccel accel)
{
  return accel == VP_ACCEL_KVM ? "host" : "max";
}

static guint
parse_bits (const char *value)
{
  guint64 bits;

  return g_ascii_string_to_unsigned (value, 10, 0, VP_ADDRESS_SPACE_MAX_BITS, &bits, NULL)
             ? (guint) bits
             : 0;
}

static gboolean
is_on (const char *value)
{
  static const char *const words[] = { "on", "yes", "true", "y", NULL };

  return g_strv_contains (words, value);
}

static void
take_property (Properties *properties, char *text)
{
  char *value = strchr (text, '=');

  if (value != NULL)
    *value++ = '\0';
  g_strdelimit (text, "_", '-');

  if (g_str_equal (text, "phys-bits") && value != NULL)
    properties->phys_bits = parse_bits (value);
  else if (g_str_equal (text, "host-phys-bits-limit") && value != NULL)
    properties->limit = parse_bits (value);
  else if (g_str_equal (text, "vendor") && value != NULL)
    properties->vendor = value;
  else if (g_str_equal (text, "host-phys-bits"))
    {
      properties->host = value == NULL || is_on (value);
      properties->host_was_set = TRUE;
    }
}

/* "EPYC-v2" is a version of "EPYC", "EPYC-Rome" a model of its own. */
static gboolean
is_model (const char *text, const char *model)
{
  gsize length = strlen (model);

  return strncmp (text, model, length) == 0 &&
         (text[length] == '\0' || g_str_has_prefix (text + length, "-v"));
}

static guint
find_32_bit (const char *model)
{
  for (guint i = 0; i < G_N_ELEMENTS (models_32); i++)
    if (is_model (model, models_32[i].model))
      return models_32[i].bits;

  return 0;
}

static gboolean
is_amd (const char *model, VpAccel accel, const VpHostCpu *host, const char *vendor)
{
  if (vendor != NULL)
    return g_str_equal (vendor, "AuthenticAMD");
  if (accel == VP_ACCEL_KVM)
    return host->is_amd;
  for (guint i = 0; i < G_N_ELEMENTS (amd_models); i++)
    if (g_str_has_prefix (model, amd_models[i]))
      return TRUE;

  return FALSE;
}

static void
find_kvm_width (const Properties *properties, const VpHostCpu *host, VpGuestCpu *guest)
{
  guint host_bits = host->address_bits;
  gboolean is_fixed =
      properties->phys_bits != 0 || properties->host_was_set || properties->limit != 0;

  if (properties->limit != 0 && host_bits != 0)
    host_bits = MIN (host_bits, properties->limit);
  if (properties->host)
    guest->default_bits = host_bits;
  else
    guest->default_bits = properties->phys_bits != 0 ? properties->phys_bits : QEMU_BITS;
  guest->max_bits = is_fixed ? guest->default_bits : MAX (guest->default_bits, host_bits);
}

static void
find_tcg_width (const Properties *properties, VpGuestCpu *guest)
{
  gboolean is_fixed = properties->phys_bits != 0;

  guest->default_bits = is_fixed ? properties->phys_bits : QEMU_BITS;
  guest->max_bits = is_fixed ? properties->phys_bits : VP_ADDRESS_SPACE_MAX_BITS;
}

void
vp_guest_cpu_get (const char *cpu, VpAccel accel, const VpHostCpu *host, VpGuestCpu *guest)
{
  g_auto (GStrv) parts = NULL;
  Properties properties = { .vendor = NULL };
  const char *model;
  guint bits_32;

  g_return_if_fail (host != NULL && guest != NULL);

  parts = g_strsplit (cpu != NULL ? cpu : vp_guest_cpu_default (accel), ",", -1);
  model = parts[0] != NULL ? parts[0] : "";

  properties.host = g_str_equal (model, "host") || g_str_equal (model, "max");
  for (guint i = 1; i < g_strv_length (parts); i++)
    take_property (&properties, parts[i]);

  bits_32 = find_32_bit (model);
  *guest = (VpGuestCpu){
    .is_amd = is_amd (model, accel, host, properties.vendor),
    .is_32_bit = bits_32 != 0,
    .default_bits = bits_32,
    .max_bits = bits_32,
  };
  if (bits_32 == 0 && accel == VP_ACCEL_KVM)
    find_kvm_width (&properties, host, guest);
  else if (bits_32 == 0)
    find_tcg_width (&properties, guest);
}

char *
vp_guest_cpu_widen (const char *cpu, VpAccel accel, guint bits)
{
  const char *model = cpu != NULL ? cpu : vp_guest_cpu_default (accel);

  g_return_val_if_fail (bits <= VP_ADDRESS_SPACE_MAX_BITS, g_strdup (model));

  if (accel == VP_ACCEL_KVM)
    return g_strconcat (model, ",host-phys-bits=on", NULL);
  return g_strdup_printf ("%s,phys-bits=%u", model, bits);
}
