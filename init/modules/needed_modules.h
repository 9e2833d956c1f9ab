// SPDX-License-Identifier: GPL-2.0-or-later
// What stage 2 needs of the target kernel besides the drivers of the disk.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/modules/modules.h"

namespace vhdboot::modules {

/// What stage 2 needs a module for.
enum class Purpose : std::uint8_t {
  Controller,  ///< the host volume hangs on that device
  GuestDisk,   ///< what it is made of
  Network,     ///< a card by which the rest of the image comes
  GuestRoot,   ///< the file system of the root that stage 2 mounts
};

struct WantedModule {
  std::string name;  ///< of a module, or an alias such as "pci:v00008086d..."
  Purpose purpose = Purpose::GuestDisk;
  std::string driver;  ///< Controller only: what drives the device in the running kernel, as sysfs has it

  friend bool operator==(const WantedModule&, const WantedModule&) = default;
};

/// What it is wanted for: "the guest disk: device-mapper", "the controller pci:v00008086d..., here driven by nvme".
[[nodiscard]] std::string describe(const WantedModule& wanted);

/// The names alone.
[[nodiscard]] std::vector<std::string> names(std::span<const WantedModule> wanted);

/// Lines of the list for the guest's modprobe: the name, and behind a tab the module of the driver, if one is known. Of
/// what a kernel has built in, modprobe knows that name, but no alias.
[[nodiscard]] std::vector<std::string> request_lines(std::span<const WantedModule> wanted);

/// What of it there is. The indexes in `found` count in `wanted`.
struct ModuleNeeds {
  std::vector<WantedModule> wanted;
  Resolution found;
};

/// What `index` has of `wanted`. A driver that only its name tells to be built in, see is_builtin_driver(), is not
/// missing.
[[nodiscard]] ModuleNeeds find_modules(const ModuleIndex& index, std::vector<WantedModule> wanted);

/// Why a file of needs.found is loaded: "the guest disk: loop devices",
/// "dependency of ahci, for the controller pci:...".
[[nodiscard]] std::string describe(const LoadReason& reason, const ModuleNeeds& needs);

/// A sentence for each module that is missing in the kernel `release`.
[[nodiscard]] std::vector<std::string> missing_sentences(const ModuleNeeds& needs, std::string_view release);

/// Whether the boot can be tried with what is missing: Unsupported without an initrd, as then nobody else can bring it.
[[nodiscard]] Result<void> check_missing(const ModuleNeeds& needs, std::string_view release, bool has_initrd);

/// Whether the kernel `release` has what the guest disk is made of, the modules `needed`. Unsupported with a sentence:
/// "kernel 6.1.0-18-amd64 has no device-mapper (dm_mod), ...".
[[nodiscard]] Result<void> check_guest_disk_modules(const ModuleIndex& index, std::span<const std::string> needed,
                                                    std::string_view release);

/// Whether the driver that sysfs calls so is part of the kernel. Kernels do not tell the aliases of drivers that are
/// built in, only their names (modules.builtin).
[[nodiscard]] bool is_builtin_driver(const ModuleIndex& index, std::string_view driver);

/// Whether the kernel has the driver that sysfs calls so, as a module or as a part of it; false for an empty name.
[[nodiscard]] bool has_driver(const ModuleIndex& index, std::string_view driver);

/// The directories below the guest's root that may hold the modules, best first: /usr/lib/modules/RELEASE,
/// /lib/modules/RELEASE. Invalid for a release that is no single file name.
[[nodiscard]] Result<std::vector<std::string>> module_directories(std::string_view release);

}  // namespace vhdboot::modules
