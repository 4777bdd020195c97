#include "launcher/guest/guest-job.h"

#include <stdlib.h>
#include <string.h>

/* The strings are in @data, each with its NUL; what points to them is made. */
bool
vp_guest_job_parse (char *data, size_t size, VpGuestJob *job)
{
  char *end = data + size;
  size_t n = 0, n_args;
  char **strings;

  if (size == 0 || end[-1] != '\0')
    return false;
  for (const char *p = data; p < end; p++)
    n += *p == '\0';
  strings = calloc (n + 2, sizeof *strings);
  if (strings == NULL)
    return false;

  n = 0;
  for (char *p = data; p < end; p += strlen (p) + 1)
    strings[n++] = p;
  n_args = n > 1 ? strtoul (strings[1], NULL, 10) : 0;
  if (n_args == 0 || n_args > n - 2)
    {
      free (strings);
      return false;
    }

  /* One more place than there are strings, so that the arguments can end with a NULL of theirs. */
  memmove (strings + 2 + n_args + 1, strings + 2 + n_args, (n - 2 - n_args) * sizeof *strings);
  strings[2 + n_args] = NULL;
  job->folder = strings[0];
  job->argv = strings + 2;
  job->environment = strings + 2 + n_args + 1;
  return true;
}
