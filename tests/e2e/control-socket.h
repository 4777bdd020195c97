#pragma once

#include "tests/e2e/json.h"
#include "tests/e2e/unix-connection.h"

#include <chrono>
#include <filesystem>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <vector>

/* A VM's control socket, over which many commands can be under way at once. It throws when the
 * supervisor does not do its part. */
class ControlSocket
{
public:
  static constexpr size_t MAX_UNANSWERED = 16; /* commands, see qmp/server.h */
  static constexpr double SECONDS = 120;

  explicit ControlSocket (const std::filesystem::path &run_dir) : socket_ (run_dir / "control")
  {
    read_line (); /* the greeting */
    execute ("qmp_capabilities");
  }

  /* @arguments: an object. Returns what is returned. */
  Json
  execute (const std::string &command, const std::string &arguments = "{}")
  {
    return execute_all (command, { arguments }).front ();
  }
  /* Sends @command with each of @arguments, all before the first answer is awaited, or as many as
   * there may be; returns what each returned. */
  std::vector<Json>
  execute_all (const std::string &command, const std::vector<std::string> &arguments)
  {
    std::vector<Json> answers (arguments.size ());
    size_t n_sent = 0, n_heard = 0;

    while (n_heard < arguments.size ())
      {
        for (; n_sent < arguments.size () && n_sent < n_heard + MAX_UNANSWERED; n_sent++)
          say (command, arguments[n_sent], n_sent);

        const Json message = Json::parse (read_line ());
        if (message.has ("event"))
          continue;
        if (!message.has ("return"))
          throw std::runtime_error (command + ": " + message.dump ());
        answers.at (static_cast<size_t> (message["id"].number ())) = message["return"];
        n_heard++;
      }
    return answers;
  }

private:
  UnixConnection socket_;
  std::string heard_;

  void
  say (const std::string &command, const std::string &arguments, size_t id)
  {
    const std::string line = R"({"execute":")" + command + R"(","arguments":)" + arguments +
                             R"(,"id":)" + std::to_string (id) + "}\n";

    if (send (socket_.fd (), line.data (), line.size (), MSG_NOSIGNAL) !=
        static_cast<ssize_t> (line.size ()))
      throw std::runtime_error ("the control socket takes no command");
  }
  std::string
  read_line ()
  {
    const auto end = std::chrono::steady_clock::now () + std::chrono::duration<double> (SECONDS);
    size_t length;

    while ((length = heard_.find ('\n')) == std::string::npos)
      {
        struct pollfd fd = { socket_.fd (), POLLIN, 0 };
        char piece[65536];

        if (std::chrono::steady_clock::now () > end)
          throw std::runtime_error ("the control socket does not answer");
        if (poll (&fd, 1, 1000) <= 0)
          continue;
        const ssize_t n = recv (socket_.fd (), piece, sizeof piece, 0);
        if (n <= 0)
          throw std::runtime_error ("the control socket has hung up");
        heard_.append (piece, static_cast<size_t> (n));
      }
    const std::string line = heard_.substr (0, length + 1);
    heard_.erase (0, length + 1);
    return line;
  }
};
