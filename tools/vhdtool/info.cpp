// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "entry/find_entries.h"
#include "init/blocks/check_writer.h"
#include "kexec/bzimage.h"
#include "tools/common/output.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/info_report.h"
#include "tools/vhdtool/inspected_disk.h"
#include "tools/vhdtool/open_image.h"

namespace vhdboot::vhdtool {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdtool info [OPTION]... FILE

Says what the disk image FILE (raw, VHD or VHDX) is and what is in it: format,
size, blocks, UUID, parent, log, partitions, and what vhdboot could start from
it: unified kernel images with their profiles, boot loader entries, and kernels
in /boot. FILE is not changed. No root is needed, but only root can look into
what is not on a FAT file system.

      --json   one JSON object on one line
      --parent-volume FOLDER
               where the volume is mounted that has the parents which are not
               beside FILE, as `parent-volume` in a configuration
  -h, --help   this text

Examples:
  vhdtool info debian.vhdx
  vhdtool info --json debian.vhd | jq .virtual_size
)";

BootableEntry look_at(const entry::FoundEntry& found, std::vector<std::string>& warnings) {
  BootableEntry told{.entry = found.entry,
                     .partition = found.partition->entry == nullptr ? 0 : found.partition->entry->number,
                     .path = found.path,
                     .kernel = {},
                     .options = found.entry.options,
                     .profiles = {}};
  auto opened = found.open({});
  if (!opened) {
    warnings.push_back(concat(found.partition->description(), ": ", opened.error().message()));
    return told;
  }
  const kexec::Piece& kernel = opened->parts.kernel;
  const auto header = kexec::parse_bzimage(*kernel.file, kernel.range);
  told.kernel = header && !header->version.empty() ? header->version : opened->release;
  told.options = opened->parts.cmdline;
  told.profiles = std::move(opened->profiles);
  return told;
}

// Only of an image that is the disk itself can partitions be mounted.
Result<Backing> backing_of(const std::string& path, const vhd::DiskInfo& info) {
  if (info.format != vhd::Format::Raw && info.format != vhd::Format::FixedVhd)
    return fail(Code::Unsupported, "only FAT can be looked into where the disk does not lie in one file as it is");
  return open_backing(path, {{.logical = 0, .physical = 0, .length = info.size}});
}

void look_into(const std::string& path, const vhd::Disk& image, Inspection& inspection) {
  auto table = disk::read_partition_table(
      image, image.info().format == vhd::Format::Vhdx ? std::optional(image.info().logical_sector) : std::nullopt);
  if (!table) {
    inspection.warnings.push_back(concat("the partition table: ", table.error().message()));
    return;
  }
  for (const std::string& warning : table->warnings) inspection.warnings.push_back(warning);
  InspectedDisk disk(image, *table, backing_of(path, image.info()));
  const entry::FoundEntries found = entry::find_entries(disk);
  for (const entry::FoundEntry& entry : found.entries) inspection.boot.push_back(look_at(entry, inspection.warnings));
  for (const Unread& unread : disk.unread()) inspection.unread.push_back(unread.text);
  for (const Error& error : found.broken)
    if (std::ranges::find(inspection.unread, error.message()) == inspection.unread.end())
      inspection.warnings.push_back(error.message());
  inspection.partitions = *std::move(table);
}

Result<Inspection> inspect(const std::string& path, std::string parent_volume) {
  Inspection inspection;
  auto parents = TRY(MountedParents::on(std::move(parent_volume)));
  auto image = open_image(path, parents);
  if (!image) {
    // Of an image whose parent is missing there is still something to tell.
    auto alone = open_image(path, Parents::Ignored);
    if (!alone || !alone->disk->info().differencing) return std::unexpected(std::move(image).error());
    inspection.parent_problem = image.error().message();
    inspection.warnings.push_back(*inspection.parent_problem);
    image = std::move(alone);
  }
  inspection.disk = image->disk->info();
  for (const vhd::Disk* one = image->disk.get(); one->parent() != nullptr; one = one->parent())
    inspection.chain.push_back(one->info().parent_name);
  for (const std::string& warning : inspection.disk.warnings) inspection.warnings.push_back(warning);
  if (inspection.parent_problem) return inspection;
  inspection.takes_writes = blocks::check_writer(*image->disk, false).has_value();
  look_into(path, *image->disk, inspection);
  return inspection;
}

}  // namespace

ExitStatus run_info(int argc, char** argv) {
  enum : int { kJson = 256, kParentVolume };
  static constexpr std::array<option, 4> kOptions{{{"json", no_argument, nullptr, kJson},
                                                   {"parent-volume", required_argument, nullptr, kParentVolume},
                                                   {"help", no_argument, nullptr, 'h'},
                                                   {}}};
  bool json = false;
  std::string parent_volume;
  int result = 0;
  while ((result = getopt_long(argc, argv, ":h", kOptions.data(), nullptr)) != -1) {
    switch (result) {
      case kJson:
        json = true;
        break;
      case kParentVolume:
        parent_volume = optarg;
        break;
      case 'h':
        tools::print(kHelp);
        return ExitStatus::Done;
      default:
        return tools::wrong_option("info", result, argv);
    }
  }
  if (argc - optind != 1) return tools::wrong_usage("info", optind == argc ? "which FILE?" : "one FILE at a time");
  const std::string path = argv[optind];
  const auto inspection = inspect(path, std::move(parent_volume));
  if (!inspection) return tools::failed("info", path, inspection.error());
  tools::print(json ? json_report(path, *inspection) + '\n' : text_report(path, *inspection));
  for (const std::string& warning : inspection->warnings) tools::warn("info", path, warning);
  return inspection->warnings.empty() ? ExitStatus::Done : ExitStatus::Warnings;
}

}  // namespace vhdboot::vhdtool
