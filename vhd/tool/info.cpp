// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "vhd/tool/commands.h"
#include "vhd/tool/image.h"
#include "vhd/tool/info_report.h"
#include "vhd/tool/output.h"

namespace vhdboot::tool {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdtool info [OPTION]... FILE

Says what the disk image FILE (raw, VHD or VHDX) is and what is in it: format,
size, blocks, UUID, parent, log, partitions, and what can be booted from its
ESP. FILE is not changed and nothing is mounted; no root is needed.

      --json   one JSON object on one line
  -h, --help   this text

Examples:
  vhdtool info debian.vhdx
  vhdtool info --json debian.vhd | jq .virtual_size
)";

void look_into(const vhd::Disk& disk, Inspection& inspection) {
  auto table = core::read_partition_table(
      disk, disk.info().format == vhd::Format::Vhdx ? std::optional(disk.info().logical_sector) : std::nullopt);
  if (!table) {
    inspection.warnings.push_back(concat("the partition table: ", table.error().message()));
    return;
  }
  for (const std::string& warning : table->warnings) inspection.warnings.push_back(warning);
  const auto look_at = [&](const core::Partition* partition, std::string_view role) {
    if (partition == nullptr) return;
    const SliceSource contents(disk, partition->start, partition->length);
    auto files = find_boot_files(contents);
    if (!files) {
      inspection.warnings.push_back(concat(role, " (partition ", partition->number, "): ", files.error().message()));
      return;
    }
    for (const std::string& warning : files->warnings)
      inspection.warnings.push_back(concat(role, " (partition ", partition->number, "): ", warning));
    inspection.boot.push_back({partition->number, std::string(role), *std::move(files)});
  };
  look_at(core::find_esp(*table), "ESP");
  look_at(core::find_xbootldr(*table), "XBOOTLDR");
  inspection.partitions = *std::move(table);
}

Result<Inspection> inspect(const std::string& path) {
  Inspection inspection;
  auto image = open_image(path);
  if (!image) {
    // Of an image whose parent is missing there is still something to tell.
    auto alone = open_image(path, Parents::Ignored);
    if (!alone || !alone->disk->info().differencing) return std::unexpected(std::move(image).error());
    inspection.parent_problem = image.error().message();
    inspection.warnings.push_back(*inspection.parent_problem);
    image = std::move(alone);
  }
  inspection.disk = image->disk->info();
  for (const std::string& warning : inspection.disk.warnings) inspection.warnings.push_back(warning);
  if (!inspection.parent_problem) look_into(*image->disk, inspection);
  return inspection;
}

}  // namespace

int run_info(int argc, char** argv) {
  enum : int { kJson = 256 };
  static constexpr std::array<option, 3> kOptions{
      {{"json", no_argument, nullptr, kJson}, {"help", no_argument, nullptr, 'h'}, {}}};
  bool json = false;
  int result = 0;
  while ((result = getopt_long(argc, argv, ":h", kOptions.data(), nullptr)) != -1) {
    switch (result) {
      case kJson:
        json = true;
        break;
      case 'h':
        print(kHelp);
        return finish("info");
      default:
        return wrong_option("info", result, argv[optind - 1]);
    }
  }
  if (argc - optind != 1) return wrong_usage("info", optind == argc ? "which FILE?" : "one FILE at a time");
  const std::string path = argv[optind];
  const auto inspection = inspect(path);
  if (!inspection) return failed("info", path, inspection.error());
  print(json ? json_report(path, *inspection) + '\n' : text_report(path, *inspection));
  for (const std::string& warning : inspection->warnings) warn("info", path, warning);
  return finish("info");
}

}  // namespace vhdboot::tool
