// SPDX-License-Identifier: GPL-2.0-or-later
// What WSL 1 keeps beside a file: a byte of choices, 16 bits of the length of its extended attributes, those, 16 bits
// of the length of its reparse point, that, its name in UTF-16. And the header of an archive that is made of it.
#include "init/volume/lx_file.h"

#include "init/volume/lx_name.h"
#include "init/volume/reparse.h"
#include "tests/fuzz/check.h"
#include "tools/common/tar.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  Bytes rest(reinterpret_cast<const std::byte*>(data), size);
  const auto choice = load_le<std::uint8_t>(rest, 0).value_or(0);
  rest = rest.subspan(rest.empty() ? 0 : 1);
  const auto take = [&] {
    const std::size_t length = load_le<std::uint16_t>(rest, 0).value_or(0);
    const Bytes part = rest.subspan(std::min<std::size_t>(2, rest.size()));
    rest = part.subspan(std::min(length, part.size()));
    return std::vector<std::byte>(part.begin(),
                                  part.begin() + static_cast<std::ptrdiff_t>(std::min(length, part.size())));
  };
  const auto generation = static_cast<volume::LxGeneration>(choice % 3);
  volume::NtfsNode node;
  node.directory = (choice & 4) != 0;
  node.read_only = (choice & 8) != 0;
  node.extended_attributes = take();
  node.reparse_point = take();
  std::u16string name;
  for (std::size_t at = 0; at + 1 < rest.size() && name.size() < 255; at += 2)
    name += static_cast<char16_t>(*load_le<std::uint16_t>(rest, at));

  const auto unescaped = volume::lx_name(name, generation);
  if (unescaped) {
    check(!unescaped->text.empty() && unescaped->text != "." && unescaped->text != "..");
    check(unescaped->text.find('/') == std::string::npos && unescaped->text.find('\0') == std::string::npos);
    check(unescaped->text.size() <= 3 * name.size());
  }
  const auto file = volume::lx_file(node, generation);
  if (!file) return 0;
  check(file->mode <= 07777);
  check(!file->target || (!file->target->empty() && file->target->size() <= volume::kMaxLinkTarget));
  check(!node.directory || file->type == volume::LxType::Directory || file->windows_link);
  tools::TarEntry entry;
  entry.path = unescaped ? unescaped->text : "x";
  entry.target = file->target.value_or("");
  entry.mode = file->mode;
  entry.uid = file->uid;
  entry.gid = file->gid;
  entry.modified = {file->modified.seconds, file->modified.nanoseconds};
  entry.accessed = {file->accessed.seconds, file->accessed.nanoseconds};
  for (const auto& one : file->attributes) entry.attributes.emplace_back(one.name, std::string(as_text(one.value)));
  check(tools::tar_header(entry).size() % tools::kTarBlock == 0);
  return 0;
}
