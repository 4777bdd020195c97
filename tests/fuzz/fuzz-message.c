#include "qmp/message.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* What is accepted is printed, and what is printed is accepted and means the same. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *line = g_strndup ((const char *) data, size);
  g_autofree char *printed = NULL;
  g_autofree char *printed_again = NULL;
  g_autoptr (JsonObject) message = vp_qmp_message_parse (line, NULL);
  g_autoptr (JsonObject) again = NULL;
  g_autoptr (GError) error = NULL;

  if (message == NULL)
    return 0;

  printed = vp_qmp_message_to_line (message);
  g_assert_true (g_utf8_validate (printed, -1, NULL));
  again = vp_qmp_message_parse (printed, &error);
  g_assert_no_error (error);
  g_assert_true (json_object_equal (message, again));

  printed_again = vp_qmp_message_to_line (again);
  g_assert_cmpstr (printed, ==, printed_again);
  return 0;
}
