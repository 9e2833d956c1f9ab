// SPDX-License-Identifier: GPL-2.0-or-later
// The archives by which systemd-stub hands files to the guest's initrd, under /.extra: byte for byte what version 257
// makes (src/boot/cpio.c there), but as pieces, so that a large file is not copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "kexec/plan.h"

namespace vhdboot::entry {

/// A file for such an archive; its contents are a part of a file that is borrowed.
struct StubFile {
  std::string name;  ///< plain, without '/'
  kexec::Piece contents;
};

struct StubFolder {
  std::string_view path;  ///< relative: ".extra/credentials"; the folders above it get mode 0555
  std::uint32_t folder_mode = 0555;
  std::uint32_t file_mode = 0444;
};

/// Collects archives as pieces: those of the borrowed files, and between them pieces of what is collected here.
class StubArchives {
 public:
  /// One archive with these files, in this order; none when there are no files. Invalid: a name or a file that the
  /// format cannot hold; nothing is added then.
  [[nodiscard]] Result<void> add(const StubFolder& folder, const std::vector<StubFile>& files);

  struct Finished {
    std::vector<kexec::Piece> pieces;   ///< each to be placed at a multiple of 4, gaps are zero bytes
    std::unique_ptr<ByteSource> owned;  ///< of the pieces that are no file's; must outlive them; stays where it is
  };
  [[nodiscard]] Finished finish() &&;

 private:
  std::vector<std::byte> bytes_;
  std::vector<kexec::Piece> pieces_;  // without a file: a part of bytes_
};

}  // namespace vhdboot::entry
