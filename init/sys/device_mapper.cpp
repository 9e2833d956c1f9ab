// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/device_mapper.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "init/sys/block.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

// One request: struct dm_ioctl and, behind it, the packed table.
class Request {
 public:
  explicit Request(const std::string& name, Bytes table = {}) : buffer_(sizeof(dm_ioctl) + table.size()) {
    header().version[0] = DM_VERSION_MAJOR;
    header().data_size = static_cast<__u32>(buffer_.size());
    header().data_start = sizeof(dm_ioctl);
    std::memcpy(header().name, name.data(), std::min<std::size_t>(name.size(), DM_NAME_LEN - 1));
    std::ranges::copy(table, buffer_.begin() + sizeof(dm_ioctl));
  }
  [[nodiscard]] dm_ioctl& header() { return *reinterpret_cast<dm_ioctl*>(buffer_.data()); }
  /// What the kernel has written behind it.
  [[nodiscard]] Bytes answer() {
    return Bytes(buffer_).subspan(std::min<std::size_t>(header().data_start, buffer_.size()));
  }
  [[nodiscard]] Result<void> send(const Fd& control, unsigned long command, std::string_view what) {
    if (::ioctl(control.get(), command, buffer_.data()) < 0) return fail_errno(concat(what, ' ', header().name));
    return {};
  }

 private:
  std::vector<std::byte> buffer_;
};

Result<Fd> open_control() {
  return open_file("/dev/mapper/control", O_RDWR);
}

// The rows that count from the next start on.
Result<void> load_table(const Fd& control, const std::string& name, std::span<const blocks::Row> rows,
                        std::span<const std::string> devices, bool read_only) {
  Request load(name, TRY(blocks::pack_rows(rows, devices)));
  load.header().target_count = static_cast<__u32>(rows.size());
  if (read_only) load.header().flags |= DM_READONLY_FLAG;
  return load.send(control, DM_TABLE_LOAD, "loading the table of the device-mapper device");
}

// A table starts to work when the device is resumed: the same request as to suspend, without its flag.
Result<void> start_table(const Fd& control, const std::string& name) {
  Request start(name);
  // No file system lies on it itself, and one above would wait for what is being mended.
  start.header().flags |= DM_SKIP_LOCKFS_FLAG;
  return start.send(control, DM_DEV_SUSPEND, "starting the device-mapper device");
}

// What the kernel tells of each row, as to_text() writes rows. `room`: bytes that this takes at most.
Result<std::string> read_rows(const Fd& control, const std::string& name, std::uint32_t flags, std::size_t room) {
  const std::vector<std::byte> empty(room);
  Request ask(name, empty);
  ask.header().flags |= flags;
  TRY(ask.send(control, DM_TABLE_STATUS, "asking for the table of the device-mapper device"));
  if ((ask.header().flags & DM_BUFFER_FULL_FLAG) != 0) return fail(Code::Unsafe, concat(name, " has a longer table"));
  const Bytes told = ask.answer();
  std::string text;
  std::size_t at = 0;
  for (std::uint32_t row = 0; row < ask.header().target_count; ++row) {
    dm_target_spec spec{};
    if (at > told.size() || told.size() - at < sizeof spec)
      return fail(Code::Corrupt, concat(name, " has a cut table"));
    std::memcpy(&spec, told.data() + at, sizeof spec);
    const std::string_view parameters = as_text(told.subspan(at + sizeof spec));
    const std::string_view type(spec.target_type, ::strnlen(spec.target_type, sizeof spec.target_type));
    const std::string_view rest = parameters.substr(0, parameters.find('\0'));
    text += concat(spec.sector_start, ' ', spec.length, ' ', type, rest.empty() ? "" : " ", rest, '\n');
    at = spec.next;  // from the first one on
  }
  return text;
}

}  // namespace

Result<MappedDevice> MappedDevice::load(const std::string& name, const std::string& uuid,
                                        std::span<const blocks::Row> rows, std::span<const std::string> devices,
                                        bool read_only) {
  const Fd control = TRY(open_control());
  Request make(name);
  std::memcpy(make.header().uuid, uuid.data(), std::min<std::size_t>(uuid.size(), DM_UUID_LEN - 1));
  TRY(make.send(control, DM_DEV_CREATE, "creating the device-mapper device"));
  MappedDevice device(name, major(make.header().dev), minor(make.header().dev));
  TRY(load_table(control, name, rows, devices, read_only));
  return device;
}

Result<MappedDevice> MappedDevice::create(const std::string& name, const std::string& uuid,
                                          std::span<const blocks::Row> rows, std::span<const std::string> devices,
                                          bool read_only) {
  auto device = TRY(load(name, uuid, rows, devices, read_only));
  TRY(device.resume());
  return device;
}

Result<MappedDevice> MappedDevice::claim(const std::string& name, const std::string& uuid, const blocks::Row& row,
                                         const std::string& device) {
  return load(name, uuid, std::span(&row, 1), std::span(&device, 1), true);
}

Result<void> MappedDevice::suspend() const {
  Request suspend(name_);
  suspend.header().flags |= DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG;
  return suspend.send(TRY(open_control()), DM_DEV_SUSPEND, "suspending the device-mapper device");
}

Result<void> MappedDevice::resume() const {
  return start_table(TRY(open_control()), name_);
}

Result<void> MappedDevice::reload(std::span<const blocks::Row> rows, std::span<const std::string> devices,
                                  bool read_only) const {
  const Fd control = TRY(open_control());
  TRY(load_table(control, name_, rows, devices, read_only));
  return start_table(control, name_);
}

Result<MappedDevice> MappedDevice::take(const std::string& name) {
  Request ask(name);
  TRY(ask.send(TRY(open_control()), DM_DEV_STATUS, "asking for the device-mapper device"));
  return MappedDevice(name, major(ask.header().dev), minor(ask.header().dev));
}

MappedDevice::~MappedDevice() {
  if (name_.empty()) return;
  // udev may be looking at it: then the kernel removes it when it is done.
  const auto control = open_control();
  Request remove(name_);
  remove.header().flags |= DM_DEFERRED_REMOVE;
  if (control) (void)remove.send(*control, DM_DEV_REMOVE, "removing the device-mapper device");
}

std::vector<std::string> mapped_devices() {
  std::vector<std::string> names;
  for (const std::string& node : list_directory("/sys/block"))
    if (std::string name = read_attribute(concat("/sys/block/", node, "/dm/name")); !name.empty())
      names.push_back(std::move(name));
  return names;
}

Result<std::string> wait_for_status(const Fd& control, const std::string& name, std::chrono::milliseconds patience) {
  constexpr std::size_t kRoom = 4096;
  pollfd event{.fd = control.get(), .events = POLLIN, .revents = 0};
  (void)::poll(&event, 1, static_cast<int>(patience.count()));
  // What happens from here on ends the next wait.
  TRY(Request(name).send(control, DM_DEV_ARM_POLL, "waiting for the device-mapper device"));
  const std::string row = TRY(read_rows(control, name, 0, kRoom));
  constexpr std::size_t kBefore = 3;  // where it begins, its length, its kind
  std::string_view rest = trim(row);
  for (std::size_t word = 0; word < kBefore; ++word) rest.remove_prefix(std::min(rest.find(' '), rest.size() - 1) + 1);
  return std::string(rest);
}

std::string MappedDevice::node() const {
  return concat("dm-", minor_);
}
std::string MappedDevice::path() const {
  return concat("/dev/", node());
}

std::string MappedDevice::numbers() const {
  return concat(major_, ':', minor_);
}

Result<void> MappedDevice::check(std::span<const blocks::Row> rows, std::span<const std::string> devices,
                                 bool read_only) const {
  const std::string wanted = TRY(blocks::to_text(rows, devices));
  constexpr std::size_t kMore = 64;  // for what a row has besides its text
  const std::size_t room = wanted.size() + (rows.size() + 1) * kMore;
  if (TRY(read_rows(TRY(open_control()), name_, DM_STATUS_TABLE_FLAG, room)) != wanted)
    return fail(Code::Unsafe, concat(name_, " is not made of what the kernel was told to make it of"));
  if (read_only && !TRY(is_read_only(path()))) return fail(Code::Unsafe, concat(name_, " can be written to"));
  return {};
}

bool MappedDevice::trims() const {
  const auto most = parse_u64(read_attribute(concat("/sys/block/", node(), "/queue/discard_max_bytes")));
  return most.value_or(0) > 0;
}

Result<void> MappedDevice::forget_flushes() const {
  const std::string path = concat("/sys/block/", node(), "/queue/write_cache");
  TRY_IN(path, write_file(path, as_bytes("write through")));
  return {};
}

Result<void> MappedDevice::remove() {
  const Fd control = TRY(open_control());
  // Where that fails, the end of the object leaves it to the kernel.
  TRY(Request(name_).send(control, DM_DEV_REMOVE, "removing the device-mapper device"));
  name_.clear();
  return {};
}

}  // namespace vhdboot::sys
