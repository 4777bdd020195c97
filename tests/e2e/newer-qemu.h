#pragma once

#include "tests/e2e/cache-folder.h"

/* What scripts/qemu-setup makes: QEMU 10.0, or with "11" that one. */
inline std::string
newer_qemu (const std::string &release = "")
{
  return cache_folder ("VMPLUG_QEMU_CACHE", "vmplug-qemu") + (release.empty () ? "" : "/") +
         release + "/bin/qemu-system-x86_64";
}
