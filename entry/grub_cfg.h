// SPDX-License-Identifier: GPL-2.0-or-later
// What a grub.cfg would boot: its variables, conditions, functions and `for` loops are followed, and nothing else is
// done. An entry is read as GRUB runs it: when everything around it has been. Conditions are taken as GRUB takes them
// on a PC with UEFI when no command fails; a file that is there, is; where only GRUB can tell, the else branch counts,
// and the other ones as long as nothing else is known. The body of `while` and `until` is read once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "entry/boot_menu.h"
#include "entry/grub_env.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxGrubConfig = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxGrubEntries = 4096;
inline constexpr std::size_t kMaxGrubCommand = 4096;           ///< words
inline constexpr std::size_t kMaxGrubExpansion = 1024 * 1024;  ///< bytes that variables put into the text
/// Bytes that loops and functions read again, and what other files have.
inline constexpr std::size_t kMaxGrubLoops = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxGrubNames = 256;  ///< of files for a pattern of a `for`; others are left out

/// Where a file or folder is.
struct GrubPlace {
  std::string volume;  ///< as in MenuEntry; empty when that has no name
  bool is_folder = false;
};

/// What gptprio.next finds: the partition that is the next one to boot, by the priorities in its table.
struct GrubSlot {
  std::string device;    ///< GRUB's: "hd0,gpt3"
  std::string partuuid;  ///< lower case
};

/// The guest's other files, by paths as grub.cfg has them: from the top of a file system, with GRUB's device in front
/// or without one; with "./" in front, from the folder of grub.cfg. `volume` is MenuEntry::volume.
class GrubFileReader {
 public:
  GrubFileReader() = default;
  GrubFileReader(const GrubFileReader&) = delete;
  GrubFileReader& operator=(const GrubFileReader&) = delete;
  virtual ~GrubFileReader() = default;

  /// Nothing when it is not there or has more than `cap` bytes. In place of the path may be sectors: "512+1".
  [[nodiscard]] virtual std::optional<std::string> read(std::string_view path, std::string_view volume,
                                                        std::size_t cap) = 0;
  /// Nothing when it is not there. With "()" in front it may be on any volume.
  [[nodiscard]] virtual std::optional<GrubPlace> find(std::string_view path, std::string_view volume) = 0;
  /// The names in a folder, sorted; empty when it is not there.
  [[nodiscard]] virtual std::vector<std::string> names(std::string_view folder, std::string_view volume) = 0;
  /// Whether the file is a unified kernel image, other than in /EFI/Linux, where everything is one.
  [[nodiscard]] virtual bool is_image(std::string_view path, std::string_view volume) = 0;
  /// Nothing when no partition has a priority, or none is left to try.
  [[nodiscard]] virtual std::optional<GrubSlot> next_slot() = 0;
};

/// Reads the text of a grub.cfg. `environment`: what is in grubenv, for a grub.cfg that loads it; empty when there is
/// none. `files`: null when they cannot be read. Corrupt beyond the caps.
[[nodiscard]] Result<BootMenu> parse_grub_cfg(std::string_view text, const GrubVariables& environment,
                                              GrubFileReader* files = nullptr);

}  // namespace vhdboot::entry
