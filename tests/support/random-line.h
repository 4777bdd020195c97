#pragma once

#include "tests/support/foreign-lines.h"

#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <vector>

/* A command line that nobody had in mind and QEMU takes. The same seed gives the same one. It knows
 * what it has put where, so that nobody needs to ask the code that is tested. */
class RandomLine
{
public:
  using Line = foreign_lines::Line;

  explicit RandomLine (unsigned seed) : random_ (seed)
  {
    is_q35 = !one_in (4);
    add_machine ();
    has_usb_ = one_in (4);
    if (has_usb_)
      add ({ "-usb" });
    if (is_q35 && has_usb_)
      slots.insert (0x1d);
    add_defaults ();
    const unsigned n = below (12);
    for (unsigned i = 0; i < n; i++)
      add_something ();
    add_unaddressed ();
  }

  bool is_q35;
  Line line = { "qemu-system-x86_64" };
  std::set<unsigned> slots; /* of the root bus: what has an address, and then the first free ones */
  std::set<std::string> ids;
  std::set<unsigned> chassis;

private:
  static constexpr unsigned FIRST_ADDRESS = 13, LAST_ADDRESS = 30, MOST_UNADDRESSED = 9;

  std::mt19937 random_;
  std::vector<std::string> ports_, bridges_;
  std::set<std::string> full_;
  unsigned n_without_ = 0, next_slot_of_bridge_ = 1;
  bool has_usb_ = false;

  unsigned
  below (unsigned n)
  {
    return static_cast<unsigned> (random_ ()) % n;
  }
  bool
  one_in (unsigned n)
  {
    return below (n) == 0;
  }
  void
  add (const Line &words)
  {
    using foreign_lines::operator+;
    line = line + words;
  }
  std::string
  dashes (const std::string &option)
  {
    return (one_in (3) ? "--" : "-") + option;
  }
  std::string
  make_id ()
  {
    static const char *const stems[] = { "rp", "vfio-0a-00.", "port", "net", "pci.", "dev_" };
    std::string id = stems[below (6)] + std::to_string (ids.size ());
    ids.insert (id);
    return id;
  }
  bool
  has_room () const
  {
    return n_without_ < MOST_UNADDRESSED;
  }

  void
  add_machine ()
  {
    static const char *const q35[] = { "q35", "pc-q35-7.2", "q35,usb=off", "type=q35,smm=off" };
    static const char *const pc[] = { "pc", "pc-i440fx-7.2", "type=pc" };

    if (is_q35)
      add ({ dashes (one_in (2) ? "M" : "machine"), q35[below (4)] });
    else if (!one_in (3))
      add ({ dashes ("machine"), pc[below (3)] });
    add (one_in (2) ? Line{ "-accel", "tcg" } : Line{ "-machine", "accel=tcg" });
    if (one_in (2))
      add ({ "-m", one_in (2) ? "64" : "size=128M,slots=2,maxmem=4G" });
    if (one_in (3))
      add ({ "-cpu", one_in (2) ? "max" : "qemu64,phys-bits=44" });
    if (one_in (3))
      add ({ dashes ("name"), "guest=one,,two,debug-threads=on" });
  }
  void
  add_defaults ()
  {
    add ({ "-display", "none", "-monitor", "none", "-serial", "none", "-parallel", "none" });
    if (one_in (3)) /* VGA and a network card */
      n_without_ += 2;
    else
      add ({ "-nodefaults" });
    if (one_in (3))
      add ({ "-name", "last" });
  }

  /* One of the devices that need nothing. */
  std::string
  driver ()
  {
    static const char *const drivers[] = { "edu",         "pci-testdev",       "virtio-rng-pci",
                                           "pvpanic-pci", "virtio-serial-pci", "qemu-xhci",
                                           "sdhci-pci",   "ich9-intel-hda" };
    return drivers[below (8)];
  }
  Line
  device (const std::vector<std::pair<std::string, std::string>> &properties)
  {
    const bool is_json = one_in (3);
    std::string text;

    for (const auto &[key, value] : properties)
      {
        const bool is_number = key == "chassis" || key == "slot";
        if (is_json)
          text += (text.empty () ? "{\"" : ",\"") + key + "\":" + (is_number ? "" : "\"") + value +
                  (is_number ? "" : "\"");
        else if (key == "driver" && !one_in (4))
          text += value;
        else
          text += (text.empty () ? "" : ",") + key + "=" + value;
      }
    return { dashes ("device"), text + (is_json ? "}" : "") };
  }
  /* A slot of the root bus that nobody has, or none. */
  std::string
  address ()
  {
    const unsigned slot = FIRST_ADDRESS + below (LAST_ADDRESS - FIRST_ADDRESS + 1);
    char text[16];

    if (!slots.insert (slot).second)
      return "";
    snprintf (text, sizeof text, one_in (2) ? "%x" : one_in (2) ? "0x%x" : "%02x.0", slot);
    return text;
  }
  void
  add_on_root_bus (std::vector<std::pair<std::string, std::string>> properties)
  {
    const std::string where = one_in (2) ? address () : "";

    if (where.empty () && !has_room ())
      {
        if (properties[1].first == "id")
          ids.erase (properties[1].second);
        return;
      }
    if (one_in (2))
      properties.push_back ({ "bus", is_q35 ? "pcie.0" : "pci.0" });
    if (!where.empty ())
      {
        properties.push_back ({ "addr", where });
        add (device (properties));
        return;
      }
    n_without_++;
    add (device (properties));
  }
  void
  add_port ()
  {
    const unsigned number = one_in (2) ? below (200) : 0;

    if (number > 0 && chassis.count (number) > 0)
      return;
    const std::string where = address ();
    if (where.empty () && !has_room ())
      return;
    chassis.insert (number);
    const std::string id = make_id ();
    std::vector<std::pair<std::string, std::string>> properties = { { "driver", "pcie-root-port" },
                                                                    { "id", id },
                                                                    { "bus", "pcie.0" } };
    if (number > 0)
      properties.push_back ({ "chassis", std::to_string (number) });
    properties.push_back ({ "slot", std::to_string (100 + ids.size ()) });
    if (!where.empty ())
      properties.push_back ({ "addr", where });
    else
      n_without_++;
    /* What sits behind it must not come before it. */
    Line words = device (properties);
    while (words[1][0] == '{')
      words = device (properties);
    add (words);
    ports_.push_back (id);
  }
  void
  add_bridge ()
  {
    const unsigned number = 1 + below (254);

    if (chassis.count (number) > 0)
      return;
    const std::string where = address ();
    if (where.empty ())
      return;
    chassis.insert (number);
    const std::string id = make_id ();
    bridges_.push_back (id);
    add ({ "-device",
           "pci-bridge,id=" + id + ",chassis_nr=" + std::to_string (number) + ",addr=" + where });
  }
  void
  add_option ()
  {
    if (!has_room ())
      return;
    switch (below (4))
      {
      case 0:
        add ({ dashes ("nic"), "user,model=virtio-net-pci" });
        n_without_++;
        break;
      case 1:
        add ({ "-drive", "if=virtio,format=raw,file=null-co://" });
        n_without_++;
        break;
      case 2:
        add ({ "-object", "iothread,id=" + make_id () });
        break;
      default:
        add ({ "-chardev", "null,id=" + make_id () });
        break;
      }
  }
  void
  add_something ()
  {
    switch (below (6))
      {
      case 0:
        if (is_q35)
          add_port ();
        break;
      case 1:
        add_bridge ();
        break;
      case 2:
        add_option ();
        break;
      case 3:
        add_behind ();
        break;
      default:
        if (one_in (3))
          add_on_root_bus ({ { "driver", driver () } });
        else
          add_on_root_bus ({ { "driver", driver () }, { "id", make_id () } });
        break;
      }
  }
  void
  add_behind ()
  {
    if (!bridges_.empty () && one_in (2) && next_slot_of_bridge_ < 30)
      {
        char text[8];
        snprintf (text, sizeof text, "0x%x", next_slot_of_bridge_++);
        add (device ({ { "driver", driver () },
                       { "id", make_id () },
                       { "bus", bridges_[below (static_cast<unsigned> (bridges_.size ()))] },
                       { "addr", text } }));
      }
    else if (!ports_.empty ())
      {
        const std::string bus = ports_[below (static_cast<unsigned> (ports_.size ()))];
        if (full_.insert (bus).second)
          add (device ({ { "driver", driver () }, { "id", make_id () }, { "bus", bus } }));
      }
  }
  /* QEMU puts them into the first free slots. */
  void
  add_unaddressed ()
  {
    std::set<unsigned> taken = slots;
    unsigned slot = is_q35 ? 1 : 2;

    for (unsigned i = 0; i < n_without_; slot++)
      if (taken.count (slot) == 0)
        {
          slots.insert (slot);
          i++;
        }
  }
};
