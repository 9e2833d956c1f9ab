// SPDX-License-Identifier: GPL-2.0-or-later
// The small file beside a differencing image that says: it is being merged into its parent, which is neither the old
// one nor the new one until that is done.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "vhd/disk.h"
#include "vhd/merge.h"

namespace vhdboot::vhdtool {

class MergeMark {
 public:
  /// Of the image at `image`.
  explicit MergeMark(const std::string& image) : image_(image), path_(image + vhd::kMergeMark) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  /// The path of the parent, which lies in the same folder; nothing where no merge was begun.
  [[nodiscard]] Result<std::optional<std::string>> parent() const;
  /// Durable when it returns.
  [[nodiscard]] Result<void> put(const std::string& parent) const;
  /// Durable when it returns; one that is not there is fine.
  [[nodiscard]] Result<void> remove() const;

 private:
  std::string image_;
  std::string path_;
};

/// Unsafe when a merge of the image at `path`, `info`, into its parent was begun: it has to be completed before
/// anything else is done with the two.
[[nodiscard]] Result<void> check_no_merge(const std::string& path, const vhd::DiskInfo& info);

}  // namespace vhdboot::vhdtool
