#pragma once

#include "tests/support/fake-qmp.h"

#include <gio/gio.h>

/* Waits for one asynchronous call:
 *   AsyncResult result;
 *   vp_thing_do_async (thing, …, AsyncResult::ready, &result);
 *   ASSERT_TRUE (result.wait ());
 *   vp_thing_do_finish (thing, result.get (), &error); */
class AsyncResult
{
public:
  AsyncResult () = default;
  ~AsyncResult () { forget (); }
  AsyncResult (const AsyncResult &) = delete;
  AsyncResult &operator= (const AsyncResult &) = delete;

  static void
  ready (GObject *, GAsyncResult *result, gpointer user_data)
  {
    auto *self = static_cast<AsyncResult *> (user_data);
    if (self->result_ != nullptr)
      throw std::logic_error ("called back twice");
    self->result_ = G_ASYNC_RESULT (g_object_ref (result));
  }
  bool
  is_ready () const
  {
    return result_ != nullptr;
  }
  bool
  wait (guint milliseconds = 5000)
  {
    return run_until ([&] { return is_ready (); }, milliseconds);
  }
  /* A result holds the object that was called. */
  void
  forget ()
  {
    g_clear_object (&result_);
  }
  GAsyncResult *
  get () const
  {
    return result_;
  }

private:
  GAsyncResult *result_ = nullptr;
};
