#pragma once

#include <string>
#include <vector>

/* QEMU's command lines as others write them: what is in them, and in which order, are facts of the
 * programs; the paths and numbers are made up. */
namespace foreign_lines
{

using Line = std::vector<std::string>;

inline Line
operator+ (Line one, const Line &other)
{
  one.insert (one.end (), other.begin (), other.end ());
  return one;
}

/* What Kata Containers' runtime in Go writes (govmm, LaunchQemu()); @devices are those that
 * only some sandboxes have, @firmware what stands before the iothreads. */
inline Line
kata (const Line &bridges,
      const Line &devices = {},
      const Line &firmware = {},
      const std::string &machine = "q35,accel=kvm")
{
  return Line{ "/usr/bin/qemu-system-x86_64",
               "-name",
               "sandbox-0123456789abcdef,debug-threads=on",
               "-uuid",
               "6ed5f1c4-8a0f-4b2e-9a4b-2f1b7a1c3d5e",
               "-machine",
               machine,
               "-cpu",
               "host,pmu=off",
               "-qmp",
               "unix:fd=3,server=on,wait=off",
               "-m",
               "2048M,slots=10,maxmem=65359M" } +
         bridges +
         Line{ "-device",
               "virtio-serial-pci,disable-modern=false,id=serial0",
               "-device",
               "virtconsole,chardev=charconsole0,id=console0",
               "-chardev",
               "socket,id=charconsole0,path=/run/vc/vm/0123456789abcdef/console.sock,server=on,"
               "wait=off" } +
         devices +
         Line{ "-device",
               "virtio-scsi-pci,id=scsi0,disable-modern=false",
               "-object",
               "rng-random,id=rng0,filename=/dev/urandom",
               "-device",
               "virtio-rng-pci,rng=rng0",
               "-device",
               "vhost-vsock-pci,disable-modern=false,vhostfd=4,id=vsock-2771,guest-cid=2771,"
               "bus=pcie.0",
               "-chardev",
               "socket,id=char-1b2c3d,path=/run/vc/vm/0123456789abcdef/vhost-fs.sock",
               "-device",
               "vhost-user-fs-pci,chardev=char-1b2c3d,tag=kataShared,queue-size=1024,bus=pcie.0",
               "-netdev",
               "tap,id=network-0,vhost=on,vhostfds=5,fds=6",
               "-device",
               "driver=virtio-net-pci,netdev=network-0,mac=02:42:ac:11:00:02,bus=pcie.0,"
               "disable-modern=false,mq=on,vectors=4",
               "-rtc",
               "base=utc,driftfix=slew,clock=host",
               "-global",
               "kvm-pit.lost_tick_policy=discard",
               "-vga",
               "none",
               "-no-user-config",
               "-nodefaults",
               "-nographic",
               "--no-reboot",
               "-object",
               "memory-backend-file,id=dimm1,size=2048M,mem-path=/dev/shm,share=on",
               "-numa",
               "node,memdev=dimm1",
               "-kernel",
               "/usr/share/kata-containers/vmlinux.container",
               "-append",
               "tsc=reliable no_timer_check rcupdate.rcu_expedited=1 console=hvc0 quiet" } +
         firmware +
         Line{ "-pidfile", "/run/vc/vm/0123456789abcdef/pid", "-smp",
               "1,cores=1,threads=1,sockets=16,maxcpus=16" };
}

inline Line
kata_bridge (const std::string &number, const std::string &slot)
{
  return { "-device", "pci-bridge,bus=pcie.0,id=pci-bridge-" + number + ",chassis_nr=" +
                          std::to_string (std::stoi (number) + 1) + ",shpc=off,addr=" + slot +
                          ",io-reserve=4k,mem-reserve=1m,pref64-reserve=1m" };
}

/* With a firmware they are behind ports, because OVMF would give them no windows. */
inline Line
kata_nested_bridge (const std::string &number)
{
  return { "-device",
           "pcie-root-port,id=rp-pci-bridge-" + number + ",bus=pcie.0,chassis=16,slot=" + number +
               ",multifunction=off,io-reserve=4k,mem-reserve=1m,pref64-reserve=1m",
           "-device",
           "pcie-pci-bridge,bus=rp-pci-bridge-" + number + ",id=pci-bridge-" + number +
               ",addr=00" };
}

inline Line
kata_root_ports (unsigned n)
{
  Line line;

  for (unsigned i = 0; i < n; i++)
    line = line + Line{ "-device", "pcie-root-port,id=rp" + std::to_string (i) +
                                       ",bus=pcie.0,chassis=0,slot=" + std::to_string (i) +
                                       ",multifunction=off" };
  return line;
}

inline Line
kata_nvdimm ()
{
  return { "-device", "nvdimm,id=nv0,memdev=mem0,unarmed=on", "-object",
           "memory-backend-file,id=mem0,mem-path=/usr/share/kata-containers/kata.img,"
           "size=268435456,readonly=on" };
}

/* What its runtime in Rust writes: paths that start in the bundle, descriptors with gaps. */
inline Line
kata_rust ()
{
  return { "/usr/bin/qemu-system-x86_64",
           "-name",
           "sandbox-fedcba9876543210,debug-threads=on",
           "-kernel",
           "/usr/share/kata-containers/vmlinux.container",
           "-append",
           "console=hvc0 quiet",
           "-smp",
           "1,cores=1,threads=1,sockets=8,maxcpus=8",
           "-machine",
           "q35,accel=kvm",
           "-cpu",
           "host,pmu=off",
           "-m",
           "2048M,slots=10,maxmem=32768M",
           "-qmp",
           "unix:qmp.sock,server=on,wait=off",
           "-add-fd",
           "fd=16,set=1,opaque=/usr/share/kata-containers/kata.img",
           "-blockdev",
           R"({"driver":"raw","node-name":"image","read-only":true,"file":{"driver":"file",)"
           R"("filename":"/dev/fdset/1"}})",
           "-device",
           "virtio-blk-pci,drive=image,disable-modern=false,share-rw=on,serial=image",
           "-device",
           "pcie-root-port,id=rp0,bus=pcie.0,chassis=0,slot=0,addr=0x9,multifunction=off",
           "-object",
           "iommufd,id=iommufdvfio-d3adb33f00000000",
           "-device",
           "vfio-pci,host=0000:65:00.0,id=vfio-d3adb33f00000000,bus=rp0,addr=0x0,"
           "iommufd=iommufdvfio-d3adb33f00000000",
           "-device",
           "vhost-vsock-pci,disable-modern=false,vhostfd=21,guest-cid=3771",
           "-chardev",
           "socket,id=chardev-virtiofs,path=virtiofsd.sock",
           "-device",
           "vhost-user-fs-pci,chardev=chardev-virtiofs,tag=kataShared,queue-size=1024",
           "-netdev",
           "tap,id=network-0,vhost=on,vhostfds=19,fds=18",
           "-device",
           "virtio-net-pci,netdev=network-0,mac=02:42:ac:11:00:02,mq=on,vectors=4",
           "-object",
           "memory-backend-memfd,id=entire-guest-memory-share,size=2048M,share=on",
           "-numa",
           "node,memdev=entire-guest-memory-share",
           "-vga",
           "none",
           "-no-user-config",
           "-nodefaults",
           "-nographic",
           "-no-reboot" };
}

/* What libvirt writes: JSON, every device with its place, paused. */
inline Line
libvirt ()
{
  return { "/usr/bin/qemu-system-x86_64",
           "-name",
           "guest=debian,debug-threads=on",
           "-S",
           "-object",
           R"({"qom-type":"secret","id":"masterKey0","format":"raw","file":"/run/master-key.aes"})",
           "-blockdev",
           R"({"driver":"file","filename":"/var/lib/firmware/OVMF_CODE.fd",)"
           R"("node-name":"libvirt-pflash0-storage","auto-read-only":true,"discard":"unmap"})",
           "-blockdev",
           R"({"node-name":"libvirt-pflash0-format","read-only":true,"driver":"raw",)"
           R"("file":"libvirt-pflash0-storage"})",
           "-machine",
           "pc-q35-7.2,usb=off,vmport=off,dump-guest-core=off,memory-backend=pc.ram,"
           "pflash0=libvirt-pflash0-format",
           "-accel",
           "kvm",
           "-cpu",
           "host,migratable=on",
           "-m",
           "size=4194304k",
           "-object",
           R"({"qom-type":"memory-backend-ram","id":"pc.ram","size":4294967296})",
           "-overcommit",
           "mem-lock=off",
           "-smp",
           "4,sockets=4,cores=1,threads=1",
           "-uuid",
           "7b55704c-29f4-11b2-a85c-9dc6ff50623f",
           "-display",
           "none",
           "-no-user-config",
           "-nodefaults",
           "-chardev",
           "socket,id=charmonitor,fd=33,server=on,wait=off",
           "-mon",
           "chardev=charmonitor,id=monitor,mode=control",
           "-rtc",
           "base=utc,driftfix=slew",
           "-boot",
           "strict=on",
           "-device",
           R"({"driver":"pcie-root-port","port":16,"chassis":1,"id":"pci.1","bus":"pcie.0",)"
           R"("multifunction":true,"addr":"0x2"})",
           "-device",
           R"({"driver":"pcie-root-port","port":17,"chassis":2,"id":"pci.2","bus":"pcie.0",)"
           R"("addr":"0x2.0x1"})",
           "-device",
           R"({"driver":"qemu-xhci","p2":15,"p3":15,"id":"usb","bus":"pci.1","addr":"0x0"})",
           "-device",
           R"({"driver":"virtio-serial-pci","id":"virtio-serial0","bus":"pci.2","addr":"0x0"})",
           "-netdev",
           R"({"type":"tap","fd":"34","vhost":true,"vhostfd":"36","id":"hostnet0"})",
           "-device",
           R"({"driver":"virtio-net-pci","netdev":"hostnet0","id":"net0",)"
           R"("mac":"52:54:00:11:22:33","bus":"pcie.0","addr":"0x3"})",
           "-sandbox",
           "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
           "-msg",
           "timestamp=on" };
}

inline Line
plain ()
{
  return { "qemu-system-x86_64", "disk.img", "-m", "1G" };
}

inline Line
pc ()
{
  return { "qemu-system-x86_64",
           "-M",
           "pc-i440fx-7.2",
           "-accel",
           "kvm",
           "-cpu",
           "Haswell",
           "-m",
           "4G",
           "-nodefaults",
           "-vga",
           "std",
           "-drive",
           "file=disk.img,if=virtio,format=raw",
           "-nic",
           "user,model=virtio-net-pci",
           "-device",
           "pci-bridge,id=theirs,chassis_nr=1,addr=0x1e",
           "-device",
           "e1000,bus=theirs,addr=1,netdev=n0",
           "-netdev",
           "user,id=n0",
           "-device",
           "virtio-balloon-pci,addr=1f" };
}

} // namespace foreign_lines
