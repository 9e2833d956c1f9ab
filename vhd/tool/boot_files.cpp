// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/boot_files.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "kexec/bzimage.h"
#include "kexec/uki.h"
#include "vhd/fat.h"

namespace vhdboot::tool {
namespace {

using kexec::BootEntry;
using vhd::FatEntry;
using vhd::FatVolume;

// The release that a UKI or a bare kernel names; empty when it cannot be told.
std::string kernel_release(const ByteSource& file) {
  if (const auto uki = kexec::parse_uki(file)) {
    if (!uki->uname.empty()) return uki->uname;
    if (const auto kernel = kexec::parse_bzimage(file, uki->kernel)) return kernel->version;
    return {};
  }
  const auto kernel = kexec::parse_bzimage(file, {0, file.size()});
  return kernel ? kernel->version : std::string();
}

class Search {
 public:
  explicit Search(FatVolume volume) : volume_(std::move(volume)) { found_.file_system = concat("FAT", volume_.bits()); }

  BootFiles run() {
    find_ukis();
    find_entries();
    return std::move(found_);
  }

 private:
  // The files of a directory whose names the predicate likes; none when it is not there.
  template <class Predicate>
  std::vector<FatEntry> files_in(std::string_view path, const Predicate& wanted) {
    const auto directory = volume_.find(path);
    if (!directory && directory.error().code != Code::NotFound) warn(path, directory.error());
    if (!directory || !directory->directory) return {};
    auto files = volume_.list(*directory);
    if (!files) {
      warn(path, files.error());
      return {};
    }
    std::erase_if(*files, [&](const FatEntry& file) { return file.directory || !wanted(file.name); });
    if (files->size() > kMaxBootFiles) {
      found_.warnings.push_back(
          concat(path, " has ", files->size(), " files, only the first ", kMaxBootFiles, " were looked into"));
      files->resize(kMaxBootFiles);
    }
    return *std::move(files);
  }

  void find_ukis() {
    constexpr std::string_view kFolder = "/EFI/Linux";
    std::vector<kexec::UkiFile> ukis;
    std::map<std::string, std::string> releases;
    for (const FatEntry& file : files_in(kFolder, [](std::string_view name) { return kexec::is_entry_name(name); })) {
      const std::string path = concat(kFolder, '/', file.name);
      const auto contents = volume_.open_file(file);
      if (!contents) {
        warn(path, contents.error());
        continue;
      }
      const auto uki = kexec::parse_uki(**contents);
      if (!uki) {
        warn(path, uki.error());
        continue;
      }
      releases[path] = kernel_release(**contents);
      ukis.push_back({path, uki->osrel, uki->uname});
    }
    for (BootEntry& entry : kexec::order_entries(std::move(ukis))) {
      std::string release = releases[entry.path];
      found_.ukis.push_back({std::move(entry), std::move(release)});
    }
  }

  void find_entries() {
    constexpr std::string_view kFolder = "/loader/entries";
    const auto is_conf = [](std::string_view name) {
      return name.size() > 5 && to_lower_ascii(name).ends_with(".conf") && !name.starts_with('.');
    };
    for (const FatEntry& file : files_in(kFolder, is_conf)) {
      const std::string path = concat(kFolder, '/', file.name);
      const auto text = read_text(file);
      if (!text) {
        warn(path, text.error());
        continue;
      }
      FoundEntryFile found{kexec::parse_entry_name(file.name).id, kexec::parse_entry_file(*text), {}};
      found.kernel = release_at(found.entry.kernel);
      found_.entries.push_back(std::move(found));
    }
    std::ranges::sort(found_.entries, {}, &FoundEntryFile::id);
  }

  Result<std::string> read_text(const FatEntry& file) {
    if (file.size > kexec::kMaxEntryFile) return fail(Code::Corrupt, "it is too large for a boot loader entry");
    const auto contents = TRY(volume_.open_file(file));
    std::string text(file.size, '\0');
    TRY(contents->read(0, {reinterpret_cast<std::byte*>(text.data()), text.size()}));
    return text;
  }

  std::string release_at(std::string_view path) {
    if (path.empty()) return {};
    const auto file = volume_.find(path);
    if (!file || file->directory) return {};
    const auto contents = volume_.open_file(*file);
    return contents ? kernel_release(**contents) : std::string();
  }

  void warn(std::string_view path, const Error& error) {
    found_.warnings.push_back(concat(printable(path), ": ", error.message()));
  }

  FatVolume volume_;
  BootFiles found_;
};

}  // namespace

Result<BootFiles> find_boot_files(const ByteSource& partition) {
  return Search(TRY(FatVolume::open(partition))).run();
}

}  // namespace vhdboot::tool
