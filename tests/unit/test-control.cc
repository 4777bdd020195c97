#include "devices/error.h"
#include "launcher/control/call-arguments.h"
#include "launcher/control/control-client.h"
#include "launcher/control/pass-through.h"
#include "launcher/error.h"
#include "launcher/failure.h"
#include "launcher/vm/run-dir.h"
#include "qmp/error.h"
#include "qmp/message.h"
#include "qmp/server.h"

#include "tests/support/row-name.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace
{

namespace fs = std::filesystem;

struct PassRow
{
  const char *name;
  const char *command;
  bool allowed;
  const char *instead = nullptr;
};
class PassThrough : public testing::TestWithParam<PassRow>
{
};
const PassRow pass_rows[] = {
  { "query_pci", "query-pci", true },
  { "query_status", "query-status", true },
  { "query_qmp_schema", "query-qmp-schema", true },
  { "qom_get", "qom-get", true },
  { "qom_list", "qom-list", true },
  { "qom_list_types", "qom-list-types", true },
  { "device_list_properties", "device-list-properties", true },
  { "stop", "stop", true },
  { "cont", "cont", true },
  { "system_reset", "system_reset", true },
  { "system_powerdown", "system_powerdown", true },
  { "device_add", "device_add", false, "vmplug-attach" },
  { "device_del", "device_del", false, "vmplug-detach" },
  { "quit", "quit", false, "vmplug-stop" },
  { "qom_set", "qom-set", false },
  { "monitor", "human-monitor-command", false },
  { "chardev", "chardev-add", false },
  { "migrate", "migrate", false },
  { "dump", "dump-guest-memory", false },
  { "getfd", "getfd", false },
  { "unstable_query", "x-query-virtio", false },
  { "own_unknown", "vmplug-frobnicate", false },
  { "empty", "", false },
  { "only_the_prefix", "query-", false },
  { "upper_case", "Query-pci", false },
  { "prefix_and_more", "query-pci\nquit", false },
  { "prefix_and_blank", "query-pci quit", false },
  { "prefix_of_an_allowed_one", "sto", false },
  { "longer_than_an_allowed_one", "stop2", false },
};
INSTANTIATE_TEST_SUITE_P (Table, PassThrough, testing::ValuesIn (pass_rows), name_of_row<PassRow>);

TEST_P (PassThrough, OnlyWhatLeavesTheVmAsTheSupervisorKnowsIt)
{
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (vp_pass_through_check (GetParam ().command, &error), GetParam ().allowed);
  ASSERT_EQ (error == nullptr, GetParam ().allowed);
  if (error == nullptr)
    return;
  EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_COMMAND_NOT_FOUND));
  EXPECT_EQ (strchr (error->message, '\n'), nullptr) << error->message;
  if (GetParam ().instead != nullptr)
    {
      EXPECT_NE (strstr (error->message, GetParam ().instead), nullptr) << error->message;
    }
}

struct ArgumentsRow
{
  const char *name;
  const char *json;
  const char *message; /* nullptr: they are fine */
  guint timeout_ms = 30000;
  bool force = false;
};
class CallArguments : public testing::TestWithParam<ArgumentsRow>
{
};
const ArgumentsRow arguments_rows[] = {
  { "just_the_spec", R"({"spec":"rng"})", nullptr },
  { "whole_seconds", R"({"spec":"rng","timeout":7})", nullptr, 7000 },
  { "fraction", R"({"spec":"rng","timeout":0.25})", nullptr, 250 },
  { "at_once", R"({"spec":"rng","timeout":0})", nullptr, 0 },
  { "a_day", R"({"spec":"rng","timeout":86400})", nullptr, 86400000 },
  { "force", R"({"spec":"rng","force":true})", nullptr, 30000, true },
  { "nothing", "{}", "\"spec\" must be there, and be a string" },
  { "spec_number", R"({"spec":4})", "\"spec\" must be there, and be a string" },
  { "spec_null", R"({"spec":null})", "\"spec\" must be there, and be a string" },
  { "spec_array", R"({"spec":["rng"]})", "\"spec\" must be there, and be a string" },
  { "unknown", R"({"spec":"rng","spec2":1})", "\"spec2\" is no argument of this command" },
  { "hostile_name", "{\"spec\":\"rng\",\"\\n\":1}", "\"\\n\" is no argument of this command" },
  { "timeout_text", R"({"spec":"rng","timeout":"7"})", "\"timeout\" must be a number" },
  { "timeout_null", R"({"spec":"rng","timeout":null})", "\"timeout\" must be a number" },
  { "timeout_object", R"({"spec":"rng","timeout":{}})", "\"timeout\" must be a number" },
  { "timeout_boolean", R"({"spec":"rng","timeout":true})", "\"timeout\" must be a number" },
  { "timeout_negative", R"({"spec":"rng","timeout":-1})", "\"timeout\" must be a number" },
  { "timeout_too_long", R"({"spec":"rng","timeout":86401})", "\"timeout\" must be a number" },
  { "timeout_huge", R"({"spec":"rng","timeout":1e300})", "\"timeout\" must be a number" },
  { "force_number", R"({"spec":"rng","force":1})", "\"force\" must be true or false" },
  { "force_text", R"({"spec":"rng","force":"true"})", "\"force\" must be true or false" },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          CallArguments,
                          testing::ValuesIn (arguments_rows),
                          name_of_row<ArgumentsRow>);

TEST_P (CallArguments, AreWhatTheCommandTakes)
{
  static const char *const names[] = { "spec", "timeout", "force", nullptr };
  g_autoptr (GError) error = nullptr;
  g_autoptr (JsonObject) arguments = vp_qmp_message_parse (GetParam ().json, &error);
  guint timeout_ms = 30000;
  gboolean force = FALSE;

  ASSERT_NE (arguments, nullptr) << error->message;
  const bool ok = vp_call_arguments_check (arguments, names, &error) &&
                  vp_call_arguments_get_string (arguments, "spec", &error) != nullptr &&
                  vp_call_arguments_get_timeout (arguments, &timeout_ms, &error) &&
                  vp_call_arguments_get_flag (arguments, "force", &force, &error);

  EXPECT_EQ (ok, GetParam ().message == nullptr);
  EXPECT_EQ (timeout_ms, GetParam ().timeout_ms);
  EXPECT_EQ (force, GetParam ().force);
  if (!ok)
    {
      EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
      EXPECT_EQ (std::string (error->message).find (GetParam ().message), 0u) << error->message;
    }
}

struct StringsRow
{
  const char *name;
  const char *json;
  guint n; /* 0: refused */
};
class CallStrings : public testing::TestWithParam<StringsRow>
{
};
const StringsRow strings_rows[] = {
  { "one", R"({"ids":["a"]})", 1 },
  { "two", R"({"ids":["a","b"]})", 2 },
  { "none", R"({"ids":[]})", 0 },
  { "text", R"({"ids":"a"})", 0 },
  { "number_in_it", R"({"ids":["a",1]})", 0 },
  { "null_in_it", R"({"ids":[null]})", 0 },
  { "nested", R"({"ids":[["a"]]})", 0 },
  { "missing", "{}", 0 },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          CallStrings,
                          testing::ValuesIn (strings_rows),
                          name_of_row<StringsRow>);

TEST_P (CallStrings, AreAListOfStrings)
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (JsonObject) arguments = vp_qmp_message_parse (GetParam ().json, nullptr);
  g_auto (GStrv) strings = vp_call_arguments_get_strings (arguments, "ids", &error);

  EXPECT_EQ (strings != nullptr ? g_strv_length (strings) : 0, GetParam ().n);
  EXPECT_EQ (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE), GetParam ().n == 0);
}

TEST (CallStringsBound, MoreThanAnyVmHasPlacesForAreRefused)
{
  g_autoptr (JsonObject) arguments = json_object_new ();
  JsonArray *array = json_array_new ();
  g_autoptr (GError) error = nullptr;

  for (int i = 0; i <= VP_CALL_MAX_STRINGS; i++)
    json_array_add_string_element (array, "a");
  json_object_set_array_member (arguments, "ids", array);
  EXPECT_EQ (vp_call_arguments_get_strings (arguments, "ids", &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE));
}

/* A VM whose supervisor answers as a test says, behind the real folder, sockets and framing, on the
 * test's own main loop. */
class Control : public testing::Test
{
protected:
  Control ()
  {
    std::string pattern = (fs::temp_directory_path () / "vmplug-control-XXXXXX").string ();
    if (mkdtemp (pattern.data ()) == nullptr)
      std::abort ();
    root = pattern;
    run_dir = vp_run_dir_create (root.c_str (), "vm1", nullptr);
    listener = vp_run_dir_listen (run_dir, "control", nullptr);
  }
  ~Control () override
  {
    if (server != nullptr)
      vp_qmp_server_close (server);
    g_clear_object (&server);
    if (listener >= 0)
      close (listener);
    vp_run_dir_remove (run_dir);
    fs::remove_all (root);
    g_clear_error (&error);
    g_clear_error (&failure);
  }

  void
  serve (VpQmpServerHandler handler)
  {
    g_autoptr (GSocket) socket = g_socket_new_from_fd (listener, nullptr);
    JsonObject *greeting =
        vp_qmp_message_parse ("{\"version\":{\"vmplug\":\"0.1.0\"},\"capabilities\":[]}", nullptr);

    server = vp_qmp_server_new (socket, greeting, handler, this);
    listener = -1;
  }
  static void
  fail_call (VpQmpServer *, VpQmpCall *call, gpointer user_data)
  {
    vp_qmp_call_fail (call, vp_failure_to_json (static_cast<Control *> (user_data)->failure));
  }
  static void
  return_call (VpQmpServer *, VpQmpCall *call, gpointer)
  {
    JsonObject *arguments = json_object_ref (vp_qmp_call_get_arguments (call));
    JsonNode *value = json_node_new (JSON_NODE_OBJECT);

    json_object_set_string_member (arguments, "command", vp_qmp_call_get_command (call));
    json_node_take_object (value, arguments);
    vp_qmp_call_return (call, value);
  }
  static void
  return_array (VpQmpServer *, VpQmpCall *call, gpointer)
  {
    vp_qmp_call_return (call, json_from_string ("[1,2]", nullptr));
  }
  static void
  forget_call (VpQmpServer *, VpQmpCall *call, gpointer user_data)
  {
    auto *self = static_cast<Control *> (user_data);
    self->forgotten.push_back (call);
  }
  VpControlClient *
  connect ()
  {
    g_clear_error (&error);
    return vp_control_client_connect (root.c_str (), "vm1", &error);
  }

  fs::path root;
  VpRunDir *run_dir;
  int listener;
  VpQmpServer *server = nullptr;
  GError *failure = nullptr; /* what the server answers with */
  GError *error = nullptr;
  std::vector<VpQmpCall *> forgotten;
};

TEST_F (Control, ACallReturnsWhatTheSupervisorSays)
{
  serve (return_call);
  g_autoptr (VpControlClient) client = connect ();
  ASSERT_NE (client, nullptr) << error->message;
  JsonObject *arguments = json_object_new ();
  json_object_set_string_member (arguments, "id", "gpu0");

  g_autoptr (JsonObject) reply =
      vp_control_client_call (client, "vmplug-detach", arguments, 5000, &error);
  ASSERT_NE (reply, nullptr) << error->message;
  EXPECT_STREQ (json_object_get_string_member (reply, "command"), "vmplug-detach");
  EXPECT_STREQ (json_object_get_string_member (reply, "id"), "gpu0");
}

TEST_F (Control, WhatIsNoObjectIsNoAnswerToOurOwnCommands)
{
  serve (return_array);
  g_autoptr (VpControlClient) client = connect ();
  ASSERT_NE (client, nullptr);

  EXPECT_EQ (vp_control_client_call (client, "vmplug-status", nullptr, 5000, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
  g_clear_error (&error);

  g_autoptr (JsonNode) reply =
      vp_control_client_execute (client, "query-cpus-fast", nullptr, 5000, &error);
  ASSERT_NE (reply, nullptr);
  EXPECT_TRUE (JSON_NODE_HOLDS_ARRAY (reply));
}

TEST_F (Control, NoVmIsToldAtOnce)
{
  EXPECT_EQ (vp_control_client_connect (root.c_str (), "vm2", &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_NO_VM));
  EXPECT_STREQ (error->message, "no VM named vm2 is running");
}

/* As one that is stopped with SIGSTOP: the kernel takes the connection, and nobody greets. */
TEST_F (Control, ASilentSupervisorIsGivenUpAfterFiveSeconds)
{
  const gint64 start = g_get_monotonic_time ();

  EXPECT_EQ (connect (), nullptr);
  const double seconds = static_cast<double> (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  EXPECT_GT (seconds, 4.5);
  EXPECT_LT (seconds, 6.5);
  ASSERT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_NO_VM));
  EXPECT_EQ (vp_failure_of (error)->exit_status, 5);
  EXPECT_EQ (std::string (error->message).find ("vm1 does not answer: "), 0u) << error->message;
}

TEST_F (Control, AnAnswerThatDoesNotComeIsATimeout)
{
  serve (forget_call);
  g_autoptr (VpControlClient) client = connect ();
  ASSERT_NE (client, nullptr);

  EXPECT_EQ (vp_control_client_call (client, "vmplug-status", nullptr, 100, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT));
  EXPECT_EQ (vp_failure_of (error)->exit_status, 5);
  for (VpQmpCall *call : forgotten)
    vp_qmp_call_return (call, nullptr);
}

/* One row per kind of error that a supervisor may have. */
struct FailureRow
{
  const char *name;
  GQuark (*domain) ();
  int code;
  int exit_status;
};
class ControlFailure : public Control, public testing::WithParamInterface<FailureRow>
{
};
const FailureRow failures[] = {
  { "usage", vp_error_quark, VP_ERROR_USAGE, 2 },
  { "host", vp_error_quark, VP_ERROR_HOST, 3 },
  { "no_device", vp_error_quark, VP_ERROR_NO_DEVICE, 2 },
  { "state", vp_error_quark, VP_ERROR_STATE, 6 },
  { "refused", vp_error_quark, VP_ERROR_REFUSED, 6 },
  { "no_window", vp_error_quark, VP_ERROR_NO_WINDOW, 6 },
  { "pending", vp_error_quark, VP_ERROR_PENDING, 7 },
  { "invalid", vp_device_error_quark, VP_DEVICE_ERROR_INVALID, 2 },
  { "not_found", vp_device_error_quark, VP_DEVICE_ERROR_NOT_FOUND, 3 },
  { "not_viable", vp_device_error_quark, VP_DEVICE_ERROR_NOT_VIABLE, 3 },
  { "busy", vp_device_error_quark, VP_DEVICE_ERROR_BUSY, 3 },
  { "no_slot", vp_device_error_quark, VP_DEVICE_ERROR_NO_SLOT, 2 },
  { "duplicate", vp_device_error_quark, VP_DEVICE_ERROR_DUPLICATE, 2 },
  { "qemu_refused", vp_qmp_error_quark, VP_QMP_ERROR_COMMAND, 6 },
  { "no_command", vp_qmp_error_quark, VP_QMP_ERROR_COMMAND_NOT_FOUND, 6 },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          ControlFailure,
                          testing::ValuesIn (failures),
                          name_of_row<FailureRow>);

TEST_P (ControlFailure, ArrivesAsTheSameErrorWithTheSameText)
{
  const char *text = "gpu0: “quoted” \\ back\nslash";
  failure = g_error_new_literal (GetParam ().domain (), GetParam ().code, text);
  const VpFailure *sent = vp_failure_of (failure);

  serve (fail_call);
  g_autoptr (VpControlClient) client = connect ();
  ASSERT_NE (client, nullptr);
  EXPECT_EQ (vp_control_client_call (client, "vmplug-attach", nullptr, 5000, &error), nullptr);
  ASSERT_NE (error, nullptr);
  EXPECT_STREQ (error->message, text);
  EXPECT_EQ (vp_failure_of (error), sent) << vp_failure_of (error)->code << ", not " << sent->code;
  EXPECT_EQ (sent->exit_status, GetParam ().exit_status);
}

} // namespace
