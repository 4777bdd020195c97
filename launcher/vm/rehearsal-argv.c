#include "launcher/vm/rehearsal-argv.h"

#include "launcher/vm/argv-writer.h"
#include "launcher/vm/argv.h"
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

/* Returns: (nullable): what a planned device was asked for as */
static const VpDeviceSpec *
find_spec (const VpBlueprint *blueprint, const VpPlanDevice *planned)
{
  guint index;

  if (planned == NULL || !g_ptr_array_find (blueprint->plan->devices, (gpointer) planned, &index))
    return NULL;
  return blueprint->specs->pdata[index];
}

/* A mediated or a vfio-user device: its BARs are not known, so that nothing can stand in for it. */
static gboolean
is_somebody_elses (const VpDeviceSpec *spec)
{
  return vp_device_spec_is_mediated (spec) || spec->kind == VP_DEVICE_SPEC_VFIO_USER;
}

static void
add_substitute (GPtrArray *argv, JsonObject *device)
{
  JsonObject *substitute = json_object_new ();

  json_object_set_string_member (substitute, "driver", "virtio-rng-pci");
  for (const char *const *name = (const char *const[]){ "id", "bus", "addr", NULL }; *name != NULL;
       name++)
    json_object_set_member (substitute, *name,
                            json_node_copy (json_object_get_member (device, *name)));
  json_object_set_string_member (substitute, "disable-legacy", "on");
  vp_argv_add_json (argv, "-device", substitute);
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
  const VpDeviceSpec *spec = find_spec (blueprint, planned);

  if (planned != NULL && planned->function != NULL)
    add_stand_ins (argv, stand_ins, planned);
  else if (g_strcmp0 (driver, "isa-serial") == 0 || g_strcmp0 (driver, "scsi-hd") == 0)
    return; /* nobody looks at the console, and a disk has no BARs; its controller has */
  else if (spec != NULL && is_somebody_elses (spec))
    return; /* what others hold is not opened */
  else if (spec != NULL && spec->nic != NULL)
    {
      json_object_remove_member (device, "netdev"); /* it does without */
      vp_argv_add_json (argv, "-device", json_object_ref (device));
    }
  else if ((spec != NULL && spec->disk != NULL) ||
           (planned == NULL && driver != NULL && g_strv_contains (backed, driver)))
    add_substitute (argv, device);
  else
    vp_argv_add (argv, "-device", text);
}

/* A VM with NUMA nodes has its memory there. */
static gboolean
has_own_memory (char **argv)
{
  return g_strv_contains ((const char *const *) argv, "-numa");
}

/* That of nodes, and that which can be added. It need not be there, nor on any node of the host's,
 * nor be shared with anybody: firmware touches little of it. For a VM's whole memory there is the
 * rehearsal's. */
static void
add_other_memory (GPtrArray *argv, const char *text)
{
  g_autoptr (JsonObject) memory = vp_qmp_message_parse (text, NULL);

  g_return_if_fail (memory != NULL);

  if (g_strcmp0 (vp_qmp_message_get_string (memory, "id"), VP_ARGV_MEMORY_ID) == 0)
    return;
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
    add_other_memory (argv, value);
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
