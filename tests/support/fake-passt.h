#pragma once

#include "tests/support/temp-folder.h"

#include <glib.h>
#include <sys/stat.h>

/* A passt that does nothing until its socket ends, at the front of PATH. */
class FakePasst
{
public:
  explicit FakePasst (const std::string &script = "read -r line <&3\n")
  {
    chmod (folder_.write ("passt", "#!/bin/sh\n" + script).c_str (), 0700);
    g_setenv ("PATH", (folder_.path ("") + ":" + path_).c_str (), TRUE);
  }
  ~FakePasst () { g_setenv ("PATH", path_.c_str (), TRUE); }
  FakePasst (const FakePasst &) = delete;
  FakePasst &operator= (const FakePasst &) = delete;

private:
  TempFolder folder_;
  std::string path_ = g_getenv ("PATH");
};
