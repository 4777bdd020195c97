#pragma once

#include "tests/e2e/json.h"
#include "tests/support/vmplug-program.h"

/* A command that failed says so as the contract has it: its exit status, one line that begins with
 * "vmplug: ", has all of @texts and can be printed anywhere; on stdout nothing, or with --json the
 * same as one document. */
inline void
expect_failure (const Outcome &outcome, int status, const std::vector<std::string> &texts)
{
  EXPECT_EQ (outcome.status, status) << outcome;
  EXPECT_EQ (outcome.err.rfind ("vmplug: ", 0), 0u) << outcome;
  EXPECT_EQ (outcome.err.find ('\n'), outcome.err.size () - 1) << outcome;
  EXPECT_TRUE (g_utf8_validate (outcome.err.c_str (), -1, nullptr)) << outcome;
  for (const std::string &text : texts)
    EXPECT_TRUE (outcome.says (text)) << "no \"" << text << "\" in: " << outcome;

  if (outcome.command.find (" --json") == std::string::npos)
    {
      EXPECT_EQ (outcome.out, "") << outcome;
      return;
    }
  const Json error = Json::parse (outcome.out)["error"];
  EXPECT_NE (error["code"].text (), "") << outcome;
  EXPECT_NE (error["message"].text (), "") << outcome;
  EXPECT_TRUE (error.has ("hint")) << outcome;
  /* What cannot be printed is escaped in one way there and in another here. */
  EXPECT_TRUE (outcome.says (error["message"].text ()) || outcome.says ("\\x")) << outcome;
  EXPECT_TRUE (outcome.says (error["hint"].text ())) << outcome;
}
