// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/config_file.h"

#include <array>

#include "efi/utf16_text.h"

namespace vhdboot::efi {

namespace {

constexpr std::string_view kExtension = ".conf";
using ConfPath = FixedText<4096 + kExtension.size()>;

class OpenFile {
 public:
  OpenFile() = default;
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (file_ != nullptr) file_->Close(file_);
  }
  [[nodiscard]] EFI_FILE_HANDLE* out() { return &file_; }
  [[nodiscard]] EFI_FILE_HANDLE operator->() const { return file_; }
  [[nodiscard]] EFI_FILE_HANDLE get() const { return file_; }

 private:
  EFI_FILE_HANDLE file_ = nullptr;
};

ConfPath conf_path(std::string_view own_path) {
  if (own_path.size() >= 4) {
    const std::string_view end = own_path.substr(own_path.size() - 4);
    if (end[0] == '.' && (end[1] | 0x20) == 'e' && (end[2] | 0x20) == 'f' && (end[3] | 0x20) == 'i')
      own_path.remove_suffix(4);
  }
  return ConfPath(own_path, kExtension);
}

// As the firmware wants it: UTF-16, '\', NUL.
class FirmwarePath {
 public:
  explicit FirmwarePath(const ConfPath& path) {
    std::size_t size = 0;
    for_each_utf16_unit(path.view(), [&](char16_t unit) { units_[size++] = unit == u'/' ? u'\\' : unit; });
    units_[size] = 0;
  }
  [[nodiscard]] CHAR16* data() { return units_.data(); }

 private:
  std::array<CHAR16, 4096 + kExtension.size() + 1> units_;
};

EFI_STATUS read_all(EFI_BOOT_SERVICES& boot, const OpenFile& file, ConfigFile& conf) {
  EFI_GUID file_info = efi_guid(kFileInfo);
  alignas(EFI_FILE_INFO) std::array<std::byte, sizeof(EFI_FILE_INFO) + 2 * 1024> info_bytes{};
  UINTN info_size = info_bytes.size();
  if (const EFI_STATUS status = file->GetInfo(file.get(), &file_info, &info_size, info_bytes.data()); failed(status))
    return status;
  const auto& info = *reinterpret_cast<const EFI_FILE_INFO*>(info_bytes.data());
  if ((info.Attribute & EFI_FILE_DIRECTORY) != 0) return EFI_UNSUPPORTED;
  if (info.FileSize > kMaxConfSize) return EFI_BUFFER_TOO_SMALL;

  conf.memory = PoolBytes::allocate(boot, info.FileSize + 1);
  if (!conf.memory) return EFI_OUT_OF_RESOURCES;
  while (conf.size < info.FileSize) {
    UINTN count = info.FileSize - conf.size;
    if (const EFI_STATUS status = file->Read(file.get(), &count, conf.memory.bytes().data() + conf.size);
        failed(status))
      return status;
    if (count == 0) break;
    conf.size += count;
  }
  return conf.size == info.FileSize ? EFI_SUCCESS : EFI_DEVICE_ERROR;
}

EFI_STATUS read(EFI_BOOT_SERVICES& boot, EFI_FILE_IO_INTERFACE& volume, const ConfPath& path, ConfigFile& conf) {
  OpenFile root;
  if (const EFI_STATUS status = volume.OpenVolume(&volume, root.out()); failed(status)) return status;
  OpenFile file;
  FirmwarePath name(path);
  if (const EFI_STATUS status = root->Open(root.get(), file.out(), name.data(), EFI_FILE_MODE_READ, 0); failed(status))
    return status;
  return read_all(boot, file, conf);
}

}  // namespace

ConfigFile read_config_file(EFI_BOOT_SERVICES& boot, EFI_HANDLE device, std::string_view own_path) {
  ConfigFile conf;
  auto* const volume = find_protocol<EFI_FILE_IO_INTERFACE>(boot, device, kSimpleFileSystem);
  if (volume == nullptr || own_path.empty()) return conf;

  const ConfPath path = conf_path(own_path);
  const EFI_STATUS status = read(boot, *volume, path, conf);
  conf.found = !failed(status);
  if (conf.found || status == EFI_NOT_FOUND) return conf;
  conf.size = 0;
  if (status == EFI_BUFFER_TOO_SMALL)
    conf.problem = Sentence(path.view(), " is larger than 64 KiB, so it is no configuration.");
  else if (status == EFI_UNSUPPORTED)
    conf.problem = Sentence(path.view(), " is not a file that can be read.");
  else
    conf.problem = Sentence(path.view(), " cannot be read (", describe(status), ").");
  return conf;
}

}  // namespace vhdboot::efi
