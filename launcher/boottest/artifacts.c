#include "launcher/boottest/artifacts.h"

#include "launcher/error.h"
#include "launcher/vm/autofd.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_QMP_BYTES (16 * 1024 * 1024)

/* All that one test can leave. */
static const char *const names[] = { "verdict.json", "console.log",    "qmp.jsonl",
                                     "qemu.log",     "screenshot.png", "memory.dump" };

struct _VpArtifacts
{
  char *folder;
  int console_fd; /* -1: it could not be written to */
  int qmp_fd;     /* -1: it could not be written to, or is full */
  gsize qmp_size;
  char *fault; /* nullable */
};

static void
note_fault (VpArtifacts *self, const char *name, int number)
{
  if (self->fault == NULL)
    self->fault = g_strdup_printf ("%s: %s", name, g_strerror (number));
}

static int
open_log (VpArtifacts *self, const char *name)
{
  g_autofree char *path = vp_artifacts_get_path (self, name);
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);

  if (fd < 0)
    note_fault (self, name, errno);
  return fd;
}

static void
close_log (int *fd)
{
  vp_autofd_close (fd);
  *fd = -1;
}

/* Closes @fd, which is then -1, when it takes no more. */
static void
append (VpArtifacts *self, const char *name, int *fd, const void *data, gsize size)
{
  const guint8 *at = data;

  while (*fd >= 0 && size > 0)
    {
      ssize_t n = write (*fd, at, size);

      if (n >= 0)
        {
          at += n;
          size -= (gsize) n;
        }
      else if (errno != EINTR)
        {
          note_fault (self, name, errno);
          close_log (fd);
        }
    }
}

gboolean
vp_artifacts_write_verdict (const char *folder, JsonObject *document, GError **error)
{
  g_autoptr (JsonNode) root = json_node_init_object (json_node_alloc (), document);
  g_autofree char *text = json_to_string (root, TRUE);
  g_autofree char *lines = g_strconcat (text, "\n", NULL);
  g_autofree char *path = g_build_filename (folder, names[0], NULL);
  g_autoptr (GError) why = NULL;

  if (g_file_set_contents (path, lines, -1, &why))
    return TRUE;
  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "--artifacts: %s", why->message);
  return FALSE;
}

static gboolean
make_folder (VpArtifacts *self, GError **error)
{
  if (g_mkdir_with_parents (self->folder, 0777) == 0)
    return TRUE;
  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "--artifacts %s: %s", self->folder,
               g_strerror (errno));
  return FALSE;
}

VpArtifacts *
vp_artifacts_open (const char *path, JsonObject *unfinished, GError **error)
{
  g_autoptr (VpArtifacts) self = g_new0 (VpArtifacts, 1);

  self->console_fd = self->qmp_fd = -1;
  self->folder = g_canonicalize_filename (path, NULL);
  if (!make_folder (self, error))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *old = vp_artifacts_get_path (self, names[i]);

      g_unlink (old);
    }
  if (!vp_artifacts_write_verdict (self->folder, unfinished, error))
    return NULL;
  self->console_fd = open_log (self, "console.log");
  self->qmp_fd = open_log (self, "qmp.jsonl");
  return g_steal_pointer (&self);
}

void
vp_artifacts_free (VpArtifacts *self)
{
  if (self == NULL)
    return;

  vp_autofd_close (&self->console_fd);
  vp_autofd_close (&self->qmp_fd);
  g_free (self->folder);
  g_free (self->fault);
  g_free (self);
}

char *
vp_artifacts_get_path (VpArtifacts *self, const char *name)
{
  return g_build_filename (self->folder, name, NULL);
}

void
vp_artifacts_add_console (VpArtifacts *self, GBytes *output)
{
  gsize size;
  const void *data = g_bytes_get_data (output, &size);

  append (self, "console.log", &self->console_fd, data, size);
}

void
vp_artifacts_add_qmp (VpArtifacts *self, JsonObject *event)
{
  g_autoptr (JsonNode) root = json_node_init_object (json_node_alloc (), event);
  g_autofree char *text = json_to_string (root, FALSE);
  g_autofree char *line = g_strconcat (text, "\n", NULL);
  gsize size = strlen (line);

  if (self->qmp_size + size > MAX_QMP_BYTES)
    close_log (&self->qmp_fd);
  self->qmp_size += size;
  append (self, "qmp.jsonl", &self->qmp_fd, line, size);
}

void
vp_artifacts_copy (VpArtifacts *self, const char *name, const char *from)
{
  g_autofree char *path = vp_artifacts_get_path (self, name);
  g_autoptr (GFile) source = g_file_new_for_path (from);
  g_autoptr (GFile) target = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;

  if (!g_file_copy (source, target, G_FILE_COPY_OVERWRITE | G_FILE_COPY_TARGET_DEFAULT_PERMS, NULL,
                    NULL, NULL, &error) &&
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) && self->fault == NULL)
    self->fault = g_strdup_printf ("%s: %s", name, error->message);
}

const char *
vp_artifacts_get_fault (VpArtifacts *self)
{
  return self->fault;
}
