// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/disk.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "vhd/dynamic_vhd.h"
#include "vhd/vhdx_disk.h"

namespace vhdboot::vhd {

/// Opens one image after the other along a chain of parents.
class DiskOpener {
 public:
  explicit DiskOpener(const OpenParent& open_parent) : open_parent_(open_parent) {}

  Result<std::unique_ptr<Disk>> open(const ByteSource& file, std::string_view name, unsigned depth) {
    std::unique_ptr<Disk> disk(new Disk);
    const ImageInfo info = TRY(recognise_any(file, name, disk->info_));
    disk->info_.format = info.format;
    disk->info_.uuid = info.uuid();
    disk->info_.link_id = info.uuid();
    switch (info.format) {
      case Format::Raw:
      case Format::FixedVhd:
        disk->contents_ = std::make_unique<SliceSource>(file, 0, info.payload_size);
        break;
      case Format::DynamicVhd:
      case Format::DifferencingVhd:
        TRY(open_dynamic(file, *info.footer, name, depth, *disk));
        break;
      case Format::Vhdx:
        TRY(open_vhdx(file, name, depth, *disk));
        break;
      default:
        return fail(Code::Unsupported, conversion_advice(info.format, name));
    }
    disk->info_.size = disk->contents_->size();
    if (info.footer) disk->info_.creator = trim(std::string_view(info.footer->creator.data(), 4));
    return disk;
  }

 private:
  // As recognise(), but a dynamic VHD whose footer is lost or damaged is known by the copy at its start.
  static Result<ImageInfo> recognise_any(const ByteSource& file, std::string_view name, DiskInfo& facts) {
    auto info = recognise(file, name);
    if (info && info->format != Format::DynamicVhd && info->format != Format::DifferencingVhd) return info;
    if (info && info->footer) return info;
    FooterBytes head{};
    if (file.size() < head.size() || !file.read(0, head)) return info;
    const auto copy = parse_footer(head);
    if (!copy || copy->type == DiskType::Fixed) return info;
    facts.warnings.emplace_back("the footer at its end is missing or damaged: its copy at the start was used");
    return ImageInfo{copy->type == DiskType::Dynamic ? Format::DynamicVhd : Format::DifferencingVhd, 0, copy.value()};
  }

  Result<void> open_dynamic(const ByteSource& file, const Footer& footer, std::string_view name, unsigned depth,
                            Disk& disk) {
    auto contents = TRY(DynamicVhd::open(file, footer));
    const DynamicHeader& header = contents->header();
    disk.info_.size = footer.current_size;
    disk.info_.block_size = header.block_size;
    disk.info_.blocks = (footer.current_size + header.block_size - 1) / header.block_size;
    disk.info_.allocated_blocks = contents->allocated_blocks();
    disk.info_.reserve = contents->reserve();
    TRY(count_blocks(disk.info_.blocks));
    if (footer.type == DiskType::Differencing) {
      disk.info_.differencing = true;
      disk.info_.parent = ParentLink{{header.parent_uuid}, parent_paths(file, header), header.parent_timestamp};
      TRY(attach_parent(name, depth, disk, *contents));
    }
    disk.blocks_ = contents.get();
    disk.contents_ = std::move(contents);
    return {};
  }

  Result<void> open_vhdx(const ByteSource& file, std::string_view name, unsigned depth, Disk& disk) {
    const VhdxHeader header = TRY(read_vhdx_header(file));
    LogReplay replay = TRY(read_vhdx_log(file, header));
    const ByteSource* source = &file;
    if (!header.log.is_zero()) {
      logs_ += header.log_length;
      if (logs_ > kMaxChainLogs)
        return fail(Code::Unsupported, concat("the logs of the chain that must be replayed have more than ",
                                              human_size(kMaxChainLogs), ": attach the image in Windows once"));
      disk.info_.log_dirty = true;
      disk.info_.log_entries = replay.entries;
      disk.replayed_ = std::make_unique<ReplayedFile>(file, std::move(replay));
      source = disk.replayed_.get();
    }
    auto contents = TRY(VhdxDisk::open(*source));
    const VhdxMetadata& metadata = contents->metadata();
    disk.info_.size = metadata.disk_size;
    disk.info_.block_size = metadata.block_size;
    disk.info_.blocks = (metadata.disk_size + metadata.block_size - 1) / metadata.block_size;
    disk.info_.allocated_blocks = contents->allocated_blocks();
    disk.info_.reserve = contents->reserve();
    TRY(count_blocks(disk.info_.blocks));
    disk.info_.preallocated = metadata.leave_allocated && !metadata.parent;
    disk.info_.logical_sector = metadata.logical_sector;
    disk.info_.physical_sector = metadata.physical_sector;
    disk.info_.uuid = metadata.disk_id;
    disk.info_.link_id = header.data_write;
    disk.info_.creator = read_vhdx_creator(file);
    if (metadata.parent) {
      disk.info_.differencing = true;
      disk.info_.parent = ParentLink{metadata.parent->data_writes, metadata.parent->paths, std::nullopt};
      TRY(attach_parent(name, depth, disk, *contents));
    }
    disk.blocks_ = contents.get();
    disk.contents_ = std::move(contents);
    return {};
  }

  Result<void> attach_parent(std::string_view name, unsigned depth, Disk& disk, SparseDisk& contents) {
    if (!open_parent_) return {};
    if (depth + 1 >= kMaxChain)
      return fail(Code::Corrupt, concat("it has more than ", kMaxChain - 1, " parents, or is one of its own"));
    OpenedFile found = TRY(find_parent(name, *disk.info_.parent));
    const std::string context = concat("its parent ", printable(found.name));
    auto parent = TRY_IN(context, open(*found.file, found.name, depth + 1));
    check_time(found, disk.info_);
    TRY_IN(context, check_identity(*parent, disk.info_));
    for (const std::string& warning : parent->info_.warnings)
      disk.info_.warnings.push_back(concat(context, ": ", warning));
    disk.info_.parent_name = found.name;
    parent->own_file_ = std::move(found.file);
    disk.parent_ = parent.get();
    contents.set_parent(std::move(parent));
    return {};
  }

  Result<OpenedFile> find_parent(std::string_view name, const ParentLink& link) const {
    std::string tried;
    for (const std::string& path : link.paths) {
      auto found = open_parent_(name, path);
      if (found) return found;
      if (found.error().code != Code::NotFound) return std::unexpected(std::move(found).error());
      if (!tried.empty()) tried += ", ";
      tried += printable(path);
    }
    if (tried.empty()) return fail(Code::NotFound, "it is a differencing image and does not say where its parent is");
    return fail(Code::NotFound,
                concat("its parent image was not found: put it beside this image (it is known as ", tried, ")"));
  }

  static Result<void> check_identity(const Disk& parent, const DiskInfo& child) {
    const auto& ids = child.parent->ids;
    if (!parent.info_.link_id || std::ranges::find(ids, *parent.info_.link_id) == ids.end())
      return fail(Code::Corrupt, "it is another image than the one that the child was made from, or was changed since");
    if (parent.info_.logical_sector != child.logical_sector)
      return fail(Code::Corrupt, "its sectors are of another size than those of the child");
    // A child in VHDX may have been made larger; whatever else changes a size changes what the child was made from.
    const bool fits = child.format == Format::Vhdx ? parent.size() <= child.size : parent.size() == child.size;
    if (!fits)
      return fail(Code::Corrupt, concat("its disk has ", parent.size(), " bytes and that of the child ", child.size,
                                        ": it was changed since the child was made"));
    return {};
  }

  // Only a warning: copying a file changes its time too.
  static void check_time(const OpenedFile& found, DiskInfo& child) {
    const auto expected = child.parent->timestamp;
    if (!expected || *expected == 0 || !found.changed || vhd_time(*found.changed) == *expected) return;
    child.warnings.push_back(concat("its parent ", printable(found.name),
                                    " was changed at another time than this image knows: if more than a copy was made ",
                                    "of it, what is read here is wrong"));
  }

  Result<void> count_blocks(std::uint64_t blocks) {
    blocks_ += blocks;
    if (blocks_ <= kMaxChainBlocks) return {};
    return fail(Code::Unsupported, concat("the images of the chain have more than ", kMaxChainBlocks,
                                          " blocks together: merge some of them"));
  }

  const OpenParent& open_parent_;
  std::uint64_t blocks_ = 0;  // of all images
  std::uint64_t logs_ = 0;    // bytes
};

Result<std::unique_ptr<Disk>> open_disk(const ByteSource& file, std::string_view file_name,
                                        const OpenParent& open_parent) {
  return DiskOpener(open_parent).open(file, file_name, 0);
}

std::string describe(const DiskInfo& disk) {
  if (disk.format != Format::Vhdx) return std::string(name(disk.format));
  return concat(disk.differencing ? "differencing" : disk.preallocated ? "fixed" : "dynamic", ' ', name(disk.format));
}

std::string local_parent_path(std::string_view path) {
  std::string local(path);
  std::ranges::replace(local, '\\', '/');
  const bool absolute = local.starts_with('/') || (local.size() > 1 && local[1] == ':');
  if (absolute) local = local.substr(local.find_last_of("/:") + 1);
  while (local.starts_with("./")) local.erase(0, 2);
  return local;
}

}  // namespace vhdboot::vhd
