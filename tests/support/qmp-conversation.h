#pragma once

#include "tests/e2e/json.h"
#include "tests/e2e/unix-connection.h"
#include "tests/support/send-with-fd.h"

#include <chrono>
#include <filesystem>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <vector>

/* What came back for one command. */
struct QmpAnswer
{
  Json value;
  std::string error; /* its text; empty when the command was agreed to */
  std::string error_class;
  size_t size = 0; /* of the line */
};

inline std::ostream &
operator<< (std::ostream &stream, const QmpAnswer &answer)
{
  return stream << (answer.error.empty () ? answer.value.dump () : "refused: " + answer.error);
}

/* One connection to a QMP socket, spoken as a container runtime does: one command in flight, no
 * ids, whatever else comes meanwhile is an event and is kept, and no time limit of its own. That
 * of the tests throws, for a runtime that waits for it would wait for ever. */
class QmpConversation
{
public:
  static constexpr double SECONDS = 90;

  /* The other side has hung up. */
  struct Closed : std::runtime_error
  {
    using std::runtime_error::runtime_error;
  };

  std::vector<Json> events;

  /* At once, whether or not somebody accepts. */
  explicit QmpConversation (const std::filesystem::path &path) : socket_ (path) {}

  /* Waits for the greeting; returns it. */
  Json
  hear_greeting ()
  {
    const Json greeting = hear ("the greeting");
    if (!greeting.has ("QMP"))
      throw std::runtime_error ("no greeting: " + greeting.dump ());
    return greeting;
  }
  void
  negotiate ()
  {
    hear_greeting ();
    const QmpAnswer answer = execute ("qmp_capabilities");
    if (!answer.error.empty ())
      throw std::runtime_error ("qmp_capabilities: " + answer.error);
  }

  /* @arguments: an object, or "" to have none. @fd: what travels with the command, or -1 */
  QmpAnswer
  execute (const std::string &command, const std::string &arguments = "", int fd = -1)
  {
    say (R"({"execute":")" + command + "\"" +
             (arguments.empty () ? "" : ",\"arguments\":" + arguments) + "}\n",
         fd);
    return hear_answer (command);
  }
  QmpAnswer
  hear_answer (const std::string &command)
  {
    QmpAnswer answer;

    while (true)
      {
        const Json message = hear ("the answer to " + command);

        answer.size = n_last_;
        if (message.has ("event"))
          {
            events.push_back (message);
            continue;
          }
        answer.value = message["return"];
        if (message.has ("error"))
          {
            answer.error = message["error"]["desc"].text ();
            answer.error_class = message["error"]["class"].text ();
          }
        else if (!message.has ("return"))
          throw std::runtime_error (command + ": neither answer nor error: " + message.dump ());
        if (message.has ("id"))
          throw std::runtime_error (
              command + " is answered with an id that it did not have: " + message.dump ());
        return answer;
      }
  }
  void
  say (const std::string &bytes, int fd = -1)
  {
    if (send_with_fd (socket_.fd (), bytes, fd) != static_cast<ssize_t> (bytes.size ()))
      throw Closed ("nobody takes commands any more");
  }

  /* Waits for an event that names @id as its device, which may have come already. */
  Json
  wait_for_event (const std::string &name, const std::string &id = "")
  {
    for (size_t i = 0;; i++)
      {
        if (i == events.size ())
          {
            const Json message = hear (name);
            if (!message.has ("event"))
              throw std::runtime_error ("an answer that nobody asked for: " + message.dump ());
            events.push_back (message);
          }
        if (events[i]["event"].text () == name &&
            (id.empty () || events[i]["data"]["device"].text () == id))
          return events[i];
      }
  }

  /* Whether something comes within @seconds: bytes, or the end. */
  bool
  hears (double seconds) const
  {
    struct pollfd fd = { socket_.fd (), POLLIN, 0 };

    return !heard_.empty () || poll (&fd, 1, static_cast<int> (seconds * 1000)) > 0;
  }
  /* Whether the other side hangs up within @seconds. What it says before counts for nothing. */
  bool
  is_closed_within (double seconds)
  {
    try
      {
        while (true)
          hear ("the end", seconds);
      }
    catch (const Closed &)
      {
        return true;
      }
    catch (const std::runtime_error &)
      {
        return false;
      }
  }
  int
  fd () const
  {
    return socket_.fd ();
  }

private:
  UnixConnection socket_;
  std::string heard_;
  size_t n_last_ = 0;

  /* The next message. */
  Json
  hear (const std::string &what, double seconds = SECONDS)
  {
    const auto end = std::chrono::steady_clock::now () + std::chrono::duration<double> (seconds);
    size_t length, n_searched = 0;

    while ((length = heard_.find ('\n', n_searched)) == std::string::npos)
      {
        struct pollfd fd = { socket_.fd (), POLLIN, 0 };
        char piece[65536];

        n_searched = heard_.size ();
        if (std::chrono::steady_clock::now () > end)
          throw std::runtime_error ("the runtime still waits for " + what);
        if (poll (&fd, 1, 100) <= 0)
          continue;
        const ssize_t n = recv (socket_.fd (), piece, sizeof piece, 0);
        if (n <= 0)
          throw Closed ("hung up instead of " + what);
        heard_.append (piece, static_cast<size_t> (n));
      }
    n_last_ = length + 1;
    const std::string line = heard_.substr (0, n_last_);
    heard_.erase (0, n_last_);
    return Json::parse (line);
  }
};
