// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/check_modules.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "init/core/needed_modules.h"
#include "init/core/vermagic.h"

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

std::vector<std::string> needed_files(const core::ModuleIndex& index, core::Engine engine,
                                      std::optional<volume::Kind> kind, const std::vector<sys::DrivenDevice>& chain) {
  std::vector<std::string> wanted;
  for (const sys::DrivenDevice& device : chain) wanted.push_back(device.alias);
  for (std::string& module : core::engine_modules(engine, kind.value_or(volume::Kind::Ntfs)))
    wanted.push_back(std::move(module));
  return index.resolve(wanted).files;
}

void check_module_files(const std::vector<std::string>& files, const ReadModule& read, std::string_view release,
                        Findings& findings) {
  for (const std::string& file : files) {
    const auto image = read(file);
    const auto fits = image ? core::check_vermagic(*image, release) : Result<void>(std::unexpected(image.error()));
    if (fits) continue;
    findings.error("vermagic",
                   concat(printable(file), ": ", fits.error().message(), "; install the guest's kernel package again"));
    return;
  }
  if (!files.empty())
    findings.ok("vermagic",
                concat("the ", files.size(), " modules of it that a boot takes along fit kernel ", printable(release)));
}

void modules_unchecked(std::string_view why, Findings& findings) {
  findings.warning("modules", concat("the guest's kernel modules were not checked: ", why));
}

}  // namespace vhdboot::tool
