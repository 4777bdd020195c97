#include "launcher/wrapper/take-over-session.h"

#include "tests/support/row-name.h"
#include "tests/support/take-over-vm.h"

#include <gtest/gtest.h>
#include <vector>

namespace
{

/* A client and a QEMU that talk through a session. */
class Conversation
{
public:
  TakeOverVm vm;
  std::string to_client, to_qemu;
  std::vector<int> fds; /* for QEMU: where in to_qemu descriptors came */
  size_t chunk = 1000000;
  int n_wakes = 0;

  Conversation ()
  {
    VpBusMap *buses = vp_bus_map_new ();

    vp_bus_map_add (buses, "pcie-root-port", "rp0", "pcie.0", nullptr);
    vp_bus_map_add (buses, "pcie-root-port", "rp1", "pcie.0", nullptr);
    vp_bus_map_add (buses, "pci-bridge", "pci-bridge-0", "pcie.0", "2");
    vp_bus_map_add (buses, "virtio-net-pci", "cold0", "rp1", nullptr);
    vm.found = { { "0000:41:00.0", "gpu0" }, { "41:00.0", "gpu0" }, { "/sys/m", "mdev0" } };
    vm.managed = { "gpu0", "mdev0" };

    VpTakeOverHost host = vm.host ();
    devices_ = vp_take_over_devices_new (buses, &host);
    connect ();
  }
  ~Conversation ()
  {
    vp_take_over_session_free (session_);
    vp_take_over_devices_unref (devices_);
  }

  /* A new connection; what is known of the machine stays. */
  void
  connect (guint timeout_ms = 30000)
  {
    g_clear_pointer (&session_, vp_take_over_session_free);
    session_ = vp_take_over_session_new (
        devices_, timeout_ms, [] (gpointer data) { static_cast<Conversation *> (data)->n_wakes++; },
        this);
  }
  void
  client (const std::string &bytes, GUnixFDList *list = nullptr)
  {
    for (size_t at = 0; at < bytes.size (); at += chunk)
      {
        const std::string piece = bytes.substr (at, chunk);

        vp_take_over_session_push_client (session_,
                                          reinterpret_cast<const guint8 *> (piece.data ()),
                                          piece.size (), at == 0 ? list : nullptr);
        collect ();
      }
  }
  void
  qemu (const std::string &bytes)
  {
    for (size_t at = 0; at < bytes.size (); at += chunk)
      {
        const std::string piece = bytes.substr (at, chunk);

        vp_take_over_session_push_qemu (session_, reinterpret_cast<const guint8 *> (piece.data ()),
                                        piece.size ());
        collect ();
      }
  }
  void
  answer (const std::string &error)
  {
    vm.answer (error);
    tick (now_);
  }
  gint64
  tick (gint64 milliseconds)
  {
    now_ = milliseconds;

    gint64 next =
        vp_take_over_session_tick (session_, 1000000 + now_ * 1000, gint64{ 1700000000 } * 1000000);
    collect ();
    return next;
  }
  void
  end ()
  {
    vp_take_over_session_end_client (session_);
    collect ();
  }
  VpTakeOverSession *
  session ()
  {
    return session_;
  }
  VpTakeOverDevices *
  devices ()
  {
    return devices_;
  }

  static constexpr const char *GREETING = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";
  static constexpr const char *CAPABILITIES = "{\"execute\":\"qmp_capabilities\"}\n";
  static constexpr const char *OK = "{\"return\": {}}\r\n";

  /* Shakes hands, which leaves nothing behind. */
  void
  negotiate ()
  {
    qemu (GREETING);
    client (CAPABILITIES);
    qemu (OK);
    EXPECT_EQ (to_qemu, CAPABILITIES);
    EXPECT_EQ (to_client, std::string (GREETING) + OK);
    to_qemu.clear ();
    to_client.clear ();
  }

private:
  VpTakeOverDevices *devices_;
  VpTakeOverSession *session_ = nullptr;
  gint64 now_ = 0;

  void
  collect ()
  {
    GString *output = vp_take_over_session_get_client_output (session_);

    to_client.append (output->str, output->len);
    g_string_truncate (output, 0);
    for (;;)
      {
        g_autoptr (VpTakeOverBytes) bytes = vp_take_over_session_pop_qemu_output (session_);

        if (bytes == nullptr)
          break;
        if (bytes->fds != nullptr)
          fds.push_back (static_cast<int> (to_qemu.size ()));
        to_qemu.append (bytes->bytes->str, bytes->bytes->len);
      }
    vp_take_over_session_resume (session_);
    if (output->len > 0)
      collect ();
  }
};

struct Step
{
  /* C: the client says; Q: QEMU says; A: the VM answers, "" or an error; T: so many ms have passed;
   * N: the VM no longer has the device; R: the client connects anew and shakes hands */
  char who;
  std::string text;
};

struct Row
{
  const char *name;
  std::vector<Step> steps;
  std::string to_qemu;
  std::string to_client;
};

void
PrintTo (const Row &row, std::ostream *out)
{
  *out << row.name;
}

#define ADD_GPU                                                                                    \
  "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"id\":\"vfio-1\","          \
  "\"host\":\"41:00.0\",\"bus\":\"rp0\"}}\n"
#define ADD(id, bus)                                                                               \
  "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"virtio-net-pci\",\"id\":\"" id          \
  "\",\"bus\":\"" bus "\"}}\n"
#define DEL(id)     "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"" id "\"}}\n"
#define QUERY       "{\"execute\":\"query-status\"}\n"
#define OK          "{\"return\": {}}\r\n"
#define RUNNING     "{\"return\": {\"status\": \"running\"}}\r\n"
#define ERROR(desc) "{\"error\": {\"class\": \"GenericError\", \"desc\": \"" desc "\"}}\r\n"
#define EVENT(name, device)                                                                        \
  "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"" name "\", \"data\": "     \
  "{\"device\": \"" device "\", \"path\": \"/machine/peripheral/" device "\"}}\r\n"
#define DELETED(device) EVENT ("DEVICE_DELETED", device)
#define MADE_UP(device)                                                                            \
  "{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 0}, \"event\": "                    \
  "\"DEVICE_DELETED\", \"data\": {\"device\": \"" device "\", \"path\": "                          \
  "\"/machine/peripheral/" device "\"}}\r\n"
#define SLOW(device)                                                                               \
  ERROR ("vmplug: " device ": the guest has not let go within 30 s; it may still do so")
#define REFUSED(device)                                                                            \
  ERROR ("vmplug: " device ": the guest refuses to let go; stop its use there and try again")

const Row rows[] = {
  /* What is none of our business. */
  { "command_passes", { { 'C', QUERY }, { 'Q', RUNNING } }, QUERY, RUNNING },
  { "odd_bytes_pass",
    { { 'C', " {\"execute\" :\r\n\"query-status\"}\t{} \n" }, { 'Q', RUNNING ERROR ("?") } },
    " {\"execute\" :\r\n\"query-status\"}\t{} \n",
    RUNNING ERROR ("?") },
  { "pretty_replies_pass",
    { { 'C', QUERY }, { 'Q', "{\r\n    \"return\": {\r\n    }\r\n}\r\n" } },
    QUERY,
    "{\r\n    \"return\": {\r\n    }\r\n}\r\n" },
  { "events_pass", { { 'Q', EVENT ("RESET", "x") } }, "", EVENT ("RESET", "x") },
  { "a_reply_to_nothing_passes", { { 'Q', OK } }, "", OK },
  { "what_is_no_qmp_passes", { { 'Q', "12 \"x\" {\"y\":1}\n" } }, "", "12 \"x\" {\"y\":1}\n" },

  /* Devices that vmplug has. */
  { "host_device_is_there", { { 'C', ADD_GPU } }, "", OK },
  { "full_address",
    { { 'C', "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\","
             "\"host\":\"0000:41:00.0\",\"id\":\"v\"},\"id\":\"a-1\"}" } },
    "",
    "{\"return\": {}, \"id\": \"a-1\"}\r\n" },
  { "sysfsdev",
    { { 'C', "{\"id\":{\"n\":[7]},\"execute\":\"device_add\",\"arguments\":{\"driver\":"
             "\"vfio-pci\",\"sysfsdev\":\"/sys/m\"}}\n" } },
    "",
    "{\"return\": {}, \"id\": {\"n\":[7]}}\r\n" },
  { "escapes_hide_nothing",
    { { 'C', "{\"execute\":\"device\\u005fadd\",\"arguments\":{\"driver\":\"vfio-pci\","
             "\"host\":\"41:00.0\"}}\n" } },
    "",
    OK },
  { "other_host_device_passes",
    { { 'C', "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"host\":\"1:0.0\""
             ",\"bus\":\"rp0\"}}\n" },
      { 'Q', OK } },
    "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"host\":\"1:0.0\""
    ",\"bus\":\"rp0\"}}\n",
    OK },
  { "answers_keep_their_order",
    { { 'C', QUERY ADD_GPU QUERY }, { 'Q', RUNNING OK } },
    QUERY QUERY,
    RUNNING OK OK },
  { "same_id_twice", { { 'C', ADD_GPU ADD_GPU } }, "", OK ERROR ("Duplicate device ID 'vfio-1'") },
  { "same_device_twice",
    { { 'C', ADD_GPU "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"id\":"
                     "\"b\",\"host\":\"41:00.0\"}}" } },
    "",
    OK ERROR ("vmplug: b: the device is there already, as 'vfio-1'; delete that first") },
  { "its_id_is_not_given_again",
    { { 'C', ADD_GPU ADD ("vfio-1", "rp0") } },
    "",
    OK ERROR ("Duplicate device ID 'vfio-1'") },
  { "an_id_that_qemu_has",
    { { 'C', "{\"execute\":\"device_add\",\"arguments\":{\"driver\":"
             "\"vfio-pci\",\"id\":\"cold0\",\"host\":\"41:00.0\"}}" } },
    "",
    ERROR ("Duplicate device ID 'cold0'") },

  /* Its ids. */
  { "ids_are_translated",
    { { 'C', ADD_GPU "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"vfio-1\",\"property\":"
                     "\"addr\"},\"id\":\"vfio-1\"}\n" },
      { 'Q', "{\"return\": \"/machine/peripheral/gpu0/x\", \"id\": \"vfio-1\"}\r\n" } },
    "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"gpu0\",\"property\":\"addr\"},\"id\":"
    "\"vfio-1\"}\n",
    OK "{\"return\": \"/machine/peripheral/vfio-1/x\", \"id\": \"vfio-1\"}\r\n" },
  { "their_own_message_id_is_not_translated",
    { { 'C', ADD_GPU "{\"execute\":\"query-pci\",\"id\":\"gpu0\"}\n" },
      { 'Q',
        "{\"return\": [{\"qdev_id\": \"gpu0\", \"gpu0\": \"agpu0\"}], \"id\": \"gpu0\"}\r\n" } },
    "{\"execute\":\"query-pci\",\"id\":\"gpu0\"}\n",
    OK "{\"return\": [{\"qdev_id\": \"vfio-1\", \"gpu0\": \"agpu0\"}], \"id\": \"gpu0\"}\r\n" },
  { "paths_are_translated",
    { { 'C',
        ADD_GPU "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/machine/peripheral/"
                "vfio-1\"}}{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"/machine/"
                "peripheral/vfio-1/a[0]\",\"property\":\"vfio-1\",\"value\":\"vfio-1\"}}\n" } },
    "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/machine/peripheral/gpu0\"}}"
    "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"/machine/peripheral/gpu0/a[0]\","
    "\"property\":\"vfio-1\",\"value\":\"vfio-1\"}}\n",
    OK },
  { "backends_of_the_same_name_are_not",
    { { 'C', ADD_GPU "{\"execute\":\"netdev_del\",\"arguments\":{\"id\":\"vfio-1\"}}\n" } },
    "{\"execute\":\"netdev_del\",\"arguments\":{\"id\":\"vfio-1\"}}\n",
    OK },
  { "an_equal_id_changes_nothing",
    { { 'C', "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"id\":\"gpu0\","
             "\"host\":\"41:00.0\"}}{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"gpu0\"}}" },
      { 'Q', DELETED ("gpu0") } },
    "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"gpu0\"}}",
    OK DELETED ("gpu0") },
  { "ids_outlive_the_connection",
    { { 'C', ADD_GPU }, { 'R', "" }, { 'Q', DELETED ("gpu0") } },
    "",
    OK DELETED ("vfio-1") },
  { "gone_without_us_frees_the_id",
    { { 'C', ADD_GPU }, { 'N', "gpu0" }, { 'Q', DELETED ("gpu0") DELETED ("gpu0") } },
    "",
    OK DELETED ("vfio-1") DELETED ("gpu0") },

  /* Devices that need a place. */
  { "unknown_bus", { { 'C', ADD ("n1", "rp9") }, { 'A', "" } }, "", OK },
  { "unknown_bus_fails",
    { { 'C', ADD ("n1", "rp9") }, { 'A', "no port" } },
    "",
    ERROR ("no port") },
  { "taken_port", { { 'C', ADD ("n1", "rp1") }, { 'A', "" } }, "", OK },
  { "free_port_passes", { { 'C', ADD ("n1", "rp0") }, { 'Q', OK } }, ADD ("n1", "rp0"), OK },
  { "a_port_is_taken_once",
    { { 'C', ADD ("n1", "rp0") ADD ("n2", "rp0") }, { 'Q', OK }, { 'A', "" } },
    ADD ("n1", "rp0"),
    OK OK },
  { "a_refused_device_takes_no_port",
    { { 'C', ADD ("n1", "rp0") }, { 'Q', ERROR ("no") }, { 'C', ADD ("n2", "rp0") }, { 'Q', OK } },
    ADD ("n1", "rp0") ADD ("n2", "rp0"),
    ERROR ("no") OK },
  { "a_duplicate_leaves_the_first",
    { { 'C', ADD ("n1", "rp0") ADD ("n1", "pci-bridge-0") },
      { 'Q', OK ERROR ("Duplicate") },
      { 'C', ADD ("n2", "rp0") },
      { 'A', "" } },
    ADD ("n1", "rp0") ADD ("n1", "pci-bridge-0"),
    OK ERROR ("Duplicate") OK },
  { "a_deleted_device_frees_its_port",
    { { 'C', ADD ("n1", "rp0") },
      { 'Q', OK DELETED ("n1") },
      { 'C', ADD ("n2", "rp0") },
      { 'Q', OK } },
    ADD ("n1", "rp0") ADD ("n2", "rp0"),
    OK DELETED ("n1") OK },
  { "devices_on_other_buses_pass",
    { { 'C', "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"scsi-hd\",\"bus\":"
             "\"scsi0.0\"}}\n" },
      { 'Q', OK } },
    "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"scsi-hd\",\"bus\":\"scsi0.0\"}}\n",
    OK },
  { "what_follows_an_attach_waits",
    { { 'C', ADD ("n1", "x") QUERY }, { 'A', "" }, { 'Q', RUNNING } },
    QUERY,
    OK RUNNING },
  { "what_follows_an_attach_waits_for_nothing_else", { { 'C', ADD ("n1", "x") QUERY } }, "", "" },
  { "events_do_not_wait",
    { { 'C', ADD ("n1", "x") QUERY }, { 'Q', EVENT ("E", "d") } },
    "",
    EVENT ("E", "d") },

  /* Deleting. */
  { "ours",
    { { 'C', ADD_GPU DEL ("vfio-1") }, { 'Q', DELETED ("gpu0") }, { 'A', "" } },
    "",
    OK DELETED ("vfio-1") OK },
  { "ours_and_the_event_comes_last",
    { { 'C', ADD_GPU DEL ("vfio-1") }, { 'A', "" }, { 'Q', DELETED ("gpu0") } },
    "",
    OK DELETED ("vfio-1") OK },
  { "ours_by_path",
    { { 'C', ADD_GPU DEL ("/machine/peripheral/vfio-1") }, { 'Q', DELETED ("gpu0") }, { 'A', "" } },
    "",
    OK DELETED ("vfio-1") OK },
  { "ours_without_an_event",
    { { 'C', ADD_GPU DEL ("vfio-1") }, { 'A', "" }, { 'T', "1000" } },
    "",
    OK MADE_UP ("vfio-1") OK },
  { "ours_fails", { { 'C', ADD_GPU DEL ("vfio-1") }, { 'A', "no" } }, "", OK ERROR ("no") },
  { "ours_fails_and_keeps_its_id",
    { { 'C', ADD_GPU DEL ("vfio-1") }, { 'A', "no" }, { 'Q', EVENT ("E", "gpu0") } },
    "",
    OK ERROR ("no") EVENT ("E", "vfio-1") },
  { "ours_can_come_back",
    { { 'C', ADD_GPU DEL ("vfio-1") }, { 'Q', DELETED ("gpu0") }, { 'A', "" }, { 'C', ADD_GPU } },
    "",
    OK DELETED ("vfio-1") OK OK },
  { "ours_answered_after_the_client_left",
    { { 'C', ADD_GPU DEL ("vfio-1") }, { 'R', "" }, { 'A', "" }, { 'Q', DELETED ("gpu0") } },
    "",
    OK DELETED ("gpu0") },
  { "theirs", { { 'C', DEL ("n1") }, { 'Q', OK DELETED ("n1") } }, DEL ("n1"), DELETED ("n1") OK },
  { "theirs_event_first",
    { { 'C', DEL ("n1") }, { 'Q', DELETED ("n1") OK } },
    DEL ("n1"),
    DELETED ("n1") OK },
  { "theirs_is_not_there",
    { { 'C', DEL ("n1") }, { 'Q', ERROR ("no n1") } },
    DEL ("n1"),
    ERROR ("no n1") },
  { "theirs_is_waited_for",
    { { 'C', DEL ("n1") }, { 'Q', OK DELETED ("n2") }, { 'T', "29999" } },
    DEL ("n1"),
    DELETED ("n2") },
  { "theirs_takes_too_long",
    { { 'C', DEL ("n1") }, { 'Q', OK }, { 'T', "30000" } },
    DEL ("n1"),
    SLOW ("n1") },
  { "theirs_is_refused",
    { { 'C', DEL ("n1") }, { 'Q', OK EVENT ("DEVICE_UNPLUG_GUEST_ERROR", "n1") } },
    DEL ("n1"),
    EVENT ("DEVICE_UNPLUG_GUEST_ERROR", "n1") REFUSED ("n1") },
  { "theirs_was_refused_before",
    { { 'C', DEL ("n1") QUERY }, { 'Q', EVENT ("MEM_UNPLUG_ERROR", "n1") OK RUNNING } },
    DEL ("n1") QUERY,
    EVENT ("MEM_UNPLUG_ERROR", "n1") REFUSED ("n1") RUNNING },
  { "replies_keep_their_order_behind_it",
    { { 'C', DEL ("n1") QUERY QUERY },
      { 'Q', OK },
      { 'Q', RUNNING },
      { 'Q', "{\"return\": 2}\r\n" DELETED ("n1") } },
    DEL ("n1") QUERY QUERY,
    DELETED ("n1") OK RUNNING "{\"return\": 2}\r\n" },
  { "only_one_reply_is_kept_at_a_time",
    { { 'C', DEL ("n1") QUERY QUERY }, { 'Q', OK } },
    DEL ("n1") QUERY,
    "" },

  /* What is no command has an answer too. */
  { "garbage_is_answered_by_qemu",
    { { 'C', "hello, " ADD_GPU }, { 'Q', ERROR ("1") ERROR ("2") } },
    "hello, ",
    ERROR ("1") ERROR ("2") OK },
  { "a_stray_byte_is_answered_once",
    { { 'C', "@@ @\n" ADD_GPU }, { 'Q', ERROR ("1") } },
    "@@ @\n",
    ERROR ("1") OK },
  { "out_of_band_overtakes",
    { { 'C', DEL ("n1") "{\"exec-oob\":\"migrate-pause\",\"id\": {\"b\" :1}}" ADD_GPU },
      { 'Q', "{\"return\": {}, \"id\": {\"b\": 1}}\r\n" ERROR ("x") } },
    DEL ("n1") "{\"exec-oob\":\"migrate-pause\",\"id\": {\"b\" :1}}",
    "{\"return\": {}, \"id\": {\"b\": 1}}\r\n" ERROR ("x") OK },
};

class TakeOverSession : public testing::TestWithParam<Row>
{
};

void
run (Conversation &talk, const Row &row)
{
  talk.negotiate ();
  for (const Step &step : row.steps)
    switch (step.who)
      {
      case 'C':
        talk.client (step.text);
        break;
      case 'Q':
        talk.qemu (step.text);
        break;
      case 'A':
        ASSERT_FALSE (talk.vm.asked.empty ());
        talk.answer (step.text);
        break;
      case 'T':
        talk.tick (0);
        talk.tick (std::stol (step.text));
        break;
      case 'N':
        talk.vm.managed.erase (step.text);
        break;
      default:
        {
          const std::string to_client = talk.to_client, to_qemu = talk.to_qemu;

          talk.to_client.clear ();
          talk.to_qemu.clear ();
          talk.connect ();
          talk.negotiate ();
          talk.to_client = to_client;
          talk.to_qemu = to_qemu;
        }
      }
}

TEST_P (TakeOverSession, SaysTheSameInEveryChunkSize)
{
  const Row &row = GetParam ();

  for (size_t chunk : { 100000, 1, 2, 3, 7, 16, 61 })
    {
      Conversation talk;

      talk.chunk = chunk;
      run (talk, row);
      EXPECT_EQ (talk.to_qemu, row.to_qemu) << "chunks of " << chunk;
      EXPECT_EQ (talk.to_client, row.to_client) << "chunks of " << chunk;
    }
}

INSTANTIATE_TEST_SUITE_P (Table, TakeOverSession, testing::ValuesIn (rows), name_of_row<Row>);

std::string
large_command (size_t size)
{
  return "{\"execute\":\"x\",\"arguments\":{\"a\":\"" + std::string (size, 'x') + "\"}}\n";
}

TEST (TakeOverSessionBounds, ALongCommandPassesAndIsCounted)
{
  const std::string large = large_command (3 * VP_TAKE_OVER_MAX_COMMAND);

  for (size_t chunk : { 4096, 65536, 1000000 })
    {
      Conversation talk;

      talk.negotiate ();
      talk.chunk = chunk;
      talk.client (large + ADD_GPU QUERY);
      EXPECT_EQ (talk.to_qemu, large + QUERY);
      EXPECT_EQ (talk.to_client, "");
      talk.qemu (ERROR ("x") RUNNING);
      EXPECT_EQ (talk.to_client, ERROR ("x") OK RUNNING);
    }
}

TEST (TakeOverSessionBounds, ALongReplyPassesAsItComes)
{
  const std::string large = "{\"return\": [\"" + std::string (2 << 20, 'x') + "\", \"gpu0\"]}\r\n";
  Conversation talk;

  talk.negotiate ();
  talk.client (ADD_GPU QUERY);
  talk.to_client.clear ();
  talk.qemu (large.substr (0, 1 << 20));
  EXPECT_GT (talk.to_client.size (), (1u << 20) - 2048);
  talk.qemu (large.substr (1 << 20));
  EXPECT_EQ (talk.to_client,
             "{\"return\": [\"" + std::string (2 << 20, 'x') + "\", \"vfio-1\"]}\r\n");
}

TEST (TakeOverSessionBounds, AReplyThatIsTooLongToKeepEndsTheWait)
{
  const std::string large = "{\"return\": \"" + std::string (17 << 20, 'x') + "\"}\r\n";
  Conversation talk;

  talk.negotiate ();
  talk.client (DEL ("n1") QUERY);
  talk.chunk = 65536;
  talk.qemu (OK);
  talk.qemu (large);
  EXPECT_NE (talk.to_client.find ("vmplug: n1: still under way"), std::string::npos);
  EXPECT_TRUE (talk.to_client.substr (talk.to_client.find ("\r\n") + 2) == large);
}

TEST (TakeOverSessionBounds, AClientThatDoesNotReadIsNotReadFrom)
{
  Conversation talk;

  talk.negotiate ();
  for (int i = 0; i < 40000; i++)
    vp_take_over_session_push_client (talk.session (), reinterpret_cast<const guint8 *> (ADD_GPU),
                                      sizeof ADD_GPU - 1, nullptr);
  EXPECT_FALSE (vp_take_over_session_wants_client (talk.session ()));
  EXPECT_LT (vp_take_over_session_get_client_output (talk.session ())->len,
             VP_TAKE_OVER_MAX_UNSENT + 1024);
  talk.client ("");
  vp_take_over_session_resume (talk.session ());
}

TEST (TakeOverSessionBounds, ManyCommandsInOnePiece)
{
  std::string commands, replies;
  Conversation talk;

  talk.negotiate ();
  for (int i = 0; i < 10000; i++)
    {
      const std::string id = ",\"id\":" + std::to_string (i) + "}\r\n";

      commands += "{\"execute\":\"query-status\"" + id;
      replies += "{\"return\":{}" + id;
    }
  /* as far as may be under way, and then the rest */
  talk.client (commands);
  EXPECT_LT (talk.to_qemu.size (), commands.size ());
  talk.chunk = 1000;
  talk.qemu (replies);
  EXPECT_EQ (talk.to_qemu, commands);
  EXPECT_EQ (talk.to_client, replies);
}

/* Descriptors, which are never looked at. */
class Descriptors
{
public:
  Descriptors () : list_ (g_unix_fd_list_new ()) {}
  ~Descriptors () { g_object_unref (list_); }
  operator GUnixFDList * () { return list_; }

private:
  GUnixFDList *list_;
};

#define GETFD "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"a\"}}\n"

TEST (TakeOverSessionFds, GoWithTheCommandInWhoseBytesTheyCame)
{
  Descriptors fds;
  Conversation talk;

  talk.negotiate ();
  talk.client (QUERY);
  talk.client (GETFD, fds);
  talk.client (QUERY);
  EXPECT_EQ (talk.fds, std::vector<int>{ sizeof QUERY - 1 });
  EXPECT_EQ (talk.to_qemu, QUERY GETFD QUERY);
}

TEST (TakeOverSessionFds, GoEarlyWhereTheKernelGluesTwoMessages)
{
  Descriptors fds;
  Conversation talk;

  talk.negotiate ();
  talk.client (QUERY GETFD, fds);
  EXPECT_EQ (talk.fds, std::vector<int>{ 0 });
}

TEST (TakeOverSessionFds, GoWithTheNextCommandWhenOneIsTakenOver)
{
  Descriptors fds;
  Conversation talk;

  talk.negotiate ();
  talk.client (ADD_GPU GETFD, fds);
  EXPECT_EQ (talk.fds, std::vector<int>{ 0 });
  EXPECT_EQ (talk.to_qemu, GETFD);
}

TEST (TakeOverSessionFds, DoNotReplaceThoseOfTheCommandBefore)
{
  Descriptors first, second;
  Conversation talk;
  const std::string getfd = GETFD;

  talk.negotiate ();
  talk.client (getfd.substr (0, 9), first);
  talk.client (getfd.substr (9) + getfd, second);
  EXPECT_EQ (talk.fds, (std::vector<int>{ 0, sizeof GETFD - 1 }));
}

TEST (TakeOverSessionFds, WaitWithTheirCommand)
{
  Descriptors fds;
  Conversation talk;

  talk.negotiate ();
  talk.client (ADD ("n1", "x"));
  talk.client (GETFD, fds);
  EXPECT_EQ (talk.fds, std::vector<int>{});
  talk.answer ("");
  EXPECT_EQ (talk.fds, std::vector<int>{ 0 });
}

TEST (TakeOverSessionFds, AreDroppedWhenNobodyTakesThem)
{
  Descriptors fds;
  Conversation talk;

  talk.negotiate ();
  for (int i = 0; i < 100; i++)
    talk.client (ADD_GPU, fds);
  EXPECT_LE (G_OBJECT (static_cast<GUnixFDList *> (fds))->ref_count, 17u);
}

TEST (TakeOverSessionState, NothingIsTakenOverBeforeTheHandshake)
{
  Conversation talk;

  talk.qemu (Conversation::GREETING);
  talk.client (ADD_GPU);
  talk.qemu (ERROR ("negotiate"));
  EXPECT_EQ (talk.to_qemu, ADD_GPU);
  EXPECT_EQ (talk.to_client, std::string (Conversation::GREETING) + ERROR ("negotiate"));
}

TEST (TakeOverSessionState, ADeviceAddRightBehindTheHandshakeIsTakenOver)
{
  Conversation talk;

  talk.client (std::string (Conversation::CAPABILITIES) + ADD_GPU);
  EXPECT_EQ (talk.to_qemu, Conversation::CAPABILITIES);
  talk.qemu (EVENT ("E", "d"));
  talk.qemu (Conversation::GREETING);
  talk.qemu (OK);
  EXPECT_EQ (talk.to_qemu, Conversation::CAPABILITIES);
  EXPECT_EQ (talk.to_client, std::string (EVENT ("E", "d")) + Conversation::GREETING + OK + OK);
}

TEST (TakeOverSessionState, AnAnswerWakes)
{
  Conversation talk;

  talk.negotiate ();
  talk.client (ADD ("n1", "x"));
  EXPECT_EQ (talk.n_wakes, 0);
  talk.answer ("");
  EXPECT_EQ (talk.n_wakes, 1);
  talk.vm.answers_at_once = true;
  talk.client (ADD ("n2", "x"));
  EXPECT_EQ (talk.n_wakes, 1);
  EXPECT_EQ (talk.to_client, OK OK);
}

TEST (TakeOverSessionState, TheVmsOwnIdIsLearntFromAnAttach)
{
  Conversation talk;

  talk.negotiate ();
  talk.client ("{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",\"id\":\"v2\","
               "\"host\":\"42:00.0\",\"bus\":\"rp9\"}}\n");
  talk.vm.found["42:00.0"] = "auto7";
  talk.answer ("");
  talk.to_client.clear ();
  talk.qemu (DELETED ("auto7"));
  EXPECT_EQ (talk.to_client, DELETED ("v2"));
}

TEST (TakeOverSessionState, WithoutATimeoutTheReturnIsNotHeldBack)
{
  Conversation talk;

  talk.connect (0);
  talk.negotiate ();
  talk.client (DEL ("n1"));
  talk.qemu (OK);
  EXPECT_EQ (talk.to_client, OK);
}

TEST (TakeOverSessionState, TellsWhenItWantsToBeCalled)
{
  Conversation talk;

  talk.negotiate ();
  EXPECT_EQ (talk.tick (0), -1);
  talk.client (DEL ("n1"));
  EXPECT_EQ (talk.tick (0), -1);
  talk.qemu (OK);
  EXPECT_EQ (talk.tick (5), 1000000 + 30005 * 1000);
  EXPECT_EQ (talk.tick (30005), -1);
  EXPECT_EQ (talk.to_client, SLOW ("n1"));
}

TEST (TakeOverSessionState, AnUnfinishedCommandGoesToQemuAtTheEnd)
{
  Conversation talk;

  talk.negotiate ();
  talk.client (ADD_GPU "{\"exec");
  EXPECT_TRUE (vp_take_over_session_is_settled (talk.session ()));
  talk.end ();
  EXPECT_EQ (talk.to_qemu, "{\"exec");
}

} // namespace
