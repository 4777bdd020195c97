#include "tests/support/qmp-server-test.h"

#include <dirent.h>
#include <random>
#include <sys/resource.h>
#include <sys/stat.h>

namespace
{

/* Bounds */

TEST_F (QmpServer, RefusesTheSeventeenthUnansweredCommand)
{
  auto peer = ready (), other = ready ();
  for (int i = 1; i <= 17; i++)
    peer->say_line ("{\"execute\":\"later\",\"id\":" + std::to_string (i) + "}");
  Heard refusal = peer->hear ();
  EXPECT_EQ (refusal.id (), "17");
  EXPECT_EQ (refusal.text ({ "error", "class" }), "GenericError");
  EXPECT_EQ (calls.size (), 16u);

  other->say_line ("{\"execute\":\"nothing\",\"id\":1}"); /* another client has its own */
  EXPECT_EQ (other->hear_line (), "{\"return\":{},\"id\":1}");

  vp_qmp_call_return (calls.back (), nullptr);
  calls.pop_back ();
  EXPECT_EQ (peer->hear ().id (), "16");
  peer->say_line ("{\"execute\":\"nothing\",\"id\":18}");
  EXPECT_EQ (peer->hear_line (), "{\"return\":{},\"id\":18}");
}

TEST_F (QmpServer, TellsTheThirtyThirdClientAndHangsUp)
{
  std::vector<std::unique_ptr<QmpPeer>> peers;
  for (int i = 0; i < 32; i++)
    peers.push_back (i % 2 == 0 ? greeted () : ready ());

  QmpPeer refused (connect_fd ());
  EXPECT_EQ (refused.hear ().text ({ "error", "class" }), "GenericError");
  EXPECT_TRUE (refused.hears_end ());
  peers[31]->say_line ("{\"execute\":\"nothing\",\"id\":1}");
  EXPECT_EQ (peers[31]->hear_line (), "{\"return\":{},\"id\":1}");

  peers.erase (peers.begin ());
  run_pending ();
  ready ();
}

TEST_F (QmpServer, AFloodOfEventsEndsOnlyTheClientThatDoesNotRead)
{
  auto deaf = ready (), good = ready ();
  g_autoptr (JsonObject) data = json_object_new ();
  json_object_set_string_member (data, "text", std::string (10000, 'x').c_str ());

  deaf->stop_listening ();
  for (int i = 0; i < 300; i++)
    {
      vp_qmp_server_broadcast (server, "FLOOD", data);
      EXPECT_EQ (good->hear ().text ({ "event" }), "FLOOD");
    }
  deaf->listen ();
  EXPECT_TRUE (deaf->hears_end ());
  good->say_line ("{\"execute\":\"nothing\",\"id\":1}");
  EXPECT_EQ (good->hear_line (), "{\"return\":{},\"id\":1}");
}

TEST_F (QmpServer, AFloodOfFaultsEndsTheClientThatDoesNotRead)
{
  auto deaf = ready (), good = ready ();
  std::string block;
  for (int i = 0; i < 1000; i++)
    block += "x\n";

  deaf->stop_listening ();
  try
    {
      for (int i = 0; i < 1000; i++)
        deaf->say (block);
      ADD_FAILURE () << "a million complaints were kept";
    }
  catch (const std::runtime_error &)
    {
    }
  good->say_line ("{\"execute\":\"nothing\",\"id\":1}");
  EXPECT_EQ (good->hear_line (), "{\"return\":{},\"id\":1}");
}

TEST_F (QmpServer, PausesWhenFileDescriptorsRunOut)
{
  const char *preload = getenv ("LD_PRELOAD");
  if (preload != nullptr && strstr (preload, "valgrind") != nullptr)
    GTEST_SKIP () << "valgrind accepts, closes and only then says EMFILE";

  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto peer = ready (); /* everything that is opened on first use is open now */
  struct rlimit limit, low;
  ASSERT_EQ (getrlimit (RLIMIT_NOFILE, &limit), 0);
  low = limit;
  low.rlim_cur = static_cast<rlim_t> (dup (fd));
  close (static_cast<int> (low.rlim_cur));
  ASSERT_EQ (setrlimit (RLIMIT_NOFILE, &low), 0);

  ASSERT_EQ (connect_fd (fd), fd);
  QmpPeer waiting (fd);
  int turns = 0;
  gint64 end = g_get_monotonic_time () + 300000;
  run_until ([&] { return ++turns > 10000 || g_get_monotonic_time () > end; });
  ASSERT_EQ (setrlimit (RLIMIT_NOFILE, &limit), 0);
  EXPECT_LT (turns, 200) << "the loop spins";
  EXPECT_EQ (waiting.unheard (), "");

  peer->say_line ("{\"execute\":\"nothing\",\"id\":1}"); /* who was in is served meanwhile */
  EXPECT_EQ (peer->hear_line (), "{\"return\":{},\"id\":1}");
  EXPECT_TRUE (waiting.hear ().has ("QMP"));
}

TEST_F (QmpServer, LetsInOnlyItsOwnUserAndRoot)
{
  if (geteuid () != 0)
    GTEST_SKIP () << "needs root to become somebody else";

  const uid_t other = 65534, third = 65533;
  ASSERT_EQ (chmod (folder ().c_str (), 0755), 0);
  ASSERT_EQ (chmod ((folder () + "/control").c_str (), 0777), 0);
  ASSERT_EQ (seteuid (other), 0);
  int as_other = connect_fd ();
  ASSERT_EQ (seteuid (0), 0);
  ASSERT_GE (as_other, 0);
  QmpPeer stranger (as_other);
  EXPECT_TRUE (stranger.hears_end ());
  EXPECT_EQ (stranger.unheard (), "");

  /* a server that runs as somebody else takes its own and root, still not a third */
  int as_root = connect_fd ();
  ASSERT_EQ (seteuid (third), 0);
  int as_third = connect_fd ();
  ASSERT_EQ (seteuid (0), 0);
  ASSERT_EQ (seteuid (other), 0);
  int as_same = connect_fd ();
  {
    QmpPeer root (as_root), outsider (as_third), same (as_same);
    EXPECT_TRUE (root.hear ().has ("QMP"));
    EXPECT_TRUE (same.hear ().has ("QMP"));
    EXPECT_TRUE (outsider.hears_end ());
    EXPECT_EQ (outsider.unheard (), "");
  }
  ASSERT_EQ (seteuid (0), 0);
}

/* Events and the end */

TEST_F (QmpServer, TellsEventsToWhoHasFinishedTheHandshake)
{
  auto early = greeted (), one = ready (), two = ready ();
  g_autoptr (JsonObject) data = json_object_new ();
  json_object_set_string_member (data, "id", "gpu0");
  gint64 before = g_get_real_time () / G_USEC_PER_SEC;

  vp_qmp_server_broadcast (server, "DEVICE_USABLE", data);
  vp_qmp_server_broadcast (server, "STOP", nullptr);
  for (auto *peer : { one.get (), two.get () })
    {
      Heard event = peer->hear ();
      EXPECT_EQ (event.text ({ "event" }), "DEVICE_USABLE");
      EXPECT_EQ (event.json ({ "data" }), "{\"id\":\"gpu0\"}");
      EXPECT_GE (std::stoll (event.json ({ "timestamp", "seconds" })), before);
      EXPECT_LT (std::stoll (event.json ({ "timestamp", "microseconds" })), 1000000);
      Heard second = peer->hear ();
      EXPECT_EQ (second.text ({ "event" }), "STOP");
      EXPECT_FALSE (second.has ("data"));
    }
  EXPECT_EQ (early->unheard (), "");
}

TEST_F (QmpServer, ClosingSendsTheLastEventAndHangsUpOnAll)
{
  auto one = ready (), two = ready (), early = greeted ();
  vp_qmp_server_broadcast (server, "SHUTDOWN", nullptr);
  vp_qmp_server_close (server);
  vp_qmp_server_close (server);
  for (auto *peer : { one.get (), two.get () })
    EXPECT_EQ (peer->hear ().text ({ "event" }), "SHUTDOWN");
  for (auto *peer : { one.get (), two.get (), early.get () })
    EXPECT_TRUE (peer->hears_end ());
  EXPECT_EQ (connect_fd (), -1);
  vp_qmp_server_broadcast (server, "NOBODY", nullptr);
}

TEST_F (QmpServer, LeavesNoFileDescriptorBehind)
{
  auto count = [] {
    size_t n = 0;
    DIR *dir = opendir ("/proc/self/fd");
    while (readdir (dir) != nullptr)
      n++;
    closedir (dir);
    return n;
  };
  ready ();
  run_pending ();
  size_t before = count ();
  for (int i = 0; i < 100; i++)
    {
      auto peer = i % 2 == 0 ? ready () : greeted ();
      if (i % 3 == 0)
        peer->say ("{\"execute\":\"later\"}\n{\"cut");
      run_pending ();
    }
  run_pending ();
  EXPECT_EQ (count (), before);
}

TEST_F (QmpServer, SurvivesRandomBytesFromManyClients)
{
  static const char *const pieces[] = {
    "{\"execute\":\"qmp_capabilities\"}\n",
    "{\"execute\":\"echo\",\"id\":1}\n",
    "{\"execute\":\"later\",\"id\":2}\n",
    "{\"execute\":\"refuse\"}",
    "\n",
    "{",
    "}",
    "[",
    "\"",
    "\\u0000",
    "\xff",
    ":",
    ",",
    "1e999",
    "\r\n",
  };
  std::mt19937 random (7);
  auto good = ready ();
  std::vector<std::unique_ptr<QmpPeer>> peers;

  for (int round = 0; round < 3000; round++)
    {
      if (peers.size () < 20)
        peers.push_back (std::make_unique<QmpPeer> (connect_fd ()));
      size_t who = random () % peers.size ();
      try
        {
          peers[who]->say (pieces[random () % G_N_ELEMENTS (pieces)]);
        }
      catch (const std::runtime_error &)
        {
          peers.erase (peers.begin () + static_cast<std::ptrdiff_t> (who));
          continue;
        }
      if (random () % 50 == 0)
        peers.erase (peers.begin () + static_cast<std::ptrdiff_t> (who));
      if (random () % 10 == 0)
        run_pending ();
      while (calls.size () > 50)
        {
          vp_qmp_call_return (calls.back (), nullptr);
          calls.pop_back ();
        }
    }
  good->say_line ("{\"execute\":\"nothing\",\"id\":1}");
  EXPECT_EQ (good->hear_line (), "{\"return\":{},\"id\":1}");
}

} // namespace
