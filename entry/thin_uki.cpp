// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/thin_uki.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "entry/pe.h"

namespace vhdboot::entry {
namespace {

Result<std::string> path_of(std::string_view text, std::string_view section) {
  std::string path(text);
  std::ranges::replace(path, '\\', '/');
  const auto names = split(std::string_view(path).substr(1), '/');
  const bool is_odd = std::ranges::any_of(names, [](std::string_view name) {
    return name.empty() || name == "." || name == ".." ||
           std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  });
  if (is_odd) return fail(Code::Corrupt, concat("its section ", section, " is no path of a file"));
  return path;
}

// What a section names; nothing when it holds the thing itself.
Result<std::optional<NamedFile>> named_by(const ByteSource& file, const PeFile& pe, const Range& contents,
                                          std::string_view section) {
  if (contents.length > kMaxThinPath) return std::optional<NamedFile>();
  const std::string text = TRY(read_text(file, {.name = std::string(section), .data = contents}));
  if (!text.starts_with('\\') && !text.starts_with('/')) return std::optional<NamedFile>();
  NamedFile named{.path = TRY(path_of(text, section))};
  const Section* hash = pe.find(concat(section, 'h'));
  if (hash == nullptr || hash->data.length != named.digest.size())
    return fail(Code::Corrupt, concat("it names the file ", printable(named.path), " without a hash"));
  TRY(file.read(hash->data.offset, named.digest));
  return std::optional(std::move(named));
}

}  // namespace

Result<std::optional<ThinUki>> parse_thin_uki(const ByteSource& file, const Uki& uki) {
  const PeFile pe = TRY(parse_pe(file));
  auto kernel = TRY(named_by(file, pe, uki.kernel, ".linux"));
  if (!kernel) return std::optional<ThinUki>();
  ThinUki thin{.kernel = *std::move(kernel), .initrd = std::nullopt};
  if (uki.initrd) thin.initrd = TRY(named_by(file, pe, *uki.initrd, ".initrd"));
  return std::optional(std::move(thin));
}

Result<void> check_digest(const ByteSource& contents, const NamedFile& named) {
  Sha256 hash;
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(kMiB, contents.size())));
  for (std::uint64_t at = 0; at < contents.size(); at += piece.size()) {
    const auto now = MutableBytes(piece).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), contents.size() - at)));
    TRY(contents.read(at, now));
    hash.add(now);
  }
  if (hash.finish() == named.digest) return {};
  return fail(Code::Corrupt,
              concat(printable(named.path), " is not the file that the image was made for: its hash differs"));
}

}  // namespace vhdboot::entry
