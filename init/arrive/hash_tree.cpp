// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/hash_tree.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "init/arrive/sha_instructions.h"

namespace vhdboot::arrive {
namespace {

// struct verity_sb of cryptsetup's lib/verity/verity.c; all numbers are little-endian.
constexpr std::string_view kSignature{"verity\0\0", 8};
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kTypeAt = 12;
constexpr std::size_t kUuidAt = 16;
constexpr std::size_t kAlgorithmAt = 32;
constexpr std::size_t kAlgorithmSize = 32;
constexpr std::size_t kDataBlockSizeAt = 64;
constexpr std::size_t kHashBlockSizeAt = 68;
constexpr std::size_t kDataBlocksAt = 72;
constexpr std::size_t kSaltSizeAt = 80;
constexpr std::size_t kSaltAt = 88;
constexpr std::size_t kSuperblockSize = 512;

constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kType = 1;
constexpr std::string_view kAlgorithm = "sha256";

template <class T>
void put(std::vector<std::byte>& bytes, std::size_t offset, T value) {
  static_cast<void>(store_le<T>(bytes, offset, value));
}

std::uint64_t divided_up(std::uint64_t value, std::uint64_t by) {
  return value / by + (value % by == 0 ? 0 : 1);
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

Salt salt_of(std::uint64_t size, Bytes tail) {
  Sha256 hash;
  hash.add(as_bytes("vhdboot.verity/1\n"));
  std::array<std::byte, 8> length{};
  static_cast<void>(store_le<std::uint64_t>(length, 0, size));
  hash.add(length);
  hash.add(tail);
  return hash.finish();
}

Sha256Digest digest_of(const Salt& salt, Bytes block) {
  if (block.size() == kBlock && have_sha_instructions()) {
    // Padded as FIPS 180-4, 5.1.1 says.
    constexpr std::size_t kLength = sizeof(Salt) + kBlock;
    std::array<std::byte, kLength + 32> message;
    std::ranges::copy(salt, message.begin());
    std::ranges::copy(block, message.begin() + sizeof(Salt));
    std::ranges::fill(MutableBytes(message).subspan(kLength), std::byte{0});
    message[kLength] = std::byte{0x80};
    static_cast<void>(store_be<std::uint64_t>(message, message.size() - 8, 8 * kLength));
    return sha256_by_instructions(message);
  }
  Sha256 hash;
  hash.add(salt);
  hash.add(block);
  return hash.finish();
}

std::string to_text(const Sha256Digest& digest) {
  std::string text;
  for (const std::byte byte : digest) text += to_hex(std::to_integer<std::uint64_t>(byte), 2);
  return text;
}

std::optional<Sha256Digest> parse_digest(std::string_view text) {
  Sha256Digest digest{};
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    digest[i] = static_cast<std::byte>(*high << 4 | *low);
  }
  return digest;
}

Result<TreeLayout> TreeLayout::of(std::uint64_t data_blocks) {
  if (data_blocks == 0) return fail(Code::Unsupported, "it has not even one block of 4096 bytes");
  if (data_blocks > kMostDataBlocks) return fail(Code::Unsupported, "it has more than 64 TiB");
  TreeLayout layout;
  layout.data_blocks_ = data_blocks;
  for (std::uint64_t count = data_blocks; count > 1;) {
    count = divided_up(count, kDigestsPerBlock);
    layout.levels_.push_back({.first = 0, .count = count});
  }
  for (auto level = layout.levels_.rbegin(); level != layout.levels_.rend(); ++level) {
    level->first = layout.blocks_;
    layout.blocks_ += level->count;
  }
  return layout;
}

Result<Superblock> parse_superblock(Bytes bytes) {
  if (bytes.size() < kSuperblockSize || as_text(bytes).substr(0, kSignature.size()) != kSignature)
    return fail(Code::Corrupt, "it is no hash tree");
  const std::string_view algorithm = as_text(bytes).substr(kAlgorithmAt, kAlgorithmSize);
  if (load_le<std::uint32_t>(bytes, kVersionAt) != kVersion || load_le<std::uint32_t>(bytes, kTypeAt) != kType ||
      algorithm.substr(0, algorithm.find('\0')) != kAlgorithm ||
      load_le<std::uint32_t>(bytes, kDataBlockSizeAt) != kBlock ||
      load_le<std::uint32_t>(bytes, kHashBlockSizeAt) != kBlock ||
      load_le<std::uint16_t>(bytes, kSaltSizeAt) != sizeof(Salt))
    return fail(Code::Unsupported, "it is a hash tree of another kind than `vhdtool hashes` makes");
  Superblock superblock{.data_blocks = load_le<std::uint64_t>(bytes, kDataBlocksAt).value_or(0)};
  static_cast<void>(TRY(TreeLayout::of(superblock.data_blocks)));
  std::ranges::copy(bytes.subspan(kSaltAt, sizeof(Salt)), superblock.salt.begin());
  return superblock;
}

std::vector<std::byte> serialise(const Superblock& superblock) {
  std::vector<std::byte> bytes(kBlock);
  std::ranges::copy(as_bytes(kSignature), bytes.begin());
  put(bytes, kVersionAt, kVersion);
  put(bytes, kTypeAt, kType);
  std::ranges::copy(Bytes(superblock.salt).first(16), bytes.begin() + kUuidAt);
  // Version 8, of RFC 9562: made by a rule of one's own.
  bytes[kUuidAt + 6] = (bytes[kUuidAt + 6] & std::byte{0x0F}) | std::byte{0x80};
  bytes[kUuidAt + 8] = (bytes[kUuidAt + 8] & std::byte{0x3F}) | std::byte{0x80};
  std::ranges::copy(as_bytes(kAlgorithm), bytes.begin() + kAlgorithmAt);
  put(bytes, kDataBlockSizeAt, static_cast<std::uint32_t>(kBlock));
  put(bytes, kHashBlockSizeAt, static_cast<std::uint32_t>(kBlock));
  put(bytes, kDataBlocksAt, superblock.data_blocks);
  put(bytes, kSaltSizeAt, static_cast<std::uint16_t>(sizeof(Salt)));
  std::ranges::copy(superblock.salt, bytes.begin() + kSaltAt);
  return bytes;
}

}  // namespace vhdboot::arrive
