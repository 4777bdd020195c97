#include "launcher/config/params.h"

#include "launcher/error.h"

#include <string.h>

static void
param_free (gpointer data)
{
  VpParam *param = data;

  g_free (param->key);
  g_free (param->value);
  g_free (param);
}

void
vp_params_free (VpParams *params)
{
  if (params == NULL)
    return;

  g_free (params->head);
  g_ptr_array_unref (params->rest);
  g_free (params);
}

/* Cuts the next parameter off: up to a single comma. *cursor becomes NULL after the last. */
static char *
take_part (const char **cursor)
{
  GString *part = g_string_new (NULL);
  const char *p = *cursor;

  for (; *p != '\0' && (p[0] != ',' || p[1] == ','); p++)
    {
      g_string_append_c (part, *p);
      if (*p == ',')
        p++;
    }
  *cursor = *p == ',' ? p + 1 : NULL;
  return g_string_free (part, FALSE);
}

gboolean
vp_params_check_text (const char *text, GError **error)
{
  if (!g_utf8_validate (text, -1, NULL))
    {
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE, "not valid UTF-8");
      return FALSE;
    }

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      {
        g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "control character at byte %d",
                     (int) (p - text) + 1);
        return FALSE;
      }
  return TRUE;
}

static gboolean
add_param (VpParams *params, const char *part, GError **error)
{
  const char *equals = strchr (part, '=');
  VpParam *param = g_new0 (VpParam, 1);

  param->key = equals != NULL ? g_strndup (part, (gsize) (equals - part)) : g_strdup (part);
  param->value = equals != NULL ? g_strdup (equals + 1) : NULL;
  g_ptr_array_add (params->rest, param);

  if (param->key[0] == '\0')
    return vp_error_refuse (error, part, "has no name before \"=\"");
  for (guint i = 0; i + 1 < params->rest->len; i++)
    if (g_str_equal (((VpParam *) params->rest->pdata[i])->key, param->key))
      return vp_error_refuse (error, param->key, "is given twice");
  return TRUE;
}

VpParams *
vp_params_parse (const char *text, GError **error)
{
  g_autoptr (VpParams) params = g_new0 (VpParams, 1);
  const char *cursor = text;

  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  params->rest = g_ptr_array_new_with_free_func (param_free);
  if (!vp_params_check_text (text, error))
    return NULL;

  while (cursor != NULL)
    {
      g_autofree char *part = take_part (&cursor);

      if (part[0] == '\0')
        {
          g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE,
                               text[0] == '\0' ? "empty" : "nothing before or after a comma");
          return NULL;
        }
      if (params->head == NULL)
        params->head = g_steal_pointer (&part);
      else if (!add_param (params, part, error))
        return NULL;
    }
  return g_steal_pointer (&params);
}

gboolean
vp_params_parse_switch (const VpParam *param, gboolean *value, GError **error)
{
  if (g_strcmp0 (param->value, "on") == 0)
    *value = TRUE;
  else if (g_strcmp0 (param->value, "off") == 0)
    *value = FALSE;
  else
    return vp_error_refuse (error, param->value != NULL ? param->value : "",
                            "is neither on nor off (%s)", param->key);
  return TRUE;
}

gboolean
vp_params_parse_choice (const char *value, const char *const *choices, guint *index, GError **error)
{
  g_autofree char *all = NULL;

  for (guint i = 0; choices[i] != NULL; i++)
    if (g_str_equal (choices[i], value))
      {
        *index = i;
        return TRUE;
      }

  all = g_strjoinv (", ", (char **) choices);
  return vp_error_refuse (error, value, "is none of %s", all);
}

gboolean
vp_params_refuse (const VpParam *param, const char *known, GError **error)
{
  g_autofree char *shape = g_strconcat (param->key, param->value != NULL ? "=" : NULL, NULL);

  return vp_error_refuse (error, shape, "is not one of %s", known);
}
