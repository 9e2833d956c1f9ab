// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/find_image.h"

#include <algorithm>

#include "base/text.h"
#include "init/blocks/parent_places.h"
#include "init/record/image_path.h"
#include "init/stage/children.h"
#include "init/volume/file_source.h"
#include "vhd/pieces.h"

namespace vhdboot::stage {
namespace {

std::string alternatives(const std::vector<volume::Path>& paths) {
  std::string text;
  for (const volume::Path& path : paths) text += concat(text.empty() ? "" : " or ", printable(path.text()));
  return text;
}

class Search {
 public:
  Search(HostVolumes& volumes, const Settings& settings, const sys::Reporter& report, std::vector<volume::Path> paths)
      : volumes_(volumes),
        settings_(settings),
        paths_(std::move(paths)),
        wait_(volumes, settings.config.wait(), report) {}

  Result<Sighting> run() {
    if (settings_.config.volume) return on_named_volume();
    if (HostVolume* origin = settings_.origin_volume) {
      if (auto found = TRY(look_on(*origin, paths_))) return *std::move(found);
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
  Result<Sighting> on_named_volume() {
    const disk::Selector& selector = *settings_.config.volume;
    const std::string wanted = to_text(selector);
    // Labels are no identities: another disk with the same one may be about to appear.
    const bool unique = selector.by != disk::Selector::By::Label;
    for (bool settled = unique;;) {
      std::vector<HostVolume*> named;
      for (HostVolume& volume : volumes_.all())
        if (matches(selector, volume.identity)) named.push_back(&volume);
      if (named.size() > 1)
        return fail(Code::Invalid, concat("two volumes are ", wanted, ": ", named[0]->description(), " and ",
                                          named[1]->description(), "; name one by its PARTUUID"));
      if (named.size() == 1 && !settled) {
        TRY(volumes_.settle(wait_.deadline()));
        settled = true;
        continue;
      }
      if (named.size() == 1) {
        if (auto found = TRY(look_on(*named.front(), paths_))) return *std::move(found);
        return fail(Code::NotFound, concat("no image ", alternatives(paths_), " on ", named.front()->description()));
      }
      settled = unique;
      if (!TRY(wait_.wait(concat("the volume ", wanted)))) {
        const std::string missing = concat("no volume ", wanted, " after ", settings_.config.wait(), " seconds");
        if (const auto doubt = volumes_.doubt())
          return std::unexpected(doubt->within(concat(missing, ", and not all could be read")));
        return fail(Code::NotFound, concat(missing, "; ", volumes_.account()));
      }
    }
  }

  // With no volume named, every disk has to be seen before a file can be called the only one: another may be about to
  // appear, and on one that cannot be read there may be another.
  Result<Sighting> on_any_volume() {
    for (bool settled = false;;) {
      Sightings seen = look_on_all(volumes_, paths_);
      if (seen.found.size() > 1) return two_images(seen.found[0], seen.found[1]);
      if (seen.found.empty() && !seen.doubt) {
        settled = false;
        if (!TRY(wait_.wait(concat("a volume with ", alternatives(paths_)))))
          return fail(Code::NotFound, concat("no image ", alternatives(paths_), " after ", settings_.config.wait(),
                                             " seconds; ", volumes_.account()));
      } else if (!settled) {
        TRY(volumes_.settle(wait_.deadline()));
        settled = true;
      } else if (seen.doubt) {
        return std::unexpected(doubtful(seen));
      } else {
        return std::move(seen.found.front());
      }
    }
  }

  static std::unexpected<Error> two_images(const Sighting& one, const Sighting& other) {
    return fail(Code::Invalid,
                concat("two images match: ", printable(one.path.text()), " on ", one.volume->description(), " and on ",
                       other.volume->description(), "; say which with `volume` (", one.volume->identity.uuid, " or ",
                       other.volume->identity.uuid, ")"));
  }

  [[nodiscard]] Error doubtful(const Sightings& seen) const {
    if (seen.found.empty())
      return seen.doubt->within(concat("no image ", alternatives(paths_), " was found, and not all could be read"));
    const Sighting& found = seen.found.front();
    return seen.doubt->within(concat(printable(found.path.text()), " is on ", found.volume->description(),
                                     ", but whether there is another one cannot be told; say that it is meant with "
                                     "`volume` (",
                                     found.volume->identity.uuid, ")"));
  }

  HostVolumes& volumes_;
  const Settings& settings_;
  std::vector<volume::Path> paths_;
  PatientWait wait_;
};

Result<void> check_state(HostVolume& volume, Writes writes) {
  const auto state = TRY(volume.reader->state());
  if (writes == Writes::Forgotten && volume::is_only_dirty(state)) return {};
  auto clean = volume::check_clean(state);
  if (!clean && state.dirty && volume.reader->kind() == volume::Kind::Exfat)
    clean.error().text +=
        concat("; without a Windows, \"fsck.exfat -p ", volume.device.path, "\" in the rescue shell checks it");
  return clean;
}

std::unique_ptr<volume::FileSource> source_of(HostVolume& volume, const volume::FileLayout& layout) {
  return std::make_unique<volume::FileSource>(*volume.source, layout.extents, layout.size, layout.valid_size);
}

// A file of an image, with all checks that it can pass alone.
Result<volume::PlacedFile> look_at_file(HostVolume& volume, const volume::Path& path, Writes writes) {
  const std::string where = concat(printable(path.text()), " on ", volume.description());
  volume::PlacedFile file;
  file.layout = TRY_IN(where, volume.reader->layout(path));
  file.path = TRY_IN(where, volume.reader->spelling(path));
  TRY_IN(volume.description(), check_state(volume, writes));
  TRY_IN(volume.description(), volume::check_mappable(file.layout, file.path));
  const auto contents = source_of(volume, file.layout);
  const auto info = TRY_IN(where, vhd::recognise(*contents, printable(path.name())));
  TRY_IN(where, vhd::check_footer(info, path.name()));
  return file;
}

// Finds one parent after the other on the volume of an image.
class ParentSearch {
 public:
  ParentSearch(FoundImage& image, Writes writes) : image_(image), writes_(writes) {}

  // The parent of the image that was found last, which calls it `path`.
  Result<vhd::OpenedFile> open(std::string_view path) {
    const volume::Path& child = image_.parents.empty() ? image_.path : image_.parents.back().path;
    for (const volume::Path& place : blocks::parent_places(child, path)) {
      const auto there = image_.volume->reader->layout(place);
      if (there) return open_at(place);
      if (there.error().code != Code::NotFound) return std::unexpected(there.error());
    }
    return fail(Code::NotFound, "nothing of that name is on this volume");
  }

 private:
  Result<vhd::OpenedFile> open_at(const volume::Path& path) {
    HostVolume& volume = *image_.volume;
    volume::PlacedFile file = TRY(look_at_file(volume, path, writes_));
    const bool is_own = file.path == image_.path ||
                        std::ranges::find(image_.parents, file.path, &volume::PlacedFile::path) != image_.parents.end();
    if (is_own) return fail(Code::Corrupt, concat(printable(file.path.text()), " would be a parent of its own"));
    vhd::OpenedFile opened{file.path.text(), source_of(volume, file.layout), file.layout.modified};
    image_.parents.push_back(std::move(file));
    return opened;
  }

  FoundImage& image_;
  Writes writes_;
};

Result<blocks::View> view_of(const FoundImage& image) {
  const sys::BlockDevice& device = image.volume->device;
  return blocks::chain_view({.path = image.path, .layout = image.layout}, image.parents,
                            {.numbers = device.numbers,
                             .size = device.size,
                             .logical_block = device.logical_block,
                             .cluster_size = image.volume->reader->cluster_size()},
                            TRY(vhd::pieces_of(*image.disk)));
}

}  // namespace

Writes writes_of(const record::Config& config) {
  if (config.writes_nothing()) return Writes::Forgotten;
  return config.writes_image() ? Writes::Kept : Writes::Elsewhere;
}

std::string FoundImage::kind() const {
  std::string kind = vhd::describe(info());
  if (parents.empty()) return kind;
  return concat(kind, " with ", parents.size(), parents.size() == 1 ? " parent" : " parents");
}

Result<FoundImage> examine_image(HostVolume& volume, const volume::Path& path, Writes writes) {
  volume::PlacedFile file = TRY(look_at_file(volume, path, writes));
  const std::string where = concat(printable(path.text()), " on ", volume.description());
  FoundImage image{.volume = &volume, .path = std::move(file.path), .layout = std::move(file.layout)};
  image.file = source_of(volume, image.layout);
  ParentSearch parents(image, writes);
  const auto open_parent = [&](std::string_view, std::string_view name) { return parents.open(name); };
  auto disk = vhd::open_disk(*image.file, printable(path.name()), open_parent);
  // The image itself is there: nobody is to look for it elsewhere.
  if (!disk && disk.error().code == Code::NotFound) disk.error().code = Code::Corrupt;
  image.disk = TRY_IN(where, std::move(disk));
  image.view = TRY_IN(where, view_of(image));
  return image;
}

Result<void> check_unshared(const FoundImage& image, Writes writes) {
  const std::string where = image.volume->description();
  TRY_IN(where, image.volume->reader->check_allocation(image.path));
  for (const volume::PlacedFile& parent : image.parents)
    TRY_IN(where, image.volume->reader->check_allocation(parent.path));
  if (writes == Writes::Kept)
    TRY_IN(where, check_no_children(*image.volume->reader, *image.volume->source, image.path, image.info()));
  return {};
}

Result<disk::PartitionTable> read_table(const FoundImage& image) {
  const std::string where =
      concat("the guest disk in ", printable(image.path.text()), " on ", image.volume->description());
  auto table = TRY_IN(where, disk::read_partition_table(*image.disk));
  if (!table.unseen.empty()) return fail(Code::Corrupt, concat(where, ": ", table.unseen));
  return table;
}

Result<void> check_no_windows_sleeps(HostVolumes& volumes, const FoundImage& image) {
  if (image.volume->reader->kind() != volume::Kind::Exfat) return {};
  for (HostVolume& volume : volumes.all()) {
    if (volume.reader->kind() != volume::Kind::Ntfs) continue;
    const auto state = TRY_IN(concat("whether Windows sleeps on ", volume.description()), volume.reader->state());
    if (state.hibernated)
      return fail(Code::Unsafe, concat("Windows sleeps on ", volume.description(), " and may hold ",
                                       image.volume->description(), " too: ", volume::describe(state)));
  }
  return {};
}

Result<void> check_still_alone(HostVolumes& volumes, const FoundImage& image, const Settings& settings) {
  const auto places = settings.places_of(image.volume);
  const bool certain = place_of(*image.volume, places) == disk::SamePlace::Yes;
  if (certain)
    (void)TRY(volumes.wait(volumes.devices().in(std::chrono::milliseconds(0))));
  else
    TRY(volumes.settle(volumes.devices().in(std::chrono::seconds(settings.config.wait()))));
  const disk::Identity& own = image.volume->identity;
  std::vector<HostVolume*> same;
  for (HostVolume& volume : volumes.all())
    if (volume.identity.uuid == own.uuid && volume.identity.partuuid == own.partuuid) same.push_back(&volume);
  const Picked picked = pick(same, places);
  if (picked.twin != nullptr) return fail(Code::Unsafe, twins(*picked.volume, *picked.twin));
  if (picked.volume == image.volume) return {};
  if (picked.volume != nullptr && std::ranges::find(same, image.volume) != same.end())
    return fail(Code::Unsafe, twins(*image.volume, *picked.volume));
  return fail(Code::NotFound,
              concat(image.volume->description(),
                     picked.volume == nullptr ? " has been unplugged" : " was unplugged and has come back"));
}

Result<FoundImage> find_image(HostVolumes& volumes, const Settings& settings, const sys::Reporter& report) {
  auto paths = TRY(record::image_candidates(settings.config, settings.origin));
  return open_image(TRY(Search(volumes, settings, report, std::move(paths)).run()), writes_of(settings.config));
}

Result<FoundImage> open_image(const Sighting& place, Writes writes) {
  // The guest would find that out when it writes for the first time.
  if (place.volume->device.read_only && writes != Writes::Forgotten)
    return fail(Code::Unsupported, concat(place.volume->description(), " is write-protected: look for a switch at it"));
  auto image = TRY(examine_image(*place.volume, place.path, writes));
  TRY(check_unshared(image, writes));
  return image;
}

}  // namespace vhdboot::stage
