// SPDX-License-Identifier: GPL-2.0-or-later
// An image and what lies beside it. The input is a list of files: a letter that says which, three bytes of length, the
// contents; the first is the image. Whatever they are: all pieces can be read, and the archives for /.extra are ones.
#include <deque>

#include "base/cpio.h"
#include "base/text.h"
#include "entry/uki_parts.h"
#include "tests/fuzz/check.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::entry;

struct Input {
  std::deque<MemorySource> files;
  Companions companions;
};

void place(char kind, const ByteSource& file, Companions& out) {
  const std::string number = std::to_string(out.addons.size() + out.credentials.size() + out.extra.size());
  switch (kind) {
    case 'a':
      return out.addons.push_back({number + ".addon.efi", &file});
    case 'e':
      return out.extra.push_back({number + ".addon.efi", &file});
    case 'c':
      return out.extra.push_back({number + ".cred", &file});
    case 'r':
      return out.extra.push_back({number + ".raw", &file});
    case 'f':
      return out.extra.push_back({number + ".confext.raw", &file});
    default:
      return out.credentials.push_back({number + ".cred", &file});
  }
}

void read_input(Bytes bytes, Input& out) {
  while (bytes.size() >= 4) {
    const auto head = load_le<std::uint32_t>(bytes, 0).value();
    bytes = bytes.subspan(4);
    const auto contents = bytes.first(std::min<std::size_t>(head >> 8, bytes.size()));
    bytes = bytes.subspan(contents.size());
    const auto& file = out.files.emplace_back(contents);
    if (out.files.size() > 1) place(static_cast<char>(head & 0xFF), file, out.companions);
  }
}

// Walks newc archives that follow one another; how many there are.
std::size_t count_archives(std::string_view text) {
  std::size_t archives = 0;
  while (!text.empty()) {
    check(text.size() >= cpio::kHeaderSize && text.starts_with("070701"));
    const auto size = parse_u64(text.substr(6 + 6 * 8, 8), 16).value();
    const auto name_size = parse_u64(text.substr(6 + 11 * 8, 8), 16).value();
    const std::string_view name = text.substr(cpio::kHeaderSize, name_size - 1);
    if (name == cpio::kTrailerName)
      ++archives;
    else
      check(name.starts_with(".extra"));
    const auto all = cpio::entry_size(name, size);
    check(all <= text.size());
    text.remove_prefix(all);
  }
  return archives;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input;
  read_input({reinterpret_cast<const std::byte*>(data), size}, input);
  if (input.files.empty()) return 0;
  const auto uki = parse_uki(input.files.front());
  if (!uki) return 0;
  const auto parts = uki_parts(input.files.front(), *uki, input.companions);
  if (!parts) {
    check(parts.error().code == Code::Unsupported);  // too many of them: there is no gigabyte here
    return 0;
  }
  for (const char c : parts->parts.cmdline) check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  std::string archives;
  for (const auto* pieces :
       {&parts->parts.microcode, &parts->parts.initrds, &parts->parts.extras, &parts->parts.addons})
    for (const kexec::Piece& piece : *pieces) {
      std::vector<std::byte> bytes(static_cast<std::size_t>(piece.range.length));
      check(piece.file->read(piece.range.offset, bytes).has_value());
      if (pieces != &parts->parts.extras) continue;
      archives += as_text(bytes);
      archives.resize(align_up(archives.size(), cpio::kAlignment));
    }
  check(count_archives(archives) <= 8);
  if (!parts->parts.extras.empty()) check(archives.ends_with(std::string_view("TRAILER!!!\0\0\0\0", 14)));
  return 0;
}
