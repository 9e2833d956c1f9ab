// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/size_text.h"
#include "base/text.h"
#include "base/units.h"
#include "tools/common/output.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/open_image.h"

namespace vhdboot::vhdtool {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdtool cat [OPTION]... FILE

Writes the bytes of the virtual disk in FILE (a raw image, VHD or VHDX) to the
standard output. FILE is not changed; a VHDX file whose log has to be replayed
is read as if that were done.

      --offset N   begin at this byte of the disk
      --length N   write so many bytes; default: to the end of the disk
      --parent-volume FOLDER
                   where the volume is mounted that has the parents which are
                   not beside FILE, as `parent-volume` in a configuration
  -h, --help       this text

N is in bytes, or with K, M, G or T in units of 1024.

Examples:
  vhdtool cat disk.vhdx > disk.img                  the whole disk
  vhdtool cat --length 1M disk.vhd | hexdump -C     its beginning
)";

constexpr std::size_t kChunk = kMiB;

ExitStatus write_disk(const std::string& path, const vhd::Disk& disk, std::uint64_t offset, std::uint64_t length) {
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, length)));
  while (length > 0) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), length));
    if (const auto done = disk.read(offset, MutableBytes(buffer).first(count)); !done)
      return tools::failed("cat", path, done.error().within(concat("byte ", offset, " of the disk")));
    if (std::fwrite(buffer.data(), 1, count, stdout) != count) break;
    offset += count;
    length -= count;
  }
  return ExitStatus::Done;
}

}  // namespace

ExitStatus run_cat(int argc, char** argv) {
  enum : int { kOffset = 256, kLength, kParentVolume };
  static constexpr std::array<option, 5> kOptions{{{"offset", required_argument, nullptr, kOffset},
                                                   {"length", required_argument, nullptr, kLength},
                                                   {"parent-volume", required_argument, nullptr, kParentVolume},
                                                   {"help", no_argument, nullptr, 'h'},
                                                   {}}};
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
  std::string parent_volume;
  int result = 0;
  while ((result = getopt_long(argc, argv, ":h", kOptions.data(), nullptr)) != -1) {
    switch (result) {
      case kOffset:
      case kLength: {
        const auto size = parse_bytes(optarg);
        if (!size) return tools::wrong_usage("cat", size.error().text);
        if (result == kOffset)
          offset = *size;
        else
          length = *size;
        break;
      }
      case kParentVolume:
        parent_volume = optarg;
        break;
      case 'h':
        tools::print(kHelp);
        return ExitStatus::Done;
      default:
        return tools::wrong_option("cat", result, argv);
    }
  }
  if (argc - optind != 1)
    return tools::wrong_usage("cat", optind == argc ? "which FILE?" : "only one FILE can be read");
  const std::string path = argv[optind];
  auto parents = MountedParents::on(std::move(parent_volume));
  const auto image = parents ? open_image(path, *parents) : std::unexpected(parents.error());
  if (!image) return tools::failed("cat", path, image.error());
  const vhd::Disk& disk = *image->disk;
  for (const std::string& warning : disk.info().warnings) tools::warn("cat", path, warning);
  if (offset > disk.size() || length.value_or(0) > disk.size() - offset)
    return tools::failed("cat", path, Error{Code::Invalid, 0, concat("the disk has only ", disk.size(), " bytes")});
  const ExitStatus written = write_disk(path, disk, offset, length.value_or(disk.size() - offset));
  return together(written, disk.info().warnings.empty() ? ExitStatus::Done : ExitStatus::Warnings);
}

}  // namespace vhdboot::vhdtool
