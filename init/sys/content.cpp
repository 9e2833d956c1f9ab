// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/content.h"

#include <blkid/blkid.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "init/sys/file.h"
#include "init/sys/process.h"

namespace vhdboot::sys {
namespace {

using Probe = std::unique_ptr<std::remove_pointer_t<blkid_probe>, void (*)(blkid_probe)>;

std::string value(const Probe& probe, const char* key) {
  const char* text = nullptr;
  return blkid_probe_lookup_value(probe.get(), key, &text, nullptr) == 0 ? text : "";
}

// What the table says of a partition: 0, 1 where it says nothing, less when it cannot be read.
int probe_partition(const Probe& probe) {
  blkid_probe_enable_superblocks(probe.get(), 0);
  blkid_probe_enable_partitions(probe.get(), 1);
  blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_ENTRY_DETAILS);
  return blkid_do_safeprobe(probe.get());
}

// The partition is asked for by itself: what it holds may look like two things at once, and then nothing is known of
// it.
Content content_of(const Probe& probe) {
  Content content;
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL);
  if (blkid_do_safeprobe(probe.get()) == 0) {
    content.type = value(probe, "TYPE");
    content.identity.uuid = value(probe, "UUID");
    content.identity.label = value(probe, "LABEL");
  }
  blkid_reset_probe(probe.get());
  if (probe_partition(probe) == 0) {
    content.identity.partuuid = value(probe, "PART_ENTRY_UUID");
    content.identity.partlabel = value(probe, "PART_ENTRY_NAME");
  }
  return content;
}

// What tells a file system lies at its two ends: the furthest is the second header of LUKS2, at 4 MiB.
constexpr std::uint64_t kProbedHead = 5 * kMiB;
constexpr std::uint64_t kProbedTail = 1 * kMiB;

// A file of the size of `source`, with its ends alone.
Result<Fd> ends_of(const ByteSource& source) {
  Fd file(::memfd_create("partition", MFD_CLOEXEC));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(source.size())) < 0) return fail_errno("making a file");
  const auto copy = [&](std::uint64_t offset, std::uint64_t length) -> Result<void> {
    std::vector<std::byte> bytes(static_cast<std::size_t>(length));
    TRY(source.read(offset, bytes));
    if (::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)) != static_cast<ssize_t>(length))
      return fail_errno("writing the file");
    return {};
  };
  const std::uint64_t size = source.size();
  TRY(copy(0, std::min(size, kProbedHead)));
  if (size > kProbedHead) {
    const std::uint64_t tail = std::min(size - kProbedHead, kProbedTail);
    TRY(copy(size - tail, tail));
  }
  return file;
}

Result<std::string> read_partition_type(const std::string& device) {
  const Probe probe(blkid_new_probe_from_filename(device.c_str()), &blkid_free_probe);
  if (!probe) return fail_errno(concat("opening ", device));
  const int found = probe_partition(probe);
  if (found < 0) return fail(Code::Io, "its disk's partition table cannot be read");
  return found == 0 ? to_lower_ascii(value(probe, "PART_ENTRY_TYPE")) : std::string();
}

Content read_content(const std::string& device) {
  const Probe probe(blkid_new_probe_from_filename(device.c_str()), &blkid_free_probe);
  return probe ? content_of(probe) : Content{};
}

// What the values of libblkid are sent by: none of them holds a NUL.
std::string join(const Content& content) {
  const disk::Identity& identity = content.identity;
  std::string text;
  for (const std::string* part :
       {&content.type, &identity.uuid, &identity.label, &identity.partuuid, &identity.partlabel})
    text.append(*part).push_back('\0');
  return text;
}

Content separate(std::string_view text, unsigned partition) {
  Content content{.type = {}, .identity = {.number = partition}};
  disk::Identity& identity = content.identity;
  for (std::string* part : {&content.type, &identity.uuid, &identity.label, &identity.partuuid, &identity.partlabel}) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    *part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return content;
}

Result<std::string> look(Question question, const std::string& device) {
  if (question == Question::PartitionType) return read_partition_type(device);
  return join(read_content(device));
}

std::string who_looks_at(const BlockDevice& device) {
  return concat("the program that looks at ", device.path);
}

constexpr std::string_view kPartitionType = "partition-type";
constexpr std::string_view kContent = "content";

}  // namespace

Prober prober_here() {
  return [](Question question, const BlockDevice& device) {
    return ask_apart(who_looks_at(device), [&] { return look(question, device.path); }, Deadline::in(kDiskAnswerTime));
  };
}

Prober prober_program(std::string path) {
  return [path = std::move(path)](Question question, const BlockDevice& device) {
    const std::string word(question == Question::PartitionType ? kPartitionType : kContent);
    return ask_program(who_looks_at(device), {path, word, device.path}, Deadline::in(kDiskAnswerTime));
  };
}

std::optional<ProberTask> prober_task(std::span<const std::string_view> words) {
  if (words.size() != 3 || (words[1] != kPartitionType && words[1] != kContent)) return std::nullopt;
  return ProberTask{.question = words[1] == kContent ? Question::Content : Question::PartitionType,
                    .device = std::string(words[2])};
}

int answer(const ProberTask& task) {
  return give_answer(look(task.question, task.device)) ? 0 : 1;
}

Result<std::string> partition_type(const BlockDevice& device, const Prober& prober) {
  if (device.partition == 0) return std::string();
  return prober(Question::PartitionType, device);
}

Result<Content> identify(const BlockDevice& device, const Prober& prober) {
  return separate(TRY(prober(Question::Content, device)), device.partition);
}

Content identify(const ByteSource& partition) {
  const auto file = ends_of(partition);
  if (!file) return {};
  const Probe probe(blkid_new_probe(), &blkid_free_probe);
  if (!probe || blkid_probe_set_device(probe.get(), file->get(), 0, 0) != 0) return {};
  return content_of(probe);
}

}  // namespace vhdboot::sys
