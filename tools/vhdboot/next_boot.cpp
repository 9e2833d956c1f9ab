// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/next_boot.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/fd.h"
#include "base/quoted.h"
#include "base/text.h"
#include "init/guest/guest_cmdline.h"
#include "kexec/cmdline.h"
#include "tools/vhdboot/ventoy_json.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kBootNext = "BootNext";
constexpr std::string_view kOsIndications = "OsIndications";
constexpr std::string_view kEntryOneShot = "LoaderEntryOneShot";
constexpr std::string_view kTimeoutOneShot = "LoaderConfigTimeoutOneShot";
constexpr std::string_view kMenuForce = "menu-force";
// Of the entries that vhdboot itself tells of (efi/loader_variables.h).
constexpr std::string_view kOwnPrefix = "vhdboot-";
constexpr std::string_view kFoundByItself = "auto-";
constexpr std::string_view kOwnMenu = "auto-vhdboot-menu";

NextBoot by_firmware(const FirmwareMenu& menu, std::uint16_t number) {
  const FirmwareEntry* entry = menu.find(number);
  return {.by = NextBy::BootNext,
          .number = number,
          .entry = {},
          .text = concat(entry == nullptr ? "an entry that is not there" : printable(entry->option.title), " (",
                         boot_variable(number), "), once, by the firmware's BootNext")};
}

NextBoot by_setup() {
  return {.by = NextBy::Setup, .number = 0, .entry = {}, .text = "the firmware's setup, once, by OsIndications"};
}

// The one that has started this machine; another one need not start it next.
bool is_own(const LoaderFacts& loader) {
  return loader.name.starts_with("vhdboot");
}

NextBoot by_loader(const LoaderFacts& loader, const std::string& id) {
  return {.by = NextBy::LoaderEntry,
          .number = 0,
          .entry = id,
          .text = concat(printable(id), ", once, by LoaderEntryOneShot of ", printable(loader.name),
                         is_own(loader) ? ", when the next start comes to vhdboot by itself" : "")};
}

NextBoot by_loader_menu(const LoaderFacts& loader) {
  return {.by = NextBy::LoaderMenu,
          .number = 0,
          .entry = {},
          .text = concat("the boot menu of ", printable(loader.name), ", once, by LoaderConfigTimeoutOneShot")};
}

NextBoot by_grub(const std::string& name) {
  return {
      .by = NextBy::Grub, .number = 0, .entry = name, .text = concat(printable(name), ", once, by next_entry of GRUB")};
}

NextBoot by_ventoy(const std::string& json, const std::string& image) {
  return {.by = NextBy::Ventoy,
          .number = 0,
          .entry = image,
          .text = concat(printable(image), ", at every start until it is cleared, by VTOY_DEFAULT_IMAGE in ",
                         printable(json)),
          .file = json};
}

bool is_entry(std::string_view id, std::string_view name) {
  if (equals_ignoring_ascii_case(id, name)) return true;
  std::string_view own = id;
  if (own.starts_with(kFoundByItself)) own.remove_prefix(kFoundByItself.size());
  if (own.starts_with(kOwnPrefix) && is_entry(own.substr(kOwnPrefix.size()), name)) return true;
  for (const std::string_view end : {".conf", ".efi"})
    if (id.ends_with(end) && equals_ignoring_ascii_case(id.substr(0, id.size() - end.size()), name)) return true;
  return false;
}

const std::string* find_loader_entry(const LoaderFacts& loader, std::string_view name) {
  const auto found = std::ranges::find_if(loader.entries, [&](const std::string& id) { return is_entry(id, name); });
  return found == loader.entries.end() ? nullptr : &*found;
}

std::string what_there_is(const NextBootFacts& facts) {
  std::string list;
  const auto add = [&](std::string_view name) { list += concat(list.empty() ? "" : ", ", quoted(name)); };
  if (facts.loader.can(LoaderFacts::kEntryOneShot))
    for (const std::string& id : facts.loader.entries) add(id);
  for (const FirmwareEntry& entry : facts.menu.entries) add(entry.option.title);
  if (facts.grub && !facts.in_guest)
    for (const GrubMenuEntry& entry : facts.grub->entries) add(entry.title);
  return list.empty() ? "nothing that can be named" : list;
}

Result<NextBoot> choose_setup(const NextBootFacts& facts) {
  if (!facts.has_firmware) return fail(Code::Unsupported, "this system has no EFI variables: was it started by UEFI?");
  if (!facts.setup.supported)
    return fail(Code::Unsupported, "this firmware cannot be told to go into its setup: press its key at the start");
  return by_setup();
}

Result<NextBoot> choose_menu(const NextBootFacts& facts) {
  if (facts.loader.can(LoaderFacts::kTimeoutOneShot)) return by_loader_menu(facts.loader);
  if (is_own(facts.loader) && facts.loader.can(LoaderFacts::kEntryOneShot))
    return by_loader(facts.loader, std::string(kOwnMenu));
  return fail(Code::Unsupported,
              concat("no boot menu can be told to show itself: ",
                     facts.loader.name.empty() ? "this boot loader does not speak the Boot Loader Interface"
                                               : concat(printable(facts.loader.name), " does not know how to"),
                     "; in vhdboot's start Esc or the space bar opens the menu"));
}

Result<NextBoot> choose_windows(const NextBootFacts& facts) {
  if (const FirmwareEntry* entry = windows_entry(facts.menu)) return by_firmware(facts.menu, entry->number);
  if (const std::string* id = find_loader_entry(facts.loader, "auto-windows");
      id != nullptr && facts.loader.can(LoaderFacts::kEntryOneShot))
    return by_loader(facts.loader, *id);
  return fail(Code::NotFound, concat("there is no Windows in the firmware's menu; it has ", what_there_is(facts)));
}

Result<NextBoot> choose_grub(const GrubFacts& grub, const GrubMenuEntry& entry) {
  TRY(check_next_entry(grub));
  return by_grub(entry.name);
}

}  // namespace

NextBootFacts read_next_boot_facts(const RunningSystem& system) {
  const EfiVariables variables = system.variables();
  NextBootFacts facts;
  facts.has_firmware = variables.available();
  if (facts.has_firmware) {
    facts.menu = read_firmware_menu(variables);
    facts.setup = read_setup_request(variables);
    facts.loader = read_loader_facts(variables);
  }
  facts.grub = read_grub_facts(system);
  facts.ventoy = read_ventoy_volumes(system);
  const auto line = read_text(system.at("/proc/cmdline"));
  facts.in_guest = line && guest::read_start(kexec::CommandLine::parse(*line));
  return facts;
}

Result<NextBoot> choose_next_boot(const RunningSystem& system, const NextBootFacts& facts, std::string_view name) {
  if (name.starts_with('/')) {
    const VentoyImage image = TRY(find_ventoy_image(system, facts.ventoy, name));
    const std::string& json = image.volume->json;
    TRY(set_ventoy_default(json.empty() ? std::nullopt : std::optional(json), image.path));
    return by_ventoy(image.volume->json_path(), image.path);
  }
  if (name == "firmware") return choose_setup(facts);
  if (name == "menu") return choose_menu(facts);
  if (name == "windows") return choose_windows(facts);
  if (const std::string* id = find_loader_entry(facts.loader, name)) {
    if (!facts.loader.can(LoaderFacts::kEntryOneShot))
      return fail(Code::Unsupported,
                  concat(printable(facts.loader.name), " cannot be told to start ", quoted(*id), " once"));
    return by_loader(facts.loader, *id);
  }
  // vhdboot takes the name of every image, also of those that it knew nothing of when it told of some.
  if (is_own(facts.loader) && facts.loader.can(LoaderFacts::kEntryOneShot) && name.starts_with(kOwnPrefix))
    return by_loader(facts.loader, std::string(name));
  if (const FirmwareEntry* entry = TRY(find_entry(facts.menu, name))) return by_firmware(facts.menu, entry->number);
  if (facts.grub) {
    const GrubMenuEntry* entry = TRY(find_entry(*facts.grub, name));
    if (entry != nullptr && facts.in_guest)
      return fail(
          Code::Unsupported,
          concat(quoted(entry->title), " is an entry of the GRUB in this image, which does not start this machine"));
    if (entry != nullptr) return choose_grub(*facts.grub, *entry);
  }
  return fail(Code::NotFound, concat("nothing is called ", quoted(name), "; there is ", what_there_is(facts)));
}

std::vector<NextBoot> set_next_boots(const NextBootFacts& facts) {
  std::vector<NextBoot> set;
  if (facts.setup.requested()) set.push_back(by_setup());
  if (facts.menu.next) set.push_back(by_firmware(facts.menu, *facts.menu.next));
  if (facts.loader.entry_one_shot) set.push_back(by_loader(facts.loader, *facts.loader.entry_one_shot));
  if (facts.loader.timeout_one_shot) set.push_back(by_loader_menu(facts.loader));
  if (facts.grub && !facts.in_guest)
    if (const auto next = next_entry(*facts.grub)) set.push_back(by_grub(*next));
  for (const VentoyVolume& volume : facts.ventoy)
    if (const auto own = ventoy_default(volume.json)) set.push_back(by_ventoy(volume.json_path(), own->image));
  return set;
}

Result<void> set_next_boot(const RunningSystem& system, const NextBootFacts& facts, const NextBoot& next) {
  const EfiVariables variables = system.variables();
  switch (next.by) {
    case NextBy::BootNext:
      return variables.write(kBootNext, kGlobalVariables, pack_boot_numbers({next.number}));
    case NextBy::Setup:
      return variables.write(kOsIndications, kGlobalVariables,
                             pack_u64(facts.setup.indications | SetupRequest::kBootToSetup));
    case NextBy::LoaderEntry:
      return variables.write(kEntryOneShot, kLoaderVariables, efi_text(next.entry));
    case NextBy::LoaderMenu:
      return variables.write(kTimeoutOneShot, kLoaderVariables, efi_text(kMenuForce));
    case NextBy::Ventoy:
      return write_ventoy_default(system, next.file, next.entry);
    case NextBy::Grub:
      break;
  }
  return write_environment(system, *facts.grub, TRY(with_variable(facts.grub->environment, kNextEntry, next.entry)));
}

Result<void> clear_next_boot(const RunningSystem& system, const NextBootFacts& facts, const NextBoot& next) {
  const EfiVariables variables = system.variables();
  switch (next.by) {
    case NextBy::BootNext:
      return variables.remove(kBootNext, kGlobalVariables);
    case NextBy::Setup:
      return variables.write(kOsIndications, kGlobalVariables,
                             pack_u64(facts.setup.indications & ~SetupRequest::kBootToSetup));
    case NextBy::LoaderEntry:
      return variables.remove(kEntryOneShot, kLoaderVariables);
    case NextBy::LoaderMenu:
      return variables.remove(kTimeoutOneShot, kLoaderVariables);
    case NextBy::Ventoy:
      return write_ventoy_default(system, next.file, "");
    case NextBy::Grub:
      break;
  }
  return write_environment(system, *facts.grub, TRY(with_variable(facts.grub->environment, kNextEntry, std::nullopt)));
}

}  // namespace vhdboot::command
