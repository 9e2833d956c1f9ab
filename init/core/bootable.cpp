// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/bootable.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace vhdboot::core {
namespace {

struct MountableType {
  std::string_view type;
  std::string_view options;
};
constexpr std::array kMountableTypes{MountableType{"ext4", "noload"},
                                     MountableType{"ext3", "noload"},
                                     MountableType{"ext2", ""},
                                     MountableType{"xfs", "norecovery"},
                                     MountableType{"btrfs", "rescue=nologreplay"},
                                     MountableType{"vfat", ""}};

std::string_view scheme_name(Scheme scheme) {
  switch (scheme) {
    case Scheme::Gpt:
      return "GPT";
    case Scheme::Mbr:
      return "MBR";
    case Scheme::None:
      break;
  }
  return "no partition table";
}

}  // namespace

Result<void> check_footer(const vhd::ImageInfo& info, std::string_view file_name) {
  if (info.format != vhd::Format::Raw || !to_lower_ascii(file_name).ends_with(".vhd")) return {};
  return fail(Code::Corrupt, concat("it has no VHD footer: run `raw2vhd ", printable(file_name),
                                    "`, or call it .img when it is a raw disk"));
}

Error no_entry(const PartitionTable& table) {
  return {Code::NotFound, 0,
          concat("nothing to boot on the guest disk (", scheme_name(table.scheme),
                 table.scheme == Scheme::None ? "" : concat(", ", table.partitions.size(), " partitions"),
                 "): no unified kernel image in /EFI/Linux, no entry in /loader/entries, no kernel in a /boot that the "
                 "boot kernel can read")};
}

std::optional<std::string_view> guest_mount_options(std::string_view type) {
  const auto known = std::ranges::find(kMountableTypes, type, &MountableType::type);
  return known == kMountableTypes.end() ? std::nullopt : std::optional(known->options);
}

}  // namespace vhdboot::core
