// SPDX-License-Identifier: GPL-2.0-or-later
// A stub that is called a unified kernel image and holds paths and hashes in the place of the kernel and the initrd, as
// lanzaboote makes them for NixOS (its rust/tool/shared/src/pe.rs): `.linux` and `.initrd` are paths on the same
// volume, `.linuxh` and `.initrdh` the SHA-256 of what lies there.
#pragma once

#include <optional>
#include <string>

#include "base/byte_source.h"
#include "base/result.h"
#include "base/sha256.h"
#include "entry/uki.h"

namespace vhdboot::entry {

struct NamedFile {
  std::string path;  ///< with '/' in front of each component
  Sha256Digest digest{};
};

struct ThinUki {
  NamedFile kernel;
  std::optional<NamedFile> initrd;
};

inline constexpr std::uint64_t kMaxThinPath = 4096;  ///< bytes

/// What `uki`, which was parsed from `file`, names; nothing for one that holds its kernel. Corrupt: a path that is
/// none, or without a hash.
[[nodiscard]] Result<std::optional<ThinUki>> parse_thin_uki(const ByteSource& file, const Uki& uki);

/// Corrupt when the hash of `contents` is another one. Io as the source says.
[[nodiscard]] Result<void> check_digest(const ByteSource& contents, const NamedFile& named);

}  // namespace vhdboot::entry
