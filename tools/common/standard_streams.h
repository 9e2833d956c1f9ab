// SPDX-License-Identifier: GPL-2.0-or-later
// Descriptors 0, 1 and 2, which a program may be started without.
#pragma once

namespace vhdboot::tools {

/// Opens those of the three that are closed on /dev/null. Otherwise the next file that is opened becomes one of them,
/// and what is printed is written into it. False when that fails: then nothing may be opened for writing.
[[nodiscard]] bool open_standard_streams();

}  // namespace vhdboot::tools
