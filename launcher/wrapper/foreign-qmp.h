#pragma once

#include "launcher/wrapper/foreign-argv.h"

G_BEGIN_DECLS

typedef enum
{
  VP_FOREIGN_QMP_NONE,
  VP_FOREIGN_QMP_LISTENER, /* a listening socket that QEMU inherits */
  VP_FOREIGN_QMP_PATH,     /* a Unix socket that QEMU makes and listens on */
  VP_FOREIGN_QMP_OTHER,    /* TCP, a connected socket, standard input and output, … */
} VpForeignQmpKind;

/**
 * VpForeignQmp:
 * @kind: what QEMU has it on
 * @fd: number of the listener, or -1
 * @path: (nullable): path of the socket; relative ones start where QEMU is started
 * @index: where in the command line the word stands that describes the socket: the value of -qmp,
 *   or of the -chardev that a -mon names
 * @waits: whether QEMU waits for a client before it goes on
 *
 * Where somebody else talks to QEMU.
 */
typedef struct
{
  VpForeignQmpKind kind;
  int fd;
  char *path;
  guint index;
  gboolean waits;
} VpForeignQmp;

/**
 * vp_foreign_qmp_find:
 * @argv: a foreign command line
 * @qmp: (out caller-allocates): its first QMP monitor; vp_foreign_qmp_clear() frees it
 */
void vp_foreign_qmp_find (const VpForeignArgv *argv, VpForeignQmp *qmp);
void vp_foreign_qmp_clear (VpForeignQmp *qmp);

G_END_DECLS
