// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/candidates.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "entry/find_entries.h"
#include "init/guest/keyboard.h"
#include "init/record/image_path.h"
#include "init/stage/attach.h"
#include "init/stage/attached_guest_disk.h"
#include "init/stage/folder_guest.h"
#include "init/stage/further_disks.h"
#include "init/stage/roll_back_image.h"

namespace vhdboot::stage {
namespace {

constexpr std::size_t kMaxEntries = 64;           // of a system that are opened to be shown
constexpr std::size_t kMaxEntryText = 24 * 1024;  // bytes of all of them together

// Where the image is that is booted when nobody chooses.
bool may_have_default(const HostVolume& volume, const Settings& settings) {
  return settings.config.volume ? matches(*settings.config.volume, volume.identity)
                                : settings.origin_volume == nullptr || &volume == settings.origin_volume;
}

void look_into_folder(HostVolume& volume, const volume::Path& folder, Candidates& candidates) {
  const auto names = volume.reader->list(folder);
  const auto pass_over = [&](std::string_view why) {
    candidates.passed_over.push_back(concat(printable(folder.text()), " on ", volume.description(), ": ", why));
  };
  if (!names) {
    if (names.error().code != Code::NotFound) pass_over(names.error().message());
    return;
  }
  if (names->size() > record::kMaxListedFolder)
    return pass_over(concat("more than ", record::kMaxListedFolder, " names"));
  for (const volume::DirEntry& file : *names) {
    auto path = record::listed_image(folder, file);
    if (!path) continue;
    if (candidates.found.size() == kMaxCandidates) return pass_over(concat("more than ", kMaxCandidates, " images"));
    candidates.found.push_back({.place = {.volume = &volume, .path = *std::move(path)}, .size = file.size});
  }
}

// The one that is booted when nobody chooses: nothing else tells a folder from others.
void add_folder(HostVolumes& volumes, const Settings& settings, Candidates& candidates) {
  const auto paths = record::image_candidates(settings.config, settings.origin);
  if (!settings.config.image || !paths) return;
  for (HostVolume& volume : volumes.all()) {
    if (!may_have_default(volume, settings)) continue;
    for (const volume::Path& path : *paths)
      if (const auto layout = volume.reader->layout(path);
          layout && layout->directory && candidates.found.size() < kMaxCandidates)
        candidates.found.push_back({.place = {.volume = &volume, .path = path}, .folder = true});
  }
}

// Those that are called so. What is never booted has no short name: debian.qcow2 is not in the way of debian.vhd.
std::vector<const Candidate*> called(const std::vector<Candidate>& all, std::string_view name, bool exactly) {
  const auto same = [&](std::string_view own) { return exactly ? own == name : equals_ignoring_ascii_case(own, name); };
  std::vector<const Candidate*> found;
  for (const Candidate& one : all) {
    const volume::Path& path = one.place.path;
    if (same(path.name()) || (record::has_booted_name(path) && same(path.stem()))) found.push_back(&one);
  }
  return found;
}

std::string where(const Candidate& one) {
  return concat(printable(one.place.path.text()), " on ", one.place.volume->description());
}

// The pattern that names this entry and no other; empty when there is none.
std::string pattern_of(const entry::FoundEntries& all, const entry::FoundEntry& one, disk::GuestDisk& disk) {
  for (const std::string& name : {one.entry.id, one.entry.path}) {
    std::string pattern;
    for (const char c : name) pattern += std::string_view("*?[").contains(c) ? concat('[', c, ']') : std::string(1, c);
    const auto choice = entry::choose_entry(all, pattern, disk);
    if (choice && choice->entry == &one && !choice->profile && to_utf16(pattern)) return pattern;
  }
  return "";
}

// What can be said of an entry without planning its boot.
menu::Entry shown(const entry::FoundEntry& found, std::string pattern) {
  menu::Entry entry{.id = std::move(pattern), .title = found.entry.title, .release = {}, .options = {}};
  if (const auto opened = found.open({})) {
    entry.release = opened->release;
    entry.options = opened->parts.cmdline;
  }
  return entry;
}

bool is_windows(const disk::GuestDisk& disk) {
  return std::ranges::any_of(disk.partitions(),
                             [](const disk::GuestPartition& partition) { return partition.type == "ntfs"; });
}

}  // namespace

std::vector<volume::Path> folders_of(const HostVolume& volume, const Settings& settings) {
  return record::image_folders(settings.config, settings.origin, &volume == settings.origin_volume,
                               may_have_default(volume, settings));
}

Candidates find_candidates(HostVolumes& volumes, const Settings& settings) {
  Candidates candidates;
  for (HostVolume& volume : volumes.all())
    for (const volume::Path& folder : folders_of(volume, settings)) look_into_folder(volume, folder, candidates);
  add_folder(volumes, settings, candidates);
  return candidates;
}

Result<Candidate> find_called(HostVolumes& volumes, const Settings& settings, std::string_view name,
                              const sys::Reporter& report) {
  const std::string asked = concat("image is called ", printable(name), ", which was asked for this once");
  PatientWait wait(volumes, settings.config.wait(), report);
  for (bool settled = false;;) {
    const Candidates all = find_candidates(volumes, settings);
    auto found = called(all.found, name, true);
    if (found.empty()) found = called(all.found, name, false);
    if (found.empty()) {
      settled = false;
      if (TRY(wait.wait(concat("an image called ", printable(name))))) continue;
      std::string others;
      for (const Candidate& one : all.found) others += concat("; there is ", where(one));
      for (const std::string& place : all.passed_over) others += concat("; not looked at: ", place);
      return fail(Code::NotFound, concat("no ", asked, ", after ", settings.config.wait(), " seconds", others, "; ",
                                         volumes.account()));
    }
    if (!settled) {
      // Another one may be about to appear.
      TRY(volumes.settle(wait.deadline()));
      settled = true;
      continue;
    }
    if (found.size() > 1)
      return fail(Code::Invalid, concat("more than one ", asked, ": ", where(*found[0]), " and ", where(*found[1]),
                                        "; give one of them another name"));
    if (const auto doubt = volumes.doubt())
      return std::unexpected(doubt->within(
          concat("one ", asked, ", ", where(*found.front()), ", but whether there is another one cannot be told")));
    for (const std::string& place : all.passed_over) report.warn(concat("not looked at: ", place));
    return *found.front();
  }
}

bool is_default(const Candidate& candidate, const Settings& settings) {
  if (!may_have_default(*candidate.place.volume, settings)) return false;
  const auto paths = record::image_candidates(settings.config, settings.origin);
  return paths && std::ranges::any_of(*paths, [&](const volume::Path& path) {
           return equals_ignoring_ascii_case(path.text(), candidate.place.path.text());
         });
}

Result<record::ParsedConfig> config_of(const Candidate& candidate, const Settings& settings) {
  const bool is_own = is_default(candidate, settings);
  if (is_own && settings.wrong) return std::unexpected(*settings.wrong);
  if (is_own) return record::ParsedConfig{.config = settings.config, .warnings = {}};
  record::ParsedConfig parsed;
  const volume::Path& path = candidate.place.path;
  if (const auto file = TRY(config_beside(*candidate.place.volume, path))) {
    parsed = TRY(record::parse_config(file->text, file->name));
    const auto meant = record::image_candidates(parsed.config, {.path = path.text()});
    const bool is_about_it =
        !parsed.config.image || (meant && std::ranges::any_of(*meant, [&](const volume::Path& one) {
                                   return equals_ignoring_ascii_case(one.text(), path.text());
                                 }));
    if (!is_about_it)
      parsed = {.config = {},
                .warnings = {concat(printable(file->name), " is about another image, and does not count")}};
    TRY_IN(file->name, record::check(parsed.config));
  }
  if (settings.wrong) parsed.warnings.push_back(concat("it does not count: ", settings.wrong->message()));
  parsed.config.wait_seconds = settings.config.wait_seconds;
  parsed.config.rescue = settings.config.rescue;
  return parsed;
}

namespace {

Result<FoundImage> open_as_configured(const Candidate& candidate, const record::Config& config,
                                      const ParentVolume& parent_volume) {
  auto image =
      TRY(with_other_files(open_image(candidate.place, writes_of(config), parent_volume, config.arrival()), config));
  TRY(check_writer(image, config));
  return image;
}

std::string kernel_of(const record::Config& config) {
  return concat("with the kernel of ", printable(*config.kernel));
}

// All that is in it is looked at when it is started.
Result<Look> look_at_distribution(const Candidate& candidate, const record::Config& config) {
  const FoundImage image = TRY(open_image(candidate.place, Writes::Forgotten, ParentVolume()));
  const record::Config whole = TRY(config_for_folder(config));
  const std::string title = kernel_of(whole);
  return Look{.title = title,
              .payload_size = 0,
              .format = image.kind(),
              .keymap = {},
              .entries = {{.id = {}, .title = title, .release = {}, .options = {}}},
              .warnings = {},
              .rolls_back_to = {},
              .forgets = whole.writes_nothing(),
              .no_writes = {}};
}

}  // namespace

Result<Look> look_into(const Candidate& candidate, const record::Config& config, HostVolumes& volumes) {
  if (candidate.folder) return look_at_distribution(candidate, config);
  std::vector<std::string> warnings;
  const sys::Reporter report(warnings);
  const ParentVolume parent_volume(config, volumes, 0, report);
  auto opened = open_as_configured(candidate, config, parent_volume);
  std::string no_writes;
  if (!opened && !config.writes_nothing()) {
    record::Config forgets = config;
    forgets.ephemeral = record::kForgetting;
    forgets.keep.clear();
    if (auto to_forget = open_as_configured(candidate, forgets, parent_volume)) {
      no_writes = opened.error().message();
      opened = std::move(to_forget);
    }
  }
  const FoundImage image = TRY(std::move(opened));
  const disk::PartitionTable table = TRY(read_table(image));
  Look look{.title = {},
            .payload_size = image.info().size,
            .format = image.kind(),
            .keymap = {},
            .entries = {},
            .warnings = {},
            .rolls_back_to = {},
            .forgets = config.writes_nothing(),
            .no_writes = std::move(no_writes)};
  // It may be refused for a boot all the same: because it has no room to grow, for one.
  if (!rolls_back_to(image).empty())
    if (const auto to_write = open_image(candidate.place, Writes::Kept, parent_volume))
      look.rolls_back_to = rolls_back_to(*to_write);
  warnings.insert(warnings.end(), image.info().warnings.begin(), image.info().warnings.end());
  warnings.insert(warnings.end(), table.warnings.begin(), table.warnings.end());
  const auto plan = TRY(plan_attachment(image, true, table.logical_block));
  auto attached = TRY(attach_image(plan, image));
  {
    AttachedGuestDisk disk(attached.disk(), table, volumes.devices(), report);
    // With another image's kernel there is nothing to choose: what its boot loader would start is started.
    const entry::FoundEntries found = config.kernel ? entry::FoundEntries() : entry::find_entries(disk);
    const std::string pattern = config.entry.value_or("");
    const auto choices = entry::choose_entries(found, pattern, disk);
    if (config.kernel) {
      look.title = kernel_of(config);
      look.entries.push_back({.id = {}, .title = look.title, .release = {}, .options = {}});
      look.keymap = guest::keyboard_layout(disk);
    } else if (!choices && is_windows(disk)) {
      look.title = "Windows";
    } else if (!choices) {
      return std::unexpected(choices.error());
    } else {
      std::vector<const entry::FoundEntry*> order;
      const auto add = [&](const entry::FoundEntry* entry) {
        if (std::ranges::find(order, entry) == order.end() && order.size() < kMaxEntries) order.push_back(entry);
      };
      for (const entry::Choice& choice : *choices) add(choice.entry);
      for (const entry::FoundEntry& entry : found.entries) add(&entry);
      std::size_t left = kMaxEntryText;
      for (const entry::FoundEntry* entry : order) {
        menu::Entry one = shown(*entry, pattern_of(found, *entry, disk));
        const std::size_t size = one.id.size() + one.title.size() + one.options.size();
        // What cannot be named alone would start another one.
        if ((one.id.empty() && entry != order.front()) || size > left) continue;
        left -= size;
        look.entries.push_back(std::move(one));
      }
      look.title = order.front()->entry.title;
      look.keymap = guest::keyboard_layout(disk);
      if (look.entries.empty()) look.entries.push_back({.id = {}, .title = look.title, .release = {}, .options = {}});
    }
  }
  TRY(attached.detach());
  look.warnings = std::move(warnings);
  return look;
}

}  // namespace vhdboot::stage
