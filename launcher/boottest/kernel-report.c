#include "launcher/boottest/kernel-report.h"

#include <string.h>

#define MAX_FRAMES 64

/* "[   12.345678][  T123] ": the time, and who prints it if the kernel is told to say. */
#define STAMP "\\[ *[0-9]+\\.[0-9]{6}\\](?:\\[ *[CT][0-9]+\\])? ?"

/* How a report begins. A lockup's has "watchdog: " before it. */
#define HEAD                                                                                       \
  "^(?:[A-Za-z ]*watchdog: )?(?:Kernel panic - not syncing|BUG: |kernel BUG at |Internal error: |" \
  "Unable to handle kernel |Watchdog detected hard LOCKUP|.*: [0-9a-f]{4} \\[#[0-9]+\\]|"          \
  "general protection fault, |Oops.*\\[#[0-9]+\\])"

#define PANIC "^Kernel panic - not syncing"
#define END   "^---\\[ end (?:trace|Kernel panic)"

/* 0010 is the kernel's code on x86; a program's is 0033. "pc :" is arm64's and riscv's. */
#define RIP     "^(?:RIP: 0010:|pc : )(.+)"
#define PROCESS "^CPU: [0-9]+ (?:UID: [0-9]+ )?PID: ([0-9]+) Comm: (.+?) +(?:Not t|T)ainted"
#define KERNEL  "^CPU: .* Comm: .* (?:Not tainted|Tainted: [A-Z ]+) ([0-9][^ ]*)"
#define MODULES "^Modules linked in: ([^\\[]+)"
#define TRACE   "^Call [Tt]race:"
#define FRAME   "^ +((?:\\? )?[A-Za-z_][^ ]*\\+0x[0-9a-f]+/0x[0-9a-f]+(?: \\[[^]]+\\])?)$"

/* Returns: (transfer full) (nullable): what a part of a pattern matches in @line */
static char *
fetch (const char *line, const char *pattern, gint part)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) info = NULL;

  return g_regex_match (regex, line, 0, &info) ? g_match_info_fetch (info, part) : NULL;
}

static gboolean
matches (const char *line, const char *pattern)
{
  return g_regex_match_simple (pattern, line, 0, 0);
}

/* Returns: (transfer full): @line from what the kernel says on; whatever stands before its stamp,
 *   a prompt or another's text, came without a newline */
static char *
without_stamp (const char *line)
{
  g_autoptr (GRegex) regex = g_regex_new (STAMP, 0, 0, NULL);
  g_autoptr (GMatchInfo) info = NULL;
  gint end;

  return g_strdup (g_regex_match (regex, line, 0, &info) &&
                           g_match_info_fetch_pos (info, 0, NULL, &end)
                       ? line + end
                       : line);
}

/* Takes what @pattern finds as member @name, if it finds it and that is not known yet. */
static void
take (JsonObject *report, const char *name, const char *line, const char *pattern, gint part)
{
  g_autofree char *value =
      json_object_has_member (report, name) ? NULL : fetch (line, pattern, part);

  if (value != NULL)
    json_object_set_string_member (report, name, g_strchomp (value));
}

static void
take_process (JsonObject *report, const char *line)
{
  g_autofree char *pid = fetch (line, PROCESS, 1);
  g_autofree char *name = fetch (line, PROCESS, 2);
  g_autofree char *both = g_strdup_printf ("%s (PID %s)", name, pid);

  if (pid != NULL && !json_object_has_member (report, "process"))
    json_object_set_string_member (report, "process", both);
}

static void
take_modules (JsonObject *report, const char *line)
{
  g_autofree char *text = fetch (line, MODULES, 1);
  g_auto (GStrv) names = NULL;
  JsonArray *array;

  if (text == NULL || json_object_has_member (report, "modules"))
    return;

  array = json_array_new ();
  names = g_strsplit (g_strstrip (text), " ", -1);
  for (char **name = names; *name != NULL; name++)
    json_array_add_string_element (array, *name);
  json_object_set_array_member (report, "modules", array);
}

static gboolean
is_sure (gconstpointer frame, gconstpointer unused)
{
  return !g_str_has_prefix (frame, "?");
}

/* Returns: (transfer full): the frames that the kernel is sure of; all, if that is none */
static JsonArray *
stack_of (GPtrArray *frames)
{
  gboolean any_sure = g_ptr_array_find_with_equal_func (frames, NULL, is_sure, NULL);
  JsonArray *stack = json_array_new ();

  for (guint i = 0; i < frames->len; i++)
    if (!any_sure || is_sure (g_ptr_array_index (frames, i), NULL))
      json_array_add_string_element (stack, g_ptr_array_index (frames, i));
  return stack;
}

JsonObject *
vp_kernel_report_decode (char **lines)
{
  g_autoptr (JsonObject) report = json_object_new ();
  g_autoptr (GPtrArray) frames = g_ptr_array_new_with_free_func (g_free);
  guint n_traces = 0;
  gboolean has_ended = FALSE;

  for (; *lines != NULL; lines++)
    {
      g_autofree char *line = without_stamp (*lines);

      if (!json_object_has_member (report, "line"))
        {
          if (matches (line, HEAD))
            json_object_set_string_member (report, "line", g_strchomp (line));
          continue;
        }

      take (report, "panic", line, PANIC ".*", 0);
      if (has_ended || matches (line, END))
        {
          has_ended = TRUE;
          continue;
        }

      take (report, "rip", line, RIP, 1);
      take (report, "kernel", line, KERNEL, 1);
      take_process (report, line);
      take_modules (report, line);
      n_traces += matches (line, TRACE);
      if (n_traces == 1 && frames->len < MAX_FRAMES)
        {
          char *frame = fetch (line, FRAME, 1);

          if (frame != NULL)
            g_ptr_array_add (frames, frame);
        }
    }

  if (!json_object_has_member (report, "line"))
    return NULL;

  json_object_set_array_member (report, "stack", stack_of (frames));
  return g_steal_pointer (&report);
}
