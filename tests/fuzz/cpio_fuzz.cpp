// SPDX-License-Identifier: GPL-2.0-or-later
// Builds an archive from lines ("d PATH", "f PATH CONTENTS", "l PATH TARGET") and reads it back with a reader that
// knows only the format: every entry must be there, whole, and nothing else.
#include <algorithm>

#include "base/text.h"
#include "kexec/archive_builder.h"
#include "tests/fuzz/check.h"

namespace {

using namespace vhdboot;

std::string_view take(std::string_view& text, std::size_t length) {
  check(length <= text.size());
  const auto taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

// The number of entries before the trailer.
std::size_t count_entries(std::string_view archive) {
  check(archive.size() % 4 == 0);
  std::size_t entries = 0;
  const std::size_t whole = archive.size();
  const auto skip_padding = [&] {
    while ((whole - archive.size()) % 4 != 0) check(take(archive, 1)[0] == '\0');
  };
  while (true) {
    const auto header = take(archive, 110);
    check(header.starts_with("070701"));
    const auto name_size = parse_u64(header.substr(6 + 11 * 8, 8), 16).value();
    const auto file_size = parse_u64(header.substr(6 + 6 * 8, 8), 16).value();
    const auto name = take(archive, name_size);
    check(name.ends_with('\0'));
    skip_padding();
    take(archive, file_size);
    skip_padding();
    if (name.substr(0, name.size() - 1) == "TRAILER!!!") break;
    ++entries;
  }
  check(archive.empty());
  return entries;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kexec::ArchiveBuilder archive;
  std::size_t added = 0;
  for (auto line : split_lines({reinterpret_cast<const char*>(data), size})) {
    if (line.size() < 2) continue;
    const char what = line.front();
    line.remove_prefix(2);
    const std::size_t blank = std::min(line.find(' '), line.size());
    const auto path = line.substr(0, blank);
    const auto rest = line.substr(std::min(blank + 1, line.size()));
    const auto before = archive.size();
    const auto result = what == 'd'   ? archive.add_directory(path)
                        : what == 'l' ? archive.add_symlink(path, rest)
                                      : archive.add_file(path, as_bytes(rest));
    if (result && archive.size() != before) ++added;
  }
  const auto bytes = archive.finish();
  check(bytes.size() == archive.size());
  check(count_entries(as_text(bytes)) >= added);
  return 0;
}
