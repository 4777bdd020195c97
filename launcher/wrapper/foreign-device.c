#include "launcher/wrapper/foreign-device.h"

#define LAST_SLOT   31
#define N_FUNCTIONS 8

static const char *const ports[] = {
  "pcie-root-port", "ioh3420",      "x3130-upstream", "xio3130-downstream",
  "cxl-rp",         "cxl-upstream", "cxl-downstream", NULL,
};

static const char *const bridges[] = {
  "pci-bridge", "pci-bridge-seat", "pcie-pci-bridge", "i82801b11-bridge", NULL,
};

/* What is no PCI device, by the names of all such drivers, and by how they begin and end. */
static const char *const other_names[] = {
  "virtconsole", "virtserialport", "nvdimm", "pc-dimm",
  "nvme-ns",     "nvme-subsys",    "floppy", "pvpanic",
  "ramfb",       "vmcoreinfo",     "loader", "vmgenid",
  "tpm-tis",     "tpm-crb",        "ib700",  "guest-loader",
  "sga",         "intel-iommu",    "sb16",   "gus",
  "adlib",       "cs4231a",        "vmport", "vfio-ap",
  "sd-card",     "ne2k_isa",       NULL,
};

static const char *const other_prefixes[] = {
  "isa-", "usb-", "scsi-", "ide-", "hda-", "ccid-", "ipmi-bmc-", "u2f-",
};

static const char *const other_suffixes[] = { "-device", "-cpu" };

void
vp_foreign_device_free (VpForeignDevice *self)
{
  if (self == NULL)
    return;

  g_free (self->driver);
  g_free (self->id);
  g_free (self->bus);
  g_free (self->addr);
  g_free (self->host);
  g_free (self->sysfsdev);
  g_free (self);
}

int
vp_foreign_device_parse_slot (const VpQemuParams *params)
{
  const VpQemuParam *param = vp_qemu_params_find (params, "addr");
  guint64 number;
  char *end;

  if (param == NULL || !g_ascii_isxdigit (param->value[0]))
    return -1;

  number = g_ascii_strtoull (param->value, &end, param->is_number ? 10 : 16);
  if (param->is_number)
    number /= N_FUNCTIONS;
  if (number > LAST_SLOT || (*end != '\0' && *end != '.'))
    return -1;
  return (int) number;
}

static int
get_number (const VpQemuParams *params, const char *key)
{
  const char *value = vp_qemu_params_get (params, key);
  guint64 number;
  char *end;

  if (value == NULL || !g_ascii_isdigit (value[0]))
    return -1;
  number = g_ascii_strtoull (value, &end, 0);
  return *end == '\0' && number <= G_MAXUINT8 ? (int) number : -1;
}

VpForeignDevice *
vp_foreign_device_new (const VpForeignOption *option)
{
  const VpQemuParams *params;
  VpForeignDevice *self;

  g_return_val_if_fail (option != NULL && option->params != NULL, NULL);

  params = option->params;
  self = g_new0 (VpForeignDevice, 1);
  self->index = option->value_index;
  self->is_json = vp_qemu_params_is_json (params);
  self->driver = g_strdup (vp_qemu_params_get (params, "driver"));
  if (self->driver == NULL)
    self->driver = g_strdup ("");
  self->id = g_strdup (vp_qemu_params_get (params, "id"));
  self->bus = g_strdup (vp_qemu_params_get (params, "bus"));
  self->addr = g_strdup (vp_qemu_params_get (params, "addr"));
  self->slot = vp_foreign_device_parse_slot (params);
  self->host = g_strdup (vp_qemu_params_get (params, "host"));
  self->sysfsdev = g_strdup (vp_qemu_params_get (params, "sysfsdev"));
  self->chassis = get_number (params, "chassis");
  if (self->chassis < 0)
    self->chassis = get_number (params, "chassis_nr");
  self->bus_nr = get_number (params, "bus_nr");
  return self;
}

static gboolean
may_be_pci (const char *driver)
{
  if (g_str_equal (driver, "usb-ehci"))
    return TRUE;
  if (g_strv_contains (other_names, driver))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (other_prefixes); i++)
    if (g_str_has_prefix (driver, other_prefixes[i]))
      return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (other_suffixes); i++)
    if (g_str_has_suffix (driver, other_suffixes[i]))
      return FALSE;
  return TRUE;
}

gboolean
vp_foreign_device_is_on_bus (const VpForeignDevice *self, const char *root_bus)
{
  g_autofree char *way = NULL;

  g_return_val_if_fail (self != NULL && root_bus != NULL, FALSE);

  if (self->bus == NULL)
    return may_be_pci (self->driver);

  /* A bus can be given by its path, too. */
  way = g_strconcat ("/", root_bus, NULL);
  return g_str_equal (self->bus, root_bus) || g_str_has_suffix (self->bus, way);
}

gboolean
vp_foreign_device_is_port (const VpForeignDevice *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return g_strv_contains (ports, self->driver);
}

gboolean
vp_foreign_device_is_bridge (const VpForeignDevice *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return g_strv_contains (bridges, self->driver) || vp_foreign_device_is_port (self);
}
