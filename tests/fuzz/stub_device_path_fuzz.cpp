// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever the device path, what the stub makes of it can stand in a line of the origin record.
#include <cstdlib>
#include <vector>

#include "efi/boot_sector.h"
#include "efi/device_path.h"
#include "efi/utf16_text.h"

namespace {

using namespace vhdboot;

void check_line(std::string_view text) {
  if (text.empty()) std::abort();
  while (!text.empty()) {
    const auto [value, length] = utf::decode_utf8(text);
    if (length == 0 || efi::is_control(value)) std::abort();
    text.remove_prefix(length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  if (const auto partition = efi::find_partition(bytes)) check_line(partition->view());
  if (const auto serial = efi::volume_serial(bytes)) check_line(serial->view());
  if (const auto path = efi::file_path_text(bytes)) {
    check_line(path->view());
    if (!path->view().starts_with('/') || path->view().ends_with('/')) std::abort();
    if (path->view().find("//") != std::string_view::npos || path->view().find('\\') != std::string_view::npos)
      std::abort();
  }
  (void)efi::has_vendor_node(bytes, "37b87ac6-c180-4583-a705-414da8f77ed2"_guid);

  // In the firmware's memory nothing says where a path ends but its end node: there is one wherever a node may begin.
  static const std::vector<std::byte> ends = [] {
    std::vector<std::byte> nodes;
    while (nodes.size() <= efi::kMaxDevicePathSize)
      for (const unsigned char b : {0x7F, 0xFF, 0x04, 0x00}) nodes.push_back(std::byte{b});
    return nodes;
  }();
  std::vector<std::byte> memory(bytes.begin(), bytes.end());
  memory.resize((memory.size() + 3) / 4 * 4);
  memory.insert(memory.end(), ends.begin(), ends.end());
  const Bytes measured = efi::device_path_bytes(memory.data());
  if (measured.size() > efi::kMaxDevicePathSize) std::abort();
  return 0;
}
