#pragma once

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <unistd.h>

/* The machine code of TinyGuest: a multiboot kernel without an ELF header. SeaBIOS enters it in
 * 32-bit protected mode, at 1 MiB, where QEMU had it put. It carries out the orders behind it: each
 * a letter and, little-endian, what belongs to it. It has no stack and takes no interrupts. */
asm(R"(
        .pushsection .rodata
        .balign 4
        .globl tiny_guest_begin, tiny_guest_end
tiny_guest_begin:
        .code32
        /* Magic, flags (addresses are given), checksum; the addresses of this header, of where to
         * load it, of its end (0: all of the file), of the end of its zeroes (none), of the entry. */
        .long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
        .long 0x100000, 0x100000, 0, 0, 0x100020

        cli
        cld
        mov $(0x100000 + tiny_guest_end - tiny_guest_begin), %esi
1:      lodsb
        cmp $'p', %al
        je 10f
        cmp $'o', %al
        je 20f
        cmp $'w', %al
        je 30f
        cmp $'e', %al
        je 40f
        cmp $'r', %al
        je 50f
        cmp $'s', %al
        je .
        hlt
        jmp .-1

        /* Print: how many times (0: for ever), how long, the text. */
10:     lodsl
        mov %eax, %ebp
        lodsl
        mov %eax, %edi
11:     mov %esi, %ebx
        mov %edi, %ecx
12:     mov $0x3fd, %edx
13:     inb %dx, %al
        test $0x20, %al
        jz 13b
        mov $0x3f8, %edx
        movb (%ebx), %al
        outb %al, %dx
        inc %ebx
        loop 12b
        dec %ebp
        jnz 11b
        add %edi, %esi
        jmp 1b

        /* Out: the port, the value. */
20:     lodsw
        mov %eax, %edx
        lodsw
        outw %ax, %dx
        jmp 1b

        /* Wait: how many ticks of the ACPI timer, which is 24 bits wide. */
30:     mov $0x608, %edx
        inl %dx, %eax
        mov %eax, %ebx
        lodsl
        mov %eax, %ecx
31:     inl %dx, %eax
        sub %ebx, %eax
        and $0xffffff, %eax
        cmp %ecx, %eax
        jb 31b
        jmp 1b

        /* Echo what is typed, to the end of a line. */
40:     mov $0x3fd, %edx
        inb %dx, %al
        test $1, %al
        jz 40b
        mov $0x3f8, %edx
        inb %dx, %al
        outb %al, %dx
        cmp $'\n', %al
        jne 40b
        jmp 1b

        /* Reset, but only so many times since power on (0: always). The CMOS keeps count. */
50:     lodsb
        mov %al, %bl
        mov $0x60, %al
        outb %al, $0x70
        inb $0x71, %al
        test %bl, %bl
        jz 51f
        cmp %bl, %al
        jae 1b
51:     inc %eax
        outb %al, $0x71
        mov $0xfe, %al
        outb %al, $0x64
        hlt
        jmp .-1
tiny_guest_end:
        .code64
        .popsection
)");

extern "C" const char tiny_guest_begin[], tiny_guest_end[];

/* A guest that does what it is told on its first serial port, half a second after QEMU's start even
 * where all is emulated; under SeaBIOS only. When nothing is left to do it halts, interrupts off.
 *
 *   folder.write ("kernel", TinyGuest ().print ("hello\n").power_off ().image ());
 */
class TinyGuest
{
public:
  static constexpr uint32_t FOR_EVER = 0;

  TinyGuest &
  print (const std::string &text, uint32_t times = 1)
  {
    return order ('p').number (times, 4).number (text.size (), 4).bytes (text);
  }
  /* A second at a time at most, for the timer's sake. */
  TinyGuest &
  wait (double seconds)
  {
    for (; seconds > 1; seconds--)
      order ('w').number (TICKS, 4);
    return order ('w').number (static_cast<uint64_t> (seconds * TICKS), 4);
  }
  /* Reads one line from the console, and prints it. */
  TinyGuest &
  echo ()
  {
    return order ('e');
  }
  TinyGuest &
  out (uint16_t port, uint16_t value)
  {
    return order ('o').number (port, 2).number (value, 2);
  }
  /* The first @times times since power on that it comes here. */
  TinyGuest &
  reset (uint8_t times = FOR_EVER)
  {
    return order ('r').number (times, 1);
  }
  /* ACPI's S5, where SeaBIOS has put it on both machines. */
  TinyGuest &
  power_off ()
  {
    return out (0x604, 0x2000);
  }
  /* The ISA device pvpanic, which vmplug boot adds. */
  TinyGuest &
  pvpanic ()
  {
    return out (0x505, 1);
  }
  TinyGuest &
  spin ()
  {
    return order ('s');
  }

  std::string
  image () const
  {
    return std::string (tiny_guest_begin, tiny_guest_end) + orders_ + "h";
  }

private:
  static constexpr uint32_t TICKS = 3579545;
  std::string orders_;

  TinyGuest &
  order (char letter)
  {
    orders_ += letter;
    return *this;
  }
  TinyGuest &
  number (uint64_t value, int size)
  {
    for (; size > 0; size--, value >>= 8)
      orders_ += static_cast<char> (value & 0xff);
    return *this;
  }
  TinyGuest &
  bytes (const std::string &text)
  {
    orders_ += text;
    return *this;
  }
};

/* An archive for --initrd: busybox, and what is added. "cpio -o -H newc", without the program. */
class Initramfs
{
public:
  static constexpr unsigned FOLDER = 040755, PROGRAM = 0100755, FILE = 0100644;

  /* @init: lines of shell; all of busybox is in the PATH, and /proc, /sys and /dev are mounted */
  explicit Initramfs (const std::string &init)
  {
    for (const char *name : { "bin", "dev", "proc", "sys", "tmp" })
      add (name, FOLDER);
    add ("bin/busybox", PROGRAM, read_file (busybox ()));
    add ("init", PROGRAM,
         "#!/bin/busybox sh\n"
         "/bin/busybox mkdir -p /bin\n"
         "/bin/busybox --install -s /bin\n"
         "export PATH=/bin\n"
         "mount -t proc proc /proc\n"
         "mount -t sysfs sysfs /sys\n"
         "mount -t devtmpfs devtmpfs /dev\n" +
             init);
  }

  Initramfs &
  add (const std::string &path, unsigned mode, const std::string &content = "")
  {
    entry (path, mode, content);
    return *this;
  }
  std::string
  image () const
  {
    Initramfs whole = *this;
    whole.entry ("TRAILER!!!", 0, "");
    return whole.archive_;
  }

  static std::string
  read_file (const std::string &path)
  {
    std::ifstream file (path, std::ios::binary);
    if (!file)
      throw std::runtime_error (path + " is missing: run scripts/setup");
    return { std::istreambuf_iterator<char> (file), {} };
  }

private:
  std::string archive_;
  unsigned n_ = 0;

  static std::string
  busybox ()
  {
    return access ("/usr/bin/busybox", R_OK) == 0 ? "/usr/bin/busybox" : "/bin/busybox";
  }
  void
  entry (const std::string &path, unsigned mode, const std::string &content)
  {
    const size_t size = content.size (), name = path.size () + 1;
    char header[111];

    /* Inode, mode, user, group, links, time, size, device, special device, length of the name. */
    snprintf (header, sizeof header, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
              ++n_, mode, 0, 0, 1, 0, static_cast<unsigned> (size), 0, 0, 0, 0,
              static_cast<unsigned> (name), 0);
    append (header + path + '\0');
    append (content);
  }
  /* Each part ends at a multiple of four. */
  void
  append (const std::string &part)
  {
    archive_ += part;
    archive_.resize ((archive_.size () + 3) / 4 * 4);
  }
};
