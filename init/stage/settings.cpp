// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/settings.h"

#include "base/text.h"
#include "init/sys/file.h"
#include "init/volume/path.h"

namespace vhdboot::stage {
namespace {

// Where the stub's archive puts its record (efi/).
constexpr char kOriginPath[] = "/vhdboot/origin";
constexpr char kOriginConfigPath[] = "/vhdboot/origin.conf";

bool is_named(const HostVolume& volume, const record::Origin& origin) {
  if (!origin.serial || !equals_ignoring_ascii_case(*origin.serial, volume.identity.uuid)) return false;
  return !origin.partuuid || equals_ignoring_ascii_case(*origin.partuuid, volume.identity.partuuid);
}

bool holds(const HostVolume& volume, const volume::Path& file) {
  return volume.reader->layout(file).has_value();
}

// The only volume with the EFI file, once no more devices appear; null when there is none, or more than one.
Result<HostVolume*> only_volume_with(const volume::Path& file, HostVolumes& volumes) {
  TRY(volumes.settle(sys::Deadline::in(std::chrono::seconds(record::kDefaultWaitSeconds))));
  HostVolume* only = nullptr;
  for (HostVolume& volume : volumes.all()) {
    if (!holds(volume, file)) continue;
    if (only != nullptr) return nullptr;
    only = &volume;
  }
  return only;
}

// The volume that the stub was started from, as soon as Linux sees it too; null when that is not a host volume or does
// not appear in time.
Result<HostVolume*> find_origin(HostVolumes& volumes, const record::Origin& origin, unsigned wait_seconds,
                                const sys::Reporter& report) {
  if (!origin.path) return nullptr;
  const auto file = volume::parse_path(*origin.path);
  if (!file) return nullptr;
  if (!origin.serial) return origin.partuuid ? nullptr : TRY(only_volume_with(*file, volumes));
  PatientWait wait(volumes, wait_seconds, report);
  do {
    HostVolume* named = nullptr;
    for (HostVolume& volume : volumes.all()) {
      if (!is_named(volume, origin)) continue;
      if (named != nullptr) return fail(Code::Unsafe, twins(*named, volume));
      named = &volume;
    }
    // GRUB names the partition of its variable `root`, wherever the file came from.
    if (named != nullptr) return holds(*named, *file) ? named : TRY(only_volume_with(*file, volumes));
  } while (TRY(wait.wait(concat("the volume ", *origin.serial, " that holds ", printable(*origin.path)))));
  return nullptr;
}

struct ConfigText {
  std::string name;  // for messages
  std::string text;
};

// debian.conf beside debian.efi, read from the volume itself.
Result<std::optional<ConfigText>> config_beside(HostVolume& volume, const std::string& efi_path) {
  const auto efi = volume::parse_path(efi_path);
  if (!efi || efi->is_root()) return std::nullopt;
  const auto path = efi->sibling(concat(efi->stem(), ".conf"));
  if (!path) return std::nullopt;
  const auto content = volume.reader->read_file(*path, record::kMaxConfigBytes);
  if (!content) {
    if (content.error().code == Code::NotFound) return std::nullopt;
    return std::unexpected(content.error().within(concat("reading ", path->text(), " on ", volume.description())));
  }
  return ConfigText{path->text(), std::string(as_text(*content))};
}

}  // namespace

bool has_origin() {
  return sys::exists(kOriginPath);
}

Result<Settings> read_settings(HostVolumes& volumes, const sys::Reporter& report) {
  Settings settings;
  if (has_origin()) {
    auto parsed = record::parse_origin(TRY(sys::read_text(kOriginPath)));
    for (const std::string& warning : parsed.warnings) report.warn(warning);
    settings.origin = std::move(parsed.origin);
  }
  const auto take = [&](const record::ParsedConfig& parsed) {
    for (const std::string& warning : parsed.warnings) report.warn(warning);
    settings.config = record::merge(settings.config, parsed.config);
  };

  // The load options are read first, for their time-out, and win over the file at the end.
  const auto options = TRY(record::parse_load_options(settings.origin.options));
  settings.origin_volume = TRY(find_origin(volumes, settings.origin, options.config.wait(), report));
  std::optional<ConfigText> file;
  if (sys::exists(kOriginConfigPath)) {
    file = ConfigText{concat(settings.origin.path.value_or("the EFI file"), " (.conf)"),
                      TRY(sys::read_text(kOriginConfigPath))};
  } else if (settings.origin_volume != nullptr) {
    file = TRY(config_beside(*settings.origin_volume, *settings.origin.path));
  }
  if (file) take(TRY(record::parse_config(file->text, file->name)));
  take(options);
  TRY(record::check(settings.config));
  return settings;
}

}  // namespace vhdboot::stage
