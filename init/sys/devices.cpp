// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/devices.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "base/bytes.h"
#include "base/units.h"
#include "init/sys/file.h"
#include "init/sys/uevent.h"

namespace vhdboot::sys {

bool is_not_ready(const Error& error) {
  constexpr std::array kNotReady{ENOENT, ENODEV, ENXIO, ENOMEDIUM, EBUSY, EAGAIN};
  return std::ranges::find(kNotReady, error.sys_errno) != kNotReady.end();
}

DiskReaders reader_programs(const std::string& path) {
  return {.volumes = reader_program(path), .contents = prober_program(path)};
}

Result<std::unique_ptr<Devices>> MachineDevices::open(DiskReaders readers) {
  Fd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
  if (!socket) return fail_errno("listening for devices");
  const int room = static_cast<int>(kMiB);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;  // the kernel's own events
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return fail_errno("listening for devices");
  return std::unique_ptr<Devices>(new MachineDevices(std::move(socket), std::move(readers)));
}

std::vector<BlockDevice> MachineDevices::list() const {
  return block_devices();
}

Result<OpenedVolume> MachineDevices::open_volume(const BlockDevice& device) const {
  return sys::open_volume(device.path, readers_.volumes);
}

Result<std::string> MachineDevices::partition_type(const BlockDevice& device) const {
  return sys::partition_type(device, readers_.contents);
}

Result<Content> MachineDevices::content(const BlockDevice& device) const {
  return identify(device, readers_.contents);
}

Hardware MachineDevices::hardware(const BlockDevice& device) const {
  return hardware_of(device);
}

Result<bool> MachineDevices::wait(Deadline deadline) {
  std::array<std::byte, 16 * kKiB> buffer;
  for (;;) {
    // All that is there, so that a burst of events costs one look at the devices.
    bool happened = false;
    for (;;) {
      const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0) {
        if (errno == ENOBUFS) happened = true;
        if (errno == EINTR || errno == ENOBUFS) continue;
        if (errno == EAGAIN) break;
        return fail_errno("listening for devices");
      }
      const auto event = parse_uevent(Bytes(buffer).first(static_cast<std::size_t>(got)));
      if (event && event->subsystem == "block") happened = true;
    }
    if (happened) return true;
    pollfd wait{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&wait, 1, deadline.poll_timeout());
    if (ready < 0 && errno != EINTR) return fail_errno("waiting for devices");
    if (ready == 0) return false;
  }
}

}  // namespace vhdboot::sys
