#pragma once

#include "launcher/boottest/boot-run.h"
#include "launcher/boottest/milestones.h"

G_BEGIN_DECLS

/** Most lines of the console that are told at a time, and the shortest time between two times. */
#define VP_BOOT_NEWS_LINES       10
#define VP_BOOT_NEWS_INTERVAL_MS 100

/**
 * VpBootNews:
 *
 * Tells of the steps that are done and of what the console shows, as it comes to be known.
 */
typedef struct _VpBootNews VpBootNews;

/**
 * vp_boot_news_new:
 * @input: whom to tell; must outlive it
 * @milestones: what becomes known; must outlive it
 *
 * Returns: (transfer full): free with vp_boot_news_free()
 */
VpBootNews *vp_boot_news_new (const VpBootInput *input, VpMilestones *milestones);
void vp_boot_news_free (VpBootNews *self);

/**
 * vp_boot_news_tell:
 * @self: news
 * @ms: now
 *
 * Tells of all steps that are done since the last time and, when it is time for that, of the lines
 * of the console that are whole: of the last of them, when they are many.
 */
void vp_boot_news_tell (VpBootNews *self, gint64 ms);

/**
 * vp_boot_news_tell_rest:
 * @self: news
 * @ms: now
 *
 * Tells of all there is.
 */
void vp_boot_news_tell_rest (VpBootNews *self, gint64 ms);

/**
 * vp_boot_news_get_next:
 *
 * Returns: when there is more to tell; %G_MAXINT64 when there is nothing
 */
gint64 vp_boot_news_get_next (const VpBootNews *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VpBootNews, vp_boot_news_free)

G_END_DECLS
