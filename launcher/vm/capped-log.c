#include "launcher/vm/capped-log.h"

#include "launcher/vm/autofd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

struct _VpCappedLog
{
  int fd;
  gsize limit;
  gsize size;
};

VpCappedLog *
vp_capped_log_new (int fd, gsize limit)
{
  VpCappedLog *self = g_new0 (VpCappedLog, 1);
  struct stat st;

  self->fd = fd;
  self->limit = MAX (limit, 8);
  if (fd >= 0 && fstat (fd, &st) == 0)
    {
      self->size = (gsize) st.st_size;
      /* with O_APPEND Linux ignores the offset of pwrite() */
      fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) & ~O_APPEND);
    }
  return self;
}

void
vp_capped_log_free (VpCappedLog *self)
{
  if (self == NULL)
    return;

  vp_autofd_close (&self->fd);
  g_free (self);
}

/* Copies the end of the file to its beginning. The two never overlap: the end is shorter than what
   is before it. */
static void
keep_last (VpCappedLog *self, gsize kept)
{
  gsize from = self->size - kept;
  gsize copied = 0;
  guint8 buffer[64 * 1024];

  while (copied < kept)
    {
      gsize piece = MIN (sizeof buffer, kept - copied);
      ssize_t n = pread (self->fd, buffer, piece, (off_t) (from + copied));

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0 || pwrite (self->fd, buffer, (gsize) n, (off_t) copied) != n)
        break;
      copied += (gsize) n;
    }

  if (ftruncate (self->fd, (off_t) copied) == 0)
    self->size = copied;
}

void
vp_capped_log_append (VpCappedLog *self, const guint8 *data, gsize size)
{
  gsize quarter = self->limit / 4;

  if (self->fd < 0)
    return;

  /* one piece never takes more than a quarter, so that it fits after any cut */
  while (size > 0)
    {
      gsize piece = MIN (size, quarter);
      ssize_t n;

      if (self->size + piece > self->limit)
        keep_last (self, MIN (self->size, quarter));
      if (self->size + piece > self->limit)
        return;

      n = pwrite (self->fd, data, piece, (off_t) self->size);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return;
      self->size += (gsize) n;
      data += n;
      size -= (gsize) n;
    }
}
