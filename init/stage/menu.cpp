// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/menu.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/menu/wire.h"
#include "init/stage/rescue.h"
#include "init/stage/roll_back_image.h"
#include "init/sys/file.h"
#include "init/sys/power.h"
#include "init/sys/process.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

constexpr char kProgram[] = "/bin/vhdboot-menu";
// How long a disk's events and a person's keys wait for each other.
constexpr auto kTurn = 50ms;
constexpr auto kToTake = 5s;  // that the program needs at most to take what it is told

// The name of a volume in front of a path: short, and what the person calls it.
std::string short_name(const HostVolume& volume) {
  return volume.identity.label.empty() ? volume.device.path : volume.identity.label;
}

class Chooser {
 public:
  Chooser(HostVolumes& volumes, const Settings& settings, bool may_start, const std::optional<Failure>& failed,
          const std::string& written, const sys::Reporter& report)
      : volumes_(volumes),
        settings_(settings),
        report_(report),
        may_start_(may_start && !failed && (!settings.config.timeout || settings.config.timeout->seconds)),
        written_(failed ? failed->written : written),
        notice_(written_ == kNothingWritten || failed ? "" : written_) {
    if (failed) failure_ = page_of(*failed);
  }

  /// What is true of the disks now.
  [[nodiscard]] const std::string& written() const { return written_; }

  Result<Choice> run() {
    // Who has pressed a key for it is there.
    if (may_start_ && settings_.config.shows_menu() && !settings_.origin.menu)
      countdown_ = settings_.config.timeout->seconds;
    for (;;) {
      auto answer = TRY(ask());
      switch (answer.action.kind) {
        case menu::Action::Kind::Boot:
          if (answer.terminal.empty()) return Choice{.kind = Choice::Kind::Default, .chosen = {}};
          if (auto chosen = TRY(chosen_by(answer.action.boot)))
            return Choice{.kind = Choice::Kind::Image, .chosen = std::move(chosen)};
          break;
        case menu::Action::Kind::Shell:
          // It may have changed whatever was looked at.
          offer_shell(answer.terminal, written_, report_);
          return Choice{.kind = Choice::Kind::Shell, .chosen = {}};
        case menu::Action::Kind::TryAgain:
          return Choice{.kind = Choice::Kind::TryAgain, .chosen = {}};
        case menu::Action::Kind::RollBack:
          if (auto choice = roll_back(answer.action.item)) return *std::move(choice);
          break;
        case menu::Action::Kind::Firmware:
          report_.error(sys::restart_into_firmware_setup().message());
          break;
        case menu::Action::Kind::Restart:
          report_.error(sys::reboot().message());
          break;
        case menu::Action::Kind::PowerOff:
          report_.error(sys::power_off().message());
          break;
        default:
          return Choice{};
      }
      may_start_ = false;  // a person is there
      countdown_.reset();
    }
  }

 private:
  // One run of the program, until it has an answer.
  Result<menu::Answer> ask() {
    std::vector<std::string> arguments{kProgram};
    if (settings_.config.menu_style == record::MenuStyle::Plain) arguments.emplace_back("--plain");
    if (!may_start_) arguments.emplace_back("--stay");
    if (settings_.config.beep.value_or(false)) arguments.emplace_back("--beep");
    const auto program = TRY_IN("showing the menu", sys::Companion::start(arguments));
    for (bool changed = true;;) {
      changed |= list_again();
      Result<void> told;
      if (changed) told = program.messages().send(menu::encode(state()), sys::Deadline::in(kToTake));
      countdown_.reset();  // the program counts on
      // While an image was looked into, it may have ended, with an answer that is there to be read.
      changed = told ? look_further() : true;
      const auto moment = changed ? sys::Deadline::in(0ms) : sys::Deadline::in(kTurn);
      const auto message = program.messages().receive(menu::kMaxMessage, moment);
      if (message) return menu::decode_answer(*message);
      if (!told) return std::unexpected(told.error().within("showing the menu"));
      if (message.error().code != Code::Timeout) return std::unexpected(message.error().within("the menu has ended"));
      (void)TRY(volumes_.wait(sys::Deadline::in(0ms)));
    }
  }

  // Whether volumes have come or gone.
  bool list_again() {
    std::vector<const HostVolume*> present;
    for (const HostVolume& volume : volumes_.all()) present.push_back(&volume);
    if (present == present_ && listed_) return false;
    present_ = std::move(present);
    listed_ = true;
    // What was missing may be there now: the parents of an image, on another volume.
    std::erase_if(looks_, [](const auto& look) { return !look.second; });
    // What is gone keeps its place: a person may be about to press a key.
    Candidates now = find_candidates(volumes_, settings_);
    gone_.clear();
    for (const Candidate& old : candidates_.found) {
      const std::string id = id_of(old);
      const auto same = std::ranges::find(now.found, id, id_of);
      if (same == now.found.end())
        gone_.insert(id);
      else
        now.found.erase(same);
    }
    std::ranges::move(now.found, std::back_inserter(candidates_.found));
    candidates_.passed_over = std::move(now.passed_over);
    return true;
  }

  // Looks into one image that nobody has looked into; whether there was one.
  bool look_further() {
    for (const Candidate& candidate : candidates_.found) {
      const std::string id = id_of(candidate);
      if (looks_.contains(id) || gone_.contains(id)) continue;
      looks_.emplace(id, look(candidate));
      return true;
    }
    return false;
  }

  Result<Look> look_with(const Candidate& candidate, const Result<record::ParsedConfig>& parsed) {
    if (!parsed) return std::unexpected(parsed.error());
    auto look = TRY(look_into(candidate, parsed->config, volumes_));
    look.warnings.insert(look.warnings.begin(), parsed->warnings.begin(), parsed->warnings.end());
    return look;
  }
  Result<Look> look(const Candidate& candidate) { return look_with(candidate, config_of(candidate, settings_)); }

  static std::string id_of(const Candidate& candidate) {
    const sys::BlockDevice& device = candidate.place.volume->device;
    return concat(device.path, '#', device.sequence, ':', candidate.place.path.text());
  }

  menu::Item item_of(const Candidate& candidate) const {
    const HostVolume& volume = *candidate.place.volume;
    menu::Item item{.id = id_of(candidate),
                    .title = std::string(candidate.place.path.name()),
                    .size = candidate.size,
                    .where = concat(short_name(volume), ':', candidate.place.path.text())};
    item.details.push_back(concat(candidate.place.path.text(), " on ", volume.description()));
    if (gone_.contains(item.id)) {
      item.readiness = menu::Readiness::Refused;
      item.reason = "its disk is no longer there";
      return item;
    }
    const auto found = looks_.find(item.id);
    if (found == looks_.end()) return item;
    if (!found->second) {
      item.readiness = menu::Readiness::Refused;
      item.reason = found->second.error().message();
      return item;
    }
    const Look& look = *found->second;
    item.title = look.title;
    item.size = look.payload_size;
    item.details.push_back(look.format);
    for (const std::string& warning : look.warnings) item.details.push_back(concat("warning: ", warning));
    item.entries = look.entries;
    item.keymap = look.keymap;
    item.readiness = look.entries.empty() ? menu::Readiness::Foreign : menu::Readiness::Ready;
    item.rolls_back_to = printable(look.rolls_back_to);
    item.can_forget = !look.entries.empty() && !look.forgets;
    if (look.entries.empty()) {
      item.reason = "Ventoy, or Windows' own boot menu, starts it";
    } else if (!look.no_writes.empty()) {
      item.readiness = menu::Readiness::Refused;
      item.reason = look.no_writes;
      item.cure = "x starts it so that what it writes is forgotten.";
    }
    return item;
  }

  menu::State state() const {
    menu::State state;
    state.version = "vhdboot " VHDBOOT_VERSION;
    for (const HostVolume& volume : volumes_.all()) {
      state.volumes +=
          concat(state.volumes.empty() ? "" : ", ", short_name(volume), " (", volume::name(volume.reader->kind()), ')');
      std::string folders;
      for (const volume::Path& folder : folders_of(volume, settings_))
        folders += concat(folders.empty() ? "" : ", ", printable(folder.text()));
      state.looked_at.push_back(concat(volume.description(), ": ", folders));
    }
    state.not_looked_at = volumes_.unreadable();
    for (const std::string& place : candidates_.passed_over) state.not_looked_at.push_back(place);
    state.advice = {
        "Put the image into /boot or /vhd of an NTFS or exFAT volume: debian.vhd, debian.img, debian.raw or "
        "debian.vhdx.",
        "A disk that was plugged in just now appears by itself; t looks at all disks again."};
    state.can_shell = sys::exists("/bin/sh");
    state.can_firmware = can_firmware_;
    state.keymap = settings_.config.keymap.value_or("");
    state.failure = failure_;
    state.countdown = countdown_;
    state.notice = notice_;
    std::size_t defaults = 0;
    for (const Candidate& candidate : candidates_.found) {
      if (is_default(candidate, settings_) && ++defaults == 1) state.default_item = id_of(candidate);
      state.items.push_back(item_of(candidate));
    }
    if (defaults > 1) state.default_item.reset();
    state.looking = looks_.size() + gone_.size() < candidates_.found.size();
    return state;
  }

  Result<std::optional<Chosen>> chosen_by(const menu::Boot& boot) {
    const auto found = std::ranges::find(candidates_.found, boot.item, id_of);
    if (found == candidates_.found.end()) return std::nullopt;
    auto parsed = TRY(config_of(*found, settings_));
    for (const std::string& warning : parsed.warnings) report_.warn(warning);
    if (boot.entry && !boot.entry->empty()) parsed.config.entry = *boot.entry;
    parsed.config.command_line = boot.options;
    if (boot.mode == menu::Mode::Forget) {
      parsed.config.ephemeral = record::kForgetting;
      parsed.config.keep.clear();
      parsed.config.persist.reset();
      parsed.config.persist_paths.clear();
    }
    return Chosen{.candidate = *found, .config = std::move(parsed.config)};
  }

  // What was read of the image holds no more then: all disks are looked at again.
  std::optional<Choice> roll_back(const std::string& id) {
    const auto found = std::ranges::find(candidates_.found, id, id_of);
    if (found == candidates_.found.end()) return std::nullopt;
    const auto parsed = config_of(*found, settings_);
    auto written = parsed ? roll_image_back(volumes_, found->place, ParentVolume(parsed->config, volumes_, 0, report_))
                          : std::unexpected(parsed.error());
    if (written) {
      written_ = *std::move(written);
      return Choice{.kind = Choice::Kind::LookAgain, .chosen = {}};
    }
    report_.error(written.error().message());
    notice_ = concat("It is not rolled back: ", written.error().message());
    written_ = concat("Rolling back ", printable(found->place.path.text()),
                      " has failed: its header may have been written, and it reads as before or as its parent.");
    return std::nullopt;
  }

  HostVolumes& volumes_;
  const Settings& settings_;
  const sys::Reporter& report_;
  std::vector<const HostVolume*> present_;
  bool listed_ = false;
  bool may_start_;
  std::string written_;
  std::string notice_;  // for the next run of the program
  std::optional<menu::Failure> failure_;
  bool can_firmware_ = sys::has_firmware_setup();
  Candidates candidates_;
  std::set<std::string> gone_;                 // ids
  std::map<std::string, Result<Look>> looks_;  // by id
  std::optional<unsigned> countdown_;
};

}  // namespace

bool has_menu() {
  return sys::exists(kProgram);
}

Result<Choice> choose(HostVolumes& volumes, const Settings& settings, bool may_start,
                      const std::optional<Failure>& failed, const std::string& written, const sys::Reporter& report) {
  Chooser chooser(volumes, settings, may_start, failed, written, report);
  auto choice = chooser.run();
  if (choice) choice->written = chooser.written();
  return choice;
}

}  // namespace vhdboot::stage
