// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/loop.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"

namespace vhdboot::sys {

namespace {

// A number that may be free; the device of that number is there.
Result<int> next_number(const Fd& control, int first, int attempt) {
  int number = first + attempt;
  if (first == 0)
    number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
  else if (::ioctl(control.get(), LOOP_CTL_ADD, number) < 0 && errno != EEXIST)
    number = -1;
  if (number < 0) return fail_errno("finding a free loop device");
  return number;
}

}  // namespace

Result<LoopDevice> LoopDevice::attach(const Fd& backing, const std::string& name, const LoopOptions& options) {
  const Fd control = TRY(open_file("/dev/loop-control", O_RDWR));
  // Between asking for a free number and using it somebody else may take it.
  for (int attempt = 0; attempt < 16; ++attempt) {
    const int number = TRY(next_number(control, options.first_number, attempt));
    // Kernels may refuse to mount what somebody has open for writing (CONFIG_BLK_DEV_WRITE_MOUNTED).
    Fd device = TRY(open_file(concat("/dev/loop", number), options.read_only ? O_RDONLY : O_RDWR));
    loop_config config{};
    config.fd = static_cast<__u32>(backing.get());
    config.block_size = options.block_size;
    config.info.lo_offset = options.offset;
    config.info.lo_sizelimit = options.size_limit;
    config.info.lo_flags = (options.partitions ? LO_FLAGS_PARTSCAN : 0) | (options.direct_io ? LO_FLAGS_DIRECT_IO : 0) |
                           (options.read_only ? LO_FLAGS_READ_ONLY : 0) | (options.auto_clear ? LO_FLAGS_AUTOCLEAR : 0);
    std::memcpy(config.info.lo_file_name, name.data(), std::min<std::size_t>(name.size(), LO_NAME_SIZE - 1));
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) < 0) {
      if (errno == EBUSY) continue;
      return fail_errno(concat("attaching ", name, " to /dev/loop", number));
    }
    LoopDevice attached(std::move(device), number);
    loop_info64 info{};
    if (::ioctl(attached.device_.get(), LOOP_GET_STATUS64, &info) < 0)
      return fail_errno("reading the loop device's status");
    attached.direct_io_ = (info.lo_flags & LO_FLAGS_DIRECT_IO) != 0;
    // Nobody holds it open for writing from now on, or a guest could not mount it (see above).
    if (!options.read_only) attached.device_ = TRY(open_file(attached.path(), O_RDONLY));
    return attached;
  }
  return fail(Code::Busy, "no free loop device");
}

Result<LoopDevice> LoopDevice::take(int number) {
  LoopDevice device(TRY(open_file(concat("/dev/loop", number), O_RDONLY)), number);
  loop_info64 info{};
  if (::ioctl(device.device_.get(), LOOP_GET_STATUS64, &info) < 0)
    return fail_errno(concat("reading the status of ", device.path()));
  device.direct_io_ = (info.lo_flags & LO_FLAGS_DIRECT_IO) != 0;
  return device;
}

LoopDevice::~LoopDevice() {
  if (device_) ::ioctl(device_.get(), LOOP_CLR_FD, 0);
}

std::string LoopDevice::name() const {
  return concat("loop", number_);
}
std::string LoopDevice::path() const {
  return "/dev/" + name();
}

Result<void> LoopDevice::refuse_trim() const {
  const std::string limit = concat("/sys/block/", name(), "/queue/discard_max_bytes");
  TRY_IN(limit, write_file(limit, as_bytes("0")));
  return {};
}

Result<void> LoopDevice::detach() {
  device_ = Fd();
  const Fd device = TRY(open_file(path(), O_RDONLY));
  if (::ioctl(device.get(), LOOP_CLR_FD, 0) < 0 && errno != ENXIO) return fail_errno(concat("detaching ", path()));
  // While somebody else has the device open, the kernel only marks it to be detached by the last user and reports
  // success all the same: look.
  loop_info64 info{};
  if (::ioctl(device.get(), LOOP_GET_STATUS64, &info) < 0 && errno == ENXIO) return {};
  return fail(Code::Busy, concat("detaching ", path(), ": something still uses it"));
}

std::vector<AttachedLoop> attached_loops() {
  constexpr std::string_view kPrefix = "loop";
  std::vector<AttachedLoop> found;
  for (const std::string& node : list_directory("/sys/block")) {
    // Only an attached device has the attribute; the others are not opened.
    const auto number =
        node.starts_with(kPrefix) ? parse_u64(std::string_view(node).substr(kPrefix.size())) : std::nullopt;
    if (!number || !exists(concat("/sys/block/", node, "/loop/backing_file"))) continue;
    const auto device = open_file("/dev/" + node, O_RDONLY);
    loop_info64 info{};
    if (!device || ::ioctl(device->get(), LOOP_GET_STATUS64, &info) < 0) continue;
    const auto* name = reinterpret_cast<const char*>(info.lo_file_name);
    found.push_back({.number = static_cast<int>(*number), .name = std::string(name, ::strnlen(name, LO_NAME_SIZE))});
  }
  return found;
}

}  // namespace vhdboot::sys
