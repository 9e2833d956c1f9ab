// SPDX-License-Identifier: GPL-2.0-or-later
// One flush of the guest is one flush of its disk, in however many pieces the image lies.
//
// Before Linux 6.11 device-mapper sends a flush once for every row, and each becomes one of the disk. So the rows are a
// device of their own that is told to have no cache: what is flushed there ends at once. On top lies a second one, of
// one row over all of the first and a short one, the gate, on each partition: there a flush passes once. The gate comes
// behind the end of the disk, where nobody reads or writes.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "init/blocks/view.h"

namespace vhdboot::blocks {

/// `kernel`: what `uname -r` prints; one that cannot be read counts as new.
[[nodiscard]] bool needs_flush_gate(const View& view, bool read_only, std::string_view kernel);

/// The upper device over a lower one of `rows`. Its device 0 is the lower one, those of the rows from number `first` on
/// follow; those before it need no flush.
[[nodiscard]] std::vector<Row> flush_gate_rows(std::span<const Row> rows, std::size_t first = 0);

}  // namespace vhdboot::blocks
