// SPDX-License-Identifier: GPL-2.0-or-later
// Device-mapper devices.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "init/blocks/row.h"

namespace vhdboot::sys {

/// An active device-mapper device; removed when the object ends, or, while somebody else looks at it, right after that.
class MappedDevice {
 public:
  /// Creates the device `name` of these rows on the devices below ("8:3"), and starts it. `uuid` names it for other
  /// programs. Invalid as blocks::pack_rows(). While it lives nobody else, but other such devices, can mount what its
  /// rows lie on or open that exclusively.
  [[nodiscard]] static Result<MappedDevice> create(const std::string& name, const std::string& uuid,
                                                   std::span<const blocks::Row> rows,
                                                   std::span<const std::string> devices, bool read_only);
  /// The same of one row on one device, read-only, but never started: nobody can mount that device, and there is
  /// nothing to read.
  [[nodiscard]] static Result<MappedDevice> claim(const std::string& name, const std::string& uuid,
                                                  const blocks::Row& row, const std::string& device);
  MappedDevice(MappedDevice&& other) noexcept
      : name_(std::exchange(other.name_, {})), major_(other.major_), minor_(other.minor_) {}
  MappedDevice& operator=(MappedDevice&& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(major_, other.major_);
    std::swap(minor_, other.minor_);
    return *this;
  }
  /// One that was left: "vhdboot".
  [[nodiscard]] static Result<MappedDevice> take(const std::string& name);
  ~MappedDevice();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string node() const;     ///< "dm-0"
  [[nodiscard]] std::string path() const;     ///< "/dev/dm-0"
  [[nodiscard]] std::string numbers() const;  ///< "253:0"

  /// Unsafe unless the kernel tells the same rows as those, on those devices, that it was made of, and that it is
  /// read-only if it is to be.
  [[nodiscard]] Result<void> check(std::span<const blocks::Row> rows, std::span<const std::string> devices,
                                   bool read_only) const;

  /// Waits until all that was asked of it is done. What is asked from then on waits for reload() or resume().
  [[nodiscard]] Result<void> suspend() const;
  [[nodiscard]] Result<void> resume() const;
  /// Other rows take the place of those that it has; it keeps its length.
  [[nodiscard]] Result<void> reload(std::span<const blocks::Row> rows, std::span<const std::string> devices,
                                    bool read_only) const;

  /// Whether what its rows lie on knows TRIM, at least in part.
  [[nodiscard]] bool trims() const;

  /// Makes the kernel take it for a device without a cache: what is flushed on it ends at once.
  [[nodiscard]] Result<void> forget_flushes() const;

  [[nodiscard]] Result<void> remove();
  /// It stays when the object ends.
  void leave() { name_.clear(); }

 private:
  [[nodiscard]] static Result<MappedDevice> load(const std::string& name, const std::string& uuid,
                                                 std::span<const blocks::Row> rows,
                                                 std::span<const std::string> devices, bool read_only);
  MappedDevice(std::string name, unsigned major, unsigned minor)
      : name_(std::move(name)), major_(major), minor_(minor) {}
  std::string name_;
  unsigned major_;
  unsigned minor_;
};

/// The names of all device-mapper devices.
[[nodiscard]] std::vector<std::string> mapped_devices();

/// What the kernel tells of how the only row of the device `name` fares, such as "16/4096 16" of a snapshot; when
/// something happens to a device, or after `patience`. `control`: /dev/mapper/control, open for writing.
[[nodiscard]] Result<std::string> wait_for_status(const Fd& control, const std::string& name,
                                                  std::chrono::milliseconds patience);

}  // namespace vhdboot::sys
