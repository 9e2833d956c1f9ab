// SPDX-License-Identifier: GPL-2.0-or-later
// Would this image boot from where it lies: its file's attributes and extents, the state of the volume.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "init/blocks/attach_plan.h"
#include "init/volume/volume.h"
#include "tools/vhdtool/finding.h"

namespace vhdboot::vhdtool {

/// What the running system tells about a file on a mounted file system; what it does not tell is absent.
struct MountedFile {
  std::string name;  ///< the last component
  std::uint64_t size = 0;
  std::optional<std::uint64_t> allocated;    ///< bytes that it has on the disk
  std::string file_system;                   ///< "ntfs3", as in /proc/mounts; empty when unknown
  std::string device;                        ///< "/dev/sda2", what is mounted, as in /proc/mounts; empty when unknown
  std::string mount_point;                   ///< of the top of its file system; empty when unknown
  std::optional<volume::Kind> kind;          ///< absent: none that vhdboot boots from, or unknown
  std::optional<std::uint32_t> attributes;   ///< as Windows counts them ([MS-FSCC] 2.6)
  std::optional<std::uint64_t> hole;         ///< the first one, byte of the file
  std::optional<std::uint64_t> unwritten;    ///< the first byte that has a place and was never written
  std::optional<std::uint64_t> extents;      ///< how many
  std::optional<volume::VolumeState> state;  ///< dirty and journal_pending say nothing while it is mounted
};

void check_mounted(const MountedFile& file, Findings& findings);

/// All that speaks against mapping the file, in the words of volume::check_mappable.
void check_layout(const volume::FileLayout& layout, const volume::Path& path, Findings& findings);

/// The volume of `kind`, which nobody has mounted.
void check_volume(volume::Kind kind, const Result<volume::VolumeState>& state, Findings& findings);

/// Whether the file can be attached where its extents lie.
void check_attachment(Result<blocks::View> view, std::uint32_t guest_block, Findings& findings);

}  // namespace vhdboot::vhdtool
