// SPDX-License-Identifier: GPL-2.0-or-later
// depmod's binary indexes (modules.dep.bin and the like): what mkinitcpio leaves in an initrd of depmod's files.
// Format: kmod, libkmod/libkmod-index.c.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "init/modules/modules.h"

namespace vhdboot::modules {

struct IndexEntry {
  std::string key;    ///< the name of a module, or an alias with '_' for '-'
  std::string value;  ///< a line of modules.dep, the name of a module, or nothing

  friend bool operator==(const IndexEntry&, const IndexEntry&) = default;
};

/// All that it holds, by key. Corrupt when it is damaged; NoMemory when they take more than kMaxIndexBytes.
[[nodiscard]] Result<std::vector<IndexEntry>> read_depmod_index(Bytes bytes);

/// Which of the texts the binary index of this file name stands for; null when it is none that is read here.
[[nodiscard]] std::string ModuleTexts::* text_of_index(std::string_view file);

/// Its contents as that text. Errors as read_depmod_index(), NoMemory for a text of more than kMaxIndexBytes as well.
[[nodiscard]] Result<std::string> index_as_text(std::string_view file, Bytes bytes);

}  // namespace vhdboot::modules
