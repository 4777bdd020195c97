#include "tests/support/qmp-client-test.h"

namespace
{

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

} // namespace
