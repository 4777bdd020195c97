#include "launcher/error.h"
#include "launcher/vm/plugger.h"
#include "qmp/error.h"

#include "tests/support/async-result.h"
#include "tests/support/fake-qmp.h"
#include "tests/support/plug-input.h"
#include "tests/support/plug-world.h"
#include "tests/support/row-name.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace
{

int n_keepers; /* that are alive */

int
open_null (const VpPlugFd *fd, GObject **keeper, gpointer user_data, GError **error)
{
  if (*static_cast<bool *> (user_data))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s cannot be opened", fd->name);
      return -1;
    }
  if (fd->kind == VP_PLUG_FD_PASST)
    {
      *keeper = G_OBJECT (g_object_new (G_TYPE_OBJECT, nullptr));
      n_keepers++;
      g_object_weak_ref (
          *keeper, [] (gpointer, GObject *) { n_keepers--; }, nullptr);
    }
  return open ("/dev/null", O_RDWR | O_CLOEXEC);
}

class Plugger : public testing::TestWithParam<PlugKind>
{
protected:
  FakeQmp qemu;
  PlugWorld world;
  VpQmpClient *client = nullptr;
  VpPlugger *plugger = nullptr;
  bool cannot_open = false;
  VpPlugOutcome outcome = VP_PLUG_DONE;
  GError *error = nullptr;

  void
  SetUp () override
  {
    n_keepers = 0;
    client = vp_qmp_client_new (qemu.socket ());
    vp_qmp_client_handshake_async (client, 0, nullptr, nullptr, nullptr);
    qemu.negotiate ();
    run_pending ();
    make (GetParam ());
  }
  void
  TearDown () override
  {
    g_clear_error (&error);
    vp_qmp_client_close (client);
    run_pending ();
    g_clear_object (&plugger);
    g_clear_object (&client);
    EXPECT_EQ (n_keepers, 0);
  }
  void
  make (const PlugKind &kind)
  {
    const PlugInput input (kind.spec, kind.has_vhost_net);

    plugger = vp_plugger_new (input.sequence (), open_null, &cannot_open);
  }
  /* Answers until @result is there, and whatever was said besides. */
  void
  answer_until (const AsyncResult &result)
  {
    ASSERT_TRUE (run_until ([&] {
      while (!qemu.unheard ().empty ())
        world.answer (qemu, qemu.hear ());
      return result.is_ready () && qemu.unheard ().empty ();
    }));
  }
  bool
  finish_add (const AsyncResult &result)
  {
    g_clear_error (&error);
    return vp_plugger_add_finish (plugger, result.get (), &outcome, &error);
  }
  bool
  add ()
  {
    AsyncResult result;

    vp_plugger_add_async (plugger, client, AsyncResult::ready, &result);
    EXPECT_FALSE (result.is_ready ()) << "called back from within";
    answer_until (result);
    return finish_add (result);
  }
  bool
  clear ()
  {
    AsyncResult result;

    vp_plugger_clear_async (plugger, client, AsyncResult::ready, &result);
    answer_until (result);
    g_clear_error (&error);
    return vp_plugger_clear_finish (plugger, result.get (), &error);
  }
  /* What a whole life is made of, undone things included. */
  std::vector<std::string>
  live ()
  {
    EXPECT_TRUE (add ());
    world.let_go ();
    EXPECT_TRUE (clear ());
    std::vector<std::string> life = std::move (world.heard);
    world.heard.clear ();
    return life;
  }
};

TEST_P (Plugger, ALifeLeavesNothing)
{
  ASSERT_TRUE (add ()) << error->message;
  EXPECT_EQ (outcome, VP_PLUG_DONE);
  EXPECT_EQ (world.has.count ("device d"), 1u);
  EXPECT_EQ (n_keepers, strcmp (GetParam ().name, "passt") == 0);

  world.let_go ();
  EXPECT_TRUE (clear ());
  EXPECT_TRUE (world.has.empty ()) << *world.has.begin ();
  EXPECT_EQ (n_keepers, 0);

  EXPECT_TRUE (add ()) << "once more";
}

TEST_P (Plugger, WhereverItFailsNothingIsLeft)
{
  const std::vector<std::string> life = live ();
  const int n = static_cast<int> (
      std::find_if (life.begin (), life.end (),
                    [] (const std::string &s) { return s.find ("del") != std::string::npos; }) -
      life.begin ());

  for (bool late : { false, true })
    for (int k = 0; k < n; k++)
      {
        SCOPED_TRACE (testing::Message () << life[k] << ", number " << k << (late ? ", late" : ""));
        world.heard.clear ();
        world.fail_at = k;
        world.fails_late = late;

        EXPECT_FALSE (add ());
        EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_COMMAND));
        EXPECT_EQ (error->message, "no: " + life[k]);
        if (outcome == VP_PLUG_ACCEPTED)
          {
            EXPECT_EQ (world.has.count ("device d"), 1u);
            world.let_go ();
            EXPECT_TRUE (clear ());
          }
        else
          EXPECT_EQ (outcome, VP_PLUG_UNDONE);
        EXPECT_TRUE (world.has.empty ()) << *world.has.begin ();
        EXPECT_EQ (n_keepers, 0);
      }
}

TEST_P (Plugger, WhatIsUndoneIsUndoneInReverse)
{
  const std::vector<std::string> life = live ();
  std::vector<std::string> undone (
      std::find_if (life.begin (), life.end (),
                    [] (const std::string &s) { return s.find ("del") != std::string::npos; }),
      life.end ());
  const auto device = std::find (life.begin (), life.end (), "device_add");

  world.fail_at = static_cast<int> (device - life.begin ());
  if (strcmp (GetParam ().name, "iommufd") == 0) /* the node belongs to the device itself */
    undone.insert (undone.begin (), "closefd");
  EXPECT_FALSE (add ());
  EXPECT_EQ (std::vector<std::string> (world.heard.begin () + (device - life.begin ()) + 1,
                                       world.heard.end ()),
             undone);
}

TEST_P (Plugger, ABusyBackendIsAskedForAgain)
{
  ASSERT_TRUE (add ());
  world.let_go ();
  world.n_busy = 2;
  EXPECT_TRUE (clear ());
  EXPECT_TRUE (world.has.empty ()) << *world.has.begin ();
}

TEST_P (Plugger, ABackendThatStaysIsToldAtLast)
{
  if (strcmp (GetParam ().name, "passt") != 0)
    GTEST_SUCCEED (); /* one is enough: it takes its time */
  else
    {
      ASSERT_TRUE (add ());
      world.let_go ();
      world.n_busy = 1000;
      EXPECT_FALSE (clear ());
      EXPECT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_COMMAND));
      EXPECT_EQ (n_keepers, 0);
    }
}

TEST_P (Plugger, TheEventMayComeBeforeTheReply)
{
  AsyncResult added, cleared;

  vp_plugger_add_async (plugger, client, AsyncResult::ready, &added);
  for (Heard command = qemu.hear ();; command = qemu.hear ())
    {
      if (command.command () != "device_add")
        {
          world.answer (qemu, command);
          continue;
        }
      vp_plugger_clear_async (plugger, client, AsyncResult::ready, &cleared);
      run_pending ();
      EXPECT_TRUE (qemu.unheard ().empty ()) << "it waits for the reply";
      world.answer (qemu, command);
      world.let_go ();
      break;
    }
  answer_until (cleared);
  finish_add (added);
  EXPECT_TRUE (vp_plugger_clear_finish (plugger, cleared.get (), nullptr));
  world.let_go (); /* what sits on a controller that was gone */
  EXPECT_TRUE (world.has.empty ()) << *world.has.begin ();
}

TEST_P (Plugger, QemuMayEndAtAnyMoment)
{
  const std::vector<std::string> life = live ();

  for (size_t k = 0; k < life.size (); k++)
    {
      SCOPED_TRACE (k);
      FakeQmp other;
      PlugWorld its_world;
      bool can_open = false;
      AsyncResult added, cleared;
      g_autoptr (VpQmpClient) its_client = vp_qmp_client_new (other.socket ());
      const PlugInput input (GetParam ().spec, GetParam ().has_vhost_net);
      g_autoptr (VpPlugger) its = vp_plugger_new (input.sequence (), open_null, &can_open);

      vp_qmp_client_handshake_async (its_client, 0, nullptr, nullptr, nullptr);
      other.negotiate ();
      run_pending ();
      vp_plugger_add_async (its, its_client, AsyncResult::ready, &added);
      for (size_t i = 0; i < k; i++)
        {
          if (added.is_ready () && other.unheard ().empty ())
            vp_plugger_clear_async (its, its_client, AsyncResult::ready, &cleared);
          its_world.answer (other, other.hear ());
          run_pending ();
        }
      other.drop ();
      EXPECT_TRUE (added.wait ());
      if (life[k].find ("del") != std::string::npos && !cleared.is_ready ())
        vp_plugger_clear_async (its, its_client, AsyncResult::ready, &cleared);
      run_pending ();
      vp_qmp_client_close (its_client);
      run_pending ();
      added.forget ();
      cleared.forget ();
    }
}

TEST_P (Plugger, ADescriptorThatCannotBeOpened)
{
  const std::string kind = GetParam ().name;

  cannot_open = true;
  if (kind != "vhost" && kind != "passt" && kind != "iommufd")
    {
      EXPECT_TRUE (add ());
      return;
    }
  EXPECT_FALSE (add ());
  EXPECT_EQ (outcome, VP_PLUG_UNDONE);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_HOST));
  EXPECT_TRUE (world.has.empty ());
}

INSTANTIATE_TEST_SUITE_P (Table, Plugger, testing::ValuesIn (plug_kinds), name_of_row<PlugKind>);

} // namespace
