// SPDX-License-Identifier: GPL-2.0-or-later
// A guest's command line: what root= and its like become names no disk by its place any more, and is left alone the
// second time.
#include "init/guest/root_device.h"

#include "init/guest/device_options.h"
#include "init/guest/guest_cmdline.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::disk;
  using namespace vhdboot::guest;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  DiskFacts disk{.scheme = static_cast<Scheme>(data[0] % 3), .partitions = {}, .fs_type = "ext4", .fs_uuid = "f-0"};
  if (disk.scheme != Scheme::None)
    disk.partitions = {{.number = 1, .partuuid = "p-1", .fs_type = "vfat", .fs_uuid = "1234-ABCD"},
                       {.number = 2, .partuuid = "p-2", .fs_type = "ext4", .fs_uuid = "f-2", .type = kRootX8664Type}};
  if ((data[0] & 0x80) != 0 && !disk.partitions.empty()) disk.partitions[1].fs_type = "crypto_LUKS";

  if (const auto node = parse_device_node(text)) {
    const bool digit_at_end = node->disk.back() >= '0' && node->disk.back() <= '9';
    const std::string number = node->partition ? (digit_at_end ? "p" : "") + std::to_string(*node->partition) : "";
    check("/dev/" + node->disk + number == text || "/dev/mapper/" + node->disk + number == text);
  }
  auto line = kexec::CommandLine::parse(text);
  const auto change = map_root(line, disk);
  if (!change) {
    check(change.error().code == Code::NotFound || change.error().code == Code::Unsupported);
    return 0;
  }
  if (!apply(*change, line)) return 0;
  const auto again = map_root(line, disk);
  check(again.has_value());
  check(!again->root);
  const auto root = line.find("root");
  check(!root || !parse_device_node(*root));
  if (!rename_devices(line, disk)) return 0;
  const auto none_left = rename_devices(line, disk);
  check(none_left && none_left->empty());
  const auto usr = line.find("mount.usr");
  check(!usr || !parse_device_node(usr->substr(0, usr->find(':'))));
  // Whoever writes "root=..." last wins; otherwise the two ways to the same line agree.
  const auto whole = guest_command_line(text, "", disk);
  if (!whole) {
    check(whole.error().code == Code::Invalid);  // an open quote
    return 0;
  }
  check(whole->line.find("root") == root);
  check(kexec::CommandLine::parse(whole->line.text()).has("nohibernate"));
  return 0;
}
