// SPDX-License-Identifier: GPL-2.0-or-later
// The virtual disk in an image of any format of ours: raw, fixed, dynamic and differencing VHD, VHDX. Only for reading.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/guid.h"
#include "base/result.h"
#include "base/units.h"
#include "vhd/image.h"
#include "vhd/sparse_disk.h"
#include "vhd/vhdx_log.h"

namespace vhdboot::vhd {

/// How many images a chain of parents may have.
inline constexpr unsigned kMaxChain = 64;

/// Blocks of all images of a chain together, whose tables are held in memory; and bytes of the logs that are replayed.
inline constexpr std::uint64_t kMaxChainBlocks = 16 * 1024 * 1024;
inline constexpr std::uint64_t kMaxChainLogs = 128 * kMiB;

/// What a differencing image says of its parent.
struct ParentLink {
  std::vector<Guid> ids;           ///< one of them is the parent's; as the parent's DiskInfo::link_id
  std::vector<std::string> paths;  ///< best first, UTF-8, as the child's maker wrote them: "..\base.vhd", "C:\a\b.vhd"
  std::optional<std::uint32_t> timestamp;  ///< VHD: of the parent's last change, seconds since kVhdEpoch
};

struct DiskInfo {
  Format format = Format::Raw;
  bool differencing = false;
  bool preallocated = false;     ///< a fixed VHDX
  std::uint64_t size = 0;        ///< of the disk, bytes
  std::uint32_t block_size = 0;  ///< bytes; 0 where there are no blocks
  std::uint64_t blocks = 0;
  std::uint64_t allocated_blocks = 0;
  std::uint64_t reserve = 0;  ///< bytes, in whole blocks, that new blocks find in the file
  std::uint32_t logical_sector = 512;
  std::uint32_t physical_sector = 512;
  std::optional<Guid> uuid;     ///< of the disk; none in a raw image
  std::optional<Guid> link_id;  ///< by which a child knows this image
  std::optional<ParentLink> parent;
  std::string parent_name;            ///< of the file that was opened as its parent; empty when none was
  bool log_dirty = false;             ///< VHDX: the log has to be replayed, and was for reading
  std::uint64_t log_entries = 0;      ///< that were
  std::string creator;                ///< UTF-8; may be empty
  std::vector<std::string> warnings;  ///< clauses for people
};

/// What kind of image it is, for people: "differencing VHDX image".
[[nodiscard]] std::string describe(const DiskInfo& disk);

/// A file that was found for an image.
struct OpenedFile {
  std::string name;  ///< for people, and to find its own parent
  std::unique_ptr<ByteSource> file;
  std::optional<std::int64_t> changed;  ///< when it was changed last, Unix seconds
};

/// Finds a parent: `child` is the name of the image, `path` one of ParentLink::paths. NotFound: the next path is tried.
using OpenParent = std::function<Result<OpenedFile>(std::string_view child, std::string_view path)>;

class Disk final : public ByteSource {
 public:
  [[nodiscard]] std::uint64_t size() const override { return contents_->size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    return contents_->read(offset, out);
  }
  [[nodiscard]] const DiskInfo& info() const { return info_; }

  /// What its blocks are; null when the disk is the first size() bytes of its file.
  [[nodiscard]] const SparseDisk* blocks() const { return blocks_; }
  /// The image that was opened as its parent; null when none was.
  [[nodiscard]] const Disk* parent() const { return parent_; }
  /// Whether these bytes of its file are others before its log is replayed.
  [[nodiscard]] bool is_logged(std::uint64_t offset, std::uint64_t length) const {
    return replayed_ && replayed_->changes(offset, length);
  }

 private:
  friend class DiskOpener;
  DiskInfo info_;
  const SparseDisk* blocks_ = nullptr;  // is contents_
  const Disk* parent_ = nullptr;        // in blocks_
  // Each reads from what stands above it.
  std::unique_ptr<ByteSource> own_file_;
  std::unique_ptr<ReplayedFile> replayed_;
  std::unique_ptr<ByteSource> contents_;
};

/// The disk in `file`, which must outlive it. `file_name` is for people and for `open_parent`. Without `open_parent` a
/// differencing image opens alone, and reading what only its parent has is NotFound. Errors: Corrupt and Unsupported as
/// recognise() and the formats say; NotFound when no path leads to a parent; Corrupt when the parent has another
/// identity or another size, or the chain has more than kMaxChain images; Unsupported beyond the other caps.
[[nodiscard]] Result<std::unique_ptr<Disk>> open_disk(const ByteSource& file, std::string_view file_name,
                                                      const OpenParent& open_parent = {});

/// A path of Windows as one relative to the folder of the child, or where it is absolute only its last component, with
/// '/' between them: "..\a\b.vhd" is "../a/b.vhd", "C:\a\b.vhd" is "b.vhd". Empty when nothing is left.
[[nodiscard]] std::string local_parent_path(std::string_view path);

}  // namespace vhdboot::vhd
