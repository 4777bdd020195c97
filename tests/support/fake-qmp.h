#pragma once

#include <cerrno>
#include <cstring>
#include <functional>
#include <gio/gio.h>
#include <glib-unix.h>
#include <json-glib/json-glib.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

/* Runs the main loop until @done; false when it is not after @milliseconds. */
inline bool
run_until (const std::function<bool ()> &done, guint milliseconds = 5000)
{
  GMainContext *context = g_main_context_get_thread_default ();
  gint64 end = g_get_monotonic_time () + gint64{ milliseconds } * 1000;
  GSource *wake = g_timeout_source_new (10);
  bool is_done;

  g_source_set_callback (
      wake, [] (gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr, nullptr);
  g_source_attach (wake, context);
  while (!(is_done = done ()) && g_get_monotonic_time () < end)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (wake);
  g_source_unref (wake);
  return is_done;
}

/* Runs the main loop until it has nothing more to do at once. */
inline void
run_pending ()
{
  while (g_main_context_iteration (g_main_context_get_thread_default (), FALSE))
    ;
}

/* A JSON object that was heard, read by json-glib and not by the code under test. */
class Heard
{
public:
  explicit Heard (const std::string &line)
      : line_ (line), node_ (json_from_string (line.c_str (), nullptr), json_node_unref)
  {
    if (node_ == nullptr || !JSON_NODE_HOLDS_OBJECT (node_.get ()))
      throw std::runtime_error ("heard no JSON object: " + line);
  }

  const std::string &
  line () const
  {
    return line_;
  }
  JsonObject *
  object () const
  {
    return json_node_get_object (node_.get ());
  }
  bool
  has (const char *member) const
  {
    return json_object_has_member (object (), member);
  }
  /* The value at a dotless path of members as JSON text, "" when there is none. */
  std::string
  json (std::initializer_list<const char *> path) const
  {
    JsonNode *node = node_.get ();

    for (const char *member : path)
      {
        if (!JSON_NODE_HOLDS_OBJECT (node))
          return "";
        node = json_object_get_member (json_node_get_object (node), member);
        if (node == nullptr)
          return "";
      }
    g_autofree char *text = json_to_string (node, FALSE);
    return text;
  }
  /* The same for a string, without its quotes. */
  std::string
  text (std::initializer_list<const char *> path) const
  {
    std::string quoted = json (path);
    return quoted.size () < 2 || quoted[0] != '"' ? "" : quoted.substr (1, quoted.size () - 2);
  }
  /* The same for a command. */
  std::string
  command () const
  {
    return text ({ "execute" });
  }
  std::string
  argument (const char *name) const
  {
    return text ({ "arguments", name });
  }
  std::string
  id () const
  {
    return json ({ "id" });
  }

private:
  std::string line_;
  std::shared_ptr<JsonNode> node_;
};

/* One end of a stream of lines, driven by a test on the test's own main context: no thread, no
 * fork. It throws when nothing comes, so that a fault is a failed test and not a hanging one. */
class QmpPeer
{
public:
  /* Takes the connected @fd. */
  explicit QmpPeer (int fd) : fd_ (fd)
  {
    g_unix_set_fd_nonblocking (fd_, TRUE, nullptr);
    listen ();
  }
  ~QmpPeer ()
  {
    drop ();
    for (int fd : fds_)
      close (fd);
  }
  QmpPeer (const QmpPeer &) = delete;
  QmpPeer &operator= (const QmpPeer &) = delete;

  int
  fd () const
  {
    return fd_;
  }

  /* Sends bytes as they are; the loop runs while the other end is slow. */
  void
  say (const std::string &bytes)
  {
    gint64 end = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
    size_t sent = 0;

    while (sent < bytes.size ())
      {
        ssize_t n = send (fd_, bytes.data () + sent, bytes.size () - sent, MSG_NOSIGNAL);
        if (n >= 0)
          sent += static_cast<size_t> (n);
        else if (errno != EAGAIN || g_get_monotonic_time () > end)
          throw std::runtime_error (std::string ("cannot say: ") + g_strerror (errno));
        else if (!g_main_context_iteration (g_main_context_get_thread_default (), FALSE))
          g_usleep (100);
      }
  }
  void
  say_line (const std::string &json)
  {
    say (json + "\r\n");
  }
  /* Sends in two parts; the other end has read the first before the second is sent. */
  void
  say_split (const std::string &bytes, size_t at)
  {
    say (bytes.substr (0, at));
    run_pending ();
    say (bytes.substr (at));
  }
  void
  say_in_chunks (const std::string &bytes, size_t size)
  {
    for (size_t at = 0; at < bytes.size (); at += size)
      {
        say (bytes.substr (at, size));
        run_pending ();
      }
  }
  /* Sends bytes with a file descriptor beside them. */
  void
  say_with_fd (const std::string &bytes, int fd)
  {
    char control[CMSG_SPACE (sizeof (int))] = {};
    struct iovec vector = { const_cast<char *> (bytes.data ()), bytes.size () };
    struct msghdr message = {};

    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR (&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN (sizeof (int));
    memcpy (CMSG_DATA (header), &fd, sizeof fd);
    if (sendmsg (fd_, &message, MSG_NOSIGNAL) != static_cast<ssize_t> (bytes.size ()))
      throw std::runtime_error ("cannot pass a file descriptor");
  }

  /* Runs the loop until one whole line has come. */
  std::string
  hear_line ()
  {
    size_t end = std::string::npos;

    run_until ([&] { return (end = heard_.find ('\n')) != std::string::npos || ended_; });
    if (end == std::string::npos)
      throw std::runtime_error (ended_ ? "the other end hung up" : "heard nothing");
    std::string line = heard_.substr (0, end);
    heard_.erase (0, end + 1);
    if (!line.empty () && line.back () == '\r')
      line.pop_back ();
    return line;
  }
  Heard
  hear ()
  {
    return Heard (hear_line ());
  }
  /* The bytes that came and were not heard yet; runs the loop as far as it goes at once. */
  const std::string &
  unheard ()
  {
    run_pending ();
    return heard_;
  }
  /* Runs the loop until the other end has hung up; its last words can still be heard. */
  bool
  hears_end ()
  {
    return run_until ([&] { return ended_; });
  }

  /* A peer that does not read. */
  void
  stop_listening ()
  {
    if (source_ != nullptr)
      g_source_destroy (source_);
    g_clear_pointer (&source_, g_source_unref);
  }
  void
  listen ()
  {
    source_ = g_unix_fd_source_new (fd_, static_cast<GIOCondition> (G_IO_IN | G_IO_HUP));
    g_source_set_callback (source_, G_SOURCE_FUNC (on_input), this, nullptr);
    g_source_attach (source_, g_main_context_get_thread_default ());
  }

  void
  drop ()
  {
    stop_listening ();
    if (fd_ >= 0)
      close (fd_);
    fd_ = -1;
  }

  /* The file descriptors that came; they are the caller's from now on. */
  std::vector<int>
  take_fds ()
  {
    run_pending ();
    return std::move (fds_);
  }

private:
  static gboolean
  on_input (gint, GIOCondition, gpointer user_data)
  {
    auto *self = static_cast<QmpPeer *> (user_data);
    char buffer[16384];
    char control[CMSG_SPACE (16 * sizeof (int))];
    struct iovec vector = { buffer, sizeof buffer };
    struct msghdr message = {};

    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n = recvmsg (self->fd_, &message, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EAGAIN)
      return G_SOURCE_CONTINUE;
    if (n <= 0)
      {
        self->ended_ = true;
        return G_SOURCE_REMOVE;
      }
    self->heard_.append (buffer, static_cast<size_t> (n));
    for (auto *header = CMSG_FIRSTHDR (&message); header != nullptr;
         header = CMSG_NXTHDR (&message, header))
      for (size_t at = CMSG_LEN (0); at + sizeof (int) <= header->cmsg_len; at += sizeof (int))
        {
          int fd;
          memcpy (&fd, reinterpret_cast<char *> (header) + at, sizeof fd);
          self->fds_.push_back (fd);
        }
    return G_SOURCE_CONTINUE;
  }

  int fd_;
  GSource *source_ = nullptr;
  bool ended_ = false;
  std::string heard_;
  std::vector<int> fds_;
};

/* A scripted QEMU: the test says what it answers, line by line.
 *
 *   FakeQmp qemu;
 *   g_autoptr (VpQmpClient) client = vp_qmp_client_new (qemu.socket ());
 *   vp_qmp_client_handshake_async (client, 0, nullptr, …);
 *   qemu.negotiate ();
 *   vp_qmp_client_execute_async (client, "device_del", …);
 *   Heard command = qemu.hear ();
 *   qemu.event ("DEVICE_DELETED", "{\"device\":\"gpu0\"}");
 *   qemu.reply (command);
 */
class FakeQmp : public QmpPeer
{
public:
  FakeQmp () : FakeQmp (pair ()) {}
  ~FakeQmp () { g_object_unref (socket_); }

  /* The other end, for the code under test. */
  GSocket *
  socket () const
  {
    return socket_;
  }

  void
  greet ()
  {
    say_line ("{\"QMP\":{\"version\":{\"qemu\":{\"micro\":22,\"minor\":2,\"major\":7},"
              "\"package\":\"fake\"},\"capabilities\":[\"oob\"]}}");
  }
  /* Greets and agrees to what a client's handshake asks. */
  void
  negotiate ()
  {
    greet ();
    Heard command = hear ("qmp_capabilities");
    reply (command);
  }

  using QmpPeer::hear;
  /* Hears one command, which must be this one. */
  Heard
  hear (const std::string &name)
  {
    Heard command = hear ();

    if (command.command () != name)
      throw std::runtime_error ("expected " + name + ", heard " + command.line ());
    return command;
  }

  void
  reply (const Heard &command, const std::string &value = "{}")
  {
    say_line ("{\"return\":" + value + ",\"id\":" + command.id () + "}");
  }
  void
  reply_without_id (const std::string &value = "{}")
  {
    say_line ("{\"return\":" + value + "}");
  }
  void
  fail (const Heard &command, const std::string &klass, const std::string &desc)
  {
    say_line ("{\"id\":" + command.id () + ",\"error\":" + error (klass, desc) + "}");
  }
  void
  fail_without_id (const std::string &klass, const std::string &desc)
  {
    say_line ("{\"error\":" + error (klass, desc) + "}");
  }
  void
  event (const std::string &name, const std::string &data = "")
  {
    say_line ("{\"timestamp\":{\"seconds\":1,\"microseconds\":2},\"event\":\"" + name + "\"" +
              (data.empty () ? "" : ",\"data\":" + data) + "}");
  }

private:
  struct Pair
  {
    int fds[2];
  };
  explicit FakeQmp (Pair pair)
      : QmpPeer (pair.fds[1]), socket_ (g_socket_new_from_fd (pair.fds[0], nullptr))
  {
  }

  static Pair
  pair ()
  {
    Pair pair;

    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.fds) != 0)
      throw std::runtime_error ("no socketpair");
    return pair;
  }
  static std::string
  error (const std::string &klass, const std::string &desc)
  {
    return "{\"class\":\"" + klass + "\",\"desc\":\"" + desc + "\"}";
  }

  GSocket *socket_;
};
