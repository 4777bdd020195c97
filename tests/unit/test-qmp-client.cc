#include "qmp/client.h"
#include "qmp/error.h"

#include "tests/support/async-result.h"
#include "tests/support/fake-qmp.h"

#include <algorithm>
#include <dirent.h>
#include <gtest/gtest.h>
#include <random>

namespace
{

/* One call and what became of it. */
class Call
{
public:
  Call (VpQmpClient *client,
        const char *command,
        const std::string &arguments = "",
        guint timeout_ms = 0,
        GCancellable *cancellable = nullptr)
      : client_ (client)
  {
    JsonObject *object = nullptr;
    if (!arguments.empty ())
      {
        g_autoptr (JsonNode) node = json_from_string (arguments.c_str (), nullptr);
        object = json_node_dup_object (node);
      }
    vp_qmp_client_execute_async (client, command, object, nullptr, timeout_ms, cancellable,
                                 AsyncResult::ready, &result_);
    EXPECT_FALSE (result_.is_ready ()) << "called back from within";
  }
  ~Call () { g_clear_error (&error_); }

  bool
  is_ready () const
  {
    return result_.is_ready ();
  }
  /* The reply as JSON, or "" and an error. */
  std::string
  wait ()
  {
    if (!result_.wait ())
      {
        ADD_FAILURE () << "no callback";
        return "";
      }
    g_autoptr (JsonNode) node = vp_qmp_client_execute_finish (client_, result_.get (), &error_);
    if (node == nullptr)
      return "";
    g_autofree char *text = json_to_string (node, FALSE);
    return text;
  }
  bool
  failed_with (GQuark domain, int code)
  {
    EXPECT_EQ (wait (), "");
    return g_error_matches (error_, domain, code);
  }
  const GError *
  error () const
  {
    return error_;
  }

private:
  VpQmpClient *client_;
  AsyncResult result_;
  GError *error_ = nullptr;
};

class QmpClient : public testing::Test
{
protected:
  FakeQmp qemu;
  VpQmpClient *client = nullptr;
  std::vector<std::string> events;
  std::function<void (const std::string &)> during_event;
  std::function<void ()> during_closed;
  int n_closed = 0;
  GError *reason = nullptr;

  void
  SetUp () override
  {
    client = vp_qmp_client_new (qemu.socket ());
    g_signal_connect (client, "event", G_CALLBACK (on_event), this);
    g_signal_connect (client, "closed", G_CALLBACK (on_closed), this);
  }
  void
  TearDown () override
  {
    if (client != nullptr)
      {
        vp_qmp_client_close (client);
        g_object_add_weak_pointer (G_OBJECT (client), reinterpret_cast<gpointer *> (&client));
        g_object_unref (client);
        run_pending ();
      }
    EXPECT_EQ (client, nullptr) << "something still holds the client";
    EXPECT_EQ (n_closed, 1);
    g_clear_error (&reason);
  }

  bool
  wait_for_events (size_t count)
  {
    return run_until ([&] { return events.size () >= count; });
  }
  bool
  wait_for_end ()
  {
    return run_until ([&] { return n_closed > 0; });
  }

private:
  static void
  on_event (VpQmpClient *, const char *name, JsonObject *data, gpointer user_data)
  {
    auto *self = static_cast<QmpClient *> (user_data);
    g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), data);
    g_autofree char *text = json_to_string (node, FALSE);
    EXPECT_EQ (self->n_closed, 0) << "an event after the end";
    self->events.push_back (std::string (name) + " " + text);
    if (self->during_event)
      self->during_event (name);
  }
  static void
  on_closed (VpQmpClient *, const GError *error, gpointer user_data)
  {
    auto *self = static_cast<QmpClient *> (user_data);
    self->n_closed++;
    g_clear_error (&self->reason);
    self->reason = g_error_copy (error);
    if (self->during_closed)
      self->during_closed ();
  }
};

/* Handshake */

class QmpHandshake : public QmpClient
{
protected:
  AsyncResult result;

  void
  TearDown () override
  {
    result.forget ();
    QmpClient::TearDown ();
  }
  void
  begin (guint timeout_ms = 0, GCancellable *cancellable = nullptr)
  {
    vp_qmp_client_handshake_async (client, timeout_ms, cancellable, AsyncResult::ready, &result);
    EXPECT_FALSE (result.is_ready ());
  }
  std::string
  finish (GError **error = nullptr)
  {
    EXPECT_TRUE (result.wait ());
    g_autoptr (JsonObject) greeting = vp_qmp_client_handshake_finish (client, result.get (), error);
    return greeting == nullptr
               ? ""
               : json_object_get_string_member (json_object_get_object_member (greeting, "version"),
                                                "package");
  }
  bool
  fails_with (GQuark domain, int code)
  {
    g_autoptr (GError) error = nullptr;
    EXPECT_EQ (finish (&error), "");
    return g_error_matches (error, domain, code);
  }
};

TEST_F (QmpHandshake, GivesTheGreeting)
{
  begin ();
  qemu.negotiate ();
  EXPECT_EQ (finish (), "fake");
}

TEST_F (QmpHandshake, TheGreetingMayHaveComeBefore)
{
  qemu.greet ();
  run_pending ();
  EXPECT_EQ (qemu.unheard (), "") << "said something before it was asked to";
  begin ();
  qemu.reply (qemu.hear ("qmp_capabilities"));
  EXPECT_EQ (finish (), "fake");
}

TEST_F (QmpHandshake, EventsAreToldInEveryState)
{
  qemu.event ("BEFORE");
  run_pending ();
  begin ();
  qemu.event ("VSERPORT_CHANGE", "{\"open\":true}");
  qemu.greet ();
  Heard command = qemu.hear ("qmp_capabilities");
  qemu.event ("BETWEEN");
  qemu.reply (command);
  qemu.event ("AFTER");
  EXPECT_EQ (finish (), "fake");
  ASSERT_TRUE (wait_for_events (4));
  EXPECT_EQ (events, std::vector<std::string> ({ "BEFORE {}", "VSERPORT_CHANGE {\"open\":true}",
                                                 "BETWEEN {}", "AFTER {}" }));
}

TEST_F (QmpHandshake, APeerThatNeverGreetsIsATimeout)
{
  begin (20);
  EXPECT_TRUE (fails_with (VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT));
  EXPECT_EQ (qemu.unheard (), "");
}

TEST_F (QmpHandshake, TheTimeoutCoversTheNegotiationToo)
{
  begin (30);
  qemu.greet ();
  qemu.hear ("qmp_capabilities");
  EXPECT_TRUE (fails_with (VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT));
}

TEST_F (QmpHandshake, CanBeCancelled)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  begin (0, cancellable);
  g_cancellable_cancel (cancellable);
  EXPECT_FALSE (result.is_ready ()) << "called back from within";
  EXPECT_TRUE (fails_with (G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

TEST_F (QmpHandshake, CanBeTriedAgainAfterATimeout)
{
  begin (10);
  EXPECT_TRUE (fails_with (VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT));
  qemu.greet ();
  Heard first = qemu.hear ("qmp_capabilities");

  AsyncResult again;
  vp_qmp_client_handshake_async (client, 0, nullptr, AsyncResult::ready, &again);
  Heard second = qemu.hear ("qmp_capabilities");
  EXPECT_NE (first.id (), second.id ());
  qemu.reply (first);
  run_pending ();
  EXPECT_FALSE (again.is_ready ());
  qemu.reply (second);
  ASSERT_TRUE (again.wait ());
  g_autoptr (JsonObject) greeting = vp_qmp_client_handshake_finish (client, again.get (), nullptr);
  EXPECT_NE (greeting, nullptr);
}

TEST_F (QmpHandshake, ARefusalIsTold)
{
  begin ();
  qemu.greet ();
  qemu.fail (qemu.hear (), "CommandNotFound", "already negotiated");
  EXPECT_TRUE (fails_with (VP_QMP_ERROR, VP_QMP_ERROR_COMMAND_NOT_FOUND));
}

TEST_F (QmpHandshake, ARefusalWithoutAnIdIsTold)
{
  begin ();
  qemu.greet ();
  qemu.hear ();
  qemu.fail_without_id ("GenericError", "no");
  EXPECT_TRUE (fails_with (VP_QMP_ERROR, VP_QMP_ERROR_COMMAND));
}

TEST_F (QmpHandshake, AReplyBeforeTheGreetingIsNobodys)
{
  begin ();
  qemu.say_line ("{\"return\":{},\"id\":1}");
  qemu.fail_without_id ("GenericError", "what?");
  run_pending ();
  EXPECT_FALSE (result.is_ready ());
  EXPECT_EQ (vp_qmp_client_get_n_late (client), 2u);
  qemu.negotiate ();
  EXPECT_EQ (finish (), "fake");
}

TEST_F (QmpHandshake, AHangUpFailsIt)
{
  begin ();
  qemu.drop ();
  EXPECT_TRUE (fails_with (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

TEST_F (QmpHandshake, ASecondGreetingEndsTheConnection)
{
  begin ();
  qemu.negotiate ();
  EXPECT_EQ (finish (), "fake");
  Call call (client, "query-status");
  qemu.greet ();
  EXPECT_TRUE (call.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
  ASSERT_TRUE (wait_for_end ());
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
}

struct NonsenseRow
{
  const char *name;
  const char *line;
};

const NonsenseRow nonsense_rows[] = {
  { "banner", "SSH-2.0-OpenSSH_9.2" },
  { "other_object", "{\"jsonrpc\":\"2.0\"}" },
  { "greeting_of_another_type", "{\"QMP\":7}" },
  { "event_of_another_type", "{\"event\":7}" },
  { "array", "[]" },
};

class QmpNonsense : public QmpClient, public testing::WithParamInterface<NonsenseRow>
{
};

TEST_P (QmpNonsense, EndsTheConnection)
{
  Call call (client, "query-status");
  qemu.say_line (GetParam ().line);
  EXPECT_TRUE (call.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
  ASSERT_TRUE (wait_for_end ());
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
  EXPECT_TRUE (qemu.hears_end ());
}

INSTANTIATE_TEST_SUITE_P (Table,
                          QmpNonsense,
                          testing::ValuesIn (nonsense_rows),
                          [] (const auto &row) { return std::string (row.param.name); });

/* Commands and replies */

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

/* Replies that fit nobody */

TEST_F (QmpClient, AnErrorWithoutAnIdBelongsToTheOnlyCommand)
{
  Call call (client, "query-status");
  qemu.hear ();
  qemu.fail_without_id ("GenericError", "JSON parse error");
  EXPECT_TRUE (call.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_COMMAND));
  EXPECT_STREQ (call.error ()->message, "JSON parse error");
}

TEST_F (QmpClient, AnErrorWithoutAnIdIsDroppedWhenItCouldBeAnyones)
{
  Call first (client, "one"), second (client, "two");
  Heard one = qemu.hear (), two = qemu.hear ();
  qemu.fail_without_id ("GenericError", "JSON parse error");
  qemu.reply (one, "1");
  qemu.reply (two, "2");
  EXPECT_EQ (first.wait (), "1");
  EXPECT_EQ (second.wait (), "2");
  EXPECT_EQ (vp_qmp_client_get_n_late (client), 1u);
}

TEST_F (QmpClient, AnErrorWithoutAnIdMayBelongToAnAbandonedCommand)
{
  Call abandoned (client, "slow", "", 10);
  Heard slow = qemu.hear ();
  EXPECT_TRUE (abandoned.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT));

  Call call (client, "query-status");
  Heard command = qemu.hear ();
  qemu.fail_without_id ("GenericError", "whose?");
  run_pending ();
  EXPECT_FALSE (call.is_ready ());
  qemu.reply (slow);
  qemu.fail_without_id ("GenericError", "yours"); /* only one is left */
  EXPECT_TRUE (call.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_COMMAND));
  EXPECT_STREQ (call.error ()->message, "yours");
}

struct StrayRow
{
  const char *name;
  const char *line;
};

const StrayRow stray_rows[] = {
  { "return_without_id", "{\"return\":{}}" },
  { "id_never_used", "{\"return\":{},\"id\":999}" },
  { "id_zero", "{\"return\":{},\"id\":0}" },
  { "id_negative", "{\"return\":{},\"id\":-1}" },
  { "id_string", "{\"return\":{},\"id\":\"1\"}" },
  { "id_double", "{\"return\":{},\"id\":1.0}" },
  { "id_null", "{\"error\":{},\"id\":null}" },
  { "id_object", "{\"error\":{},\"id\":{\"id\":1}}" },
};

class QmpStray : public QmpClient, public testing::WithParamInterface<StrayRow>
{
};

TEST_P (QmpStray, RepliesAreCountedAndDropped)
{
  Call call (client, "query-status");
  Heard command = qemu.hear ();
  qemu.say_line (GetParam ().line);
  run_pending ();
  EXPECT_FALSE (call.is_ready ());
  EXPECT_EQ (vp_qmp_client_get_n_late (client), 1u);
  qemu.reply (command, "true");
  EXPECT_EQ (call.wait (), "true");
  qemu.reply (command, "false"); /* a second reply is a stray, too */
  run_pending ();
  EXPECT_EQ (vp_qmp_client_get_n_late (client), 2u);
}

INSTANTIATE_TEST_SUITE_P (Table, QmpStray, testing::ValuesIn (stray_rows), [] (const auto &row) {
  return std::string (row.param.name);
});

TEST_F (QmpClient, AnErrorThatIsNoObjectIsStillARefusal)
{
  Call call (client, "query-status");
  qemu.say_line ("{\"error\":\"broken\",\"id\":" + qemu.hear ().id () + "}");
  EXPECT_TRUE (call.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_COMMAND));
  EXPECT_EQ (vp_qmp_error_get_object (call.error ()), nullptr);
}

TEST_F (QmpClient, ANullReplyIsAReply)
{
  Call call (client, "query-status");
  qemu.reply (qemu.hear (), "null");
  EXPECT_EQ (call.wait (), "null");
  EXPECT_EQ (call.error (), nullptr);
}

/* Timeouts and cancellation */

TEST_F (QmpClient, ATimeoutNamesTheCommandAndItsLateReplyIsDropped)
{
  Call call (client, "device_add", "", 20);
  Heard command = qemu.hear ();
  EXPECT_TRUE (call.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT));
  EXPECT_NE (strstr (call.error ()->message, "device_add"), nullptr);

  Call next (client, "query-pci");
  Heard second = qemu.hear ();
  EXPECT_NE (second.id (), command.id ());
  qemu.reply (command, "\"late\"");
  qemu.reply (second, "\"right\"");
  EXPECT_EQ (next.wait (), "\"right\"");
  EXPECT_EQ (vp_qmp_client_get_n_late (client), 1u);
  EXPECT_EQ (n_closed, 0);
}

TEST_F (QmpClient, EachCallHasItsOwnDeadline)
{
  Call never (client, "never");
  Call slow (client, "slow", "", 120);
  Call fast (client, "fast", "", 20);
  Call slower (client, "slower", "", 60000);

  gint64 start = g_get_monotonic_time ();
  EXPECT_TRUE (fast.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT));
  EXPECT_FALSE (slow.is_ready ());
  EXPECT_TRUE (slow.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT));
  EXPECT_GE (g_get_monotonic_time () - start, 110000);
  EXPECT_FALSE (never.is_ready ());
  EXPECT_FALSE (slower.is_ready ());
  vp_qmp_client_close (client);
  EXPECT_TRUE (never.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
  EXPECT_TRUE (slower.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

TEST_F (QmpClient, ATimeoutSetWhileALaterOneRunsStillCounts)
{
  Call slow (client, "slow", "", 60000);
  run_pending ();
  Call fast (client, "fast", "", 20);
  EXPECT_TRUE (fast.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT));
  qemu.reply (qemu.hear ("slow"));
  EXPECT_EQ (slow.wait (), "{}");
}

TEST_F (QmpClient, AReplyInTimeIsNoTimeout)
{
  for (int i = 0; i < 10; i++)
    {
      Call call (client, "query-status", "", 30);
      qemu.reply (qemu.hear ());
      EXPECT_EQ (call.wait (), "{}");
    }
  EXPECT_FALSE (run_until ([&] { return n_closed > 0 || !events.empty (); }, 60));
}

TEST_F (QmpClient, CancellingStopsOnlyTheWait)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Call call (client, "device_add", "", 0, cancellable);
  Call other (client, "query-pci", "", 0);
  Heard first = qemu.hear (), second = qemu.hear ();

  g_cancellable_cancel (cancellable);
  EXPECT_FALSE (call.is_ready ()) << "called back from within";
  EXPECT_TRUE (call.failed_with (G_IO_ERROR, G_IO_ERROR_CANCELLED));
  qemu.reply (first);
  qemu.reply (second, "2");
  EXPECT_EQ (other.wait (), "2");
  EXPECT_EQ (vp_qmp_client_get_n_late (client), 1u);
}

TEST_F (QmpClient, CancelledBeforeItIsNotSent)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_cancellable_cancel (cancellable);
  Call call (client, "device_add", "", 0, cancellable);
  EXPECT_TRUE (call.failed_with (G_IO_ERROR, G_IO_ERROR_CANCELLED));
  EXPECT_EQ (qemu.unheard (), "");
}

TEST_F (QmpClient, AReplyThatCameIsNotLostToALateCancel)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Call call (client, "device_add", "", 0, cancellable);
  qemu.reply (qemu.hear (), "1");
  EXPECT_TRUE (run_until ([&] { return call.is_ready (); }));
  g_cancellable_cancel (cancellable);
  EXPECT_EQ (call.wait (), "1");
}

TEST_F (QmpClient, OneCancellableMayStopManyCalls)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 50; i++)
    calls.push_back (std::make_unique<Call> (client, "slow", "", 60000, cancellable));
  g_cancellable_cancel (cancellable);
  for (auto &call : calls)
    EXPECT_TRUE (call->failed_with (G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

/* Ends */

TEST_F (QmpClient, AHangUpFailsAllThatIsPendingInOrderAndThenSaysSo)
{
  std::vector<std::string> order;
  struct Note
  {
    std::vector<std::string> *order;
    std::string text;
  };
  std::vector<Note> notes;
  for (int i = 0; i < 20; i++)
    notes.push_back ({ &order, std::to_string (i) });
  during_closed = [&] { order.push_back ("closed"); };
  for (Note &note : notes)
    vp_qmp_client_execute_async (
        client, "slow", nullptr, nullptr, 60000, nullptr,
        [] (GObject *source, GAsyncResult *result, gpointer user_data) {
          auto *self = static_cast<Note *> (user_data);
          g_autoptr (GError) error = nullptr;
          EXPECT_EQ (vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error),
                     nullptr);
          EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
          EXPECT_TRUE (vp_qmp_client_is_closed (VP_QMP_CLIENT (source)));
          self->order->push_back (self->text);
        },
        &note);

  qemu.say ("{\"event\":\"SHUTDOWN\"}\r\n{\"return\":{}, \"i"); /* in the middle of a line */
  qemu.drop ();
  ASSERT_TRUE (wait_for_end ());
  ASSERT_EQ (order.size (), 21u);
  for (size_t i = 0; i < 20; i++)
    EXPECT_EQ (order[i], std::to_string (i));
  EXPECT_EQ (order[20], "closed");
  EXPECT_EQ (events.size (), 1u);
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

TEST_F (QmpClient, ClosingCallsNobodyFromWithin)
{
  Call call (client, "slow");
  qemu.hear ();
  vp_qmp_client_close (client);
  vp_qmp_client_close (client);
  EXPECT_TRUE (vp_qmp_client_is_closed (client));
  EXPECT_FALSE (call.is_ready ());
  EXPECT_EQ (n_closed, 0);
  EXPECT_TRUE (call.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
  ASSERT_TRUE (wait_for_end ());
  EXPECT_TRUE (qemu.hears_end ());
}

TEST_F (QmpClient, CallsOnAClosedClientFailLater)
{
  vp_qmp_client_close (client);
  Call soon (client, "query-status");
  EXPECT_TRUE (soon.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
  ASSERT_TRUE (wait_for_end ());
  Call after (client, "query-status", "{}", 10);
  EXPECT_TRUE (after.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

TEST_F (QmpClient, CallsToAGonePeerFail)
{
  qemu.drop ();
  Call call (client, "query-status"); /* EPIPE */
  EXPECT_TRUE (call.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

TEST_F (QmpClient, ClosingFromWithinAnEventIsSafe)
{
  Call call (client, "slow");
  during_event = [&] (const std::string &) {
    vp_qmp_client_close (client);
    EXPECT_FALSE (call.is_ready ());
  };
  qemu.event ("STOP");
  qemu.event ("RESUME");
  EXPECT_TRUE (call.failed_with (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
  ASSERT_TRUE (wait_for_end ());
  EXPECT_EQ (events.size (), 1u);
}

TEST_F (QmpClient, DroppingFromWithinAnEventIsSafe)
{
  g_object_add_weak_pointer (G_OBJECT (client), reinterpret_cast<gpointer *> (&client));
  during_event = [&] (const std::string &) {
    vp_qmp_client_close (client);
    g_object_unref (client);
  };
  qemu.say ("{\"event\":\"STOP\"}\n{\"event\":\"RESUME\"}\n");
  EXPECT_TRUE (run_until ([&] { return client == nullptr; }));
  EXPECT_EQ (events.size (), 1u);
}

TEST_F (QmpClient, DroppingWithoutClosingIsSafeToo)
{
  auto *call = new Call (client, "slow", "", 10);
  g_signal_handlers_disconnect_by_data (client, this);
  n_closed = 1; /* nobody is left to be told */
  g_object_add_weak_pointer (G_OBJECT (client), reinterpret_cast<gpointer *> (&client));
  g_object_unref (client);
  EXPECT_TRUE (run_until ([&] { return call->is_ready (); })) << "a pending call keeps it alive";
  EXPECT_NE (client, nullptr);
  delete call;
  run_pending ();
  EXPECT_EQ (client, nullptr);
  EXPECT_TRUE (qemu.hears_end ());
}

TEST_F (QmpClient, CallingFromWithinCallbacksWorks)
{
  std::unique_ptr<Call> second, third;
  during_event = [&] (const std::string &) {
    if (second == nullptr)
      second = std::make_unique<Call> (client, "second");
  };
  during_closed = [&] { third = std::make_unique<Call> (client, "third"); };

  qemu.event ("RESET");
  Heard command = qemu.hear ("second");
  qemu.reply (command, "2");
  EXPECT_EQ (second->wait (), "2");
  qemu.drop ();
  ASSERT_TRUE (wait_for_end ());
  EXPECT_TRUE (third->failed_with (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

TEST_F (QmpClient, ACallMadeInTheLastEventFailsBeforeTheEnd)
{
  std::unique_ptr<Call> call;
  during_event = [&] (const std::string &) {
    call = std::make_unique<Call> (client, "query-status");
  };
  during_closed = [&] { EXPECT_TRUE (call->is_ready ()); };
  qemu.event ("SHUTDOWN");
  qemu.drop ();
  ASSERT_TRUE (wait_for_end ());
  EXPECT_TRUE (call->failed_with (VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
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
