#include "tests/support/qmp-client-test.h"

namespace
{

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

/* A command that nobody waits for any more is still on the wire. */
class QmpAbandoned : public QmpClient, public testing::WithParamInterface<bool>
{
};

TEST_P (QmpAbandoned, MayBeWhatAnErrorWithoutAnIdBelongsTo)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Call abandoned (client, "slow", "", GetParam () ? 0 : 10, cancellable);
  Heard slow = qemu.hear ();
  if (GetParam ())
    g_cancellable_cancel (cancellable);
  abandoned.wait ();
  ASSERT_NE (abandoned.error (), nullptr);

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

INSTANTIATE_TEST_SUITE_P (Table, QmpAbandoned, testing::Bool (), [] (const auto &row) {
  return std::string (row.param ? "cancelled" : "timed_out");
});

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

} // namespace
