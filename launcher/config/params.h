#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VpParam:
 * @key: what stands before "=", or the whole parameter
 * @value: (nullable): what stands after it; %NULL when there is no "="
 */
typedef struct
{
  char *key;
  char *value;
} VpParam;

/**
 * VpParams:
 * @head: the first parameter, whole
 * @rest: (element-type VpParam): the others, in their order
 *
 * "HEAD,KEY=VALUE,FLAG…", as --device, --disk, --nic and --share take it.
 */
typedef struct
{
  char *head;
  GPtrArray *rest;
} VpParams;

/**
 * vp_params_parse:
 * @text: the parameters; ",," stands for a comma that separates nothing
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): free with vp_params_free(); %NULL with %VP_ERROR_USAGE when
 * a parameter is empty, a key is given twice, or there is a control character
 */
VpParams *vp_params_parse (const char *text, GError **error);
void vp_params_free (VpParams *params);

/**
 * vp_params_check_text:
 * @text: anything a user gave
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE when @text is not UTF-8, which JSON could not carry, or
 * holds a control character, which no terminal should be given
 */
gboolean vp_params_check_text (const char *text, GError **error);

/**
 * vp_params_parse_switch:
 * @param: a parameter
 * @value: (out): untouched on failure
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE unless the value is "on" or "off"
 */
gboolean vp_params_parse_switch (const VpParam *param, gboolean *value, GError **error);

/**
 * vp_params_parse_choice:
 * @value: a value
 * @choices: (array zero-terminated=1): what it may be
 * @index: (out): its place among them; untouched on failure
 * @error: return location for a #GError
 *
 * Returns: %FALSE with %VP_ERROR_USAGE
 */
gboolean vp_params_parse_choice (const char *value,
                                 const char *const *choices,
                                 guint *index,
                                 GError **error);

/**
 * vp_params_refuse:
 * @param: a parameter that nobody knows, that lacks its value, or that has one too many
 * @known: the parameters that exist, those with a value ended by "=": "format=, readonly"
 * @error: return location for a #GError, set to %VP_ERROR_USAGE
 *
 * Returns: %FALSE
 */
gboolean vp_params_refuse (const VpParam *param, const char *known, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpParams, vp_params_free)

G_END_DECLS
