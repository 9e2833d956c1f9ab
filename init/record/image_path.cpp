// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/image_path.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace vhdboot::record {

namespace {
constexpr std::string_view kUntold = "the firmware did not tell from which file it started this program";
constexpr std::array<std::string_view, 3> kBooted{".vhd", ".img", ".raw"};
constexpr std::string_view kAdvice = "say where the image is: image=/boot/debian.vhd in the load options";
}  // namespace

Result<std::vector<volume::Path>> image_candidates(const Config& config, const Origin& origin) {
  if (config.image) {
    if (config.image->starts_with('/')) return std::vector{TRY(volume::parse_path(*config.image))};
    if (!origin.path)
      return fail(Code::Invalid, concat("image ", *config.image, " is to be beside the EFI file, but ", kUntold,
                                        ": give the whole path, from / on"));
    const auto program = TRY(volume::parse_path(*origin.path));
    return std::vector{TRY(volume::parse_path(concat(program.parent().text(), '/', *config.image)))};
  }
  if (!origin.path) return fail(Code::NotFound, concat(kUntold, ": ", kAdvice));
  const auto program = TRY(volume::parse_path(*origin.path));
  if (program.is_root() || !equals_ignoring_ascii_case(program.extension(), ".efi"))
    return fail(Code::NotFound, concat("no name for the image follows from ", printable(program.text()),
                                       ", which does not end in .efi: ", kAdvice));
  std::vector<volume::Path> candidates;
  for (const std::string_view ending : kBooted)
    candidates.push_back(TRY(program.sibling(concat(program.stem(), ending))));
  return candidates;
}

bool has_booted_name(const volume::Path& path) {
  return std::ranges::find(kBooted, to_lower_ascii(path.extension())) != kBooted.end();
}

bool has_image_name(const volume::Path& path) {
  constexpr std::array<std::string_view, 5> kOthers{".vhdx", ".avhdx", ".vdi", ".vmdk", ".qcow2"};
  return has_booted_name(path) || std::ranges::find(kOthers, to_lower_ascii(path.extension())) != kOthers.end();
}

}  // namespace vhdboot::record
