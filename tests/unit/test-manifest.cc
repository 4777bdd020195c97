#include "launcher/boottest/manifest-key.h"
#include "launcher/boottest/manifest.h"
#include "launcher/boottest/test-claims.h"
#include "launcher/failure.h"

#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>

namespace
{

using namespace std::string_literals;

void
case_free (gpointer data)
{
  vp_test_case_free (static_cast<VpTestCase *> (data));
}

GPtrArray *
cases_new ()
{
  return g_ptr_array_new_with_free_func (case_free);
}

gboolean
read (const std::string &text, GPtrArray *cases, GError **error)
{
  g_autoptr (VpTomlFile) file = vp_toml_file_parse ("a.toml", text.data (), text.size (), error);

  return file != nullptr && vp_manifest_add (file, "dir", "/", cases, error);
}

/* A line for each case: its name, and its words with "|" between them. */
std::string
to_text (const GPtrArray *cases)
{
  std::string text;
  for (guint i = 0; i < cases->len; i++)
    {
      const auto *each = static_cast<const VpTestCase *> (cases->pdata[i]);
      g_autofree char *words = g_strjoinv ("|", each->argv + 2);
      text += each->name + ": "s + words + "\n";
    }
  return text;
}

struct Row
{
  const char *name;
  const char *text;
  const char *cases;         /* nullptr: refused … */
  const char *why = nullptr; /* … with this at the start of the message */
};

void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

const Row rows[] = {
  { "least", "[[case]]\nname = 'a'\nexpect = 'login:'\n", "a: --expect|login:\n" },
  { "defaults_and_own",
    "[defaults]\nkernel = 'bzImage'\ntimeout = 60\nmemory = '512M'\n"
    "[[case]]\nname = 'a'\nexpect = ['one', 'two@5']\n"
    "[[case]]\nname = 'b'\nmemory = 1073741824\nexpect = []\nresult = 'debug-exit:0x20'\n",
    "a: --kernel|dir/bzImage|--memory|512M|--timeout|60|--expect|one|--expect|two@5\n"
    "b: --kernel|dir/bzImage|--memory|1073741824|--timeout|60|--result|debug-exit:0x20\n" },
  { "case_before_defaults", "[[case]]\nname = 'a'\n[defaults]\nexpect = 'x'\n", "a: --expect|x\n" },
  { "matrix",
    "[[case]]\nname = 'a'\nexpect = 'x'\nmachine = ['q35', 'pc']\n"
    "matrix.firmware = ['seabios', 'OVMF.fd']\n",
    "a[machine=q35,firmware=seabios]: --machine|q35|--firmware|seabios|--expect|x\n"
    "a[machine=q35,firmware=OVMF.fd]: --machine|q35|--firmware|dir/OVMF.fd|--expect|x\n"
    "a[machine=pc,firmware=seabios]: --machine|pc|--firmware|seabios|--expect|x\n"
    "a[machine=pc,firmware=OVMF.fd]: --machine|pc|--firmware|dir/OVMF.fd|--expect|x\n" },
  { "matrix_in_the_order_of_the_file",
    "[[case]]\nname = 'a'\nexpect = 'x'\nsmp = [1, 2]\nmachine = ['pc']\n",
    "a[smp=1,machine=pc]: --smp|1|--machine|pc|--expect|x\n"
    "a[smp=2,machine=pc]: --smp|2|--machine|pc|--expect|x\n" },
  { "matrix_of_the_defaults",
    "[defaults]\nmachine = ['q35', 'pc']\nexpect = 'x'\n[[case]]\nname = 'a'\n"
    "[[case]]\nname = 'b'\nmachine = 'pc'\n[[case]]\nname = 'c'\nmachine = []\n",
    "a[machine=q35]: --machine|q35|--expect|x\na[machine=pc]: --machine|pc|--expect|x\n"
    "b: --machine|pc|--expect|x\nc: --expect|x\n" },
  { "matrix_of_what_repeats",
    "[[case]]\nname = 'a'\nexpect = 'x'\nmatrix.device = ['rng', 'nic,user']\n",
    "a[device=rng]: --device|rng|--expect|x\na[device=nic,user]: --device|nic,user|--expect|x\n" },
  { "matrix_of_expectations", "[[case]]\nname = 'a'\nmatrix.expect = ['x', 'y']\n",
    "a[expect=x]: --expect|x\na[expect=y]: --expect|y\n" },
  { "what_repeats",
    "[[case]]\nname = 'a'\nexpect = 'x'\ndisk = ['a.img', '/b.img,readonly']\n"
    "fail_on = ['none', 'WARN']\nqemu_arg = ['-device', 'edu']\nskip_if = 'no-file=c'\n",
    "a: --disk|dir/a.img|--disk|/b.img,readonly|--fail-on|none|--fail-on|WARN|--qemu-arg=-device"
    "|--qemu-arg|edu|--skip-if|no-file=dir/c|--expect|x\n" },
  { "steps",
    "[[case]]\nname = 'a'\nsteps = [ {expect = 'login:', within = 60}, {send = 'root'},\n"
    "  {attach = 'nic,user,id=n1', within = 2.5}, {expect = '-x'}, {detach = 'n1'},\n"
    "  {attach = 'disk,d.img'}, {reset = true}, {stop = true} ]\n",
    "a: --expect|login:@60|--send|root|attach|nic,user,id=n1@2.5|--expect=-x|detach|n1|attach|"
    "disk,dir/d.img|reset|stop\n" },
  { "command", "[[case]]\nname = 'a'\nkernel = '/k'\ncommand = ['./t', '--', '-v', '']\n",
    "a: --kernel|/k|--|./t|--|-v|\n" },
  { "switches",
    "[[case]]\nname = 'a'\nexpect = 'x'\ndump_memory = true\nshared_memory = true\n"
    "[[case]]\nname = 'b'\nexpect = 'x'\ndump_memory = false\nshared_memory = 'auto'\n",
    "a: --shared-memory|on|--dump-memory|--expect|x\nb: --shared-memory|auto|--expect|x\n" },
  { "fractions", "[[case]]\nname = 'a'\nexpect = 'x'\ntimeout = 0.5\ntcg_scale = 2.25\n",
    "a: --timeout|0.5|--tcg-scale|2.25|--expect|x\n" },
  { "own_steps_replace_expectations",
    "[defaults]\nexpect = ['x', 'y']\n[[case]]\nname = 'a'\nsteps = [{expect = 'z'}]\n",
    "a: --expect|z\n" },
  { "empty_text", "[[case]]\nname = 'a'\nexpect = 'x'\nkernel = '/k'\nappend = ''\n",
    "a: --kernel|/k|--append||--expect|x\n" },

  { "empty", "", nullptr, "a.toml: case: there is none: write [[case]]" },
  { "no_cases", "[defaults]\nsmp = 2\n", nullptr, "a.toml: case: there is none" },
  { "array_of_no_cases", "case = []\n", nullptr, "a.toml:1:8: case: there is none" },
  { "half_written", "[[case]]\nname = 'a'\nexpect = [", nullptr, "a.toml:3:" },
  { "key_twice", "[[case]]\nname = 'a'\nname = 'b'", nullptr, "a.toml:3:" },
  { "case_is_one_table", "[case]\nname = 'a'", nullptr, "a.toml:1:1: case: must be tables" },
  { "case_is_words", "case = ['a']", nullptr, "a.toml:1:9: case: must be tables" },
  { "defaults_twice", "[[defaults]]\n", nullptr, "a.toml:1:1: defaults: must be a table" },
  { "no_name", "[[case]]\nexpect = 'x'\n", nullptr, "a.toml:1:1: case: has no name" },
  { "name_empty", "[[case]]\nname = ''\n", nullptr, "a.toml:2:8: name: must not be empty" },
  { "name_with_newline", "[[case]]\nname = \"a\\n\"\n", nullptr, "a.toml:2:8: name: control" },
  { "name_is_a_list", "[[case]]\nname = ['a', 'b']\n", nullptr, "a.toml:2:8: name: must be a str" },
  { "name_of_the_defaults", "[defaults]\nname = 'a'\n", nullptr,
    "a.toml:2:8: name: only a [[case]] has one" },
  { "nothing_expected", "[[case]]\nname = 'a'\n", nullptr,
    "a.toml:1:1: a: nothing is expected, and no test passes without that" },
  { "option_outside", "smp = 2\n[[case]]\nname = 'a'\n", nullptr,
    "a.toml:1:7: smp: belongs in [defaults] or in a [[case]]" },
  { "unknown_table", "[vmplug]\nsmp = 2\n", nullptr, "a.toml:1:1: vmplug: is nothing of a manif" },
  { "unknown_key", "[[case]]\nname = 'a'\ncolour = 1\n", nullptr,
    "a.toml:3:10: colour: is no key; vmplug-test.toml(5) has the list" },
  { "mistyped_key", "[defaults]\nmahcine = 'pc'\n", nullptr,
    "a.toml:2:11: mahcine: is no key; machine is one" },
  { "key_with_a_dash", "[defaults]\nskip-if = 'no-kvm'\n", nullptr,
    "a.toml:2:11: skip-if: is no key; skip_if is one" },
  { "report_key", "[defaults]\njunit = 'x.xml'\n", nullptr, "a.toml:2:9: junit: is no key; " },
  { "send_without_order", "[[case]]\nname = 'a'\nsend = ['x']\n", nullptr,
    "a.toml:3:8: send: is no key; " },
  { "value_malformed", "[defaults]\nsmp = 'many'\n[[case]]\nname = 'a'\nexpect = 'x'\n", nullptr,
    "a.toml:2:7: smp: \"many\" is not a number from 1 to" },
  { "value_of_the_matrix_malformed",
    "[[case]]\nname = 'a'\nexpect = 'x'\nmachine = ['q35', 'virt']\n", nullptr,
    "a.toml:4:19: machine: " },
  { "boot_value_malformed", "[[case]]\nname = 'a'\nexpect = 'x'\ntimeout = -1\n", nullptr,
    "a.toml:4:11: timeout: \"-1\" is not a number of seconds" },
  { "regex_malformed", "[[case]]\nname = 'a'\nexpect = ['x', '(']\n", nullptr,
    "a.toml:3:16: expect: \"(\" is not a regular expression" },
  { "table_for_a_value", "[[case]]\nname = 'a'\nsmp = { n = 1 }\n", nullptr,
    "a.toml:3:7: smp: must be a string or a number" },
  { "true_for_a_text", "[[case]]\nname = 'a'\nmachine = true\n", nullptr,
    "a.toml:3:11: machine: must be a string" },
  { "control_character", "[[case]]\nname = 'a'\nexpect = 'x'\nappend = \"a\\u001b\"\n", nullptr,
    "a.toml:4:10: append: control " },
  { "set_twice", "[[case]]\nname = 'a'\nsmp = 1\nmatrix.smp = [1, 2]\n", nullptr,
    "a.toml:4:14: smp: is set by smp already" },
  { "expect_and_steps", "[[case]]\nname = 'a'\nexpect = 'x'\nsteps = [{stop = true}]\n", nullptr,
    "a.toml:4:9: steps: is set by expect already" },
  { "matrix_value_twice", "[[case]]\nname = 'a'\nexpect = 'x'\nsmp = [1, 2, 1]\n", nullptr,
    "a.toml:4:14: smp: is there twice" },
  { "matrix_is_no_table", "[[case]]\nname = 'a'\nmatrix = ['smp']\n", nullptr,
    "a.toml:3:10: matrix: must be a table" },
  { "matrix_in_matrix", "[[case]]\nname = 'a'\nmatrix.matrix.smp = [1]\n", nullptr,
    "a.toml:3:8: matrix: must be a table" },
  { "matrix_of_one_value", "[[case]]\nname = 'a'\nmatrix.smp = 1\n", nullptr,
    "a.toml:3:14: smp: must be an array of what it is in turn" },
  { "matrix_of_nothing", "[[case]]\nname = 'a'\nmatrix.smp = []\n", nullptr,
    "a.toml:3:14: smp: must be an array of what it is in turn" },
  { "matrix_of_steps", "[[case]]\nname = 'a'\nmatrix.steps = [[{stop = true}]]\n", nullptr,
    "a.toml:3:16: steps: cannot be in a matrix" },
  { "step_is_a_word", "[[case]]\nname = 'a'\nsteps = ['stop']\n", nullptr,
    "a.toml:3:10: steps: must be an array of tables" },
  { "step_is_unknown", "[[case]]\nname = 'a'\nsteps = [{wait = 5}]\n", nullptr,
    "a.toml:3:18: wait: is no step: those are expect, send, " },
  { "step_is_two", "[[case]]\nname = 'a'\nsteps = [{expect = 'x', send = 'y'}]\n", nullptr,
    "a.toml:3:32: send: a step does one thing" },
  { "step_is_none", "[[case]]\nname = 'a'\nsteps = [{within = 5}]\n", nullptr,
    "a.toml:3:10: steps: needs one of expect, send, " },
  { "step_stop_is_a_text", "[[case]]\nname = 'a'\nsteps = [{stop = 'now'}]\n", nullptr,
    "a.toml:3:18: stop: must be true or false" },
  { "step_stop_is_false", "[[case]]\nname = 'a'\nsteps = [{stop = false}]\n", nullptr,
    "a.toml:3:18: stop: must be true" },
  { "step_send_has_no_time", "[[case]]\nname = 'a'\nsteps = [{send = 'x', within = 1}]\n", nullptr,
    "a.toml:3:10: send: has no within" },
  { "step_looks_like_a_time", "[[case]]\nname = 'a'\nsteps = [{expect = 'root@5'}]\n", nullptr,
    "a.toml:3:10: expect: ends like a time: write within = SECONDS for it, or \\\\@ for an @" },
  { "step_regex_malformed", "[[case]]\nname = 'a'\nsteps = [{expect = '('}]\n", nullptr,
    "a.toml:3:10: expect: " },
  { "step_device_malformed", "[[case]]\nname = 'a'\nsteps = [{attach = 'gpu'}]\n", nullptr,
    "a.toml:3:10: attach: " },
  { "initrd_without_kernel", "[[case]]\nname = 'a'\nexpect = 'x'\ninitrd = 'i'\n", nullptr,
    "a.toml:1:1: a: initrd is given without kernel" },
  { "config_is_not_there", "[[case]]\nname = 'a'\nexpect = 'x'\nconfig = 'no.toml'\n", nullptr,
    "a.toml:1:1: a: dir/no.toml: " },
  { "too_many",
    "[[case]]\nname = 'a'\nexpect = 'x'\nsmp = [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]"
    "\nspare = [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]\n"
    "resets = [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26]\n",
    nullptr, "a.toml:1:1: case: makes more than 10000 cases of it all" },
};

class Manifest : public testing::TestWithParam<Row>
{
};

TEST_P (Manifest, IsUnderstood)
{
  const Row &row = GetParam ();
  g_autoptr (GPtrArray) cases = cases_new ();
  g_autoptr (GError) error = nullptr;
  const gboolean ok = read (row.text, cases, &error);

  ASSERT_EQ (ok, row.cases != nullptr) << (ok ? to_text (cases) : error->message);
  if (ok)
    {
      EXPECT_EQ (to_text (cases), row.cases);
      return;
    }
  EXPECT_EQ (vp_failure_of (error)->exit_status, 2);
  EXPECT_EQ (std::string (error->message).substr (0, strlen (row.why)), row.why);
}

INSTANTIATE_TEST_SUITE_P (Table, Manifest, testing::ValuesIn (rows), name_of_row<Row>);

TEST (ManifestCase, KnowsWhatItTakes)
{
  g_autoptr (GPtrArray) cases = cases_new ();
  g_autoptr (GError) error = nullptr;

  ASSERT_TRUE (read ("[defaults]\nexpect = 'x'\n[[case]]\nname = 'a'\nsmp = [1, 4]\naccel = 'tcg'\n"
                     "dump_memory = true\n[[case]]\nname = 'b'\n",
                     cases, &error))
      << error->message;
  ASSERT_EQ (cases->len, 3u);
  const auto *a = static_cast<VpTestCase *> (cases->pdata[1]);
  const auto *b = static_cast<VpTestCase *> (cases->pdata[2]);
  EXPECT_EQ (a->cpus, 4u);
  EXPECT_EQ (a->accel, VP_ACCEL_TCG);
  EXPECT_TRUE (a->dumps_memory);
  EXPECT_STREQ (a->place, "a.toml:3:1");
  EXPECT_STREQ (a->manifest, "a.toml");
  EXPECT_EQ (b->cpus, 1u);
  EXPECT_EQ (b->accel, VP_ACCEL_AUTO);
  EXPECT_FALSE (b->dumps_memory);
}

std::string
claims_of (const std::string &keys)
{
  g_autoptr (GPtrArray) cases = cases_new ();
  g_autoptr (GError) error = nullptr;

  if (!read ("[[case]]\nname = 'a'\n" + keys, cases, &error))
    return error->message;
  g_autofree char *joined = g_strjoinv ("|", static_cast<VpTestCase *> (cases->pdata[0])->claims);
  return joined;
}

TEST (ManifestCase, ClaimsWhatOnlyOneCanHave)
{
  EXPECT_EQ (claims_of ("expect = 'x'\ndisk = ['/a', '/b,readonly', '/c,snapshot']\n"
                        "nic = ['user', 'tap,ifname=t0']\ndevice = ['41:00.1', '/dev/vfio/40', "
                        "'rng', 'disk,/d', 'nic,user', 'vfio-user,socket=/s']\n"),
             "device /dev/vfio/40|device 0000:41:00.0|disk /a|disk /d|socket /s|tap t0");
  EXPECT_EQ (claims_of ("steps = [{expect = 'x'}, {attach = '42:00.0'}]\n"), "device 0000:42:00.0");
  EXPECT_EQ (claims_of ("expect = 'x'\n"), "");
}

TEST (TestClaims, OverlapWhereOneIsInBoth)
{
  const char *const none[] = { nullptr };
  const char *const ac[] = { "a", "c", nullptr };
  const char *const bc[] = { "b", "c", nullptr };
  const char *const bd[] = { "b", "d", nullptr };
  const auto overlap = [] (const char *const *a, const char *const *b) {
    return vp_test_claims_overlap (const_cast<char **> (a), const_cast<char **> (b));
  };

  EXPECT_TRUE (overlap (ac, bc));
  EXPECT_TRUE (overlap (ac, ac));
  EXPECT_FALSE (overlap (ac, bd));
  EXPECT_FALSE (overlap (ac, none));
  EXPECT_FALSE (overlap (nullptr, ac));
}

TEST (ManifestCase, MayBeOneOfTenThousand)
{
  g_autoptr (GPtrArray) cases = cases_new ();
  g_autoptr (GError) error = nullptr;
  std::string numbers;
  for (int i = 1; i <= 100; i++)
    numbers += std::to_string (i) + ",";
  const std::string text = "[[case]]\nname = 'a'\nexpect = 'login:'\nkernel = 'bzImage'\nsmp = [" +
                           numbers + "]\nspare = [" + numbers + "]\n";

  const auto start = std::chrono::steady_clock::now ();
  ASSERT_TRUE (read (text, cases, &error)) << error->message;
  ASSERT_TRUE (vp_test_case_check_names (cases, &error)) << error->message;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now () - start;

  EXPECT_EQ (cases->len, 10000u);
  EXPECT_LT (seconds.count (), 20); /* 0.6 s here */
  EXPECT_FALSE (read ("[[case]]\nname = 'b'\nexpect = 'x'\n", cases, &error));
}

TEST (ManifestFile, IsReadFromItsFolder)
{
  const TempFolder folder;
  g_autoptr (GPtrArray) cases = cases_new ();
  g_autoptr (GError) error = nullptr;
  const std::string path =
      folder.write ("m.toml", "[[case]]\nname = 'a'\nexpect = 'x'\nkernel = 'k'\n"
                              "config = 'vm.toml'\n");
  folder.write ("vm.toml", "[vmplug]\nsmp = 3\n");

  ASSERT_TRUE (vp_manifest_read (path.c_str (), "/", cases, &error)) << error->message;
  EXPECT_EQ (to_text (cases), "a: --config|" + folder.path ("vm.toml") + "|--kernel|" +
                                  folder.path ("k") + "|--expect|x\n");
  EXPECT_EQ (static_cast<VpTestCase *> (cases->pdata[0])->cpus, 3u);
}

TEST (ManifestFile, MustBeAFile)
{
  const TempFolder folder;
  const std::string fifo = folder.path ("fifo");
  ASSERT_EQ (mkfifo (fifo.c_str (), 0600), 0);

  for (const std::string &path : { fifo, folder.path ("none"), folder.make_folder ("folder") })
    {
      g_autoptr (GPtrArray) cases = cases_new ();
      g_autoptr (GError) error = nullptr;

      EXPECT_FALSE (vp_manifest_read (path.c_str (), "/", cases, &error));
      ASSERT_NE (error, nullptr);
      EXPECT_EQ (vp_failure_of (error)->exit_status, 2);
      EXPECT_EQ (std::string (error->message).find (path + ": "), 0u) << error->message;
    }
}

TEST (ManifestKey, IsSuggestedWhenItLooksLikeIt)
{
  for (const auto &[typed, meant] :
       { std::pair{ "timout", "timeout" },
         { "firmwares", "firmware" },
         { "steps_", "steps" },
         { "matrx", "matrix" },
         { "tcg-scale", "tcg_scale" },
         { "zzz", (const char *) nullptr },
         { "", (const char *) nullptr },
         { "a_name_that_is_much_too_long_for_any_key_of_ours", (const char *) nullptr } })
    {
      g_autofree char *found = vp_manifest_key_suggest (typed);
      EXPECT_STREQ (found, meant) << typed;
    }
}

} // namespace
