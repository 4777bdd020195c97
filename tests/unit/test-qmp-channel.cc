#include "qmp/channel.h"
#include "qmp/error.h"

#include "tests/support/fake-qmp.h"

#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace
{

size_t
count_open_fds ()
{
  size_t count = 0;
  DIR *dir = opendir ("/proc/self/fd");
  while (readdir (dir) != nullptr)
    count++;
  closedir (dir);
  return count;
}

JsonObject *
object (const std::string &name, const std::string &value)
{
  JsonObject *message = json_object_new ();
  json_object_set_string_member (message, name.c_str (), value.c_str ());
  return message;
}

class QmpChannel : public testing::Test
{
protected:
  static constexpr gsize max_line = 256 * 1024;
  static constexpr gsize max_unsent = 1024 * 1024;

  FakeQmp peer;
  VpQmpChannel *channel = nullptr;
  std::vector<std::string> messages;
  std::vector<std::string> faults;
  bool forgive = false;
  int n_closed = 0;
  GError *reason = nullptr;
  std::function<void ()> during_message;
  std::function<void ()> during_closed;

  void
  SetUp () override
  {
    channel = vp_qmp_channel_new (peer.socket (), max_line, max_unsent);
    g_signal_connect (channel, "message", G_CALLBACK (on_message), this);
    g_signal_connect (channel, "malformed", G_CALLBACK (on_malformed), this);
    g_signal_connect (channel, "closed", G_CALLBACK (on_closed), this);
  }
  void
  TearDown () override
  {
    if (channel != nullptr)
      {
        vp_qmp_channel_close (channel);
        EXPECT_EQ (n_closed, 1);
        run_pending ();
        drop ();
      }
    EXPECT_EQ (n_closed, 1);
    g_clear_error (&reason);
  }
  /* Lets go of the channel, which must be its end. */
  void
  drop ()
  {
    g_object_add_weak_pointer (G_OBJECT (channel), reinterpret_cast<gpointer *> (&channel));
    g_object_unref (channel);
    run_pending ();
    EXPECT_EQ (channel, nullptr) << "something still holds the channel";
  }

  void
  send (const std::string &name, const std::string &value, GUnixFDList *fds = nullptr)
  {
    g_autoptr (JsonObject) message = object (name, value);
    vp_qmp_channel_send (channel, message, fds);
  }
  bool
  wait_for_messages (size_t count)
  {
    return run_until ([&] { return messages.size () >= count; });
  }
  bool
  wait_for_end ()
  {
    return run_until ([&] { return n_closed > 0; });
  }

private:
  static void
  on_message (VpQmpChannel *, JsonObject *message, gpointer user_data)
  {
    auto *self = static_cast<QmpChannel *> (user_data);
    g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), message);
    g_autofree char *text = json_to_string (node, FALSE);
    EXPECT_EQ (self->n_closed, 0) << "a message after the end";
    self->messages.push_back (text);
    if (self->during_message)
      self->during_message ();
  }
  static gboolean
  on_malformed (VpQmpChannel *, const GError *fault, gpointer user_data)
  {
    auto *self = static_cast<QmpChannel *> (user_data);
    EXPECT_TRUE (g_error_matches (fault, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
    self->faults.push_back (fault->message);
    return self->forgive;
  }
  static void
  on_closed (VpQmpChannel *, const GError *error, gpointer user_data)
  {
    auto *self = static_cast<QmpChannel *> (user_data);
    self->n_closed++;
    g_clear_error (&self->reason);
    self->reason = g_error_copy (error);
    if (self->during_closed)
      self->during_closed ();
  }
};

TEST_F (QmpChannel, ReadsObjectsInAnyChunks)
{
  const std::string text = "{\"a\":1}\r\n{\"b\":\"\xc3\xa9\"}\n\n \t\r\n{\"c\":{}}\r\n";
  const std::vector<std::string> expected = { "{\"a\":1}", "{\"b\":\"\xc3\xa9\"}", "{\"c\":{}}" };

  for (size_t size = 1; size <= text.size (); size++)
    {
      messages.clear ();
      peer.say_in_chunks (text, size);
      ASSERT_TRUE (wait_for_messages (3)) << "chunks of " << size;
      EXPECT_EQ (messages, expected) << "chunks of " << size;
    }
  EXPECT_EQ (n_closed, 0);
}

TEST_F (QmpChannel, SendsAtOnceWithoutTheMainLoop)
{
  char text[64] = "";

  send ("a", "b");
  EXPECT_EQ (read (peer.fd (), text, sizeof text), 11);
  EXPECT_STREQ (text, "{\"a\":\"b\"}\r\n");
}

TEST_F (QmpChannel, GoesOnAfterAMalformedLineOnlyWhenToldTo)
{
  forgive = true;
  peer.say ("{\"a\":1}\nnonsense\n[]\n{\"b\":2}\n");
  ASSERT_TRUE (wait_for_messages (2));
  EXPECT_EQ (faults.size (), 2u);
  EXPECT_EQ (n_closed, 0);

  forgive = false;
  peer.say ("{\"c\":3}\nnonsense\n{\"d\":4}\n");
  ASSERT_TRUE (wait_for_end ());
  EXPECT_EQ (messages.size (), 3u);
  EXPECT_EQ (faults.size (), 3u);
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
  EXPECT_TRUE (peer.hears_end ());
}

TEST_F (QmpChannel, EndsOnANul)
{
  forgive = true;
  peer.say (std::string ("{\"a\":1}\n{\"b\":\0", 14));
  ASSERT_TRUE (wait_for_end ());
  EXPECT_EQ (messages.size (), 1u);
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
}

TEST_F (QmpChannel, EndsOnALineThatNeverEnds)
{
  forgive = true;
  peer.say ("{\"a\":\"" + std::string (max_line, 'x'));
  ASSERT_TRUE (wait_for_end ());
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
}

TEST_F (QmpChannel, ReadsALineOfManyReads)
{
  std::string value (max_line - 10, 'x');
  peer.say ("{\"a\":\"" + value + "\"}\r\n");
  ASSERT_TRUE (wait_for_messages (1));
  EXPECT_EQ (messages[0].size (), value.size () + 8);
}

TEST_F (QmpChannel, LastWordsComeBeforeTheEnd)
{
  peer.say ("{\"a\":1}\n{\"b\":2}\n{\"cut");
  peer.drop ();
  ASSERT_TRUE (wait_for_end ());
  EXPECT_EQ (messages.size (), 2u);
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

TEST_F (QmpChannel, AResetIsAHangUp)
{
  send ("unread", "x"); /* a unix socket that is closed with something unread resets */
  peer.stop_listening ();
  peer.drop ();
  ASSERT_TRUE (wait_for_end ());
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

TEST_F (QmpChannel, SendingToAGonePeerFailsLaterAndReadsItsLastWords)
{
  const std::string line = "{\"event\":\"STOP\",\"text\":\"" + std::string (1000, 'x') + "\"}\r\n";
  std::string words; /* more than one read takes */
  for (int i = 0; i < 150; i++)
    words += line;
  peer.say (words + "{\"event\":\"SHUTDOWN\"}\r\n");
  peer.drop ();
  send ("a", "b"); /* EPIPE, and no SIGPIPE */
  send ("a", "c");
  EXPECT_EQ (n_closed, 0) << "told from within send";
  EXPECT_TRUE (messages.empty ());

  ASSERT_TRUE (wait_for_end ());
  ASSERT_EQ (messages.size (), 151u);
  EXPECT_EQ (messages.back (), "{\"event\":\"SHUTDOWN\"}");
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

TEST_F (QmpChannel, APeerThatOnlyStoppedReadingIsGoneToo)
{
  shutdown (peer.fd (), SHUT_RD);
  send ("a", "b");
  ASSERT_TRUE (wait_for_end ());
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
}

TEST_F (QmpChannel, KeepsTheRestOfAPartialSendInOrder)
{
  const std::string big (300 * 1024, 'x'); /* more than a socket takes */

  peer.stop_listening ();
  send ("first", big);
  send ("second", big);
  send ("third", "y");
  run_pending ();
  EXPECT_EQ (n_closed, 0);

  peer.listen ();
  EXPECT_EQ (peer.hear ().text ({ "first" }), big);
  EXPECT_EQ (peer.hear ().text ({ "second" }), big);
  EXPECT_EQ (peer.hear ().text ({ "third" }), "y");
  EXPECT_EQ (peer.unheard (), "");
}

TEST_F (QmpChannel, SleepsWhileThePeerDoesNotRead)
{
  peer.stop_listening ();
  send ("a", std::string (600 * 1024, 'x'));
  run_pending ();
  EXPECT_FALSE (g_main_context_iteration (nullptr, FALSE)) << "the loop spins";
  peer.listen ();
  peer.hear ();
  run_pending ();
  EXPECT_FALSE (g_main_context_pending (nullptr)) << "still asks to be told when it can write";
}

TEST_F (QmpChannel, EndsWhenTooMuchIsUnsent)
{
  peer.stop_listening ();
  for (int i = 0; i < 40 && n_closed == 0; i++)
    {
      send ("event", std::string (64 * 1024, 'x'));
      if (i < 16)
        {
          EXPECT_EQ (n_closed, 0);
          run_pending ();
        }
    }
  ASSERT_TRUE (wait_for_end ());
  EXPECT_TRUE (g_error_matches (reason, VP_QMP_ERROR, VP_QMP_ERROR_DISCONNECTED));
  EXPECT_NE (strstr (reason->message, "does not read"), nullptr) << reason->message;
}

TEST_F (QmpChannel, WhatIsSentLateIsNotCountedTwice)
{
  /* ten times the bound in all, never more than half of it at once */
  for (int i = 0; i < 20; i++)
    {
      send ("n", std::string (max_unsent / 2, static_cast<char> ('a' + i)));
      EXPECT_EQ (peer.hear ().text ({ "n" })[0], 'a' + i);
    }
  EXPECT_EQ (n_closed, 0);
}

TEST_F (QmpChannel, ClosingFromWithinAMessageStopsThere)
{
  during_message = [&] {
    vp_qmp_channel_close (channel);
    EXPECT_EQ (n_closed, 1);
  };
  peer.say ("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
  ASSERT_TRUE (wait_for_end ());
  run_pending ();
  EXPECT_EQ (messages.size (), 1u);
  EXPECT_TRUE (vp_qmp_channel_is_closed (channel));
}

TEST_F (QmpChannel, DroppingFromWithinAMessageIsSafe)
{
  g_object_add_weak_pointer (G_OBJECT (channel), reinterpret_cast<gpointer *> (&channel));
  during_message = [&] {
    vp_qmp_channel_close (channel);
    g_object_unref (channel);
  };
  peer.say ("{\"a\":1}\n{\"b\":2}\n");
  EXPECT_TRUE (run_until ([&] { return channel == nullptr; }));
  EXPECT_EQ (messages.size (), 1u);
}

TEST_F (QmpChannel, DroppingFromWithinTheEndIsSafe)
{
  g_object_add_weak_pointer (G_OBJECT (channel), reinterpret_cast<gpointer *> (&channel));
  during_closed = [&] {
    vp_qmp_channel_close (channel); /* again */
    send ("too", "late");
    g_object_unref (channel);
  };
  peer.drop ();
  EXPECT_TRUE (run_until ([&] { return channel == nullptr; }));
}

TEST_F (QmpChannel, SendingFromWithinAMessageWorks)
{
  during_message = [&] { send ("echo", std::to_string (messages.size ())); };
  peer.say ("{\"a\":1}\n{\"b\":2}\n");
  EXPECT_EQ (peer.hear ().text ({ "echo" }), "1");
  EXPECT_EQ (peer.hear ().text ({ "echo" }), "2");
}

TEST_F (QmpChannel, StaysAliveWithoutAnOwnerUntilItEnds)
{
  VpQmpChannel *weak = channel;
  g_object_add_weak_pointer (G_OBJECT (weak), reinterpret_cast<gpointer *> (&channel));
  g_object_unref (channel);
  peer.say ("{\"a\":1}\n");
  ASSERT_TRUE (wait_for_messages (1));
  EXPECT_NE (channel, nullptr);
  peer.drop ();
  EXPECT_TRUE (run_until ([&] { return channel == nullptr; }));
}

TEST_F (QmpChannel, ClosingSendsWhatTheSocketStillTakes)
{
  const std::string big (400 * 1024, 'x');

  peer.stop_listening ();
  send ("a", big);
  std::string head (300 * 1024, '\0'); /* makes room without a turn of the loop */
  size_t n = 0;
  for (ssize_t got; (got = read (peer.fd (), &head[n], head.size () - n)) > 0;)
    n += static_cast<size_t> (got);
  vp_qmp_channel_close (channel);
  peer.listen ();
  EXPECT_TRUE (peer.hears_end ());
  EXPECT_EQ (n + peer.unheard ().size (), big.size () + 10);
}

TEST_F (QmpChannel, AFloodDoesNotStarveOthers)
{
  const std::string line = "{\"event\":\"ACPI_DEVICE_OST\",\"data\":{\"slot\":\"0\"}}\r\n";
  std::string block;
  for (int i = 0; i < 500; i++)
    block += line;
  size_t at = 0, most = 0;

  for (int turn = 0; turn < 100; turn++)
    {
      /* as much as the socket takes, so that the channel always has more to read */
      for (ssize_t n; (n = ::send (peer.fd (), &block[at], block.size () - at, MSG_NOSIGNAL)) > 0;)
        at = (at + static_cast<size_t> (n)) % block.size ();
      messages.clear ();
      g_main_context_iteration (nullptr, TRUE);
      most = std::max (most, messages.size ());
    }
  EXPECT_LE (most, 64 * 1024 / line.size () + 1) << "more than one read in a turn";
  EXPECT_GT (most, 32 * 1024 / line.size ()) << "so the test has shown nothing";
  EXPECT_EQ (n_closed, 0);
}

/* File descriptors */

std::string
read_fd (int fd)
{
  char text[16] = "";
  EXPECT_GE (pread (fd, text, sizeof text - 1, 0), 0);
  return text;
}

/* A list of @count files that hold "fd0", "fd1", … */
GUnixFDList *
list_of_files (int count)
{
  GUnixFDList *list = g_unix_fd_list_new ();
  for (int i = 0; i < count; i++)
    {
      FILE *file = tmpfile ();
      fprintf (file, "fd%d", i);
      fflush (file);
      EXPECT_GE (g_unix_fd_list_append (list, fileno (file), nullptr), 0);
      fclose (file);
    }
  return list;
}

TEST_F (QmpChannel, PassesFileDescriptorsWithTheirMessage)
{
  size_t before = count_open_fds ();
  for (int count : { 1, 3, 16 })
    {
      g_autoptr (GUnixFDList) list = list_of_files (count);
      send ("a", "b", list);
      EXPECT_EQ (peer.hear ().text ({ "a" }), "b");
      std::vector<int> fds = peer.take_fds ();
      ASSERT_EQ (fds.size (), static_cast<size_t> (count));
      for (int i = 0; i < count; i++)
        {
          EXPECT_EQ (read_fd (fds[static_cast<size_t> (i)]), "fd" + std::to_string (i));
          close (fds[static_cast<size_t> (i)]);
        }
      EXPECT_EQ (g_unix_fd_list_get_length (list), count) << "they stay the caller's";
    }
  EXPECT_EQ (count_open_fds (), before);
}

TEST_F (QmpChannel, PassesThemOnceThoughTheMessageIsSentInParts)
{
  const std::string big (600 * 1024, 'x');
  size_t before = count_open_fds ();

  peer.stop_listening ();
  {
    g_autoptr (GUnixFDList) first = list_of_files (1);
    g_autoptr (GUnixFDList) third = list_of_files (2);
    send ("first", big, first);
    send ("second", "x");
    send ("third", "x", third);
  } /* the caller lets go before the third has left */
  peer.listen ();
  EXPECT_EQ (peer.hear ().text ({ "first" }), big);
  peer.hear ();
  peer.hear ();
  std::vector<int> fds = peer.take_fds ();
  EXPECT_EQ (fds.size (), 3u);
  for (int fd : fds)
    close (fd);
  EXPECT_EQ (count_open_fds (), before);
}

TEST_F (QmpChannel, ClosesThemWhenTheyCannotBeSent)
{
  size_t before = count_open_fds ();

  peer.stop_listening ();
  send ("first", std::string (600 * 1024, 'x'));
  {
    g_autoptr (GUnixFDList) list = list_of_files (4);
    send ("second", "x", list);
  }
  EXPECT_EQ (count_open_fds (), before + 4);
  vp_qmp_channel_close (channel);
  EXPECT_EQ (count_open_fds (), before - 1); /* and the socket */
}

TEST_F (QmpChannel, ForeignFileDescriptorsAreNotTaken)
{
  size_t before = count_open_fds ();

  for (int i = 0; i < 50; i++)
    peer.say_with_fd ("{\"a\":1}\n", peer.fd ());
  ASSERT_TRUE (wait_for_messages (50));
  EXPECT_EQ (count_open_fds (), before);
}

} // namespace
