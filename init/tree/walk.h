// SPDX-License-Identifier: GPL-2.0-or-later
// All that is in the folder of a distribution of WSL 1, as Linux is to find it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "init/tree/distribution.h"
#include "init/volume/lx_file.h"
#include "init/volume/ntfs_tree.h"

namespace vhdboot::tree {

struct Counts {
  std::uint64_t files = 0;
  std::uint64_t directories = 0;
  std::uint64_t symlinks = 0;
  std::uint64_t hard_links = 0;
  std::uint64_t devices = 0;
  std::uint64_t fifos = 0;
  std::uint64_t sockets = 0;
  // Of these:
  std::uint64_t with_attributes = 0;
  std::uint64_t unescaped = 0;
  std::uint64_t without_metadata = 0;
  std::uint64_t windows_links = 0;
  std::uint64_t invalid_names = 0;
  std::uint64_t damaged = 0;  ///< said
  // Not taken:
  std::uint64_t sockets_left_out = 0;
  std::uint64_t streams = 0;
  std::uint64_t left_out = 0;  ///< said

  [[nodiscard]] std::uint64_t entries() const {
    return files + directories + symlinks + hard_links + devices + fifos + sockets;
  }

  friend bool operator==(const Counts&, const Counts&) = default;
};

/// One line; what is 0 only of files and folders.
[[nodiscard]] std::string describe(const Counts& counts);

struct Entry {
  std::string_view path;  ///< below the root; of a folder with '/' at its end, of the root empty
  std::size_t depth = 0;  ///< how many folders it lies in; of the root 0
  const volume::NtfsNode& node;
  const volume::LxFile& file;  ///< of a symbolic link with its target

  /// The last one of the path; of the root empty.
  [[nodiscard]] std::string_view name() const;
};

/// Why something is left out; empty: it was taken.
using WhyNot = std::string;

/// What is made of it. An error ends the walk.
class Visitor {
 public:
  Visitor() = default;
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;
  virtual ~Visitor() = default;

  /// Comes before what is in it.
  [[nodiscard]] virtual Result<void> directory(const Entry& entry) = 0;
  [[nodiscard]] virtual Result<WhyNot> file(const Entry& entry, const volume::NtfsContents& contents) = 0;
  /// A symbolic link, a device, a FIFO or a socket. False: there is no way to hold such a one.
  [[nodiscard]] virtual Result<bool> other(const Entry& entry) = 0;
  /// One more name of what was taken as `first`.
  [[nodiscard]] virtual Result<void> hard_link(const Entry& entry, std::string_view first) = 0;
  /// About a path below the root, for a person.
  virtual void say(std::string_view path, std::string_view text) = 0;
};

/// What cannot be read is said and left out. Unsupported for a folder with more than `most` entries.
[[nodiscard]] Result<Counts> walk(volume::NtfsTree& tree, const Distribution& distribution, std::uint64_t most,
                                  Visitor& visitor);

/// What an error says of the one file, not of the whole volume.
[[nodiscard]] bool is_local(const Error& error);

}  // namespace vhdboot::tree
