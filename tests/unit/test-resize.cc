#include "launcher/vm/resize.h"

#include "launcher/error.h"
#include "qmp/message.h"
#include "tests/support/async-result.h"
#include "tests/support/fake-qmp.h"

#include <gtest/gtest.h>

namespace
{

constexpr guint64 MiB = 1 << 20;

/* A VM with 1 CPU of 4 and 256 MiB of 1 GiB, whose QEMU is the test. */
class Resize : public testing::Test
{
protected:
  FakeQmp qemu;
  VpQmpClient *client = vp_qmp_client_new (qemu.socket ());
  VpConfig *config = vp_config_new ();
  VpResize *resize = nullptr;
  AsyncResult result;
  std::vector<bool> is_there = { true, false, false, false };

  void
  SetUp () override
  {
    config->max_cpus = 4;
    config->memory = 256 * MiB;
    config->max_memory = 1024 * MiB;
    AsyncResult shaken;
    vp_qmp_client_handshake_async (client, 0, nullptr, AsyncResult::ready, &shaken);
    qemu.negotiate ();
    ASSERT_TRUE (shaken.wait ());
    resize = vp_resize_new (config, VP_ACCEL_KVM);
    vp_resize_set_running (resize, client);
    g_signal_connect_swapped (client, "event", G_CALLBACK (vp_resize_handle_event), resize);
  }
  void
  TearDown () override
  {
    result.forget ();
    g_signal_handlers_disconnect_by_data (client, resize);
    vp_resize_set_gone (resize);
    vp_qmp_client_close (client);
    run_pending ();
    g_object_unref (resize);
    g_object_unref (client);
    vp_config_free (config);
  }

  void
  ask (guint cpus, guint64 memory, guint timeout_ms = 60000)
  {
    result.forget ();
    vp_resize_async (resize, cpus, memory, timeout_ms, AsyncResult::ready, &result);
  }
  /* The document, or nullptr and the error in @error. */
  JsonObject *
  finish ()
  {
    if (!result.wait ())
      throw std::runtime_error ("no answer");
    g_clear_error (&error);
    return vp_resize_finish (resize, result.get (), &error);
  }
  std::string
  state (JsonObject *document)
  {
    return json_object_get_string_member (document, "state");
  }
  gint64
  number (JsonObject *document, const char *part, const char *member)
  {
    return json_object_get_int_member (json_object_get_object_member (document, part), member);
  }
  std::string
  code (JsonObject *document)
  {
    JsonObject *failure = vp_qmp_message_get_object (document, "error");
    return failure != nullptr ? json_object_get_string_member (failure, "code") : "";
  }

  void
  show_slots ()
  {
    std::string text;
    for (size_t i = is_there.size (); i-- > 0;)
      {
        const std::string core = std::to_string (i);
        text += std::string (text.empty () ? "" : ",") + R"({"type":"cpu","vcpus-count":1,)" +
                R"("props":{"core-id":)" + core + "}" +
                (!is_there[i] ? ""
                 : i == 0     ? R"(,"qom-path":"/machine/unattached/device[0]")"
                              : R"(,"qom-path":"/machine/peripheral/cpu)" + core + "\"") +
                "}";
      }
    qemu.reply (qemu.hear ("query-hotpluggable-cpus"), "[" + text + "]");
  }
  void
  agree_to_add (const std::string &id)
  {
    Heard command = qemu.hear ("device_add");
    EXPECT_EQ (command.argument ("id"), id);
    is_there[static_cast<size_t> (id.back () - '0')] = true;
    qemu.reply (command);
  }
  void
  guest_says (const std::string &id, int source, int status)
  {
    qemu.event ("ACPI_DEVICE_OST",
                R"({"info":{)" + (id.empty () ? "" : R"("device":")" + id + "\",") +
                    R"("source":)" + std::to_string (source) + R"(,"status":)" +
                    std::to_string (status) + R"(,"slot":"1","slot-type":"CPU"}})");
  }
  void
  leave (const std::string &id)
  {
    is_there[static_cast<size_t> (id.back () - '0')] = false;
    qemu.event ("DEVICE_DELETED", R"({"path":"/machine/peripheral/)" + id + R"(/lapic"})");
  }
  /* 1 -> 3, all told. */
  void
  grow ()
  {
    ask (3, 0);
    show_slots ();
    agree_to_add ("cpu1");
    agree_to_add ("cpu2");
    guest_says ("cpu1", 1, 0);
    guest_says ("cpu2", 1, 0);
    g_autoptr (JsonObject) document = finish ();
    ASSERT_NE (document, nullptr);
    ASSERT_EQ (state (document), "done");
  }

  GError *error = nullptr;
  ~Resize () override { g_clear_error (&error); }
};

TEST_F (Resize, CpusComeOneAfterTheOther)
{
  grow ();
  g_autoptr (JsonObject) status = json_object_new ();
  vp_resize_add_status (resize, status);
  EXPECT_EQ (number (status, "cpus", "now"), 3);
  EXPECT_EQ (number (status, "cpus", "max"), 4);
  EXPECT_EQ (qemu.unheard (), "");
}

TEST_F (Resize, TheGuestMayAnswerBeforeQemu)
{
  ask (2, 0);
  show_slots ();
  Heard command = qemu.hear ("device_add");
  guest_says ("cpu1", 1, 0);
  run_pending ();
  EXPECT_FALSE (result.is_ready ());
  qemu.reply (command);
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "done");
}

TEST_F (Resize, EachCpuMayBeRefused)
{
  for (guint refused = 1; refused <= 3; refused++)
    {
      is_there = { true, false, false, false };
      ask (4, 0);
      show_slots ();
      for (guint i = 1; i < refused; i++)
        {
          agree_to_add ("cpu" + std::to_string (i));
          guest_says ("cpu" + std::to_string (i), 1, 0);
        }
      qemu.fail (qemu.hear ("device_add"), "GenericError", "no room");
      g_autoptr (JsonObject) document = finish ();
      ASSERT_NE (document, nullptr);
      EXPECT_EQ (state (document), "refused");
      EXPECT_EQ (number (document, "cpus", "asked"), 4);
      EXPECT_EQ (number (document, "cpus", "now"), refused);
      EXPECT_EQ (code (document), "qemu-refused");
      EXPECT_EQ (qemu.unheard (), "");
    }
}

TEST_F (Resize, TheGuestMayRefuseACpu)
{
  ask (2, 0);
  show_slots ();
  agree_to_add ("cpu1");
  guest_says ("cpu1", 1, 1);
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "refused");
  EXPECT_EQ (number (document, "cpus", "now"), 2);
  EXPECT_EQ (code (document), "wrong-state");
}

TEST_F (Resize, QemuMayRefuseToListThem)
{
  ask (2, 0);
  qemu.fail (qemu.hear ("query-hotpluggable-cpus"), "GenericError", "not here");
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "refused");
  EXPECT_EQ (code (document), "qemu-refused");
}

TEST_F (Resize, CpusGoTheHighestFirst)
{
  grow ();
  ask (1, 0);
  show_slots ();
  Heard first = qemu.hear ("device_del"), second = qemu.hear ("device_del");
  EXPECT_EQ (first.argument ("id"), "cpu2");
  EXPECT_EQ (second.argument ("id"), "cpu1");
  qemu.reply (first);
  qemu.reply (second);
  guest_says ("cpu2", 3, 0x84);
  leave ("cpu2");
  show_slots ();
  guest_says ("", 3, 0);
  show_slots ();
  run_pending ();
  EXPECT_FALSE (result.is_ready ());
  leave ("cpu1");
  show_slots ();
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "done");
  EXPECT_EQ (number (document, "cpus", "now"), 1);
}

TEST_F (Resize, TheGuestMayKeepACpu)
{
  grow ();
  ask (2, 0);
  show_slots ();
  qemu.reply (qemu.hear ("device_del"));
  guest_says ("cpu2", 3, 0x82);
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "refused");
  EXPECT_EQ (number (document, "cpus", "now"), 3);
  EXPECT_EQ (code (document), "wrong-state");
}

TEST_F (Resize, QemuMayRefuseARemoval)
{
  grow ();
  ask (2, 0);
  show_slots ();
  qemu.fail (qemu.hear ("device_del"), "GenericError", "not yet");
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "refused");
  EXPECT_EQ (code (document), "qemu-refused");

  /* and nothing is left of it */
  ask (3, 0);
  show_slots ();
  g_autoptr (JsonObject) again = finish ();
  EXPECT_EQ (state (again), "done");
}

TEST_F (Resize, ACpuThatIsGoneAlreadyIsGone)
{
  grow ();
  ask (2, 0);
  show_slots ();
  Heard command = qemu.hear ("device_del");
  is_there[2] = false;
  qemu.fail (command, "DeviceNotFound", "no cpu2");
  show_slots ();
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "done");
}

TEST_F (Resize, ASilentGuestIsToldInNumbersAndMayAnswerLater)
{
  grow ();
  ask (1, 0, 1);
  show_slots ();
  qemu.reply (qemu.hear ("device_del"));
  qemu.reply (qemu.hear ("device_del"));
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "pending");
  EXPECT_EQ (number (document, "cpus", "asked"), 1);
  EXPECT_EQ (number (document, "cpus", "now"), 3);
  EXPECT_EQ (code (document), "pending");

  /* What the guest was asked for cannot be taken back. */
  ask (3, 0);
  show_slots ();
  g_autoptr (JsonObject) refused = finish ();
  EXPECT_EQ (state (refused), "refused");

  is_there[1] = false;
  leave ("cpu2");
  show_slots ();
  run_pending ();
  g_autoptr (JsonObject) status = json_object_new ();
  vp_resize_add_status (resize, status);
  EXPECT_EQ (number (status, "cpus", "now"), 1);
}

TEST_F (Resize, AResetAnswersForNewCpus)
{
  ask (2, 0);
  show_slots ();
  agree_to_add ("cpu1");
  qemu.event ("RESET", R"({"guest":true,"reason":"guest-reset"})");
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "done");
}

TEST_F (Resize, OnlyOneAtATime)
{
  ask (2, 0);
  show_slots ();
  Heard command = qemu.hear ("device_add");
  AsyncResult second;
  vp_resize_async (resize, 3, 0, 1000, AsyncResult::ready, &second);
  ASSERT_TRUE (second.wait ());
  EXPECT_EQ (vp_resize_finish (resize, second.get (), &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_STATE)) << error->message;
  qemu.reply (command);
  guest_says ("cpu1", 1, 0);
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "done");
}

TEST_F (Resize, WhatCannotBeIsRefusedAtOnce)
{
  const struct
  {
    guint cpus;
    guint64 memory;
  } rows[] = { { 0, 0 }, { 5, 0 }, { 0, 128 * MiB }, { 0, 2048 * MiB }, { 2, 257 * MiB } };

  for (const auto &row : rows)
    {
      ask (row.cpus, row.memory);
      EXPECT_EQ (finish (), nullptr);
      EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_USAGE)) << error->message;
    }
  EXPECT_EQ (qemu.unheard (), "");
}

TEST_F (Resize, MemoryFollowsTheGuest)
{
  ask (0, 512 * MiB);
  Heard set = qemu.hear ("qom-set");
  EXPECT_EQ (set.argument ("property"), "requested-size");
  EXPECT_NE (set.line ().find ("\"value\":268435456"), std::string::npos) << set.line ();
  qemu.reply (set);
  qemu.reply (qemu.hear ("qom-get"), "0");
  qemu.event ("MEMORY_DEVICE_SIZE_CHANGE", R"({"id":"other","size":268435456})");
  qemu.event ("MEMORY_DEVICE_SIZE_CHANGE", R"({"id":"memory","size":134217728})");
  run_pending ();
  EXPECT_FALSE (result.is_ready ());
  qemu.event ("MEMORY_DEVICE_SIZE_CHANGE", R"({"id":"memory","size":268435456})");
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "done");
  EXPECT_EQ (number (document, "memory", "now"), gint64 (512 * MiB));
}

TEST_F (Resize, MemoryMayBeRefusedWhileCpusCome)
{
  ask (2, 512 * MiB);
  Heard slots = qemu.hear ("query-hotpluggable-cpus");
  qemu.fail (qemu.hear ("qom-set"), "GenericError", "busy");
  qemu.reply (qemu.hear ("qom-get"), "0");
  qemu.reply (slots, R"([{"type":"cpu","vcpus-count":1,"props":{"core-id":1}},)"
                     R"({"type":"cpu","vcpus-count":1,"props":{"core-id":0},"qom-path":"/x"}])");
  agree_to_add ("cpu1");
  guest_says ("cpu1", 1, 0);
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "refused");
  EXPECT_EQ (number (document, "cpus", "now"), 2);
  EXPECT_EQ (number (document, "memory", "now"), gint64 (256 * MiB));
}

TEST_F (Resize, TheEndOfQemuIsToldAtEveryStep)
{
  for (int step = 0; step < 3; step++)
    {
      vp_resize_set_running (resize, client);
      ask (2, 0);
      if (step > 0)
        show_slots ();
      if (step > 1)
        agree_to_add ("cpu1");
      run_pending ();
      vp_resize_set_gone (resize);
      EXPECT_EQ (finish (), nullptr);
      EXPECT_TRUE (g_error_matches (error, VP_ERROR, VP_ERROR_NO_VM)) << error->message;
      if (step == 0)
        show_slots ();
      if (step == 1)
        qemu.fail (qemu.hear ("device_add"), "GenericError", "late");
      run_pending ();
    }
}

TEST_F (Resize, TcgAddsNoneOnceOneHasGone)
{
  vp_resize_set_gone (resize);
  g_signal_handlers_disconnect_by_data (client, resize);
  g_object_unref (resize);
  resize = vp_resize_new (config, VP_ACCEL_TCG);
  vp_resize_set_running (resize, client);
  g_signal_connect_swapped (client, "event", G_CALLBACK (vp_resize_handle_event), resize);

  grow ();
  ask (2, 0);
  show_slots ();
  qemu.reply (qemu.hear ("device_del"));
  leave ("cpu2");
  show_slots ();
  g_autoptr (JsonObject) gone = finish ();
  EXPECT_EQ (state (gone), "done");
  ask (3, 0);
  show_slots ();
  g_autoptr (JsonObject) document = finish ();
  EXPECT_EQ (state (document), "refused");
  EXPECT_EQ (qemu.unheard (), "");
}

} // namespace
