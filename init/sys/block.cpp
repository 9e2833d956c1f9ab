// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/block.h"

#include <blkid/blkid.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include <algorithm>
#include <functional>
#include <memory>

#include "base/text.h"
#include "base/units.h"
#include "init/sys/file.h"
#include "init/sys/process.h"

namespace vhdboot::sys {

Result<BlockDevice> block_device(const std::string& name) {
  const std::string link = "/sys/class/block/" + name;
  char canonical[PATH_MAX];
  if (::realpath(link.c_str(), canonical) == nullptr) return fail_errno(concat("looking at the device ", name));
  BlockDevice device{.name = name, .path = "/dev/" + name, .sysfs = canonical};
  device.numbers = read_attribute(link + "/dev");
  device.size = parse_u64(read_attribute(link + "/size")).value_or(0) * kSectorSize;
  device.partition = static_cast<unsigned>(parse_u64(read_attribute(link + "/partition")).value_or(0));
  const std::string disk = device.partition == 0 ? device.sysfs : device.sysfs.substr(0, device.sysfs.rfind('/'));
  device.sequence = read_attribute(disk + "/diskseq");
  device.read_only = read_attribute(link + "/ro") == "1";
  device.logical_block =
      static_cast<unsigned>(parse_u64(read_attribute(disk + "/queue/logical_block_size")).value_or(kSectorSize));
  return device;
}

std::vector<BlockDevice> block_devices() {
  std::vector<BlockDevice> devices;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/sys/class/block"), &::closedir);
  if (!folder) return devices;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] == '.') continue;
    auto device = block_device(entry->d_name);
    if (device && device->size > 0) devices.push_back(*std::move(device));
  }
  std::ranges::sort(devices, {}, &BlockDevice::name);
  return devices;
}

Result<bool> is_read_only(const std::string& path) {
  const Fd device = TRY(open_file(path, O_RDONLY));
  int read_only = 0;
  if (::ioctl(device.get(), BLKROGET, &read_only) < 0) return fail_errno(path);
  return read_only != 0;
}

Result<void> make_read_only(const std::string& path) {
  const Fd device = TRY(open_file(path, O_RDONLY));
  const int read_only = 1;
  if (::ioctl(device.get(), BLKROSET, &read_only) < 0) return fail_errno(concat("making ", path, " read-only"));
  return {};
}

// The others have a parent in the hardware. The namespaces of an NVMe disk that may have several controllers hang at
// the disk as a whole: /sys/devices/virtual/nvme-subsystem.
bool is_virtual(const BlockDevice& device) {
  return device.sysfs.starts_with("/sys/devices/virtual/block/");
}

std::string disk_of(const BlockDevice& device) {
  const std::string disk = device.partition == 0 ? device.sysfs : device.sysfs.substr(0, device.sysfs.rfind('/'));
  return concat(disk, '#', device.sequence);
}

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
Content content_of(const Probe& probe, unsigned partition) {
  Content content{.type = {}, .identity = {.number = partition}};
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

}  // namespace

namespace {

Result<std::string> read_partition_type(const BlockDevice& device) {
  const Probe probe(blkid_new_probe_from_filename(device.path.c_str()), &blkid_free_probe);
  if (!probe) return fail_errno(concat("opening ", device.path));
  const int found = probe_partition(probe);
  if (found < 0) return fail(Code::Io, "its disk's partition table cannot be read");
  return found == 0 ? to_lower_ascii(value(probe, "PART_ENTRY_TYPE")) : std::string();
}

Content read_content(const BlockDevice& device) {
  const Probe probe(blkid_new_probe_from_filename(device.path.c_str()), &blkid_free_probe);
  return probe ? content_of(probe, device.partition) : Content{};
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

Result<std::string> ask(const BlockDevice& device, const std::function<Result<std::string>()>& question) {
  return ask_apart(concat("the program that looks at ", device.path), question, Deadline::in(kDiskAnswerTime));
}

}  // namespace

Result<std::string> partition_type(const BlockDevice& device) {
  if (device.partition == 0) return std::string();
  return ask(device, [&] { return read_partition_type(device); });
}

Result<Content> identify(const BlockDevice& device) {
  const std::string text = TRY(ask(device, [&]() -> Result<std::string> { return join(read_content(device)); }));
  return separate(text, device.partition);
}

Content identify(const ByteSource& partition) {
  const auto file = ends_of(partition);
  if (!file) return {};
  const Probe probe(blkid_new_probe(), &blkid_free_probe);
  if (!probe || blkid_probe_set_device(probe.get(), file->get(), 0, 0) != 0) return {};
  return content_of(probe, 0);
}

}  // namespace vhdboot::sys
