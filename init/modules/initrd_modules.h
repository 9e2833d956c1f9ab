// SPDX-License-Identifier: GPL-2.0-or-later
// What an initrd brings of kernel modules, when there is no other place to take them from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "init/modules/decompress.h"
#include "init/modules/modules.h"
#include "init/modules/needed_modules.h"

namespace vhdboot::modules {

inline constexpr std::uint64_t kMaxInitrdBytes = 4ULL << 30;  ///< of all archives together, uncompressed
inline constexpr std::size_t kMaxInitrdEntries = 1'000'000;
inline constexpr std::size_t kMaxInitrdStreams = 10'000;  ///< of compressed data

struct InitrdModules {
  /// Those of the kernel, or what depmod's binary indexes hold of the same; `dep` has the files that are there, whether
  /// or not depmod tells of them.
  ModuleTexts texts;
  bool has_modprobe = false;   ///< in one of modprobe_programs()
  bool tells_builtin = false;  ///< the names of what the kernel has built in
  bool tells_aliases = false;  ///< those of its modules and of what it has built in
};

/// Where stage 2 looks for the initrd's modprobe, in this order.
[[nodiscard]] std::span<const std::string_view> modprobe_programs();

/// Lists what an initrd holds for the kernel `release`, as the kernel unpacks it: archives one after the other,
/// compressed or not, with zeros between. Corrupt for what the kernel would not unpack to its end (the checksums of an
/// archive and the kind of xz's are not looked at), Unsupported for what is compressed in a way that is not read here,
/// NoMemory beyond the caps, Invalid without a release; and errors of reading, and of what `make` works by, which are
/// never Corrupt.
[[nodiscard]] Result<InitrdModules> list_initrd(const ByteSource& initrd, std::string_view release,
                                                const MakeDecompressor& make);

/// Which modules that initrd's modprobe loads: none without a modprobe. Errors as ModuleIndex::parse().
[[nodiscard]] Result<ModuleIndex> index_of(const InitrdModules& initrd);

/// What of `wanted` the initrd lacks and the kernel does not have built in.
struct Lacking {
  std::vector<WantedModule> certain;
  std::vector<WantedModule> maybe;  ///< the initrd does not tell enough
};
/// Errors as index_of().
[[nodiscard]] Result<Lacking> find_lacking(const InitrdModules& initrd, std::span<const WantedModule> wanted);

/// What a person can do about an initrd that lacks them. `has_folder`: a folder of the volume was looked at in vain.
[[nodiscard]] std::string initrd_remedy(bool has_folder);

/// Whether what list_initrd() said of an initrd brings `wanted` for the kernel `release`, or that has it built in.
/// Unsupported, with a sentence, when it certainly does not; Corrupt when the kernel would not unpack it; otherwise a
/// sentence that says what is not known, empty when nothing is in doubt.
[[nodiscard]] Result<std::string> check_initrd(const Result<InitrdModules>& initrd,
                                               std::span<const WantedModule> wanted, std::string_view release);

}  // namespace vhdboot::modules
