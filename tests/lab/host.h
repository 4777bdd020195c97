#pragma once

#include "tests/e2e/failure.h"
#include "tests/e2e/json.h"
#include "tests/support/vmplug-program.h"

#include <stdexcept>

/* The host that scripts/lab makes, with its real devices. */

using Args = std::vector<std::string>;

inline Args
operator+ (Args one, const Args &other)
{
  one.insert (one.end (), other.begin (), other.end ());
  return one;
}

/* Each step costs many times what it costs on a machine that is not emulated. */
constexpr double LAB_SECONDS = 240;

inline Outcome
vmplug (const Args &args)
{
  return VmplugProgram::run (args, "/", LAB_SECONDS);
}

/* The document of a command that must succeed. */
inline Json
ask_vmplug (const Args &args)
{
  const Outcome outcome = vmplug (args + Args{ "--json" });
  EXPECT_EQ (outcome.status, 0) << outcome;
  return Json::parse (outcome.out);
}

/* A PCI function of the host, as sysfs shows it, and not as vmplug does. */
class HostFunction
{
public:
  const std::string address;

  explicit HostFunction (const std::string &its_address) : address (its_address) {}

  /* "none" when it has none. */
  std::string
  driver () const
  {
    return name_of_link ("driver");
  }
  std::string
  group () const
  {
    return name_of_link ("iommu_group");
  }
  std::string
  node () const
  {
    return "/dev/vfio/" + group ();
  }
  std::string
  attribute (const std::string &name) const
  {
    return read (folder () / name);
  }
  bool
  has_network () const
  {
    std::error_code none;
    return std::filesystem::directory_iterator (folder () / "net", none) !=
           std::filesystem::directory_iterator ();
  }
  /* Of the network card that its driver makes of it. */
  std::string
  network_address () const
  {
    std::error_code none;
    for (const auto &card : std::filesystem::directory_iterator (folder () / "net", none))
      return read (card.path () / "address");
    return "";
  }
  /* What vmplug has noted of it; empty when there is no entry. */
  std::string
  journal () const
  {
    return read ("/run/vmplug/bindings/" + address);
  }
  /* The id that vmplug gives it, unless one is asked for. */
  std::string
  id () const
  {
    return "vfio-" + address.substr (5, 2) + "-" + address.substr (8);
  }
  std::string
  short_address () const
  {
    return address.substr (5);
  }

private:
  std::filesystem::path
  folder () const
  {
    return std::filesystem::path ("/sys/bus/pci/devices") / address;
  }
  std::string
  name_of_link (const char *name) const
  {
    std::error_code none;
    const auto target = std::filesystem::read_symlink (folder () / name, none);
    return none ? "none" : target.filename ().string ();
  }
  static std::string
  read (const std::filesystem::path &path)
  {
    std::ostringstream text;
    std::ifstream file (path);
    if (file)
      text << file.rdbuf ();
    return text.str ();
  }
};

inline void
PrintTo (const HostFunction &function, std::ostream *stream)
{
  *stream << function.address << " (" << function.driver () << ")";
}

/* The functions of a device that scripts/lab was given with -d NAME. */
inline std::vector<HostFunction>
lab_functions (const std::string &name)
{
  const char *text = std::getenv (("LAB_" + name).c_str ());
  std::vector<HostFunction> functions;
  std::istringstream words (text != nullptr ? text : "");

  for (std::string word; words >> word;)
    functions.emplace_back (word);
  if (functions.empty ())
    throw std::runtime_error ("no device " + name + ": run this with scripts/lab -d " + name);
  return functions;
}

inline HostFunction
lab_function (const std::string &name, unsigned number = 0)
{
  return lab_functions (name).at (number);
}

/* The devices that the tests need. */
class LabDevices : public testing::Test
{
protected:
  const HostFunction big = lab_function ("big");
  const HostFunction nic = lab_function ("nic");
  const HostFunction edu = lab_function ("edu");
  const HostFunction twin0 = lab_function ("twin", 0);
  const HostFunction twin1 = lab_function ("twin", 1);

  /* It has the driver that it had at first, which works, and nothing is noted of it. */
  static void
  expect_home (const HostFunction &function)
  {
    const bool is_network = function.attribute ("class") == "0x020000\n";

    EXPECT_EQ (function.driver (), is_network ? "e1000e" : "none") << function.address;
    EXPECT_EQ (function.journal (), "") << function.address;
    EXPECT_EQ (function.attribute ("driver_override"), "(null)\n") << function.address;
    EXPECT_TRUE (eventually ([&] { return function.has_network () == is_network; }, 20))
        << function.address;
  }
  /* Gives it back if a test has left it with vfio-pci. */
  static void
  bring_home (const HostFunction &function)
  {
    if (function.driver () == "vfio-pci" || function.journal () != "")
      {
        const Outcome outcome = vmplug ({ "release", function.address });
        EXPECT_EQ (outcome.status, 0) << outcome;
      }
    expect_home (function);
  }
};

/* A test that leaves every device with its driver, whatever it does with them. */
class LabTest : public LabDevices
{
protected:
  void
  TearDown () override
  {
    for (const HostFunction *function : { &big, &nic, &edu, &twin0, &twin1 })
      bring_home (*function);
  }
};
