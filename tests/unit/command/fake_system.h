// SPDX-License-Identifier: GPL-2.0-or-later
// A tree in place of /proc, /sys, /boot and the others.
#pragma once

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "tools/vhdboot/boot_option.h"
#include "tools/vhdboot/running_system.h"

namespace vhdboot::test {

class FakeSystem {
 public:
  FakeSystem() {
    std::string pattern = testing::TempDir() + "vhdboot-XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) system_.root = pattern;
  }
  ~FakeSystem() { std::filesystem::remove_all(system_.root); }
  FakeSystem(const FakeSystem&) = delete;
  FakeSystem& operator=(const FakeSystem&) = delete;

  void write(std::string_view path, std::string_view text) {
    const std::filesystem::path file = system_.at(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  void variable(std::string_view name, std::string_view vendor, Bytes value) {
    std::string bytes("\x07\0\0\0", 4);
    bytes += as_text(value);
    write(concat("/sys/firmware/efi/efivars/", name, '-', vendor), bytes);
  }
  void global(std::string_view name, Bytes value) { variable(name, command::kGlobalVariables, value); }
  void loader(std::string_view name, Bytes value) { variable(name, command::kLoaderVariables, value); }
  void boot_entry(std::uint16_t number, std::string title, std::string file) {
    global(command::boot_variable(number),
           command::pack_boot_option(
               {.active = true,
                .title = std::move(title),
                .partition = command::BootPartition{.partuuid = "5eed0001-0000-4000-8000-0000000000e5", .number = 1},
                .file = std::move(file)})
               .value());
  }
  [[nodiscard]] std::string read(std::string_view path) const {
    std::ifstream file(system_.at(path), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] bool has(std::string_view path) const { return std::filesystem::exists(system_.at(path)); }
  [[nodiscard]] const command::RunningSystem& system() const { return system_; }

 private:
  command::RunningSystem system_;
};

}  // namespace vhdboot::test
