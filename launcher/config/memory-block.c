#include "launcher/config/memory-block.h"

#define MIN_BLOCK  (G_GUINT64_CONSTANT (2) << 20)
#define MAX_BLOCKS 32768

guint64
vp_memory_block (guint64 memory, guint64 max_memory)
{
  guint64 block = MIN_BLOCK;

  while (max_memory > memory && (max_memory - memory) / block > MAX_BLOCKS)
    block *= 2;
  return block;
}
