// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/handoff.h"

#include <algorithm>
#include <array>

#include "base/crc32.h"
#include "base/quoted.h"
#include "base/text.h"
#include "disk/partition_table.h"
#include "init/record/record.h"
#include "init/volume/extents.h"
#include "init/volume/path.h"

namespace vhdboot::record {

namespace {

constexpr std::string_view kName = "vhdboot-handoff";
constexpr unsigned kVersion = 7;
constexpr std::size_t kCrcLineBytes = 6 + 8 + 1;  // "crc32 xxxxxxxx\n"

constexpr std::array<std::string_view, 2> kKinds{"ntfs", "exfat"};
constexpr std::array<std::string_view, 3> kRescues{"menu", "shell", "reboot"};

template <class Enum, std::size_t N>
std::optional<Enum> parse_enum(const std::array<std::string_view, N>& names, std::string_view text) {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

template <std::size_t N>
std::optional<std::array<std::uint64_t, N>> parse_numbers(std::string_view text) {
  std::array<std::uint64_t, N> numbers{};
  for (std::size_t i = 0; i < N; ++i) {
    const auto end = i + 1 < N ? text.find(' ') : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    const auto number = parse_u64(text.substr(0, end));
    if (!number) return std::nullopt;
    numbers[i] = *number;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return numbers;
}

/// A path as the record has it, from the root on and without detours.
bool is_absolute_path(std::string_view path) {
  return path.size() > 1 && path.starts_with('/') && fits_line(path);
}

bool is_plain_relative_path(std::string_view path) {
  if (!fits_line(path)) return false;
  for (const auto component : split(path, '/'))
    if (component.empty() || component == "." || component == "..") return false;
  return true;
}

std::optional<GuestRoot> parse_root(std::string_view text) {
  GuestRoot root;
  const auto number = text.find(' ');
  const auto mode = number == std::string_view::npos ? number : text.find(' ', number + 1);
  if (mode == std::string_view::npos) return std::nullopt;
  const auto partition = parse_u64(text.substr(0, number));
  const auto mode_text = text.substr(number + 1, mode - number - 1);
  if (!partition || *partition > disk::kMaxPartitions || (mode_text != "ro" && mode_text != "rw")) return std::nullopt;
  root.partition = static_cast<unsigned>(*partition);
  root.read_only = mode_text == "ro";
  text.remove_prefix(mode + 1);
  root.type = text.substr(0, text.find(' '));
  if (root.type.size() < text.size()) root.flags = text.substr(root.type.size() + 1);
  if (root.type.empty() || (root.flags.empty() && root.type.size() < text.size())) return std::nullopt;
  return root;
}

std::optional<entry::CountedEntry> parse_counted(std::string_view text) {
  const auto blank = text.find(' ');
  const auto partition = parse_u64(text.substr(0, blank));
  if (blank == std::string_view::npos || !partition || *partition > disk::kMaxPartitions) return std::nullopt;
  return entry::CountedEntry{static_cast<unsigned>(*partition), std::string(text.substr(blank + 1))};
}

std::optional<HostMount> parse_mount(std::string_view text) {
  auto mount = parse_host_mount(text);
  if (!mount) return std::nullopt;
  return *std::move(mount);
}

std::optional<Ephemeral> parse_store(std::string_view text) {
  const auto store = parse_ephemeral(text);
  if (!store || !store->on) return std::nullopt;
  return *store;
}

std::optional<std::string> objection(const HandoffFile& file) {
  const auto path = volume::parse_path(file.path);
  if (!path || path->is_root() || path->text() != file.path) return concat("has no file path but ", quoted(file.path));
  if (!disk::is_serial(file.serial)) return concat("has no volume serial but ", quoted(file.serial));
  if (file.partuuid && !disk::is_partuuid(*file.partuuid))
    return concat("has no partition UUID but ", quoted(*file.partuuid));
  if (!file.wwid.empty() && !fits_line(file.wwid)) return concat("has no name of a disk but ", quoted(file.wwid));
  for (const auto& place : file.places)
    if (disk::parse_hardware_path(disk::to_text(place)) != place) return "has an empty place of a disk";
  if (file.places.size() > kMaxHandoffPlaces) return concat("has ", file.places.size(), " places of a disk");
  std::uint64_t end = 0;
  for (const auto& extent : file.extents) {
    if (extent.length == 0 || extent.logical < end || extent.length > UINT64_MAX - extent.logical ||
        extent.length > UINT64_MAX - extent.physical)
      return concat("has an extent out of order at byte ", extent.logical);
    end = extent.logical + extent.length;
  }
  return std::nullopt;
}

std::optional<std::string> objection(std::uint64_t payload_size, std::uint32_t guest_block) {
  if (payload_size == 0) return "has a disk of 0 bytes";
  if (guest_block != 512 && guest_block != 4096) return concat("has guest blocks of ", guest_block, " bytes");
  return std::nullopt;
}

std::optional<std::string> objection(const HandoffDisk& disk) {
  if (disk.files.empty()) return "has a disk without a file";
  for (const auto& file : disk.files)
    if (auto text = objection(file)) return text;
  return objection(disk.payload_size, disk.guest_block);
}

bool is_fingerprint(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<std::string> objection(std::span<const Range> kept, const Handoff& handoff) {
  if (!kept.empty() && !handoff.ephemeral) return "keeps something where nothing is forgotten";
  std::uint64_t end = 0;
  for (const Range& range : kept) {
    if (range.empty() || range.offset < end || range.length > handoff.payload_size ||
        range.offset > handoff.payload_size - range.length)
      return concat("keeps bytes out of order or beyond the disk, at ", range.offset);
    end = range.end();
  }
  return std::nullopt;
}

/// What holds for every handoff, written or read: the sentence that names what does not.
std::optional<std::string> objection(const Handoff& handoff) {
  if (handoff.files.empty()) return "names no file";
  for (const auto& file : handoff.files)
    if (auto text = objection(file)) return text;
  if (handoff.scratch.has_value() != (handoff.ephemeral && !handoff.ephemeral->file.empty()))
    return "has a scratch file, or a place for one, without the other";
  if (handoff.scratch)
    if (auto text = objection(*handoff.scratch)) return text;
  if (auto text = objection(handoff.payload_size, handoff.guest_block)) return text;
  for (const auto& disk : handoff.disks)
    if (auto text = objection(disk)) return text;
  if (handoff.has_kernel_disk && handoff.disks.empty()) return "takes a kernel from no disk";
  if (handoff.is_folder() &&
      (!is_fingerprint(handoff.folder) || handoff.files.size() != 1 || !handoff.files.front().extents.empty() ||
       handoff.scratch || !handoff.ephemeral || !handoff.root || handoff.root->partition != 0))
    return "shows a folder as something else than a root that forgets";
  if (handoff.ephemeral && (!handoff.ephemeral->on || parse_store(to_text(*handoff.ephemeral)) != handoff.ephemeral))
    return concat("has no store but ", quoted(to_text(*handoff.ephemeral)));
  if (auto text = objection(handoff.kept, handoff)) return text;
  if (handoff.persist.has_value() == handoff.persist_paths.empty() || (handoff.persist && !handoff.ephemeral) ||
      with_persist_paths("", handoff.persist_paths) != handoff.persist_paths)
    return concat("keeps ", quoted(handoff.persist_paths), " in another image, which cannot be");
  if (handoff.persist)
    if (auto text = objection(*handoff.persist)) return text;
  if (handoff.arrival) {
    for (const auto* file : {&handoff.arrival->map, &handoff.arrival->tree})
      if (auto text = objection(*file)) return text;
    if (!fits_line(handoff.arrival->from.source) || !fits_line(handoff.arrival->from.root_hash) ||
        (!handoff.arrival->from.address.empty() && !fits_line(handoff.arrival->from.address)))
      return concat("has no source but ", quoted(handoff.arrival->from.source));
    if (handoff.ephemeral || handoff.files.size() != 1) return "has an image that arrives and cannot";
  }
  if (handoff.host_mount && parse_mount(to_text(*handoff.host_mount)) != handoff.host_mount)
    return concat("has no mount point but ", quoted(to_text(*handoff.host_mount)));
  if (handoff.root && (!fits_line(handoff.root->type) || handoff.root->type.contains(' ') ||
                       handoff.root->partition > disk::kMaxPartitions ||
                       (!handoff.root->flags.empty() && !fits_line(handoff.root->flags))))
    return concat("has no root file system but ", quoted(handoff.root->type), " with ", quoted(handoff.root->flags));
  if (handoff.counted &&
      (handoff.counted->partition > disk::kMaxPartitions || !entry::is_countable(handoff.counted->path)))
    return concat("has no counted entry but ", quoted(handoff.counted->path));
  if (handoff.loader_partuuid && !disk::is_partuuid(*handoff.loader_partuuid))
    return concat("has no partition UUID of a boot loader but ", quoted(*handoff.loader_partuuid));
  if (!is_absolute_path(handoff.init)) return concat("has no init but ", quoted(handoff.init));
  if (handoff.wait_seconds < 1 || handoff.wait_seconds > kMaxWaitSeconds)
    return concat("waits ", handoff.wait_seconds, " seconds");
  for (const auto& module : handoff.modules)
    if (!is_plain_relative_path(module.path) || module.path.contains(' ') ||
        (!module.options.empty() && !fits_line(module.options)))
      return concat("has no module file but ", quoted(module.path), " with ", quoted(module.options));
  return std::nullopt;
}

/// Takes the lines between the first and the last one.
class Reader {
 public:
  Result<void> take(std::string_view key, std::string_view value) {
    if (key == "file") return begin_file(value);
    if (key == "disk") return begin_disk(value);
    if (key == "scratch") return begin_other(handoff_.scratch, value, "two scratch files");
    if (key == "persist") return begin_other(handoff_.persist, value, "two images for what is kept");
    if (key == "map" || key == "tree") return begin_arrival(key, value);
    const bool in_file = file_ != nullptr;
    if (in_file && key == "extent") return take_extent(value);
    if (in_file && key == "place") return take_place(value);
    if (!in_file && key == "module") return take_module(value);
    if (!in_file && key == "keep") return take_kept(value);
    if (std::ranges::find(seen_, key) != seen_.end())
      return fail(Code::Corrupt, concat("says ", quoted(key), " twice"));
    if (!(in_file ? take_of_file(*file_, key, value) : take_once(key, value)))
      return fail(Code::Corrupt, concat("has a line that means nothing: ", quoted(concat(key, ' ', value))));
    seen_.push_back(key);
    return {};
  }

  Result<Handoff> finish() && {
    TRY(end_section());
    if (map_.has_value() != tree_.has_value() || map_.has_value() != !from_.source.empty() ||
        from_.source.empty() != from_.root_hash.empty() || (!map_ && !from_.address.empty()))
      return fail(Code::Corrupt, "does not say all of what arrives");
    if (map_) handoff_.arrival = {.from = from_, .map = *std::move(map_), .tree = *std::move(tree_)};
    if (auto text = objection(handoff_)) return fail(Code::Corrupt, *std::move(text));
    return std::move(handoff_);
  }

 private:
  /// What must have been said before a file begins, and at the end.
  Result<void> end_section() {
    const auto said = [&](std::string_view key) { return std::ranges::find(seen_, key) != seen_.end(); };
    const auto missing = [](std::string_view key) { return fail(Code::Corrupt, concat("does not say ", key)); };
    if (file_ == nullptr) {
      for (const std::string_view key : {"payload", "view", "init"})
        if (!said(key)) return missing(key);
    } else {
      for (const std::string_view key : {"volume", "serial", "size"})
        if (!said(key)) return missing(key);
    }
    seen_.clear();
    return {};
  }

  Result<void> begin_file(std::string_view path) {
    TRY(end_section());
    auto& files = handoff_.disks.empty() ? handoff_.files : handoff_.disks.back().files;
    if (files.size() == kMaxHandoffFiles) return fail(Code::NoMemory, "names too many files");
    if (handoff_.scratch || handoff_.persist || map_ || tree_)
      return fail(Code::Corrupt, "names a file behind those of the disks");
    file_ = &files.emplace_back();
    file_->path = path;
    return {};
  }

  Result<void> begin_disk(std::string_view value) {
    const auto end = std::ranges::search(value, std::string_view(" /")).begin() - value.begin();
    const std::string_view words = value.substr(0, static_cast<std::size_t>(end));
    const auto numbers = parse_numbers<3>(words);
    if (!numbers || words.size() == value.size() || (*numbers)[1] > UINT32_MAX || (*numbers)[2] > UINT32_MAX)
      return fail(Code::Corrupt, concat("has no disk but ", quoted(value)));
    if (handoff_.files.empty()) return fail(Code::Corrupt, "names a disk before the guest's own");
    if (handoff_.disks.size() == kMaxHandoffDisks) return fail(Code::NoMemory, "names too many disks");
    handoff_.disks.push_back({.files = {},
                              .payload_size = (*numbers)[0],
                              .view = static_cast<std::uint32_t>((*numbers)[1]),
                              .guest_block = static_cast<std::uint32_t>((*numbers)[2])});
    return begin_file(value.substr(words.size() + 1));
  }

  /// Of a file that is no part of a disk that is made of several, behind all those.
  Result<void> begin_other(std::optional<HandoffFile>& other, std::string_view path, std::string_view twice) {
    TRY(end_section());
    if (other) return fail(Code::Corrupt, concat("names ", twice));
    file_ = &other.emplace();
    file_->path = path;
    return {};
  }

  Result<void> begin_arrival(std::string_view key, std::string_view path) {
    std::optional<HandoffFile>& other = key == "map" ? map_ : tree_;
    return begin_other(other, path, "two files of one kind for what arrives");
  }

  Result<void> take_extent(std::string_view value) {
    if (extents_ == kMaxHandoffExtents) return fail(Code::NoMemory, "has too many extents");
    const auto numbers = parse_numbers<3>(value);
    if (!numbers) return fail(Code::Corrupt, concat("has no extent but ", quoted(value)));
    file_->extents.push_back({.logical = (*numbers)[0], .physical = (*numbers)[1], .length = (*numbers)[2]});
    ++extents_;
    return {};
  }

  Result<void> take_place(std::string_view value) {
    auto& places = file_->places;
    if (places.size() == kMaxHandoffPlaces) return fail(Code::NoMemory, "names too many places of a disk");
    const auto place = disk::parse_hardware_path(value);
    if (!place) return fail(Code::Corrupt, concat("has no place of a disk but ", quoted(value)));
    places.push_back(*place);
    return {};
  }

  Result<void> take_kept(std::string_view value) {
    if (handoff_.kept.size() == kMaxKept) return fail(Code::NoMemory, "keeps too many partitions");
    const auto numbers = parse_numbers<2>(value);
    if (!numbers) return fail(Code::Corrupt, concat("has no bytes to keep but ", quoted(value)));
    handoff_.kept.push_back({.offset = (*numbers)[0], .length = (*numbers)[1]});
    return {};
  }

  Result<void> take_module(std::string_view value) {
    if (handoff_.modules.size() == kMaxHandoffModules) return fail(Code::NoMemory, "names too many modules");
    const auto blank = value.find(' ');
    handoff_.modules.push_back({std::string(value.substr(0, blank)),
                                blank == std::string_view::npos ? "" : std::string(value.substr(blank + 1))});
    return {};
  }

  static bool take_of_file(HandoffFile& file, std::string_view key, std::string_view value) {
    if (key == "volume") return assign(file.kind, parse_enum<volume::Kind>(kKinds, value));
    if (key == "serial") return file.serial = value, true;
    if (key == "partuuid") return file.partuuid = std::string(value), true;
    if (key == "wwid") return file.wwid = value, true;
    if (key == "size") return assign(file.size, parse_u64(value));
    return false;
  }

  bool take_once(std::string_view key, std::string_view value) {
    if (key == "host-mount") return (handoff_.host_mount = parse_mount(value)).has_value();
    if (key == "ephemeral") return (handoff_.ephemeral = parse_store(value)).has_value();
    if (key == "persist-paths") return handoff_.persist_paths = value, true;
    if (key == "folder") return handoff_.folder = value, true;
    if (key == "source") return from_.source = value, true;
    if (key == "root-hash") return from_.root_hash = value, true;
    if (key == "address") return from_.address = value, true;
    if (key == "kernel-disk") return handoff_.has_kernel_disk = true, value == "last";
    if (key == "trim") return handoff_.trim = false, value == "off";
    if (key == "init") return handoff_.init = value, true;
    if (key == "root") return (handoff_.root = parse_root(value)).has_value();
    if (key == "loader-partuuid") return handoff_.loader_partuuid = std::string(value), true;
    if (key == "counted") return (handoff_.counted = parse_counted(value)).has_value();
    if (key == "rescue") return assign(handoff_.rescue, parse_enum<RescueChoice>(kRescues, value));
    if (key == "payload") return assign(handoff_.payload_size, parse_u64(value));
    if (key == "view") return assign_small(handoff_.view, value);
    if (key == "guest-block") return assign_small(handoff_.guest_block, value);
    if (key == "wait") return assign_small(handoff_.wait_seconds, value);
    return false;
  }

  template <class T>
  static bool assign(T& field, const std::optional<T>& value) {
    if (value) field = *value;
    return value.has_value();
  }
  static bool assign_small(std::uint32_t& field, std::string_view value) {
    const auto number = parse_u64(value);
    if (number && *number <= UINT32_MAX) field = static_cast<std::uint32_t>(*number);
    return number && *number <= UINT32_MAX;
  }

  Handoff handoff_;
  Arrival from_;
  std::optional<HandoffFile> map_, tree_;
  HandoffFile* file_ = nullptr;         // whose section it is; null before the first one
  std::size_t extents_ = 0;             // of all files
  std::vector<std::string_view> seen_;  // in this section
};

/// Takes the last line off `text` and compares.
Result<void> take_checksum(std::string_view& text) {
  if (text.size() < kCrcLineBytes) return fail(Code::Corrupt, "is cut off");
  const auto body = text.substr(0, text.size() - kCrcLineBytes);
  const auto expected = concat("crc32 ", to_hex(crc32(as_bytes(body)), 8), '\n');
  const auto found = text.substr(body.size());
  if (!found.starts_with("crc32 ")) return fail(Code::Corrupt, "is cut off: the last line is no checksum");
  if (found != expected) return fail(Code::Corrupt, "has a wrong checksum");
  text = body;
  return {};
}

Result<Handoff> parse(std::string_view text) {
  if (text.size() > kMaxHandoffBytes)
    return fail(Code::NoMemory, concat("is larger than ", human_size(kMaxHandoffBytes)));
  std::string_view rest = text;
  TRY(take_header(rest, kName, kVersion));
  TRY(take_checksum(text));
  // A header that reaches into the checksum is none.
  rest = text.substr(std::min(text.size(), static_cast<std::size_t>(rest.data() - text.data())));
  Reader reader;
  while (!rest.empty()) {
    const auto line = take_line(rest);
    const auto words = line ? split_line(*line) : std::nullopt;
    if (!words) return fail(Code::Corrupt, concat("has a line that means nothing: ", quoted(line.value_or(rest))));
    TRY(reader.take(words->first, words->second));
  }
  return std::move(reader).finish();
}

/// A list of extents as it is compared: offset of the file where two lists part, or nothing.
std::optional<std::string> difference(std::span<const Extent> then, std::span<const Extent> now) {
  for (std::size_t i = 0; i < std::min(then.size(), now.size()); ++i) {
    if (then[i] == now[i]) continue;
    if (then[i].logical == now[i].logical && then[i].physical != now[i].physical)
      return concat("its byte ", then[i].logical, " lay at byte ", then[i].physical, " of the volume and lies at ",
                    now[i].physical, " now");
    const auto from = std::max(then[i].logical, now[i].logical);
    return concat("the piece at its byte ", from, " had ", then[i].length, " bytes and has ", now[i].length, " now");
  }
  if (then.size() != now.size()) return concat("it lay in ", then.size(), " pieces and lies in ", now.size(), " now");
  return std::nullopt;
}

}  // namespace

Result<std::string> to_text(const Handoff& handoff) {
  if (auto text = objection(handoff)) return fail(Code::Invalid, concat("the handoff ", *text));
  std::size_t extents = 0;
  const auto count = [&](const HandoffFile& file) { extents += file.extents.size(); };
  std::ranges::for_each(handoff.files, count);
  std::size_t files = handoff.files.size();
  for (const auto& disk : handoff.disks) {
    std::ranges::for_each(disk.files, count);
    files = std::max(files, disk.files.size());
  }
  for (const auto& other : {&handoff.scratch, &handoff.persist})
    if (*other) count(**other);
  if (handoff.arrival)
    for (const auto* file : {&handoff.arrival->map, &handoff.arrival->tree}) count(*file);
  if (files > kMaxHandoffFiles || handoff.disks.size() > kMaxHandoffDisks || extents > kMaxHandoffExtents ||
      handoff.modules.size() > kMaxHandoffModules || handoff.kept.size() > kMaxKept)
    return fail(Code::Invalid, concat("a handoff holds no ", files, " files of a disk, ", handoff.disks.size(),
                                      " disks, ", extents, " extents and ", handoff.modules.size(), " modules"));
  std::string text = concat(kName, ' ', kVersion, '\n');
  const auto line = [&text](const auto& key, const auto&... values) { text += concat(key, values..., '\n'); };
  line("payload ", handoff.payload_size);
  line("view ", handoff.view);
  line("guest-block ", handoff.guest_block);
  if (handoff.ephemeral) line("ephemeral ", to_text(*handoff.ephemeral));
  for (const Range& range : handoff.kept) line("keep ", range.offset, ' ', range.length);
  if (!handoff.persist_paths.empty()) line("persist-paths ", handoff.persist_paths);
  if (handoff.host_mount) line("host-mount ", to_text(*handoff.host_mount));
  if (!handoff.trim) line("trim off");
  if (handoff.is_folder()) line("folder ", handoff.folder);
  if (handoff.has_kernel_disk) line("kernel-disk last");
  if (handoff.arrival) {
    line("source ", handoff.arrival->from.source);
    line("root-hash ", handoff.arrival->from.root_hash);
    if (!handoff.arrival->from.address.empty()) line("address ", handoff.arrival->from.address);
  }
  if (handoff.root)
    line("root ", handoff.root->partition, handoff.root->read_only ? " ro " : " rw ", handoff.root->type,
         handoff.root->flags.empty() ? "" : " ", handoff.root->flags);
  if (handoff.counted) line("counted ", handoff.counted->partition, ' ', handoff.counted->path);
  if (handoff.loader_partuuid) line("loader-partuuid ", *handoff.loader_partuuid);
  line("init ", handoff.init);
  line("wait ", handoff.wait_seconds);
  line("rescue ", kRescues.at(static_cast<std::size_t>(handoff.rescue)));
  for (const auto& module : handoff.modules)
    line("module ", module.path, module.options.empty() ? "" : " ", module.options);
  const auto section = [&line](std::string_view key, const HandoffFile& file) {
    line(key, ' ', file.path);
    line("volume ", kKinds.at(static_cast<std::size_t>(file.kind)));
    line("serial ", file.serial);
    if (file.partuuid) line("partuuid ", *file.partuuid);
    for (const auto& place : file.places) line("place ", disk::to_text(place));
    if (!file.wwid.empty()) line("wwid ", file.wwid);
    line("size ", file.size);
    for (const auto& extent : file.extents) line("extent ", extent.logical, ' ', extent.physical, ' ', extent.length);
  };
  for (const auto& file : handoff.files) section("file", file);
  for (const auto& disk : handoff.disks) {
    section(concat("disk ", disk.payload_size, ' ', disk.view, ' ', disk.guest_block), disk.files.front());
    for (const auto& file : std::span(disk.files).subspan(1)) section("file", file);
  }
  if (handoff.scratch) section("scratch", *handoff.scratch);
  if (handoff.persist) section("persist", *handoff.persist);
  if (handoff.arrival) {
    section("map", handoff.arrival->map);
    section("tree", handoff.arrival->tree);
  }
  line("crc32 ", to_hex(crc32(as_bytes(text)), 8));
  if (text.size() > kMaxHandoffBytes)
    return fail(Code::Invalid, concat("the handoff would be larger than ", human_size(kMaxHandoffBytes)));
  return text;
}

Result<Handoff> parse_handoff(std::string_view text) {
  auto handoff = parse(text);
  // Each clause above goes on from here: "the handoff has a wrong checksum".
  if (!handoff) {
    auto error = std::move(handoff).error();
    error.text.insert(0, "the handoff of stage 1 ");
    return std::unexpected(std::move(error));
  }
  return handoff;
}

Result<void> compare_extents(const HandoffFile& file, std::uint64_t size_now, std::span<const Extent> now) {
  std::optional<std::string> what;
  if (size_now != file.size)
    what = concat("it had ", file.size, " bytes and has ", size_now, " now");
  else
    what = difference(volume::merge_extents(file.extents), volume::merge_extents(now));
  if (!what) return {};
  return fail(Code::Unsafe, concat(printable(file.path), " is not where stage 1 found it: ", *what,
                                   ": something wrote to the volume in between, start the machine again"));
}

bool is_volume_of(const HandoffFile& file, const disk::Identity& volume) {
  if (!equals_ignoring_ascii_case(file.serial, volume.uuid)) return false;
  return !file.partuuid || equals_ignoring_ascii_case(*file.partuuid, volume.partuuid);
}

}  // namespace vhdboot::record
