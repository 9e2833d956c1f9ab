// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/grub_files.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "disk/partition_table.h"
#include "entry/boot_loaders.h"
#include "entry/find_ukis.h"
#include "entry/grub_cfg.h"
#include "entry/menu_files.h"

namespace vhdboot::entry {
namespace {

using Text = std::optional<std::string>;

constexpr std::string_view kConfig = "grub.cfg";
constexpr std::string_view kEnvironment = "grubenv";
constexpr std::uint64_t kMaxStub = 64 * 1024;  // of a grub.cfg that only leads to another one
// Partitions that gptprio.next chooses among: of CoreOS and Flatcar, of Bottlerocket. Their attributes are those of
// ChromiumOS ("Disk format", "Selecting the kernel").
constexpr Guid kCoreOsRoot = "5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6"_guid;
constexpr Guid kBottlerocketBoot = "6b636168-7420-6568-2070-6c616e657421"_guid;

template <class T>
std::optional<T> value_of(Result<T> result) {
  return result ? std::optional(*std::move(result)) : std::nullopt;
}

class OtherFiles final : public GrubFileReader {
 public:
  /// `folder`: that of grub.cfg, below the boot folder. `follows`: whether files are read, else only where they lie.
  OtherFiles(disk::GuestDisk& disk, const BootFolder& boot, std::string folder, bool follows = true)
      : disk_(disk), boot_(boot), finder_(disk, boot), folder_(std::move(folder)), follows_(follows) {}

  Text read(std::string_view path, std::string_view volume, std::size_t cap) override {
    if (!follows_) return std::nullopt;
    const std::size_t device = path.starts_with('(') ? path.find(')') + 1 : 0;
    if (path.substr(device).contains('+') && !path.substr(device).starts_with('/') && !path.starts_with(kHere))
      return read_blocks(path.substr(0, device), path.substr(device), volume, cap);
    const auto place = path.starts_with(kHere) ? find_here(path) : finder_.find(path, volume);
    return place ? value_of(place->tree.read_text(place->path, cap)) : std::nullopt;
  }

  std::optional<GrubPlace> find(std::string_view path, std::string_view volume) override {
    const auto place = find_place(path, volume);
    if (!place) return std::nullopt;
    return GrubPlace{.volume = place->tree.partition().identity.uuid, .is_folder = place->tree.is_folder(place->path)};
  }

  std::vector<std::string> names(std::string_view folder, std::string_view volume) override {
    const auto place = find_place(folder, volume);
    return place ? place->tree.list(place->path) : std::vector<std::string>();
  }

  bool is_image(std::string_view path, std::string_view volume) override {
    const auto place = finder_.find(path, volume);
    return place && look_at_uki(place->tree, place->path).has_value();
  }

  std::optional<GrubSlot> next_slot() override {
    const auto bits = [](const disk::Partition& one, unsigned first, unsigned mask) {
      return static_cast<unsigned>(one.attributes >> first) & mask;
    };
    const auto priority = [&](const disk::Partition& one) { return bits(one, 48, 15); };
    const disk::Partition* best = nullptr;
    for (const disk::Partition& one : disk_.table().partitions) {
      const bool is_slot = one.type == kCoreOsRoot || one.type == kBottlerocketBoot;
      const bool may_start = bits(one, 56, 1) == 1 || bits(one, 52, 15) > 0;
      if (is_slot && may_start && priority(one) > (best == nullptr ? 0 : priority(*best))) best = &one;
    }
    if (best == nullptr) return std::nullopt;
    return GrubSlot{.device = concat("hd0,gpt", best->number), .partuuid = best->partuuid};
  }

 private:
  static constexpr std::string_view kHere = "./";

  // "512+1": the first sector of the partition, and how many.
  Text read_blocks(std::string_view device, std::string_view blocks, std::string_view volume, std::size_t cap) {
    const auto first = parse_u64(blocks.substr(0, blocks.find('+')));
    const auto count = parse_u64(blocks.substr(blocks.find('+') + 1));
    if (!first || !count || *first > std::numeric_limits<std::uint32_t>::max() || *count > cap / kSectorSize)
      return std::nullopt;
    const bool is_own = volume.empty() && (device.empty() || device == "()");
    const auto place = is_own ? std::optional(Place{boot_.top, ""}) : finder_.find_there(device, volume);
    if (!place) return std::nullopt;
    std::string text(*count * kSectorSize, '\0');
    if (!disk_.read(place->tree.partition(), *first * kSectorSize, std::as_writable_bytes(std::span(text))))
      return std::nullopt;
    return text;
  }

  std::optional<Place> find_here(std::string_view path) {
    Place place{boot_.top, concat(boot_.folder, folder_, path.substr(1))};
    return place.tree.has(place.path) ? std::optional(std::move(place)) : std::nullopt;
  }

  std::optional<Place> find_place(std::string_view path, std::string_view volume) {
    if (path.starts_with(kHere)) return find_here(path);
    if (path.starts_with("()")) return finder_.find(path, "");
    if (!volume.empty() || path.starts_with('(')) return finder_.find_there(path, volume);
    // Where nothing tells the device, it is that of the menu.
    auto place = finder_.find(path, "");
    return place && &place->tree.partition() == &boot_.top.partition() ? std::move(place) : std::nullopt;
  }

  disk::GuestDisk& disk_;
  const BootFolder& boot_;
  FileFinder finder_;
  std::string folder_;
  bool follows_;
};

// `other`: null for what a distribution has on the ESP, which leads to a menu that is found by itself.
GrubFiles parse(const BootFolder& boot, const Text& config, const Text& environment, GrubFileReader* other) {
  GrubFiles files;
  if (environment) files.environment = value_of(parse_grub_environment(*environment));
  if (!config) return files;
  auto menu = parse_grub_cfg(*config, files.environment.value_or(GrubVariables()), other);
  const std::string name = concat("grub.cfg on ", boot.top.partition().description());
  if (!menu) {
    files.problem = std::move(menu).error().within(name);
    return files;
  }
  if (!menu->unread.empty())
    files.problem = Error{Code::NotFound, 0,
                          concat(name, " has its choice in ", printable(menu->unread),
                                 ", which cannot be read: its default may be another one")};
  files.menu = *std::move(menu);
  return files;
}

}  // namespace

GrubTarget grub_target(disk::GuestDisk& disk) {
  GrubTarget target;
  bool agree_on_volume = true;
  bool agree_on_path = true;
  const auto take = [](std::string& known, std::string& said, bool& agree) {
    if (said.empty()) return;
    agree &= known.empty() || known == said;
    known = std::move(said);
  };
  for (const disk::GuestPartition* partition : loader_partitions(disk)) {
    const auto esp = disk.mount(*partition);
    if (!esp) continue;
    const BootFolder boot{*esp, ""};
    for (const std::string& folder : program_folders(*esp)) {
      const auto text = esp->read_text(concat(folder, '/', kConfig), kMaxStub);
      OtherFiles places(disk, boot, folder, false);
      auto config = text ? parse_grub_cfg(*text, {}, &places) : fail(Code::NotFound, "");
      if (!config || !config->entries.empty()) continue;
      take(target.volume, config->volume, agree_on_volume);
      take(target.path, config->leads_to, agree_on_path);
    }
  }
  if (!agree_on_volume) target.volume.clear();
  if (!agree_on_path) target.path.clear();
  return target;
}

std::vector<std::string> grub_menu_folders(const BootFolder& boot) {
  std::vector<std::string> folders{""};
  std::ranges::move(program_folders(boot.top.below(boot.folder)), std::back_inserter(folders));
  return folders;
}

GrubFiles read_grub(disk::GuestDisk& disk, const BootFolder& boot, bool vendor) {
  const auto read = [&](std::string_view folder, std::string_view name, std::uint64_t cap) {
    return value_of(boot.top.read_text(concat(boot.folder, folder, '/', name), cap));
  };
  const auto on_esp = [&](std::string_view name, std::size_t cap) { return read_vendor_file(disk, name, cap); };
  Text environment;
  std::array<std::string_view, 2> folders{"/grub", "/grub2"};
  const auto has_config = [&](std::string_view folder) {
    return boot.top.has(concat(boot.folder, folder, '/', kConfig));
  };
  if (std::ranges::all_of(folders, has_config) && grub_target(disk).path.contains("/grub2/"))
    std::ranges::reverse(folders);
  for (const std::string_view folder : folders) {
    const Text config = read(folder, kConfig, kMaxGrubConfig);
    auto here = read(folder, kEnvironment, kMaxGrubEnvironment);
    if (config || !environment) environment = std::move(here);
    if (vendor && config && !environment) environment = on_esp(kEnvironment, kMaxGrubEnvironment);
    if (!config) continue;
    OtherFiles other(disk, boot, std::string(folder));
    return parse(boot, config, environment, &other);
  }
  for (const std::string& folder : grub_menu_folders(boot)) {
    const Text config = read(folder, kConfig, kMaxGrubConfig);
    const auto alone = config ? parse_grub_cfg(*config, {}) : fail(Code::NotFound, "");
    if (!alone || (alone->entries.empty() && GrubTarget{.path = alone->leads_to}.is_usual())) continue;
    OtherFiles other(disk, boot, folder);
    GrubFiles files = parse(boot, config, read(folder, kEnvironment, kMaxGrubEnvironment), &other);
    if (files.menu && default_entry(*files.menu) != nullptr) return files;
  }
  if (!vendor) return parse(boot, std::nullopt, environment, nullptr);
  if (!environment) environment = on_esp(kEnvironment, kMaxGrubEnvironment);
  return parse(boot, on_esp(kConfig, kMaxGrubConfig), environment, nullptr);
}

}  // namespace vhdboot::entry
