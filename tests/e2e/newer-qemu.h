#pragma once

#include "tests/e2e/cache-folder.h"

/* What scripts/qemu-setup makes. */
inline std::string
newer_qemu ()
{
  return cache_folder ("VMPLUG_QEMU_CACHE", "vmplug-qemu") + "/bin/qemu-system-x86_64";
}
