// SPDX-License-Identifier: GPL-2.0-or-later
// The images of this machine that a person may choose from, those that cannot be booted included.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/menu/state.h"
#include "init/record/config.h"
#include "init/stage/find_image.h"
#include "init/stage/host_volumes.h"
#include "init/stage/settings.h"

namespace vhdboot::stage {

inline constexpr std::size_t kMaxCandidates = 128;  ///< with more of them the last ones are left out

/// A file whose name says that it is a disk image; or a folder that the configuration names as one.
struct Candidate {
  Sighting place;
  std::uint64_t size = 0;  ///< of the file, in bytes
  bool folder = false;     ///< of a WSL 1 distribution, as the configuration says; see folder_guest.h
};

/// What is in an image.
struct Look {
  std::string title;  ///< of the system
  std::uint64_t payload_size = 0;
  std::string format;                 ///< "fixed VHD", "differencing VHDX image with 2 parents"
  std::string keymap;                 ///< see guest::keyboard_layout()
  std::vector<menu::Entry> entries;   ///< what is started first, and what else there is; none in one of Windows' own
  std::vector<std::string> warnings;  ///< sentences
  std::string rolls_back_to;          ///< see roll_back_image.h; empty too when others stand on it
  bool forgets = false;               ///< all that it writes is forgotten anyway
  std::string no_writes;              ///< why it cannot be started unless what it writes is forgotten; empty: it can
};

struct Candidates {
  std::vector<Candidate> found;
  std::vector<std::string> passed_over;  ///< places that could not be looked at, and why
};

/// Where images are looked for on a volume: /, /boot, /vhd, /images and the folders of the configuration; also where
/// the EFI file is, and where the image is that is booted when nobody chooses.
[[nodiscard]] std::vector<volume::Path> folders_of(const HostVolume& volume, const Settings& settings);

/// Looks into those of all volumes.
[[nodiscard]] Candidates find_candidates(HostVolumes& volumes, const Settings& settings);

/// The image that was asked for by its name alone: "debian" for debian.vhd, or the whole name; as it is spelled, else
/// in upper or lower case. Waits for slow devices up to the configured time-out. NotFound lists what there is. Invalid
/// when there is more than one. An error when a volume may have another one that cannot be read.
[[nodiscard]] Result<Candidate> find_called(HostVolumes& volumes, const Settings& settings, std::string_view name,
                                            const sys::Reporter& report);

/// Whether it is the image that is booted when nobody chooses; or one of those that would be, and are refused then.
[[nodiscard]] bool is_default(const Candidate& candidate, const Settings& settings);

/// The configuration that holds for an image: for the default one that of the EFI file, else what the file beside it
/// says, "debian.conf" for "debian.vhd". Where that of the EFI file is wrong, its error for the default image.
[[nodiscard]] Result<record::ParsedConfig> config_of(const Candidate& candidate, const Settings& settings);

/// Looks into the image as a boot does, without writing or waiting for a disk; detaches it again. The error says why it
/// cannot be booted, not even where what it writes is forgotten.
[[nodiscard]] Result<Look> look_into(const Candidate& candidate, const record::Config& config, HostVolumes& volumes);

}  // namespace vhdboot::stage
