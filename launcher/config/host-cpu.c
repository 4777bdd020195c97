#include "launcher/config/host-cpu.h"

#define CPUINFO_HEAD 65536 /* holds the first processor, and all are alike */
#define LEAST_BITS   32
#define MOST_BITS    52 /* of x86 (Intel SDM, volume 3, 4.1.4) */

static gboolean
matches (const char *text, const char *regex)
{
  return g_regex_match_simple (regex, text, G_REGEX_MULTILINE | G_REGEX_RAW, 0);
}

static guint
find_address_bits (const char *text)
{
  g_autoptr (GRegex) regex = g_regex_new ("^address sizes\\s*: ([0-9]{1,3}) bits physical",
                                          G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *number = NULL;
  guint64 bits;

  if (!g_regex_match (regex, text, 0, &match))
    return 0;

  number = g_match_info_fetch (match, 1);
  return g_ascii_string_to_unsigned (number, 10, LEAST_BITS, MOST_BITS, &bits, NULL) ? (guint) bits
                                                                                     : 0;
}

void
vp_host_cpu_read (VpSysfs *sysfs, VpHostCpu *cpu)
{
  g_autofree char *text = NULL;

  g_return_if_fail (sysfs != NULL && cpu != NULL);

  text = vp_sysfs_read_head (sysfs, "proc/cpuinfo", CPUINFO_HEAD);
  *cpu = (VpHostCpu){
    .has_virtualization = matches (text, "^flags\\s*:(.* )?(vmx|svm)( |$)"),
    .is_amd = matches (text, "^vendor_id\\s*: AuthenticAMD$"),
    .address_bits = find_address_bits (text),
  };
}
