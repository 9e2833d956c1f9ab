// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/config.h"

#include <cstdlib>

#include "base/bytes.h"
#include "init/guest/host_mount_unit.h"
#include "init/guest/persist_units.h"
#include "init/record/image_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::guest;
  using namespace vhdboot::record;
  const auto text = as_text({reinterpret_cast<const std::byte*>(data), size});
  const auto parsed = parse_config(text, "fuzz.conf");
  if (!parsed) {
    if (parsed.error().code != Code::Invalid || !parsed.error().text.starts_with("fuzz.conf:")) std::abort();
    return 0;
  }
  const auto& config = parsed->config;
  if (config.wait() < 1 || config.wait() > kMaxWaitSeconds || config.options.size() > kMaxOptionsBytes) std::abort();
  if (config.host_mount) {
    const auto again = parse_host_mount(to_text(*config.host_mount));
    if (!again || *again != *config.host_mount) std::abort();
    for (const GuestFile& unit : host_mount_units(*config.host_mount, volume::Kind::Ntfs))
      if (unit.name.size() > 255 || unit.name.contains('/') || unit.text.contains('\\') || unit.text.contains('%'))
        std::abort();
  }
  if (config.ephemeral && parse_ephemeral(to_text(*config.ephemeral)) != config.ephemeral) std::abort();
  if (with_persist_paths("", config.persist_paths) != config.persist_paths) std::abort();
  for (const GuestFile& unit : persist_units("=== @MOUNT@\n@PATH@", "/dev/loop1", config.persist_paths, ""))
    if (unit.name.size() > 255 || unit.name.contains('/') || mount_unit_name(unit.text) != unit.name) std::abort();
  if (merge(config, {}) != config || merge({}, config) != config) std::abort();
  // What was accepted can be used.
  for (const std::string& disk : config.disks) {
    const auto path = disk_path(disk, volume::parse_path("/boot/debian.vhd").value());
    if (!path && path.error().code != Code::Invalid) std::abort();
  }
  if (config.image && !image_candidates(config, {.path = "/boot/debian.efi"})) std::abort();
  return 0;
}
