#pragma once

#include <cstdlib>
#include <string>

/* What scripts/qemu-setup makes. */
inline std::string
newer_qemu ()
{
  const char *cache = std::getenv ("VMPLUG_QEMU_CACHE");
  const char *base = std::getenv ("XDG_CACHE_HOME");
  const char *home = std::getenv ("HOME");
  std::string folder;

  if (cache != nullptr && *cache != '\0')
    folder = cache;
  else if (base != nullptr && *base == '/')
    folder = base + std::string ("/vmplug-qemu");
  else
    folder = (home != nullptr ? home : "") + std::string ("/.cache/vmplug-qemu");
  return folder + "/bin/qemu-system-x86_64";
}
