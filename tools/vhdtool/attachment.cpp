// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/attachment.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/text.h"
#include "init/sys/deadline.h"
#include "init/sys/device_mapper.h"
#include "init/sys/loop.h"
#include "tools/common/host_file.h"

namespace vhdboot::vhdtool {
namespace {

using namespace std::chrono_literals;

// udev looks at every device that comes or changes, and holds it for that time.
constexpr auto kPatience = 10s;

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return {digits.data(), end};
}

std::vector<sys::AttachedLoop> loops_of(const AttachmentName& name) {
  auto loops = sys::attached_loops();
  std::erase_if(loops, [&](const sys::AttachedLoop& loop) { return !name.has(loop.name); });
  return loops;
}

// The kernel lets nobody have it for himself while a part of it is mounted or lies below another device.
Result<void> check_unused(const std::string& path) {
  const Fd alone(::open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
  if (alone.valid()) return {};
  if (errno != EBUSY) return fail_errno(concat("opening ", path));
  return fail(Code::Busy, concat(path, " is in use: unmount what is mounted of it, and stop what lies on it, such as ",
                                 "volume groups and swap"));
}

Result<void> flush(const std::string& path) {
  const Fd device = TRY(open_file(path, O_RDONLY));
  if (::fsync(device.get()) != 0) return fail_errno(concat("writing what is left for ", path));
  return {};
}

// Until it works, as long as something else is the reason for a moment only.
Result<void> insist(const std::function<Result<void>()>& step) {
  const auto deadline = sys::Deadline::in(kPatience);
  for (;;) {
    auto done = step();
    const bool busy = !done && (done.error().code == Code::Busy || done.error().sys_errno == EBUSY);
    if (!busy || deadline.passed(sys::Deadline::Clock::now())) return done;
    constexpr int kPause = 50;  // milliseconds
    (void)::poll(nullptr, 0, kPause);
  }
}

Result<void> detach_loop(const sys::AttachedLoop& loop) {
  return insist([&]() -> Result<void> {
    auto device = sys::LoopDevice::take(loop.number);
    if (!device && device.error().sys_errno == ENXIO) return {};  // by its last user, meanwhile
    return TRY(std::move(device)).detach();
  });
}

// From the top: one on which another lies is busy.
Result<void> remove_maps(const AttachmentName& name) {
  return insist([&]() -> Result<void> {
    std::optional<Error> first;
    for (const std::string& map : sys::mapped_devices()) {
      if (!name.has(map)) continue;
      auto device = sys::MappedDevice::take(map);
      auto removed = device ? device->remove() : std::unexpected(device.error());
      if (device) device->leave();
      if (!removed && !first) first = std::move(removed).error();
    }
    if (first) return std::unexpected(*std::move(first));
    return {};
  });
}

}  // namespace

AttachmentName attachment_name(std::uint64_t file_system, std::uint64_t file) {
  return {concat(tools::kAttachmentPrefix, hexadecimal(file_system), '-', hexadecimal(file))};
}

bool is_attachment(std::string_view device) {
  return device.starts_with(tools::kAttachmentPrefix);
}

Result<AttachmentName> find_attachment(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno("looking at it");
  if (S_ISBLK(status.st_mode)) {
    const auto loops = sys::attached_loops();
    const auto found = std::ranges::find_if(loops, [&](const sys::AttachedLoop& loop) {
      struct stat node{};
      return ::stat(concat("/dev/loop", loop.number).c_str(), &node) == 0 && node.st_rdev == status.st_rdev;
    });
    if (found == loops.end() || !is_attachment(found->name))
      return fail(Code::NotFound, "it is no device of `vhdtool attach`");
    // "vhdtool-fd02-1a2b-file0"
    const std::size_t end = found->name.find('-', found->name.find('-', tools::kAttachmentPrefix.size()) + 1);
    return AttachmentName{found->name.substr(0, end)};
  }
  if (!S_ISREG(status.st_mode)) return fail(Code::Invalid, "it is neither an image file nor a device");
  AttachmentName name = attachment_name(status.st_dev, status.st_ino);
  if (loops_of(name).empty()) return fail(Code::NotFound, "it is not attached");
  return name;
}

Result<void> detach(const AttachmentName& name) {
  auto loops = loops_of(name);
  const auto disk = std::ranges::find(loops, name.text, &sys::AttachedLoop::name);
  if (disk != loops.end()) {
    const std::string path = concat("/dev/loop", disk->number);
    TRY(check_unused(path));
    TRY(flush(path));
    TRY(detach_loop(*disk));
    loops.erase(disk);
  }
  TRY(remove_maps(name));
  for (const sys::AttachedLoop& loop : loops) TRY(detach_loop(loop));
  return {};
}

}  // namespace vhdboot::vhdtool
