#include "tests/support/qmp-client-test.h"

#include <algorithm>
#include <dirent.h>
#include <random>

namespace
{

TEST_F (QmpClient, SendsWhatItIsGiven)
{
  Call plain (client, "query-status");
  Call odd (client, "a\"\n\xc3\xa9", "{\"b\":[1,{\"c\":\"\\u0001\"}]}");

  Heard first = qemu.hear ();
  EXPECT_EQ (first.command (), "query-status");
  EXPECT_FALSE (first.has ("arguments"));
  Heard second = qemu.hear ();
  EXPECT_STREQ (json_object_get_string_member (second.object (), "execute"), "a\"\n\xc3\xa9");
  EXPECT_EQ (second.json ({ "arguments" }), "{\"b\":[1,{\"c\":\"\\u0001\"}]}");
  EXPECT_NE (first.id (), second.id ());
  qemu.reply (first);
  qemu.reply (second);
  plain.wait ();
  odd.wait ();
}

TEST_F (QmpClient, RepliesAreMatchedByIdNotByOrder)
{
  Call first (client, "one"), second (client, "two"), third (client, "three");
  Heard one = qemu.hear ("one"), two = qemu.hear ("two"), three = qemu.hear ("three");

  qemu.reply (three, "3");
  qemu.fail (one, "DeviceNotFound", "no such thing");
  qemu.reply (two, "{\"a\":[null]}");
  EXPECT_EQ (third.wait (), "3");
  EXPECT_TRUE (first.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_DEVICE_NOT_FOUND));
  EXPECT_STREQ (first.error ()->message, "no such thing");
  ASSERT_NE (vp_qmp_error_get_object (first.error ()), nullptr);
  EXPECT_STREQ (json_object_get_string_member (vp_qmp_error_get_object (first.error ()), "class"),
                "DeviceNotFound");
  EXPECT_EQ (second.wait (), "{\"a\":[null]}");
  EXPECT_EQ (vp_qmp_client_get_n_late (client), 0u);
}

TEST_F (QmpClient, EventsKeepTheirPlaceBesideReplies)
{
  Call call (client, "device_del");
  during_event = [&] (const std::string &name) { EXPECT_EQ (call.is_ready (), name == "AFTER"); };
  Heard command = qemu.hear ();

  qemu.event ("DEVICE_DELETED", "{\"device\":\"gpu0\",\"path\":\"/machine/peripheral/gpu0\"}");
  qemu.reply (command);
  qemu.event ("AFTER", "7"); /* data that is no object */
  ASSERT_TRUE (wait_for_events (2));
  EXPECT_EQ (events[0],
             "DEVICE_DELETED {\"device\":\"gpu0\",\"path\":\"/machine/peripheral/gpu0\"}");
  EXPECT_EQ (events[1], "AFTER {}");
  EXPECT_EQ (call.wait (), "{}");
}

TEST_F (QmpClient, ReadsRepliesInSingleBytes)
{
  Call call (client, "query-status");
  Heard command = qemu.hear ();
  qemu.say_in_chunks ("{\"timestamp\":{},\"event\":\"STOP\"}\r\n{\"return\":{\"a\":\"\xc3\xa9\"},"
                      "\"id\":" +
                          command.id () + "}\r\n",
                      1);
  EXPECT_EQ (call.wait (), "{\"a\":\"\xc3\xa9\"}");
  EXPECT_EQ (events.size (), 1u);
}

TEST_F (QmpClient, ReadsLinesOfEveryEndSplitAnywhere)
{
  for (const char *end : { "\n", "\r\n" })
    for (size_t at = 0; at <= 23; at++)
      {
        Call call (client, "query-status");
        qemu.say_split ("{\"return\":[1,2],\"id\":" + qemu.hear ().id () + "}" + end, at);
        ASSERT_EQ (call.wait (), "[1,2]") << "split at " << at;
      }
}

TEST_F (QmpClient, TenThousandPipelinedCommandsAnsweredInRandomOrder)
{
  struct Tally
  {
    VpQmpClient *client;
    size_t right = 0;
    size_t wrong = 0;
  } tally = { client };
  struct Expected
  {
    Tally *tally;
    gint64 number;
  };
  const size_t n = 10000;
  std::vector<Expected> expected;
  for (size_t i = 0; i < n; i++)
    expected.push_back ({ &tally, static_cast<gint64> (i) });

  for (size_t i = 0; i < n; i++)
    {
      JsonObject *arguments = json_object_new ();
      json_object_set_int_member (arguments, "n", expected[i].number);
      vp_qmp_client_execute_async (
          client, "echo", arguments, nullptr, 60000, nullptr,
          [] (GObject *source, GAsyncResult *result, gpointer user_data) {
            auto *self = static_cast<Expected *> (user_data);
            g_autoptr (JsonNode) node =
                vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, nullptr);
            if (node != nullptr && json_node_get_int (node) == self->number)
              self->tally->right++;
            else
              self->tally->wrong++;
          },
          &expected[i]);
    }

  std::vector<std::string> replies;
  for (size_t i = 0; i < n; i++)
    {
      Heard command = qemu.hear ();
      replies.push_back ("{\"return\":" + command.json ({ "arguments", "n" }) +
                         ",\"id\":" + command.id () + "}\r\n");
    }
  std::shuffle (replies.begin (), replies.end (), std::mt19937 (1));
  std::string all;
  for (const std::string &reply : replies)
    all += reply;
  qemu.say (all);

  EXPECT_TRUE (run_until ([&] { return tally.right + tally.wrong == n; }, 30000));
  EXPECT_EQ (tally.right, n);
}

TEST_F (QmpClient, ReadsAReplyOfMegabytes)
{
  Call call (client, "query-qmp-schema");
  std::string big (6 << 20, 'x');
  qemu.reply (qemu.hear (), "\"" + big + "\"");
  EXPECT_EQ (call.wait ().size (), big.size () + 2);
}

TEST_F (QmpClient, ALineWithoutEndIsAnEnd)
{
  Call call (client, "query-status");
  std::string megabyte (1 << 20, 'x');

  qemu.say ("{\"return\":\"");
  try
    {
      for (int i = 0; i < 20; i++)
        qemu.say (megabyte);
      ADD_FAILURE () << "20 MiB without a newline were taken";
    }
  catch (const std::runtime_error &)
    {
    }
  EXPECT_TRUE (call.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
}

/* File descriptors, the synchronous calls, threads */

TEST_F (QmpClient, PassesFileDescriptorsWithGetfd)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  g_unix_fd_list_append (list, qemu.fd (), nullptr);
  AsyncResult result;
  vp_qmp_client_execute_async (client, "query-status", nullptr, nullptr, 0, nullptr,
                               AsyncResult::ready, &result);
  AsyncResult getfd;
  vp_qmp_client_execute_async (client, "getfd", nullptr, list, 0, nullptr, AsyncResult::ready,
                               &getfd);
  Heard first = qemu.hear ("query-status"), second = qemu.hear ("getfd");
  std::vector<int> fds = qemu.take_fds ();
  ASSERT_EQ (fds.size (), 1u);
  close (fds[0]);
  qemu.reply (second);
  qemu.reply (first);
  EXPECT_TRUE (result.wait ());
  EXPECT_TRUE (getfd.wait ());
}

/* Answers every command of a synchronous call from the main context. */
class Answers
{
public:
  Answers (FakeQmp &qemu, const std::string &reply) : qemu_ (qemu), reply_ (reply)
  {
    source_ = g_timeout_add (1, answer, this);
  }
  ~Answers () { g_source_remove (source_); }

private:
  static gboolean
  answer (gpointer user_data)
  {
    auto *self = static_cast<Answers *> (user_data);
    if (!self->qemu_.unheard ().empty ())
      self->qemu_.reply (self->qemu_.hear (), self->reply_);
    return G_SOURCE_CONTINUE;
  }
  FakeQmp &qemu_;
  std::string reply_;
  guint source_;
};

TEST_F (QmpClient, WaitsForRepliesWhenAskedTo)
{
  g_autoptr (GError) error = nullptr;
  qemu.greet ();
  {
    Answers answers (qemu, "7");
    g_autoptr (JsonObject) greeting = vp_qmp_client_handshake (client, 5000, &error);
    ASSERT_NE (greeting, nullptr) << error->message;
    g_autoptr (JsonNode) value =
        vp_qmp_client_execute (client, "query", json_object_new (), nullptr, 5000, &error);
    ASSERT_NE (value, nullptr) << error->message;
    EXPECT_EQ (json_node_get_int (value), 7);
  }
  EXPECT_EQ (vp_qmp_client_execute (client, "query", nullptr, nullptr, 10, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT));
  g_clear_error (&error);
  qemu.drop ();
  EXPECT_EQ (vp_qmp_client_execute (client, "query", nullptr, nullptr, 0, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

size_t
count_threads ()
{
  size_t count = 0;
  DIR *dir = opendir ("/proc/self/task");
  while (struct dirent *entry = readdir (dir))
    if (entry->d_name[0] != '.')
      count++;
  closedir (dir);
  return count;
}

TEST_F (QmpClient, StartsNoThreads)
{
  /* GLib 2.74 starts its own "gmain", which sleeps, as soon as there is a GTask */
  g_type_class_unref (g_type_class_ref (G_TYPE_TASK));
  size_t before = count_threads ();

  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Call call (client, "query-status", "{}", 1000, cancellable);
  qemu.reply (qemu.hear ());
  EXPECT_EQ (call.wait (), "{}");
  EXPECT_EQ (count_threads (), before);
  EXPECT_LE (before, 2u);
}

} // namespace
