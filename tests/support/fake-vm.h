#pragma once

#include "launcher/failure.h"
#include "launcher/vm/console.h"
#include "launcher/vm/run-dir.h"
#include "qmp/message.h"
#include "qmp/server.h"

#include "tests/support/fake-qmp.h"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <vector>

/* A live VM as other processes see it: its folder with the lock, its control socket, where a test
 * says what is answered, and its console, whose guest is the test. $VMPLUG_ROOT leads to it. */
class FakeVm
{
public:
  explicit FakeVm (const char *name = "vm1")
  {
    std::string pattern = (std::filesystem::temp_directory_path () / "vmplug-vm-XXXXXX").string ();
    int pair[2];
    if (mkdtemp (pattern.data ()) == nullptr ||
        socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
      std::abort ();
    root_ = pattern;
    setenv ("VMPLUG_ROOT", pattern.c_str (), 1);
    run_dir_ = vp_run_dir_create (pattern.c_str (), name, nullptr);
    if (run_dir_ == nullptr)
      std::abort ();

    guest_ = pair[1];
    console_ = vp_console_new (pair[0], vp_run_dir_listen (run_dir_, "console", nullptr), -1);
    GSocket *socket =
        g_socket_new_from_fd (vp_run_dir_listen (run_dir_, "control", nullptr), nullptr);
    server_ = vp_qmp_server_new (
        socket,
        vp_qmp_message_parse ("{\"version\":{\"vmplug\":\"0\"},\"capabilities\":[]}", nullptr),
        on_call, this);
    g_object_unref (socket);
  }
  ~FakeVm ()
  {
    end ();
    unsetenv ("VMPLUG_ROOT");
    std::filesystem::remove_all (root_);
  }
  FakeVm (const FakeVm &) = delete;
  FakeVm &operator= (const FakeVm &) = delete;

  /* What the supervisor does with a command, given as it was heard. It returns JSON text, or ""
   * when there is no answer. */
  std::function<std::string (const std::string &command, const std::string &arguments)> answer;
  /* If set, every command fails with it. */
  GError *failure = nullptr;

  void
  broadcast (const char *event, const char *data)
  {
    g_autoptr (JsonObject) object = vp_qmp_message_parse (data, nullptr);
    vp_qmp_server_broadcast (server_, event, object);
  }
  /* Hangs up on every client of the control socket, and stays alive. */
  void
  hang_up ()
  {
    if (server_ != nullptr)
      vp_qmp_server_close (server_);
    g_clear_object (&server_);
    for (VpQmpCall *call : unanswered_)
      vp_qmp_call_return (call, nullptr); /* to nobody */
    unanswered_.clear ();
  }
  /* As a supervisor ends. */
  void
  end ()
  {
    hang_up ();
    if (console_ != nullptr)
      vp_console_close (console_);
    g_clear_object (&console_);
    g_clear_pointer (&run_dir_, vp_run_dir_remove);
    g_clear_error (&failure);
    if (guest_ >= 0)
      close (guest_);
    guest_ = -1;
  }
  /* Where the guest prints, and reads what was typed. */
  int
  guest () const
  {
    return guest_;
  }
  const char *
  root () const
  {
    return root_.c_str ();
  }

private:
  static void
  on_call (VpQmpServer *, VpQmpCall *call, gpointer user_data)
  {
    auto *self = static_cast<FakeVm *> (user_data);
    if (self->failure != nullptr)
      {
        vp_qmp_call_fail (call, vp_failure_to_json (self->failure));
        return;
      }
    JsonNode *node = json_node_init_object (json_node_alloc (), vp_qmp_call_get_arguments (call));
    g_autofree char *arguments = json_to_string (node, FALSE);
    json_node_unref (node);
    const std::string value = self->answer (vp_qmp_call_get_command (call), arguments);
    if (!value.empty ())
      vp_qmp_call_return (call, json_from_string (value.c_str (), nullptr));
    else
      self->unanswered_.push_back (call);
  }

  std::filesystem::path root_;
  VpRunDir *run_dir_ = nullptr;
  VpConsole *console_ = nullptr;
  VpQmpServer *server_ = nullptr;
  int guest_ = -1;
  std::vector<VpQmpCall *> unanswered_;
};
