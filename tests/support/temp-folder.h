#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

/* A folder for a test's own files, gone with it. */
class TempFolder
{
public:
  TempFolder ()
  {
    std::string pattern =
        (std::filesystem::temp_directory_path () / "vmplug-test-XXXXXX").string ();
    if (mkdtemp (pattern.data ()) == nullptr)
      std::abort ();
    path_ = pattern;
  }
  ~TempFolder () { std::filesystem::remove_all (path_); }
  TempFolder (const TempFolder &) = delete;
  TempFolder &operator= (const TempFolder &) = delete;

  std::string
  path (const std::string &name) const
  {
    return (path_ / name).string ();
  }
  /* Returns its path. */
  std::string
  write (const std::string &name, const std::string &content) const
  {
    std::ofstream file (path_ / name, std::ios::binary);
    if (!(file << content).flush ())
      std::abort ();
    return path (name);
  }
  std::string
  make_folder (const std::string &name) const
  {
    std::filesystem::create_directories (path_ / name);
    return path (name);
  }

private:
  std::filesystem::path path_;
};
