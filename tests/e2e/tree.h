#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <sys/stat.h>

/* All that is below a folder: path -> type, mode and owner, and the content or target. Two of them
 * are equal when nothing was changed. */
inline std::map<std::string, std::string>
tree_of (const std::filesystem::path &root)
{
  std::map<std::string, std::string> tree;

  for (const auto &entry : std::filesystem::recursive_directory_iterator (root))
    {
      std::ostringstream text;
      struct stat status;

      if (lstat (entry.path ().c_str (), &status) != 0)
        continue;
      text << std::oct << status.st_mode << std::dec << ' ' << status.st_uid << ' ';
      if (entry.is_symlink ())
        text << std::filesystem::read_symlink (entry.path ()).string ();
      else if (entry.is_regular_file ())
        text << std::ifstream (entry.path (), std::ios::binary).rdbuf ();
      tree[entry.path ().string ()] = text.str ();
    }
  return tree;
}
