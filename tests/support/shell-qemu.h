#pragma once

#include <string>

/* A QEMU in a few lines of shell: real in all that a process is (descriptors, exit status, stderr,
 * signals), and saying over QMP only what the test wants.
 *
 *   ShellQemu qemu ("greet; ok; no 'cannot run'; wait_for_end");
 *   vp_qemu_start_async (…, qemu.argv (), …);
 *
 * greet        sends the greeting
 * hear         reads one command, and fails with status 9 when there is none
 * ok, no TEXT  hears a command, and agrees to it or refuses it
 * say EVENT [DATA]
 * print TEXT   on the guest's console
 * note         writes each further command into the file $HEARD, and agrees to it
 * wait_for_end lives until QMP is closed
 */
class ShellQemu
{
public:
  explicit ShellQemu (const std::string &script) : script_ (PRELUDE + script) {}

  char **
  argv ()
  {
    return argv_;
  }

private:
  static constexpr const char *PRELUDE = R"(
greet () { printf '{"QMP":{"version":{},"capabilities":[]}}\r\n' >&3; }
hear () { read -r line <&3 || exit 9; id=${line##*\"id\":}; id=${id%%\}*}; }
agree () { printf '{"return":{},"id":%s}\r\n' "$id" >&3; }
ok () { hear; agree; }
no () { hear; printf '{"error":{"class":"GenericError","desc":"%s"},"id":%s}\r\n' "$1" "$id" >&3; }
say () { printf '{"event":"%s","data":%s}\r\n' "$1" "${2:-{\}}" >&3; }
print () { printf '%s' "$1" >&4; }
note () { while read -r line <&3; do echo "$line" >>"$HEARD"; id=${line##*\"id\":}; id=${id%%\}*}; agree; done; }
wait_for_end () { while read -r line <&3; do :; done; }
)";

  std::string script_;
  char sh_[3] = "sh";
  char c_[3] = "-c";
  char *argv_[4] = { sh_, c_, script_.data (), nullptr };
};
