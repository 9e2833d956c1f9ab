// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/origin_archive.h"

#include <array>

#include "base/cpio.h"

namespace vhdboot::efi {

namespace {

constexpr std::string_view kFolder = "vhdboot";
constexpr std::string_view kRecord = "vhdboot/origin";
constexpr std::string_view kConf = "vhdboot/origin.conf";
constexpr std::string_view kPlace = "vhdboot/origin.place";

struct Fact {
  std::string_view key;
  std::string_view value;

  [[nodiscard]] std::size_t line_size() const { return value.empty() ? 0 : key.size() + 1 + value.size() + 1; }
};

std::array<Fact, 6> facts_of(const Origin& origin) {
  return {{{"partuuid", origin.partuuid},
           {"serial", origin.serial},
           {"path", origin.path},
           {"options", origin.options},
           {"menu", origin.menu ? "yes" : ""},
           {"one-shot", origin.one_shot}}};
}

std::uint64_t record_size(const Origin& origin) {
  std::uint64_t size = 0;
  for (const Fact& fact : facts_of(origin)) size += fact.line_size();
  return size;
}

void write_record(const Origin& origin, MutableBytes out) {
  std::size_t at = 0;
  const auto put = [&](std::string_view text) {
    for (const char c : text) out[at++] = static_cast<std::byte>(c);
  };
  for (const Fact& fact : facts_of(origin)) {
    if (fact.value.empty()) continue;
    put(fact.key);
    put(" ");
    put(fact.value);
    put("\n");
  }
}

}  // namespace

std::uint64_t origin_archive_size(const Origin& origin) {
  std::uint64_t size = cpio::entry_size(kFolder, 0) + cpio::entry_size(kRecord, record_size(origin));
  if (origin.conf) size += cpio::entry_size(kConf, origin.conf->size());
  if (!origin.place.empty()) size += cpio::entry_size(kPlace, origin.place.size());
  return size + cpio::kTrailerSize;
}

bool write_origin_archive(const Origin& origin, MutableBytes out) {
  cpio::Writer writer(out);
  if (!writer.directory(kFolder)) return false;
  const auto record = writer.reserve({.name = kRecord, .mode = cpio::kRegular | 0444, .size = record_size(origin)});
  if (!record) return false;
  write_record(origin, *record);
  if (origin.conf && !writer.file(kConf, *origin.conf, 0444)) return false;
  if (!origin.place.empty() && !writer.file(kPlace, origin.place, 0444)) return false;
  return writer.finish() && writer.size() == out.size();
}

}  // namespace vhdboot::efi
