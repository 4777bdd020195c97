#include "launcher/boottest/qmp-timeline.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

std::string
text_of (const VpQmpTimeline *timeline)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);
  json_node_take_array (node, vp_qmp_timeline_to_json (timeline));
  g_autofree char *text = json_to_string (node, FALSE);
  return text;
}

TEST (QmpTimeline, KeepsEventsWithTheirTimes)
{
  g_autoptr (VpQmpTimeline) timeline = vp_qmp_timeline_new ();
  g_autoptr (JsonObject) data = json_object_new ();

  EXPECT_EQ (text_of (timeline), "[]");
  json_object_set_boolean_member (data, "guest", TRUE);
  vp_qmp_timeline_add (timeline, 0, "RESUME", nullptr);
  vp_qmp_timeline_add (timeline, 1500, "RESET", data);
  EXPECT_EQ (text_of (timeline),
             "[{\"seconds\":0.0,\"event\":\"RESUME\"},"
             "{\"seconds\":1.5,\"event\":\"RESET\",\"data\":{\"guest\":true}}]");
}

TEST (QmpTimeline, KeepsTheLastOfMany)
{
  g_autoptr (VpQmpTimeline) timeline = vp_qmp_timeline_new ();

  for (guint i = 0; i < 3 * VP_QMP_TIMELINE_EVENTS; i++)
    vp_qmp_timeline_add (timeline, i * 1000, "RESET", nullptr);
  g_autoptr (JsonArray) events = vp_qmp_timeline_to_json (timeline);

  ASSERT_EQ (json_array_get_length (events), VP_QMP_TIMELINE_EVENTS);
  EXPECT_EQ (json_object_get_double_member (json_array_get_object_element (events, 0), "seconds"),
             2 * VP_QMP_TIMELINE_EVENTS);
}

TEST (QmpTimeline, LeavesOutDataThatIsLong)
{
  g_autoptr (VpQmpTimeline) timeline = vp_qmp_timeline_new ();
  g_autoptr (JsonObject) data = json_object_new ();

  json_object_set_string_member (data, "x", std::string (VP_QMP_TIMELINE_DATA, 'x').c_str ());
  vp_qmp_timeline_add (timeline, 0, "BIG", data);
  EXPECT_EQ (text_of (timeline), "[{\"seconds\":0.0,\"event\":\"BIG\"}]");
}

} // namespace
