#include "tests/e2e/vm.h"
#include "tests/support/row-name.h"
#include "tests/support/tap.h"
#include "tests/support/temp-folder.h"

#include <sched.h>
#include <sys/wait.h>

/* Disks and network cards that come and go, as the guest and QEMU have them. */

namespace
{

/* One guest for all tests of this program, with a disk and a card that were there at boot. */
class Shared : public testing::Environment
{
public:
  static std::unique_ptr<Vm> vm;
  static TempFolder *files;

  void
  SetUp () override
  {
    files = new TempFolder;
  }
  void
  TearDown () override
  {
    vm.reset ();
    delete files;
  }
  static std::string
  make_disk (const std::string &name)
  {
    std::string content;

    for (int i = 0; content.size () < 1024 * 1024; i++)
      content += name + " " + std::to_string (i) + "\n";
    content.resize (1024 * 1024);
    return files->write (name, content);
  }
};
std::unique_ptr<Vm> Shared::vm;
TempFolder *Shared::files;
const testing::Environment *const shared = testing::AddGlobalTestEnvironment (new Shared);

class Kinds : public testing::Test
{
protected:
  std::unique_ptr<Vm> &vm = Shared::vm;

  void
  SetUp () override
  {
    if (vm != nullptr)
      return;
    vm = std::make_unique<Vm> ();
    vm->boot ({ "--device", "disk," + Shared::make_disk ("cold") + ",plug=cold,id=colddisk",
                "--device", "nic,user,plug=cold,id=coldcard" });
  }
  Guest &
  guest ()
  {
    return vm->guest ();
  }
  /* The folder of the guest's sysfs for what is at a guest path with one bridge, "02/00". */
  std::string
  folder (const Json &device)
  {
    const std::string path = device["guest_path"].text ();
    const std::string glob = "/sys/devices/pci0000:00/0000:00:" + path.substr (0, 2) +
                             ".0/0000:??:" + path.substr (3) + ".0";
    const std::string said = guest ().run ("cd " + glob + " && pwd -P");
    return said.substr (0, said.find ('\n'));
  }
  /* What a driver of the guest has made of a device: "sda" of "block", "eth1" of "net". */
  std::string
  name_of (const std::string &subsystem, const Json &device)
  {
    const std::string below = folder (device);
    std::string name;

    EXPECT_TRUE (eventually ([&] {
      const std::string said =
          guest ().run ("for i in /sys/class/" + subsystem + "/*; do case $(readlink -f $i) in " +
                        below + "/*) basename $i;; esac; done");
      name = said.substr (0, said.find ('\n'));
      return !name.empty ();
    })) << below;
    return name;
  }
  std::string
  read_in_guest (const Json &device)
  {
    const std::string said = guest ().run ("md5sum </dev/" + name_of ("block", device));
    return said.substr (0, 32);
  }
  static std::string
  md5_of (const std::string &file)
  {
    g_autofree char *content = nullptr;
    gsize size = 0;

    g_file_get_contents (file.c_str (), &content, &size, nullptr);
    g_autofree char *sum = g_compute_checksum_for_data (
        G_CHECKSUM_MD5, reinterpret_cast<const guchar *> (content), size);
    return sum;
  }
  /* What QEMU has open that is, or was, this file. */
  bool
  is_open_in_qemu (const std::string &file) const
  {
    std::error_code gone;

    for (const auto &entry :
         std::filesystem::directory_iterator ("/proc/" + std::to_string (vm->qemu ()) + "/fd"))
      if (std::filesystem::read_symlink (entry, gone).string ().rfind (file, 0) == 0)
        return true;
    return false;
  }
  bool
  has_node (const std::string &name) const
  {
    return !vm->ask ({ "qmp", "vm", "query-named-block-nodes" })
                .find ("node-name", name)
                .is_null ();
  }
  Json
  attach (const std::string &spec)
  {
    return vm->ask ({ "attach", "vm", spec });
  }
  void
  detach (const std::string &id)
  {
    EXPECT_EQ (vm->ask ({ "detach", "vm", id })["state"].text (), "removed");
  }
};

struct Model
{
  const char *name;
  const char *options;
};
class KindsDisk : public Kinds, public testing::WithParamInterface<Model>
{
};
const Model models[] = {
  { "virtio_blk", "" },
  { "virtio_scsi", ",model=virtio-scsi" },
  { "nvme", ",model=nvme" },
};
INSTANTIATE_TEST_SUITE_P (Table, KindsDisk, testing::ValuesIn (models), name_of_row<Model>);

TEST_P (KindsDisk, IsReadWrittenAndLetGo)
{
  const std::string file = Shared::make_disk (GetParam ().name);
  const Json device = attach ("disk," + file + GetParam ().options + ",id=it");

  EXPECT_EQ (device["state"].text (), "usable") << device;
  EXPECT_EQ (vm->device ("it")["kind"].text (), "disk");
  EXPECT_EQ (read_in_guest (device), md5_of (file));
  EXPECT_TRUE (is_open_in_qemu (file));
  EXPECT_TRUE (has_node ("it"));

  const std::string name = name_of ("block", device);
  EXPECT_TRUE (guest ().can ("echo written | dd of=/dev/" + name + " conv=notrunc && sync"));
  detach ("it");
  EXPECT_FALSE (guest ().can ("ls /sys/class/block/" + name));
  EXPECT_FALSE (is_open_in_qemu (file));
  EXPECT_FALSE (has_node ("it"));
  std::ifstream written (file);
  std::string first;
  std::getline (written, first);
  EXPECT_EQ (first, "written");
}

TEST_P (KindsDisk, AReadonlyOneCannotBeWritten)
{
  const std::string file = Shared::make_disk (GetParam ().name);
  const std::string before = md5_of (file);
  std::filesystem::permissions (file, std::filesystem::perms::owner_read);
  const Json device = attach ("disk," + file + GetParam ().options + ",readonly,id=it");

  EXPECT_EQ (read_in_guest (device), before);
  guest ().run ("echo no >/dev/" + name_of ("block", device) + "; sync");
  detach ("it");
  EXPECT_EQ (md5_of (file), before);
}

TEST_F (Kinds, AColdDiskIsTakenOutLikeAHotOne)
{
  const std::string file = Shared::files->path ("cold");

  ASSERT_EQ (vm->state_of ("colddisk"), "usable");
  EXPECT_EQ (read_in_guest (vm->device ("colddisk")), md5_of (file));
  EXPECT_NE (vm->vmplug ({ "attach", "vm", "disk," + file }).status, 0) << "it is in use";
  detach ("colddisk");
  EXPECT_FALSE (is_open_in_qemu (file));
  EXPECT_FALSE (has_node ("colddisk"));

  const Json again = attach ("disk," + file + ",id=colddisk");
  EXPECT_EQ (read_in_guest (again), md5_of (file));
  detach ("colddisk");
}

TEST_F (Kinds, AFileThatSomebodyElseHasLockedIsRefusedInQemusWords)
{
  const std::string file = Shared::make_disk ("locked");
  Vm other;

  ASSERT_TRUE (other.start ({ "--disk", file }));
  const Outcome outcome = vm->vmplug ({ "attach", "vm", "disk," + file + ",id=it" });
  EXPECT_EQ (outcome.status, 6) << outcome;
  EXPECT_NE (outcome.err.find ("lock"), std::string::npos) << outcome;
  EXPECT_FALSE (is_open_in_qemu (file));
  EXPECT_FALSE (has_node ("it"));
  EXPECT_TRUE (vm->device ("it").is_null ());
  other.end ();
  attach ("disk," + file + ",id=it");
  detach ("it");
}

/* It shuts itself in with user namespaces, which a chroot and some hosts forbid. */
bool
can_passt ()
{
  const pid_t pid = fork ();
  int status = -1;

  if (pid == 0)
    _exit (unshare (CLONE_NEWUSER) == 0 ? 0 : 1);
  waitpid (pid, &status, 0);
  return status == 0;
}

struct Card
{
  const char *name;
  const char *spec;
};
class KindsCard : public Kinds, public testing::WithParamInterface<Card>
{
};
const Card cards[] = {
  { "user", "nic,user" },
  { "user_e1000e", "nic,user,model=e1000e" },
  { "passt", "nic,passt" },
};
INSTANTIATE_TEST_SUITE_P (Table, KindsCard, testing::ValuesIn (cards), name_of_row<Card>);

TEST_P (KindsCard, GetsAnAddressAndGoes)
{
  if (strcmp (GetParam ().spec, "nic,passt") == 0 && !can_passt ())
    {
      const Outcome outcome = vm->vmplug ({ "attach", "vm", "nic,passt,id=it" });

      EXPECT_EQ (outcome.status, 3) << outcome;
      EXPECT_NE (outcome.err.find ("passt ended at once: "), std::string::npos) << outcome;
      EXPECT_TRUE (vm->device ("it").is_null ());
      return;
    }
  const Json device = attach (std::string (GetParam ().spec) + ",id=it,mac=52:54:00:01:02:03");

  EXPECT_EQ (device["state"].text (), "usable") << device;
  EXPECT_EQ (vm->device ("it")["kind"].text (), "nic");
  const std::string name = name_of ("net", device);
  EXPECT_EQ (guest ().run ("cat /sys/class/net/" + name + "/address"), "52:54:00:01:02:03\n");
  EXPECT_TRUE (guest ().can ("ip link set " + name + " up && udhcpc -q -n -i " + name));
  EXPECT_TRUE (guest ().can ("ip -4 addr show " + name + " | grep -q inet"));

  detach ("it");
  EXPECT_FALSE (guest ().can ("ls /sys/class/net/" + name));
  attach (std::string (GetParam ().spec) + ",id=it"); /* its backend's name is free again */
  detach ("it");
}

TEST_F (Kinds, ATapHearsTheGuest)
{
  if (getuid () != 0)
    GTEST_SKIP () << "only root can make a tap interface";
  Tap tap ("vmplugtap0");

  const Json device = attach ("nic,tap,ifname=vmplugtap0,id=it");
  const std::string name = name_of ("net", device);
  guest ().run ("ip link set " + name + " up");
  EXPECT_TRUE (eventually ([&] {
    guest ().run ("arping -c 1 -I " + name + " 10.9.9.9");
    return tap.n_received () > 0;
  }));

  const Outcome busy = vm->vmplug ({ "attach", "vm", "nic,tap,ifname=vmplugtap0,id=other" });
  EXPECT_EQ (busy.status, 6) << busy;
  EXPECT_NE (busy.err.find ("vmplugtap0"), std::string::npos) << busy;
  EXPECT_TRUE (vm->device ("other").is_null ());
  detach ("it");

  const Outcome without =
      vm->vmplug ({ "attach", "vm", "nic,tap,ifname=vmplugtap0,vhost=on,id=it" });
  EXPECT_EQ (without.status, 3) << without;
  EXPECT_NE (without.err.find ("/dev/vhost-net: "), std::string::npos) << without;
  attach ("nic,tap,ifname=vmplugtap0,id=it"); /* QEMU has let go of the interface */
  detach ("it");
}

TEST_F (Kinds, PasstEndsWithItsDevice)
{
  const std::string children = "/proc/" + std::to_string (vm->supervisor ()) + "/task/" +
                               std::to_string (vm->supervisor ()) + "/children";
  const auto count = [&] {
    std::ifstream file (children);
    return std::distance (std::istream_iterator<int> (file), std::istream_iterator<int> ());
  };
  const auto before = count ();
  const Outcome outcome = vm->vmplug ({ "attach", "vm", "nic,passt,id=it" });

  EXPECT_EQ (outcome.status, can_passt () ? 0 : 3) << outcome;
  EXPECT_EQ (count (), before + (can_passt () ? 1 : 0));
  if (can_passt ())
    detach ("it");
  EXPECT_EQ (count (), before);
}

} // namespace
