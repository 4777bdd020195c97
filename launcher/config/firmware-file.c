#include "launcher/config/firmware-file.h"

#include "launcher/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEABIOS_BANNER  "SeaBIOS (version "
#define SEABIOS_VERSION "^(rel-|Arch ?Linux )?[0-9]\\.[0-9]{1,3}\\.[0-9]{1,3}($|[-+~ ])"
#define LONGEST_VERSION 200

#define RESET_VECTOR  16 /* from the end */
#define FAR_JUMP      0xea
#define FOOTER        48 /* from the end */
#define VOLUME_LENGTH 32
#define VOLUME_MAGIC  40
#define VOLUME_HEADER 56

/* Where distributions put it, below the folder of the program's folder. */
static const char *const data_folders[] = { "share/qemu", "share/qemu-firmware", "share/seabios" };

/* Where distributions put an OVMF that is one file, as -bios wants it. */
static const char *const ovmf_paths[] = {
  "/usr/share/ovmf/OVMF.fd",            /* Debian, Ubuntu */
  "/usr/share/OVMF/OVMF.fd",            /* the same, older */
  "/usr/share/edk2/x64/OVMF.4m.fd",     /* Arch */
  "/usr/share/qemu/ovmf-x86_64-4m.bin", /* openSUSE */
};

void
vp_firmware_file_clear (VpFirmwareFile *file)
{
  g_clear_pointer (&file->version, g_free);
}

/* Erased flash is all 0xff, and a file that is too short was filled with zeros. */
static gboolean
ends_in_code (const guint8 *bytes, gsize size)
{
  const guint8 *vector = bytes + size - RESET_VECTOR;

  for (guint i = 1; i < RESET_VECTOR; i++)
    if (vector[i] != vector[0])
      return TRUE;

  return vector[0] != 0x00 && vector[0] != 0xff;
}

static gboolean
is_volume (const guint8 *bytes, gsize size)
{
  guint64 length;

  if (size < VOLUME_HEADER || memcmp (bytes + VOLUME_MAGIC, "_FVH", 4) != 0)
    return FALSE;

  memcpy (&length, bytes + VOLUME_LENGTH, sizeof length);
  length = GUINT64_FROM_LE (length);
  return length >= VOLUME_HEADER && length <= size && ends_in_code (bytes, size);
}

static gboolean
is_ovmf (const guint8 *bytes, gsize size)
{
  /* 96b582de-1fb2-45f7-baea-a366c55a082d, the first three fields in little-endian order */
  static const guint8 footer[] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
                                   0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };

  return (size >= FOOTER && memcmp (bytes + size - FOOTER, footer, sizeof footer) == 0) ||
         is_volume (bytes, size);
}

static gboolean
is_seabios (const guint8 *bytes, gsize size)
{
  return size >= RESET_VECTOR && bytes[size - RESET_VECTOR] == FAR_JUMP &&
         memmem (bytes, size, SEABIOS_BANNER, strlen (SEABIOS_BANNER)) != NULL;
}

/* Returns: (transfer full) (nullable): the one string in the image that reads like its version */
static char *
find_version (const guint8 *bytes, gsize size)
{
  g_autoptr (GRegex) regex = g_regex_new (SEABIOS_VERSION, G_REGEX_RAW, 0, NULL);
  g_autofree char *version = NULL;
  gsize start = 0;

  for (gsize i = 0; i < size; i++)
    {
      gsize length = i - start;
      const char *text = (const char *) bytes + start;

      if (g_ascii_isprint (bytes[i]))
        continue;
      start = i + 1;
      if (bytes[i] != '\0' || length < strlen ("1.0.0") || length > LONGEST_VERSION ||
          !g_regex_match_full (regex, text, (gssize) length, 0, 0, NULL, NULL))
        continue;
      if (version != NULL && !g_str_equal (version, text))
        return NULL;
      g_free (version);
      version = g_strdup (text);
    }
  return g_steal_pointer (&version);
}

void
vp_firmware_file_recognise (const guint8 *bytes, gsize size, VpFirmwareFile *file)
{
  g_return_if_fail ((bytes != NULL || size == 0) && file != NULL);

  *file = (VpFirmwareFile){ .kind = VP_FIRMWARE_OTHER };
  if (is_ovmf (bytes, size))
    file->kind = VP_FIRMWARE_OVMF;
  else if (is_seabios (bytes, size))
    {
      file->kind = VP_FIRMWARE_SEABIOS;
      file->version = find_version (bytes, size);
    }
}

/* Returns: (transfer full) (nullable): the content of @path, or %NULL with @why set */
static guint8 *
read_file (const char *path, gsize *size, const char **why)
{
  g_autofree guint8 *bytes = NULL;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status;
  gssize n = 1;

  *size = 0;
  *why = NULL;
  if (fd < 0 || fstat (fd, &status) < 0)
    *why = g_strerror (errno);
  else if (!S_ISREG (status.st_mode))
    *why = "not a regular file";
  else if (status.st_size > (goffset) VP_FIRMWARE_FILE_MAX)
    *why = "larger than 64 MiB, which is no firmware";
  else
    bytes = g_malloc ((gsize) status.st_size + 1);

  while (bytes != NULL && n > 0 && *size < (gsize) status.st_size)
    {
      n = pread (fd, bytes + *size, (gsize) status.st_size - *size, (off_t) *size);
      *size += n > 0 ? (gsize) n : 0;
    }
  if (n < 0)
    *why = g_strerror (errno);
  if (fd >= 0)
    close (fd);
  return *why == NULL ? g_steal_pointer (&bytes) : NULL;
}

gboolean
vp_firmware_file_read (const char *path, VpFirmwareFile *file, GError **error)
{
  g_autofree guint8 *bytes = NULL;
  const char *why;
  gsize size;

  g_return_val_if_fail (path != NULL && file != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *file = (VpFirmwareFile){ .kind = VP_FIRMWARE_OTHER };
  bytes = read_file (path, &size, &why);
  if (bytes == NULL)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_HOST, "%s: %s", path, why);
      return FALSE;
    }
  vp_firmware_file_recognise (bytes, size, file);
  return TRUE;
}

static gboolean
is_elf (const char *path)
{
  char magic[4] = "";
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  gboolean is;

  if (fd < 0)
    return FALSE;
  is = pread (fd, magic, sizeof magic, 0) == sizeof magic && memcmp (magic, "\177ELF", 4) == 0;
  close (fd);
  return is;
}

/* Returns: (transfer full) (nullable): where the program is installed, without its "bin" */
static char *
find_prefix (const char *program)
{
  g_autofree char *found = g_find_program_in_path (program);
  g_autofree char *folder = NULL;
  char resolved[PATH_MAX];

  if (found == NULL || realpath (found, resolved) == NULL || !is_elf (resolved))
    return NULL;

  folder = g_path_get_dirname (resolved);
  return g_path_get_dirname (folder);
}

void
vp_firmware_file_read_default (const char *program, VpFirmwareFile *file)
{
  g_autofree char *prefix = NULL;
  guint n_found = 0;

  g_return_if_fail (program != NULL && file != NULL);

  *file = (VpFirmwareFile){ .kind = VP_FIRMWARE_SEABIOS };
  prefix = find_prefix (program);
  for (guint i = 0; prefix != NULL && i < G_N_ELEMENTS (data_folders); i++)
    {
      g_autofree char *path = g_build_filename (prefix, data_folders[i], "bios-256k.bin", NULL);
      g_auto (VpFirmwareFile) candidate = { .kind = VP_FIRMWARE_OTHER };

      if (!vp_firmware_file_read (path, &candidate, NULL))
        continue;
      if (n_found++ == 0)
        {
          file->kind = candidate.kind;
          file->version = g_steal_pointer (&candidate.version);
        }
      else if (g_strcmp0 (file->version, candidate.version) != 0)
        {
          file->kind = VP_FIRMWARE_SEABIOS;
          g_clear_pointer (&file->version, g_free);
        }
    }
}

char *
vp_firmware_file_find_ovmf (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (ovmf_paths); i++)
    {
      g_auto (VpFirmwareFile) file = { .kind = VP_FIRMWARE_OTHER };

      if (vp_firmware_file_read (ovmf_paths[i], &file, NULL) && file.kind == VP_FIRMWARE_OVMF)
        return g_strdup (ovmf_paths[i]);
    }
  return NULL;
}
