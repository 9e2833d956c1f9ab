// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/lx_file.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "init/volume/reparse.h"

namespace vhdboot::volume {
namespace {

constexpr std::uint32_t kTypeMask = 0170000;
constexpr std::uint32_t kPermissions = 07777;
// What Linux can hold in a number of a device.
constexpr std::uint32_t kMajors = 1u << 12;
constexpr std::uint32_t kMinors = 1u << 20;

struct TypeRow {
  LxType type;
  std::uint32_t mode;
  std::uint32_t tag;  // 0: has none
};
constexpr std::array kTypes{
    TypeRow{LxType::File, 0100000, 0},
    TypeRow{LxType::Directory, 0040000, 0},
    TypeRow{LxType::Symlink, 0120000, kTagLxSymlink},
    TypeRow{LxType::Character, 0020000, kTagLxCharacter},
    TypeRow{LxType::Block, 0060000, kTagLxBlock},
    TypeRow{LxType::Fifo, 0010000, kTagLxFifo},
    TypeRow{LxType::Socket, 0140000, kTagLxSocket},
};

const TypeRow* type_of_mode(std::uint32_t mode) {
  const auto* const row = std::ranges::find(kTypes, mode & kTypeMask, &TypeRow::mode);
  return row == kTypes.end() ? nullptr : row;
}

const TypeRow* type_of_tag(std::uint32_t tag) {
  const auto* const row = tag == 0 ? kTypes.end() : std::ranges::find(kTypes, tag, &TypeRow::tag);
  return row == kTypes.end() ? nullptr : row;
}

Error kept_elsewhere(std::uint32_t tag) {
  if (tag == kTagWof)
    return {Code::Unsupported, 0, "Windows compressed it (CompactOS): in Windows run \"compact /u /exe FILE\""};
  if (tag == kTagDedup) return {Code::Unsupported, 0, "Windows keeps its data deduplicated: copy it to a new file"};
  if ((tag & kTagCloudMask) == kTagCloud)
    return {Code::Unsupported, 0, "its data may be in the cloud: copy it to a new file outside of that folder"};
  return {Code::Unsupported, 0, concat("it is a reparse point that is not known (tag 0x", to_hex(tag, 8), ")")};
}

/// The type that the reparse point says, else the mode, else what NTFS says.
Result<void> set_type(const NtfsNode& node, const std::optional<std::uint32_t>& mode, LxFile& out) {
  out.type = node.directory ? LxType::Directory : LxType::File;
  const TypeRow* const said = mode ? type_of_mode(*mode) : nullptr;
  if (!node.reparse_point.empty()) {
    const ReparsePoint point = TRY(parse_reparse_point(node.reparse_point));
    if (is_link(point.tag)) {
      out.target = TRY(windows_link_target(point));
      out.type = LxType::Symlink;
      out.windows_link = true;
      return {};
    }
    const TypeRow* const tagged = type_of_tag(point.tag);
    if (tagged == nullptr || node.directory) return std::unexpected(kept_elsewhere(point.tag));
    out.type = tagged->type;
    if (out.type == LxType::Symlink) out.target = TRY(lx_symlink_target(point.data));
  } else if (said != nullptr && !node.directory && said->type != LxType::Directory) {
    out.type = said->type;
  }
  if (mode && (said == nullptr || said->type != out.type)) out.damage = "its mode says that it is of another type";
  return {};
}

}  // namespace

Result<LxFile> lx_file(const NtfsNode& node, LxGeneration generation) {
  LxFile out;
  LxMetadata metadata;
  const auto attributes = parse_extended_attributes(node.extended_attributes);
  auto read = attributes ? lx_metadata(*attributes, generation) : std::unexpected(attributes.error());
  if (read) metadata = *std::move(read);
  TRY(set_type(node, metadata.mode, out));
  if (!read) out.damage = read.error().text;
  out.without_metadata = !metadata.mode || !metadata.uid || !metadata.gid;
  const std::uint32_t writable = node.read_only ? 0 : 0222;
  const std::uint32_t usual =
      (node.directory ? kDefaultDirectoryMode : kDefaultFileMode) & (writable | ~std::uint32_t{0222});
  out.mode = out.type == LxType::Symlink ? 0777 : metadata.mode.value_or(usual) & kPermissions;
  out.uid = metadata.uid.value_or(0);
  out.gid = metadata.gid.value_or(0);
  out.accessed = metadata.accessed.value_or(node.accessed);
  out.modified = metadata.modified.value_or(node.modified);
  out.attributes = std::move(metadata.attributes);
  if (out.type != LxType::Character && out.type != LxType::Block) return out;
  out.device = metadata.device.value_or(LxDevice{});
  if (!metadata.device || out.device.major >= kMajors || out.device.minor >= kMinors)
    return fail(Code::Corrupt, "it is a device whose number is missing or impossible");
  return out;
}

}  // namespace vhdboot::volume
