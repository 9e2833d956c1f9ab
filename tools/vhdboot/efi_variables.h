// SPDX-License-Identifier: GPL-2.0-or-later
// The firmware's variables, as Linux shows them (Documentation/filesystems/efivarfs.rst).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::command {

/// Of the UEFI specification (2.10, 3.3), and of the Boot Loader Interface (systemd.io/BOOT_LOADER_INTERFACE).
inline constexpr std::string_view kGlobalVariables = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
inline constexpr std::string_view kLoaderVariables = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
inline constexpr std::size_t kMaxVariable = 1024 * 1024;

/// In NVRAM, seen by boot loaders and by systems that run.
inline constexpr std::uint32_t kLastingAttributes = 7;

/// The folder of efivarfs; a test has one of its own.
class EfiVariables {
 public:
  explicit EfiVariables(std::string folder) : folder_(std::move(folder)) {}

  /// Whether there are any: not on a BIOS machine, in a container or in WSL.
  [[nodiscard]] bool available() const;
  /// Of `vendor`, sorted.
  [[nodiscard]] std::vector<std::string> names(std::string_view vendor) const;
  /// The value without its attributes; nothing when there is none of that name.
  [[nodiscard]] Result<std::optional<std::vector<std::byte>>> read(std::string_view name,
                                                                   std::string_view vendor) const;
  /// Its UTF-16 text up to a NUL, as UTF-8; nothing when it is not there or cannot be read.
  [[nodiscard]] std::optional<std::string> read_text(std::string_view name, std::string_view vendor) const;
  /// Writes it to last, and reads it again: Io when the firmware has kept something else.
  [[nodiscard]] Result<void> write(std::string_view name, std::string_view vendor, Bytes value) const;
  /// One that is not there is fine.
  [[nodiscard]] Result<void> remove(std::string_view name, std::string_view vendor) const;

 private:
  [[nodiscard]] std::string path(std::string_view name, std::string_view vendor) const;

  std::string folder_;
};

/// UTF-16 with a NUL.
[[nodiscard]] std::vector<std::byte> efi_text(std::string_view text);
/// The strings of a list, each with its NUL, as LoaderEntries has them; at most kMaxBootOptions.
[[nodiscard]] std::vector<std::string> efi_texts(Bytes value);

}  // namespace vhdboot::command
