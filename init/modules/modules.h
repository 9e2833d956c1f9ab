// SPDX-License-Identifier: GPL-2.0-or-later
// Which module files a kernel needs for given names and devices, and in which order: depmod(8)'s text files, read as
// modprobe(8) reads them. What modprobe.d says (modprobe.h) is given along with them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::modules {

inline constexpr std::size_t kMaxIndexBytes = 16ULL << 20;  ///< of each file
inline constexpr std::size_t kMaxModules = 65'536;
inline constexpr std::size_t kMaxAliasBytes = 4096;  ///< longer ones match nothing; the kernel's end well below

/// The contents of the files in /lib/modules/RELEASE. Only modules.dep has to be there; the rest may be empty.
struct ModuleTexts {
  std::string dep;              ///< modules.dep
  std::string alias;            ///< modules.alias
  std::string softdep;          ///< modules.softdep
  std::string builtin;          ///< modules.builtin
  std::string builtin_modinfo;  ///< modules.builtin.modinfo: NUL-separated "name.key=value"
  std::string blacklist;        ///< a name a line: what no alias loads
};

/// "foo_bar" from "kernel/drivers/foo-bar.ko.xz".
[[nodiscard]] std::string module_name(std::string_view path);

/// What a file is loaded for: the first reason that was met.
struct LoadReason {
  enum class By : std::uint8_t {
    Request,         ///< it is what was asked for, or has that alias
    Dependency,      ///< `of` cannot do without it
    SoftDependency,  ///< `of` likes to have it
  };
  By by = By::Request;
  std::size_t wanted = 0;  ///< index of what was asked for
  std::string of;          ///< name of a module; empty for Request

  friend bool operator==(const LoadReason&, const LoadReason&) = default;
};

struct Resolution {
  std::vector<std::string> files;        ///< as in modules.dep, in the order to load, each once
  std::vector<LoadReason> reasons;       ///< one for each of `files`
  std::vector<std::string> builtin;      ///< names asked for that are part of the kernel
  std::vector<std::size_t> builtin_for;  ///< for each of `builtin` the index of what was asked for
  std::vector<std::string> missing;      ///< names and aliases asked for that nothing provides, as they were given
};

class ModuleIndex {
 public:
  /// Corrupt for paths with ".." and for a malformed modules.dep; NoMemory beyond the caps.
  [[nodiscard]] static Result<ModuleIndex> parse(ModuleTexts texts);
  ModuleIndex(ModuleIndex&&) noexcept;
  ModuleIndex& operator=(ModuleIndex&&) noexcept;
  ~ModuleIndex();

  /// The file of a module; absent when there is none of that name. '-' and '_' are the same in names.
  [[nodiscard]] std::optional<std::string_view> file(std::string_view name) const;
  [[nodiscard]] bool is_builtin(std::string_view name) const;
  /// A file of its own or part of the kernel.
  [[nodiscard]] bool has(std::string_view name) const { return file(name) || is_builtin(name); }
  /// The modules, built in or not, with an alias that matches; each once, and without those that are blacklisted,
  /// unless no other is left. usb_storage is one for uas.
  [[nodiscard]] std::vector<std::string> by_alias(std::string_view alias) const;

  /// What to load for each of `wanted`, a module name or an alias such as "pci:v00008086d...", in that order:
  /// dependencies, soft dependencies "pre", the module, soft dependencies "post". A soft dependency that is not there
  /// is not missing.
  [[nodiscard]] Resolution resolve(std::span<const std::string> wanted) const;

 private:
  struct Tables;
  class Walk;
  explicit ModuleIndex(std::unique_ptr<Tables> tables);
  std::unique_ptr<Tables> tables_;
};

}  // namespace vhdboot::modules
