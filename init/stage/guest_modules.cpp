// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_modules.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "init/core/needed_modules.h"
#include "init/guest/module_folder.h"
#include "init/sys/device_chain.h"

namespace vhdboot::stage {
namespace {

// The controllers first: the disk may need a second to appear, and the rest loads meanwhile.
std::vector<std::string> wanted_modules(const std::vector<sys::DrivenDevice>& chain,
                                        const std::vector<std::string>& engine_modules) {
  std::vector<std::string> wanted;
  for (const sys::DrivenDevice& device : chain) wanted.push_back(device.alias);
  wanted.insert(wanted.end(), engine_modules.begin(), engine_modules.end());
  return wanted;
}

bool is_builtin_driver(const core::ModuleIndex& index, const std::vector<sys::DrivenDevice>& chain,
                       const std::string& alias) {
  const auto device = std::ranges::find(chain, alias, &sys::DrivenDevice::alias);
  return device != chain.end() && core::is_builtin_driver(index, device->driver);
}

}  // namespace

Result<CarriedModules> collect_modules(guest::GuestDisk& disk, const FoundImage& image, const core::Config& config,
                                       const guest::ModuleRequest& request, const std::vector<std::string>& more,
                                       const sys::Reporter& report) {
  const core::Engine engine = config.engine();
  const volume::Kind kind = image.volume->reader->kind();
  const auto chain = sys::device_chain(image.volume->device);
  auto wanted = wanted_modules(chain, core::engine_modules(engine, kind));
  wanted.insert(wanted.end(), more.begin(), more.end());
  CarriedModules carried;
  std::string reason = "as configured";
  std::optional<guest::ModuleFolder> folder;
  if (config.module_source() == core::ModuleSource::Auto)
    folder = TRY(guest::find_module_folder(disk, config, request, reason));
  if (!folder) {
    report.warn(concat("taking no kernel modules from the guest's root (", reason,
                       "): relying on those in the guest's initrd"));
    carried.wanted = wanted;
    return carried;
  }

  const auto index = TRY_IN("the guest's kernel modules", guest::read_index(*folder));
  TRY(core::check_engine(index, engine, kind, request.release));
  const core::Resolution needed = index.resolve(wanted);
  for (const std::string& missing : needed.missing)
    if (!is_builtin_driver(index, chain, missing))
      report.warn(concat("kernel ", request.release, " has no module for ", missing));
  for (const std::string& file : needed.files)
    carried.files.push_back({.name = core::module_name(file),
                             .image = TRY_IN("the guest's kernel modules", guest::read_module(*folder, file))});
  return carried;
}

}  // namespace vhdboot::stage
