// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/check_modules.h"

#include <string>

#include "base/text.h"
#include "init/core/needed_modules.h"

namespace vhdboot::tool {

void check_modules(const core::ModuleIndex& index, core::Engine engine, std::optional<volume::Kind> kind,
                   std::string_view release, Findings& findings) {
  volume::Kind judged = kind.value_or(volume::Kind::Ntfs);
  auto fits = core::check_engine(index, engine, judged, release);
  if (!fits && !kind) {
    judged = volume::Kind::Exfat;
    if (auto other = core::check_engine(index, engine, judged, release)) {
      findings.warning("modules", fits.error().message());
      fits = other;
    }
  }
  if (!fits) {
    findings.error("modules", fits.error());
    return;
  }
  std::string names;
  for (const std::string& module : core::engine_modules(engine, judged))
    names += concat(names.empty() ? "" : ", ", module);
  findings.ok("modules", concat("kernel ", printable(release), " has what `attach ", name(engine), "` needs: ", names));
}

void modules_unchecked(std::string_view why, Findings& findings) {
  findings.warning("modules", concat("the guest's kernel modules were not checked: ", why));
}

}  // namespace vhdboot::tool
