// SPDX-License-Identifier: GPL-2.0-or-later
// Would an image boot from where it lies: all that a boot looks at, looked at by the running system. Changes nothing.
#pragma once

#include <string>

#include "base/result.h"
#include "tools/vhdtool/finding.h"

namespace vhdboot::vhdtool {

struct ImageToJudge {
  std::string file;           ///< a path here, or on `volume`
  std::string volume;         ///< a device or file that nobody has mounted; empty: `file` is on a mounted file system
  std::string parent_volume;  ///< where the volume of parents is that are not on that of the image: a device or file
                              ///< as `volume`, else the folder where it is mounted; empty: what the configuration
                              ///< names, if it is here
  std::string conf;           ///< the configuration to judge by; empty: the one beside the image
};

/// An error says that it could not be judged.
[[nodiscard]] Result<Findings> judge_image(const ImageToJudge& asked);

}  // namespace vhdboot::vhdtool
