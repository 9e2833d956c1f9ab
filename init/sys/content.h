// SPDX-License-Identifier: GPL-2.0-or-later
// What libblkid knows of the content of a block device. It is asked by a child: neither a disk that does not answer nor
// bytes that break libblkid hold up the calling program. In a boot the child is a program of its own, so that process 1
// has no code that knows foreign file systems.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_source.h"
#include "base/result.h"
#include "disk/selector.h"
#include "init/sys/block.h"

namespace vhdboot::sys {

/// What libblkid reads in a device; empty where it knows nothing.
struct Content {
  std::string type;         ///< of the file system: "ntfs", "exfat", "ext4", "BitLocker", …
  disk::Identity identity;  ///< of the file system and of the partition
};

/// What a child is asked of a device.
enum class Question : std::uint8_t { PartitionType, Content };

/// Has a child asked; its answer is foreign bytes.
using Prober = std::function<Result<std::string>(Question question, const BlockDevice& device)>;

/// The child is a copy of this process.
[[nodiscard]] Prober prober_here();
/// The child executes the program vhdboot-reader at `path`.
[[nodiscard]] Prober prober_program(std::string path);

struct ProberTask {
  Question question = Question::Content;
  std::string device;  ///< path
};
/// The task of vhdboot-reader, from its arguments; nothing when it is another one.
[[nodiscard]] std::optional<ProberTask> prober_task(std::span<const std::string_view> words);
/// Does it, and gives the answer on standard output. Returns the exit status.
[[nodiscard]] int answer(const ProberTask& task);

/// The type of a partition in its table, as libblkid writes it: "0x7" in an MBR, a GUID in lower case in a GPT; empty
/// for a whole disk and where the table does not tell. An error when it cannot be read; Timeout when the disk does not
/// answer within kDiskAnswerTime.
[[nodiscard]] Result<std::string> partition_type(const BlockDevice& device, const Prober& prober);

/// Of a device that cannot be read nothing is known. Timeout as above; Io when libblkid broke.
[[nodiscard]] Result<Content> identify(const BlockDevice& device, const Prober& prober);
/// The same of bytes that are no device: of the file system alone, nothing of the partition. In this process.
[[nodiscard]] Content identify(const ByteSource& partition);

}  // namespace vhdboot::sys
