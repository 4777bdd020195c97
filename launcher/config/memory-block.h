#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vp_memory_block:
 * @memory: bytes that the VM starts with
 * @max_memory: bytes that it can have; anything for none more
 *
 * What is added comes in blocks of 2 MiB, the size of a transparent huge page, which QEMU would
 * take as well (hw/virtio/virtio-mem.c). VFIO maps each block by itself and its container takes
 * 65535 mappings (drivers/vfio/vfio_iommu_type1.c, dma_entry_limit), so that there are at most
 * 32768 blocks and the larger ones are powers of two.
 *
 * Returns: bytes in one block
 */
guint64 vp_memory_block (guint64 memory, guint64 max_memory);

G_END_DECLS
