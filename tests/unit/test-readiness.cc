#include "launcher/vm/readiness.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

class Readiness : public testing::Test
{
protected:
  void
  look_for (const char *pattern)
  {
    ready_.kind = VP_READY_CONSOLE;
    ready_.pattern =
        g_regex_new (pattern, G_REGEX_MULTILINE, static_cast<GRegexMatchFlags> (0), nullptr);
    readiness_ = vp_readiness_new (&ready_);
  }
  bool
  feed (const std::string &text)
  {
    return vp_readiness_feed (readiness_, text.data (), text.size ());
  }
  void
  TearDown () override
  {
    g_clear_pointer (&readiness_, vp_readiness_free);
    g_clear_pointer (&ready_.pattern, g_regex_unref);
  }

  VpReady ready_ = {};
  VpReadiness *readiness_ = nullptr;
};

TEST_F (Readiness, SeesThePattern)
{
  look_for ("login:");
  EXPECT_FALSE (feed ("booting\n"));
  EXPECT_TRUE (feed ("debian login: "));
  EXPECT_TRUE (feed ("anything later"));
}

TEST_F (Readiness, APatternMayComeInPieces)
{
  look_for ("guest: ready");
  for (char c : std::string ("noise guest: read"))
    EXPECT_FALSE (feed (std::string (1, c)));
  EXPECT_TRUE (feed ("y"));
}

TEST_F (Readiness, APieceLargerThanItsMemoryIsSearchedWhole)
{
  look_for ("guest: ready");
  EXPECT_TRUE (feed (std::string (100000, 'x') + "guest: ready" + std::string (100000, 'y')));
}

TEST_F (Readiness, BytesThatAreNoTextDoNoHarm)
{
  look_for ("ready");
  EXPECT_FALSE (feed (std::string ("\xff\xfe\0\x80", 4)));
  EXPECT_TRUE (feed ("ready"));
}

TEST_F (Readiness, WithoutAPatternNothingIsSeen)
{
  ready_.kind = VP_READY_NOW;
  readiness_ = vp_readiness_new (&ready_);
  EXPECT_FALSE (feed ("ready"));
}

class ReadinessPort : public Readiness
{
protected:
  void
  SetUp () override
  {
    ready_.kind = VP_READY_PORT;
    readiness_ = vp_readiness_new (&ready_);
  }
  bool
  hear (const char *name, const char *data)
  {
    g_autoptr (JsonNode) node = json_from_string (data, nullptr);
    return vp_readiness_handle_event (readiness_, name, json_node_get_object (node));
  }
};

TEST_F (ReadinessPort, IsReadyOnceThePortIsOpen)
{
  EXPECT_FALSE (hear ("RESUME", "{}"));
  EXPECT_FALSE (hear ("VSERPORT_CHANGE", R"({"id":"other","open":true})"));
  EXPECT_FALSE (hear ("VSERPORT_CHANGE", R"({"id":"ready-port","open":false})"));
  EXPECT_FALSE (hear ("VSERPORT_CHANGE", R"({"id":7,"open":true})"));
  EXPECT_FALSE (hear ("VSERPORT_CHANGE", R"({"id":"ready-port","open":"true"})"));
  EXPECT_FALSE (feed ("VSERPORT_CHANGE"));
  EXPECT_TRUE (hear ("VSERPORT_CHANGE", R"({"id":"ready-port","open":true})"));
  EXPECT_TRUE (hear ("VSERPORT_CHANGE", R"({"id":"ready-port","open":false})")) << "it was open";
}

TEST_F (ReadinessPort, OfAnotherKindDoesNotCare)
{
  vp_readiness_free (readiness_);
  ready_.kind = VP_READY_NOW;
  readiness_ = vp_readiness_new (&ready_);
  EXPECT_FALSE (hear ("VSERPORT_CHANGE", R"({"id":"ready-port","open":true})"));
}

} // namespace
