#pragma once

#include <glib.h>
#include <gtest/gtest.h>
#include <string>

/* Compares @text with tests/golden/@name, or writes the file when VMPLUG_UPDATE_GOLDEN=1. */
inline void
expect_golden (const std::string &name, const std::string &text)
{
  const std::string path = std::string (VMPLUG_GOLDEN_DIR) + "/" + name;
  g_autoptr (GError) error = nullptr;
  g_autofree char *wanted = nullptr;

  if (g_strcmp0 (g_getenv ("VMPLUG_UPDATE_GOLDEN"), "1") == 0)
    {
      EXPECT_TRUE (g_file_set_contents (path.c_str (), text.c_str (), -1, &error))
          << error->message;
      return;
    }

  ASSERT_TRUE (g_file_get_contents (path.c_str (), &wanted, nullptr, &error)) << error->message;
  EXPECT_EQ (text, wanted) << "VMPLUG_UPDATE_GOLDEN=1 rewrites " << path;
}
