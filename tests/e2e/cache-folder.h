#pragma once

#include <cstdlib>
#include <string>

/* Where a script of scripts/ keeps what it makes: @variable, or @name in the user's cache. */
inline std::string
cache_folder (const char *variable, const std::string &name)
{
  const char *own = std::getenv (variable);
  const char *base = std::getenv ("XDG_CACHE_HOME");
  const char *home = std::getenv ("HOME");

  if (own != nullptr && *own != '\0')
    return own;
  if (base != nullptr && *base == '/')
    return base + ("/" + name);
  return (home != nullptr ? home : "") + ("/.cache/" + name);
}
