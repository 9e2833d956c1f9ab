// SPDX-License-Identifier: GPL-2.0-or-later
// The names that Linux gave to files in a folder of WSL 1, of those that NTFS could hold.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "init/volume/lx_metadata.h"

namespace vhdboot::volume {

struct LxName {
  std::string text;        ///< UTF-8 but for what is no UTF-16
  bool unescaped = false;  ///< it stood for characters that Windows forbids
  bool valid = true;       ///< false: an unpaired surrogate, kept as the three bytes that its number makes

  friend bool operator==(const LxName&, const LxName&) = default;
};

/// Characters that Windows forbids (1 to 31 and `< > : " \ | * ?`) are "#003A" in LxFs, which writes '#' so, too, and
/// U+F03A in WslFs. What looks like that of another character stands for itself. Corrupt when the name could be none of
/// a file in Linux: "", ".", "..", or with '/' or a zero in it.
[[nodiscard]] Result<LxName> lx_name(std::u16string_view name, LxGeneration generation);

}  // namespace vhdboot::volume
