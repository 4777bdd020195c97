#include "launcher/error.h"
#include "launcher/wrapper/device-rule.h"
#include "launcher/wrapper/file-trust.h"
#include "launcher/wrapper/real-qemu.h"
#include "launcher/wrapper/wrapper-config.h"

#include "tests/support/as-user.h"
#include "tests/support/row-name.h"
#include "tests/support/temp-folder.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace
{

using namespace std::string_literals;

const std::string NAME = "sandbox-" + std::string (32, '0') + std::string (32, 'f');

/* A host of which only etc/vmplug and a QEMU are there. */
class WrapperConfig : public testing::Test
{
protected:
  TempFolder folder_;
  const std::string qemu_ = make_program ("qemu");
  GError *error_ = nullptr;

  void
  SetUp () override
  {
    g_unsetenv ("VMPLUG_WRAPPER_CONFIG");
  }
  ~WrapperConfig () override
  {
    g_unsetenv ("VMPLUG_WRAPPER_CONFIG");
    g_clear_error (&error_);
  }
  std::string
  make_program (const std::string &name)
  {
    const std::string path = folder_.write (name, "#!/bin/true\n");
    chmod (path.c_str (), 0755);
    return path;
  }
  /* A file of the configuration, with its folders, which only its owner may write to. */
  std::string
  write (const std::string &name, const std::string &text)
  {
    const std::filesystem::path path = folder_.path ("root/etc/vmplug/" + name);
    std::filesystem::create_directories (path.parent_path ());
    for (auto each = path.parent_path (); each.string ().size () > folder_.path ("root").size ();
         each = each.parent_path ())
      chmod (each.c_str (), 0755);
    folder_.write ("root/etc/vmplug/" + name, text);
    chmod (path.c_str (), 0644);
    return path.string ();
  }
  void
  write_main (const std::string &text)
  {
    write ("wrapper.toml", "qemu = '" + qemu_ + "'\n" + text);
  }
  VpWrapperConfig *
  read (const char *sandbox = nullptr)
  {
    g_clear_error (&error_);
    return vp_wrapper_config_read (folder_.path ("root").c_str (), sandbox, &error_);
  }
  /* The message, or "" when all went well. */
  std::string
  fault (const char *sandbox = nullptr)
  {
    g_autoptr (VpWrapperConfig) config = read (sandbox);
    EXPECT_EQ (config == nullptr, error_ != nullptr);
    return config == nullptr ? error_->message : "";
  }
};

TEST_F (WrapperConfig, DefaultsWithoutAnyFile)
{
  g_autoptr (VpWrapperConfig) config = vp_wrapper_config_new ();

  EXPECT_FALSE (config->take_over);
  EXPECT_EQ (config->unplug_timeout_ms, 30000U);
  EXPECT_EQ (config->attach_timeout_ms, 3000U);
  EXPECT_STREQ (config->ready, "now");
  EXPECT_EQ (config->large_bar, UINT64_C (4) << 30);
  EXPECT_EQ (config->spare, 4U);
  EXPECT_FALSE (config->has_spare);
  EXPECT_EQ (config->rules->len, 0U);

  /* Whether this host has a QEMU is another question. */
  g_autoptr (VpWrapperConfig) read_one = read (NAME.c_str ());
  if (read_one == nullptr)
    {
      EXPECT_TRUE (g_str_has_prefix (error_->message, "there is no other qemu-system-x86_64 in"));
    }
  else
    {
      EXPECT_TRUE (g_path_is_absolute (read_one->qemu));
    }
}

TEST_F (WrapperConfig, FilesInTheirOrder)
{
  write_main ("spare = 1\nunplug_timeout = 1\nattach_timeout = 1\nready = 'after:1'\n"
              "[[rule]]\nid = '0001:*'\n");
  write ("wrapper.d/20-b.toml",
         "unplug_timeout = 3\nattach_timeout = 3\n[[rule]]\nid = '0003:*'\n");
  write ("wrapper.d/10-a.toml", "unplug_timeout = 2\nready = 'now'\n[[rule]]\nid = '0002:*'\n");
  write ("wrapper.d/30-c.toml~", "nonsense");
  write ("wrapper.d/.#20-b.toml", "nonsense");
  write ("wrapper.d/README", "nonsense");
  write ("sandboxes/" + NAME + ".toml", "attach_timeout = 4\n[[rule]]\nid = '0004:*'\n");
  write ("sandboxes/other.toml", "nonsense");
  g_autoptr (VpWrapperConfig) config = read (NAME.c_str ());

  ASSERT_NE (config, nullptr) << error_->message;
  EXPECT_EQ (config->spare, 1U);
  EXPECT_EQ (config->unplug_timeout_ms, 3000U);
  EXPECT_EQ (config->attach_timeout_ms, 4000U);
  EXPECT_STREQ (config->ready, "now");
  EXPECT_STREQ (config->qemu, qemu_.c_str ());
  std::string ids;
  for (guint i = 0; i < config->rules->len; i++)
    ids += static_cast<VpDeviceRule *> (config->rules->pdata[i])->ids[0] + " "s;
  EXPECT_EQ (ids, "0001:* 0002:* 0003:* 0004:* ");
  EXPECT_EQ (config->warnings->len, 0U);
  EXPECT_EQ (static_cast<VpDeviceRule *> (config->rules->pdata[1])->where,
             "rule 1 of "s + folder_.path ("root/etc/vmplug/wrapper.d/10-a.toml"));
}

TEST_F (WrapperConfig, AMistakeInAnyOfThemIsAnError)
{
  write_main ("");
  EXPECT_EQ (fault (NAME.c_str ()), "");
  const std::string own = write ("sandboxes/" + NAME + ".toml", "spare = true");
  EXPECT_EQ (fault (), "") << "it is another's";
  EXPECT_EQ (fault (NAME.c_str ()), own + ":1:9: spare: must be a string");
  const std::string drop_in = write ("wrapper.d/a.toml", "\nspare = [");
  EXPECT_EQ (fault ().find (drop_in + ":2:"), 0U) << error_->message;
}

struct Sandbox
{
  const char *name;
  std::string sandbox;
};

const Sandbox hostile[] = {
  { "up", "../../etc/passwd" },
  { "up_to_a_real_file", "../evil" },
  { "absolute", "/etc/passwd" },
  { "dots", ".." },
  { "empty", "" },
  { "slash_within", "a/b" },
  { "newline", "a\nb" },
  { "not_utf8", "a\xff" },
  { "too_long", "a" + std::string (300, 'b') },
};

class WrapperConfigHostile : public WrapperConfig, public testing::WithParamInterface<Sandbox>
{
};

TEST_P (WrapperConfigHostile, NoNameLeadsOutOfTheFolder)
{
  write_main ("");
  write ("sandboxes/x.toml", "nonsense");
  write ("evil.toml", "nonsense");
  write ("passwd.toml", "nonsense");
  const std::string name = GetParam ().sandbox;
  g_autoptr (VpWrapperConfig) config = read (name.c_str ());

  ASSERT_NE (config, nullptr) << error_->message;
  ASSERT_EQ (config->warnings->len, 1U);
  const std::string warning = static_cast<char *> (config->warnings->pdata[0]);
  EXPECT_NE (warning.find ("it has no file in "), std::string::npos) << warning;
  EXPECT_EQ (warning.find ('\n'), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P (Table,
                          WrapperConfigHostile,
                          testing::ValuesIn (hostile),
                          name_of_row<Sandbox>);

/* It is nobody's mistake where nobody gives VMs files of their own. */
TEST_F (WrapperConfig, ANameOfAnyKindIsNoneWithoutTheFolder)
{
  write_main ("");
  g_autoptr (VpWrapperConfig) config = read ("my VM");

  ASSERT_NE (config, nullptr) << error_->message;
  EXPECT_EQ (config->warnings->len, 0U);
}

TEST_F (WrapperConfig, AnotherMainFileMustBeThere)
{
  write ("wrapper.toml", "nonsense");
  const std::string other = folder_.write ("other.toml", "qemu = '" + qemu_ + "'\nspare = 7\n");
  chmod (other.c_str (), 0600);

  g_setenv ("VMPLUG_WRAPPER_CONFIG", other.c_str (), TRUE);
  g_autoptr (VpWrapperConfig) config = read ();
  ASSERT_NE (config, nullptr) << error_->message;
  EXPECT_EQ (config->spare, 7U);

  g_setenv ("VMPLUG_WRAPPER_CONFIG", folder_.path ("none.toml").c_str (), TRUE);
  EXPECT_EQ (fault (), folder_.path ("none.toml") +
                           ": No such file or directory, which "
                           "VMPLUG_WRAPPER_CONFIG names: make it, or unset "
                           "that");
  g_setenv ("VMPLUG_WRAPPER_CONFIG", "wrapper.toml", TRUE);
  EXPECT_EQ (fault (), "\"wrapper.toml\" is not an absolute path (VMPLUG_WRAPPER_CONFIG)");
  g_setenv ("VMPLUG_WRAPPER_CONFIG", folder_.make_folder ("folder").c_str (), TRUE);
  EXPECT_EQ (fault (), folder_.path ("folder") + ": not a regular file");
  g_setenv ("VMPLUG_WRAPPER_CONFIG", "", TRUE);
  EXPECT_NE (fault ().find ("etc/vmplug/wrapper.toml:1:"), std::string::npos) << error_->message;
}

TEST_F (WrapperConfig, AFifoIsNotWaitedFor)
{
  write_main ("");
  write ("wrapper.d/x", "");
  const std::string fifo = folder_.path ("root/etc/vmplug/wrapper.d/a.toml");
  ASSERT_EQ (mkfifo (fifo.c_str (), 0600), 0);

  EXPECT_EQ (fault (), fifo + ": not a regular file");
}

TEST_F (WrapperConfig, WhatOthersCouldHaveWrittenIsRefused)
{
  write_main ("");
  const std::string drop_in = write ("wrapper.d/a.toml", "");
  const std::string own = write ("sandboxes/" + NAME + ".toml", "");
  const std::string folder = folder_.path ("root/etc/vmplug");
  ASSERT_EQ (fault (NAME.c_str ()), "");

  for (const std::string &path : { folder + "/wrapper.toml", drop_in, own, folder,
                                   folder + "/wrapper.d", folder + "/sandboxes" })
    for (mode_t bit : { S_IWGRP, S_IWOTH })
      {
        struct stat status;
        ASSERT_EQ (stat (path.c_str (), &status), 0);
        ASSERT_EQ (chmod (path.c_str (), status.st_mode | bit), 0);
        const std::string why = fault (NAME.c_str ());
        EXPECT_EQ (why.find (path + ": others than root and uid "), 0U) << path << ": " << why;
        EXPECT_NE (why.find ("chmod go-w"), std::string::npos) << why;
        EXPECT_TRUE (g_error_matches (error_, VP_ERROR, VP_ERROR_HOST));
        ASSERT_EQ (chmod (path.c_str (), status.st_mode), 0);
      }
  EXPECT_EQ (fault (NAME.c_str ()), "");
}

TEST_F (WrapperConfig, WhatAnotherUserOwnsIsRefused)
{
  if (geteuid () != 0)
    GTEST_SKIP () << "only root can make a file of another user";
  write_main ("");
  const std::string drop_in = write ("wrapper.d/a.toml", "");

  ASSERT_EQ (chown (drop_in.c_str (), 4711, 0), 0);
  EXPECT_EQ (fault ().find (drop_in + ": others than root and uid 0 may change it"), 0U);
  chmod (folder_.path ("").c_str (), 0755);
  EXPECT_EQ (as_user (4711, [this] { return fault ().empty () ? 1 : 2; }), 1)
      << "that user may believe itself, and root";
}

struct Trust
{
  const char *name;
  uid_t owner;
  mode_t mode;
  bool is_safe; /* for uid 1000 */
};

const Trust trusts[] = {
  { "root_s", 0, S_IFREG | 0644, true },        { "own", 1000, S_IFREG | 0600, true },
  { "another_s", 1001, S_IFREG | 0600, false }, { "for_a_group", 0, S_IFREG | 0664, false },
  { "for_all", 1000, S_IFREG | 0646, false },   { "sticky_file", 0, S_IFREG | 01666, false },
  { "folder", 0, S_IFDIR | 0755, true },        { "folder_for_all", 0, S_IFDIR | 0777, false },
  { "tmp", 0, S_IFDIR | 01777, true },          { "another_s_tmp", 1001, S_IFDIR | 01777, false },
};

class FileTrust : public testing::TestWithParam<Trust>
{
};

TEST_P (FileTrust, IsOfRootAndTheUser)
{
  struct stat status = {};
  status.st_uid = GetParam ().owner;
  status.st_mode = GetParam ().mode;

  EXPECT_EQ (vp_file_trust_is_safe (&status, 1000), GetParam ().is_safe);
}
INSTANTIATE_TEST_SUITE_P (Table, FileTrust, testing::ValuesIn (trusts), name_of_row<Trust>);

TEST (RealQemu, IsLookedForInPath)
{
  g_auto (GStrv) list = vp_real_qemu_list ("/opt/bin:bin::.:/usr/bin:/opt/bin:../x:/");
  g_autofree char *all = g_strjoinv (" ", list);

  EXPECT_STREQ (all, "/usr/bin/qemu-system-x86_64 /opt/bin/qemu-system-x86_64 /qemu-system-x86_64 "
                     "/usr/libexec/qemu-kvm");
}

TEST (RealQemu, IsLookedForWithoutPath)
{
  g_auto (GStrv) list = vp_real_qemu_list (nullptr);
  g_autofree char *all = g_strjoinv (" ", list);

  EXPECT_STREQ (all, "/usr/bin/qemu-system-x86_64 /usr/libexec/qemu-kvm");
}

TEST_F (WrapperConfig, TheQemuMustBeAProgram)
{
  const std::string none = folder_.path ("none"), text = folder_.write ("text", "");
  chmod (text.c_str (), 0644);
  const struct
  {
    std::string program;
    const char *why;
  } rows[] = {
    { none, ": No such file or directory: install the Debian package qemu-system-x86" },
    { text, ": it is no program that can be run: give the path of QEMU" },
    { folder_.make_folder ("folder"), ": it is no program that can be run" },
    { text + "/x", ": Not a directory: install" },
  };

  for (const auto &row : rows)
    {
      write ("wrapper.toml", "qemu = '" + row.program + "'\n");
      EXPECT_EQ (fault ().find ("qemu: " + row.program + row.why), 0U) << error_->message;
    }
}

/* Whatever it is called: who starts himself never ends. */
TEST_F (WrapperConfig, ItselfIsNotTheQemu)
{
  const std::string link = folder_.make_folder ("bin") + "/qemu-system-x86_64";
  std::filesystem::create_symlink ("/proc/" + std::to_string (getpid ()) + "/exe", link);

  write ("wrapper.toml", "qemu = '" + link + "'\n");
  EXPECT_EQ (fault (),
             "qemu: " + link + ": it is vmplug-qemu itself: give the path of the real QEMU");
  g_autoptr (GError) error = nullptr;
  EXPECT_FALSE (vp_real_qemu_check (link.c_str (), &error));
  EXPECT_FALSE (vp_real_qemu_check ("bin/qemu", nullptr));

  /* The next of PATH is taken, where there is one, and never this. */
  const std::string path = folder_.path ("bin");
  g_autofree char *found = vp_real_qemu_find (path.c_str (), nullptr);
  EXPECT_STRNE (found, link.c_str ());
}

} // namespace
