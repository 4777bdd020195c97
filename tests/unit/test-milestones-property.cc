#include "launcher/boottest/milestones.h"

#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

/* Random scripts of plain words along random consoles, against a search that is too simple to be
 * wrong, and cut into random pieces. */

namespace
{

using Random = std::mt19937;

constexpr int ROUNDS = 1000;

/* Some begin or end like others; two are failures, one of which the script may expect. */
const std::vector<std::string> words = { "login:",
                                         "log",
                                         "in:",
                                         "ready",
                                         "Run /init",
                                         "init",
                                         "again",
                                         "gain",
                                         "# ",
                                         "#",
                                         "FAIL",
                                         "AIL all",
                                         "all",
                                         "\xc3\xa9t\xc3\xa9",
                                         "\xff\xfe",
                                         "0",
                                         "Kernel panic - not syncing" };
const std::string failures[] = { "Kernel panic - not syncing", "FAIL" };

/* What a terminal would not show is put between, and must make no difference. */
const std::vector<std::string> invisible = { "\x1b[0;32m", "\x1b[K", "\x1b]0;title\x07", "\x07",
                                             "" };

size_t
pick (Random &random, size_t n)
{
  return std::uniform_int_distribution<size_t> (0, n - 1) (random);
}

struct Console
{
  std::vector<std::string> lines; /* as they are searched */
  std::string bytes;              /* as the guest prints them */
};

Console
random_console (Random &random)
{
  Console console;

  for (size_t n = 1 + pick (random, 12); n > 0; n--)
    {
      std::string line;

      for (size_t i = pick (random, 5); i > 0; i--)
        {
          const std::string &word = words[pick (random, words.size ())];
          const size_t cut = pick (random, word.size () + 1);

          line += word;
          console.bytes += word.substr (0, cut) + invisible[pick (random, invisible.size ())] +
                           word.substr (cut);
        }
      console.lines.push_back (line);
      console.bytes += pick (random, 2) == 0 ? "\n" : "\r\n";
    }
  return console;
}

/* How many steps are done, and whether a failure ended that. */
struct Story
{
  guint done;
  bool failed;
  bool
  operator== (const Story &other) const
  {
    return done == other.done && failed == other.failed;
  }
};

std::ostream &
operator<< (std::ostream &stream, const Story &story)
{
  return stream << story.done << " steps done" << (story.failed ? ", then a failure" : "");
}

/* Line by line: what is expected first, then what must not come, each behind the last match. */
Story
search (const std::vector<std::string> &script, const Console &console)
{
  guint done = 0;

  for (const std::string &line : console.lines)
    {
      size_t from = 0, found;

      while (done < script.size () && (found = line.find (script[done], from)) != std::string::npos)
        from = found + script[done++].size ();
      if (done == script.size ())
        return { done, false };
      for (const std::string &failure : failures)
        if (line.find (failure, from) != std::string::npos)
          return { done, true };
    }
  return { done, false };
}

class Follower
{
public:
  explicit Follower (const std::vector<std::string> &script)
  {
    const char *own[] = { "FAIL", nullptr };

    for (const std::string &text : script)
      {
        g_autofree char *literal = g_regex_escape_string (text.c_str (), -1);
        g_ptr_array_add (steps_, vp_step_new_within (VP_STEP_EXPECT, literal, 0, nullptr));
      }
    patterns_ = vp_fail_patterns_new (own, TRUE, nullptr);
    milestones_ = vp_milestones_new (steps_, patterns_, 1);
  }
  ~Follower ()
  {
    vp_milestones_free (milestones_);
    vp_fail_patterns_free (patterns_);
    g_ptr_array_unref (steps_);
  }
  Follower (const Follower &) = delete;
  Follower &operator= (const Follower &) = delete;

  /* Pieces of 1 to @longest bytes. */
  Story
  follow (const std::string &bytes, size_t longest, Random &random)
  {
    for (size_t at = 0, size; at < bytes.size (); at += size)
      {
        size = std::min (1 + pick (random, longest), bytes.size () - at);
        vp_milestones_feed (milestones_, reinterpret_cast<const guint8 *> (bytes.data () + at),
                            size, 0);
      }
    return { vp_milestones_get_step (milestones_),
             vp_milestones_get_state (milestones_) == VP_MILESTONES_FAILED };
  }

private:
  GPtrArray *steps_ =
      g_ptr_array_new_with_free_func (reinterpret_cast<GDestroyNotify> (vp_step_free));
  VpFailPatterns *patterns_;
  VpMilestones *milestones_;
};

TEST (MilestonesProperty, AnyChunkingIsWhatASimpleSearchFinds)
{
  Random random (1);
  guint n_done = 0, n_failed = 0;

  for (int round = 0; round < ROUNDS; round++)
    {
      const Console console = random_console (random);
      std::vector<std::string> script;

      for (size_t n = 1 + pick (random, 4); n > 0; n--)
        script.push_back (words[pick (random, words.size ())]);
      const Story expected = search (script, console);
      n_done += expected.done;
      n_failed += expected.failed ? 1 : 0;
      for (size_t longest : { size_t{ 1 }, size_t{ 3 }, size_t{ 40 }, console.bytes.size () })
        {
          const Story story = Follower (script).follow (console.bytes, longest, random);
          ASSERT_EQ (story, expected) << "round " << round << ", pieces up to " << longest << ": "
                                      << testing::PrintToString (console.bytes) << " for "
                                      << testing::PrintToString (script);
        }
    }
  EXPECT_GT (n_done, 400u);
  EXPECT_GT (n_failed, 300u);
}

/* What the user expects is no failure, though it says that the kernel panicked. */
TEST (MilestonesProperty, APanicThatIsExpectedIsNoFailure)
{
  Random random (2);
  const std::string bytes = "[    1.0] Kernel panic - not syncing: as planned\nall done\n";

  for (size_t longest : { size_t{ 1 }, size_t{ 7 }, bytes.size () })
    EXPECT_EQ (
        Follower ({ "Kernel panic - not syncing", "all done" }).follow (bytes, longest, random),
        (Story{ 2, false }))
        << longest;
}

} // namespace
