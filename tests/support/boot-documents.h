#pragma once

#include <json-glib/json-glib.h>
#include <stdexcept>
#include <string>

/* The documents of some boot tests, for what reports make of them. */
class BootDocuments
{
public:
  BootDocuments () = default;
  ~BootDocuments () { g_ptr_array_unref (documents_); }
  BootDocuments (const BootDocuments &) = delete;
  BootDocuments &operator= (const BootDocuments &) = delete;

  const GPtrArray *
  get () const
  {
    return documents_;
  }
  JsonObject *
  at (guint index) const
  {
    return static_cast<JsonObject *> (documents_->pdata[index]);
  }
  JsonObject *
  add (const std::string &text)
  {
    g_autoptr (GError) error = nullptr;
    g_autoptr (JsonNode) node = json_from_string (text.c_str (), &error);

    if (node == nullptr)
      throw std::runtime_error (error->message);
    g_ptr_array_add (documents_, json_node_dup_object (node));
    return at (documents_->len - 1);
  }
  /* One of each kind. */
  void
  add_all ()
  {
    add (R"({"name":"boots","verdict":"pass","exit":0,"status":null,"reason":"all steps are done",
             "seconds":8.04,"accel":"tcg","milestones":[
             {"pattern":"Linux version","seconds":1.25,"line":"Linux version 6.1"},
             {"pattern":"login:|\\[root@.*\\]#","seconds":8.04,"line":"host login:"}],
             "evidence":{"console_tail":["host login:"],"command":"vmplug boot a"}})");
    add (R"({"name":"hotplug[machine=pc]","verdict":"panic","exit":1,
             "reason":"the kernel panicked: Kernel panic - not syncing: VFS","seconds":3.5,
             "accel":"tcg","accel_reason":"there is no /dev/kvm","tcg_scale":5,"attempts":1,"flaky":false,
             "milestones":[{"pattern":"Linux version","seconds":0.2,"line":"Linux version 6.1"}],
             "steps":[{"do":"expect","text":"Linux version","state":"done","seconds":0.2},
             {"do":"attach","text":"nic,user,id=n1","state":"due"},
             {"do":"stop","text":null,"state":"pending"}],
             "evidence":{"kind":"kernel-panic","line":"Kernel panic - not syncing: VFS",
             "report":{"rip":"panic+0x1/0x2","process":"swapper","stack":["panic+0x1/0x2","mount_root+0x3/0x4"]},
             "console_tail":["[    1.0] VFS: Cannot open root","","  indented","...",
             "[    1.1] Kernel panic - not syncing: VFS"],
             "qemu":"ended with status 0","screenshot":"out/screenshot.png","memory_dump":null,
             "console_log":"out/console.log","command":"vmplug boot --kernel k"}})");
    add (R"({"name":"slow","verdict":"timeout","exit":124,"reason":"not over after 60 s",
             "seconds":60,"milestones":[],"evidence":{"console_tail":[]}})");
    add (R"({"name":"broken","verdict":"infra","exit":99,"reason":"no /dev/kvm","seconds":0,
             "attempts":3,"flaky":false,"evidence":{"command":"vmplug boot --accel kvm"}})");
    add (R"({"name":"gpu","verdict":"skip","exit":77,"reason":"no-kvm: there is no /dev/kvm"})");
    add (R"({"name":"lucky","verdict":"pass","exit":0,"seconds":1,"attempts":2,"flaky":true})");
  }
  /* Whose every text is hostile. */
  void
  add_hostile ()
  {
    static const char *const texts[] = {
      "# TODO x",
      "a\\# SKIP y",
      "]]>",
      "<b>&amp;\"'</b>",
      "\x1b[2J\x01\x7f",
      "\xff\xc3(",
      "a\nb\r\n",
      "\xef\xbf\xbe\xed\xa0\x80",
      "::error::%0A%",
      "|`*_[x](y)|@user",
      "...",
      "---",
      "  ...",
      "",
      "not ok 1",
      "</system-out>",
      "\"\\",
      "x: y # z",
      "\xe2\x80\xae"
      "abc",
      "\t",
    };

    for (const char *text : texts)
      {
        JsonObject *document = add (R"({"verdict":"fail","seconds":1,"evidence":{"report":{}}})");
        JsonObject *evidence = json_object_get_object_member (document, "evidence");
        JsonArray *lines = json_array_new ();
        JsonObject *milestone = json_object_new ();
        JsonArray *milestones = json_array_new ();

        for (const char *member : { "name", "reason", "accel" })
          json_object_set_string_member (document, member, text);
        for (const char *member : { "qemu", "screenshot", "console_log", "command" })
          json_object_set_string_member (evidence, member, text);
        for (const char *line : texts)
          json_array_add_string_element (lines, line);
        json_object_set_string_member (milestone, "pattern", text);
        json_array_add_object_element (milestones, milestone);
        json_object_set_array_member (document, "milestones", milestones);
        json_object_set_array_member (evidence, "console_tail", lines);
        json_object_set_array_member (json_object_get_object_member (evidence, "report"), "stack",
                                      json_array_ref (lines));
      }
  }

private:
  GPtrArray *documents_ =
      g_ptr_array_new_with_free_func (reinterpret_cast<GDestroyNotify> (json_object_unref));
};
