#pragma once

#include "launcher/vm/hotplug.h"

#include "tests/support/fake-qmp.h"
#include "tests/support/fake-sysfs.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

/* One line each: they are sent as lines. */
inline const char *const MAPPED = R"({"bar":0,"size":4096,"address":4269801472,"type":"memory"})";
inline const char *const UNMAPPED =
    R"({"bar":2,"size":17179869184,"address":-1,"type":"memory","mem_type_64":true})";

inline std::string
query_pci (const std::string &id, const std::string &regions)
{
  return R"([{"bus":0,"devices":[{"bus":0,"slot":1,"function":0,"qdev_id":")" + id +
         R"(","regions":[)" + regions + "]}]}]";
}

/* What an attach or a detach came to. */
struct Outcome
{
  bool done = false;
  JsonObject *document = nullptr;
  GError *error = nullptr;

  ~Outcome ()
  {
    g_clear_pointer (&document, json_object_unref);
    g_clear_error (&error);
  }
  static void
  on_attached (GObject *source, GAsyncResult *result, gpointer user_data)
  {
    auto *self = static_cast<Outcome *> (user_data);

    self->document = vp_hotplug_attach_finish (VP_HOTPLUG (source), result, &self->error);
    self->done = true;
  }
  static void
  on_detached (GObject *source, GAsyncResult *result, gpointer user_data)
  {
    auto *self = static_cast<Outcome *> (user_data);

    self->document = vp_hotplug_detach_finish (VP_HOTPLUG (source), result, &self->error);
    self->done = true;
  }
  std::string
  text (const char *member) const
  {
    return document != nullptr ? json_object_get_string_member (document, member) : "(none)";
  }
};

/* A VM on q35 with two spare ports or more, whose QEMU is the test. */
class Hotplug : public testing::Test
{
protected:
  void
  SetUp () override
  {
    VpPlanPolicy policy = { .root = { .machine = VP_MACHINE_Q35 },
                            .firmware = vp_firmware_get (VP_FIRMWARE_SEABIOS, nullptr),
                            .large_bar = VP_PLAN_DEFAULT_LARGE_BAR,
                            .n_spare = n_spare_,
                            .spare_window = 0 };

    sysfs_ = vp_sysfs_open (host_.root (), nullptr);
    blueprint_.config = vp_config_new ();
    blueprint_.plan = vp_plan_build (&policy, nullptr, 0, nullptr);
    blueprint_.specs = g_ptr_array_new ();
    bindings_ = vp_bindings_new (sysfs_, host_.root ());
    hotplug_ = vp_hotplug_new (&blueprint_, bindings_);
    vp_hotplug_set_bounce_ms (hotplug_, 0);
    client_ = vp_qmp_client_new (qemu_.socket ());
    vp_qmp_client_handshake_async (client_, 0, nullptr, nullptr, nullptr);
    qemu_.negotiate ();
    run_pending ();
    g_signal_connect (client_, "event", G_CALLBACK (on_event), this);
    vp_hotplug_set_running (hotplug_, client_);
  }
  void
  TearDown () override
  {
    vp_qmp_client_close (client_);
    run_pending ();
    g_clear_object (&client_);
    g_clear_object (&hotplug_);
    vp_bindings_free (bindings_);
    vp_plan_free (blueprint_.plan);
    vp_config_free (blueprint_.config);
    g_ptr_array_unref (blueprint_.specs);
    vp_sysfs_free (sysfs_);
  }
  static void
  on_event (VpQmpClient *, const char *name, JsonObject *data, gpointer user_data)
  {
    vp_hotplug_handle_event (static_cast<Hotplug *> (user_data)->hotplug_, name, data);
  }

  /* A host function for each of @addresses; for none a device that is not of the host. */
  void
  attach (const char *text,
          Outcome *outcome,
          guint timeout_ms = 60000,
          const std::vector<std::string> &addresses = {})
  {
    VpDeviceSpec *spec = vp_device_spec_parse (text, nullptr);
    g_autoptr (VpAttachSource) source =
        vp_attach_source_new (spec, vp_inventory_read (sysfs_, nullptr));
    g_autoptr (GPtrArray) functions = g_ptr_array_new ();

    for (const std::string &host : addresses)
      {
        VpPciAddress address;

        ASSERT_TRUE (vp_pci_address_parse (host.c_str (), &address, nullptr));
        g_ptr_array_add (functions, const_cast<VpPciFunction *> (
                                        vp_inventory_find (source->inventory, &address)));
      }
    if (addresses.empty ())
      g_ptr_array_add (functions, nullptr);
    vp_hotplug_attach_async (hotplug_, source, functions, timeout_ms, Outcome::on_attached,
                             outcome);
  }
  void
  detach (const char *id, Outcome *outcome, guint timeout_ms = 60000)
  {
    const char *const ids[] = { id, nullptr };

    vp_hotplug_detach_async (hotplug_, ids, FALSE, timeout_ms, Outcome::on_detached, outcome);
  }
  void
  show_bars (const char *id, const std::string &regions, const bool &done)
  {
    answer_probes (query_pci (id, regions), done);
  }
  /* Answers the questions about BARs until @done or another command comes. */
  void
  answer_probes (const std::string &pci, const bool &done)
  {
    while (!done)
      {
        Heard question = qemu_.hear ();

        if (question.command () == "query-pci")
          qemu_.reply (question, pci);
        else if (question.command () == "qom-get")
          qemu_.reply (question, "2952790016");
        else if (question.command () == "human-monitor-command")
          qemu_.reply (question, R"("b0008010: 0x0 0x0 0xc 0x0\r\nb0008020: 0x0 0x0\r\n")");
        else
          {
            other_.push_back (question);
            return;
          }
        run_until ([&] { return done || !qemu_.unheard ().empty (); }, 10000);
      }
  }
  void
  attach_for_good (const char *text, const char *id)
  {
    Outcome outcome;

    vp_hotplug_set_ready (hotplug_);
    attach (text, &outcome);
    qemu_.reply (qemu_.hear ("device_add"));
    show_bars (id, MAPPED, outcome.done);
    ASSERT_TRUE (outcome.document != nullptr);
  }
  /* "disk usable, nic accepted" of all there are, in their order. */
  std::string
  all_states ()
  {
    g_autoptr (JsonObject) status = json_object_new ();
    std::string text;

    vp_hotplug_add_status (hotplug_, status);
    JsonArray *devices = json_object_get_array_member (status, "devices");
    for (guint i = 0; i < json_array_get_length (devices); i++)
      {
        JsonObject *device = json_array_get_object_element (devices, i);

        text += std::string (i > 0 ? ", " : "") + json_object_get_string_member (device, "id") +
                " " + json_object_get_string_member (device, "state");
      }
    return text;
  }
  guint
  spare ()
  {
    g_autoptr (JsonObject) status = json_object_new ();

    vp_hotplug_add_status (hotplug_, status);
    return static_cast<guint> (
        json_object_get_int_member (json_object_get_object_member (status, "ports"), "spare"));
  }

  guint n_spare_ = 2;
  FakeSysfs host_;
  FakeQmp qemu_;
  VpBlueprint blueprint_ = {};
  VpSysfs *sysfs_ = nullptr;
  VpBindings *bindings_ = nullptr;
  VpQmpClient *client_ = nullptr;
  VpHotplug *hotplug_ = nullptr;
  std::vector<Heard> other_;
};
