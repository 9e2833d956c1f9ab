// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/firmware_menu.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/text.h"

namespace vhdboot::command {
namespace {

std::optional<std::vector<std::byte>> value_of(const EfiVariables& variables, std::string_view name,
                                               std::string_view vendor) {
  auto value = variables.read(name, vendor);
  return value ? *std::move(value) : std::nullopt;
}

std::optional<std::uint16_t> one_number(const EfiVariables& variables, std::string_view name) {
  const auto value = value_of(variables, name, kGlobalVariables);
  const auto numbers = value ? parse_boot_numbers(*value) : fail(Code::NotFound, "");
  if (!numbers || numbers->size() != 1) return std::nullopt;
  return numbers->front();
}

std::uint64_t u64_of(const EfiVariables& variables, std::string_view name, std::string_view vendor) {
  const auto value = value_of(variables, name, vendor);
  return value ? load_le<std::uint64_t>(*value, 0).value_or(0) : 0;
}

bool is_windows(const BootOption& option) {
  return equals_ignoring_ascii_case(option.file, "/EFI/Microsoft/Boot/bootmgfw.efi") ||
         option.title == "Windows Boot Manager";
}

// "debian" of "/EFI/vhdboot/debian.efi".
std::string_view stem_of(std::string_view file) {
  file.remove_prefix(file.rfind('/') + 1);
  return file.substr(0, file.rfind('.'));
}

}  // namespace

const FirmwareEntry* FirmwareMenu::find(std::uint16_t number) const {
  const auto found = std::ranges::find(entries, number, &FirmwareEntry::number);
  return found == entries.end() ? nullptr : &*found;
}

FirmwareMenu read_firmware_menu(const EfiVariables& variables) {
  FirmwareMenu menu;
  for (const std::string& name : variables.names(kGlobalVariables)) {
    const auto number = boot_number(name);
    if (!number || menu.entries.size() >= kMaxBootOptions) continue;
    const auto value = value_of(variables, name, kGlobalVariables);
    auto option = value ? parse_boot_option(*value) : fail(Code::NotFound, "");
    if (option) menu.entries.push_back({.number = *number, .option = *std::move(option)});
  }
  if (const auto order = value_of(variables, "BootOrder", kGlobalVariables))
    menu.order = parse_boot_numbers(*order).value_or(std::vector<std::uint16_t>());
  menu.current = one_number(variables, "BootCurrent");
  menu.next = one_number(variables, "BootNext");
  return menu;
}

std::string describe(const FirmwareMenu& menu, std::uint16_t number) {
  const FirmwareEntry* entry = menu.find(number);
  return concat(boot_variable(number), entry == nullptr ? "" : concat(' ', printable(entry->option.title)));
}

const FirmwareEntry* windows_entry(const FirmwareMenu& menu) {
  // One that the firmware starts by itself rather than one that was left over.
  for (const std::uint16_t number : menu.order)
    if (const FirmwareEntry* entry = menu.find(number); entry != nullptr && is_windows(entry->option)) return entry;
  const auto found = std::ranges::find_if(menu.entries, is_windows, &FirmwareEntry::option);
  return found == menu.entries.end() ? nullptr : &*found;
}

Result<const FirmwareEntry*> find_entry(const FirmwareMenu& menu, std::string_view name) {
  const auto number = boot_number(name.size() == 4 ? concat("Boot", to_upper_ascii(name)) : std::string(name));
  if (const FirmwareEntry* entry = number ? menu.find(*number) : nullptr) return entry;
  const auto by = [&](auto matches) -> Result<const FirmwareEntry*> {
    const FirmwareEntry* found = nullptr;
    for (const FirmwareEntry& entry : menu.entries) {
      if (!matches(entry.option)) continue;
      if (found != nullptr)
        return fail(Code::Invalid, concat(describe(menu, found->number), " and ", describe(menu, entry.number),
                                          " have that name: say the number"));
      found = &entry;
    }
    return found;
  };
  const auto* titled =
      TRY(by([&](const BootOption& option) { return equals_ignoring_ascii_case(option.title, name); }));
  if (titled != nullptr) return titled;
  return by([&](const BootOption& option) {
    return !option.file.empty() && equals_ignoring_ascii_case(stem_of(option.file), name);
  });
}

std::uint16_t free_number(const FirmwareMenu& menu, const std::vector<std::string>& names) {
  std::uint16_t number = 0;
  while (menu.find(number) != nullptr || std::ranges::find(names, boot_variable(number)) != names.end()) ++number;
  return number;
}

LoaderFacts read_loader_facts(const EfiVariables& variables) {
  LoaderFacts facts;
  facts.name = variables.read_text("LoaderInfo", kLoaderVariables).value_or("");
  facts.features = u64_of(variables, "LoaderFeatures", kLoaderVariables);
  if (const auto entries = value_of(variables, "LoaderEntries", kLoaderVariables)) facts.entries = efi_texts(*entries);
  facts.entry_one_shot = variables.read_text("LoaderEntryOneShot", kLoaderVariables);
  facts.timeout_one_shot = variables.read_text("LoaderConfigTimeoutOneShot", kLoaderVariables);
  return facts;
}

SetupRequest read_setup_request(const EfiVariables& variables) {
  return {
      .indications = u64_of(variables, "OsIndications", kGlobalVariables),
      .supported = (u64_of(variables, "OsIndicationsSupported", kGlobalVariables) & SetupRequest::kBootToSetup) != 0};
}

std::vector<std::byte> pack_u64(std::uint64_t value) {
  std::vector<std::byte> bytes(sizeof value);
  (void)store_le(bytes, 0, value);
  return bytes;
}

}  // namespace vhdboot::command
