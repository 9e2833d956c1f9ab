// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/kernel_image.h"

#include "efi/memory.h"
#include "efi/utf16_text.h"
#include "efi/vendor_path.h"

namespace vhdboot::efi {

namespace {

// Names the embedded kernel in the firmware's tables; a GUID of our own, made for this.
constexpr Guid kKernelMedia = "3d1f1c5a-9d0b-4f5e-8a3f-6b5a2f0c7e41"_guid;

constexpr UINTN kStartTimeoutSeconds = 5 * 60;
constexpr UINT64 kWatchdogCode = 0x10000;  // lower codes are the firmware's

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && (text.back() == '\0' || text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

// UTF-16 with its NUL. Empty when there is no memory.
PoolBytes to_load_options(EFI_BOOT_SERVICES& boot, std::string_view text, std::size_t& size) {
  PoolBytes memory = PoolBytes::allocate(boot, 2 * text.size() + 2);
  size = 0;
  if (!memory) return memory;
  const auto put = [&](char16_t unit) {
    if (store_le<std::uint16_t>(memory.bytes(), size, unit)) size += 2;
  };
  for_each_utf16_unit(text, put);
  put(0);
  return memory;
}

// The kernel as the firmware holds it until it runs.
class LoadedKernel {
 public:
  LoadedKernel(EFI_BOOT_SERVICES& boot, EFI_HANDLE self, Bytes kernel) : boot_(boot) {
    VendorPath path(kKernelMedia);
    status_ = boot_.LoadImage(FALSE, self, path.path(), const_cast<std::byte*>(kernel.data()), kernel.size(), &handle_);
  }
  LoadedKernel(const LoadedKernel&) = delete;
  LoadedKernel& operator=(const LoadedKernel&) = delete;
  // Secure Boot may refuse a kernel and leave it loaded all the same.
  ~LoadedKernel() {
    if (handle_ != nullptr) boot_.UnloadImage(handle_);
  }

  [[nodiscard]] EFI_STATUS status() const { return status_; }
  [[nodiscard]] EFI_LOADED_IMAGE* image() const {
    return find_protocol<EFI_LOADED_IMAGE>(boot_, handle_, kLoadedImage);
  }

  /// Returns when the kernel did not take over; the firmware has unloaded it by then.
  [[nodiscard]] EFI_STATUS start() { return boot_.StartImage(std::exchange(handle_, nullptr), nullptr, nullptr); }

 private:
  EFI_BOOT_SERVICES& boot_;
  EFI_HANDLE handle_ = nullptr;
  EFI_STATUS status_;
};

}  // namespace

Sentence start_kernel(EFI_BOOT_SERVICES& boot, EFI_HANDLE self, Bytes kernel, std::string_view command_line) {
  LoadedKernel loaded(boot, self, kernel);
  if (loaded.status() == EFI_ACCESS_DENIED || loaded.status() == EFI_SECURITY_VIOLATION)
    return Sentence(
        "Secure Boot does not trust the boot kernel inside this file: sign the kernel and this file with a key that "
        "the "
        "firmware knows, or turn Secure Boot off in the firmware's setup.");
  if (failed(loaded.status()))
    return Sentence("the firmware cannot load the boot kernel inside this file (", describe(loaded.status()),
                    "): copy the file again, it may be damaged.");

  EFI_LOADED_IMAGE* const image = loaded.image();
  std::size_t options_size = 0;
  const PoolBytes options = to_load_options(boot, trim_end(command_line), options_size);
  if (image == nullptr || !options) return Sentence("the boot kernel's command line cannot be set: out of memory.");
  image->LoadOptions = options.bytes().data();
  image->LoadOptionsSize = static_cast<UINT32>(options_size);

  boot.SetWatchdogTimer(kStartTimeoutSeconds, kWatchdogCode, 0, nullptr);
  const EFI_STATUS status = loaded.start();
  boot.SetWatchdogTimer(0, kWatchdogCode, 0, nullptr);
  return Sentence("the boot kernel gave up before it took over the machine (", describe(status), ").");
}

}  // namespace vhdboot::efi
