// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/needed_modules.h"

#include "base/text.h"
#include "init/core/quoted.h"

namespace vhdboot::core {

namespace {

constexpr std::string_view kDeviceMapper = "dm_mod";
constexpr std::string_view kLoop = "loop";

std::string_view driver_of(volume::Kind kind) {
  return kind == volume::Kind::Ntfs ? "ntfs3" : "exfat";
}

/// What a module is to a person.
std::string what_is(std::string_view module, volume::Kind kind) {
  if (module == kDeviceMapper) return concat("device-mapper (", module, ')');
  if (module == kLoop) return concat("loop devices (", module, ')');
  return concat("driver for ", volume::name(kind), " (", module, ')');
}

std::optional<std::string> first_missing(const ModuleIndex& index, Engine engine, volume::Kind kind) {
  for (auto& module : engine_modules(engine, kind))
    if (!index.has(module)) return std::move(module);
  return std::nullopt;
}

}  // namespace

std::vector<std::string> engine_modules(Engine engine, volume::Kind kind) {
  return {std::string(engine == Engine::Extents ? kDeviceMapper : driver_of(kind)), std::string(kLoop)};
}

Result<void> check_engine(const ModuleIndex& index, Engine engine, volume::Kind kind, std::string_view release) {
  const auto missing = first_missing(index, engine, kind);
  if (!missing) return {};
  const Engine other = engine == Engine::Extents ? Engine::Loop : Engine::Extents;
  const bool other_would_do = !first_missing(index, other, kind);
  return fail(Code::Unsupported, concat("kernel ", printable(release), " has no ", what_is(*missing, kind),
                                        ", which `attach ", name(engine), "` needs: ",
                                        other_would_do ? concat("use `attach ", name(other), "`")
                                                       : "start the guest with another kernel"));
}

bool is_builtin_driver(const ModuleIndex& index, std::string_view driver) {
  return index.is_builtin(driver == "sd" ? "sd_mod" : driver);
}

Result<std::vector<std::string>> module_directories(std::string_view release) {
  if (!fits_line(release) || release.find('/') != std::string_view::npos || release == "." || release == "..")
    return fail(Code::Invalid, concat("expected a kernel release, found ", quoted(release)));
  return std::vector{concat("/usr/lib/modules/", release), concat("/lib/modules/", release)};
}

}  // namespace vhdboot::core
