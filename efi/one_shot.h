// SPDX-License-Identifier: GPL-2.0-or-later
// The request to boot an image once, which an operating system has left in a variable of the firmware:
// LoaderEntryOneShot of systemd's Boot Loader Interface (systemd.io/BOOT_LOADER_INTERFACE).
#pragma once

#include <optional>

#include "efi/fixed_text.h"
#include "efi/loader_variables.h"

namespace vhdboot::efi {

/// Larger values are no id of ours: the name of a file has 255 characters at most.
inline constexpr std::size_t kMaxOneShotSize = 1024;

struct OneShot {
  FixedText<kMaxOneShotSize / 2 * 3> name;  ///< of the image, UTF-8 on one line; empty for the menu
  bool menu = false;
};

/// Reads "vhdboot-debian" or "auto-vhdboot-debian": UTF-16 up to its NUL or its end. Nothing for the id of another boot
/// loader's entry. What cannot be part of a name becomes '?', which no file can have: it is told and not found.
[[nodiscard]] std::optional<OneShot> parse_one_shot(Bytes value);

struct TakenOneShot {
  std::optional<OneShot> request;
  Sentence problem;      ///< empty when there is none
  bool ignored = false;  ///< `problem` is that a request to us does not count
};

/// Takes the request that is meant for us out of the firmware's memory. It counts only when it is gone then: otherwise
/// every start would be that one. The id of another's entry stays, and so does everything when the boot loader before
/// us takes such requests.
[[nodiscard]] TakenOneShot take_one_shot(EFI_RUNTIME_SERVICES& runtime);

}  // namespace vhdboot::efi
