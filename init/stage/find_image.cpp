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

// The volume that a person has named, as soon as it appears.
Result<HostVolume*> find_named(const disk::Selector& selector, HostVolumes& volumes, PatientWait& wait,
                               unsigned seconds) {
  const std::string wanted = to_text(selector);
  // Labels are no identities: another disk with the same one may be about to appear.
  const bool unique = selector.by != disk::Selector::By::Label;
  for (bool settled = unique;;) {
    std::vector<HostVolume*> named;
    for (HostVolume& volume : volumes.all())
      if (matches(selector, volume.identity)) named.push_back(&volume);
    if (named.size() > 1)
      return fail(Code::Invalid, concat("two volumes are ", wanted, ": ", named[0]->description(), " and ",
                                        named[1]->description(), "; name one by its PARTUUID"));
    if (named.size() == 1 && settled) return named.front();
    if (named.size() == 1) {
      TRY(volumes.settle(wait.deadline()));
      settled = true;
      continue;
    }
    settled = unique;
    if (!TRY(wait.wait(concat("the volume ", wanted)))) {
      const std::string missing =
          concat("no volume ", wanted, seconds == 0 ? " is there" : concat(" after ", seconds, " seconds"));
      if (const auto doubt = volumes.doubt())
        return std::unexpected(doubt->within(concat(missing, ", and not all could be read")));
      return fail(Code::NotFound, concat(missing, "; ", volumes.account()));
    }
  }
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
    HostVolume& volume = *TRY(find_named(*settings_.config.volume, volumes_, wait_, settings_.config.wait()));
    if (auto found = TRY(look_on(volume, paths_))) return *std::move(found);
    return fail(Code::NotFound, concat("no image ", alternatives(paths_), " on ", volume.description()));
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

std::string place_of(const HostVolume& volume, const volume::Path& path) {
  return concat(printable(path.text()), " on ", volume.description());
}

Result<volume::PlacedFile> place_file(HostVolume& volume, const volume::Path& path, Writes writes) {
  const std::string where = place_of(volume, path);
  volume::PlacedFile file;
  file.layout = TRY_IN(where, volume.reader->layout(path));
  file.path = TRY_IN(where, volume.reader->spelling(path));
  TRY_IN(volume.description(), check_state(volume, writes));
  TRY_IN(volume.description(), volume::check_mappable(file.layout, file.path));
  return file;
}

Result<void> check_format(const ByteSource& contents, const volume::Path& path) {
  const auto info = TRY(vhd::recognise(contents, printable(path.name())));
  return vhd::check_footer(info, path.name());
}

// A file of an image, with all checks that it can pass alone.
Result<volume::PlacedFile> look_at_file(HostVolume& volume, const volume::Path& path, Writes writes) {
  auto file = TRY(place_file(volume, path, writes));
  TRY_IN(place_of(volume, path), check_format(*source_of(volume, file.layout), path));
  return file;
}

// Finds one parent after the other: on the volume of its child, else on the other one.
class ParentSearch {
 public:
  ParentSearch(FoundImage& image, Writes writes, const ParentVolume& parent_volume)
      : image_(image), writes_(writes), parent_volume_(parent_volume) {}

  // The parent of the image that was found last, which calls it `path`.
  Result<vhd::OpenedFile> open(std::string_view path) {
    names_a_drive_ |= blocks::absolute_place(path).has_value();
    const volume::Path& child = image_.parents.empty() ? image_.path : image_.parents.back().path;
    HostVolume* own = image_.parents.empty() ? image_.volume : image_.parents.back().volume;
    const auto beside = TRY(look_on(*own, blocks::parent_places(child, path, own != image_.volume)));
    // A child may have the name of its parent on the other volume.
    if (beside && beside->path != child) return open_at(*beside);
    HostVolume* other = own == image_.volume ? TRY(elsewhere()) : image_.volume;
    if (beside && other == nullptr) return open_at(*beside);
    if (other == nullptr) return fail(Code::NotFound, "nothing of that name is on this volume");
    const auto places = blocks::parent_places(child, path, other != image_.volume);
    if (const auto found = TRY(look_on(*other, places))) return open_at(*found);
    not_there_ = concat("; nor is it on ", other->description(), ", looked for as ", alternatives(places));
    return fail(Code::NotFound, "nothing of that name is on these volumes");
  }

  // What goes behind the sentence that one was not found.
  [[nodiscard]] std::string advice() const {
    if (!not_there_.empty() || !names_a_drive_) return not_there_;
    return "; if it lies on another volume, name that one with `parent-volume`";
  }

 private:
  Result<HostVolume*> elsewhere() {
    if (elsewhere_ == nullptr) elsewhere_ = TRY(parent_volume_.find());
    const bool is_same = elsewhere_ != nullptr && elsewhere_->device.numbers == image_.volume->device.numbers;
    return is_same ? nullptr : elsewhere_;
  }

  Result<vhd::OpenedFile> open_at(const Sighting& place) {
    HostVolume& volume = *place.volume;
    volume::PlacedFile file = TRY(look_at_file(volume, place.path, writes_));
    bool is_own = &volume == image_.volume && file.path == image_.path;
    for (const FoundParent& parent : image_.parents) is_own |= parent.volume == &volume && parent.path == file.path;
    if (is_own) return fail(Code::Corrupt, concat(printable(file.path.text()), " would be a parent of its own"));
    std::string name = file.path.text();
    if (&volume != image_.volume) name += concat(" on ", volume.description());
    vhd::OpenedFile opened{std::move(name), source_of(volume, file.layout), file.layout.modified};
    image_.parents.push_back({.volume = &volume, .path = std::move(file.path), .layout = std::move(file.layout)});
    return opened;
  }

  FoundImage& image_;
  Writes writes_;
  const ParentVolume& parent_volume_;
  HostVolume* elsewhere_ = nullptr;  // once it was needed
  std::string not_there_;            // and where it is not there
  bool names_a_drive_ = false;
};

blocks::LowerDevice lower_device(const HostVolume& volume) {
  return {.numbers = volume.device.numbers,
          .size = volume.device.size,
          .logical_block = volume.device.logical_block,
          .cluster_size = volume.reader->cluster_size()};
}

Result<blocks::View> view_of(const FoundImage& image) {
  std::vector<blocks::LowerDevice> devices{lower_device(*image.volume)};
  if (const HostVolume* other = image.other_volume()) devices.push_back(lower_device(*other));
  std::vector<blocks::MappedFile> files{
      {.size = image.layout.size, .extents = image.layout.extents, .device = 0, .name = {}}};
  for (const FoundParent& parent : image.parents)
    files.push_back({.size = parent.layout.size,
                     .extents = parent.layout.extents,
                     .device = parent.volume == image.volume ? 0U : 1U,
                     .name = parent.path.text()});
  return blocks::chain_view(std::move(files), std::move(devices), TRY(vhd::pieces_of(*image.disk)));
}

// Nothing when it is none.
Result<std::optional<FoundImage>> open_folder(const Sighting& place) {
  HostVolume& volume = *place.volume;
  const std::string where = place_of(volume, place.path);
  auto layout = TRY_IN(where, volume.reader->layout(place.path));
  if (!layout.directory) return std::nullopt;
  // What it is in truth is looked at when it is shown: this tells it from the folder of a name that was forgotten.
  const auto names = TRY_IN(where, volume.reader->list(place.path));
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(names, [&](const volume::DirEntry& one) { return one.directory && one.name == name; });
  };
  if (!has("rootfs") && !(has("etc") && has("usr"))) TRY_IN(volume.description(), check_mappable(layout, place.path));
  if (volume.reader->kind() != volume::Kind::Ntfs)
    return fail(Code::Unsupported, concat(where,
                                          " is a folder on exFAT, which keeps neither owners nor modes nor "
                                          "links: no system can be in it"));
  TRY_IN(volume.description(), check_state(volume, Writes::Forgotten));
  return FoundImage{
      .volume = &volume, .path = TRY_IN(where, volume.reader->spelling(place.path)), .layout = std::move(layout)};
}

// What of the devices tells, at the very end, that this is still the volume that was found.
Result<void> check_still_alone(HostVolumes& volumes, HostVolume* volume, const Settings& settings) {
  const disk::Identity& own = volume->identity;
  std::vector<HostVolume*> same;
  for (HostVolume& other : volumes.all())
    if (other.identity.uuid == own.uuid && other.identity.partuuid == own.partuuid) same.push_back(&other);
  const Picked picked = pick(same, settings.places_of(volume));
  if (picked.twin != nullptr) return fail(Code::Unsafe, twins(*picked.volume, *picked.twin));
  if (picked.volume == volume) return {};
  if (picked.volume != nullptr && std::ranges::find(same, volume) != same.end())
    return fail(Code::Unsafe, twins(*volume, *picked.volume));
  return fail(Code::NotFound,
              concat(volume->description(),
                     picked.volume == nullptr ? " has been unplugged" : " was unplugged and has come back"));
}

}  // namespace

Writes writes_of(const record::Config& config) {
  if (config.writes_nothing()) return Writes::Forgotten;
  return config.writes_image() ? Writes::Kept : Writes::Elsewhere;
}

std::string FoundImage::kind() const {
  if (is_folder()) return "folder of a WSL 1 distribution";
  std::string kind = vhd::describe(info());
  if (parents.empty()) return kind;
  return concat(kind, " with ", parents.size(), parents.size() == 1 ? " parent" : " parents");
}

std::string FoundImage::describe() const {
  if (!folder) return concat(human_size(info().size), ' ', kind());
  const tree::Counts& counts = folder->image.counts;
  return concat(kind(), " with ", counts.entries(), " files, ", human_size(folder->image.size), " of it in memory",
                counts.left_out == 0 ? "" : concat("; ", counts.left_out, " left out"));
}

HostVolume* FoundImage::other_volume() const {
  const auto other = std::ranges::find_if(parents, [&](const FoundParent& one) { return one.volume != volume; });
  return other == parents.end() ? nullptr : other->volume;
}

Result<HostVolume*> ParentVolume::find() const {
  if (selector_ == nullptr) return volume_;
  PatientWait wait(*volumes_, seconds_, *report_);
  auto found = find_named(*selector_, *volumes_, wait, seconds_);
  if (found) return found;
  Error error = found.error().within("its parent is not on this volume, and the one of `parent-volume` cannot be told");
  if (error.code == Code::NotFound) {
    // The image is there: nobody is to look for it elsewhere.
    error.code = Code::Unsupported;
    error.text += "; plug its disk in, or correct that word";
  }
  return std::unexpected(std::move(error));
}

Result<FoundImage> examine_image(HostVolume& volume, const volume::Path& path, Writes writes,
                                 const ParentVolume& parent_volume, const std::optional<record::Arrival>& arrival) {
  volume::PlacedFile file = TRY(place_file(volume, path, writes));
  const std::string where = place_of(volume, path);
  FoundImage image{.volume = &volume, .path = std::move(file.path), .layout = std::move(file.layout)};
  image.file = source_of(volume, image.layout);
  if (arrival) image.arriving = TRY_IN(where, open_arriving(volume, image.path, *image.file, *arrival));
  const ByteSource& contents = image.arriving ? static_cast<const ByteSource&>(*image.arriving->contents) : *image.file;
  TRY_IN(where, check_format(contents, path));
  ParentSearch parents(image, writes, parent_volume);
  const auto open_parent = [&](std::string_view, std::string_view name) { return parents.open(name); };
  auto disk = vhd::open_disk(contents, printable(path.name()), open_parent);
  if (!disk && disk.error().code == Code::NotFound) {
    // The image itself is there: nobody is to look for it elsewhere.
    disk.error().code = Code::Corrupt;
    disk.error().text += parents.advice();
  }
  image.disk = TRY_IN(where, std::move(disk));
  image.view = TRY_IN(where, view_of(image));
  if (image.arriving)
    for (const volume::PlacedFile* one : {&image.arriving->map, &image.arriving->tree})
      image.view = TRY_IN(where, blocks::with_file(std::move(image.view), {.size = one->layout.size,
                                                                           .extents = one->layout.extents,
                                                                           .device = 0,
                                                                           .name = one->path.text()}));
  return image;
}

Result<void> check_unshared(const FoundImage& image, Writes writes) {
  const std::string where = image.volume->description();
  TRY_IN(where, image.volume->reader->check_allocation(image.path));
  for (const FoundParent& parent : image.parents)
    TRY_IN(parent.volume->description(), parent.volume->reader->check_allocation(parent.path));
  if (writes == Writes::Kept)
    TRY_IN(where, check_no_children(*image.volume->reader, *image.volume->source, image.path, image.info()));
  return {};
}

Result<disk::PartitionTable> read_table(const FoundImage& image) {
  const std::string where =
      concat("the guest disk in ", printable(image.path.text()), " on ", image.volume->description());
  auto table = TRY_IN(where, disk::read_partition_table(*image.disk));
  if (!table.unseen.empty()) return fail(Code::Corrupt, concat(where, ": ", table.unseen));
  if (image.folder) table.logical_block = image.volume->device.logical_block;
  return table;
}

Result<void> check_no_windows_sleeps(HostVolumes& volumes, const FoundImage& image) {
  const HostVolume* exfat = image.volume;
  if (exfat->reader->kind() != volume::Kind::Exfat) exfat = image.other_volume();
  if (exfat == nullptr || exfat->reader->kind() != volume::Kind::Exfat) return {};
  for (HostVolume& volume : volumes.all()) {
    if (volume.reader->kind() != volume::Kind::Ntfs) continue;
    const auto state = TRY_IN(concat("whether Windows sleeps on ", volume.description()), volume.reader->state());
    if (state.hibernated)
      return fail(Code::Unsafe, concat("Windows sleeps on ", volume.description(), " and may hold ",
                                       exfat->description(), " too: ", volume::describe(state)));
  }
  return {};
}

Result<void> check_still_alone(HostVolumes& volumes, const FoundImage& image, const Settings& settings) {
  HostVolume* other = image.other_volume();
  const auto is_certain = [&](const HostVolume* volume) {
    return volume == nullptr || place_of(*volume, settings.places_of(volume)) == disk::SamePlace::Yes;
  };
  if (is_certain(image.volume) && is_certain(other))
    (void)TRY(volumes.wait(volumes.devices().in(std::chrono::milliseconds(0))));
  else
    TRY(volumes.settle(volumes.devices().in(std::chrono::seconds(settings.config.wait()))));
  TRY(check_still_alone(volumes, image.volume, settings));
  return other == nullptr ? Result<void>() : check_still_alone(volumes, other, settings);
}

Result<FoundImage> find_image(HostVolumes& volumes, const Settings& settings, const sys::Reporter& report) {
  auto paths = TRY(record::image_candidates(settings.config, settings.origin));
  return open_image(TRY(Search(volumes, settings, report, std::move(paths)).run()), writes_of(settings.config),
                    ParentVolume(settings.config, volumes, settings.config.wait(), report), settings.config.arrival());
}

Result<FoundImage> open_image(const Sighting& place, Writes writes, const ParentVolume& parent_volume,
                              const std::optional<record::Arrival>& arrival) {
  if (auto folder = TRY(open_folder(place))) return *std::move(folder);
  // The guest would find that out when it writes for the first time.
  if (place.volume->device.read_only && writes != Writes::Forgotten)
    return fail(Code::Unsupported, concat(place.volume->description(), " is write-protected: look for a switch at it"));
  auto image = TRY(examine_image(*place.volume, place.path, writes, parent_volume, arrival));
  TRY(check_unshared(image, writes));
  return image;
}

}  // namespace vhdboot::stage
