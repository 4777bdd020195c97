#include "qmp/client.h"
#include "qmp/error.h"

#include "tests/support/qmp-server-test.h"
#include "tests/support/row-name.h"

namespace
{

TEST_F (QmpServer, AnswersWhatTheHandlerSays)
{
  auto peer = ready ();
  peer->say_line ("{\"execute\":\"echo\",\"arguments\":{\"a\":[1,\"\\u00e9\"]},\"id\":1}");
  EXPECT_EQ (peer->hear_line (), "{\"return\":{\"a\":[1,\"\xc3\xa9\"]},\"id\":1}");
  peer->say_line ("{\"execute\":\"echo\"}");
  EXPECT_EQ (peer->hear_line (), "{\"return\":{}}");
  peer->say_line ("{\"execute\":\"nothing\",\"id\":2}");
  EXPECT_EQ (peer->hear_line (), "{\"return\":{},\"id\":2}");
  peer->say_line ("{\"execute\":\"refuse\",\"id\":3}");
  EXPECT_EQ (peer->hear_line (),
             "{\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"no such device\","
             "\"code\":\"device-not-found\"},\"id\":3}");
}

TEST_F (QmpServer, ExpectsTheHandshakeFirstAndOnce)
{
  auto peer = greeted ();
  peer->say_line ("{\"execute\":\"echo\",\"id\":1}");
  EXPECT_EQ (peer->hear_line (),
             "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"Expecting capabilities "
             "negotiation with 'qmp_capabilities'\"},\"id\":1}");
  peer->say_line (
      "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]},\"id\":2}");
  EXPECT_EQ (peer->hear ().text ({ "error", "class" }), "GenericError");
  peer->say_line ("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]},\"id\":3}");
  EXPECT_EQ (peer->hear_line (), "{\"return\":{},\"id\":3}");
  peer->say_line ("{\"execute\":\"qmp_capabilities\",\"id\":4}");
  EXPECT_EQ (peer->hear ().text ({ "error", "class" }), "CommandNotFound");
  peer->say_line ("{\"execute\":\"echo\",\"id\":5}");
  EXPECT_EQ (peer->hear_line (), "{\"return\":{},\"id\":5}");
}

struct Row
{
  const char *name;
  std::string line;
  std::string id; /* that must come back; "" for none */
};

/* GoogleTest would print all its bytes, padding too, which valgrind minds. */
void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

class QmpServerId : public QmpServer, public testing::WithParamInterface<Row>
{
};

TEST_P (QmpServerId, ComesBackAsItWas)
{
  auto peer = ready ();
  peer->say_line ("{\"execute\":\"nothing\"" + GetParam ().line + "}");
  EXPECT_EQ (peer->hear ().id (), GetParam ().id);
  peer->say_line ("{\"execute\":\"refuse\"" + GetParam ().line + "}");
  EXPECT_EQ (peer->hear ().id (), GetParam ().id);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          QmpServerId,
                          testing::Values (Row{ "none", "", "" },
                                           Row{ "integer", ",\"id\":-7", "-7" },
                                           Row{ "string", ",\"id\":\"\\\"x\"", "\"\\\"x\"" },
                                           Row{ "null", ",\"id\":null", "null" },
                                           Row{ "boolean", ",\"id\":false", "false" },
                                           Row{ "double", ",\"id\":0.5", "0.5" },
                                           Row{ "array", ",\"id\":[1,{}]", "[1,{}]" },
                                           Row{ "object", ",\"id\":{\"a\":{}}", "{\"a\":{}}" }),
                          name_of_row<Row>);

class QmpServerFault : public QmpServer, public testing::WithParamInterface<Row>
{
};

TEST_P (QmpServerFault, IsToldAndTheConnectionGoesOn)
{
  auto peer = ready ();
  peer->say_line (GetParam ().line);
  Heard reply = peer->hear ();
  EXPECT_EQ (reply.text ({ "error", "class" }), "GenericError");
  EXPECT_NE (reply.text ({ "error", "desc" }), "");
  EXPECT_EQ (reply.id (), GetParam ().id);
  peer->say_line ("{\"execute\":\"nothing\",\"id\":\"after\"}");
  EXPECT_EQ (peer->hear ().id (), "\"after\"");
}

INSTANTIATE_TEST_SUITE_P (
    Table,
    QmpServerFault,
    testing::Values (Row{ "nonsense", "help", "" },
                     Row{ "cut_off", "{\"execute\":", "" },
                     Row{ "array", "[]", "" },
                     Row{ "two_objects", "{\"execute\":\"echo\"}{\"execute\":\"echo\"}", "" },
                     Row{ "duplicate_id", "{\"execute\":\"echo\",\"id\":1,\"id\":2}", "" },
                     Row{ "bomb", std::string (60000, '['), "" },
                     Row{ "not_utf8", "{\"execute\":\"\xff\"}", "" },
                     Row{ "empty", "{}", "" },
                     Row{ "no_command", "{\"id\":1}", "1" },
                     Row{ "command_of_another_type", "{\"execute\":7,\"id\":2}", "2" },
                     Row{ "arguments_of_another_type",
                          "{\"execute\":\"echo\",\"arguments\":[],\"id\":3}", "3" },
                     Row{ "unknown_member", "{\"execute\":\"echo\",\"x\\u001b\":1,\"id\":4}", "4" },
                     Row{ "out_of_band", "{\"exec-oob\":\"echo\",\"id\":5}", "5" }),
    name_of_row<Row>);

TEST_F (QmpServer, HangsUpOnALineThatNeverEnds)
{
  auto peer = ready ();
  peer->say (std::string (64 * 1024, 'x'));
  run_pending ();
  EXPECT_EQ (peer->unheard (), "");
  peer->say ("x");
  EXPECT_TRUE (peer->hears_end ());
}

TEST_F (QmpServer, HangsUpOnANul)
{
  auto peer = ready ();
  peer->say (std::string ("{\"execute\":\"nothing\",\"id\":1}\n") + '\0');
  EXPECT_TRUE (peer->hears_end ());
  EXPECT_EQ (peer->hear ().id (), "1");
}

TEST_F (QmpServer, TakesCommandsInAnyChunks)
{
  auto peer = ready ();
  const std::string text =
      "{\"execute\":\"nothing\",\"id\":1}\n\r\n{\"execute\":\"nothing\",\"id\":2}\r\n";
  for (size_t size : { text.size (), size_t{ 1 }, size_t{ 7 } })
    {
      peer->say_in_chunks (text, size);
      EXPECT_EQ (peer->hear ().id (), "1");
      EXPECT_EQ (peer->hear ().id (), "2");
    }
}

TEST_F (QmpServer, AnswersAClientThatHasSaidItsLast)
{
  auto peer = greeted ();
  peer->say ("{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"nothing\",\"id\":1}\n");
  shutdown (peer->fd (), SHUT_WR);
  peer->hear ();
  EXPECT_EQ (peer->hear ().id (), "1");
  EXPECT_TRUE (peer->hears_end ());
}

/* Answers that come later */

TEST_F (QmpServer, CallsMayBeAnsweredInAnyOrder)
{
  auto one = ready (), two = ready ();
  one->say_line ("{\"execute\":\"later\",\"id\":\"a\"}");
  one->say_line ("{\"execute\":\"later\",\"id\":\"b\"}");
  ASSERT_TRUE (run_until ([&] { return calls.size () == 2; }));
  two->say_line ("{\"execute\":\"later\",\"id\":\"c\"}");
  ASSERT_TRUE (run_until ([&] { return calls.size () == 3; }));
  one->say_line ("{\"execute\":\"nothing\",\"id\":\"d\"}");
  EXPECT_EQ (one->hear ().id (), "\"d\"");

  vp_qmp_call_return (calls[2], nullptr);
  vp_qmp_call_return (calls[1], nullptr);
  vp_qmp_call_fail (calls[0], failure ("GenericError", "no"));
  calls.clear ();
  EXPECT_EQ (two->hear ().id (), "\"c\"");
  EXPECT_EQ (one->hear ().id (), "\"b\"");
  EXPECT_EQ (one->hear ().id (), "\"a\"");
}

TEST_F (QmpServer, AClientMayLeaveBeforeItsAnswer)
{
  auto peer = ready (), other = ready ();
  peer->say_line ("{\"execute\":\"later\",\"arguments\":{\"a\":\"b\"},\"id\":1}");
  ASSERT_TRUE (run_until ([&] { return calls.size () == 1; }));
  peer->drop ();
  other->say_line ("{\"execute\":\"nothing\"}");
  other->hear ();

  EXPECT_STREQ (vp_qmp_call_get_command (calls[0]), "later");
  EXPECT_STREQ (json_object_get_string_member (vp_qmp_call_get_arguments (calls[0]), "a"), "b");
  vp_qmp_call_return (calls[0], nullptr);
  calls.clear ();
  run_pending ();
  EXPECT_EQ (other->unheard (), "");
}

TEST_F (QmpServer, TheServerMayEndBeforeTheAnswer)
{
  auto peer = ready ();
  peer->say_line ("{\"execute\":\"later\",\"id\":1}");
  ASSERT_TRUE (run_until ([&] { return calls.size () == 1; }));
  stop ();
  EXPECT_TRUE (peer->hears_end ());
  EXPECT_STREQ (vp_qmp_call_get_command (calls[0]), "later");
} /* answered in TearDown */

TEST_F (QmpServer, TheHandlerMayCloseTheServer)
{
  auto peer = ready ();
  during_call = [&] { vp_qmp_server_close (server); };
  peer->say ("{\"execute\":\"nothing\",\"id\":1}\n{\"execute\":\"nothing\",\"id\":2}\n");
  EXPECT_TRUE (peer->hears_end ());
  EXPECT_EQ (peer->unheard (), "");
}

TEST_F (QmpServer, TheHandlerMayDropTheServer)
{
  auto peer = ready ();
  during_call = [&] {
    g_object_add_weak_pointer (G_OBJECT (server), reinterpret_cast<gpointer *> (&server));
    g_object_unref (server);
  };
  peer->say_line ("{\"execute\":\"nothing\",\"id\":1}");
  EXPECT_TRUE (peer->hears_end ());
  EXPECT_EQ (server, nullptr);
}

TEST_F (QmpServer, SpeaksWithOurOwnClient)
{
  int fd = connect_fd ();
  g_autoptr (GError) error = nullptr;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, &error);
  g_autoptr (VpQmpClient) client = vp_qmp_client_new (socket);
  g_autoptr (JsonObject) greeting = vp_qmp_client_handshake (client, 5000, &error);
  ASSERT_NE (greeting, nullptr) << error->message;
  EXPECT_STREQ (json_object_get_string_member (greeting, "version"), "test");

  JsonObject *arguments = json_object_new ();
  json_object_set_string_member (arguments, "big", std::string (60000, 'x').c_str ());
  g_autoptr (JsonNode) echo =
      vp_qmp_client_execute (client, "echo", arguments, nullptr, 5000, &error);
  ASSERT_NE (echo, nullptr) << error->message;
  EXPECT_EQ (strlen (json_object_get_string_member (json_node_get_object (echo), "big")), 60000u);

  EXPECT_EQ (vp_qmp_client_execute (client, "refuse", nullptr, nullptr, 5000, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DEVICE_NOT_FOUND));
  EXPECT_STREQ (json_object_get_string_member (vp_qmp_error_get_object (error), "code"),
                "device-not-found");
  vp_qmp_client_close (client);
  run_pending ();
}

} // namespace
