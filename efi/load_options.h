// SPDX-License-Identifier: GPL-2.0-or-later
// The load options that a boot manager passes to an EFI program (UEFI 2.10, 9.1), as one line of text. Freestanding.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "efi/fixed_text.h"

namespace vhdboot::efi {

struct LoadOptions {
  FixedText<4096> text;   ///< one line of UTF-8 without blanks at its ends; empty when there are none
  bool too_long = false;  ///< there are some, of more than 4096 bytes: `text` is empty then
};

/// Reads what the firmware calls load options, which may be anything: UTF-16 with or without a NUL (GRUB, Ventoy's
/// .vcfg, boot entries), 8-bit text (efibootmgr without --unicode), or bytes of the firmware's own, which are no
/// options. Line ends and tabs become spaces. The UEFI shell puts the command's name in front: it goes. `own_path` is
/// the path of our own file with '/', or empty.
[[nodiscard]] LoadOptions read_load_options(Bytes raw, std::string_view own_path);

}  // namespace vhdboot::efi
