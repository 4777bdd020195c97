#pragma once

#include "qmp/client.h"
#include "qmp/error.h"
#include "tests/support/async-result.h"
#include "tests/support/fake-qmp.h"

#include <gtest/gtest.h>

/* One call and what became of it. */
class Call
{
public:
  Call (VpQmpClient *client,
        const char *command,
        const std::string &arguments = "",
        guint timeout_ms = 0,
        GCancellable *cancellable = nullptr)
      : client_ (client)
  {
    JsonObject *object = nullptr;
    if (!arguments.empty ())
      {
        g_autoptr (JsonNode) node = json_from_string (arguments.c_str (), nullptr);
        object = json_node_dup_object (node);
      }
    vp_qmp_client_execute_async (client, command, object, nullptr, timeout_ms, cancellable,
                                 AsyncResult::ready, &result_);
    EXPECT_FALSE (result_.is_ready ()) << "called back from within";
  }
  ~Call () { g_clear_error (&error_); }

  bool
  is_ready () const
  {
    return result_.is_ready ();
  }
  /* The reply as JSON, or "" and an error. */
  std::string
  wait ()
  {
    if (!result_.wait ())
      {
        ADD_FAILURE () << "no callback";
        return "";
      }
    g_autoptr (JsonNode) node = vp_qmp_client_execute_finish (client_, result_.get (), &error_);
    if (node == nullptr)
      return "";
    g_autofree char *text = json_to_string (node, FALSE);
    return text;
  }
  bool
  failed_with (GQuark domain, int code)
  {
    EXPECT_EQ (wait (), "");
    return g_error_matches (error_, domain, code);
  }
  const GError *
  error () const
  {
    return error_;
  }

private:
  VpQmpClient *client_;
  AsyncResult result_;
  GError *error_ = nullptr;
};

/* A client and the QEMU that a test plays for it. */
class QmpClient : public testing::Test
{
protected:
  FakeQmp qemu;
  VpQmpClient *client = nullptr;
  std::vector<std::string> events;
  std::function<void (const std::string &)> during_event;
  std::function<void ()> during_closed;
  int n_closed = 0;
  GError *reason = nullptr;

  void
  SetUp () override
  {
    client = vp_qmp_client_new (qemu.socket ());
    g_signal_connect (client, "event", G_CALLBACK (on_event), this);
    g_signal_connect (client, "closed", G_CALLBACK (on_closed), this);
  }
  void
  TearDown () override
  {
    if (client != nullptr)
      {
        vp_qmp_client_close (client);
        g_object_add_weak_pointer (G_OBJECT (client), reinterpret_cast<gpointer *> (&client));
        g_object_unref (client);
        run_pending ();
      }
    EXPECT_EQ (client, nullptr) << "something still holds the client";
    EXPECT_EQ (n_closed, 1);
    g_clear_error (&reason);
  }

  bool
  wait_for_events (size_t count)
  {
    return run_until ([&] { return events.size () >= count; });
  }
  bool
  wait_for_end ()
  {
    return run_until ([&] { return n_closed > 0; });
  }

private:
  static void
  on_event (VpQmpClient *, const char *name, JsonObject *data, gpointer user_data)
  {
    auto *self = static_cast<QmpClient *> (user_data);
    g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), data);
    g_autofree char *text = json_to_string (node, FALSE);
    EXPECT_EQ (self->n_closed, 0) << "an event after the end";
    self->events.push_back (std::string (name) + " " + text);
    if (self->during_event)
      self->during_event (name);
  }
  static void
  on_closed (VpQmpClient *, const GError *error, gpointer user_data)
  {
    auto *self = static_cast<QmpClient *> (user_data);
    self->n_closed++;
    g_clear_error (&self->reason);
    self->reason = g_error_copy (error);
    if (self->during_closed)
      self->during_closed ();
  }
};
