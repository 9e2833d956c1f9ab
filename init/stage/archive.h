// SPDX-License-Identifier: GPL-2.0-or-later
// What stage 1 hands to the target kernel besides the guest's own initrd.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/blocks/attach_plan.h"
#include "init/guest/host_mount_unit.h"
#include "init/record/handoff.h"
#include "init/stage/guest_modules.h"

namespace vhdboot::stage {

inline constexpr std::string_view kArchiveFolder = "/vhdboot";
/// What reads host volumes, in both stages (init/sys/reader.h).
inline constexpr std::string_view kReaderProgram = "/vhdboot/reader";
/// What decompresses the guest's modules and initrd, in stage 1 alone (init/sys/unpack.h).
inline constexpr std::string_view kUnpackProgram = "/vhdboot/unpack";
/// What makes new blocks in an image while its guest runs (init/stage/keep_growing.h).
inline constexpr std::string_view kKeeperProgram = "/vhdboot/keeper";
/// What brings the rest of an image while its guest runs (init/stage/keep_arriving.h).
inline constexpr std::string_view kArriveProgram = "/vhdboot/arrive";
/// What is left for a guest that keeps directories (init/guest/persist_units.h).
inline constexpr std::string_view kPersistText = "/vhdboot/persist";
/// What is left for a distribution of WSL, and with the kernel of another image (init/guest/wsl.h, other_kernel.h).
inline constexpr std::string_view kWslText = "/vhdboot/wsl";
inline constexpr std::string_view kKernelText = "/vhdboot/kernel";
/// A folder with files for the guest's /run, in the target kernel.
inline constexpr std::string_view kRunFiles = "/vhdboot/run";
/// Names and aliases of modules, one a line, that stage 2 asks the guest's own initrd for.
inline constexpr std::string_view kWantedModulesPath = "/vhdboot/wanted";

/// How the handoff names a carried module: by its path below kArchiveFolder.
[[nodiscard]] std::string module_path(const CarriedModule& module);

/// The appended archive: this program as stage 2, the reader, the handoff, the modules, the files for the guest's /run;
/// and the program that lives on in the guest, by how its disk is attached, and the text for directories that are kept,
/// where they are needed.
[[nodiscard]] Result<std::vector<std::byte>> make_archive(const record::Handoff& handoff, const CarriedModules& modules,
                                                          const std::vector<guest::GuestFile>& run_files,
                                                          const blocks::AttachPlan& attached);

}  // namespace vhdboot::stage
