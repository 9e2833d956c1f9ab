// SPDX-License-Identifier: GPL-2.0-or-later
// The partitions of a disk as the Linux kernel will see them. GPT: UEFI 2.10, chapter 5; MBR: the kernel's
// block/partitions/msdos.c, whose numbering of logical partitions is followed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/guid.h"
#include "base/result.h"

namespace vhdboot::disk {

enum class Scheme : std::uint8_t {
  None,  ///< no table: empty, or one file system on the whole disk
  Gpt,
  Mbr,
};

inline constexpr Guid kEspType = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"_guid;
inline constexpr Guid kXbootldrType = "bc13c2ff-59e6-4262-a352-b275fd6f7172"_guid;
inline constexpr Guid kRootX8664Type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"_guid;
inline constexpr Guid kUsrX8664Type = "8484680c-9521-48c6-9c11-b0720656f69e"_guid;

inline constexpr unsigned kMaxPartitions = 255;  ///< also the highest number, as in the kernel

struct Partition {
  unsigned number = 0;           ///< as Linux counts: the 2 of sda2; logical MBR partitions from 5 on
  std::uint64_t start = 0;       ///< bytes from the start of the disk
  std::uint64_t length = 0;      ///< bytes, at least one logical block, within the disk
  Guid type;                     ///< GPT only
  std::uint8_t mbr_type = 0;     ///< MBR only
  std::string partuuid;          ///< as the kernel and blkid write it, lower case: a GUID, or ssssssss-nn
  std::string name;              ///< GPT only, UTF-8
  std::uint64_t attributes = 0;  ///< GPT only

  friend bool operator==(const Partition&, const Partition&) = default;
};

/// What the reader of one kind of table found.
struct ListedPartitions {
  std::vector<Partition> partitions;
  std::vector<std::string> warnings;  ///< sentences for people
};

struct PartitionTable {
  Scheme scheme = Scheme::None;
  std::uint32_t logical_block = 512;  ///< the table's unit, 512 or 4096
  std::string disk_id;                ///< GPT: the disk's GUID, lower case; MBR: the signature, 8 digits
  bool backup_used = false;           ///< the primary GPT is damaged
  std::string unseen = {};            ///< why Linux does not look at this table, and what to do; empty: it does
  std::vector<Partition> partitions;  ///< by number
  std::vector<std::string> warnings;  ///< sentences for people

  friend bool operator==(const PartitionTable&, const PartitionTable&) = default;
};

/// Reads the table of a disk with logical blocks of `logical_block` bytes (512 or 4096); absent, as for an image, of
/// 512 or else of 4096. Corrupt when there is a GPT and neither copy of it holds; Io as the source says.
[[nodiscard]] Result<PartitionTable> read_partition_table(const ByteSource& disk,
                                                          std::optional<std::uint32_t> logical_block = std::nullopt);

/// Whether its type says so. An MBR disk has its ESP as type 0xEF, and 0xEA is XBOOTLDR (Boot Loader Specification).
[[nodiscard]] bool is_esp(const PartitionTable& table, const Partition& partition);
[[nodiscard]] bool is_xbootldr(const PartitionTable& table, const Partition& partition);
/// The first such partition by number; null when there is none.
[[nodiscard]] const Partition* find_esp(const PartitionTable& table);
[[nodiscard]] const Partition* find_xbootldr(const PartitionTable& table);
[[nodiscard]] const Partition* find_by_type(const PartitionTable& table, const Guid& type);
[[nodiscard]] const Partition* find_by_number(const PartitionTable& table, unsigned number);
[[nodiscard]] const Partition* find_by_partuuid(const PartitionTable& table, std::string_view partuuid);

}  // namespace vhdboot::disk
