// SPDX-License-Identifier: GPL-2.0-or-later
// Ventoy starts an EFI program that came back three times more, from a RAM disk of its own (measured with 1.1.17).
#pragma once

#include "efi/uefi.h"

namespace vhdboot::efi {

/// Whether we run in such a retry, where nothing can work: there is no disk behind us. `device` is the path of the
/// device that we were started from. Ventoy's variable alone does not decide: it outlives the retry, and a program that
/// Ventoy started may go on to start us from a real partition.
[[nodiscard]] bool is_ventoy_retry(EFI_RUNTIME_SERVICES& runtime, Bytes device);

}  // namespace vhdboot::efi
