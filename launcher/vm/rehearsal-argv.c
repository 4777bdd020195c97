#include "launcher/vm/rehearsal-argv.h"

#include "launcher/vm/argv-writer.h"
#include "qmp/message.h"

#define MEMORY_ID "rehearsal-memory"
/* Longer than any rehearsal, in milliseconds; the field has 16 bits (SeaBIOS boot.c, OVMF
 * QemuBootOrderLib). */
#define MENU_MS "65535"

static const char *const valueless[] = { "-nodefaults", "-no-user-config", "-S", NULL };

/* What gives a guest something to boot, and what only such devices need. */
static const char *const left_out[] = { "-kernel", "-initrd", "-append", "-blockdev",
                                        "-netdev", "-fsdev",  NULL };

/* Devices of ours that need a backend, which a rehearsal does not open. */
static const char *const backed[] = { "virtio-blk-pci", "virtio-net-pci", "virtio-9p-pci", NULL };

/* All functions of a slot are written where its first device was. */
static void
add_stand_ins (GPtrArray *argv, const VpStandIns *stand_ins, const VpPlanDevice *device)
{
  const GPtrArray *all = vp_stand_ins_get_all (stand_ins);

  for (guint i = 0; i < all->len; i++)
    {
      const VpStandIn *stand_in = all->pdata[i];

      if (stand_in->first == device)
        vp_stand_in_add (argv, stand_in);
    }
}

/* A mediated or a vfio-user device: its BARs are not known, so that nothing can stand in for it. */
static gboolean
is_somebody_elses (JsonObject *device)
{
  return json_object_has_member (device, "sysfsdev") || json_object_has_member (device, "socket");
}

static void
add_device (GPtrArray *argv,
            const VpBlueprint *blueprint,
            const VpStandIns *stand_ins,
            const char *text)
{
  g_autoptr (JsonObject) device = vp_qmp_message_parse (text, NULL);
  const char *driver = device != NULL ? vp_qmp_message_get_string (device, "driver") : NULL;
  const char *id = device != NULL ? vp_qmp_message_get_string (device, "id") : NULL;
  const VpPlanDevice *planned = id != NULL ? vp_plan_find_device (blueprint->plan, id) : NULL;

  if (planned != NULL && planned->function != NULL)
    add_stand_ins (argv, stand_ins, planned);
  else if (g_strcmp0 (driver, "isa-serial") == 0 || (planned != NULL && is_somebody_elses (device)))
    return; /* nobody looks at the console, and what others hold is not opened */
  else if (planned == NULL && driver != NULL && g_strv_contains (backed, driver))
    {
      JsonObject *substitute = json_object_new ();

      json_object_set_string_member (substitute, "driver", "virtio-rng-pci");
      for (const char *const *name = (const char *const[]){ "id", "bus", "addr", NULL };
           *name != NULL; name++)
        json_object_set_member (substitute, *name,
                                json_node_copy (json_object_get_member (device, *name)));
      json_object_set_string_member (substitute, "disable-legacy", "on");
      vp_argv_add_json (argv, "-device", substitute);
    }
  else
    vp_argv_add (argv, "-device", text);
}

/* A VM with NUMA nodes has its memory there. */
static gboolean
has_own_memory (char **argv)
{
  return g_strv_contains ((const char *const *) argv, "-numa");
}

/* Which need not be there, nor on any node of the host's, nor be shared with anybody: firmware
 * touches little of it. */
static void
add_node_memory (GPtrArray *argv, const char *text)
{
  g_autoptr (JsonObject) memory = vp_qmp_message_parse (text, NULL);

  g_return_if_fail (memory != NULL);

  json_object_set_string_member (memory, "qom-type", "memory-backend-ram");
  json_object_remove_member (memory, "share");
  json_object_remove_member (memory, "host-nodes");
  json_object_remove_member (memory, "policy");
  json_object_set_boolean_member (memory, "reserve", FALSE);
  vp_argv_add_json (argv, "-object", g_steal_pointer (&memory));
}

static gboolean
is_left_out (const char *option, const char *value)
{
  return g_strv_contains (left_out, option) || g_str_has_prefix (value, "memory-backend=") ||
         (g_str_equal (option, "-drive") && g_str_has_prefix (value, "if=none,")) ||
         (g_str_equal (option, "-chardev") && g_str_has_prefix (value, "socket,id=console,"));
}

static void
add_option (GPtrArray *argv,
            const VpBlueprint *blueprint,
            const VpStandIns *stand_ins,
            const char *option,
            const char *value)
{
  if (is_left_out (option, value))
    return;

  if (g_str_equal (option, "-device"))
    add_device (argv, blueprint, stand_ins, value);
  else if (g_str_equal (option, "-object"))
    {
      if (has_own_memory (blueprint->argv))
        add_node_memory (argv, value);
    }
  else if (g_str_equal (option, "-machine") && !has_own_memory (blueprint->argv))
    vp_argv_add_format (argv, option, "%s,memory-backend=" MEMORY_ID, value);
  else
    vp_argv_add (argv, option, value);
}

static void
add_memory (GPtrArray *argv, const VpBlueprint *blueprint)
{
  JsonObject *memory = json_object_new ();

  json_object_set_string_member (memory, "qom-type", "memory-backend-ram");
  json_object_set_string_member (memory, "id", MEMORY_ID);
  /* As -m has it, in whole MiB. */
  json_object_set_int_member (memory, "size", (gint64) (blueprint->config->memory >> 20 << 20));
  json_object_set_boolean_member (memory, "reserve", FALSE);
  vp_argv_add_json (argv, "-object", memory);
}

char **
vp_rehearsal_argv (const VpBlueprint *blueprint, const VpStandIns *stand_ins)
{
  GPtrArray *argv = g_ptr_array_new ();
  char **theirs = blueprint->config->qemu_args; /* come last */
  guint n_theirs = theirs != NULL ? g_strv_length (theirs) : 0;
  guint n_ours = g_strv_length (blueprint->argv) - n_theirs;
  char **ours = blueprint->argv;

  g_ptr_array_add (argv, g_strdup (ours[0]));
  for (guint i = 1; i < n_ours; i++)
    if (g_strv_contains (valueless, ours[i]))
      vp_argv_add (argv, ours[i], NULL);
    else
      {
        add_option (argv, blueprint, stand_ins, ours[i], ours[i + 1]);
        i++;
      }

  if (!has_own_memory (blueprint->argv))
    add_memory (argv, blueprint);
  vp_argv_add (argv, "-chardev", "ringbuf,id=" VP_REHEARSAL_LOG ",size=65536");
  vp_argv_add (argv, "-device",
               "{\"driver\":\"isa-debugcon\",\"iobase\":1026,\"chardev\":\"" VP_REHEARSAL_LOG
               "\"}");
  vp_argv_add (argv, "-boot", "menu=on,splash-time=" MENU_MS);
  for (guint i = 0; i < n_theirs; i++)
    g_ptr_array_add (argv, g_strdup (theirs[i]));
  g_ptr_array_add (argv, NULL);
  return (char **) g_ptr_array_free (argv, FALSE);
}
