// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/started_from.h"

#include "efi/memory.h"
#include "efi/volume_files.h"

namespace vhdboot::efi {

namespace {

Bytes path_of(EFI_BOOT_SERVICES& boot, EFI_HANDLE handle, const Guid& protocol) {
  return device_path_bytes(find_protocol<EFI_DEVICE_PATH>(boot, handle, protocol));
}

// The device that `path`, a partition's or a file's, leads to; null when the firmware does not know that partition.
EFI_HANDLE find_device(EFI_BOOT_SERVICES& boot, Bytes path) {
  EFI_GUID block_io = efi_guid(kBlockIo);
  auto* rest = reinterpret_cast<EFI_DEVICE_PATH*>(const_cast<std::byte*>(path.data()));
  EFI_HANDLE device = nullptr;
  if (path.empty() || failed(boot.LocateDevicePath(&block_io, &rest, &device))) return nullptr;
  // The closest device may be the whole disk: then its partition is still part of the rest.
  return find_partition(device_path_bytes(rest)) ? nullptr : device;
}

std::optional<VolumeSerial> read_serial(EFI_BOOT_SERVICES& boot, EFI_HANDLE device) {
  auto* const disk = find_protocol<EFI_BLOCK_IO>(boot, device, kBlockIo);
  if (disk == nullptr || disk->Media == nullptr || !disk->Media->MediaPresent) return std::nullopt;
  const UINT32 block_size = disk->Media->BlockSize;
  if (block_size < 512 || block_size > Page::kSize || disk->Media->IoAlign > Page::kSize) return std::nullopt;
  const Page page(boot);
  if (page.bytes().empty()) return std::nullopt;
  if (failed(disk->ReadBlocks(disk, disk->Media->MediaId, 0, block_size, page.bytes().data()))) return std::nullopt;
  return volume_serial(page.bytes().first(block_size));
}

}  // namespace

StartedFrom find_origin(EFI_BOOT_SERVICES& boot, EFI_HANDLE self, const EFI_LOADED_IMAGE& image) {
  // Boot managers fill in different parts of this: the firmware all, GRUB the handle and a file path that may be a
  // whole device path, others only one of them.
  const Bytes file = device_path_bytes(image.FilePath);
  const Bytes whole = path_of(boot, self, kLoadedImageDevicePath);

  StartedFrom from;
  from.device = image.DeviceHandle;
  from.device_path = path_of(boot, from.device, kDevicePath);
  for (const Bytes path : {whole, file})
    if (from.device == nullptr) from.device = find_device(boot, path);

  for (const Bytes path : {from.device_path, whole, file})
    if (!from.partition) from.partition = find_partition(path);
  for (const Bytes path : {file, whole})
    if (!from.path) from.path = file_path_text(path);

  // GRUB's chainloader names the partition of its variable "root" together with a path on another one. Where the
  // firmware can look, our own file must be there.
  if (from.path && VolumeFiles(boot, from.device).look_for(from.path->view()) == EFI_NOT_FOUND) {
    from.device = nullptr;
    from.partition.reset();
  }
  from.place = path_of(boot, from.device, kDevicePath);
  for (const Bytes path : {whole, file})
    if (from.place.empty() && from.partition && find_partition(path)) from.place = path;
  from.serial = read_serial(boot, from.device);
  return from;
}

}  // namespace vhdboot::efi
