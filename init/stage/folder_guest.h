// SPDX-License-Identifier: GPL-2.0-or-later
// A guest whose root is the folder of a WSL 1 distribution, as it lies on the host volume. It is shown as a file system
// (init/tree) whose files stay where they are; what the guest writes goes to memory, above it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "init/record/config.h"
#include "init/record/handoff.h"
#include "init/stage/find_image.h"
#include "init/sys/mount.h"

namespace vhdboot::stage {

/// The part of the memory that is free which may go to it: until the jump it is there three times.
inline constexpr std::uint64_t kFolderPart = 6;

/// What such a guest's configuration comes to: it forgets, and is a distribution of WSL. Unsupported, with what to do,
/// when it has no kernel or is to have what only a disk has.
[[nodiscard]] Result<record::Config> config_for_folder(record::Config config);

/// Told how many files have been looked at, and how many bytes are in memory; an error ends it.
using FolderProgress = std::function<Result<void>(std::uint64_t files, std::uint64_t written)>;

/// Makes the disk of an image that open_image() has found to be a folder. Unsupported when it is no folder of WSL 1,
/// NoMemory when it takes too much of that, Timeout when it takes too long.
[[nodiscard]] Result<void> show_folder(FoundImage& image, const FolderProgress& progress);

/// An archive with the file system's own part, for stage 2. Borrows the folder.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> folder_archive(const ShownFolder& folder);

/// The folder that stage 1 has shown, again. Unsafe when it is not where it was.
[[nodiscard]] Result<FoundImage> find_same_folder(HostVolume& volume, const record::Handoff& handoff);

/// The file system that can keep it.
inline constexpr std::string_view kChangesType = "ext4";

/// Where what is written above a folder goes.
struct FolderChanges {
  std::uint64_t most = 0;   ///< bytes of memory
  std::string device;       ///< with an ext4 that keeps it instead: "/dev/loop2"; empty: none
  std::string fingerprint;  ///< of the folder
};

/// The guest's root, with the folder below and what is written above; undone in reverse when the object ends.
class FolderRoot {
 public:
  FolderRoot(FolderRoot&&) noexcept = default;
  FolderRoot& operator=(FolderRoot&& other) noexcept {
    mounts_.swap(other.mounts_);
    return *this;
  }
  ~FolderRoot() {
    while (!mounts_.empty()) mounts_.pop_back();
  }

  /// `device` shows the folder; mounted at `place`, with a file system in memory at its /run. Unsafe when what was
  /// written before was written above another state of the folder.
  [[nodiscard]] static Result<FolderRoot> mount(const std::string& device, const std::string& place,
                                                const FolderChanges& changes);

 private:
  FolderRoot() = default;
  std::vector<sys::Mount> mounts_;
};

}  // namespace vhdboot::stage
