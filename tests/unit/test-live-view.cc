#include "launcher/boottest/live-view.h"

#include "launcher/boottest/live-screen.h"

#include "tests/support/boot-documents.h"
#include "tests/support/golden.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace
{

class LiveViewTest : public testing::Test
{
protected:
  ~LiveViewTest () override { vp_live_view_free (view_); }

  void
  begin (guint n_cases, bool is_live = true, bool has_colour = false)
  {
    vp_live_view_free (view_);
    view_ = vp_live_view_new (n_cases, is_live, has_colour);
  }
  void
  event (guint index, const std::string &text, gint64 now_ms)
  {
    BootDocuments events;
    vp_live_view_add_event (view_, index, events.add (text), now_ms);
  }
  void
  start (guint index, const std::string &name, gint64 now_ms)
  {
    event (index, R"({"event":"start","accel":"tcg","name":")" + name + R"("})", now_ms);
  }
  void
  say (guint index, const std::string &line, gint64 now_ms)
  {
    BootDocuments events;
    JsonObject *console = events.add (R"({"event":"console"})");
    JsonArray *lines = json_array_new ();
    json_array_add_string_element (lines, line.c_str ());
    json_object_set_array_member (console, "lines", lines);
    vp_live_view_add_event (view_, index, console, now_ms);
  }
  void
  finish (guint index, const std::string &text)
  {
    BootDocuments documents;
    vp_live_view_finish (view_, index, documents.add (text));
  }
  std::string
  draw (guint columns, guint rows, gint64 now_ms)
  {
    g_autofree char *text = vp_live_view_draw (view_, columns, rows, now_ms);
    return text;
  }
  std::string
  take ()
  {
    g_autofree char *text = vp_live_view_take_lines (view_);
    return text;
  }
  /* Two that run, one of them with a console, and one that has failed. */
  void
  play ()
  {
    start (0, "boots", 1000);
    start (1, "hotplug[machine=pc]", 1500);
    start (2, "reset", 1600);
    event (0, R"({"event":"milestone","step":0,"do":"expect","text":"Linux version",
                  "seconds":1.25})",
           2250);
    event (1, R"({"event":"milestone","step":1,"do":"stop","text":null,"seconds":0.5})", 2260);
    for (int i = 1; i <= 10; i++)
      say (1, "line " + std::to_string (i), 2300);
    event (1, R"({"event":"end","document":{"verdict":"fail"}})", 2400);
    finish (2, R"({"name":"reset","verdict":"guest-gone","seconds":1,"reason":"it went",
                   "evidence":{"console_tail":["bye"]}})");
  }

  VpLiveView *view_ = vp_live_view_new (0, TRUE, FALSE);
};

TEST_F (LiveViewTest, DrawsWhatRuns)
{
  begin (12);
  play ();

  expect_golden ("boot-report/live", draw (60, 24, 13345));
  EXPECT_EQ (take (), "guest-gone  reset  1.0 s\n  why       it went\n  console   bye\n");
  EXPECT_EQ (take (), "");
}

TEST_F (LiveViewTest, DrawsInColour)
{
  begin (12, true, true);
  play ();

  expect_golden ("boot-report/live-colour", draw (60, 24, 13345));
}

TEST_F (LiveViewTest, WithoutATerminalAllOfItStays)
{
  begin (12, false);
  play ();

  expect_golden ("boot-report/live-plain", take ());
  EXPECT_EQ (draw (60, 24, 13345), "");
}

TEST_F (LiveViewTest, NothingIsDrawnWhenNothingRuns)
{
  begin (1);
  EXPECT_EQ (draw (80, 24, 0), "");
  start (0, "a", 0);
  EXPECT_EQ (draw (80, 24, 1500), "0 of 1 done, 0 not passed\n    1.5 s  a\n");
  finish (0, R"({"name":"a","verdict":"skip","reason":"no-kvm"})");
  EXPECT_EQ (draw (80, 24, 1500), "");
  EXPECT_EQ (take (), "skip        a  no-kvm\n");
}

TEST_F (LiveViewTest, AnotherAttemptBeginsAnew)
{
  begin (1);
  start (0, "a", 0);
  event (0, R"({"event":"milestone","do":"expect","text":"x","seconds":1})", 1000);
  say (0, "old", 1000);
  event (0, R"({"event":"retry","name":"a","reason":"QEMU\n"})", 4000);
  start (0, "a", 5000);

  EXPECT_EQ (take (), "a: tried again: QEMU\\x0a\n");
  EXPECT_EQ (draw (80, 24, 7000), "0 of 1 done, 0 not passed\n    2.0 s  a  attempt 2\n");
}

TEST_F (LiveViewTest, TheConsoleOfWhatIsOverGoesAway)
{
  begin (2);
  start (0, "a", 0);
  start (1, "b", 0);
  say (0, "of a", 0);
  say (1, "of b", 0);
  EXPECT_EQ (draw (80, 24, 0).find ("of a"), std::string::npos);
  EXPECT_NE (draw (80, 24, 0).find ("-- b\nof b\n"), std::string::npos);
  finish (1, R"({"name":"b","verdict":"pass"})");

  EXPECT_EQ (draw (80, 24, 0), "1 of 2 done, 0 not passed\n    0.0 s  a\n");
}

guint
width_of (const std::string &line)
{
  guint width = 0;

  for (const char *p = line.c_str (); *p != '\0'; p = g_utf8_next_char (p))
    {
      const gunichar c = g_utf8_get_char (p);
      width += g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
    }
  return width;
}

TEST_F (LiveViewTest, FitsEveryTerminal)
{
  begin (20);
  for (guint i = 0; i < 20; i++)
    {
      start (i, "漢字漢字漢字-e\xcc\x81 case " + std::to_string (i), 0);
      for (int j = 0; j < 10; j++)
        say (i, std::string (5000, 'x') + "漢", 0);
    }
  for (guint n_done = 0; n_done < 20; n_done++)
    {
      for (guint columns = 0; columns < 100; columns++)
        for (guint rows = 0; rows < 40; rows += columns % 7 == 0 ? 1 : 13)
          {
            std::istringstream lines (draw (columns, rows, 3600000));
            std::string line;
            guint n_lines = 0;

            while (std::getline (lines, line))
              {
                ASSERT_LT (width_of (line), std::max (columns, 2u));
                n_lines++;
              }
            ASSERT_LT (n_lines, std::max (rows, 4u)) << columns << "x" << rows;
            ASSERT_GE (n_lines, 2u);
          }
      finish (n_done, R"({"verdict":"pass"})");
    }
}

TEST_F (LiveViewTest, NoTextOfAGuestReachesTheTerminalAsItIs)
{
  begin (1);
  event (0, R"({"event":"start","name":"a\u001b[2J\nb"})", 0);
  event (0, R"({"event":"milestone","do":"expect","text":"\r\u009b","seconds":1})", 0);
  for (const char *line : { "\x1b]0;title\x07", "\xff\xfe", "a\tb",
                            "\xe2\x80\xae"
                            "abc",
                            "a\nb" })
    say (0, line, 0);

  EXPECT_EQ (draw (200, 24, 0), "0 of 1 done, 0 not passed\n"
                                "    0.0 s  a\\x1b[2J\\x0ab  expect \\x0d\\u009b after 1.0 s\n"
                                "-- a\\x1b[2J\\x0ab\n"
                                "\\x1b]0;title\\x07\n"
                                "\uFFFD\uFFFD\n"
                                "a b\n"
                                "\\u202eabc\n"
                                "a\\x0ab\n");
}

TEST_F (LiveViewTest, EventsMayBeAnything)
{
  begin (2);
  for (bool is_started : { false, true })
    {
      for (const char *text :
           { "{}", R"({"event":1})", R"({"event":"milestone"})", R"({"event":"console"})",
             R"({"event":"milestone","do":[],"text":{},"seconds":"x"})",
             R"({"event":"console","lines":[1,null,{}]})", R"({"event":"console","lines":{}})",
             R"({"event":"end"})" })
        event (0, text, 0);
      if (!is_started)
        {
          EXPECT_EQ (draw (80, 24, 0), "");
          event (0, R"({"event":"start","name":7})", 5);
        }
    }
  EXPECT_EQ (draw (80, 24, 0), "0 of 2 done, 0 not passed\n    0.0 s  ?  ? after 0.0 s\n");
  EXPECT_EQ (take (), "");
}

/* A terminal, as far as the screen uses one. */
class Terminal
{
public:
  Terminal ()
  {
    master_ = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master_ < 0 || grantpt (master_) != 0 || unlockpt (master_) != 0)
      std::abort ();
    file_ = fopen (ptsname (master_), "we");
    const struct winsize size = { 24, 60, 0, 0 };
    if (file_ == nullptr || ioctl (master_, TIOCSWINSZ, &size) != 0)
      std::abort ();
  }
  ~Terminal ()
  {
    fclose (file_);
    close (master_);
  }
  Terminal (const Terminal &) = delete;
  Terminal &operator= (const Terminal &) = delete;

  FILE *
  file () const
  {
    return file_;
  }
  void
  read_all ()
  {
    char buffer[4096];
    ssize_t n;

    while ((n = read (master_, buffer, sizeof buffer)) > 0)
      bytes_.append (buffer, static_cast<size_t> (n));
  }
  /* What it shows. */
  std::vector<std::string>
  lines ()
  {
    std::vector<std::string> lines{ "" };
    size_t row = 0;

    read_all ();
    for (size_t i = 0; i < bytes_.size (); i++)
      if (bytes_[i] == '\x1b')
        {
          const size_t end = bytes_.find_first_of ("AJ", i);
          if (bytes_[end] == 'A')
            row -= std::stoul (bytes_.substr (i + 2));
          else
            lines.resize (row), lines.emplace_back ();
          i = end;
        }
      else if (bytes_[i] == '\n')
        {
          row++;
          if (row == lines.size ())
            lines.emplace_back ();
        }
      else if (bytes_[i] != '\r')
        lines.at (row) += bytes_[i];
    return lines;
  }
  size_t
  n_drawings ()
  {
    size_t n = 0;

    read_all ();
    for (size_t at = bytes_.find (" done, "); at != std::string::npos;
         at = bytes_.find (" done, ", at + 1))
      n++;
    return n;
  }

private:
  int master_;
  FILE *file_;
  std::string bytes_;
};

TEST (LiveScreen, DrawsOverWhatItHasDrawn)
{
  Terminal terminal;
  BootDocuments events;
  JsonObject *start = events.add (R"({"event":"start","name":"a"})");
  JsonObject *console = events.add (R"({"event":"console","lines":["one","two"]})");
  VpLiveScreen *screen = vp_live_screen_new (terminal.file (), 2, FALSE);
  const gint64 began = g_get_monotonic_time ();

  vp_live_screen_add_event (screen, 0, start);
  vp_live_screen_add_event (screen, 1, start);
  while (g_get_monotonic_time () - began < 350000)
    {
      vp_live_screen_add_event (screen, 0, console);
      g_main_context_iteration (nullptr, FALSE);
      g_usleep (1000);
    }
  const size_t n_drawings = terminal.n_drawings ();
  const double tenths =
      static_cast<double> (g_get_monotonic_time () - began) / 1000 / VP_LIVE_SCREEN_PAUSE_MS;
  EXPECT_GE (n_drawings, 2u);
  EXPECT_LE (static_cast<double> (n_drawings), tenths + 1);
  EXPECT_EQ (terminal.lines ().size (), 3u + 1 + VP_LIVE_VIEW_LINES + 1);

  vp_live_screen_finish (screen, 0, events.add (R"({"name":"a","verdict":"pass","seconds":1})"));
  while (terminal.n_drawings () == n_drawings)
    g_main_context_iteration (nullptr, TRUE);
  ASSERT_EQ (terminal.lines ().size (), 4u);
  EXPECT_EQ (terminal.lines ()[0], "pass        a  1.0 s");
  EXPECT_EQ (terminal.lines ()[1], "1 of 2 done, 0 not passed");

  vp_live_screen_free (screen);
  EXPECT_EQ (terminal.lines (), (std::vector<std::string>{ "pass        a  1.0 s", "" }));
}

TEST (LiveScreen, WritesLinesIntoAFile)
{
  BootDocuments events;
  char *text = nullptr;
  g_autofree char *name = nullptr;
  const int fd = g_file_open_tmp (nullptr, &name, nullptr);
  FILE *file = fdopen (fd, "w");
  VpLiveScreen *screen = vp_live_screen_new (file, 1, FALSE);

  vp_live_screen_add_event (screen, 0, events.add (R"({"event":"start","name":"a"})"));
  vp_live_screen_finish (screen, 0, events.add (R"({"name":"a","verdict":"pass","seconds":1})"));
  vp_live_screen_free (screen);
  fclose (file);

  ASSERT_TRUE (g_file_get_contents (name, &text, nullptr, nullptr));
  EXPECT_STREQ (text, "a: started\npass        a  1.0 s\n");
  g_free (text);
  unlink (name);
}

} // namespace
