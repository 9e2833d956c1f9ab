// SPDX-License-Identifier: GPL-2.0-or-later
// Ventoy's configuration, /ventoy/ventoy.json (https://www.ventoy.net/en/plugin.html): a person's file, of which only
// our items are changed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::command {

/// An image's files, as Ventoy has them: paths from the top of its partition.
struct VentoyFiles {
  std::string efi;    ///< "/boot/debian.efi"
  std::string image;  ///< "/boot/debian.vhd": to be hidden
  std::string title;  ///< empty: the file's name
};

struct VentoyEdit {
  std::optional<std::string> text;    ///< nothing: the file goes, it has nothing else
  std::vector<std::string> warnings;  ///< sentences: what in it hides the EFI file
};

/// Hides the image and names the EFI file. `text` is nothing where there is no such file. Corrupt when it is no JSON.
[[nodiscard]] Result<VentoyEdit> add_to_ventoy(const std::optional<std::string>& text, const VentoyFiles& files);

/// Takes both out again, and what is empty then.
[[nodiscard]] Result<VentoyEdit> remove_from_ventoy(const std::string& text, const VentoyFiles& files);

/// Invalid where Ventoy takes no such path: blanks, or other characters than ASCII.
[[nodiscard]] Result<void> check_ventoy_path(std::string_view path);

}  // namespace vhdboot::command
