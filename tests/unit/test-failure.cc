#include "devices/error.h"
#include "launcher/error.h"
#include "launcher/failure.h"
#include "qmp/error.h"
#include "qmp/message.h"

#include "tests/support/row-name.h"

#include <gio/gio.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

struct Row
{
  const char *name;
  GQuark domain;
  int code;
  const char *text;
  int exit_status;
  const char *qmp_class = "GenericError";
};

/* The exit codes are those of the contract; scripts depend on them and on the texts. */
const Row rows[] = {
  { "usage", VP_ERROR, VP_ERROR_USAGE, "usage", 2 },
  { "host", VP_ERROR, VP_ERROR_HOST, "host", 3 },
  { "start", VP_ERROR, VP_ERROR_START, "qemu-start", 4 },
  { "no_vm", VP_ERROR, VP_ERROR_NO_VM, "no-vm", 5 },
  { "exists", VP_ERROR, VP_ERROR_EXISTS, "name-in-use", 2 },
  { "no_device", VP_ERROR, VP_ERROR_NO_DEVICE, "no-device", 2, "DeviceNotFound" },
  { "state", VP_ERROR, VP_ERROR_STATE, "wrong-state", 6 },
  { "refused", VP_ERROR, VP_ERROR_REFUSED, "qemu-refused", 6 },
  { "no_window", VP_ERROR, VP_ERROR_NO_WINDOW, "no-window", 6 },
  { "pending", VP_ERROR, VP_ERROR_PENDING, "pending", 7 },
  { "guest", VP_ERROR, VP_ERROR_GUEST, "guest-failed", 8 },
  { "rehearsal", VP_ERROR, VP_ERROR_REHEARSAL, "rehearsal-failed", 8 },
  { "device_invalid", VP_DEVICE_ERROR, VP_DEVICE_ERROR_INVALID, "usage", 2 },
  { "device_not_found", VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_FOUND, "not-found", 3 },
  { "device_no_iommu", VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_IOMMU, "no-iommu", 3 },
  { "device_not_assignable", VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_ASSIGNABLE, "not-assignable", 3 },
  { "device_not_bound", VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_BOUND, "not-bound", 3 },
  { "device_not_viable", VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_VIABLE, "group-not-viable", 3 },
  { "device_busy", VP_DEVICE_ERROR, VP_DEVICE_ERROR_BUSY, "busy", 3 },
  { "device_in_use", VP_DEVICE_ERROR, VP_DEVICE_ERROR_IN_USE, "in-use-by-host", 3 },
  { "memlock", VP_ERROR, VP_ERROR_MEMLOCK, "memlock", 3 },
  { "device_permission", VP_DEVICE_ERROR, VP_DEVICE_ERROR_PERMISSION, "permission-denied", 3 },
  { "device_driver", VP_DEVICE_ERROR, VP_DEVICE_ERROR_DRIVER, "driver-refused", 3 },
  { "device_no_slot", VP_DEVICE_ERROR, VP_DEVICE_ERROR_NO_SLOT, "no-slot", 2 },
  { "device_duplicate", VP_DEVICE_ERROR, VP_DEVICE_ERROR_DUPLICATE, "duplicate", 2 },
  { "device_io", VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO, "io", 3 },
  { "qmp_protocol", VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL, "protocol", 5 },
  { "qmp_disconnected", VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED, "disconnected", 5 },
  { "qmp_timeout", VP_QMP_ERROR, VP_QMP_ERROR_TIMEOUT, "timeout", 5 },
  { "qmp_command", VP_QMP_ERROR, VP_QMP_ERROR_COMMAND, "qemu-refused", 6 },
  { "qmp_command_not_found", VP_QMP_ERROR, VP_QMP_ERROR_COMMAND_NOT_FOUND, "no-command", 6,
    "CommandNotFound" },
  { "qmp_device_not_found", VP_QMP_ERROR, VP_QMP_ERROR_DEVICE_NOT_FOUND, "no-device", 2,
    "DeviceNotFound" },
  { "option_unknown", G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "usage", 2 },
  { "option_bad_value", G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "usage", 2 },
  { "foreign_domain", G_IO_ERROR, G_IO_ERROR_FAILED, "internal", 1 },
  { "foreign_code", G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "internal", 1 },
  { "unknown_code_of_ours", VP_ERROR, 9999, "internal", 1 },
};

class Failure : public testing::TestWithParam<Row>
{
protected:
  GError *error_ = g_error_new_literal (GetParam ().domain, GetParam ().code, "it went wrong");

  ~Failure () override { g_error_free (error_); }
};

TEST_P (Failure, HasItsCodeAndExitStatus)
{
  const VpFailure *failure = vp_failure_of (error_);

  EXPECT_STREQ (failure->code, GetParam ().text);
  EXPECT_EQ (failure->exit_status, GetParam ().exit_status);
}

TEST_P (Failure, IsTheSameAfterTheWire)
{
  g_autoptr (JsonObject) sent = vp_failure_to_json (error_);
  g_autofree char *line = vp_qmp_message_to_line (sent);
  g_autoptr (GError) error = nullptr;

  *strchr (line, '\r') = '\0';
  g_autoptr (JsonObject) received = vp_qmp_message_parse (line, &error);
  ASSERT_NE (received, nullptr) << error->message;
  EXPECT_STREQ (vp_qmp_message_get_string (received, "class"), GetParam ().qmp_class);
  EXPECT_STREQ (vp_qmp_message_get_string (received, "desc"), "it went wrong");

  g_autoptr (GError) copy = vp_failure_from_json (received);
  EXPECT_EQ (vp_failure_of (copy), vp_failure_of (error_));
  EXPECT_STREQ (copy->message, "it went wrong");
}

TEST_P (Failure, HintIsOneClause)
{
  const char *hint = vp_failure_of (error_)->hint;

  if (hint != nullptr)
    {
      EXPECT_EQ (strpbrk (hint, "\n;"), nullptr) << hint;
      EXPECT_NE (hint[strlen (hint) - 1], '.') << hint;
    }
}

INSTANTIATE_TEST_SUITE_P (Table, Failure, testing::ValuesIn (rows), name_of_row<Row>);

/* Found by counting, so that a new code without a row is a failure here. */
TEST (FailureTable, EveryErrorOfOursHasARow)
{
  const struct
  {
    GQuark domain;
    int last;
  } domains[] = { { VP_ERROR, VP_ERROR_GUEST },
                  { VP_DEVICE_ERROR, VP_DEVICE_ERROR_IO },
                  { VP_QMP_ERROR, VP_QMP_ERROR_DEVICE_NOT_FOUND } };

  for (const auto &domain : domains)
    for (int code = 0; code <= domain.last; code++)
      {
        g_autoptr (GError) error = g_error_new_literal (domain.domain, code, "x");
        EXPECT_STRNE (vp_failure_of (error)->code, "internal")
            << g_quark_to_string (domain.domain) << " " << code;
      }
}

struct Foreign
{
  const char *name;
  const char *json; /* nullptr: no object at all */
  VpQmpError code;
};

const Foreign foreigners[] = {
  { "nothing", nullptr, VP_QMP_ERROR_COMMAND },
  { "empty", "{}", VP_QMP_ERROR_COMMAND },
  { "qemu", R"({"class":"GenericError","desc":"no"})", VP_QMP_ERROR_COMMAND },
  { "qemu_device", R"({"class":"DeviceNotFound","desc":"no"})", VP_QMP_ERROR_DEVICE_NOT_FOUND },
  { "newer_vmplug", R"({"class":"DeviceNotFound","desc":"no","code":"lost","message":"no"})",
    VP_QMP_ERROR_DEVICE_NOT_FOUND },
  { "no_message", R"({"class":"CommandNotFound","desc":"no","code":"usage"})",
    VP_QMP_ERROR_COMMAND_NOT_FOUND },
  { "wrong_types", R"({"class":1,"desc":[],"code":{},"message":2})", VP_QMP_ERROR_COMMAND },
};

class FailureFromJson : public testing::TestWithParam<Foreign>
{
};

TEST_P (FailureFromJson, FallsBackOnWhatQmpSays)
{
  g_autoptr (JsonObject) object = nullptr;

  if (GetParam ().json != nullptr)
    object = vp_qmp_message_parse (GetParam ().json, nullptr);
  g_autoptr (GError) error = vp_failure_from_json (object);
  ASSERT_NE (error, nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, GetParam ().code)) << error->message;
}

INSTANTIATE_TEST_SUITE_P (Table,
                          FailureFromJson,
                          testing::ValuesIn (foreigners),
                          name_of_row<Foreign>);

/* What vp_failure_print() writes. */
struct Printed
{
  int status;
  std::string out;
  std::string err;

  Printed (const GError *error, bool as_json)
  {
    testing::internal::CaptureStdout ();
    testing::internal::CaptureStderr ();
    status = vp_failure_print (error, as_json);
    out = testing::internal::GetCapturedStdout ();
    err = testing::internal::GetCapturedStderr ();
  }
};

TEST (FailurePrint, IsOneLineOfThreeParts)
{
  g_autoptr (GError) error = g_error_new_literal (VP_DEVICE_ERROR, VP_DEVICE_ERROR_NOT_BOUND,
                                                  "0000:41:00.0: bound to nouveau");
  const Printed printed (error, false);

  EXPECT_EQ (printed.status, 3);
  EXPECT_EQ (printed.out, "");
  EXPECT_EQ (printed.err, "vmplug: 0000:41:00.0: bound to nouveau; "
                          "run vmplug bind on it first, or add bind=on\n");
}

TEST (FailurePrint, LeavesOutTheHintWhenThereIsNone)
{
  g_autoptr (GError) error = g_error_new_literal (VP_ERROR, VP_ERROR_START, "QEMU: exit 1");

  EXPECT_EQ (Printed (error, false).err, "vmplug: QEMU: exit 1\n");
}

TEST (FailurePrint, JsonHasTheThreeKeysOfTheContract)
{
  g_autoptr (GError) error = g_error_new_literal (VP_ERROR, VP_ERROR_HOST, "no \"it\"");
  const Printed printed (error, true);

  EXPECT_EQ (printed.out, R"({"error":{"code":"host","message":"no \"it\"","hint":null}})"
                          "\n");
  EXPECT_EQ (printed.err, "vmplug: no \"it\"\n");
}

struct Hostile
{
  const char *name;
  const char *message;
  const char *printed;
};

const Hostile hostile[] = {
  { "escape", "a\033[31mb", "a\\x1b[31mb" },
  { "newline", "a\nvmplug: all is well", "a\\x0avmplug: all is well" },
  { "carriage_return", "a\rb", "a\\x0db" },
  { "delete", "a\177b", "a\\x7fb" },
  { "c1_control",
    "a\xc2\x9b"
    "31mb",
    "a\\u009b31mb" },
  { "right_to_left_override",
    "a\xe2\x80\xae"
    "b",
    "a\\u202eb" },
  { "not_utf8",
    "a\xff"
    "b",
    "a\xef\xbf\xbd"
    "b" },
  { "text_of_people", "Größe 数", "Größe 数" },
};

class FailurePrintHostile : public testing::TestWithParam<Hostile>
{
};

TEST_P (FailurePrintHostile, MakesItVisible)
{
  g_autoptr (GError) error = g_error_new_literal (VP_ERROR, VP_ERROR_START, GetParam ().message);
  const Printed printed (error, true);

  EXPECT_EQ (printed.err, std::string ("vmplug: ") + GetParam ().printed + "\n");
  EXPECT_TRUE (g_utf8_validate (printed.out.c_str (), -1, nullptr));
  EXPECT_EQ (printed.out.find ('\033'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P (Table,
                          FailurePrintHostile,
                          testing::ValuesIn (hostile),
                          name_of_row<Hostile>);

} // namespace
