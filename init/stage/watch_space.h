// SPDX-License-Identifier: GPL-2.0-or-later
// How full the store is that takes what a forgetting guest writes.
#pragma once

#include <string>

#include "base/result.h"
#include "init/blocks/writer.h"
#include "init/stage/keeper.h"

namespace vhdboot::stage {

/// Where a guest finds it: `state good|full|lost`, `used BYTES` and `size BYTES`, a line each.
inline constexpr char kSpaceFile[] = "/run/vhdboot/space";

/// What is told at login.
[[nodiscard]] std::string forgetting_notice(bool keeps_some);

/// Starts a keeper (see keeper.h) that looks at the store of that snapshot until the guest disk is gone: it keeps
/// kSpaceFile, and warns in the kernel's log at 70, 90 and 97 per cent, and when it is full. Memory that is not there
/// counts as used.
[[nodiscard]] Result<Keeper> watch_space(const std::string& snapshot, blocks::WriterKind kind);

}  // namespace vhdboot::stage
