// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_entry.h"

#include <sys/mount.h>

#include <map>
#include <optional>

#include "base/text.h"
#include "init/core/bootable.h"
#include "init/sys/directory.h"

namespace vhdboot::stage {
namespace {

struct ParsedFile {
  std::unique_ptr<sys::FdSource> file;
  kexec::Uki uki;
};

class EntrySearch {
 public:
  explicit EntrySearch(const sys::Reporter& report) : report_(report) {}

  // Reads every image in /EFI/Linux of the file system on `partition`.
  Result<void> add(const std::string& partition, const std::string& mount_point) {
    mounts_.push_back(TRY_IN("the guest's ESP", sys::Mount::mount(partition, mount_point, "vfat", MS_RDONLY)));
    const std::string folder = mount_point + "/EFI/Linux/";
    for (const std::string& name : sys::list_directory(folder)) {
      if (!kexec::is_entry_name(name)) continue;
      auto parsed = read(folder + name);
      if (parsed) {
        files_.push_back({.path = folder + name, .osrel = parsed->uki.osrel, .uname = parsed->uki.uname});
        parsed_.emplace(folder + name, *std::move(parsed));
      } else {
        broken_.push_back(std::move(parsed).error().within(concat("/EFI/Linux/", printable(name))));
      }
    }
    return {};
  }

  Result<GuestEntry> pick(std::string_view pattern) && {
    if (files_.empty()) {
      if (!broken_.empty()) return std::unexpected(broken_.front());
      return std::unexpected(core::no_uki());
    }
    for (const Error& error : broken_) report_.warn(error.message());
    GuestEntry chosen{.entry = TRY(kexec::pick_entry(kexec::order_entries(std::move(files_)), pattern))};
    ParsedFile& file = parsed_.at(chosen.entry.path);
    chosen.uki = std::move(file.uki);
    chosen.file = std::move(file.file);
    chosen.mounts = std::move(mounts_);
    return chosen;
  }

 private:
  static Result<ParsedFile> read(const std::string& path) {
    auto file = TRY(sys::FdSource::open(path));
    auto uki = TRY(kexec::parse_uki(*file));
    return ParsedFile{std::move(file), std::move(uki)};
  }

  const sys::Reporter& report_;
  std::vector<sys::Mount> mounts_;
  std::vector<kexec::UkiFile> files_;
  std::map<std::string, ParsedFile> parsed_;
  std::vector<Error> broken_;
};

}  // namespace

Result<GuestEntry> choose_entry(const sys::LoopDevice& disk, const core::PartitionTable& table,
                                std::string_view pattern, const sys::Reporter& report) {
  const core::Partition* esp = core::find_esp(table);
  const core::Partition* xbootldr = core::find_xbootldr(table);
  TRY(core::check_boot_partition(table));
  EntrySearch search(report);
  if (esp != nullptr) TRY(search.add(concat(disk.path(), 'p', esp->number), "/run/vhdboot/esp"));
  if (xbootldr != nullptr) TRY(search.add(concat(disk.path(), 'p', xbootldr->number), "/run/vhdboot/xbootldr"));
  return std::move(search).pick(pattern);
}

}  // namespace vhdboot::stage
