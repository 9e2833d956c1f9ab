// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/bring_blocks.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/arrive/range_answers.h"
#include "init/sys/file.h"
#include "init/sys/network.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

constexpr auto kForAddress = 10s;
constexpr auto kForServer = 5s;
constexpr auto kForMore = 10s;  // until more comes of an answer

class Bringing {
 public:
  Bringing(const arrive::WebAddress& address, std::uint64_t size)
      : address_(address), size_(size), received_(64 << 10), brought_(kMostBrought) {}

  // Borrowed until the next call.
  Result<Bytes> bring(const Range& range) {
    if (range.length == 0 || range.length > brought_.size()) return fail(Code::Invalid, "so much is not asked at once");
    if (!network_) network_.emplace(TRY(sys::OwnNetwork::make()));
    TRY(network_->connect(sys::Deadline::in(kForAddress)));
    // A server may have closed what it has kept open so far.
    if (connection_)
      if (const auto done = ask(range)) return Bytes(brought_).first(static_cast<std::size_t>(range.length));
    connection_ = Fd();
    connection_ = TRY(sys::open_connection(address_, sys::Deadline::in(kForServer)));
    auto done = ask(range);
    if (!done) {
      connection_ = Fd();
      return std::unexpected(std::move(done).error());
    }
    return Bytes(brought_).first(static_cast<std::size_t>(range.length));
  }

 private:
  Result<void> ask(const Range& range) {
    TRY(sys::send_all(connection_, as_bytes(arrive::range_request(address_, range)), sys::Deadline::in(kForServer)));
    arrive::RangeAnswers answers({range}, std::nullopt, [&](std::uint64_t offset, Bytes bytes) -> Result<void> {
      std::ranges::copy(bytes, brought_.begin() + static_cast<std::ptrdiff_t>(offset - range.offset));
      return {};
    });
    while (!answers.complete()) {
      const std::size_t got = TRY(sys::receive_some(connection_, received_, sys::Deadline::in(kForMore)));
      if (got == 0) return fail(Code::Io, "the server ends the connection");
      TRY(answers.add(Bytes(received_).first(got)));
      if (answers.version() && answers.version()->size != size_)
        return fail(Code::Unsafe, concat("the file on the server has ", answers.version()->size, " bytes instead of ",
                                         size_, ": it is another one"));
    }
    return {};
  }

  const arrive::WebAddress& address_;
  std::uint64_t size_;
  std::optional<sys::OwnNetwork> network_;
  Fd connection_;
  std::vector<std::byte> received_;
  std::vector<std::byte> brought_;
};

bool receive_whole(const Fd& socket, MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = ::recv(socket.get(), out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

}  // namespace

void bring_blocks(const Fd& socket, const arrive::WebAddress& address, std::uint64_t size) {
  Bringing bringing(address, size);
  std::array<std::byte, kBringRequest> request{};
  while (receive_whole(socket, request)) {
    const Range range{*load_le<std::uint64_t>(request, 0), *load_le<std::uint64_t>(request, 8)};
    const auto brought = bringing.bring(range);
    std::string reason;
    if (!brought) reason = brought.error().message().substr(0, kMostReason);
    const Bytes bytes = brought ? *brought : as_bytes(reason);
    std::array<std::byte, kBringAnswer> answer{};
    (void)store_le(answer, 0, std::uint32_t{brought ? 0U : 1U});
    (void)store_le(answer, 4, static_cast<std::uint32_t>(bytes.size()));
    if (!sys::write_all(socket, answer) || !sys::write_all(socket, bytes)) return;
  }
}

}  // namespace vhdboot::stage
