// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/device_path.h"

#include "base/device_path.h"
#include "efi/utf16_text.h"

namespace vhdboot::efi {

namespace {

constexpr std::uint8_t kHardwareVendor = 0x04;
constexpr std::uint8_t kMediaHardDrive = 0x01;
constexpr std::uint8_t kMediaFilePath = 0x04;

// The hard drive node (UEFI 2.10, 10.3.5.1), offsets after the node's header.
constexpr std::uint64_t kPartitionNumber = 0;
constexpr std::uint64_t kSignature = 20;
constexpr std::uint64_t kSignatureType = 37;
constexpr std::uint64_t kHardDriveSize = 38;
constexpr std::uint8_t kMbrSignature = 1;
constexpr std::uint8_t kGuidSignature = 2;

std::optional<PartUuid> partition_of(Bytes hard_drive) {
  if (hard_drive.size() < kHardDriveSize) return std::nullopt;
  PartUuid text;
  switch (std::to_integer<std::uint8_t>(hard_drive[kSignatureType])) {
    case kGuidSignature: {
      const Guid guid = *load_guid(hard_drive, kSignature);
      if (guid.is_zero()) return std::nullopt;
      const GuidText chars = to_text(guid);
      text.put(std::string_view(chars.data(), chars.size()));
      return text;
    }
    case kMbrSignature: {
      const std::uint32_t number = *load_le<std::uint32_t>(hard_drive, kPartitionNumber);
      const std::uint32_t signature = *load_le<std::uint32_t>(hard_drive, kSignature);
      if (number == 0 || signature == 0) return std::nullopt;
      text.put_hex(signature, 8);
      text.put('-');
      text.put_hex(number, 2);
      return text;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

Bytes device_path_bytes(const void* path) {
  const auto* const bytes = static_cast<const std::byte*>(path);
  std::size_t size = 0;
  if (bytes == nullptr) return {};
  while (device_path::type_of(bytes[size]) != device_path::kEnd) {
    const std::size_t length = *load_le<std::uint16_t>(Bytes(bytes + size, device_path::kNodeHeaderSize), 2);
    if (length < device_path::kNodeHeaderSize || length > kMaxDevicePathSize - size) break;
    size += length;
    if (size > kMaxDevicePathSize - device_path::kNodeHeaderSize) break;
  }
  return {bytes, size};
}

std::optional<PartUuid> find_partition(Bytes path) {
  std::optional<PartUuid> found;
  device_path::Reader reader(path);
  while (const auto node = reader.next())
    if (node->type == device_path::kMedia && node->subtype == kMediaHardDrive) found = partition_of(node->data);
  return found;
}

bool has_vendor_node(Bytes path, const Guid& guid) {
  device_path::Reader reader(path);
  while (const auto node = reader.next())
    if (node->type == device_path::kHardware && node->subtype == kHardwareVendor && load_guid(node->data, 0) == guid)
      return true;
  return false;
}

std::optional<PathText> file_path_text(Bytes path) {
  PathText text;
  device_path::Reader reader(path);
  while (const auto node = reader.next()) {
    if (node->type != device_path::kMedia || node->subtype != kMediaFilePath) continue;
    // A path may be spread over several nodes, with or without separators at the seams.
    bool separate = true;
    Utf16Reader name(node->data);
    while (const auto c = name.next()) {
      if (is_control(*c)) return std::nullopt;
      if (*c == U'/' || *c == U'\\') {
        separate = true;
        continue;
      }
      if (separate) text.put('/');
      separate = false;
      text.put(*c);
    }
  }
  if (text.empty() || text.truncated()) return std::nullopt;
  return text;
}

}  // namespace vhdboot::efi
