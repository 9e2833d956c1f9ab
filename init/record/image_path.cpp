// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/image_path.h"

#include "base/text.h"

namespace vhdboot::record {

namespace {
constexpr std::string_view kUntold = "the firmware did not tell from which file it started this program";
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
  for (const std::string_view ending : {".vhd", ".img", ".raw"})
    candidates.push_back(TRY(program.sibling(concat(program.stem(), ending))));
  return candidates;
}

}  // namespace vhdboot::record
