#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Most cases at a time. */
#define VP_TEST_JOBS_MAX 1024

/**
 * vp_test_jobs_default:
 * @cases: (element-type VpTestCase): what is to run
 * @cores: how many the host has
 *
 * Pure.
 *
 * Returns: how many cases can run at a time without two CPUs of theirs on one core; at least 1
 */
guint vp_test_jobs_default (const GPtrArray *cases, guint cores);

/**
 * vp_test_jobs_emulated:
 * @cases: (element-type VpTestCase): what is to run
 * @jobs: how many at a time
 * @has_kvm: whether the host can run guests with KVM
 *
 * Pure.
 *
 * Returns: how many emulated CPUs may run at a time: those of the cases that have most of them
 */
guint vp_test_jobs_emulated (const GPtrArray *cases, guint jobs, gboolean has_kvm);

G_END_DECLS
