#pragma once

#include "tests/support/qmp-conversation.h"
#include "tests/support/temp-folder.h"
#include "tests/support/vmplug-program.h"

#include <algorithm>
#include <map>
#include <memory>
#include <sys/stat.h>
#include <sys/un.h>

/* A container runtime with one VM: it starts its QEMU as kata's runtimes do, waits as they wait and
 * stops it as they do, and knows nothing of vmplug. What it has for the VM is in a folder.
 *
 *   KataRuntime runtime (KataRuntime::SHIM);
 *   runtime.start ("qemu-system-x86_64");
 *   EXPECT_EQ (runtime.qmp ().execute ("query-status").error, "");
 *   EXPECT_EQ (runtime.stop (), -SIGKILL);
 *
 * The tap, vhost and virtiofsd descriptors are played by sockets, which need no privilege. */
class KataRuntime
{
public:
  enum Shape
  {
    SHIM,   /* the Go shim: connects before it launches, descriptors from 3 on, kills by pidfile */
    RUST,   /* runtime-rs: descriptors with gaps, relative paths, no pidfile, the end is that of
               stderr */
    DAEMON, /* kata 2.x: -daemonize; QMP by path once the process in the foreground has ended */
  };

  /* The number of what is given with -add-fd. */
  static constexpr int ADDED_FD = 18;

  const Shape shape;
  const std::string sandbox;
  TempFolder folder;

  /* For a test to change before the launch. */
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;

  explicit KataRuntime (Shape its_shape = SHIM, const std::string &its_sandbox = "4d1f2a")
      : shape (its_shape), sandbox (its_sandbox)
  {
    int network[2];

    if (prctl (PR_SET_CHILD_SUBREAPER, 1) != 0 ||
        socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, network) != 0)
      std::abort ();
    network_ = network[0];
    inherited_[shape == SHIM ? 4 : 21] = network[1];
    if (shape == RUST)
      inherited_[ADDED_FD] = open (folder.write ("rootfs.img", std::string (1 << 20, 'r')).c_str (),
                                   O_RDONLY | O_CLOEXEC);
    arguments = make_arguments ();
  }
  ~KataRuntime ()
  {
    if (child_ > 0)
      {
        const pid_t vm = pid ();
        for (pid_t one : { vm, ended_ ? -1 : child_ })
          if (one > 0)
            kill (one, SIGKILL);
        wait (20);
        if (vm > 0)
          ends (vm, 20);
      }
    forget_files ();
    for (int fd : { network_, listener_, stderr_ })
      if (fd >= 0)
        close (fd);
  }
  KataRuntime (const KataRuntime &) = delete;
  KataRuntime &operator= (const KataRuntime &) = delete;

  void
  add (const std::vector<std::string> &more)
  {
    arguments.insert (arguments.end (), more.begin (), more.end ());
  }
  /* The value of an option that is there. */
  std::string &
  value_of (const std::string &option)
  {
    const auto found = std::find (arguments.begin (), arguments.end (), option);
    if (found == arguments.end () || found + 1 == arguments.end ())
      throw std::runtime_error ("no " + option);
    return *(found + 1);
  }
  /* Emulated IOMMUs take its pages one by one, which takes them minutes. */
  void
  do_without_shared_memory ()
  {
    for (const std::string option : { "-object", "-numa" })
      {
        size_t i = arguments.size () - 1;
        while (arguments.at (i) != option)
          i--;
        arguments.erase (arguments.begin () + static_cast<long> (i),
                         arguments.begin () + static_cast<long> (i) + 2);
      }
  }
  void
  boot_kernel (const std::string &kernel, const std::string &initrd, const std::string &append)
  {
    /* The last of several consoles is the one that counts. */
    add ({ "-kernel", kernel, "-initrd", initrd, "-append", append + " console=hvc0" });
  }

  /* Up to where it has to wait for QEMU. */
  void
  launch (const std::string &program)
  {
    if (shape != DAEMON)
      {
        listener_ = listen_at_qmp_socket ();
        inherited_[listener_number ()] = fcntl (listener_, F_DUPFD_CLOEXEC, 0);
      }
    if (shape == SHIM)
      qmp_ = std::make_unique<QmpConversation> (qmp_path ());
    spawn (program);
    forget_files ();
    if (shape == DAEMON && wait () != 0)
      throw std::runtime_error ("the launch failed: " + err ());
  }
  /* What follows, until it can be used. It throws when QEMU hangs up, or says nothing. */
  void
  negotiate ()
  {
    if (qmp_ == nullptr)
      connect ();
    qmp_->negotiate ();
    if (shape == SHIM)
      reconnect ();
    /* Held until here: an end of QEMU before its monitor exists is therefore none of QMP. */
    if (listener_ >= 0)
      close (std::exchange (listener_, -1));
  }
  void
  start (const std::string &program)
  {
    launch (program);
    negotiate ();
  }
  void
  connect ()
  {
    std::string why;

    if (!eventually (
            [&] {
              try
                {
                  qmp_ = std::make_unique<QmpConversation> (qmp_path ());
                }
              catch (const std::runtime_error &error)
                {
                  why = error.what ();
                }
              return qmp_ != nullptr;
            },
            10))
      throw std::runtime_error ("no connection: " + why);
  }
  void
  disconnect ()
  {
    qmp_.reset ();
  }
  void
  reconnect ()
  {
    disconnect ();
    connect ();
    qmp_->negotiate ();
  }

  QmpConversation &
  qmp ()
  {
    return *qmp_;
  }
  std::filesystem::path
  qmp_path () const
  {
    return folder.path ("qmp.sock");
  }
  /* Of the VM, as this runtime finds it; -1 when there is none. */
  pid_t
  pid () const
  {
    long number = -1;

    if (shape == RUST)
      return child_;
    std::ifstream (folder.path ("pid")) >> number;
    return number > 0 ? static_cast<pid_t> (number) : -1;
  }
  /* What was spawned. */
  pid_t
  child () const
  {
    return child_;
  }
  /* What QEMU is to have, by its number, as it is here: device and inode. */
  const std::map<int, std::pair<dev_t, ino_t>> &
  given () const
  {
    return given_;
  }

  /* Under which QEMU has its QMP listener. */
  int
  listener_number () const
  {
    return shape == SHIM ? 3 : 16;
  }

  /* As kata's runtimes do it, with the slots from the root bus on down: "02/00". It throws when
   * they could not. */
  std::string
  guest_path (const std::string &id)
  {
    std::string path = slot_of (id), at = id;

    for (int depth = 0; depth < 10; depth++)
      {
        const std::string bus = get (at, "parent_bus").text ();
        if (bus.rfind ("/machine/", 0) != 0)
          throw std::runtime_error ("parent_bus of " + at + ": " + bus);
        if (bus.size () > 7 && bus.substr (bus.size () - 7) == "/pcie.0")
          return path;
        at = bus.substr (0, bus.rfind ('/'));
        path = slot_of (at) + "/" + path;
      }
    throw std::runtime_error (id + " is too deep");
  }
  /* What it says when it hotplugs a device that is on a bus of its own. */
  QmpAnswer
  add_vfio (const std::string &id, const std::string &host, const std::string &bus)
  {
    return qmp ().execute ("device_add", R"({"id":")" + id + R"(","driver":"vfio-pci","host":")" +
                                             host + R"(","romfile":"","bus":")" + bus + "\"}");
  }

  /* All that came on stderr until now. */
  const std::string &
  err ()
  {
    char piece[4096];
    ssize_t n;

    while (stderr_ >= 0 && (n = read (stderr_, piece, sizeof piece)) >= 0)
      {
        err_.append (piece, static_cast<size_t> (n));
        if (n == 0)
          close (std::exchange (stderr_, -1));
      }
    return err_;
  }
  /* Whether nobody can write on stderr any more, which runtime-rs takes for the VM's end. */
  bool
  err_ends (double seconds = 10)
  {
    return eventually ([this] { return err (), stderr_ < 0; }, seconds);
  }
  /* The exit status of what was spawned, -N for signal N; 1000 when it goes on. */
  int
  wait (double seconds = VmplugProgram::SECONDS)
  {
    int status;

    if (!ended_ && eventually (
                       [&] {
                         err ();
                         return waitpid (child_, &status, WNOHANG) == child_;
                       },
                       seconds))
      {
        ended_ = true;
        status_ = WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status);
      }
    return status_;
  }
  bool
  is_running ()
  {
    return shape == DAEMON ? pid () > 0 && process_state (pid ()) != 'X' : wait (0) == 1000;
  }
  /* Ends the VM as it does; returns the status of what was spawned. */
  int
  stop ()
  {
    const pid_t vm = pid ();

    if (vm <= 0)
      throw std::runtime_error ("no pid to stop: " + err ());
    kill (vm, SIGKILL);
    EXPECT_TRUE (vm == child_ || ends (vm)) << "the VM is not what the pidfile says";
    return wait ();
  }

private:
  int network_ = -1, listener_ = -1, stderr_ = -1;
  std::map<int, int> inherited_; /* number in QEMU -> here */
  std::map<int, std::pair<dev_t, ino_t>> given_;
  std::unique_ptr<QmpConversation> qmp_;
  pid_t child_ = -1;
  bool ended_ = false;
  int status_ = 1000;
  std::string err_;

  std::vector<std::string>
  make_arguments () const
  {
    const std::string id = "sandbox-" + sandbox;
    const std::string console = shape == RUST ? "console" : folder.path ("console");
    std::vector<std::string> words = { "-name", id + (shape == RUST ? "" : ",debug-threads=on") };
    const auto append = [&] (const std::vector<std::string> &more) {
      words.insert (words.end (), more.begin (), more.end ());
    };
    const std::vector<std::string> cpus = { "-smp", "1,cores=1,threads=1,sockets=2,maxcpus=2" };

    if (shape == RUST)
      append (cpus);
    else
      append ({ "-uuid", "3c5a7c2e-7b1b-4f9e-9a38-0d6d3d6f2f11" });
    append ({ "-machine", "q35,accel=tcg", "-cpu", "max" });
    if (shape == RUST)
      append ({ "-m", "256M,slots=10,maxmem=2G", "-qmp", "unix:fd=16,server=on,wait=off" });
    else if (shape == SHIM)
      append ({ "-qmp", "unix:fd=3,server=on,wait=off", "-m", "256M,slots=10,maxmem=2G" });
    else
      append ({ "-qmp", "unix:" + qmp_path ().string () + ",server=on,wait=off", "-m",
                "256M,slots=10,maxmem=2G" });
    append ({ "-device",
              "pci-bridge,bus=pcie.0,id=pci-bridge-0,chassis_nr=1,shpc=off,addr=2,"
              "io-reserve=4k,mem-reserve=1m,pref64-reserve=1m",
              "-device", "virtio-serial-pci,disable-modern=false,id=serial0", "-device",
              "virtconsole,chardev=charconsole0,id=console0", "-chardev",
              "socket,id=charconsole0,path=" + console + ",server=on,wait=off", "-device",
              "virtio-scsi-pci,id=scsi0,disable-modern=false", "-object",
              "rng-random,id=rng0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng0",
              "-device", "pcie-root-port,id=rp0,bus=pcie.0,chassis=0,slot=0,multifunction=off" });
    if (shape == RUST)
      append ({ "-add-fd", "fd=" + std::to_string (ADDED_FD) + ",set=1", "-blockdev",
                "driver=raw,node-name=rootfs,read-only=on,file.driver=file,"
                "file.filename=/dev/fdset/1",
                "-device", "virtio-blk-pci,drive=rootfs,id=virtio-rootfs,bus=pcie.0" });
    append ({ "-netdev", "socket,id=network-0,fd=" + std::to_string (shape == SHIM ? 4 : 21),
              "-device",
              "driver=virtio-net-pci,netdev=network-0,mac=52:54:00:0a:0b:0c,bus=pcie.0,"
              "disable-modern=false,vectors=4" });
    append ({ "-rtc", "base=utc,driftfix=slew,clock=host", "-global",
              "kvm-pit.lost_tick_policy=discard", "-vga", "none", "-no-user-config", "-nodefaults",
              "-nographic", "--no-reboot", "-object",
              "memory-backend-memfd,id=dimm1,size=256M,share=on", "-numa", "node,memdev=dimm1" });
    if (shape == DAEMON)
      append ({ "-daemonize" });
    if (shape != RUST)
      append ({ "-pidfile", folder.path ("pid") });
    if (shape != RUST)
      append (cpus);
    return words;
  }

  /* runtime-rs is in its bundle, and calls the socket by its bare name. */
  int
  listen_at_qmp_socket () const
  {
    struct sockaddr_un address = {};
    const std::string path = shape == RUST ? "qmp.sock" : qmp_path ().string ();
    const std::filesystem::path before = std::filesystem::current_path ();
    const int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sun_family = AF_UNIX;
    if (path.size () >= sizeof address.sun_path)
      throw std::runtime_error (path + " is too long");
    memcpy (address.sun_path, path.c_str (), path.size () + 1);
    std::filesystem::current_path (folder.path (""));
    if (bind (fd, reinterpret_cast<struct sockaddr *> (&address), sizeof address) != 0 ||
        listen (fd, 128) != 0)
      throw std::runtime_error (path + ": " + strerror (errno));
    std::filesystem::current_path (before);
    return fd;
  }
  void
  spawn (const std::string &program)
  {
    int err[2];

    for (const auto &[number, fd] : inherited_)
      {
        struct stat status;
        if (fstat (fd, &status) != 0)
          std::abort ();
        given_[number] = { status.st_dev, status.st_ino };
      }
    if (pipe2 (err, O_CLOEXEC) != 0 || fcntl (err[0], F_SETFL, O_NONBLOCK) != 0)
      std::abort ();
    child_ = fork ();
    if (child_ == 0)
      become (program, err[1]);
    close (err[1]);
    stderr_ = err[0];
  }
  [[noreturn]] void
  become (const std::string &program, int err) const
  {
    const int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
    std::vector<char *> argv = { const_cast<char *> (program.c_str ()) };
    std::map<int, int> high;

    for (const std::string &argument : arguments)
      argv.push_back (const_cast<char *> (argument.c_str ()));
    argv.push_back (nullptr);
    /* It does not outlive the tests, whatever becomes of them. */
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    dup2 (null, STDIN_FILENO);
    dup2 (null, STDOUT_FILENO);
    dup2 (err, STDERR_FILENO);
    /* First out of the way of each other's numbers. */
    for (const auto &[number, fd] : inherited_)
      high[number] = fcntl (fd, F_DUPFD_CLOEXEC, 200);
    for (const auto &[number, fd] : high)
      dup2 (fd, number);
    for (const auto &[name, value] : environment)
      setenv (name.c_str (), value.c_str (), 1);
    unsetenv ("XDG_RUNTIME_DIR");
    if (shape == RUST && chdir (folder.path ("").c_str ()) != 0)
      _exit (125);
    execvp (argv[0], argv.data ());
    dprintf (STDERR_FILENO, "%s: %s\n", argv[0], strerror (errno));
    _exit (126);
  }
  /* Those that QEMU has now; they would keep alive what it lets go. */
  void
  forget_files ()
  {
    for (const auto &[number, fd] : inherited_)
      close (fd);
    inherited_.clear ();
  }
  Json
  get (const std::string &path, const std::string &property)
  {
    const QmpAnswer answer =
        qmp ().execute ("qom-get", R"({"path":")" + path + R"(","property":")" + property + "\"}");
    if (!answer.error.empty ())
      throw std::runtime_error ("qom-get " + path + " " + property + ": " + answer.error);
    return answer.value;
  }
  std::string
  slot_of (const std::string &path)
  {
    const long address = get (path, "addr").number ();
    char text[3];

    if (address < 0 || address > 0xff || address % 8 != 0)
      throw std::runtime_error (path + ": no slot, or not function 0: " + std::to_string (address));
    snprintf (text, sizeof text, "%02lx", static_cast<unsigned long> (address) / 8);
    return text;
  }
};

inline std::string
name_of_shape (KataRuntime::Shape shape)
{
  return shape == KataRuntime::SHIM ? "shim" : shape == KataRuntime::RUST ? "rust" : "daemon";
}
