#include "qmp/error.h"
#include "qmp/message.h"

#include "tests/support/row-name.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <string>

namespace
{

/* JSON with ' for ", which is easier on the eyes than \". */
std::string
json (std::string text)
{
  std::replace (text.begin (), text.end (), '\'', '"');
  return text;
}

std::string
print (JsonObject *message)
{
  g_autofree char *line = vp_qmp_message_to_line (message);
  std::string text = line;

  EXPECT_GE (text.size (), 2u);
  EXPECT_EQ (text.substr (text.size () - 2), "\r\n");
  return text.substr (0, text.size () - 2);
}

std::string
repeat (const std::string &text, size_t count)
{
  std::string out;
  for (size_t i = 0; i < count; i++)
    out += text;
  return out;
}

/* What is read, and how it is printed again: the shortest form. */
struct GoodRow
{
  const char *name;
  std::string line;
  std::string printed;
};

/* GoogleTest would print all its bytes, padding too, which valgrind minds. */
void
PrintTo (const GoodRow &row, std::ostream *out)
{
  *out << row.name;
}

const GoodRow good_rows[] = {
  { "empty", "{}", "{}" },
  { "blanks_everywhere", " \t\r{ \"a\" :\n[ 1 , { } , [ ] ] }\t ", json ("{'a':[1,{},[]]}") },
  { "literals", json ("{'a':true,'b':false,'c':null}"), json ("{'a':true,'b':false,'c':null}") },
  { "order_is_kept", json ("{'z':1,'a':2,'m':3}"), json ("{'z':1,'a':2,'m':3}") },
  { "int_largest", json ("{'a':9223372036854775807}"), json ("{'a':9223372036854775807}") },
  { "int_smallest", json ("{'a':-9223372036854775808}"), json ("{'a':-9223372036854775808}") },
  { "int_minus_zero", json ("{'a':-0}"), json ("{'a':0}") },
  { "uint_is_a_double", json ("{'a':9223372036854775808}"), json ("{'a':9.2233720368547758e+18}") },
  { "uint_largest", json ("{'a':18446744073709551615}"), json ("{'a':1.8446744073709552e+19}") },
  { "double", json ("{'a':0.1}"), json ("{'a':0.1}") },
  { "double_17_digits", json ("{'a':0.30000000000000004}"), json ("{'a':0.30000000000000004}") },
  { "double_whole", json ("{'a':5.0}"), json ("{'a':5.0}") },
  { "double_minus_zero", json ("{'a':-0.0}"), json ("{'a':-0.0}") },
  { "double_exponents", json ("{'a':[1e5,1E+20,25e-1,0e1]}"),
    json ("{'a':[100000.0,1e+20,2.5,0.0]}") },
  { "double_largest", json ("{'a':1.7976931348623157e308}"),
    json ("{'a':1.7976931348623157e+308}") },
  { "double_smallest", json ("{'a':5e-324}"), json ("{'a':4.94065645841247e-324}") },
  { "double_underflow", json ("{'a':1e-400}"), json ("{'a':0.0}") },
  { "string_escapes", json ("{'a':'\\'\\\\\\/\\b\\f\\n\\r\\t'}"),
    json ("{'a':'\\'\\\\/\\u0008\\u000c\\n\\u000d\\u0009'}") },
  { "string_unicode", json ("{'a':'\\u00e9\\u20AC\\ud83d\\ude00'}"), "{\"a\":\"é€😀\"}" },
  { "string_utf8", "{\"a\":\"é€😀\"}", "{\"a\":\"é€😀\"}" },
  { "string_delete_and_noncharacter", "{\"a\":\"\x7f\uffff\"}", "{\"a\":\"\x7f\uffff\"}" },
  { "string_control_escapes", json ("{'a':'\\u0001\\u001f'}"), json ("{'a':'\\u0001\\u001f'}") },
  { "name_empty", json ("{'':1}"), json ("{'':1}") },
  { "name_escaped", json ("{'a\\'\\n':1}"), json ("{'a\\'\\n':1}") },
  { "same_name_in_other_objects", json ("{'a':{'a':[{'a':1},{'a':2}]}}"),
    json ("{'a':{'a':[{'a':1},{'a':2}]}}") },
  { "deepest", repeat ("{\"a\":", 63) + "[]" + repeat ("}", 63),
    repeat ("{\"a\":", 63) + "[]" + repeat ("}", 63) },
  { "brackets_in_strings", "{\"a\":\"" + repeat ("[{", 200) + "\"}",
    "{\"a\":\"" + repeat ("[{", 200) + "\"}" },
};

class MessageAccepted : public testing::TestWithParam<GoodRow>
{
};

TEST_P (MessageAccepted, ReadsAndPrintsAgain)
{
  const GoodRow &row = GetParam ();
  g_autoptr (GError) error = nullptr;
  g_autoptr (JsonObject) message = vp_qmp_message_parse (row.line.c_str (), &error);
  ASSERT_NE (message, nullptr) << error->message;
  EXPECT_EQ (print (message), row.printed);

  g_autoptr (JsonObject) again = vp_qmp_message_parse (row.printed.c_str (), &error);
  ASSERT_NE (again, nullptr) << error->message;
  EXPECT_TRUE (json_object_equal (message, again));
}

TEST_P (MessageAccepted, MeansTheSameToJsonGlib)
{
  const GoodRow &row = GetParam ();
  if (row.name == std::string ("uint_is_a_double") || row.name == std::string ("uint_largest") ||
      row.name == std::string ("string_control_escapes"))
    return; /* where json-glib is known to be wrong */
  g_autoptr (JsonObject) message = vp_qmp_message_parse (row.line.c_str (), nullptr);
  g_autoptr (JsonNode) reference = json_from_string (row.line.c_str (), nullptr);
  ASSERT_NE (message, nullptr);
  ASSERT_NE (reference, nullptr);
  EXPECT_TRUE (json_object_equal (message, json_node_get_object (reference)));
}

INSTANTIATE_TEST_SUITE_P (Table,
                          MessageAccepted,
                          testing::ValuesIn (good_rows),
                          name_of_row<GoodRow>);

std::string
many_members (size_t count)
{
  std::string text = "{\"x\":0";
  for (size_t i = 1; i < count; i++)
    text += ",\"" + std::to_string (i) + "\":0";
  return text + "}";
}

struct BadRow
{
  const char *name;
  std::string line;
};

void
PrintTo (const BadRow &row, std::ostream *out)
{
  *out << row.name;
}

const BadRow bad_rows[] = {
  { "empty", "" },
  { "blank", " \t" },
  { "no_object", "[]" },
  { "scalar", "42" },
  { "string", "\"a\"" },
  { "unclosed", "{" },
  { "unclosed_member", json ("{'a':1") },
  { "unclosed_array", json ("{'a':[1") },
  { "closed_wrongly", json ("{'a':[1}") },
  { "closed_twice", "{}}" },
  { "two_documents", "{}{}" },
  { "two_documents_with_a_blank", "{} {}" },
  { "trailing_comma", "{}," },
  { "trailing_word", "{} x" },
  { "comment_line", "{} // x" },
  { "comment_block", "/* x */ {}" },
  { "comment_inside", json ("{'a':/* x */1}") },
  { "hash_comment", "# x\n{}" },
  { "assignment", "var x = {}" },
  { "assignment_semicolon", "x={};" },
  { "byte_order_mark", "\xef\xbb\xbf{}" },
  { "form_feed", "\f{}" },
  { "vertical_tab", "{\v}" },
  { "no_break_space", "{\xc2\xa0}" },
  { "comma_first", json ("{,'a':1}") },
  { "comma_last", json ("{'a':1,}") },
  { "comma_twice", json ("{'a':1,,'b':2}") },
  { "comma_missing", json ("{'a':1 'b':2}") },
  { "colon_missing", json ("{'a' 1}") },
  { "value_missing", json ("{'a':}") },
  { "name_bare", "{a:1}" },
  { "name_single_quoted", "{'a':1}" },
  { "name_number", "{1:1}" },
  { "array_comma_last", json ("{'a':[1,]}") },
  { "array_comma_first", json ("{'a':[,1]}") },
  { "array_comma_missing", json ("{'a':[1 2]}") },
  { "array_with_colon", json ("{'a':['b':1]}") },
  { "literal_upper", json ("{'a':True}") },
  { "literal_short", json ("{'a':tru}") },
  { "literal_long", json ("{'a':trueish}") },
  { "literal_undefined", json ("{'a':undefined}") },
  { "literal_nan", json ("{'a':NaN}") },
  { "literal_infinity", json ("{'a':-Infinity}") },
  { "number_above_64_bits", json ("{'a':18446744073709551616}") },
  { "number_below_64_bits", json ("{'a':-9223372036854775809}") },
  { "number_ten_to_26", json ("{'a':100000000000000000000000000}") },
  { "number_leading_zero", json ("{'a':01}") },
  { "number_minus_leading_zero", json ("{'a':-01}") },
  { "number_plus", json ("{'a':+1}") },
  { "number_hex", json ("{'a':0x10}") },
  { "number_bare_minus", json ("{'a':-}") },
  { "number_point_first", json ("{'a':.5}") },
  { "number_point_last", json ("{'a':1.}") },
  { "number_empty_exponent", json ("{'a':1e}") },
  { "number_signed_empty_exponent", json ("{'a':1e+}") },
  { "number_not_finite", json ("{'a':1e309}") },
  { "number_minus_not_finite", json ("{'a':-1e309}") },
  { "number_with_words", json ("{'a':1abc}") },
  { "string_unclosed", json ("{'a':'b") },
  { "string_ends_in_backslash", "{\"a\":\"\\" },
  { "string_single_quoted", "{\"a\":'b'}" },
  { "string_unknown_escape", json ("{'a':'\\x41'}") },
  { "string_octal_escape", json ("{'a':'\\101'}") },
  { "string_nul_escape", json ("{'a':'b\\u0000c'}") },
  { "string_short_unicode", json ("{'a':'\\u12'}") },
  { "string_bad_unicode", json ("{'a':'\\u12g4'}") },
  { "string_upper_u", json ("{'a':'\\U0041'}") },
  { "string_raw_tab", "{\"a\":\"\t\"}" },
  { "string_raw_newline", "{\"a\":\"\n\"}" },
  { "string_raw_control", "{\"a\":\"\x1f\"}" },
  { "surrogate_high_alone", json ("{'a':'\\ud83d'}") },
  { "surrogate_high_then_text", json ("{'a':'\\ud83dx'}") },
  { "surrogate_high_then_escape", json ("{'a':'\\ud83d\\n'}") },
  { "surrogate_two_highs", json ("{'a':'\\ud83d\\ud83d'}") },
  { "surrogate_low_alone", json ("{'a':'\\ude00'}") },
  { "surrogate_cut_off", json ("{'a':'\\ud83d\\ude") },
  { "surrogate_in_a_name", json ("{'\\ud83d':1}") },
  { "utf8_bad_byte", "{\"a\":\"\xff\"}" },
  { "utf8_cut_off", "{\"a\":\"\xe2\x82\"}" },
  { "utf8_overlong", "{\"a\":\"\xc0\x80\"}" },
  { "utf8_surrogate", "{\"a\":\"\xed\xa0\xbd\"}" },
  { "utf8_above_unicode", "{\"a\":\"\xf5\x80\x80\x80\"}" },
  { "utf8_outside_of_strings", "{\xff}" },
  { "duplicate_member", json ("{'a':1,'b':2,'a':3}") },
  { "duplicate_member_by_escape", json ("{'a':1,'\\u0061':2}") },
  { "duplicate_member_inside", json ("{'x':[{'a':1,'a':1}]}") },
  { "too_deep_by_one", repeat ("{\"a\":", 64) + "{}" + repeat ("}", 64) },
  { "too_deep_array", "{\"a\":" + repeat ("[", 64) + repeat ("]", 64) + "}" },
  { "bomb_of_brackets", repeat ("[", 100000) },
  { "bomb_of_objects", repeat ("{\"a\":", 100000) },
  { "bomb_behind_an_object", "{\"a\":" + repeat ("[", 1000000) },
  { "bomb_of_values", "{\"a\":[0" + repeat (",0", VP_QMP_MAX_VALUES) + "]}" },
  { "bomb_of_members", many_members (1025) },
};

class MessageRefused : public testing::TestWithParam<BadRow>
{
};

TEST_P (MessageRefused, IsAProtocolErrorInOneLine)
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (JsonObject) message = vp_qmp_message_parse (GetParam ().line.c_str (), &error);

  EXPECT_EQ (message, nullptr) << print (message);
  ASSERT_TRUE (g_error_matches (error, VP_QMP_ERROR, VP_QMP_ERROR_PROTOCOL));
  EXPECT_LT (strlen (error->message), 200u);
  EXPECT_EQ (strpbrk (error->message, "\r\n"), nullptr);
  EXPECT_EQ (vp_qmp_message_parse (GetParam ().line.c_str (), nullptr), nullptr);
}

INSTANTIATE_TEST_SUITE_P (Table, MessageRefused, testing::ValuesIn (bad_rows), name_of_row<BadRow>);

TEST (Message, SaysWhereAndWhat)
{
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (vp_qmp_message_parse (json ("{'a':1,'b':nul}").c_str (), &error), nullptr);
  EXPECT_STREQ (error->message, "not JSON at byte 11: expected a value");
}

TEST (Message, EveryPrefixOfAMessageIsRefused)
{
  const std::string line =
      json ("{'execute':'a\\u00e9\\ud83d\\ude00','arguments':{'x':[-1.5e+3,true,null]},'id':'7'}");

  for (size_t length = 0; length < line.size (); length++)
    {
      g_autoptr (JsonObject) message =
          vp_qmp_message_parse (line.substr (0, length).c_str (), nullptr);
      EXPECT_EQ (message, nullptr) << line.substr (0, length);
    }
}

TEST (Message, AsManyValuesAsAllowedAreRead)
{
  std::string line = "{\"a\":[0" + repeat (",0", VP_QMP_MAX_VALUES - 3) + "]}";
  g_autoptr (JsonObject) message = vp_qmp_message_parse (line.c_str (), nullptr);
  ASSERT_NE (message, nullptr);
  EXPECT_EQ (json_array_get_length (json_object_get_array_member (message, "a")),
             VP_QMP_MAX_VALUES - 2);

  g_autoptr (JsonObject) members = vp_qmp_message_parse (many_members (1024).c_str (), nullptr);
  EXPECT_NE (members, nullptr);
}

/* Any tree that C code can build, but what JSON has no words for. */
class Trees
{
public:
  explicit Trees (unsigned seed) : random_ (seed) {}

  JsonObject *
  object (int depth)
  {
    JsonObject *object = json_object_new ();
    for (unsigned n = pick (5); n > 0; n--)
      json_object_set_member (object, string ().c_str (), value (depth));
    return object;
  }

private:
  unsigned
  pick (unsigned n)
  {
    return static_cast<unsigned> (random_ () % n);
  }
  std::string
  string ()
  {
    std::string text;
    for (unsigned n = pick (12); n > 0; n--)
      {
        char utf8[6];
        gunichar c = pick (3) == 0 ? 1 + pick (0x7f) : 1 + pick (0x10ffff);
        if (g_unichar_validate (c))
          text.append (utf8, static_cast<size_t> (g_unichar_to_utf8 (c, utf8)));
      }
    return text;
  }
  double
  number ()
  {
    for (;;)
      {
        guint64 bits = random_ ();
        double value;
        memcpy (&value, &bits, sizeof value);
        if (std::isfinite (value))
          return value;
      }
  }
  JsonNode *
  value (int depth)
  {
    JsonNode *node = json_node_alloc ();
    JsonArray *array;

    switch (pick (depth > 0 ? 7 : 5))
      {
      case 0:
        return json_node_init_int (node, static_cast<gint64> (random_ ()));
      case 1:
        return json_node_init_double (node, number ());
      case 2:
        return json_node_init_boolean (node, pick (2) == 0);
      case 3:
        return json_node_init_null (node);
      case 4:
        return json_node_init_string (node, string ().c_str ());
      case 5:
        array = json_array_new ();
        for (unsigned n = pick (5); n > 0; n--)
          json_array_add_element (array, value (depth - 1));
        json_node_init_array (node, array);
        json_array_unref (array);
        return node;
      default:
        JsonObject *inner = object (depth - 1);
        json_node_init_object (node, inner);
        json_object_unref (inner);
        return node;
      }
  }

  std::mt19937_64 random_;
};

TEST (Message, WhateverIsPrintedIsReadBackEqual)
{
  for (unsigned seed = 0; seed < 2000; seed++)
    {
      g_autoptr (GError) error = nullptr;
      g_autoptr (JsonObject) message = Trees (seed).object (6);
      g_autofree char *line = vp_qmp_message_to_line (message);
      g_autoptr (JsonObject) again = vp_qmp_message_parse (line, &error);
      ASSERT_NE (again, nullptr) << "seed " << seed << ": " << error->message << ": " << line;
      ASSERT_TRUE (json_object_equal (message, again)) << "seed " << seed << ": " << line;
      ASSERT_EQ (strchr (line, '\n'), line + strlen (line) - 1) << "seed " << seed;
    }
}

TEST (Message, PrintsWhatJsonHasNoWordsFor)
{
  g_autoptr (JsonObject) message = json_object_new ();

  json_object_set_string_member (message, "path", "/tmp/\xff\xe2\"x");
  json_object_set_string_member (message, "none", nullptr);
  json_object_set_double_member (message, "nan", std::numeric_limits<double>::quiet_NaN ());
  json_object_set_double_member (message, "inf", -std::numeric_limits<double>::infinity ());
  EXPECT_EQ (print (message),
             "{\"path\":\"/tmp/\uFFFD\uFFFD\\\"x\",\"none\":null,\"nan\":null,\"inf\":null}");
}

TEST (Message, MembersOfAnotherTypeAreAbsent)
{
  g_autoptr (JsonObject) message = vp_qmp_message_parse (
      json ("{'s':'x','i':7,'b':true,'d':1.5,'n':null,'o':{'k':1},'a':[1]}").c_str (), nullptr);
  ASSERT_NE (message, nullptr);

  EXPECT_STREQ (vp_qmp_message_get_string (message, "s"), "x");
  EXPECT_EQ (vp_qmp_message_get_int (message, "i", -1), 7);
  EXPECT_TRUE (vp_qmp_message_get_boolean (message, "b", FALSE));
  EXPECT_EQ (json_object_get_size (vp_qmp_message_get_object (message, "o")), 1u);
  EXPECT_EQ (json_array_get_length (vp_qmp_message_get_array (message, "a")), 1u);

  for (const char *name : { "s", "i", "b", "d", "n", "o", "a", "absent" })
    {
      if (*name != 's')
        {
          EXPECT_EQ (vp_qmp_message_get_string (message, name), nullptr) << name;
        }
      if (*name != 'i')
        {
          EXPECT_EQ (vp_qmp_message_get_int (message, name, -1), -1) << name;
        }
      if (*name != 'b')
        {
          EXPECT_FALSE (vp_qmp_message_get_boolean (message, name, FALSE)) << name;
          EXPECT_TRUE (vp_qmp_message_get_boolean (message, name, TRUE)) << name;
        }
      if (*name != 'o')
        {
          EXPECT_EQ (vp_qmp_message_get_object (message, name), nullptr) << name;
        }
      if (strcmp (name, "a") != 0)
        {
          EXPECT_EQ (vp_qmp_message_get_array (message, name), nullptr) << name;
        }
    }
}

} // namespace
