// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/loader_variables.h"

#include "base/ascii.h"

namespace vhdboot::efi {

namespace {

constexpr Guid kLoaderInterface = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"_guid;
constexpr UINT32 kUntilRestart = EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS;
constexpr std::uint64_t kTakesOneShots = 1u << 3;  // of LoaderFeatures

bool is_id_character(char c) {
  const char lower = to_lower_ascii(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("+-_.").find(c) != std::string_view::npos;
}

template <std::size_t Size>
bool set(EFI_RUNTIME_SERVICES& runtime, const Name16<Size>& name, Bytes value) {
  return !failed(write_loader_variable(runtime, name, kUntilRestart, value));
}

}  // namespace

LoaderVariable loader_variables_detail::read(EFI_RUNTIME_SERVICES& runtime, CHAR16* name, MutableBytes buffer) {
  LoaderVariable variable;
  EFI_GUID guid = efi_guid(kLoaderInterface);
  UINTN size = buffer.size();
  variable.status = runtime.GetVariable(name, &guid, &variable.attributes, &size, buffer.data());
  if (failed(variable.status)) return variable;
  if (size > buffer.size())
    variable.status = EFI_BUFFER_TOO_SMALL;
  else
    variable.value = buffer.first(size);
  return variable;
}

EFI_STATUS loader_variables_detail::write(EFI_RUNTIME_SERVICES& runtime, CHAR16* name, UINT32 attributes, Bytes value) {
  EFI_GUID guid = efi_guid(kLoaderInterface);
  auto* const data = const_cast<std::byte*>(value.data());
  return runtime.SetVariable(name, &guid, attributes, value.size(), value.empty() ? nullptr : data);
}

bool earlier_loader_takes_one_shots(EFI_RUNTIME_SERVICES& runtime) {
  if (is_first_loader(runtime)) return false;
  std::array<std::byte, sizeof(std::uint64_t)> buffer{};
  const LoaderVariable features = read_loader_variable(runtime, kLoaderFeatures, buffer);
  return (load_le<std::uint64_t>(features.value, 0).value_or(0) & kTakesOneShots) != 0;
}

void EntryList::add(std::string_view name) {
  for (const char c : name)
    if (!is_id_character(c)) return;
  const std::size_t length = kFoundByItself.size() + kEntryPrefix.size() + name.size() + 1;
  if (name.empty() || length > kMaxUnits - size_ || has(name)) return;
  for (const std::string_view part : {kFoundByItself, kEntryPrefix, name})
    for (const char c : part) units_[size_++] = static_cast<unsigned char>(c);
  units_[size_++] = 0;
}

// Upper and lower case are alike on the volumes that images lie on.
bool EntryList::has(std::string_view name) const {
  const std::size_t before = kFoundByItself.size() + kEntryPrefix.size();
  for (std::size_t start = 0, end = 0; start < size_; start = end + 1) {
    for (end = start; units_[end] != 0;) ++end;
    if (end - start != before + name.size()) continue;
    std::size_t same = 0;
    while (same < name.size() &&
           to_lower_ascii(static_cast<char>(units_[start + before + same])) == to_lower_ascii(name[same]))
      ++same;
    if (same == name.size()) return true;
  }
  return false;
}

bool is_first_loader(EFI_RUNTIME_SERVICES& runtime) {
  return read_loader_variable(runtime, kLoaderInfo, {}).status == EFI_NOT_FOUND;
}

void set_loader_variables(EFI_RUNTIME_SERVICES& runtime, const EntryList& entries) {
  std::array<std::byte, sizeof(std::uint64_t)> features{};
  (void)store_le(MutableBytes(features), 0, kTakesOneShots);
  constexpr std::string_view kInfo = "vhdboot " VHDBOOT_VERSION;
  std::array<std::byte, 2 * kInfo.size() + 2> info{};
  for (std::size_t i = 0; i < kInfo.size(); ++i) info[2 * i] = static_cast<std::byte>(kInfo[i]);
  // LoaderInfo says that the others are ours: last of all.
  (void)(set(runtime, kLoaderEntries, entries.bytes()) && set(runtime, kLoaderFeatures, features) &&
         set(runtime, kLoaderInfo, info));
}

}  // namespace vhdboot::efi
