// SPDX-License-Identifier: GPL-2.0-or-later
// A file comes from a web server, block by block, each checked by the hash tree that lies beside it there. Until it is
// complete it is FILE.vhdtool-part, and its tree FILE.verity.vhdtool-part. Nothing else is kept of how far it is: what
// lies in those two is looked at again, and a block that is right need not come.
//
// A fixed VHD may be booted before: with what a boot needs it gets its name, but not its footer, and beside it are its
// tree, FILE.verity, and FILE.map (init/arrive/block_map.h).
#pragma once

#include <cstdint>
#include <string>

#include "base/sha256.h"
#include "vhd/byte_file.h"
#include "vhd/refusal.h"

namespace vhdboot::vhdtool {

/// What is beside a file, here and on the server: its hash tree.
[[nodiscard]] inline std::string tree_path(const std::string& path) {
  return path + ".verity";
}

struct Arrived {
  std::uint64_t size = 0;
  std::uint64_t moved = 0;  ///< bytes of it that came from the server
  bool was_there = false;   ///< the old file is the same: it stays
};

/// The file at `url`, whose root hash is `root`, becomes `path`, where nothing is. It is allocated and written with
/// zeros before a block comes; its first and last block, with what tells the format, are written when all others are on
/// stable storage.
[[nodiscard]] vhd::Attempt<Arrived> fetch(const std::string& url, const std::string& path, const Sha256Digest& root);

/// Of a fixed VHD what its boot needs, by the list beside it on the server. Unsupported for other files.
[[nodiscard]] vhd::Attempt<Arrived> fetch_boot_set(const std::string& url, const std::string& path,
                                                   const Sha256Digest& root);

/// What is missing of the file at `path`, which fetch_boot_set() has brought and which may have been booted since:
/// blocks that are there stay as they are.
[[nodiscard]] vhd::Attempt<Arrived> fetch_rest(const std::string& url, const std::string& path,
                                               const Sha256Digest& root);

/// The same in the place of the file `old` at `path`, whose blocks are taken where they are right.
[[nodiscard]] vhd::Attempt<Arrived> update(const std::string& url, const std::string& path, const Sha256Digest& root,
                                           const vhd::ByteFile& old);

}  // namespace vhdboot::vhdtool
