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
constexpr char kOriginPlacePath[] = "/vhdboot/origin.place";

constexpr std::uint64_t kMaxDevicePath = 64 * 1024;

bool is_named(const HostVolume& volume, const record::Origin& origin) {
  if (!origin.serial || !equals_ignoring_ascii_case(*origin.serial, volume.identity.uuid)) return false;
  return !origin.partuuid || equals_ignoring_ascii_case(*origin.partuuid, volume.identity.partuuid);
}

// The only volume with the EFI file, once no more devices appear; null when there is none, more than one, or a place
// that cannot be read.
Result<HostVolume*> only_volume_with(const volume::Path& file, HostVolumes& volumes, const sys::Reporter& report) {
  TRY(volumes.settle(volumes.devices().in(std::chrono::seconds(record::kDefaultWaitSeconds))));
  const Sightings seen = look_on_all(volumes, {file});
  const std::string unknown = concat("where ", printable(file.text()), " was started from cannot be told");
  if (seen.doubt) report.warn(seen.doubt->within(unknown).message());
  return seen.found.size() == 1 && !seen.doubt ? seen.found.front().volume : nullptr;
}

struct OriginVolume {
  HostVolume* volume = nullptr;
  bool is_there = false;  // where the firmware says
};

// The volume that the stub was started from, as soon as Linux sees it too; null when that is not a host volume or does
// not appear in time.
Result<OriginVolume> find_origin(HostVolumes& volumes, const record::Origin& origin, unsigned wait_seconds,
                                 const sys::Reporter& report) {
  OriginVolume found;
  if (!origin.path) return found;
  const auto file = volume::parse_path(*origin.path);
  if (!file) return found;
  if (!origin.serial) {
    if (!origin.partuuid) found.volume = TRY(only_volume_with(*file, volumes, report));
    return found;
  }
  PatientWait wait(volumes, wait_seconds, report);
  Picked picked;
  for (bool settled = false;;) {
    std::vector<HostVolume*> named;
    for (HostVolume& volume : volumes.all())
      if (is_named(volume, origin)) named.push_back(&volume);
    picked = pick(named, origin.places);
    if (picked.twin != nullptr && settled) return fail(Code::Unsafe, twins(*picked.volume, *picked.twin));
    const bool doubtful = picked.same == disk::SamePlace::Perhaps && !origin.places.empty();
    if (picked.twin != nullptr || (doubtful && !settled)) {
      // Another one may be about to appear, where the firmware found it.
      TRY(volumes.settle(wait.deadline()));
      settled = true;
      continue;
    }
    // GRUB names the partition of its variable `root`, wherever the file came from.
    if (picked.volume != nullptr) {
      found.is_there = TRY(look_on(*picked.volume, {*file})).has_value();
      found.volume = found.is_there ? picked.volume : TRY(only_volume_with(*file, volumes, report));
      return found;
    }
    settled = false;
    if (!TRY(wait.wait(concat("the volume ", *origin.serial, " that holds ", printable(*origin.path))))) break;
  }
  if (picked.elsewhere != nullptr)
    return fail(Code::Unsafe,
                concat(printable(*origin.path), " was started from the disk at ", to_text(origin.places.front()),
                       ", which did not appear; ", picked.elsewhere->description(), " has the same identity (",
                       *origin.serial, ") but hangs elsewhere, and may be a copy: it is not started in its place"));
  return found;
}

// The firmware does not tell of a file system that is no host volume.
bool is_on_host_volume(const record::Origin& origin) {
  return origin.path && (origin.serial || !origin.partuuid);
}

}  // namespace

Result<std::optional<ConfigText>> config_beside(HostVolume& volume, const volume::Path& file) {
  if (file.is_root()) return std::nullopt;
  const auto path = file.sibling(concat(file.stem(), ".conf"));
  if (!path) return std::nullopt;
  const auto content = volume.reader->read_file(*path, record::kMaxConfigBytes);
  if (!content) {
    if (content.error().code == Code::NotFound) return std::nullopt;
    return std::unexpected(content.error().within(concat("reading ", path->text(), " on ", volume.description())));
  }
  return ConfigText{path->text(), std::string(as_text(*content))};
}

bool has_origin() {
  return sys::exists(kOriginPath);
}

Result<StubRecord> read_stub_record(const sys::Reporter& report) {
  StubRecord stub;
  if (has_origin()) {
    auto parsed = record::parse_origin(TRY(sys::read_text(kOriginPath)));
    for (const std::string& warning : parsed.warnings) report.warn(warning);
    stub.origin = std::move(parsed.origin);
  }
  if (sys::exists(kOriginPlacePath)) {
    auto place = disk::parse_device_path(TRY(sys::read_file(kOriginPlacePath, kMaxDevicePath)));
    if (!place.empty()) stub.origin.places.push_back(std::move(place));
  }
  if (sys::exists(kOriginConfigPath)) stub.config = TRY(sys::read_text(kOriginConfigPath));
  return stub;
}

Result<Settings> read_settings(HostVolumes& volumes, const StubRecord& stub, const sys::Reporter& report) {
  Settings settings{.origin = stub.origin};
  const auto take = [&](const record::ParsedConfig& parsed) {
    for (const std::string& warning : parsed.warnings) report.warn(warning);
    settings.config = record::merge(settings.config, parsed.config);
  };

  // The load options are read first, for their time-out, and win over the file at the end.
  const auto options = TRY(record::parse_load_options(settings.origin.options));
  const OriginVolume origin = TRY(find_origin(volumes, settings.origin, options.config.wait(), report));
  settings.origin_volume = origin.volume;
  settings.origin_is_there = origin.is_there;
  std::optional<ConfigText> file;
  if (stub.config)
    file = ConfigText{concat(settings.origin.path.value_or("the EFI file"), " (.conf)"), *stub.config};
  else if (settings.origin_volume != nullptr)
    file = TRY(config_beside(*settings.origin_volume, TRY(volume::parse_path(*settings.origin.path))));
  else if (is_on_host_volume(settings.origin))
    report.warn(concat("the volume with ", printable(*settings.origin.path),
                       " was not found, and no configuration file beside it is read; ", volumes.account()));
  if (file) take(TRY(record::parse_config(file->text, file->name)));
  take(options);
  TRY(record::check(settings.config));
  return settings;
}

}  // namespace vhdboot::stage
