// SPDX-License-Identifier: GPL-2.0-or-later
// A guest disk in memory: files by partition.
#pragma once

#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "disk/guest_disk.h"
#include "tests/unit/kexec/builders.h"

namespace vhdboot::test {

using namespace disk;

using Files = std::map<std::string, test::Buffer>;  // by path, "/EFI/Linux/a.efi"

class MemoryTree final : public disk::FileTree {
 public:
  /// `reads` counts by path what is read; borrowed.
  MemoryTree(Files files, std::map<std::string, unsigned>& reads, std::map<std::string, std::uint64_t> subvolumes = {},
             std::map<std::string, std::uint64_t> inodes = {})
      : files_(std::move(files)), reads_(reads), subvolumes_(std::move(subvolumes)), inodes_(std::move(inodes)) {}

  /// It is there and cannot be read.
  void damage(const std::string& path) { damaged_.insert(path); }

  [[nodiscard]] bool has(const std::string& path) const override { return files_.contains(path) || is_folder(path); }
  [[nodiscard]] bool is_folder(const std::string& path) const override { return !list(path).empty(); }
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const override {
    std::set<std::string> names;
    for (const auto& [name, content] : files_)
      if (name.starts_with(path + '/'))
        names.insert(name.substr(path.size() + 1, name.find('/', path.size() + 1) - path.size() - 1));
    return {names.begin(), names.end()};
  }
  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(const std::string& path) const override {
    const auto file = files_.find(path);
    if (file == files_.end()) return fail(Code::NotFound, "no such file");
    if (damaged_.contains(path)) return fail(Code::Io, "I/O error");
    return std::make_unique<MemorySource>(file->second);
  }
  [[nodiscard]] std::optional<disk::FileId> id(const std::string& path) const override {
    const auto found = inodes_.find(path);
    return found == inodes_.end() ? std::nullopt : std::optional(disk::FileId{.device = 1, .inode = found->second});
  }
  [[nodiscard]] std::uint64_t subvolume(const std::string& path) const override {
    const auto found = subvolumes_.find(path);
    return found == subvolumes_.end() ? 0 : found->second;
  }
  [[nodiscard]] Result<std::vector<std::byte>> read(const std::string& path, std::uint64_t cap) const override {
    const auto file = files_.find(path);
    if (file == files_.end()) return fail(Code::NotFound, "no such file");
    if (damaged_.contains(path)) return fail(Code::Io, "I/O error");
    if (file->second.size() > cap) return fail(Code::NoMemory, "too large");
    ++reads_[path];
    return file->second;
  }

 private:
  Files files_;
  std::set<std::string> damaged_;
  std::map<std::string, unsigned>& reads_;
  std::map<std::string, std::uint64_t> subvolumes_;  // by path
  std::map<std::string, std::uint64_t> inodes_;      // by path
};

struct MemoryPartition {
  std::string type;  // as libblkid says
  Files files;
  Guid gpt_type{};
  std::map<std::string, std::uint64_t> subvolumes{};  // by path
  std::string default_subvolume{};                    // its path: what is mounted when nothing is said
  std::string label{};                                // of its file system
  std::vector<std::byte> bytes{};                     // of the partition itself
  std::map<std::string, std::uint64_t> inodes{};      // by path: of files whose identity counts
};

[[nodiscard]] inline disk::PartitionTable table_of(const std::vector<MemoryPartition>& partitions) {
  disk::PartitionTable table{.scheme = disk::Scheme::Gpt, .disk_id = {}, .partitions = {}, .warnings = {}};
  for (const MemoryPartition& partition : partitions)
    table.partitions.push_back({.number = static_cast<unsigned>(table.partitions.size() + 1),
                                .type = partition.gpt_type,
                                .partuuid = "part" + std::to_string(table.partitions.size() + 1),
                                .name = {}});
  return table;
}

class MemoryDisk final : public GuestDisk {
 public:
  MemoryDisk(const disk::PartitionTable& table, std::vector<MemoryPartition> partitions)
      : GuestDisk(table), contents_(std::move(partitions)) {
    for (const disk::Partition& entry : table.partitions) {
      const std::string number = std::to_string(entry.number);
      add({.entry = &entry,
           .device = "loop0p" + number,
           .type = contents_[entry.number - 1].type,
           .identity = {.uuid = "f5" + number,
                        .partuuid = entry.partuuid,
                        .label = contents_[entry.number - 1].label,
                        .number = entry.number}});
    }
  }

  [[nodiscard]] Result<void> read(const GuestPartition& partition, std::uint64_t offset,
                                  MutableBytes out) const override {
    return MemorySource(contents_[partition.entry->number - 1].bytes).read(offset, out);
  }

  std::vector<unsigned> opened;           ///< numbers of partitions, in order
  std::map<std::string, unsigned> reads;  ///< how often a file was read as a whole, by path

 private:
  [[nodiscard]] Result<std::unique_ptr<disk::FileTree>> open_files(const GuestPartition& partition,
                                                                   const std::string& root_flags) override {
    opened.push_back(partition.entry->number);
    const MemoryPartition& content = contents_[partition.entry->number - 1];
    if (root_flags == "subvol=nowhere") return std::unexpected(Error{Code::Io, ENOENT, "mounting"});
    const std::string& top = content.default_subvolume;
    if (top.empty() || !root_flags.empty())
      return std::make_unique<MemoryTree>(content.files, reads, content.subvolumes, content.inodes);
    Files files;
    for (const auto& [path, file] : content.files)
      if (path.starts_with(top + '/')) files.emplace(path.substr(top.size()), file);
    std::map<std::string, std::uint64_t> subvolumes;
    for (const auto& [path, number] : content.subvolumes)
      if (path == top || path.starts_with(top + '/')) subvolumes.emplace(path.substr(top.size()), number);
    return std::make_unique<MemoryTree>(std::move(files), reads, std::move(subvolumes));
  }

  std::vector<MemoryPartition> contents_;
};

}  // namespace vhdboot::test
