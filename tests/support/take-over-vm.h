#pragma once

#include "launcher/wrapper/take-over.h"

#include <deque>
#include <map>
#include <set>
#include <string>

/* The VM as the take-over sees it: what it has, what it was asked, and answers when told. */
class TakeOverVm
{
public:
  std::map<std::string, std::string> found; /* "host" or "sysfsdev" of device_add → QEMU's id */
  std::set<std::string> managed;            /* QEMU's ids */
  std::deque<std::string> asked;            /* "attach JSON-ID" or "detach ID", unanswered ones */
  bool answers_at_once = false;
  int qemu = -1; /* (transfer full) what connect_qemu() gives next */
  int n_connects = 0;

  ~TakeOverVm ()
  {
    while (!asked.empty ())
      answer ("the VM ends");
  }

  /* Answers the oldest request. @error: "" for success */
  void
  answer (const std::string &error = "")
  {
    g_autoptr (GError) fault =
        error.empty () ? nullptr
                       : g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, error.c_str ());
    Answer first = answers_.front ();

    asked.pop_front ();
    answers_.pop_front ();
    first.function (fault, first.data);
  }

  VpTakeOverHost
  host ()
  {
    return { on_connect, on_find, on_has, on_attach, on_detach, this };
  }

private:
  struct Answer
  {
    VpTakeOverAnswer function;
    gpointer data;
  };
  std::deque<Answer> answers_;

  void
  ask (const std::string &what, VpTakeOverAnswer function, gpointer data)
  {
    asked.push_back (what);
    answers_.push_back ({ function, data });
    if (answers_at_once)
      answer ();
  }
  static int
  on_connect (gpointer user_data, GError **error)
  {
    auto *self = static_cast<TakeOverVm *> (user_data);
    int fd = self->qemu;

    self->qemu = -1;
    self->n_connects++;
    if (fd < 0)
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "there is no QEMU");
    return fd;
  }
  static char *
  on_find (JsonObject *arguments, gpointer user_data)
  {
    auto *self = static_cast<TakeOverVm *> (user_data);

    for (const char *name : { "host", "sysfsdev" })
      if (json_object_has_member (arguments, name))
        {
          auto at = self->found.find (json_object_get_string_member (arguments, name));

          if (at != self->found.end ())
            return g_strdup (at->second.c_str ());
        }
    return nullptr;
  }
  static gboolean
  on_has (const char *id, gpointer user_data)
  {
    return static_cast<TakeOverVm *> (user_data)->managed.count (id) > 0;
  }
  static void
  on_attach (JsonObject *arguments, VpTakeOverAnswer answer, gpointer data, gpointer user_data)
  {
    const char *id = json_object_get_string_member_with_default (arguments, "id", "-");

    static_cast<TakeOverVm *> (user_data)->ask (std::string ("attach ") + id, answer, data);
  }
  static void
  on_detach (const char *id, VpTakeOverAnswer answer, gpointer data, gpointer user_data)
  {
    static_cast<TakeOverVm *> (user_data)->ask (std::string ("detach ") + id, answer, data);
  }
};
