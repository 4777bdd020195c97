#pragma once

#include "launcher/wrapper/foreign-vm.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

inline VpForeignArgv *
parse_foreign (const std::vector<std::string> &line)
{
  std::vector<const char *> words;
  g_autoptr (GError) error = nullptr;
  VpForeignArgv *argv;

  for (const std::string &word : line)
    words.push_back (word.c_str ());
  words.push_back (nullptr);
  argv = vp_foreign_argv_parse (words.data (), &error);
  EXPECT_NE (argv, nullptr) << error->message;
  return argv;
}
