#include <glib.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* Stands in for the fuzzing engine: runs the target over every seed in a corpus folder. */
int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) corpus = argc == 2 ? g_dir_open (argv[1], 0, &error) : NULL;
  const char *name;
  guint n_seeds = 0;

  if (corpus == NULL)
    {
      g_printerr ("%s: %s\n", argv[0], error != NULL ? error->message : "usage: REPLAY CORPUS");
      return EXIT_FAILURE;
    }

  while ((name = g_dir_read_name (corpus)) != NULL)
    {
      g_autofree char *path = g_build_filename (argv[1], name, NULL);
      g_autofree char *data = NULL;
      gsize size;

      if (!g_file_get_contents (path, &data, &size, &error))
        {
          g_printerr ("%s: %s\n", argv[0], error->message);
          return EXIT_FAILURE;
        }
      g_print ("%s\n", path); /* the last one is the culprit when the target aborts */
      LLVMFuzzerTestOneInput ((const guint8 *) data, size);
      n_seeds++;
    }

  g_print ("%u seeds\n", n_seeds);
  return n_seeds > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
