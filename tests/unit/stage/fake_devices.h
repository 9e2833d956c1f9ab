// SPDX-License-Identifier: GPL-2.0-or-later
// A machine whose disks are memory: with a clock of its own, which only moves when somebody waits or a disk is slow,
// and a script of what happens at which time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/sys/devices.h"
#include "init/volume/volume.h"
#include "tests/support/exfat_image.h"
#include "tests/support/sparse_image.h"

namespace vhdboot::test {

using namespace std::chrono_literals;

struct FakeDisk {
  sys::BlockDevice device;
  std::shared_ptr<const SparseImage> bytes;
  std::string partition_type;
  sys::Content content;  ///< what libblkid says
  sys::Hardware hardware;
  int open_error = 0;                                        ///< the errno of opening it
  std::vector<std::pair<std::uint64_t, std::uint64_t>> bad;  ///< offset and length of what cannot be read
  std::chrono::milliseconds read_time{0};                    ///< that each read takes
  unsigned opened = 0;                                       ///< how often
  bool silent = false;                                       ///< what looks at it waits in vain
  bool gone = false;                                         ///< unplugged: nothing can be read any more
};

class FakeDevices final : public sys::Devices {
 public:
  /// A disk that is there from now on.
  FakeDisk& plug(const std::string& name, std::shared_ptr<const SparseImage> bytes) {
    auto disk = std::make_shared<FakeDisk>();
    disk->device = {.name = name,
                    .path = "/dev/" + name,
                    .numbers = concat("8:", sequence_),
                    .sysfs = concat("/sys/devices/pci0000:00/0000:00:01.0/block/", name),
                    .sequence = concat(++sequence_),
                    .size = bytes->size()};
    disk->bytes = std::move(bytes);
    disks_[name] = disk;
    return *disk;
  }
  void unplug(const std::string& name) {
    disks_.at(name)->gone = true;
    disks_.erase(name);
  }
  [[nodiscard]] FakeDisk& disk(const std::string& name) { return *disks_.at(name); }

  /// An event: what happens so long after the start.
  void at(std::chrono::milliseconds time, std::function<void()> what) {
    script_.emplace(kStart + time, std::move(what));
  }

  [[nodiscard]] std::chrono::milliseconds elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now_ - kStart);
  }

  [[nodiscard]] std::vector<sys::BlockDevice> list() const override {
    std::vector<sys::BlockDevice> devices;
    for (const auto& [name, disk] : disks_) devices.push_back(disk->device);
    return devices;
  }

  /// In this process: what a reader process is, is tested elsewhere.
  [[nodiscard]] Result<sys::OpenedVolume> open_volume(const sys::BlockDevice& device) const override {
    const auto found = disks_.find(device.name);
    const std::string doing = "opening " + device.path;
    if (found == disks_.end()) return fail_errno(doing, ENOENT);
    ++found->second->opened;
    if (found->second->open_error != 0) return fail_errno(doing, found->second->open_error);
    auto source = std::make_unique<Source>(found->second, now_);
    auto reader = TRY(volume::HostVolume::open(*source));
    return sys::OpenedVolume{.source = std::move(source), .reader = std::move(reader)};
  }

  [[nodiscard]] Result<std::string> partition_type(const sys::BlockDevice& device) const override {
    const auto found = disks_.find(device.name);
    if (found == disks_.end()) return std::string();
    if (found->second->silent) {
      now_ += sys::kDiskAnswerTime;
      return fail(Code::Timeout, "the program that looks at it did not end in time");
    }
    return found->second->partition_type;
  }

  [[nodiscard]] Result<sys::Content> content(const sys::BlockDevice& device) const override {
    const auto found = disks_.find(device.name);
    return found == disks_.end() ? sys::Content{} : found->second->content;
  }

  [[nodiscard]] sys::Hardware hardware(const sys::BlockDevice& device) const override {
    const auto found = disks_.find(device.name);
    return found == disks_.end() ? sys::Hardware{} : found->second->hardware;
  }

  [[nodiscard]] Result<bool> wait(sys::Deadline deadline) override {
    const auto next = script_.begin();
    if (next == script_.end() || (next->first > now_ && next->first > deadline.at())) {
      now_ = std::max(now_, deadline.at());
      return false;
    }
    now_ = std::max(now_, next->first);
    while (!script_.empty() && script_.begin()->first <= now_) {
      const auto what = std::move(script_.begin()->second);
      script_.erase(script_.begin());
      what();
    }
    return true;
  }

  [[nodiscard]] Clock::time_point now() const override { return now_; }

 private:
  class Source final : public ByteSource {
   public:
    Source(std::shared_ptr<FakeDisk> disk, Clock::time_point& now) : disk_(std::move(disk)), now_(now) {}
    [[nodiscard]] std::uint64_t size() const override { return disk_->bytes->size(); }
    [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
      now_ += disk_->read_time;
      const auto hit = [&](const auto& bad) {
        return offset < bad.first + bad.second && bad.first < offset + out.size();
      };
      if (disk_->gone || std::ranges::any_of(disk_->bad, hit))
        return std::unexpected(Error{Code::Io, EIO, concat("reading at byte ", offset)});
      return disk_->bytes->read(offset, out);
    }

   private:
    std::shared_ptr<FakeDisk> disk_;
    Clock::time_point& now_;
  };

  static constexpr Clock::time_point kStart{1000s};
  mutable Clock::time_point now_ = kStart;
  std::map<std::string, std::shared_ptr<FakeDisk>> disks_;
  std::multimap<Clock::time_point, std::function<void()>> script_;
  unsigned sequence_ = 0;
};

struct FakeFile {
  std::string_view path;
  std::string contents;
};

/// What a raw image holds, as far as anybody looks.
inline std::string image_bytes() {
  return std::string(16384, '\0');
}

/// A volume, and where the directories lie that are on the way to its files.
struct FakeVolume {
  std::shared_ptr<const SparseImage> bytes;
  std::map<std::string, std::uint64_t, std::less<>> folders;  ///< its bytes on the volume, by path
};

inline FakeVolume make_exfat(std::uint32_t serial, std::u16string label, std::initializer_list<FakeFile> files) {
  ExfatImage image({.label = std::move(label), .serial = serial});
  for (const FakeFile& file : files) image.add_file(file.path, as_bytes(file.contents));
  FakeVolume volume{.bytes = std::make_shared<SparseImage>(image.finish()), .folders = {}};
  for (const FakeFile& file : files) {
    const std::string_view folder = file.path.substr(0, file.path.rfind('/'));
    if (!folder.empty()) volume.folders.emplace(folder, image.offset_of(image.clusters_of(folder).front()));
  }
  return volume;
}

/// A place of a disk.
inline disk::HardwarePath place(std::string_view text) {
  return disk::parse_hardware_path(text).value();
}

/// A disk with something else on it.
inline std::shared_ptr<const SparseImage> other_disk() {
  return std::make_shared<SparseImage>(1 << 20);
}

}  // namespace vhdboot::test
