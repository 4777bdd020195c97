#include "qmp/error.h"

#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{

struct Row
{
  const char *name;
  const char *klass;
  VpQmpError code;
  const char *sent_as;
};

const Row rows[] = {
  { "generic", "GenericError", VP_QMP_ERROR_COMMAND, "GenericError" },
  { "no_such_command", "CommandNotFound", VP_QMP_ERROR_COMMAND_NOT_FOUND, "CommandNotFound" },
  { "no_such_device", "DeviceNotFound", VP_QMP_ERROR_DEVICE_NOT_FOUND, "DeviceNotFound" },
  { "other_class", "DeviceNotActive", VP_QMP_ERROR_COMMAND, "GenericError" },
  { "other_case", "commandnotfound", VP_QMP_ERROR_COMMAND, "GenericError" },
  { "no_class", nullptr, VP_QMP_ERROR_COMMAND, "GenericError" },
};

class QmpErrorClass : public testing::TestWithParam<Row>
{
};

TEST_P (QmpErrorClass, IsACodeAndBack)
{
  VpQmpError code = vp_qmp_error_code_from_class (GetParam ().klass);

  EXPECT_EQ (code, GetParam ().code);
  EXPECT_STREQ (vp_qmp_error_class_from_code (code), GetParam ().sent_as);
}

INSTANTIATE_TEST_SUITE_P (Table, QmpErrorClass, testing::ValuesIn (rows), name_of_row<Row>);

TEST (QmpError, ACodeWithoutAClassIsSentAsGeneric)
{
  EXPECT_STREQ (vp_qmp_error_class_from_code (VP_QMP_ERROR_TIMEOUT), "GenericError");
  EXPECT_STREQ (vp_qmp_error_class_from_code (VP_QMP_ERROR_PROTOCOL), "GenericError");
}

JsonObject *
object (const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, nullptr);
  return json_node_dup_object (node);
}

TEST (QmpError, KeepsTheObjectOfTheReplyThroughCopyPrefixAndFree)
{
  g_autoptr (JsonObject) failure =
      object ("{\"class\":\"DeviceNotFound\",\"desc\":\"Device 'x' not found\",\"code\":\"gone\"}");
  g_autoptr (GError) copy = nullptr;
  {
    g_autoptr (GError) error = nullptr;
    vp_qmp_error_set_from_reply (&error, failure);
    EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_DEVICE_NOT_FOUND));
    EXPECT_STREQ (error->message, "Device 'x' not found");
    EXPECT_EQ (vp_qmp_error_get_object (error), failure);
    copy = g_error_copy (error);
  }
  g_prefix_error (&copy, "detaching x: ");
  EXPECT_STREQ (copy->message, "detaching x: Device 'x' not found");
  ASSERT_EQ (vp_qmp_error_get_object (copy), failure);
  EXPECT_STREQ (json_object_get_string_member (vp_qmp_error_get_object (copy), "code"), "gone");
}

TEST (QmpError, OtherErrorsHaveNoObject)
{
  g_autoptr (GError) ours = g_error_new_literal (VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT, "late");
  g_autoptr (GError) foreign = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_IO, "disk");

  EXPECT_EQ (vp_qmp_error_get_object (ours), nullptr);
  EXPECT_EQ (vp_qmp_error_get_object (foreign), nullptr);
}

struct FailureRow
{
  const char *name;
  const char *failure; /* nullptr: not an object at all */
  const char *message;
};

const FailureRow failure_rows[] = {
  { "missing", nullptr, "refused without a description" },
  { "empty", "{}", "refused without a description" },
  { "wrong_types", "{\"class\":{},\"desc\":[1]}", "refused without a description" },
  { "percent_is_text", "{\"class\":7,\"desc\":\"100%s%n\"}", "100%s%n" },
};

class QmpErrorReply : public testing::TestWithParam<FailureRow>
{
};

TEST_P (QmpErrorReply, OddFailuresAreStillErrors)
{
  const char *text = GetParam ().failure;
  g_autoptr (JsonObject) failure = text != nullptr ? object (text) : nullptr;
  g_autoptr (GError) error = nullptr;

  vp_qmp_error_set_from_reply (&error, failure);
  EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_COMMAND));
  EXPECT_STREQ (error->message, GetParam ().message);
  EXPECT_EQ (vp_qmp_error_get_object (error), failure);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          QmpErrorReply,
                          testing::ValuesIn (failure_rows),
                          name_of_row<FailureRow>);

TEST (QmpError, NobodyHasToListen)
{
  g_autoptr (JsonObject) failure = object ("{}");

  vp_qmp_error_set_from_reply (nullptr, failure);
}

} // namespace
