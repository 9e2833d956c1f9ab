// SPDX-License-Identifier: GPL-2.0-or-later
// The record that stage 1 leaves for stage 2: which files were attached, how, and where they lay.
//
// Text: the line `vhdboot-handoff 7`, `key value` lines, for each file a section that begins with `file PATH` and ends
// with its `extent LOGICAL PHYSICAL LENGTH` lines (bytes); for each further disk such sections, the first of which
// begins with `disk SIZE VIEW BLOCK PATH` instead; one each that begins with `scratch PATH` and `persist PATH`; and at
// the end `crc32 xxxxxxxx` over all that is before it. Stage 2 never trusts it: it looks again and compares.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/extent.h"
#include "base/range.h"
#include "base/result.h"
#include "disk/hardware_path.h"
#include "disk/selector.h"
#include "entry/boot_count.h"
#include "init/record/config.h"
#include "init/record/ephemeral.h"
#include "init/record/host_mount.h"
#include "init/volume/volume.h"

namespace vhdboot::record {

inline constexpr std::string_view kHandoffPath = "/vhdboot/handoff";  ///< in the target kernel's root file system
inline constexpr std::size_t kMaxHandoffBytes = 64ULL << 20;
inline constexpr std::size_t kMaxHandoffFiles = 64;             ///< of one disk
inline constexpr std::size_t kMaxHandoffDisks = kMaxDisks + 1;  ///< with that of a kernel
inline constexpr std::size_t kMaxHandoffExtents = 1'000'000;    ///< of all files together
inline constexpr std::size_t kMaxHandoffModules = 1024;
inline constexpr std::size_t kMaxHandoffPlaces = 64;  ///< of one file's disk

/// What the kernel starts first in a root file system unless init= says otherwise.
inline constexpr std::string_view kDefaultRootInit = "/sbin/init";

/// The root file system that stage 2 mounts for a guest without an initrd, as the kernel would have done.
struct GuestRoot {
  unsigned partition = 0;  ///< of the guest disk; 0: the whole disk
  bool read_only = true;
  std::string type;   ///< as mount(2) takes it
  std::string flags;  ///< rootflags=; may be empty
  friend bool operator==(const GuestRoot&, const GuestRoot&) = default;
};

/// A module that stage 2 loads.
struct HandoffModule {
  std::string path;     ///< in the appended archive; no blank in it
  std::string options;  ///< its parameters; may be empty

  friend bool operator==(const HandoffModule&, const HandoffModule&) = default;
};

/// A file that the guest disk is made of.
struct HandoffFile {
  std::string path;  ///< on its volume, '/' between the names
  volume::Kind kind = volume::Kind::Ntfs;
  std::string serial;                      ///< of the volume; upper case, as blkid prints it
  std::optional<std::string> partuuid;     ///< absent: a volume on an unpartitioned disk
  std::vector<disk::HardwarePath> places;  ///< of its disk, one for each controller that leads to it; may be empty
  std::string wwid;                        ///< of its disk; may be empty
  std::uint64_t size = 0;                  ///< bytes
  std::vector<Extent> extents;             ///< of the whole file, in logical order

  /// What its volume must be known by in the target kernel.
  [[nodiscard]] disk::Identity identity() const { return {.uuid = serial, .partuuid = partuuid.value_or("")}; }

  friend bool operator==(const HandoffFile&, const HandoffFile&) = default;
};

/// A further disk of the guest.
struct HandoffDisk {
  std::vector<HandoffFile> files;  ///< as those of the guest disk, and so is the rest
  std::uint64_t payload_size = 0;
  std::uint32_t view = 0;
  std::uint32_t guest_block = 512;

  friend bool operator==(const HandoffDisk&, const HandoffDisk&) = default;
};

/// What it takes to bring what is missing of the image.
struct HandoffArrival {
  Arrival from;
  HandoffFile map;   ///< which of its blocks are there
  HandoffFile tree;  ///< of their hashes

  friend bool operator==(const HandoffArrival&, const HandoffArrival&) = default;
};

struct Handoff {
  /// The guest forgets what it writes, and nothing is written to the host disk at all.
  [[nodiscard]] bool writes_nothing() const { return ephemeral && ephemeral->file.empty() && kept.empty() && !persist; }

  [[nodiscard]] bool is_folder() const { return !folder.empty(); }

  // The guest disk.
  std::vector<HandoffFile> files;         ///< at least one: the image first, then its parents, the nearest first
  std::optional<HandoffFile> scratch;     ///< of `ephemeral`, on the same volume; it is no part of the disk
  std::optional<HandoffFile> persist;     ///< the image of `persist`, on the same volume; a disk of its own
  std::optional<HandoffArrival> arrival;  ///< of an image that is not complete; its files are on the same volume
  std::uint64_t payload_size = 0;         ///< bytes
  std::uint32_t view = 0;                 ///< checksum of the rows that show the files as the disk
  std::uint32_t guest_block = 512;
  std::vector<HandoffDisk> disks;  ///< further ones, on the same volume; read-only where the guest forgets
  std::string folder;  ///< fingerprint of the folder that the one file is, which is shown as `root`; empty: it is none
  bool has_kernel_disk = false;  ///< the last of them has the guest's kernel, and is read-only
  // What stage 2 is to do.
  bool trim = true;                            ///< the guest's TRIM may reach the disk
  std::optional<Ephemeral> ephemeral;          ///< what the guest writes is forgotten; absent: it is kept
  std::vector<Range> kept;                     ///< bytes of the guest disk that are kept all the same, in their order
  std::string persist_paths;                   ///< directories of the guest that are kept in `persist`, blanks between
  std::optional<HostMount> host_mount;         ///< how the guest finds the host volume; absent: not by itself
  std::optional<GuestRoot> root;               ///< absent: the guest's initrd mounts it
  std::optional<entry::CountedEntry> counted;  ///< absent: no boot is counted
  std::optional<std::string> loader_partuuid;  ///< the guest's ESP, for its systemd; absent: it needs not be told
  std::string init = "/init";                  ///< what stage 2 executes: in the guest's initrd, or in `root`
  std::vector<HandoffModule> modules;          ///< in the order to load them
  unsigned wait_seconds = kDefaultWaitSeconds;
  RescueChoice rescue = RescueChoice::Menu;

  friend bool operator==(const Handoff&, const Handoff&) = default;
};

/// Invalid when a value cannot be written: a line break in a path, no file, too many extents.
[[nodiscard]] Result<std::string> to_text(const Handoff& handoff);

/// Corrupt on any deviation, Unsupported for another version, NoMemory beyond the caps.
[[nodiscard]] Result<Handoff> parse_handoff(std::string_view text);

/// Whether the file lies where stage 1 found it. Unsafe with a sentence that names the first difference.
[[nodiscard]] Result<void> compare_extents(const HandoffFile& file, std::uint64_t size_now,
                                           std::span<const Extent> now);

/// Whether a volume is the one of the file: its serial, and its partition UUID when both are known.
[[nodiscard]] bool is_volume_of(const HandoffFile& file, const disk::Identity& volume);

}  // namespace vhdboot::record
