#include "launcher/boottest/test-jobs.h"

#include "launcher/boottest/test-case.h"

guint
vp_test_jobs_default (const GPtrArray *cases, guint cores)
{
  guint largest = 1;

  for (guint i = 0; i < cases->len; i++)
    largest = MAX (largest, ((VpTestCase *) cases->pdata[i])->cpus);
  return CLAMP (cores / largest, 1, VP_TEST_JOBS_MAX);
}

static int
compare_largest_first (gconstpointer a, gconstpointer b)
{
  guint one = *(const guint *) a, other = *(const guint *) b;

  return one < other ? 1 : one > other ? -1 : 0;
}

guint
vp_test_jobs_emulated (const GPtrArray *cases, guint jobs, gboolean has_kvm)
{
  g_autoptr (GArray) cpus = g_array_new (FALSE, FALSE, sizeof (guint));
  guint sum = 0;

  for (guint i = 0; i < cases->len; i++)
    {
      const VpTestCase *each = cases->pdata[i];

      if (each->accel == VP_ACCEL_TCG || (each->accel == VP_ACCEL_AUTO && !has_kvm))
        g_array_append_val (cpus, each->cpus);
    }
  g_array_sort (cpus, compare_largest_first);
  for (guint i = 0; i < MIN (jobs, cpus->len); i++)
    sum += g_array_index (cpus, guint, i);
  return sum;
}
