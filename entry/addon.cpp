// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/addon.h"

#include <utility>

#include "base/text.h"
#include "entry/pe.h"
#include "entry/uki.h"

namespace vhdboot::entry {

namespace {

// A section without a byte counts as none, and then so does a later one of its name.
const Section* find_filled(const PeFile& pe, std::string_view name) {
  const Section* section = pe.find(name);
  return section != nullptr && !section->data.empty() ? section : nullptr;
}

std::optional<Range> data_of(const Section* section) {
  return section == nullptr ? std::nullopt : std::optional(section->data);
}

}  // namespace

Result<Addon> parse_addon(const ByteSource& file, const std::optional<std::string>& uname) {
  const PeFile pe = TRY(parse_pe(file));
  if (find_filled(pe, ".linux") != nullptr)
    return fail(Code::Unsupported, "a unified kernel image, not an addon: it has a .linux section");
  const Section* cmdline = find_filled(pe, ".cmdline");
  Addon addon{.cmdline = {},
              .initrd = data_of(find_filled(pe, ".initrd")),
              .ucode = data_of(find_filled(pe, ".ucode")),
              .devicetree = find_filled(pe, ".dtb") != nullptr || find_filled(pe, ".dtbauto") != nullptr};
  if (cmdline == nullptr && !addon.initrd && !addon.ucode && !addon.devicetree)
    return fail(Code::NotFound, "nothing to add: it has no .cmdline, .initrd or .ucode section");

  if (const Section* section = find_filled(pe, ".uname"); uname && section != nullptr) {
    const std::string wanted = TRY(read_text(file, *section));
    // A NUL within the section ends the comparison: both texts must end there.
    const bool whole = wanted.size() < section->data.length;
    if (whole ? *uname != wanted : !uname->starts_with(wanted))
      return fail(Code::Unsupported,
                  concat("made for kernel ", printable(trim(wanted)), ", the image has ", printable(trim(*uname))));
  }
  if (cmdline != nullptr) addon.cmdline = clean_cmdline(TRY(read_text(file, *cmdline)));
  return addon;
}

}  // namespace vhdboot::entry
