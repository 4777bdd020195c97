#include "tests/support/qmp-client-test.h"

namespace
{

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

} // namespace
