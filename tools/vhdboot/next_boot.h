// SPDX-License-Identifier: GPL-2.0-or-later
// What the machine starts next, once: who can be told, and how.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/vhdboot/firmware_menu.h"
#include "tools/vhdboot/grub_next.h"
#include "tools/vhdboot/running_system.h"
#include "tools/vhdboot/ventoy_next.h"

namespace vhdboot::command {

/// What vhdboot has set since this start, so that it can be told when the firmware forgets it. /run is empty after the
/// next one. Whoever takes back what was set removes it.
inline constexpr char kNextNote[] = "/run/vhdboot/next";

struct NextBootFacts {
  bool has_firmware = false;  ///< there are EFI variables
  FirmwareMenu menu;
  SetupRequest setup;
  LoaderFacts loader;
  std::optional<GrubFacts> grub;  ///< of the running system
  std::vector<VentoyVolume> ventoy;
  bool in_guest = false;  ///< vhdboot has started this system: its GRUB starts nothing
};

[[nodiscard]] NextBootFacts read_next_boot_facts(const RunningSystem& system);

enum class NextBy : std::uint8_t {
  BootNext,     ///< the firmware starts another entry of its menu
  Setup,        ///< the firmware's setup
  LoaderEntry,  ///< the boot loader starts another entry
  LoaderMenu,   ///< the boot loader shows its menu
  Grub,         ///< GRUB starts another entry
  Ventoy,       ///< Ventoy starts another one when nobody chooses: at every start, until it is cleared
};

struct NextBoot {
  NextBy by = NextBy::BootNext;
  std::uint16_t number = 0;  ///< BootNext
  std::string entry;         ///< LoaderEntry, Grub; Ventoy: the path on its volume
  std::string text;          ///< for people: "Windows Boot Manager (Boot0000), once, by BootNext"
  std::string file{};        ///< Ventoy: its ventoy.json

  /// Whether the start after that is the usual one again.
  [[nodiscard]] bool is_once() const { return by != NextBy::Ventoy; }

  friend bool operator==(const NextBoot&, const NextBoot&) = default;
};

/// What `name` means: "windows", "firmware", "menu", an entry of the boot loader, of the firmware's menu or of GRUB's;
/// with a '/' at its begin, which no other has, a file that Ventoy starts.
/// NotFound, with what there is; Unsupported, with the reason; Invalid when it means several.
[[nodiscard]] Result<NextBoot> choose_next_boot(const RunningSystem& system, const NextBootFacts& facts,
                                                std::string_view name);

/// All that is set now.
[[nodiscard]] std::vector<NextBoot> set_next_boots(const NextBootFacts& facts);

/// Sets it and reads it again.
[[nodiscard]] Result<void> set_next_boot(const RunningSystem& system, const NextBootFacts& facts, const NextBoot& next);
[[nodiscard]] Result<void> clear_next_boot(const RunningSystem& system, const NextBootFacts& facts,
                                           const NextBoot& next);

}  // namespace vhdboot::command
