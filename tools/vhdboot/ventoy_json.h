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

/// What a member of ours in the file says of the default that was set for a time. Ventoy passes over members that it
/// does not know (ventoy_plugin.c, ventoy_parse_plugin_config).
struct VentoyDefault {
  std::string image;                   ///< "/iso/debian.iso"
  std::optional<std::string> before;   ///< the default that it stands in for; nothing: there was none
  std::optional<std::string> timeout;  ///< seconds that the menu waits, set with it; nothing: it had its own

  friend bool operator==(const VentoyDefault&, const VentoyDefault&) = default;
};

/// Makes `image` what Ventoy starts when nobody chooses, in the place of another one that was set so. Its menu shows
/// for some seconds all the same. Unsupported where it would not show, or where the file says that the image is hidden;
/// Corrupt when it is no JSON, or says something twice.
[[nodiscard]] Result<std::string> set_ventoy_default(const std::optional<std::string>& text, const std::string& image);

/// As it was before; nothing: the file goes, it has nothing else. What has been changed by others since then stays.
[[nodiscard]] Result<std::optional<std::string>> clear_ventoy_default(const std::string& text);

/// What was set, as far as Ventoy still does it.
[[nodiscard]] std::optional<VentoyDefault> ventoy_default(std::string_view text);

/// Invalid where Ventoy takes no such path: blanks, or other characters than ASCII.
[[nodiscard]] Result<void> check_ventoy_path(std::string_view path);

}  // namespace vhdboot::command
