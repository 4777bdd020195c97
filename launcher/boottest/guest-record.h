#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Longest line that a guest can report, in bytes. */
#define VP_GUEST_RECORD_LINE 1024

/**
 * VpGuestRecordState:
 * @VP_GUEST_RECORD_NONE: nothing
 * @VP_GUEST_RECORD_STARTED: its command runs
 * @VP_GUEST_RECORD_ENDED: a status
 * @VP_GUEST_RECORD_FAILED: why there will be no status
 *
 * What a guest has reported so far.
 */
typedef enum
{
  VP_GUEST_RECORD_NONE,
  VP_GUEST_RECORD_STARTED,
  VP_GUEST_RECORD_ENDED,
  VP_GUEST_RECORD_FAILED,
} VpGuestRecordState;

/**
 * VpGuestRecord:
 * @state: what the guest has reported
 * @status: 0 to 255
 * @sizes: how much of stdout and stderr there is in all
 * @text: (nullable): why the command could not be run, or why there will be no status; printable
 * @line: what has come of the next line
 *
 * Reads the words of a guest, one in a line:
 *
 * - "started": its command runs;
 * - "ended STATUS STDOUT STDERR TEXT": the command's status, how many bytes its output has, since
 *   they come another way, and, where it could not be run, why;
 * - "failed TEXT": there will be no status;
 * - "STATUS" alone, from a guest that runs no command of ours.
 *
 * What comes after a status or a failure does not count, and what is none of these is a failure: a
 * guest that can no longer speak has not passed.
 */
typedef struct
{
  VpGuestRecordState state;
  guint status;
  guint64 sizes[2];
  char *text;
  GString *line;
} VpGuestRecord;

VpGuestRecord *vp_guest_record_new (void);
void vp_guest_record_free (VpGuestRecord *self);

/**
 * vp_guest_record_feed:
 * @self: a record
 * @data: (array length=size): what has come
 * @size: bytes
 */
void vp_guest_record_feed (VpGuestRecord *self, const char *data, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpGuestRecord, vp_guest_record_free)

G_END_DECLS
