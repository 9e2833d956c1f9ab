// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/grub_files.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "entry/grub_cfg.h"
#include "entry/menu_files.h"

namespace vhdboot::entry {
namespace {

using Text = std::optional<std::string>;

template <class T>
std::optional<T> value_of(Result<T> result) {
  return result ? std::optional(*std::move(result)) : std::nullopt;
}

GrubFiles parse(disk::GuestDisk& disk, const BootFolder& boot, const Text& config, const Text& environment) {
  GrubFiles files;
  if (environment) files.environment = value_of(parse_grub_environment(*environment));
  const auto other = [&](std::string_view path, std::string_view volume) -> std::optional<GrubVariables> {
    const auto place = FileFinder(disk, boot).find(path, volume);
    const Text text = place ? value_of(place->tree.read_text(place->path, kMaxGrubEnvironment)) : std::nullopt;
    return text ? value_of(parse_grub_environment(*text)) : std::nullopt;
  };
  if (config) files.menu = value_of(parse_grub_cfg(*config, files.environment.value_or(GrubVariables()), other));
  return files;
}

}  // namespace

GrubFiles read_grub(disk::GuestDisk& disk, const BootFolder& boot, bool vendor) {
  const auto read = [&](std::string_view folder, const char* name, std::uint64_t cap) {
    return value_of(boot.top.read_text(concat(boot.folder, folder, '/', name), cap));
  };
  Text config;
  Text environment;
  for (const char* folder : {"/grub", "/grub2"}) {
    config = read(folder, "grub.cfg", kMaxGrubConfig);
    auto here = read(folder, "grubenv", kMaxGrubEnvironment);
    if (config || !environment) environment = std::move(here);
    if (config) break;
  }
  for (const std::string_view folder : kGrubMenuFolders) {
    if (config) break;
    GrubFiles files =
        parse(disk, boot, read(folder, "grub.cfg", kMaxGrubConfig), read(folder, "grubenv", kMaxGrubEnvironment));
    if (files.menu && default_entry(*files.menu) != nullptr) return files;
  }
  if (vendor && !config) config = read_vendor_file(disk, "grub.cfg", kMaxGrubConfig);
  if (vendor && !environment) environment = read_vendor_file(disk, "grubenv", kMaxGrubEnvironment);
  return parse(disk, boot, config, environment);
}

}  // namespace vhdboot::entry
