// SPDX-License-Identifier: GPL-2.0-or-later
// The firmware's boot menu, and what is set for the next start of this machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/vhdboot/boot_option.h"
#include "tools/vhdboot/efi_variables.h"

namespace vhdboot::command {

struct FirmwareEntry {
  std::uint16_t number = 0;
  BootOption option;

  friend bool operator==(const FirmwareEntry&, const FirmwareEntry&) = default;
};

struct FirmwareMenu {
  std::vector<FirmwareEntry> entries;  ///< by number; those that cannot be understood are left out
  std::vector<std::uint16_t> order;
  std::optional<std::uint16_t> current;  ///< that this system was started by
  std::optional<std::uint16_t> next;     ///< for the next start alone

  [[nodiscard]] const FirmwareEntry* find(std::uint16_t number) const;
};

[[nodiscard]] FirmwareMenu read_firmware_menu(const EfiVariables& variables);

/// "Boot0007 Windows Boot Manager"
[[nodiscard]] std::string describe(const FirmwareMenu& menu, std::uint16_t number);

/// Windows' own entry. Null when there is none.
[[nodiscard]] const FirmwareEntry* windows_entry(const FirmwareMenu& menu);

/// The entry that `name` names: a number as in "0007" or "Boot0007", a title in any case, or the name of its file
/// without the ending. Invalid when several have that name, with their numbers. Null when there is none.
[[nodiscard]] Result<const FirmwareEntry*> find_entry(const FirmwareMenu& menu, std::string_view name);

/// The smallest number that no entry has.
[[nodiscard]] std::uint16_t free_number(const FirmwareMenu& menu, const std::vector<std::string>& names);

/// What the boot loader of this start has told of itself (the Boot Loader Interface).
struct LoaderFacts {
  /// Bits of LoaderFeatures.
  static constexpr std::uint64_t kTimeoutOneShot = 1 << 1;
  static constexpr std::uint64_t kEntryOneShot = 1 << 3;

  std::string name;  ///< "systemd-boot 252.30"; empty: it has told nothing
  std::uint64_t features = 0;
  std::vector<std::string> entries;           ///< ids
  std::optional<std::string> entry_one_shot;  ///< for the next start
  std::optional<std::string> timeout_one_shot;

  [[nodiscard]] bool can(std::uint64_t feature) const { return (features & feature) == feature; }
};

[[nodiscard]] LoaderFacts read_loader_facts(const EfiVariables& variables);

/// Whether the next start goes into the firmware's setup, and whether it can (UEFI 2.10, 8.5.4).
struct SetupRequest {
  static constexpr std::uint64_t kBootToSetup = 1;

  std::uint64_t indications = 0;
  bool supported = false;

  [[nodiscard]] bool requested() const { return (indications & kBootToSetup) != 0; }
};

[[nodiscard]] SetupRequest read_setup_request(const EfiVariables& variables);

/// A number of eight bytes, as OsIndications and LoaderFeatures are.
[[nodiscard]] std::vector<std::byte> pack_u64(std::uint64_t value);

}  // namespace vhdboot::command
