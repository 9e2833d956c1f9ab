// SPDX-License-Identifier: GPL-2.0-or-later
// A PE addon (UAPI.5): a PE file without a kernel that adds to the unified kernel image it lies beside.
#pragma once

#include <optional>
#include <string>

#include "base/byte_source.h"
#include "base/range.h"
#include "base/result.h"

namespace vhdboot::entry {

struct Addon {
  std::optional<std::string> cmdline;  ///< after clean_cmdline(), so that it may be empty; nothing without `.cmdline`
  std::optional<Range> initrd;
  std::optional<Range> ucode;
  bool devicetree = false;  ///< there is a `.dtb` or `.dtbauto`, which means nothing on x86
};

/// Parses `file` as an addon for the image whose `.uname` section says `uname` (Uki::uname_section): as systemd-stub
/// compares, an addon's `.uname` fits when that text begins with it; where either has none, anything fits. Signatures
/// are not looked at: systemd-stub has the firmware check them when Secure Boot is on, and takes every addon that can
/// be loaded, command line included, in either case.
/// Unsupported: a unified kernel image, or made for another kernel. NotFound: nothing in it that adds anything.
/// Otherwise as parse_pe() and read_text().
[[nodiscard]] Result<Addon> parse_addon(const ByteSource& file, const std::optional<std::string>& uname);

}  // namespace vhdboot::entry
