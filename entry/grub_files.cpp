// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/grub_files.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/text.h"
#include "entry/grub_cfg.h"
#include "entry/menu_files.h"

namespace vhdboot::entry {
namespace {

using Text = std::optional<std::string>;

constexpr std::string_view kConfig = "grub.cfg";
constexpr std::string_view kEnvironment = "grubenv";

template <class T>
std::optional<T> value_of(Result<T> result) {
  return result ? std::optional(*std::move(result)) : std::nullopt;
}

// `beside`: reads a file by its name in the folder of grub.cfg.
GrubFiles parse(disk::GuestDisk& disk, const BootFolder& boot, const Text& config, const Text& environment,
                const std::function<Text(std::string_view name, std::size_t cap)>& beside) {
  GrubFiles files;
  if (environment) files.environment = value_of(parse_grub_environment(*environment));
  const auto other = [&](std::string_view path, std::string_view volume, std::size_t cap) -> Text {
    if (!path.contains('/')) return beside(path, cap);
    const auto place = FileFinder(disk, boot).find(path, volume);
    return place ? value_of(place->tree.read_text(place->path, cap)) : std::nullopt;
  };
  if (!config) return files;
  auto menu = parse_grub_cfg(*config, files.environment.value_or(GrubVariables()), other);
  if (menu)
    files.menu = *std::move(menu);
  else
    files.problem = std::move(menu).error().within(concat("grub.cfg on ", boot.top.partition().description()));
  return files;
}

}  // namespace

GrubFiles read_grub(disk::GuestDisk& disk, const BootFolder& boot, bool vendor) {
  const auto read = [&](std::string_view folder, std::string_view name, std::uint64_t cap) {
    return value_of(boot.top.read_text(concat(boot.folder, folder, '/', name), cap));
  };
  const auto in = [&](std::string_view folder) {
    return [&read, folder](std::string_view name, std::size_t cap) { return read(folder, name, cap); };
  };
  const auto on_esp = [&](std::string_view name, std::size_t cap) { return read_vendor_file(disk, name, cap); };
  Text environment;
  for (const char* folder : {"/grub", "/grub2"}) {
    const Text config = read(folder, kConfig, kMaxGrubConfig);
    auto here = read(folder, kEnvironment, kMaxGrubEnvironment);
    if (config || !environment) environment = std::move(here);
    if (vendor && config && !environment) environment = on_esp(kEnvironment, kMaxGrubEnvironment);
    if (config) return parse(disk, boot, config, environment, in(folder));
  }
  for (const std::string_view folder : kGrubMenuFolders) {
    GrubFiles files = parse(disk, boot, read(folder, kConfig, kMaxGrubConfig),
                            read(folder, kEnvironment, kMaxGrubEnvironment), in(folder));
    if (files.menu && default_entry(*files.menu) != nullptr) return files;
  }
  if (!vendor) return parse(disk, boot, std::nullopt, environment, on_esp);
  if (!environment) environment = on_esp(kEnvironment, kMaxGrubEnvironment);
  return parse(disk, boot, on_esp(kConfig, kMaxGrubConfig), environment, on_esp);
}

}  // namespace vhdboot::entry
