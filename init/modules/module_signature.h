// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels that load signed modules only (Documentation/admin-guide/module-signing.rst, kernel_lockdown(7)).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "init/modules/needed_modules.h"
#include "kexec/cmdline.h"

namespace vhdboot::modules {

inline constexpr std::size_t kMaxKernelConfig = 2 << 20;

/// Whether a signature is appended to the uncompressed module; not whose.
[[nodiscard]] bool is_signed(Bytes module);

/// What makes the guest's kernel take signed modules only: "lockdown=integrity on its command line"; nothing when it
/// takes all. `config`: the text that its package has in /boot or beside the modules, empty when unknown.
/// `secure_boot`: whether this machine has it on.
[[nodiscard]] std::optional<std::string> demands_signatures(const kexec::CommandLine& line, std::string_view config,
                                                            bool secure_boot);

/// What follows for the module needs.found.files[index] without a signature from `demand`, what demands_signatures()
/// says: Unsupported, or a sentence when it can be done without.
[[nodiscard]] Result<std::string> judge_unsigned(const ModuleNeeds& needs, std::size_t index, std::string_view demand);

}  // namespace vhdboot::modules
