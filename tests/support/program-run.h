#pragma once

#include <gio/gio.h>
#include <string>
#include <vector>

/* A program of the system that has run, found by PATH. Not a shell. */
struct ProgramRun
{
  explicit ProgramRun (const std::vector<std::string> &words)
  {
    std::vector<const char *> argv;
    g_autoptr (GError) error = nullptr;
    g_autofree char *out_text = nullptr;
    g_autofree char *err_text = nullptr;
    int wait_status = 0;

    for (const std::string &word : words)
      argv.push_back (word.c_str ());
    argv.push_back (nullptr);
    if (!g_spawn_sync (nullptr, const_cast<char **> (argv.data ()), nullptr, G_SPAWN_SEARCH_PATH,
                       nullptr, nullptr, &out_text, &err_text, &wait_status, &error))
      {
        err = std::string (error->message) + "; scripts/setup installs it";
        return;
      }
    out = out_text;
    err = err_text;
    ok = g_spawn_check_wait_status (wait_status, nullptr);
  }

  bool ok = false;
  std::string out;
  std::string err;
};
