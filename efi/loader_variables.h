// SPDX-License-Identifier: GPL-2.0-or-later
// The variables of the firmware by which a boot loader and systemd talk to each other: the Boot Loader Interface
// (systemd.io/BOOT_LOADER_INTERFACE). What we set is kept in memory, and gone after a restart.
#pragma once

#include <string_view>

#include "efi/fixed_text.h"
#include "efi/uefi.h"

namespace vhdboot::efi {

inline constexpr Name16 kLoaderInfo(u"LoaderInfo");
inline constexpr Name16 kLoaderFeatures(u"LoaderFeatures");
inline constexpr Name16 kLoaderEntries(u"LoaderEntries");
inline constexpr Name16 kLoaderEntryOneShot(u"LoaderEntryOneShot");

/// Begins the ids of our entries: "vhdboot-debian" is the image debian.vhd.
inline constexpr std::string_view kEntryPrefix = "vhdboot-";
/// Begins the ids of entries that nobody has written down. Of the ids that a boot loader tells of, logind believes in
/// no others; in front of ours it means nothing.
inline constexpr std::string_view kFoundByItself = "auto-";
/// The menu, among the names of images.
inline constexpr std::string_view kMenuEntry = "menu";

struct LoaderVariable {
  EFI_STATUS status = EFI_SUCCESS;
  UINT32 attributes = 0;
  Bytes value;  ///< within the buffer
};

namespace loader_variables_detail {
[[nodiscard]] LoaderVariable read(EFI_RUNTIME_SERVICES& runtime, CHAR16* name, MutableBytes buffer);
[[nodiscard]] EFI_STATUS write(EFI_RUNTIME_SERVICES& runtime, CHAR16* name, UINT32 attributes, Bytes value);
}  // namespace loader_variables_detail

/// EFI_BUFFER_TOO_SMALL when the value has more bytes than `buffer`.
template <std::size_t Size>
[[nodiscard]] LoaderVariable read_loader_variable(EFI_RUNTIME_SERVICES& runtime, Name16<Size> name,
                                                  MutableBytes buffer) {
  return loader_variables_detail::read(runtime, name.text.data(), buffer);
}

/// An empty value removes the variable.
template <std::size_t Size>
[[nodiscard]] EFI_STATUS write_loader_variable(EFI_RUNTIME_SERVICES& runtime, Name16<Size> name, UINT32 attributes,
                                               Bytes value) {
  return loader_variables_detail::write(runtime, name.text.data(), attributes, value);
}

/// Whether LoaderInfo and LoaderFeatures say that the boot loader that started us takes LoaderEntryOneShot: it has done
/// so then, and what is there now is meant for it.
[[nodiscard]] bool earlier_loader_takes_one_shots(EFI_RUNTIME_SERVICES& runtime);

/// The ids of what can be booted once, as LoaderEntries has them: one behind the other, each with a NUL.
class EntryList {
 public:
  /// Some firmware has 1 KiB for a variable with its name and its header.
  static constexpr std::size_t kMaxUnits = 448;

  /// Begins with the menu.
  EntryList() { add(kMenuEntry); }

  /// `name` is that of an image without its extension. Nothing is added when it is there already, when there is no more
  /// room, or when it has other characters than systemd takes in an id: letters, digits and "+-_.".
  void add(std::string_view name);

  [[nodiscard]] Bytes bytes() const { return as_bytes({reinterpret_cast<const char*>(units_.data()), 2 * size_}); }

 private:
  [[nodiscard]] bool has(std::string_view name) const;

  std::array<CHAR16, kMaxUnits> units_{};
  std::size_t size_ = 0;
};

/// Whether nobody has set LoaderInfo in this boot, as far as the firmware can tell.
[[nodiscard]] bool is_first_loader(EFI_RUNTIME_SERVICES& runtime);

/// Tells the operating system to come who we are, that one-shot entries work, and which there are. Ask
/// is_first_loader() before: what another boot loader has said stays. What the firmware does not take is not told.
void set_loader_variables(EFI_RUNTIME_SERVICES& runtime, const EntryList& entries);

}  // namespace vhdboot::efi
