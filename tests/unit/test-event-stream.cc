#include "launcher/boottest/event-stream.h"
#include "launcher/error.h"

#include <algorithm>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

namespace
{

class EventStream : public testing::Test
{
protected:
  int in_ = -1, out_ = -1;
  VpEventStream *stream_ = nullptr;

  void
  SetUp () override
  {
    int fds[2];

    ASSERT_EQ (pipe2 (fds, O_CLOEXEC), 0);
    in_ = fds[0];
    out_ = fds[1];
    stream_ = vp_event_stream_new (out_, nullptr);
    ASSERT_NE (stream_, nullptr);
  }
  void
  TearDown () override
  {
    vp_event_stream_free (stream_);
    close (out_);
    close_reader ();
  }
  void
  close_reader ()
  {
    if (in_ >= 0)
      close (in_);
    in_ = -1;
  }
  void
  send (gint64 number, bool may_drop, size_t padding = 0)
  {
    g_autoptr (JsonObject) event = json_object_new ();

    json_object_set_int_member (event, "n", number);
    json_object_set_string_member (event, "x", std::string (padding, 'x').c_str ());
    vp_event_stream_send (stream_, event, may_drop);
  }
  /* Reads what is there, or until the writer's end. */
  std::string
  read_some ()
  {
    char buffer[65536];
    const ssize_t n = read (in_, buffer, sizeof buffer);

    return { buffer, n > 0 ? static_cast<size_t> (n) : 0 };
  }
};

TEST_F (EventStream, WritesLines)
{
  send (1, false);
  send (2, true);
  EXPECT_TRUE (vp_event_stream_flush (stream_, 1000));
  EXPECT_EQ (read_some (), "{\"n\":1,\"x\":\"\"}\n{\"n\":2,\"x\":\"\"}\n");
}

TEST_F (EventStream, DropsOnlyWhatMayBe)
{
  std::string text;

  for (int i = 0; i < 1000; i++) /* a pipe has room for 64 KiB, the queue for 256 */
    send (i, true, 1000);
  send (1000, false);
  std::thread reader ([&] {
    for (std::string piece; !(piece = read_some ()).empty ();)
      text += piece;
  });
  EXPECT_TRUE (vp_event_stream_flush (stream_, 10000));
  close (std::exchange (out_, open ("/dev/null", O_WRONLY | O_CLOEXEC)));
  reader.join ();

  const auto n_lines = std::count (text.begin (), text.end (), '\n');
  EXPECT_GT (n_lines, 250);
  EXPECT_LT (n_lines, 350);
  EXPECT_NE (text.find ("{\"n\":0,"), std::string::npos);
  EXPECT_EQ (text.find ("{\"n\":999,"), std::string::npos);
  EXPECT_NE (text.find ("{\"n\":1000,"), std::string::npos);
}

TEST_F (EventStream, GoesOnInTheMainLoop)
{
  size_t size = 0;

  for (int i = 0; i < 200; i++)
    send (i, false, 1000);
  fcntl (in_, F_SETFL, O_NONBLOCK);
  for (int rounds = 0; size < 200 * 1000 && rounds < 10000; rounds++)
    {
      size += read_some ().size ();
      g_main_context_iteration (nullptr, FALSE);
    }
  EXPECT_GT (size, 200 * 1000u);
}

TEST_F (EventStream, DoesNotWaitForAReaderThatIsSlow)
{
  const gint64 start_us = g_get_monotonic_time ();

  for (int i = 0; i < 200; i++)
    send (i, false, 1000);
  EXPECT_FALSE (vp_event_stream_flush (stream_, 50));
  EXPECT_LT (g_get_monotonic_time () - start_us, 5 * G_TIME_SPAN_SECOND);
}

TEST_F (EventStream, OutlivesItsReader)
{
  close_reader ();
  send (1, false);
  send (2, false);
  EXPECT_FALSE (vp_event_stream_flush (stream_, 1000));
}

TEST (EventStreamNew, NeedsSomethingToWriteTo)
{
  g_autoptr (GError) not_open = nullptr, not_writable = nullptr;
  const int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  EXPECT_EQ (vp_event_stream_new (999, &not_open), nullptr);
  EXPECT_TRUE (g_error_matches (not_open, VP_ERROR, VP_ERROR_USAGE));
  EXPECT_EQ (vp_event_stream_new (fd, &not_writable), nullptr);
  EXPECT_TRUE (g_error_matches (not_writable, VP_ERROR, VP_ERROR_USAGE));
  close (fd);
}

} // namespace
