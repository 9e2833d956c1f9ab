// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/check_writer.h"

#include "base/text.h"
#include "init/blocks/new_blocks.h"
#include "vhd/pieces.h"

namespace vhdboot::blocks {
namespace {

Error not_whole(const vhd::Disk& image, std::string_view so, std::string_view instead) {
  return {Code::Unsupported, 0,
          concat("it is a ", vhd::describe(image.info()), ", and not all of its disk lies in its file, so that ", so,
                 ": give it all of its blocks with `vhdtool provision --full`, or ", instead)};
}

}  // namespace

Result<void> check_writer(const vhd::Disk& image, bool forgets) {
  if (forgets || TRY(vhd::is_whole(image))) return {};
  const auto new_blocks = check_new_blocks(image.info());
  if (new_blocks) return {};
  return std::unexpected(
      not_whole(image, concat("a guest cannot write to it (", new_blocks.error().text, ')'),
                "say `ephemeral yes` in its configuration, so that what the guest writes is forgotten"));
}

Result<void> check_in_place(const vhd::Disk& image) {
  if (TRY(vhd::is_whole(image))) return {};
  return std::unexpected(not_whole(image, "no partition of it can be kept", "say `ephemeral yes` without `keep`"));
}

Result<void> check_further(const vhd::Disk& image) {
  if (TRY(vhd::is_whole(image))) return {};
  return std::unexpected(not_whole(image, "it cannot be written to as a further disk", "leave its `disk` line out"));
}

}  // namespace vhdboot::blocks
