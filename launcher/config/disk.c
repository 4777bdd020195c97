#include "launcher/config/disk.h"

#include "launcher/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Offsets in a qcow2 header (QEMU, docs/interop/qcow2.txt); all numbers are big-endian. */
#define QCOW2_MAGIC                 "QFI\xfb"
#define QCOW2_VERSION               4
#define QCOW2_BACKING_FILE_OFFSET   8
#define QCOW2_INCOMPATIBLE_FEATURES 72
#define QCOW2_EXTERNAL_DATA_FILE    (1u << 2)
#define QCOW2_HEADER                80

void
vp_disk_free (VpDisk *disk)
{
  if (disk == NULL)
    return;

  g_free (disk->file);
  g_free (disk->format);
  g_free (disk);
}

VpDisk *
vp_disk_new (const char *file)
{
  VpDisk *disk = g_new0 (VpDisk, 1);

  disk->file = g_strdup (file);
  return disk;
}

gboolean
vp_disk_set (VpDisk *disk, const VpParam *param, const char *known, GError **error)
{
  static const char *const formats[] = { "raw", "qcow2", NULL };
  guint format;

  if (g_str_equal (param->key, "readonly") && param->value == NULL)
    {
      disk->readonly = TRUE;
      return TRUE;
    }
  if (!g_str_equal (param->key, "format") || param->value == NULL)
    return vp_params_refuse (param, known, error);

  if (!vp_params_parse_choice (param->value, formats, &format, error))
    return FALSE;
  disk->format = g_strdup (formats[format]);
  return TRUE;
}

VpDisk *
vp_disk_parse (const char *text, GError **error)
{
  g_autoptr (VpParams) params = vp_params_parse (text, error);
  g_autoptr (VpDisk) disk = NULL;

  if (params == NULL)
    return NULL;

  disk = vp_disk_new (params->head);
  for (guint i = 0; i < params->rest->len; i++)
    {
      const VpParam *param = params->rest->pdata[i];

      if (g_str_equal (param->key, "snapshot") && param->value == NULL)
        disk->snapshot = TRUE;
      else if (!vp_disk_set (disk, param, "format=, readonly, snapshot", error))
        return NULL;
    }

  if (disk->readonly && disk->snapshot)
    {
      vp_error_refuse (error, text, "is both readonly and snapshot");
      return NULL;
    }
  return g_steal_pointer (&disk);
}

static gboolean
leads_to_other_files (const guint8 *header)
{
  guint64 backing_file;
  guint64 features = 0;
  guint32 version;

  memcpy (&version, header + QCOW2_VERSION, sizeof version);
  memcpy (&backing_file, header + QCOW2_BACKING_FILE_OFFSET, sizeof backing_file);
  if (GUINT32_FROM_BE (version) >= 3)
    memcpy (&features, header + QCOW2_INCOMPATIBLE_FEATURES, sizeof features);

  return backing_file != 0 || (GUINT64_FROM_BE (features) & QCOW2_EXTERNAL_DATA_FILE) != 0;
}

static gboolean
look_inside (VpDisk *disk, int fd, GError **error)
{
  guint8 header[QCOW2_HEADER] = { 0 };

  if (pread (fd, header, sizeof header, 0) < 0)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s: %s", disk->file, g_strerror (errno));
      return FALSE;
    }

  if (memcmp (header, QCOW2_MAGIC, strlen (QCOW2_MAGIC)) != 0)
    disk->format = g_strdup ("raw");
  else if (!leads_to_other_files (header))
    disk->format = g_strdup ("qcow2");
  else
    return vp_error_refuse (error, disk->file,
                            "looks like qcow2 and names further files: if you trust it, say "
                            "format=qcow2");
  return TRUE;
}

gboolean
vp_disk_check (VpDisk *disk, GError **error)
{
  gboolean is_written = !disk->readonly && !disk->snapshot;
  int fd = open (disk->file, (is_written ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status;
  gboolean ok = FALSE;

  if (fd < 0 || fstat (fd, &status) < 0)
    g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s: %s%s", disk->file, g_strerror (errno),
                 errno == EROFS || errno == EACCES ? " (readonly or snapshot needs no writing)"
                                                   : "");
  else if (!S_ISREG (status.st_mode) && !S_ISBLK (status.st_mode))
    vp_error_refuse (error, disk->file, "is neither a file nor a block device");
  else
    {
      disk->is_block_device = S_ISBLK (status.st_mode);
      disk->device = disk->is_block_device ? status.st_rdev : status.st_dev;
      disk->inode = disk->is_block_device ? 0 : status.st_ino;
      ok = disk->format != NULL || look_inside (disk, fd, error);
    }

  if (fd >= 0)
    close (fd);
  return ok;
}

gboolean
vp_disk_check_other (const VpDisk *disk, const VpDisk *other, GError **error)
{
  if (other == NULL || other == disk || disk->device != other->device ||
      disk->inode != other->inode || disk->is_block_device != other->is_block_device)
    return TRUE;
  return vp_error_refuse (error, disk->file, "is a disk of this VM already (%s)", other->file);
}
