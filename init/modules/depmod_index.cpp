// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/depmod_index.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/text.h"

namespace vhdboot::modules {
namespace {

constexpr std::uint32_t kMagic = 0xB007F457;
constexpr std::uint32_t kMajorVersion = 2;  // in the upper half of the version
// The upper bits of a node's offset say what the node has.
constexpr std::uint32_t kPrefix = 0x80000000;
constexpr std::uint32_t kValues = 0x40000000;
constexpr std::uint32_t kChildren = 0x20000000;
constexpr std::uint32_t kOffset = 0x0FFFFFFF;
constexpr unsigned kLetters = 128;

/// A trie, its numbers in big-endian order. A stack instead of recursion, as the depth is the file's to choose.
class Trie {
 public:
  explicit Trie(Bytes bytes) : bytes_(bytes), budget_(bytes.size()) {}

  Result<std::vector<IndexEntry>> read() {
    if (TRY(number()) != kMagic || TRY(number()) >> 16 != kMajorVersion) return damaged("no index of depmod");
    if (const std::uint32_t root = TRY(number()); root != 0) nodes_.push_back({root, 0, std::nullopt});
    while (!nodes_.empty()) {
      const Node node = nodes_.back();
      nodes_.pop_back();
      TRY(read_node(node));
    }
    return std::move(entries_);
  }

 private:
  struct Node {
    std::uint32_t offset;
    std::size_t parent_key;      // bytes of key_ that are its parent's
    std::optional<char> letter;  // by which its parent has it
  };

  static std::unexpected<Error> damaged(std::string_view why) {
    return fail(Code::Corrupt, concat("a damaged index of modules: ", why));
  }

  Result<std::uint32_t> number() {
    const auto value = load_be<std::uint32_t>(bytes_, at_);
    if (!value) return damaged("it ends early");
    at_ += sizeof *value;
    return *value;
  }

  Result<unsigned char> byte() {
    if (at_ >= bytes_.size()) return damaged("it ends early");
    return static_cast<unsigned char>(bytes_[at_++]);
  }

  // Ends at a NUL.
  Result<std::string_view> text() {
    const std::string_view rest = as_text(bytes_).substr(std::min(at_, bytes_.size()));
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) return damaged("a text without an end");
    TRY(spend(end));
    at_ += end + 1;
    return rest.substr(0, end);
  }

  // Each part of a file is read once. One that leads back to itself would have more parts than bytes.
  Result<void> spend(std::size_t bytes = 1) {
    if (budget_ < bytes) return damaged("its parts overlap");
    budget_ -= bytes;
    return {};
  }

  Result<void> read_node(const Node& node) {
    TRY(spend());
    at_ = node.offset & kOffset;
    key_.resize(node.parent_key);
    if (node.letter) key_ += *node.letter;
    if ((node.offset & kPrefix) != 0) key_ += TRY(text());
    if (key_.size() > kMaxAliasBytes) return damaged("a key that is too long");
    if ((node.offset & kChildren) != 0) TRY(read_children());
    if ((node.offset & kValues) != 0) TRY(read_values());
    return {};
  }

  Result<void> read_children() {
    const unsigned first = TRY(byte());
    const unsigned last = TRY(byte());
    if (first == 0 || last >= kLetters) return damaged("a key of other letters");
    const auto before = static_cast<std::ptrdiff_t>(nodes_.size());
    for (unsigned letter = first; letter <= last; ++letter) {
      TRY(spend());
      if (const std::uint32_t child = TRY(number()); child != 0)
        nodes_.push_back({child, key_.size(), static_cast<char>(letter)});
    }
    // The first one is to be on top.
    std::reverse(nodes_.begin() + before, nodes_.end());
    return {};
  }

  Result<void> read_values() {
    for (std::uint32_t left = TRY(number()); left > 0; --left) {
      TRY(spend());
      (void)TRY(number());  // its priority
      const std::string_view value = TRY(text());
      held_ += sizeof(IndexEntry) + key_.size() + value.size();
      if (held_ > kMaxIndexBytes)
        return fail(Code::NoMemory, concat("an index of modules holds more than ", human_size(kMaxIndexBytes)));
      entries_.push_back({.key = key_, .value = std::string(value)});
    }
    return {};
  }

  Bytes bytes_;
  std::size_t at_ = 0;
  std::size_t budget_;
  std::vector<Node> nodes_;
  std::string key_;  // of the node that is read
  std::vector<IndexEntry> entries_;
  std::size_t held_ = 0;  // bytes of them
};

struct IndexFile {
  std::string_view name;
  std::string ModuleTexts::* text;
  std::string (*line)(const IndexEntry& entry);
};

const std::array<IndexFile, 4> kIndexFiles{
    IndexFile{"modules.dep.bin", &ModuleTexts::dep, [](const IndexEntry& entry) { return concat(entry.value, '\n'); }},
    IndexFile{"modules.alias.bin", &ModuleTexts::alias,
              [](const IndexEntry& entry) { return concat("alias ", entry.key, ' ', entry.value, '\n'); }},
    IndexFile{"modules.builtin.bin", &ModuleTexts::builtin,
              [](const IndexEntry& entry) { return concat(entry.key, '\n'); }},
    IndexFile{"modules.builtin.alias.bin", &ModuleTexts::builtin_modinfo,
              [](const IndexEntry& entry) { return concat(entry.value, ".alias=", entry.key, '\0'); }}};

const IndexFile* find_index(std::string_view file) {
  const auto* const found = std::ranges::find(kIndexFiles, file, &IndexFile::name);
  return found == kIndexFiles.end() ? nullptr : found;
}

}  // namespace

Result<std::vector<IndexEntry>> read_depmod_index(Bytes bytes) {
  return Trie(bytes).read();
}

std::string ModuleTexts::* text_of_index(std::string_view file) {
  const IndexFile* index = find_index(file);
  return index == nullptr ? nullptr : index->text;
}

Result<std::string> index_as_text(std::string_view file, Bytes bytes) {
  const IndexFile* index = find_index(file);
  if (index == nullptr) return fail(Code::Unsupported, concat(printable(file), " is no index that is read here"));
  std::string text;
  for (const IndexEntry& entry : TRY(read_depmod_index(bytes))) {
    text += index->line(entry);
    if (text.size() > kMaxIndexBytes)
      return fail(Code::NoMemory, concat(index->name, " holds more than ", human_size(kMaxIndexBytes)));
  }
  return text;
}

}  // namespace vhdboot::modules
