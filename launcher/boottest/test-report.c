#include "launcher/boottest/test-report.h"

#include "launcher/boottest/boot-document.h"
#include "launcher/boottest/report-junit.h"
#include "launcher/boottest/test-case.h"
#include "launcher/error.h"
#include "launcher/vm/argv.h"

static void
document_free (gpointer data)
{
  json_object_unref (data);
}

JsonObject *
vp_test_report_list (const GPtrArray *cases)
{
  JsonObject *document = json_object_new ();
  JsonArray *list = json_array_new ();

  for (guint i = 0; i < cases->len; i++)
    {
      const VpTestCase *each = cases->pdata[i];
      JsonObject *object = json_object_new ();
      JsonArray *argv = json_array_new ();

      for (char **word = each->argv; *word != NULL; word++)
        json_array_add_string_element (argv, *word);
      json_object_set_string_member (object, "name", each->name);
      json_object_set_string_member (object, "manifest", each->manifest);
      json_object_set_string_member (object, "place", each->place);
      json_object_set_array_member (object, "argv", argv);
      json_array_add_object_element (list, object);
    }
  json_object_set_array_member (document, "cases", list);
  return document;
}

JsonObject *
vp_test_report_documents (const GPtrArray *documents, int status)
{
  JsonObject *document = json_object_new ();
  JsonArray *list = json_array_new ();

  for (guint i = 0; i < documents->len; i++)
    json_array_add_object_element (list, json_object_ref (documents->pdata[i]));
  json_object_set_array_member (document, "cases", list);
  json_object_set_int_member (document, "exit", status);
  return document;
}

gboolean
vp_test_report_junit (const char *path,
                      const GPtrArray *cases,
                      const GPtrArray *documents,
                      GError **error)
{
  g_autoptr (GArray) suites = g_array_new (FALSE, FALSE, sizeof (VpJunitSuite));
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  g_autoptr (GError) why = NULL;
  g_autofree char *text = NULL;

  for (guint i = 0; i < cases->len; i++)
    {
      const VpTestCase *each = cases->pdata[i];
      VpJunitSuite suite = { .name = each->manifest };

      if (i == 0 || !g_str_equal (((VpTestCase *) cases->pdata[i - 1])->manifest, suite.name))
        {
          g_ptr_array_add (parts, g_ptr_array_new ());
          suite.documents = parts->pdata[parts->len - 1];
          g_array_append_val (suites, suite);
        }
      g_ptr_array_add (parts->pdata[parts->len - 1], documents->pdata[i]);
    }
  text = vp_report_junit ((VpJunitSuite *) suites->data, suites->len);
  if (g_file_set_contents (path, text, -1, &why))
    return TRUE;

  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "--junit %s: %s", path, why->message);
  return FALSE;
}

gboolean
vp_test_report_begin_junit (const char *path, const GPtrArray *cases, GError **error)
{
  g_autoptr (GPtrArray) documents = g_ptr_array_new_with_free_func (document_free);

  for (guint i = 0; i < cases->len; i++)
    {
      const VpTestCase *each = cases->pdata[i];
      g_autofree char *command = vp_argv_quote (each->argv);

      g_ptr_array_add (documents,
                       vp_boot_document_new_infra (each->name, "has not finished", command));
    }
  return vp_test_report_junit (path, cases, documents, error);
}
