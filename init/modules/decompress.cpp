// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/decompress.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace vhdboot::modules {

namespace {

struct Magic {
  Compression compression;
  std::string_view bytes;
  std::string_view name;
};

constexpr std::array kMagics{
    Magic{Compression::Gzip, "\x1F\x8B", "gzip"},
    Magic{Compression::Xz,
          {"\xFD"
           "7zXZ\0",
           6},
          "xz"},
    Magic{Compression::Zstd, "\x28\xB5\x2F\xFD", "zstd"},
    Magic{Compression::Bzip2, "BZh", "bzip2"},
    Magic{Compression::Lz4, "\x02\x21\x4C\x18", "lz4"},
};
static_assert(std::ranges::all_of(kMagics, [](const Magic& magic) { return magic.bytes.size() <= kMaxMagic; }));

/// Room that grows up to a cap, and one byte more so that "exactly the cap" can be told from "more".
class Output {
 public:
  Output(std::size_t expected, std::size_t cap) : cap_(cap) { bytes_.resize(std::min(expected, limit())); }

  /// Room for more; empty when there is none left.
  [[nodiscard]] MutableBytes room() {
    constexpr std::size_t kLeast = 64 * 1024;
    if (used_ == bytes_.size()) bytes_.resize(std::min(limit(), std::max(kLeast, bytes_.size() * 2)));
    return MutableBytes(bytes_).subspan(used_);
  }
  void add(std::size_t count) { used_ += count; }

  [[nodiscard]] bool over() const { return used_ > cap_; }
  [[nodiscard]] std::vector<std::byte> finish() && {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  [[nodiscard]] std::size_t limit() const { return cap_ == SIZE_MAX ? cap_ : cap_ + 1; }

  std::size_t cap_;
  std::size_t used_ = 0;
  std::vector<std::byte> bytes_;
};

// Streams of one kind, one after the other.
class Streams {
 public:
  Streams(Compression compression, Bytes in, const MakeDecompressor& make)
      : compression_(compression), in_(in), make_(make) {}

  Result<std::vector<std::byte>> decompress(std::size_t cap) {
    constexpr std::size_t kUsualRatio = 4;
    Output output(in_.size() > cap / kUsualRatio ? cap : in_.size() * kUsualRatio, cap);
    std::size_t streams = 0;
    do {
      if (++streams > kMaxStreams)
        return fail(Code::NoMemory,
                    concat("the ", name(compression_), " data is in more than ", kMaxStreams, " pieces"));
      TRY(decompress_one(output, cap));
    } while (detect_compression(in_) == compression_);
    return std::move(output).finish();
  }

 private:
  Result<void> decompress_one(Output& output, std::size_t cap) {
    const auto decoder = make_(compression_);
    for (;;) {
      const auto room = output.room();
      const auto step = TRY(decoder->step(in_, room));
      in_ = in_.subspan(step.taken);
      output.add(step.given);
      if (output.over())
        return fail(Code::NoMemory, concat("the ", name(compression_), " data holds more than ", human_size(cap)));
      if (step.complete) return {};
      if (step.taken == 0 && step.given == 0)
        return fail(Code::Corrupt, concat("damaged ", name(compression_), " data: it ends early"));
    }
  }

  Compression compression_;
  Bytes in_;
  const MakeDecompressor& make_;
};

}  // namespace

Compression detect_compression(Bytes bytes) {
  const auto found =
      std::ranges::find_if(kMagics, [&](const Magic& magic) { return as_text(bytes).starts_with(magic.bytes); });
  return found == kMagics.end() ? Compression::None : found->compression;
}

std::string_view name(Compression compression) {
  const auto found = std::ranges::find(kMagics, compression, &Magic::compression);
  return found == kMagics.end() ? "none" : found->name;
}

Compression compression_named(std::string_view name) {
  const auto found = std::ranges::find(kMagics, name, &Magic::name);
  return found == kMagics.end() ? Compression::None : found->compression;
}

Result<std::vector<std::byte>> decompress(Bytes bytes, std::size_t cap, const MakeDecompressor& make) {
  if (const auto compression = detect_compression(bytes); compression != Compression::None)
    return Streams(compression, bytes, make).decompress(cap);
  if (bytes.size() > cap) return fail(Code::NoMemory, concat("the file holds more than ", human_size(cap)));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

}  // namespace vhdboot::modules
