// SPDX-License-Identifier: GPL-2.0-or-later
// How a person names a volume or a partition: UUID=, PARTUUID=, LABEL=, PARTLABEL= or a number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::disk {

struct Selector {
  enum class By : std::uint8_t {
    Uuid,       ///< the file system's UUID or volume serial, as blkid prints it
    PartUuid,   ///< the partition's: a GUID (GPT) or SSSSSSSS-NN (MBR)
    Label,      ///< the file system's label
    PartLabel,  ///< the partition's name (GPT)
    Number,     ///< the partition's number, of the guest disk only
  };
  By by = By::Uuid;
  std::string value;    ///< as written, without quotes; empty for Number
  unsigned number = 0;  ///< 1..255 for Number

  friend bool operator==(const Selector&, const Selector&) = default;
};

/// Reads "UUID=..", "PARTUUID=..", "LABEL=..", "PARTLABEL=.." (keys in any case) or a bare identity, told apart by its
/// form: 1234-ABCD and 0123456789ABCDEF are serials, a GUID and SSSSSSSS-NN are partition UUIDs. Invalid otherwise.
[[nodiscard]] Result<Selector> parse_volume_selector(std::string_view text);

/// Reads the same forms with a key, a bare file system UUID, or a partition number of the guest disk.
[[nodiscard]] Result<Selector> parse_root_selector(std::string_view text);

/// What fstab(5) and options of the kernel call a device by its content: the forms with a key, with or without
/// quotes around the value, and "/dev/disk/by-uuid/..", "by-partuuid", "by-label", "by-partlabel". Nothing for every
/// other name.
[[nodiscard]] std::optional<Selector> device_selector(std::string_view name);

/// "UUID=1234-ABCD", "partition 2": for messages.
[[nodiscard]] std::string to_text(const Selector& selector);

/// What is known of one partition; an unknown fact is empty (0) and matches nothing.
struct Identity {
  std::string uuid;      ///< file system UUID or serial
  std::string partuuid;  ///< partition UUID
  std::string label;
  unsigned number = 0;
  std::string partlabel;  ///< name of the partition

  friend bool operator==(const Identity&, const Identity&) = default;
};

/// UUIDs match in any case, labels exactly.
[[nodiscard]] bool matches(const Selector& selector, const Identity& identity);

/// Whether `text` has the form of a partition UUID as the kernel knows it: a GUID or SSSSSSSS-NN, any case.
[[nodiscard]] bool is_partuuid(std::string_view text);
/// Whether `text` has the form of a volume serial as blkid prints it: 16 (NTFS) or 4-4 (exFAT) digits, any case.
[[nodiscard]] bool is_serial(std::string_view text);

}  // namespace vhdboot::disk
