#include "launcher/vm/qemu-end.h"

#include "tests/support/row-name.h"

#include <csignal>
#include <gio/gio.h>
#include <gtest/gtest.h>

namespace
{

struct Row
{
  const char *name;
  int wait_status; /* as waitpid() gives it: a status is in the second byte */
  const char *shutdown_reason;
  bool has_failure;
  bool is_guests;
};

const Row rows[] = {
  { "powered_off", 0, "guest-shutdown", false, true },
  { "reset_where_that_ends_it", 0, "guest-reset", false, true },
  { "panicked", 0, "guest-panic", false, true },
  { "killed", SIGKILL, nullptr, false, false },
  { "killed_while_it_powered_off", SIGKILL, "guest-shutdown", false, false },
  { "failed_while_it_powered_off", 1 << 8, "guest-shutdown", false, false },
  { "terminated", 0, "host-signal", false, false },
  { "told_to_quit", 0, "host-qmp-quit", false, false },
  { "said_nothing", 0, nullptr, false, false },
  { "left_qmp", 0, "guest-shutdown", true, false },
};

class QemuEnd : public testing::TestWithParam<Row>
{
};

TEST_P (QemuEnd, IsTheGuestsOrNot)
{
  const Row &row = GetParam ();
  g_autoptr (GError) failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "it left");
  VpQemuEnd end = {};

  end.wait_status = row.wait_status;
  end.shutdown_reason = row.shutdown_reason;
  end.failure = row.has_failure ? failure : nullptr;
  EXPECT_EQ (vp_qemu_end_is_guests (&end) != FALSE, row.is_guests);
}

INSTANTIATE_TEST_SUITE_P (Table, QemuEnd, testing::ValuesIn (rows), name_of_row<Row>);

} // namespace
