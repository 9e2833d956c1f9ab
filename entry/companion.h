// SPDX-License-Identifier: GPL-2.0-or-later
// The files that lie beside a unified kernel image and belong to its boot (systemd-stub(7)): where they are looked for,
// and what their names say.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::entry {

/// The folders on the partition of the image. A folder that is missing is as good as an empty one.
enum class CompanionFolder {
  Extra,        ///< of this image alone: see extra_folder()
  Addons,       ///< kAddonFolder
  Credentials,  ///< kCredentialFolder
};
inline constexpr std::string_view kAddonFolder = "/loader/addons";
inline constexpr std::string_view kCredentialFolder = "/loader/credentials";

/// "/EFI/Linux/arch.efi.extra.d" of "/EFI/Linux/arch+3-1.efi". As systemd-stub does it, a boot counter is only taken
/// out behind the first '+' of the path.
[[nodiscard]] std::string extra_folder(std::string_view uki_path);

enum class CompanionKind { Addon, Credential, GlobalCredential, Sysext, Confext };

/// What a file of that name is in that folder; nothing for one that systemd-stub 257 passes over. Upper and lower case
/// are the same. Names that are hidden or not plain ASCII are passed over.
[[nodiscard]] std::optional<CompanionKind> companion_kind(CompanionFolder folder, std::string_view name);

inline constexpr std::size_t kMaxCompanions = 256;     ///< in each folder
inline constexpr std::size_t kMaxCompanionName = 255;  ///< bytes

struct CompanionNames {
  std::vector<std::string> names;     ///< in the order in which systemd-stub takes them
  std::vector<std::string> warnings;  ///< of files that are passed over although their suffix is right
};

/// Those of the regular files in a folder that matter. Unsupported: more than kMaxCompanions.
[[nodiscard]] Result<CompanionNames> select_companions(CompanionFolder folder, std::vector<std::string> names);

}  // namespace vhdboot::entry
