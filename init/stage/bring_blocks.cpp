// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/bring_blocks.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/arrive/hash_tree.h"
#include "init/arrive/range_answers.h"
#include "init/sys/confinement.h"
#include "init/sys/file.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

constexpr auto kForAddress = 10s;
constexpr auto kForServer = 5s;
constexpr auto kForMore = 10s;  // until more comes of an answer
constexpr auto kForAll = 20s;   // then what has come is handed over

class Bringing {
 public:
  Bringing(sys::OwnNetwork network, const arrive::WebAddress& address, std::uint64_t size)
      : network_(std::move(network)), address_(address), size_(size), received_(64 << 10), brought_(kMostBrought) {}

  // Borrowed until the next call.
  Result<Bytes> bring(const Range& range) {
    if (range.length == 0 || range.length > brought_.size()) return fail(Code::Invalid, "so much is not asked at once");
    TRY(network_.connect(sys::Deadline::in(kForAddress)));
    // A server may have closed what it has kept open so far.
    if (connection_)
      if (const auto came = ask(range)) return Bytes(brought_).first(*came);
    auto connection = sys::open_connection(address_, sys::Deadline::in(kForServer));
    if (!connection) {
      network_.try_another_card();
      return std::unexpected(std::move(connection).error());
    }
    connection_ = *std::move(connection);
    return Bytes(brought_).first(TRY(ask(range)));
  }

 private:
  // How much has come: all, or the blocks that had when the connection broke or it took too long. The connection stays
  // for the next time only when all has.
  Result<std::size_t> ask(const Range& range) {
    Fd connection = std::exchange(connection_, Fd());
    TRY(sys::send_all(connection, as_bytes(arrive::range_request(address_, range)), sys::Deadline::in(kForServer)));
    std::size_t came = 0;
    arrive::RangeAnswers answers({range}, std::nullopt, [&](std::uint64_t offset, Bytes bytes) -> Result<void> {
      const auto at = static_cast<std::size_t>(offset - range.offset);
      std::ranges::copy(bytes, brought_.begin() + static_cast<std::ptrdiff_t>(at));
      came = at + bytes.size();
      return {};
    });
    const auto end = sys::Deadline::in(kForAll);
    while (!answers.complete()) {
      const auto got = sys::receive_some(connection, received_, earlier(end, sys::Deadline::in(kForMore)));
      const std::size_t whole = came / arrive::kBlock * arrive::kBlock;
      if ((!got || *got == 0) && whole != 0) return whole;
      if (TRY(got) == 0) return fail(Code::Io, "the server ends the connection");
      TRY(answers.add(Bytes(received_).first(*got)));
      if (answers.version() && answers.version()->size != size_)
        return fail(Code::Unsafe, concat("the file on the server has ", answers.version()->size, " bytes instead of ",
                                         size_, ": it is another one"));
    }
    connection_ = std::move(connection);
    return came;
  }

  sys::OwnNetwork network_;
  const arrive::WebAddress& address_;
  std::uint64_t size_;
  Fd connection_;
  std::vector<std::byte> received_;
  std::vector<std::byte> brought_;
};

}  // namespace

void bring_blocks(const Fd& socket, sys::OwnNetwork network, const arrive::WebAddress& address, std::uint64_t size) {
  Bringing bringing(std::move(network), address, size);
  std::array<std::byte, kBringRequest> request{};
  while (sys::read_whole(socket, request)) {
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
