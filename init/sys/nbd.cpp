// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/nbd.h"

#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "base/text.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

constexpr std::uint64_t kBlock = 512;  // of the device: what lies above takes the largest of all below
// A server that was stopped is waited for without an end, and one that is gone for as good as none: a request that
// fails would be the end of what lies above.
constexpr std::uint64_t kNoTimeout = 0;
constexpr std::uint64_t kDeadServer = 1'000'000;  // seconds
// What a server had received when it ended is sent again after this. The kernel's own limit is half a minute.
constexpr std::string_view kSendAgain = "1000";  // milliseconds
// The same for one that may have to wait for others: the kernel takes note of each time.
constexpr std::string_view kSendAgainLater = "10000";
constexpr std::string_view kMaxSectors = "2048";  // KiB: 128 with Linux 6.1, and all that lies above has it from here

// One netlink request: a header, a generic header, attributes.
class Question {
 public:
  Question(std::uint16_t family, std::uint8_t command, std::uint8_t version) {
    nlmsghdr* header = this->header();
    header->nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
    header->nlmsg_type = family;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    genlmsghdr generic{.cmd = command, .version = version, .reserved = 0};
    std::memcpy(NLMSG_DATA(header), &generic, sizeof generic);
  }

  template <class T>
  void put(std::uint16_t type, const T& value) {
    put(type, &value, sizeof value);
  }
  void put(std::uint16_t type, const void* value, std::size_t size) {
    nlmsghdr* header = this->header();
    nlattr attribute{.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + size), .nla_type = type};
    char* at = bytes_.data() + NLMSG_ALIGN(header->nlmsg_len);
    std::memcpy(at, &attribute, sizeof attribute);
    std::memcpy(at + NLA_HDRLEN, value, size);
    header->nlmsg_len = NLMSG_ALIGN(header->nlmsg_len) + NLA_ALIGN(attribute.nla_len);
  }

  [[nodiscard]] const char* data() const { return bytes_.data(); }
  [[nodiscard]] std::size_t size() { return header()->nlmsg_len; }

 private:
  // All that we ask fits by far.
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }
  alignas(nlmsghdr) std::array<char, 512> bytes_{};
};

// The attribute `wanted` among those of a message of generic netlink.
template <class T>
std::optional<T> find_attribute(const nlmsghdr* message, std::uint16_t wanted) {
  const char* at = static_cast<const char*>(NLMSG_DATA(message)) + GENL_HDRLEN;
  const char* const end = reinterpret_cast<const char*>(message) + message->nlmsg_len;
  while (end - at >= NLA_HDRLEN) {
    nlattr attribute{};
    std::memcpy(&attribute, at, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > end - at) break;
    if ((attribute.nla_type & NLA_TYPE_MASK) == wanted && attribute.nla_len >= NLA_HDRLEN + sizeof(T)) {
      T value{};
      std::memcpy(&value, at + NLA_HDRLEN, sizeof value);
      return value;
    }
    at += NLA_ALIGN(attribute.nla_len);
  }
  return std::nullopt;
}

// Sends it and waits for the kernel's word; the attribute `wanted` of what the kernel tells before.
template <class T>
Result<std::optional<T>> ask(const Fd& netlink, Question& question, std::uint16_t wanted, std::string_view what) {
  if (::send(netlink.get(), question.data(), question.size(), 0) < 0) return fail_errno(what);
  std::optional<T> found;
  alignas(nlmsghdr) std::array<char, 8192> answer;
  for (;;) {
    const ssize_t got = ::recv(netlink.get(), answer.data(), answer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(what);
    auto left = static_cast<std::uint32_t>(got);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(answer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type != NLMSG_ERROR) {
        found = find_attribute<T>(message, wanted);
        continue;
      }
      nlmsgerr error{};
      std::memcpy(&error, NLMSG_DATA(message), sizeof error);
      if (error.error != 0) return fail_errno(what, -error.error);
      return found;
    }
  }
}

Result<Fd> open_netlink() {
  Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (!netlink || ::bind(netlink.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return fail_errno("asking the kernel for a network block device");
  return netlink;
}

Result<std::uint16_t> find_family(const Fd& netlink) {
  Question question(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
  question.put(CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME, sizeof NBD_GENL_FAMILY_NAME);
  const auto family = TRY(ask<std::uint16_t>(netlink, question, CTRL_ATTR_FAMILY_ID, "the kernel's module nbd"));
  if (!family) return fail(Code::Unsupported, "the kernel does not tell how to ask its module nbd");
  return *family;
}

void put_socket(Question& question, const Fd& socket) {
  struct {
    nlattr item;
    nlattr fd;
    std::uint32_t number;
  } list{.item = {.nla_len = sizeof list, .nla_type = NLA_F_NESTED | NBD_SOCK_ITEM},
         .fd = {.nla_len = NLA_HDRLEN + sizeof list.number, .nla_type = NBD_SOCK_FD},
         .number = static_cast<std::uint32_t>(socket.get())};
  question.put(NLA_F_NESTED | NBD_ATTR_SOCKETS, list);
}

Result<void> read_whole(const Fd& socket, MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = ::read(socket.get(), out.data(), out.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("serving a block device");
    if (got == 0) return fail(Code::Io, "the kernel has ended the connection of a block device");
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace

Result<NbdSockets> NbdSockets::make() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return fail_errno("making a pair of sockets");
  return NbdSockets{.kernel = Fd(ends[0]), .server = Fd(ends[1])};
}

Result<NbdDevice> NbdDevice::connect(const Fd& kernel, std::uint64_t size, bool flushes) {
  Fd netlink = TRY(open_netlink());
  const std::uint16_t family = TRY(find_family(netlink));
  Question question(family, NBD_CMD_CONNECT, NBD_GENL_VERSION);
  question.put(NBD_ATTR_SIZE_BYTES, size);
  question.put(NBD_ATTR_BLOCK_SIZE_BYTES, kBlock);
  question.put(NBD_ATTR_SERVER_FLAGS, std::uint64_t{NBD_FLAG_HAS_FLAGS} | (flushes ? NBD_FLAG_SEND_FLUSH : 0));
  question.put(NBD_ATTR_TIMEOUT, kNoTimeout);
  question.put(NBD_ATTR_DEAD_CONN_TIMEOUT, kDeadServer);
  put_socket(question, kernel);
  const auto number = TRY(ask<std::uint32_t>(netlink, question, NBD_ATTR_INDEX, "connecting a network block device"));
  if (!number) return fail(Code::Unsupported, "the kernel does not tell which network block device it has connected");
  NbdDevice device(std::move(netlink), family, *number);
  device.send_again_ = flushes ? kSendAgainLater : kSendAgain;
  TRY(device.open_settings());
  device.set_limits();
  return device;
}

Result<void> NbdDevice::open_settings() {
  const std::string folder = concat("/sys/block/", name());
  numbers_ = read_attribute(folder + "/dev");
  if (numbers_.empty()) return fail(Code::NotFound, concat(folder, " is not there"));
  io_timeout_ = TRY(open_file(folder + "/queue/io_timeout", O_WRONLY));
  max_sectors_ = TRY(open_file(folder + "/queue/max_sectors_kb", O_WRONLY));
  return {};
}

// Each server that takes over makes the kernel forget the first one. Without them it is slower.
void NbdDevice::set_limits() const {
  (void)write_all(io_timeout_, as_bytes(send_again_));
  (void)write_all(max_sectors_, as_bytes(kMaxSectors));
}

NbdDevice::~NbdDevice() {
  (void)disconnect();
}

std::string NbdDevice::name() const {
  return concat("nbd", number_.value_or(0));
}

Result<void> NbdDevice::reconnect(const Fd& kernel) const {
  Question question(family_, NBD_CMD_RECONFIGURE, NBD_GENL_VERSION);
  question.put(NBD_ATTR_INDEX, number_.value_or(0));
  question.put(NBD_ATTR_TIMEOUT, kNoTimeout);
  question.put(NBD_ATTR_DEAD_CONN_TIMEOUT, kDeadServer);
  put_socket(question, kernel);
  TRY(ask<std::uint32_t>(netlink_, question, NBD_ATTR_INDEX, concat("giving ", name(), " another server")));
  set_limits();
  return {};
}

Result<void> NbdDevice::disconnect() {
  const auto number = std::exchange(number_, std::nullopt);
  if (!number) return {};
  Question question(family_, NBD_CMD_DISCONNECT, NBD_GENL_VERSION);
  question.put(NBD_ATTR_INDEX, *number);
  TRY(ask<std::uint32_t>(netlink_, question, NBD_ATTR_INDEX, concat("disconnecting nbd", *number)));
  return {};
}

// struct nbd_request and nbd_reply, big-endian but for the cookie, which nobody reads.
Result<NbdRequest> NbdServer::next() const {
  constexpr std::size_t kRequest = 28;
  constexpr std::uint32_t kCommand = 0xffff;
  std::array<std::byte, kRequest> bytes;
  TRY(read_whole(socket_, bytes));
  if (load_be<std::uint32_t>(bytes, 0) != std::uint32_t{NBD_REQUEST_MAGIC})
    return fail(Code::Corrupt, "the kernel asks a block device in another language");
  NbdRequest request{.cookie = *load_le<std::uint64_t>(bytes, 8),
                     .offset = *load_be<std::uint64_t>(bytes, 16),
                     .length = *load_be<std::uint32_t>(bytes, 24)};
  switch (*load_be<std::uint32_t>(bytes, 4) & kCommand) {
    case NBD_CMD_READ:
      request.kind = NbdRequest::Kind::Read;
      break;
    case NBD_CMD_WRITE:
      request.kind = NbdRequest::Kind::Write;
      break;
    case NBD_CMD_FLUSH:
      request.kind = NbdRequest::Kind::Flush;
      break;
    case NBD_CMD_DISC:
      request.kind = NbdRequest::Kind::Disconnect;
      break;
    default:
      break;
  }
  return request;
}

Result<void> NbdServer::receive(MutableBytes data) const {
  return read_whole(socket_, data);
}

Result<void> NbdServer::answer(const NbdRequest& request, int errno_value, Bytes data) const {
  constexpr std::size_t kReply = 16;
  std::array<std::byte, kReply> bytes{};
  (void)(store_be(bytes, 0, std::uint32_t{NBD_REPLY_MAGIC}) &&
         store_be(bytes, 4, static_cast<std::uint32_t>(errno_value)) && store_le(bytes, 8, request.cookie));
  TRY(write_all(socket_, bytes));
  if (errno_value == 0 && !data.empty()) TRY(write_all(socket_, data));
  return {};
}

}  // namespace vhdboot::sys
