#include "launcher/vm/bar-probe.h"

#include "qmp/error.h"

#define REPLY_TIMEOUT_MS 10000

/* Offset of the first BAR register in configuration space (PCI 3.0, 6.1). */
#define CONFIG_BAR0 0x10

typedef struct
{
  VpMachineType machine;
  char *id;
  VpGuestBars bars;
} Probe;

static void
probe_free (Probe *probe)
{
  g_free (probe->id);
  g_free (probe);
}

static void
on_registers (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Probe *probe = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);
  guint32 words[VP_PCI_N_BARS];

  if (reply == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  /* Before firmware has set ECAM up, nothing answers there: the device is as unmapped as it looked.
   */
  if (JSON_NODE_HOLDS_VALUE (reply) && json_node_get_value_type (reply) == G_TYPE_STRING &&
      vp_guest_bars_parse_words (json_node_get_string (reply), words))
    vp_guest_bars_apply_registers (&probe->bars, words);
  g_task_return_boolean (task, TRUE);
}

static void
on_ecam_base (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Probe *probe = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);
  g_autofree char *command = NULL;
  JsonObject *arguments;
  guint64 address;

  if (reply == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  /* Not an integer of 63 bits: firmware has not placed ECAM yet (QEMU's PCIE_BASE_ADDR_UNMAPPED).
   */
  if (!JSON_NODE_HOLDS_VALUE (reply) || json_node_get_value_type (reply) != G_TYPE_INT64)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  /* PCI Express 5.0, 7.2.2: bus, slot and function are address bits 27:20, 19:15 and 14:12. */
  address = (guint64) json_node_get_int (reply) + ((guint64) probe->bars.bus << 20) +
            (probe->bars.slot << 15) + (probe->bars.function << 12) + CONFIG_BAR0;
  command = g_strdup_printf ("xp /%uxw 0x%" G_GINT64_MODIFIER "x", VP_PCI_N_BARS, address);
  arguments = json_object_new ();
  json_object_set_string_member (arguments, "command-line", command);
  vp_qmp_client_execute_async (VP_QMP_CLIENT (source), "human-monitor-command", arguments, NULL,
                               REPLY_TIMEOUT_MS, NULL, on_registers, g_steal_pointer (&task));
}

/* I/O BARs do not decide whether a device is usable, but what is said of them shall be true. */
static gboolean
all_are_shown (const VpGuestBars *bars)
{
  for (guint i = 0; i < bars->n_bars; i++)
    if (!bars->bars[i].assigned)
      return FALSE;
  return TRUE;
}

static void
on_query_pci (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Probe *probe = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) reply =
      vp_qmp_client_execute_finish (VP_QMP_CLIENT (source), result, &error);
  JsonObject *arguments;

  if (reply == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  if (!JSON_NODE_HOLDS_ARRAY (reply) ||
      !vp_guest_bars_from_query_pci (json_node_get_array (reply), probe->id, &probe->bars))
    {
      g_task_return_new_error (task, VP_QMP_ERROR, VP_QMP_ERROR_DEVICE_NOT_FOUND,
                               "query-pci does not list %s", probe->id);
      return;
    }
  if (probe->machine != VP_MACHINE_Q35 || all_are_shown (&probe->bars))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  /* MCFG is where firmware has put ECAM: QEMU hw/pci-host/q35.c, PCIE_HOST_MCFG_BASE. */
  arguments = json_object_new ();
  json_object_set_string_member (arguments, "path", "/machine/q35");
  json_object_set_string_member (arguments, "property", "MCFG");
  vp_qmp_client_execute_async (VP_QMP_CLIENT (source), "qom-get", arguments, NULL, REPLY_TIMEOUT_MS,
                               NULL, on_ecam_base, g_steal_pointer (&task));
}

void
vp_bar_probe_async (VpQmpClient *client,
                    VpMachineType machine,
                    const char *id,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (client, NULL, callback, user_data);
  Probe *probe = g_new0 (Probe, 1);

  probe->machine = machine;
  probe->id = g_strdup (id);
  g_task_set_source_tag (task, vp_bar_probe_async);
  g_task_set_task_data (task, probe, (GDestroyNotify) probe_free);
  vp_qmp_client_execute_async (client, "query-pci", NULL, NULL, REPLY_TIMEOUT_MS, NULL,
                               on_query_pci, g_steal_pointer (&task));
}

gboolean
vp_bar_probe_finish (VpQmpClient *client, GAsyncResult *result, VpGuestBars *bars, GError **error)
{
  const Probe *probe;

  g_return_val_if_fail (g_task_is_valid (result, client), FALSE);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  probe = g_task_get_task_data (G_TASK (result));
  *bars = probe->bars;
  return TRUE;
}
