#include "launcher/wrapper/foreign-argv.h"

#include "launcher/error.h"

static void
option_free (gpointer data)
{
  VpForeignOption *option = data;

  g_free (option->value);
  vp_qemu_params_free (option->params);
  g_free (option);
}

void
vp_foreign_argv_free (VpForeignArgv *self)
{
  if (self == NULL)
    return;

  g_strfreev (self->argv);
  g_ptr_array_unref (self->options);
  g_free (self);
}

/* Whether the word at @index takes the next one as its value, as far as can be known. */
static gboolean
takes_value (const VpForeignArgv *self, const VpQemuOption *option, guint index)
{
  const char *next = self->argv[index + 1];

  if (option != NULL)
    return option->has_value;
  return next != NULL && next[0] != '-';
}

/* Returns: how many words it is */
static guint
add_option (VpForeignArgv *self, guint index)
{
  VpForeignOption *option = g_new0 (VpForeignOption, 1);
  const char *word = self->argv[index];
  guint n_words = 1;

  option->index = option->value_index = index;
  g_ptr_array_add (self->options, option);
  if (word[0] != '-')
    {
      option->value = g_strdup (word);
      return n_words;
    }

  option->option = vp_qemu_option_find (word);
  if (!takes_value (self, option->option, index))
    return n_words;
  if (self->argv[index + 1] == NULL)
    {
      self->is_incomplete = TRUE;
      return n_words;
    }

  option->value_index = index + 1;
  option->value = g_strdup (self->argv[option->value_index]);
  option->params = vp_qemu_params_parse (option->value,
                                         option->option != NULL ? option->option->first_key : NULL);
  return n_words + 1;
}

VpForeignArgv *
vp_foreign_argv_parse (const char *const *argv, GError **error)
{
  VpForeignArgv *self;
  guint index = 1;

  g_return_val_if_fail (argv != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (argv[0] == NULL)
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE,
                           "the command line is empty: it has not even a program's name");
      return NULL;
    }

  self = g_new0 (VpForeignArgv, 1);
  self->argv = g_strdupv ((char **) argv);
  self->options = g_ptr_array_new_with_free_func (option_free);
  while (self->argv[index] != NULL)
    index += add_option (self, index);
  return self;
}

gboolean
vp_foreign_option_is (const VpForeignOption *self, const char *name)
{
  g_return_val_if_fail (self != NULL && name != NULL, FALSE);

  return self->option != NULL && g_str_equal (self->option->name, name);
}

const VpForeignOption *
vp_foreign_argv_find (const VpForeignArgv *self, const char *name)
{
  g_return_val_if_fail (self != NULL && name != NULL, NULL);

  for (guint i = self->options->len; i > 0; i--)
    if (vp_foreign_option_is (self->options->pdata[i - 1], name))
      return self->options->pdata[i - 1];
  return NULL;
}

VpQemuParams *
vp_foreign_argv_merge (const VpForeignArgv *self, const char *name)
{
  VpQemuParams *all;

  g_return_val_if_fail (self != NULL && name != NULL, NULL);

  all = vp_qemu_params_parse ("", NULL);
  for (guint i = 0; i < self->options->len; i++)
    {
      const VpForeignOption *option = self->options->pdata[i];

      if (vp_foreign_option_is (option, name))
        vp_qemu_params_append (all, option->params);
    }
  return all;
}
