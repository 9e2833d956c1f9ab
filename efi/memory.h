// SPDX-License-Identifier: GPL-2.0-or-later
// Memory of the firmware that is given back when its owner goes.
#pragma once

#include <utility>

#include "base/bytes.h"
#include "efi/uefi.h"

namespace vhdboot::efi {

/// Bytes from the firmware's pool, 8-byte aligned.
class PoolBytes {
 public:
  PoolBytes() = default;

  /// `size` bytes, not cleared; empty when there is no memory (ask with operator bool).
  [[nodiscard]] static PoolBytes allocate(EFI_BOOT_SERVICES& boot, std::size_t size) {
    void* memory = nullptr;
    if (failed(boot.AllocatePool(EfiLoaderData, size, &memory)) || memory == nullptr) return {};
    return PoolBytes(boot, {static_cast<std::byte*>(memory), size});
  }

  PoolBytes(const PoolBytes&) = delete;
  PoolBytes& operator=(const PoolBytes&) = delete;
  PoolBytes(PoolBytes&& other) noexcept
      : boot_(std::exchange(other.boot_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
  PoolBytes& operator=(PoolBytes&& other) noexcept {
    std::swap(boot_, other.boot_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PoolBytes() {
    if (boot_ != nullptr) boot_->FreePool(bytes_.data());
  }

  [[nodiscard]] explicit operator bool() const { return boot_ != nullptr; }
  [[nodiscard]] MutableBytes bytes() const { return bytes_; }

 private:
  PoolBytes(EFI_BOOT_SERVICES& boot, MutableBytes bytes) : boot_(&boot), bytes_(bytes) {}

  EFI_BOOT_SERVICES* boot_ = nullptr;
  MutableBytes bytes_;
};

/// One page, aligned to its size: enough for a block of any disk and whatever alignment its controller wants.
class Page {
 public:
  static constexpr std::size_t kSize = 4096;

  explicit Page(EFI_BOOT_SERVICES& boot) : boot_(boot) {
    if (failed(boot_.AllocatePages(AllocateAnyPages, EfiLoaderData, 1, &address_))) address_ = 0;
  }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  ~Page() {
    if (address_ != 0) boot_.FreePages(address_, 1);
  }

  /// Empty when there was no memory.
  [[nodiscard]] MutableBytes bytes() const {
    if (address_ == 0) return {};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the firmware's type for addresses is an integer
    return {reinterpret_cast<std::byte*>(address_), kSize};
  }

 private:
  EFI_BOOT_SERVICES& boot_;
  EFI_PHYSICAL_ADDRESS address_ = 0;
};

}  // namespace vhdboot::efi
