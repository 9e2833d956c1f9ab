// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/ventoy.h"

#include "efi/device_path.h"

namespace vhdboot::efi {

namespace {

constexpr Guid kVentoyRamDisk = "37b87ac6-c180-4583-a705-414da8f77ed2"_guid;
constexpr Guid kVentoyVariables = "77772020-2e77-6576-6e74-6f792e6e6574"_guid;

bool has_ram_disk_variable(EFI_RUNTIME_SERVICES& runtime) {
  Name16 name(u"VentoyRamDisk");
  EFI_GUID guid = efi_guid(kVentoyVariables);
  std::byte value{};
  UINTN size = sizeof(value);
  const EFI_STATUS status = runtime.GetVariable(name.text.data(), &guid, nullptr, &size, &value);
  return !failed(status) || status == EFI_BUFFER_TOO_SMALL;
}

}  // namespace

bool is_ventoy_retry(EFI_RUNTIME_SERVICES& runtime, Bytes device) {
  return has_vendor_node(device, kVentoyRamDisk) || (!find_partition(device) && has_ram_disk_variable(runtime));
}

}  // namespace vhdboot::efi
