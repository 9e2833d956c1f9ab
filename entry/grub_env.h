// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB's environment block (the file grubenv; GRUB manual, "The GRUB environment block") and its variables.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::entry {

using GrubVariables = std::map<std::string, std::string, std::less<>>;

/// GRUB itself writes 1024 bytes.
inline constexpr std::size_t kMaxGrubEnvironment = 64 * 1024;

/// Corrupt when the text does not begin as an environment block does, or is larger than the cap.
[[nodiscard]] Result<GrubVariables> parse_grub_environment(std::string_view text);

/// How many bytes variables may put into one boot loader entry: many times what a kernel takes as its command line.
inline constexpr std::size_t kMaxGrubSubstitution = 64 * 1024;

/// `options` of a boot loader entry as GRUB's `blscfg` passes them on: "$kernelopts" and "${tuned_params}" replaced,
/// by nothing when the variable is not known. Values are not looked through again. `left` is what the variables may
/// still put in, kMaxGrubSubstitution at first; Unsupported when that is not enough.
[[nodiscard]] Result<std::string> substitute_grub_variables(std::string_view options, const GrubVariables& variables,
                                                            std::size_t& left);

}  // namespace vhdboot::entry
