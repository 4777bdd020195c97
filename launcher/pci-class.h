#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_pci_class_name:
 * @class_code: 24 bits: base class, sub-class, programming interface
 *
 * Returns: (transfer none): what people call it, "VGA controller"; "device" for what is in no table
 *   of ours
 */
const char *vp_pci_class_name (guint32 class_code);

G_END_DECLS
