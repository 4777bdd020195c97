#pragma once

#include "launcher/vm/plug-sequence.h"

#include <stdexcept>
#include <string>

/* A sequence for a spec as a user types it, whose disk nobody looks at. */
class PlugInput
{
public:
  explicit PlugInput (const std::string &text, bool has_vhost_net = false, int first_fd = -1)
  {
    g_autoptr (GError) error = nullptr;

    spec_ = vp_device_spec_parse (text.c_str (), &error);
    if (spec_ == nullptr)
      throw std::runtime_error (error->message);
    if (spec_->disk != nullptr && spec_->disk->format == nullptr)
      spec_->disk->format = g_strdup ("raw");
    vp_pci_address_parse ("0000:41:00.0", &function_.address, nullptr);
    input_.spec = spec_;
    input_.function = vp_device_spec_is_mediated (spec_) ? nullptr : &function_;
    input_.id = "d";
    input_.place = &place_;
    input_.vm = "vm";
    input_.has_vhost_net = has_vhost_net;
    input_.first_fd = first_fd;
  }
  ~PlugInput () { vp_device_spec_free (spec_); }
  PlugInput (const PlugInput &) = delete;
  PlugInput &operator= (const PlugInput &) = delete;

  VpDeviceSpec *
  spec ()
  {
    return spec_;
  }
  VpPlugSequence *
  sequence () const
  {
    return vp_plug_sequence_new (&input_);
  }

private:
  VpDeviceSpec *spec_ = nullptr;
  VpPciFunction function_ = {};
  VpPlace place_ = { "port1", "port1", 0, 0, FALSE };
  VpPlugInput input_ = {};
};

/* Those that a test goes through when it goes through all kinds. */
struct PlugKind
{
  const char *name;
  const char *spec;
  bool has_vhost_net;
};

inline const PlugKind plug_kinds[] = {
  { "vfio", "41:00.0", false },
  { "iommufd", "41:00.0,iommufd=on", false },
  { "qemu", "qemu,driver=nvme,serial=x", false },
  { "rng", "rng", false },
  { "vfio_user", "vfio-user,socket=/s", false },
  { "virtio_blk", "disk,/d.img,format=raw", false },
  { "virtio_scsi", "disk,/d.img,format=raw,model=virtio-scsi", false },
  { "nvme", "disk,/d.img,format=raw,model=nvme", false },
  { "user", "nic,user", false },
  { "e1000e", "nic,user,model=e1000e", false },
  { "tap", "nic,tap,ifname=t0", false },
  { "vhost", "nic,tap,ifname=t0", true },
  { "passt", "nic,passt", false },
};
