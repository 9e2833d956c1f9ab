// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/check_entry.h"

#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/core/bootable.h"
#include "kexec/bls.h"
#include "kexec/cmdline.h"
#include "kexec/plan.h"
#include "kexec/uki.h"
#include "vhd/fat.h"

namespace vhdboot::tool {
namespace {

constexpr std::string_view kFolder = "/EFI/Linux";

// A partition with a FAT volume; the contents of its files read from it.
struct BootVolume {
  std::unique_ptr<SliceSource> partition;
  std::unique_ptr<vhd::FatVolume> volume;
};

struct ParsedFile {
  std::unique_ptr<ByteSource> file;
  kexec::Uki uki;
};

class EntryCheck {
 public:
  EntryCheck(const ByteSource& disk, const core::Config& config, Findings& findings)
      : disk_(disk), config_(config), findings_(findings) {}

  void look_at(const core::Partition& partition, std::string_view role) {
    if (const auto done = read(partition, role); !done)
      findings_.error(role == "ESP" ? "esp" : "xbootldr",
                      concat(role, " (partition ", partition.number, "): ", done.error().message()));
  }

  std::optional<BootChoice> choose() {
    if (files_.empty()) {
      for (const Error& error : broken_) findings_.error("uki", error);
      if (broken_.empty() && !unreadable()) findings_.error("uki", core::no_uki());
      return std::nullopt;
    }
    for (const Error& error : broken_) findings_.warning("uki", error.message());
    const auto ordered = kexec::order_entries(std::move(files_));
    const auto picked = kexec::pick_entry(ordered, config_.entry.value_or(""));
    if (!picked) findings_.error("entry", picked.error());
    std::optional<BootChoice> choice;
    for (const kexec::BootEntry& entry : ordered) {
      // What only a person would choose is no reason not to boot.
      const bool booted = picked && picked->path == entry.path;
      BootChoice checked = check(entry, booted ? Severity::Error : Severity::Warning);
      if (booted) choice = std::move(checked);
    }
    return choice;
  }

 private:
  Result<void> read(const core::Partition& partition, std::string_view role) {
    BootVolume& place = volumes_.emplace_back();
    place.partition = std::make_unique<SliceSource>(disk_, partition.start, partition.length);
    place.volume = std::make_unique<vhd::FatVolume>(TRY(vhd::FatVolume::open(*place.partition)));
    findings_.ok(role == "ESP" ? "esp" : "xbootldr",
                 concat(role, " on partition ", partition.number, ", FAT", place.volume->bits()));
    const auto folder = place.volume->find(kFolder);
    if (!folder && folder.error().code == Code::NotFound) return {};
    if (!folder) return std::unexpected(folder.error().within(kFolder));
    if (!folder->directory) return {};
    for (const vhd::FatEntry& file : TRY_IN(kFolder, place.volume->list(*folder))) {
      if (file.directory || !kexec::is_entry_name(file.name)) continue;
      const std::string path = concat(role, ':', kFolder, '/', file.name);
      auto parsed = parse(*place.volume, file);
      if (!parsed) {
        broken_.push_back(std::move(parsed).error().within(concat(kFolder, '/', printable(file.name))));
        continue;
      }
      files_.push_back({.path = path, .osrel = parsed->uki.osrel, .uname = parsed->uki.uname});
      parsed_.emplace(path, *std::move(parsed));
    }
    return {};
  }

  static Result<ParsedFile> parse(const vhd::FatVolume& volume, const vhd::FatEntry& entry) {
    auto file = TRY(volume.open_file(entry));
    auto uki = TRY(kexec::parse_uki(*file));
    return ParsedFile{std::move(file), std::move(uki)};
  }

  BootChoice check(const kexec::BootEntry& entry, Severity severity) {
    const ParsedFile& parsed = parsed_.at(entry.path);
    const std::string id = printable(entry.id);
    BootChoice choice{.id = id, .release = parsed.uki.uname, .root = {}, .root_flags = {}};
    const auto plan =
        kexec::make_plan(kexec::parts_of(*parsed.file, parsed.uki), concat(core::kSafetyOptions, ' ', config_.options));
    if (!plan) {
      findings_.add("kernel", severity, plan.error().within(id).message());
      if (!parsed.uki.initrd) findings_.add("initrd", severity, core::check_initrd({}, id).error().message());
      return choice;
    }
    if (choice.release.empty()) choice.release = plan->header.version;
    const auto options = kexec::CommandLine::parse(plan->cmdline);
    choice.root = options.find("root").value_or("");
    choice.root_flags = options.find("rootflags").value_or("");
    findings_.ok("kernel", concat(id, ": ", printable(entry.title), ", kernel ",
                                  choice.release.empty() ? "of unknown release" : printable(choice.release),
                                  severity != Severity::Error ? ""
                                  : config_.entry             ? ", is booted as configured"
                                                              : ", is booted by default"));
    if (const auto initrd = core::check_initrd(*plan, id); !initrd)
      findings_.add("initrd", severity, initrd.error().message());
    else
      findings_.ok("initrd", concat(id, " has an initrd"));
    return choice;
  }

  // Then why is said already.
  [[nodiscard]] bool unreadable() const {
    return std::ranges::any_of(findings_.all(), [](const Finding& finding) {
      return finding.severity == Severity::Error && (finding.check == "esp" || finding.check == "xbootldr");
    });
  }

  const ByteSource& disk_;
  const core::Config& config_;
  Findings& findings_;
  std::vector<BootVolume> volumes_;
  std::vector<kexec::UkiFile> files_;
  std::map<std::string, ParsedFile> parsed_;
  std::vector<Error> broken_;
};

}  // namespace

std::optional<BootChoice> check_entries(const ByteSource& disk, const core::PartitionTable& table,
                                        const core::Config& config, Findings& findings) {
  if (const auto there = core::check_boot_partition(table); !there) {
    findings.error("esp", there.error());
    return std::nullopt;
  }
  EntryCheck check(disk, config, findings);
  if (const core::Partition* esp = core::find_esp(table)) check.look_at(*esp, "ESP");
  if (const core::Partition* xbootldr = core::find_xbootldr(table)) check.look_at(*xbootldr, "XBOOTLDR");
  return check.choose();
}

}  // namespace vhdboot::tool
