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

// The volume that the stub was started from, as soon as Linux sees it too; null when that is not a host volume or does
// not appear in time.
Result<HostVolume*> origin_volume(HostVolumes& volumes, const core::Origin& origin, unsigned timeout_seconds,
                                  const sys::Reporter& report) {
  if (!origin.serial) return nullptr;
  const core::Selector serial{.by = core::Selector::By::Uuid, .value = *origin.serial};
  const core::Selector partuuid{.by = core::Selector::By::PartUuid, .value = origin.partuuid.value_or("")};
  PatientWait wait(volumes, timeout_seconds, report);
  do {
    for (HostVolume& volume : volumes.all())
      if (core::matches(serial, volume.identity) && (!origin.partuuid || core::matches(partuuid, volume.identity)))
        return &volume;
  } while (TRY(wait.wait(
      concat("the volume ", *origin.serial, " that holds ", printable(origin.path.value_or("the EFI file"))))));
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
  const auto content = volume.reader->read_file(*path, core::kMaxConfigBytes);
  if (!content) {
    if (content.error().code == Code::NotFound) return std::nullopt;
    return std::unexpected(content.error().within(concat("reading ", path->text(), " on ", volume.description())));
  }
  return ConfigText{path->text(), std::string(as_text(*content))};
}

}  // namespace

Result<Settings> read_settings(HostVolumes& volumes, const sys::Reporter& report) {
  Settings settings;
  if (sys::exists(kOriginPath)) {
    auto parsed = core::parse_origin(TRY(sys::read_text(kOriginPath)));
    for (const std::string& warning : parsed.warnings) report.warn(warning);
    settings.origin = std::move(parsed.origin);
  }
  const auto take = [&](core::ParsedConfig parsed) {
    for (const std::string& warning : parsed.warnings) report.warn(warning);
    settings.config = core::merge(settings.config, parsed.config);
  };

  // The load options are read first, for their time-out, and win over the file at the end.
  const auto options = TRY_IN("load options", core::parse_load_options(settings.origin.options));
  std::optional<ConfigText> file;
  if (sys::exists(kOriginConfigPath)) {
    file = ConfigText{concat(settings.origin.path.value_or("the EFI file"), " (.conf)"),
                      TRY(sys::read_text(kOriginConfigPath))};
  } else if (settings.origin.path) {
    if (HostVolume* volume = TRY(origin_volume(volumes, settings.origin, options.config.timeout(), report)))
      file = TRY(config_beside(*volume, *settings.origin.path));
  }
  if (file) take(TRY(core::parse_config(file->text, file->name)));
  take(options);
  TRY(core::check(settings.config));
  return settings;
}

}  // namespace vhdboot::stage
