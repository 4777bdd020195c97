#include "launcher/wrapper/foreign-vm.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* The seeds have one word a NUL, and no program in front. */
static char **
split (const guint8 *data, gsize size)
{
  GPtrArray *words = g_ptr_array_new ();
  const char *text = (const char *) data, *end = text + size;

  g_ptr_array_add (words, g_strdup ("qemu"));
  while (text < end)
    {
      char *word = g_strndup (text, (gsize) (end - text));

      text += strlen (word) + 1;
      g_ptr_array_add (words, word);
    }
  g_ptr_array_add (words, NULL);
  return (char **) g_ptr_array_free (words, FALSE);
}

/* No word is lost or moved, and what is found out is within its bounds. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_auto (GStrv) words = split (data, size);
  g_autoptr (VpForeignArgv) argv = vp_foreign_argv_parse ((const char *const *) words, NULL);
  g_autoptr (VpForeignVm) vm = vp_foreign_vm_new (argv);
  g_autoptr (VpForeign) foreign = NULL;
  g_autoptr (VpConfig) config = NULL;
  guint next = 1;

  g_assert_true (g_strv_equal ((const char *const *) words, (const char *const *) argv->argv));
  for (guint i = 0; i < argv->options->len; i++)
    {
      const VpForeignOption *option = argv->options->pdata[i];

      g_assert_cmpuint (option->index, ==, next);
      next = option->value_index + 1;
    }
  g_assert_cmpuint (next, ==, g_strv_length (words));

  g_assert_cmpuint (vm->bus.first_chassis + vm->bus.n_chassis, <=, 256);
  g_assert_cmpuint (vm->bus.n_buses, >=, 1);
  g_assert_cmpuint (vm->qmp.index, <, g_strv_length (words));
  if (!vm->has_machine)
    return 0;

  config = vp_foreign_vm_to_config (vm);
  foreign = vp_foreign_vm_to_foreign (vm, argv, "qemu");
  g_assert_cmpint (foreign->first_fd, >=, 3);
  for (guint i = 0; i < vm->fds->len; i++)
    g_assert_cmpint (g_array_index (vm->fds, int, i), <, foreign->first_fd);
  return 0;
}
