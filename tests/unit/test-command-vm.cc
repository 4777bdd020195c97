#include "launcher/error.h"

#include "tests/support/command-run.h"
#include "tests/support/fake-vm.h"
#include "tests/support/row-name.h"

#include <gtest/gtest.h>

namespace
{

const char STATUS[] =
    R"({"name":"vm1","pid":4711,"state":"running","accel":"kvm","control":"/run/c","uptime":3725.5,)"
    R"("devices":[{"id":"gpu0","kind":"vfio","address":"0000:41:00.0","plug":"cold","state":"usable",)"
    R"("port":"port1","guest_path":"01/00","bars":[{"index":0,"guest_address":null},)"
    R"({"index":1,"guest_address":"0x800000000"}]},{"id":"nic0","kind":"vfio","address":null,)"
    R"("plug":"hot","state":"failed","port":"port2","guest_path":"02/00","bars":[],)"
    R"("failure":"nic0: QEMU said \u001b[2Jno"},{"id":"u","kind":"vfio-user","address":null,)"
    R"("socket":"/run/u","plug":"cold","state":"usable","port":"port3","guest_path":"03/00",)"
    R"("bars":[]}],"ports":{"total":5,"spare":3}})";

const char ATTACHED[] =
    R"({"id":"nic1","state":"usable","port":"port2","guest_path":"03/00","seconds":0.25,"bars":[)"
    R"({"index":0,"kind":"mem32","size":131072,"assigned":true,"guest_address":"0xfe800000"},)"
    R"({"index":2,"kind":"io","size":32,"assigned":false,"guest_address":null}]})";

class CommandVm : public testing::Test
{
protected:
  CommandVm ()
  {
    vm.answer = [this] (const std::string &command, const std::string &arguments) {
      heard.push_back (command + " " + arguments);
      return replies[command];
    };
    replies["vmplug-status"] = STATUS;
  }

  FakeVm vm;
  std::map<std::string, std::string> replies;
  std::vector<std::string> heard;
};

TEST_F (CommandVm, StatusForAPerson)
{
  CommandRun run ({ "status", "vm1" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (run.out,
             "vm1: running, kvm, up 1 h 2 min, pid 4711\n"
             "ports: 5, 3 of them spare\n"
             "control: /run/c\n"
             "\n"
             "ID    KIND       STATE   PLUG  PORT   GUEST PATH  HOST          BARS AT\n"
             "gpu0  vfio       usable  cold  port1  01/00       0000:41:00.0  0 -, 1 0x800000000\n"
             "nic0  vfio       failed  hot   port2  02/00       -             -\n"
             "u     vfio-user  usable  cold  port3  03/00       /run/u        -\n"
             "\n"
             "nic0: nic0: QEMU said \\033[2Jno\n");
  EXPECT_EQ (run.err, "");
}

TEST_F (CommandVm, StatusForAProgramIsTheDocument)
{
  CommandRun run ({ "status", "vm1", "--json" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (run.out, std::string (STATUS) + "\n");
}

TEST_F (CommandVm, AnAnswerWithoutAnythingInItIsShown)
{
  replies["vmplug-status"] = R"({"devices":[{}],"uptime":"soon","ports":7})";
  CommandRun run ({ "status", "vm1" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (run.out.find ("-: -, -, up -, pid 0\n"), 0u) << run.out;
}

TEST_F (CommandVm, List)
{
  CommandRun text ({ "list" });
  EXPECT_EQ (text.wait (), 0) << text.err;
  EXPECT_EQ (text.out, "NAME  STATE    ACCEL  DEVICES  UP         PID\n"
                       "vm1   running  kvm    3        1 h 2 min  4711\n");

  CommandRun json ({ "list", "--json" });
  EXPECT_EQ (json.wait (), 0) << json.err;
  EXPECT_EQ (json.out, "{\"vms\":[{\"name\":\"vm1\",\"state\":\"running\",\"pid\":4711,\"accel\":"
                       "\"kvm\",\"uptime\":3725.5,\"ports\":{\"total\":5,\"spare\":3},"
                       "\"devices\":3}]}\n");
}

TEST_F (CommandVm, ListShowsAVmThatDoesNotAnswer)
{
  vm.hang_up ();
  CommandRun run ({ "list" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_NE (run.out.find ("vm1   not-answering  -      -        -   -\n"), std::string::npos)
      << run.out;
}

TEST_F (CommandVm, ListOfNothing)
{
  vm.end ();
  CommandRun text ({ "list" });
  EXPECT_EQ (text.wait (), 0);
  EXPECT_EQ (text.out, "no VM is running\n");
  CommandRun json ({ "list", "--json" });
  EXPECT_EQ (json.wait (), 0);
  EXPECT_EQ (json.out, "{\"vms\":[]}\n");
}

TEST_F (CommandVm, AttachForAPerson)
{
  replies["vmplug-attach"] = ATTACHED;
  CommandRun run ({ "attach", "vm1", "/dev/vfio/40,plug=hot", "--id", "net1" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (heard,
             std::vector<std::string>{
                 R"(vmplug-attach {"spec":"/dev/vfio/40,plug=hot,id=net1","timeout":30.0})" });
  EXPECT_EQ (run.out, "nic1 is usable at 03/00 (port2) after 0.2 s\n"
                      "  BAR 0  mem32  128 KiB  0xfe800000\n"
                      "  BAR 2  io  32 B  no address\n");
}

TEST_F (CommandVm, AttachOfAGroupTellsEachOfItsDevices)
{
  replies["vmplug-attach"] = R"({"id":"a","state":"usable","port":"p1","guest_path":"01/00",)"
                             R"("bars":[],"seconds":1,"others":[{"id":"b","state":"usable",)"
                             R"("port":"p2","guest_path":"02/00","bars":[],"seconds":2}]})";
  CommandRun run ({ "attach", "vm1", "/dev/vfio/40" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (run.out, "a is usable at 01/00 (p1) after 1.0 s\n"
                      "b is usable at 02/00 (p2) after 2.0 s\n");
}

const char *const ONE_OF_TWO =
    R"({"devices":[{"id":"a","state":"usable","port":"p1","guest_path":"01/00","bars":[],)"
    R"("seconds":1},{"spec":"rng,id=b","error":{"code":"busy","message":"group 40: held",)"
    R"("hint":null}}]})";

TEST_F (CommandVm, OfSeveralEachOutcomeIsTold)
{
  replies["vmplug-attach"] = ONE_OF_TWO;
  CommandRun run ({ "attach", "vm1", "rng,id=a", "rng,id=b" });
  EXPECT_EQ (run.wait (), 3) << "that of the first that failed";
  EXPECT_EQ (heard, std::vector<std::string>{
                        R"(vmplug-attach {"specs":["rng,id=a","rng,id=b"],"timeout":30.0})" });
  EXPECT_EQ (run.out, "a is usable at 01/00 (p1) after 1.0 s\n");
  EXPECT_EQ (run.err.find ("vmplug: group 40: held"), 0u) << run.err;
}

TEST_F (CommandVm, OfSeveralTheDocumentIsWhole)
{
  replies["vmplug-attach"] = ONE_OF_TWO;
  CommandRun run ({ "attach", "vm1", "rng,id=a", "rng,id=b", "--json" });
  EXPECT_EQ (run.wait (), 3);
  EXPECT_EQ (run.out, std::string (ONE_OF_TWO) + "\n");
}

TEST_F (CommandVm, SeveralCannotHaveOneId)
{
  CommandRun run ({ "attach", "vm1", "rng", "rng", "--id", "a" });
  EXPECT_EQ (run.wait (), 2);
  EXPECT_NE (run.err.find ("cannot be the id of 2 devices"), std::string::npos) << run.err;
  EXPECT_TRUE (heard.empty ());
}

TEST_F (CommandVm, AttachForAProgramIsTheDocument)
{
  replies["vmplug-attach"] = ATTACHED;
  CommandRun run ({ "attach", "vm1", "rng", "--timeout", "0.5", "--json" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (heard, std::vector<std::string>{ R"(vmplug-attach {"spec":"rng","timeout":0.5})" });
  EXPECT_EQ (run.out, std::string (ATTACHED) + "\n");
}

TEST_F (CommandVm, Detach)
{
  replies["vmplug-detach"] = R"({"id":"nic1","state":"removed","seconds":0.04})";
  CommandRun run ({ "detach", "vm1", "nic1", "--timeout=7" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (heard, std::vector<std::string>{
                        R"(vmplug-detach {"all":false,"force":false,"id":"nic1","timeout":7.0})" });
  EXPECT_EQ (run.out, "nic1 is removed after 0.0 s\n");
}

TEST_F (CommandVm, DetachOfAllThatThereIs)
{
  replies["vmplug-detach"] = R"({"devices":[{"id":"a","state":"removed","attach_count":0,)"
                             R"("seconds":0.2},{"id":"b","state":"removed","attach_count":0,)"
                             R"("seconds":0.1}]})";
  CommandRun run ({ "detach", "vm1", "--all" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (heard, std::vector<std::string>{
                        R"(vmplug-detach {"all":true,"force":false,"timeout":30.0})" });
  EXPECT_EQ (run.out, "a is removed after 0.2 s\nb is removed after 0.1 s\n");
}

TEST_F (CommandVm, WhatIsAttachedMoreOftenStays)
{
  replies["vmplug-detach"] = R"({"id":"a","state":"usable","attach_count":2,"seconds":0})";
  CommandRun run ({ "detach", "vm1", "a" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (run.out, "a stays usable: it is attached 2 more times\n");
}

TEST_F (CommandVm, AllAndAnIdExcludeEachOther)
{
  for (const std::vector<std::string> &args :
       { std::vector<std::string>{ "detach", "vm1", "--all", "a" }, { "detach", "vm1" } })
    {
      CommandRun run (args);
      EXPECT_EQ (run.wait (), 2) << run.err;
    }
  EXPECT_TRUE (heard.empty ());
}

TEST_F (CommandVm, DetachNamesWhatLeftWithIt)
{
  replies["vmplug-detach"] = R"({"id":"a","state":"removed","seconds":1,)"
                             R"("others":[{"id":"b","state":"removed","seconds":1}]})";
  CommandRun run ({ "detach", "vm1", "a" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (run.out, "a is removed after 1.0 s\n"
                      "b is removed after 1.0 s\n");
}

TEST_F (CommandVm, WhatTheGuestStillHoldsIsPending)
{
  vm.failure = g_error_new (VP_ERROR, VP_ERROR_PENDING, "nic1 is still held by the guest");
  CommandRun run ({ "detach", "vm1", "nic1", "--json" });
  EXPECT_EQ (run.wait (), 7);
  EXPECT_EQ (
      run.out.find ("{\"error\":{\"code\":\"pending\",\"message\":\"nic1 is still held by the "
                    "guest\""),
      0u)
      << run.out;
  EXPECT_EQ (run.err.find ("vmplug: nic1 is still held by the guest; "), 0u) << run.err;
}

TEST_F (CommandVm, QmpPrintsWhatIsReturned)
{
  replies["query-cpus-fast"] = R"([{"cpu-index":0}])";
  CommandRun run ({ "qmp", "vm1", "query-cpus-fast" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (run.out, "[{\"cpu-index\":0}]\n");
  EXPECT_EQ (heard, std::vector<std::string>{ "query-cpus-fast {}" });
}

TEST_F (CommandVm, QmpPassesItsArguments)
{
  replies["qom-get"] = "true";
  CommandRun run ({ "qmp", "vm1", "qom-get", R"({"path":"/machine","property":"é"})" });
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (run.out, "true\n");
  EXPECT_EQ (heard,
             std::vector<std::string>{ "qom-get {\"path\":\"/machine\",\"property\":\"é\"}" });
}

TEST_F (CommandVm, StopWaitsUntilTheNameIsFree)
{
  replies["vmplug-stop"] = "{}";
  CommandRun run ({ "stop", "vm1", "--force" });
  EXPECT_EQ (run.wait (300), -1) << "it has not ended yet";
  EXPECT_EQ (heard, std::vector<std::string>{ R"(vmplug-stop {"force":true})" });
  vm.hang_up ();
  EXPECT_EQ (run.wait (300), -1) << "it still has its lock";
  vm.end ();
  EXPECT_EQ (run.wait (), 0) << run.err;
  EXPECT_EQ (run.out.find ("vm1 has ended after 0."), 0u) << run.out;
}

TEST_F (CommandVm, StopGivesUpInTime)
{
  replies["vmplug-stop"] = "{}";
  CommandRun run ({ "stop", "vm1", "--timeout", "0.3" });
  EXPECT_EQ (run.wait (5000), 7);
  EXPECT_EQ (heard, std::vector<std::string>{ R"(vmplug-stop {"force":false})" });
  EXPECT_EQ (run.err.find ("vmplug: vm1 has not ended after 0.3 s"), 0u) << run.err;
  EXPECT_EQ (run.out, "");
}

TEST_F (CommandVm, StopOfOneThatEndsAtThatMoment)
{
  vm.answer = [this] (const std::string &, const std::string &) {
    g_idle_add (
        [] (gpointer user_data) -> gboolean {
          static_cast<FakeVm *> (user_data)->end ();
          return G_SOURCE_REMOVE;
        },
        &vm);
    return "";
  };
  CommandRun run ({ "stop", "vm1" });
  EXPECT_EQ (run.wait (), 0) << run.err;
}

TEST_F (CommandVm, EventsBeginWithTheStatusAndEndWithTheVm)
{
  CommandRun run ({ "events", "vm1" });
  EXPECT_TRUE (run.prints ("\n"));
  vm.broadcast ("STOP", "{}");
  vm.broadcast ("DEVICE_DELETED", R"({"device":"nic1","path":"/machine/peripheral/nic1"})");
  EXPECT_TRUE (run.prints ("DEVICE_DELETED")) << "each line must come at once";
  vm.end ();
  EXPECT_EQ (run.wait (), 0) << run.err;

  std::vector<std::string> lines;
  std::istringstream text (run.out);
  for (std::string line; std::getline (text, line);)
    lines.push_back (line);
  ASSERT_EQ (lines.size (), 3u) << run.out;
  const Heard first (lines[0]), second (lines[1]), third (lines[2]);
  EXPECT_EQ (first.text ({ "event" }), "VMPLUG_STATUS");
  EXPECT_EQ (first.text ({ "data", "name" }), "vm1");
  EXPECT_EQ (second.text ({ "event" }), "STOP");
  EXPECT_EQ (second.json ({ "data" }), "{}");
  EXPECT_EQ (third.text ({ "data", "device" }), "nic1");
  EXPECT_NE (third.json ({ "timestamp", "seconds" }), "");
}

TEST_F (CommandVm, AnEventWhileTheStatusIsOnItsWayIsNotLost)
{
  vm.answer = [this] (const std::string &, const std::string &) {
    vm.broadcast ("STOP", "{}");
    return STATUS;
  };
  CommandRun run ({ "events", "vm1" });
  EXPECT_TRUE (run.prints ("\"STOP\""));
  EXPECT_LT (run.out.find ("VMPLUG_STATUS"), run.out.find ("\"STOP\""));
}

TEST_F (CommandVm, EventsThatNobodyReadsEnd)
{
  CommandRun run ({ "events", "vm1" });
  EXPECT_TRUE (run.prints ("\n"));
  run.close_out ();
  vm.broadcast ("STOP", "{}");
  EXPECT_EQ (run.wait (), 1000 + SIGPIPE);
}

TEST_F (CommandVm, EventsFromAVmThatHangsUpButLivesAreAnError)
{
  CommandRun run ({ "events", "vm1" });
  EXPECT_TRUE (run.prints ("\n"));
  vm.hang_up ();
  EXPECT_EQ (run.wait (), 5);
  EXPECT_EQ (run.err.find ("vmplug: vm1 still runs, but has hung up"), 0u) << run.err;
}

TEST_F (CommandVm, AVmThatEndsInTheMiddleOfACommandIsToldSo)
{
  vm.answer = [this] (const std::string &, const std::string &) {
    g_idle_add (
        [] (gpointer user_data) -> gboolean {
          static_cast<FakeVm *> (user_data)->end ();
          return G_SOURCE_REMOVE;
        },
        &vm);
    return "";
  };
  CommandRun run ({ "attach", "vm1", "rng" });
  EXPECT_EQ (run.wait (), 5) << run.err;
}

struct WrongRow
{
  const char *name;
  std::vector<std::string> words;
  int status;
  const char *message;
};
class CommandVmWrong : public CommandVm, public testing::WithParamInterface<WrongRow>
{
};
const WrongRow wrong_rows[] = {
  { "status_no_vm", { "status", "vm2" }, 5, "no VM named vm2 is running" },
  { "status_way_out", { "status", "../vm1" }, 5, "no VM named ../vm1 is running" },
  { "status_no_name", { "status" }, 2, "too few arguments" },
  { "list_argument", { "list", "vm1" }, 2, "\"vm1\" is an argument too many" },
  { "attach_no_vm", { "attach", "vm2", "rng" }, 5, "no VM named vm2" },
  { "attach_bad_spec", { "attach", "vm1", "bogus" }, 2, "\"bogus\" is not a device" },
  { "attach_bad_id", { "attach", "vm1", "rng", "--id", "a,b=c" }, 2, "\"a,b=c\" is not an id" },
  { "attach_id_twice", { "attach", "vm1", "rng,id=a", "--id", "b" }, 2, "" },
  { "attach_bad_timeout", { "attach", "vm1", "rng", "--timeout", "soon" }, 2, "\"soon\"" },
  { "detach_negative", { "detach", "vm1", "a", "--timeout=-1" }, 2, "\"-1\"" },
  { "detach_infinite", { "detach", "vm1", "a", "--timeout=inf" }, 2, "\"inf\"" },
  { "detach_too_long", { "detach", "vm1", "a", "--timeout=86401" }, 2, "\"86401\"" },
  { "detach_empty", { "detach", "vm1", "a", "--timeout=" }, 2, "\"\"" },
  { "detach_unit", { "detach", "vm1", "a", "--timeout=3s" }, 2, "\"3s\"" },
  { "qmp_no_json", { "qmp", "vm1", "qom-get", "path=/" }, 2, "is no JSON object" },
  { "qmp_array", { "qmp", "vm1", "qom-get", "[]" }, 2, "is no JSON object" },
  { "qmp_two_objects", { "qmp", "vm1", "qom-get", "{}{}" }, 2, "is no JSON object" },
  { "stop_no_vm", { "stop", "vm2" }, 5, "no VM named vm2" },
  { "events_no_vm", { "events", "vm2" }, 5, "no VM named vm2" },
  { "console_no_vm", { "console", "vm2" }, 5, "no VM named vm2" },
};
INSTANTIATE_TEST_SUITE_P (Table,
                          CommandVmWrong,
                          testing::ValuesIn (wrong_rows),
                          name_of_row<WrongRow>);

TEST_P (CommandVmWrong, IsRefusedBeforeAnybodyIsAsked)
{
  CommandRun run (GetParam ().words);
  EXPECT_EQ (run.wait (), GetParam ().status);
  EXPECT_NE (run.err.find (GetParam ().message), std::string::npos) << run.err;
  EXPECT_EQ (run.err.find ("vmplug: "), 0u);
  EXPECT_EQ (std::count (run.err.begin (), run.err.end (), '\n'), 1) << run.err;
  EXPECT_EQ (run.out, "");
  EXPECT_TRUE (heard.empty ());
}

} // namespace
