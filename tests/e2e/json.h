#pragma once

#include <gtest/gtest.h>
#include <json-glib/json-glib.h>
#include <memory>
#include <ostream>
#include <string>

/* A JSON value, read by json-glib and not by the code under test. What is not there is null, so
 * that a missing member is a failed comparison and not a crash:
 *
 *   EXPECT_EQ (status["devices"].at (0)["state"].text (), "usable");
 */
class Json
{
public:
  Json () = default;

  /* One document on one line, and nothing else. */
  static Json
  parse (const std::string &text)
  {
    g_autoptr (GError) error = nullptr;
    Json json;

    if (text.empty () || text.find ('\n') != text.size () - 1)
      ADD_FAILURE () << "not one line: " << text;
    JsonNode *node = json_from_string (text.c_str (), &error);
    if (node != nullptr)
      json.node_ = { node, json_node_unref };
    else
      ADD_FAILURE () << "not JSON: " << (error != nullptr ? error->message : "empty") << ": "
                     << text;
    return json;
  }

  Json
  operator[] (const char *member) const
  {
    Json value;
    if (has (member))
      value.share (json_object_get_member (json_node_get_object (node_.get ()), member), *this);
    return value;
  }
  Json
  at (unsigned index) const
  {
    Json value;
    if (index < size ())
      value.share (json_array_get_element (json_node_get_array (node_.get ()), index), *this);
    return value;
  }

  bool
  has (const char *member) const
  {
    return node_ != nullptr && JSON_NODE_HOLDS_OBJECT (node_.get ()) &&
           json_object_has_member (json_node_get_object (node_.get ()), member);
  }
  bool
  is_null () const
  {
    return node_ == nullptr || JSON_NODE_HOLDS_NULL (node_.get ());
  }
  /* Of an array; 0 for anything else. */
  unsigned
  size () const
  {
    return node_ != nullptr && JSON_NODE_HOLDS_ARRAY (node_.get ())
               ? json_array_get_length (json_node_get_array (node_.get ()))
               : 0;
  }
  bool
  is_empty () const
  {
    return node_ != nullptr && JSON_NODE_HOLDS_ARRAY (node_.get ()) && size () == 0;
  }
  std::string
  text () const
  {
    return holds (G_TYPE_STRING) ? json_node_get_string (node_.get ()) : "";
  }
  long
  number () const
  {
    return holds (G_TYPE_INT64) ? json_node_get_int (node_.get ()) : -1;
  }
  double
  real () const
  {
    return holds (G_TYPE_DOUBLE) ? json_node_get_double (node_.get ())
                                 : static_cast<double> (number ());
  }
  bool
  flag () const
  {
    return holds (G_TYPE_BOOLEAN) && json_node_get_boolean (node_.get ());
  }
  /* The first element that has @value as @member; null if none has. */
  Json
  find (const char *member, const std::string &value) const
  {
    for (unsigned i = 0; i < size (); i++)
      if (at (i)[member].text () == value)
        return at (i);
    return {};
  }
  std::string
  dump () const
  {
    g_autofree char *text = node_ != nullptr ? json_to_string (node_.get (), TRUE) : nullptr;
    return text != nullptr ? text : "nothing";
  }

private:
  std::shared_ptr<JsonNode> node_;

  /* Lives as long as its document. */
  void
  share (JsonNode *node, const Json &document)
  {
    node_ = { document.node_, node };
  }
  bool
  holds (GType type) const
  {
    return node_ != nullptr && JSON_NODE_HOLDS_VALUE (node_.get ()) &&
           json_node_get_value_type (node_.get ()) == type;
  }
};

inline std::ostream &
operator<< (std::ostream &stream, const Json &json)
{
  return stream << json.dump ();
}
