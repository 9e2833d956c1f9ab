// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/find_image.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "init/record/image_path.h"
#include "init/volume/file_source.h"

namespace vhdboot::stage {
namespace {

struct Match {
  HostVolume* volume;
  volume::Path path;
};

// The first of `paths` that exists on `volume`.
std::optional<Match> look_on(HostVolume& volume, const std::vector<volume::Path>& paths) {
  for (const volume::Path& path : paths)
    if (volume.reader->layout(path)) return Match{&volume, path};
  return std::nullopt;
}

std::vector<Match> look_on_all(HostVolumes& volumes, const std::vector<volume::Path>& paths) {
  std::vector<Match> matches;
  for (HostVolume& volume : volumes.all())
    if (auto match = look_on(volume, paths)) matches.push_back(*std::move(match));
  return matches;
}

std::string alternatives(const std::vector<volume::Path>& paths) {
  std::string text;
  for (const volume::Path& path : paths) text += concat(text.empty() ? "" : " or ", printable(path.text()));
  return text;
}

std::string searched(HostVolumes& volumes) {
  std::string text;
  const auto add = [&](std::string_view part) { text += concat(text.empty() ? "" : "; ", part); };
  for (const HostVolume& volume : volumes.all()) add(volume.description());
  for (const std::string& reason : volumes.unreadable()) add(reason);
  return text.empty() ? "no NTFS or exFAT volume appeared" : concat("looked at ", text);
}

class Search {
 public:
  Search(HostVolumes& volumes, const Settings& settings, const sys::Reporter& report, std::vector<volume::Path> paths)
      : volumes_(volumes),
        settings_(settings),
        paths_(std::move(paths)),
        wait_(volumes, settings.config.wait(), report) {}

  Result<Match> run() {
    if (settings_.config.volume) return on_named_volume();
    if (HostVolume* origin = settings_.origin_volume) {
      if (auto match = look_on(*origin, paths_)) return *std::move(match);
      // Without a configured path the convention holds: the image lies beside the EFI file, and nowhere else.
      if (!settings_.config.image)
        return fail(Code::NotFound,
                    concat("no image beside ", printable(settings_.origin.path.value_or("the EFI file")), " on ",
                           origin->description(), ": put ", alternatives(paths_),
                           " there, or name the image with `image` in a configuration file"));
    }
    return on_any_volume();
  }

 private:
  Result<Match> on_named_volume() {
    const disk::Selector& selector = *settings_.config.volume;
    const std::string wanted = to_text(selector);
    // Labels are no identities: another disk with the same one may be about to appear.
    if (selector.by == disk::Selector::By::Label) TRY(volumes_.settle(wait_.deadline()));
    for (;;) {
      std::vector<HostVolume*> named;
      for (HostVolume& volume : volumes_.all())
        if (matches(selector, volume.identity)) named.push_back(&volume);
      if (named.size() > 1)
        return fail(Code::Invalid, concat("two volumes are ", wanted, ": ", named[0]->description(), " and ",
                                          named[1]->description(), "; name one by its PARTUUID"));
      if (named.size() == 1) {
        if (auto match = look_on(*named.front(), paths_)) return *std::move(match);
        return fail(Code::NotFound, concat("no image ", alternatives(paths_), " on ", named.front()->description()));
      }
      if (!TRY(wait_.wait(concat("the volume ", wanted))))
        return fail(Code::NotFound,
                    concat("no volume ", wanted, " after ", settings_.config.wait(), " seconds; ", searched(volumes_)));
    }
  }

  Result<Match> on_any_volume() {
    for (bool settled = false;;) {
      auto matches = look_on_all(volumes_, paths_);
      if (matches.empty()) {
        if (!TRY(wait_.wait(concat("a volume with ", alternatives(paths_)))))
          return fail(Code::NotFound, concat("no image ", alternatives(paths_), " after ", settings_.config.wait(),
                                             " seconds; ", searched(volumes_)));
        continue;
      }
      if (matches.size() > 1)
        return fail(
            Code::Invalid,
            concat("two images match: ", printable(matches[0].path.text()), " on ", matches[0].volume->description(),
                   " and on ", matches[1].volume->description(), "; say which with `volume` (",
                   matches[0].volume->identity.uuid, " or ", matches[1].volume->identity.uuid, ")"));
      // With no volume named, every disk has to be seen before a match can be called the only one.
      if (settled) return std::move(matches.front());
      TRY(volumes_.settle(wait_.deadline()));
      settled = true;
    }
  }

  HostVolumes& volumes_;
  const Settings& settings_;
  std::vector<volume::Path> paths_;
  PatientWait wait_;
};

Result<void> check_state(HostVolume& volume) {
  const auto state = TRY(volume.reader->state());
  auto clean = volume::check_clean(state);
  if (!clean && state.dirty && volume.reader->kind() == volume::Kind::Exfat)
    clean.error().text +=
        concat("; without a Windows, \"fsck.exfat -p ", volume.device.path, "\" in the rescue shell checks it");
  return clean;
}

}  // namespace

Result<FoundImage> examine_image(HostVolume& volume, const volume::Path& path) {
  const std::string where = concat(printable(path.text()), " on ", volume.description());
  FoundImage image{.volume = &volume};
  image.layout = TRY_IN(where, volume.reader->layout(path));
  image.path = TRY_IN(where, volume.reader->spelling(path));
  TRY_IN(volume.description(), check_state(volume));
  TRY_IN(volume.description(), volume::check_mappable(image.layout, image.path));
  const volume::FileSource source = contents(image);
  image.info = TRY_IN(where, vhd::identify(source, printable(path.name())));
  TRY_IN(where, vhd::check_footer(image.info, path.name()));
  return image;
}

volume::FileSource contents(const FoundImage& image) {
  return {*image.volume->source, image.layout.extents, image.layout.size, image.layout.valid_size};
}

Result<disk::PartitionTable> read_table(const FoundImage& image) {
  const volume::FileSource file = contents(image);
  const SliceSource payload(file, image.payload().offset, image.payload().size);
  return disk::read_partition_table(payload);
}

Result<void> check_no_windows_sleeps(HostVolumes& volumes, const FoundImage& image) {
  if (image.volume->reader->kind() != volume::Kind::Exfat) return {};
  for (HostVolume& volume : volumes.all()) {
    if (volume.reader->kind() != volume::Kind::Ntfs) continue;
    const auto state = volume.reader->state();
    if (state && state->hibernated)
      return fail(Code::Unsafe, concat("Windows sleeps on ", volume.description(), " and may hold ",
                                       image.volume->description(), " too: ", volume::describe(*state)));
  }
  return {};
}

Result<FoundImage> find_image(HostVolumes& volumes, const Settings& settings, const sys::Reporter& report) {
  auto paths = TRY(record::image_candidates(settings.config, settings.origin));
  const Match match = TRY(Search(volumes, settings, report, std::move(paths)).run());
  return examine_image(*match.volume, match.path);
}

}  // namespace vhdboot::stage
