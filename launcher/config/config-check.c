#include "launcher/config/config.h"

#include "devices/byte-size.h"
#include "launcher/config/device-check.h"
#include "launcher/config/firmware-file.h"
#include "launcher/config/memory-block.h"
#include "launcher/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KERNEL_HEADER   8192  /* a multiboot header starts within these */
#define BZIMAGE_MAGIC   0x202 /* this and the next two: Linux, Documentation/arch/x86/boot.rst */
#define BZIMAGE_SECTORS 0x1f1
#define BZIMAGE_SIZE    0x1f4
#define MULTIBOOT_MAGIC "\x02\xb0\xad\x1b"
#define PC_MAX_CPUS     255

/* Returns a descriptor of the readable regular file @path, or -1. */
static int
open_file (const char *option, const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status;

  if (fd >= 0 && fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    return fd;

  g_set_error (error, VP_ERROR, VP_ERROR_HOST, "--%s %s: %s", option, path,
               fd < 0 ? g_strerror (errno) : "not a regular file");
  if (fd >= 0)
    close (fd);
  return -1;
}

static gboolean
check_readable (const char *option, const char *path, GError **error)
{
  int fd = open_file (option, path, error);

  if (fd < 0)
    return FALSE;
  close (fd);
  return TRUE;
}

static gboolean
is_bzimage (const guint8 *start, gsize size)
{
  return size >= BZIMAGE_MAGIC + 4 && memcmp (start + BZIMAGE_MAGIC, "HdrS", 4) == 0;
}

/* By its header, the least: a boot sector, the sectors of the setup, and units of 16 bytes. What is
 * signed is longer. */
static guint64
measure_bzimage (const guint8 *start)
{
  guint8 sectors = start[BZIMAGE_SECTORS];
  guint32 units;

  memcpy (&units, start + BZIMAGE_SIZE, sizeof units);
  return ((guint64) sectors + 1) * 512 + (guint64) GUINT32_FROM_LE (units) * 16;
}

/* QEMU runs whatever it is given: half a megabyte of "x" makes a VM that never says a word, and
 * half a bzImage one that resets for ever, in silence too. */
static gboolean
is_kernel (const guint8 *start, gsize size)
{
  if (is_bzimage (start, size))
    return TRUE;
  if (size >= 4 && memcmp (start, "\177ELF", 4) == 0)
    return TRUE;
  for (gsize i = 0; i + 4 <= size; i += 4)
    if (memcmp (start + i, MULTIBOOT_MAGIC, 4) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
check_kernel (const char *path, GError **error)
{
  g_autofree guint8 *start = g_malloc (KERNEL_HEADER);
  int fd = open_file ("kernel", path, error);
  gssize size;
  gint64 whole;

  if (fd < 0)
    return FALSE;
  size = pread (fd, start, KERNEL_HEADER, 0);
  whole = lseek (fd, 0, SEEK_END);
  close (fd);

  if (size < 0 || !is_kernel (start, (gsize) size))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                   "--kernel %s: not a kernel (neither bzImage nor ELF nor multiboot)", path);
      return FALSE;
    }
  if (is_bzimage (start, (gsize) size) && (guint64) whole < measure_bzimage (start))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                   "--kernel %s: cut short: it has %" G_GINT64_FORMAT " bytes, and its header says "
                   "%" G_GUINT64_FORMAT "; build or copy it again",
                   path, whole, measure_bzimage (start));
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_boot (VpConfig *config, GError **error)
{
  if (config->kernel == NULL && (config->initrd != NULL || config->append != NULL))
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "--%s is given without --kernel",
                   config->initrd != NULL ? "initrd" : "append");
      return FALSE;
    }
  if (config->kernel != NULL && !check_kernel (config->kernel, error))
    return FALSE;
  return config->initrd == NULL || check_readable ("initrd", config->initrd, error);
}

/* With these QEMU takes another firmware, or looks for it elsewhere. */
static gboolean
args_replace_firmware (char **args)
{
  static const char *const names[] = { "L", "bios", "pflash", NULL };

  for (char **arg = args; arg != NULL && *arg != NULL; arg++)
    if ((*arg)[0] == '-' && g_strv_contains (names, *arg + ((*arg)[1] == '-' ? 2 : 1)))
      return TRUE;

  return FALSE;
}

static gboolean
check_firmware (VpConfig *config, GError **error)
{
  g_auto (VpFirmwareFile) file = { .kind = config->firmware };

  if (config->firmware_path != NULL)
    {
      if (!vp_firmware_file_read (config->firmware_path, &file, error))
        {
          g_prefix_error_literal (error, "--firmware ");
          return FALSE;
        }
    }
  else if (config->firmware == VP_FIRMWARE_OVMF)
    {
      config->firmware_path = vp_firmware_file_find_ovmf ();
      if (config->firmware_path == NULL)
        {
          g_set_error (error, VP_ERROR, VP_ERROR_HOST,
                       "--firmware ovmf: not found: install the Debian package ovmf, or give its "
                       "path");
          return FALSE;
        }
    }
  else if (!args_replace_firmware (config->qemu_args))
    vp_firmware_file_read_default (config->qemu, &file);

  if (file.kind != VP_FIRMWARE_OTHER)
    config->firmware = file.kind;
  if (config->firmware_version == NULL)
    config->firmware_version = g_steal_pointer (&file.version);
  return TRUE;
}

static gboolean
check_disks (VpConfig *config, GError **error)
{
  for (guint i = 0; i < config->disks->len; i++)
    if (!vp_disk_check (config->disks->pdata[i], error))
      {
        g_prefix_error_literal (error, "--disk ");
        return FALSE;
      }
  return TRUE;
}

static gboolean
check_device (VpConfig *config, guint index, GError **error)
{
  VpDeviceSpec *spec = config->devices->pdata[index];

  if (!vp_device_check (spec, error))
    return FALSE;
  if (spec->kind == VP_DEVICE_SPEC_VFIO && !spec->has_plug)
    spec->plug = config->plug;
  for (guint i = 0; spec->disk != NULL && i < config->disks->len; i++)
    if (!vp_disk_check_other (spec->disk, config->disks->pdata[i], error))
      return FALSE;
  for (guint i = 0; spec->disk != NULL && i < index; i++)
    if (!vp_disk_check_other (spec->disk, ((VpDeviceSpec *) config->devices->pdata[i])->disk,
                              error))
      return FALSE;
  return TRUE;
}

static gboolean
check_devices (VpConfig *config, GError **error)
{
  for (guint i = 0; i < config->devices->len; i++)
    if (!check_device (config, i, error))
      {
        g_prefix_error_literal (error, "--device ");
        return FALSE;
      }
  return TRUE;
}

static gboolean
check_shares (VpConfig *config, GError **error)
{
  for (guint i = 0; i < config->shares->len; i++)
    {
      const VpShare *share = config->shares->pdata[i];
      int fd = open (share->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

      if (fd < 0)
        {
          g_set_error (error, VP_ERROR, VP_ERROR_HOST, "--share %s: %s", share->dir,
                       g_strerror (errno));
          return FALSE;
        }
      close (fd);
    }
  return TRUE;
}

static gboolean
check_qemu (VpConfig *config, GError **error)
{
  g_autofree char *path = g_find_program_in_path (config->qemu);

  if (path != NULL)
    return TRUE;

  g_set_error (error, VP_ERROR, VP_ERROR_HOST,
               strchr (config->qemu, '/') != NULL
                   ? "--qemu %s: no such program"
                   : "--qemu %s: not in PATH: install the Debian package qemu-system-x86, or give "
                     "its path",
               config->qemu);
  return FALSE;
}

static gboolean
check_cpus (const VpConfig *config, GError **error)
{
  guint max = MAX (config->smp, config->max_cpus);

  if (config->machine == VP_MACHINE_PC && max > PC_MAX_CPUS)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "--%s %u: a pc machine has at most %d CPUs",
                   config->smp > PC_MAX_CPUS ? "smp" : "max-cpus", max, PC_MAX_CPUS);
      return FALSE;
    }
  if (config->max_cpus != 0 && config->max_cpus < config->smp)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "--max-cpus %u: less than the %u CPUs of --smp",
                   config->max_cpus, config->smp);
      return FALSE;
    }
  if (config->max_cpus > config->smp && config->numa > 1)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                   "--max-cpus %u: the CPUs of a VM with %u NUMA nodes stay as they are",
                   config->max_cpus, config->numa);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_memory (const VpConfig *config, GError **error)
{
  g_autofree char *memory = vp_byte_size_format (config->memory);
  g_autofree char *max = vp_byte_size_format (config->max_memory);
  guint64 block = vp_memory_block (config->memory, config->max_memory);

  if (config->max_memory != 0 && config->max_memory < config->memory)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE, "--max-memory %s: less than the %s of --memory",
                   max, memory);
      return FALSE;
    }
  if (config->max_memory > config->memory && config->numa > 1)
    {
      g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                   "--max-memory %s: the memory of a VM with %u NUMA nodes stays as it is", max,
                   config->numa);
      return FALSE;
    }
  if (config->max_memory > config->memory && (config->max_memory - config->memory) % block != 0)
    {
      g_autofree char *step = vp_byte_size_format (block);

      g_set_error (error, VP_ERROR, VP_ERROR_USAGE,
                   "--max-memory %s: not --memory, %s, and a multiple of %s more", max, memory,
                   step);
      return FALSE;
    }
  return TRUE;
}

gboolean
vp_config_check (VpConfig *config, GError **error)
{
  g_return_val_if_fail (config != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (config->name == NULL)
    config->name = g_strdup_printf ("vm-%d", (int) getpid ());

  if (config->machine == VP_MACHINE_PC && config->hotplug_mode == VP_HOTPLUG_NATIVE)
    {
      /* The bridges of pc have SHPC, which Linux does not use there (measured, 6.1): what is
       * attached behind one would never be seen. */
      g_set_error_literal (error, VP_ERROR, VP_ERROR_USAGE,
                           "--hotplug-mode native: a pc machine has hotplug by ACPI only");
      return FALSE;
    }

  return check_cpus (config, error) && check_memory (config, error) && check_boot (config, error) &&
         check_firmware (config, error) && check_disks (config, error) &&
         check_devices (config, error) && check_shares (config, error) &&
         check_qemu (config, error);
}
