#include "launcher/pci-class.h"

/* PCI Code and ID Assignment Specification 1.14: those that servers and workstations have. The
 * first row whose base class and sub-class fit; -1 stands for any sub-class. */
static const struct
{
  guint8 base;
  int sub;
  const char *name;
} names[] = {
  { 0x01, 0x00, "SCSI controller" },
  { 0x01, 0x01, "IDE controller" },
  { 0x01, 0x04, "RAID controller" },
  { 0x01, 0x06, "SATA controller" },
  { 0x01, 0x07, "SAS controller" },
  { 0x01, 0x08, "NVMe controller" },
  { 0x01, -1, "storage controller" },
  { 0x02, 0x00, "Ethernet controller" },
  { 0x02, 0x07, "InfiniBand controller" },
  { 0x02, -1, "network controller" },
  { 0x03, 0x00, "VGA controller" },
  { 0x03, 0x02, "3D controller" },
  { 0x03, -1, "display controller" },
  { 0x04, 0x03, "audio device" },
  { 0x04, -1, "multimedia controller" },
  { 0x05, 0x02, "CXL memory" },
  { 0x05, -1, "memory controller" },
  { 0x06, 0x00, "host bridge" },
  { 0x06, 0x01, "ISA bridge" },
  { 0x06, 0x04, "PCI bridge" },
  { 0x06, -1, "bridge" },
  { 0x07, -1, "communication controller" },
  { 0x08, -1, "system peripheral" },
  { 0x09, -1, "input device" },
  { 0x0b, -1, "processor" },
  { 0x0c, 0x03, "USB controller" },
  { 0x0c, 0x05, "SMBus" },
  { 0x0c, 0x06, "InfiniBand controller" },
  { 0x0c, -1, "serial bus controller" },
  { 0x0d, -1, "wireless controller" },
  { 0x10, -1, "encryption controller" },
  { 0x11, -1, "signal processor" },
  { 0x12, -1, "processing accelerator" },
};

const char *
vp_pci_class_name (guint32 class_code)
{
  guint base = class_code >> 16 & 0xff;
  int sub = (int) (class_code >> 8 & 0xff);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (names[i].base == base && (names[i].sub == sub || names[i].sub < 0))
      return names[i].name;

  return "device";
}
