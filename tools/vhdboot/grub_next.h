// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB's next_entry: what it starts once (GRUB manual, "grub-reboot"). It works only where GRUB can write its
// environment block, and where its grub.cfg asks for it; elsewhere it is written and nothing happens, or happens at
// every start.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/vhdboot/running_system.h"

namespace vhdboot::command {

inline constexpr std::string_view kNextEntry = "next_entry";

struct GrubMenuEntry {
  std::string name;   ///< for next_entry: ids or titles, with '>' between submenu and entry
  std::string title;  ///< of itself
  std::string id;     ///< of itself; may be empty

  friend bool operator==(const GrubMenuEntry&, const GrubMenuEntry&) = default;
};

/// What is known of the GRUB of the running system.
struct GrubFacts {
  std::string environment_path;        ///< "/boot/grub/grubenv"
  std::string config;                  ///< the text of grub.cfg
  std::string environment;             ///< the text of grubenv; empty: there is none
  std::string file_system;             ///< that grubenv is on: "ext4"; empty: not known
  std::string device;                  ///< that this is on: "/dev/sda2"
  std::string device_uuid;             ///< device-mapper's: "LVM-..."; empty: none of its
  std::vector<GrubMenuEntry> entries;  ///< also those of a custom.cfg beside it, where grub.cfg names that
};

/// Nothing when there is no grub.cfg, or it cannot be read.
[[nodiscard]] std::optional<GrubFacts> read_grub_facts(const RunningSystem& system);

/// Whether GRUB would take note of next_entry and forget it again. Unsupported, with the reason.
[[nodiscard]] Result<void> check_next_entry(const GrubFacts& grub);

/// By its title or id, or by both of them with '>' behind those of the submenu, or else by the name
/// that `vhdboot install` has put there. Invalid when several have that name.
/// Null when there is none.
[[nodiscard]] Result<const GrubMenuEntry*> find_entry(const GrubFacts& grub, std::string_view name);

/// What next_entry says; nothing when it says nothing.
[[nodiscard]] std::optional<std::string> next_entry(const GrubFacts& grub);

/// The block `text` with `name` as `value`, or without it, and all else as it is. Corrupt when it is no block or a
/// damaged one, NoMemory when it is full. Its size never changes.
[[nodiscard]] Result<std::string> with_variable(std::string_view text, std::string_view name,
                                                const std::optional<std::string>& value);

/// Writes it over the present block, in place: where it lies GRUB has to find it.
[[nodiscard]] Result<void> write_environment(const RunningSystem& system, const GrubFacts& grub,
                                             std::string_view environment);

}  // namespace vhdboot::command
