// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/volume_files.h"

#include <array>
#include <cstddef>
#include <optional>

#include "efi/fixed_text.h"
#include "efi/utf16_text.h"

namespace vhdboot::efi {

namespace {

class OpenFile {
 public:
  OpenFile(EFI_FILE_HANDLE root, std::string_view path) {
    // As the firmware wants it: UTF-16, '\', NUL.
    std::array<CHAR16, kMaxFilePath + 1> name;
    if (path.size() > kMaxFilePath) return;
    std::size_t size = 0;
    for_each_utf16_unit(path, [&](char16_t unit) { name[size++] = unit == u'/' ? u'\\' : unit; });
    name[size] = 0;
    status_ = root->Open(root, &file_, name.data(), EFI_FILE_MODE_READ, 0);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (!failed(status_)) file_->Close(file_);
  }

  [[nodiscard]] EFI_STATUS status() const { return status_; }

  struct Size {
    EFI_STATUS status = EFI_SUCCESS;
    UINT64 bytes = 0;
  };

  [[nodiscard]] Size size() const {
    EFI_GUID file_info = efi_guid(kFileInfo);
    alignas(EFI_FILE_INFO) std::array<std::byte, sizeof(EFI_FILE_INFO) + 2 * 1024> bytes{};
    UINTN count = bytes.size();
    if (const EFI_STATUS status = file_->GetInfo(file_, &file_info, &count, bytes.data()); failed(status))
      return {.status = status};
    const auto& info = *reinterpret_cast<const EFI_FILE_INFO*>(bytes.data());
    return {(info.Attribute & EFI_FILE_DIRECTORY) != 0 ? EFI_UNSUPPORTED : EFI_SUCCESS, info.FileSize};
  }

  /// Fills all of `out`; EFI_DEVICE_ERROR when the file ends before.
  [[nodiscard]] EFI_STATUS read(MutableBytes out) const {
    while (!out.empty()) {
      UINTN count = out.size();
      if (const EFI_STATUS status = file_->Read(file_, &count, out.data()); failed(status)) return status;
      if (count == 0 || count > out.size()) return EFI_DEVICE_ERROR;
      out = out.subspan(count);
    }
    return EFI_SUCCESS;
  }

  struct Entry {
    bool is_file = false;
    FixedText<3 * 256> name;
    UINT64 size = 0;
  };

  /// The next entry of a directory; nothing at its end, and after what is none.
  [[nodiscard]] std::optional<Entry> next_entry() const {
    constexpr std::size_t kName = offsetof(EFI_FILE_INFO, FileName);
    alignas(EFI_FILE_INFO) std::array<std::byte, sizeof(EFI_FILE_INFO) + 2 * 1024> bytes{};
    UINTN count = bytes.size();
    if (failed(file_->Read(file_, &count, bytes.data())) || count <= kName || count > bytes.size()) return std::nullopt;
    const auto& info = *reinterpret_cast<const EFI_FILE_INFO*>(bytes.data());
    Entry entry{.is_file = (info.Attribute & EFI_FILE_DIRECTORY) == 0, .name = {}, .size = info.FileSize};
    Utf16Reader name(Bytes(bytes).first(count).subspan(kName));
    while (const auto c = name.next()) entry.name.put(*c);
    return entry;
  }

 private:
  EFI_FILE_HANDLE file_ = nullptr;
  EFI_STATUS status_ = EFI_INVALID_PARAMETER;
};

}  // namespace

VolumeFiles::VolumeFiles(EFI_BOOT_SERVICES& boot, EFI_HANDLE device) : boot_(boot) {
  if (auto* const volume = find_protocol<EFI_FILE_IO_INTERFACE>(boot, device, kSimpleFileSystem))
    status_ = volume->OpenVolume(volume, &root_);
}

VolumeFiles::~VolumeFiles() {
  if (!failed(status_)) root_->Close(root_);
}

EFI_STATUS VolumeFiles::look_for(std::string_view path) const {
  if (failed(status_)) return status_;
  return OpenFile(root_, path).status();
}

FileContents VolumeFiles::read(std::string_view path, std::size_t cap) const {
  if (failed(status_)) return {.status = status_};
  const OpenFile file(root_, path);
  if (failed(file.status())) return {.status = file.status()};
  const OpenFile::Size size = file.size();
  if (failed(size.status)) return {.status = size.status};
  if (size.bytes > cap) return {.status = EFI_BUFFER_TOO_SMALL};
  PoolBytes memory = PoolBytes::allocate(boot_, size.bytes + 1);  // a pool of no bytes need not exist
  if (!memory) return {.status = EFI_OUT_OF_RESOURCES};
  const MutableBytes bytes = memory.bytes().first(static_cast<std::size_t>(size.bytes));
  return {.status = file.read(bytes), .memory = std::move(memory), .bytes = bytes};
}

void VolumeFiles::read_folder(std::string_view folder, void (*take)(const void*, std::string_view, UINT64),
                              const void* context) const {
  if (failed(status_)) return;
  const OpenFile open(root_, folder);
  if (failed(open.status()) || open.size().status != EFI_UNSUPPORTED) return;
  for (int i = 0; i < kMaxFiles; ++i) {
    const auto entry = open.next_entry();
    if (!entry) return;
    if (entry->is_file && !entry->name.truncated()) take(context, entry->name.view(), entry->size);
  }
}

}  // namespace vhdboot::efi
