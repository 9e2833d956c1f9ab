// SPDX-License-Identifier: GPL-2.0-or-later
// `inspect --plan`: what stage 1 would do, up to the kexec, and why.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace vhdboot::stage {

struct PlanRequest {
  std::string conf;    ///< path of a configuration file; empty: none
  std::string device;  ///< with the host volume, or a file that holds one; empty: all is as the stub's record says
  std::string path;    ///< of the image on it
};

struct BootPlan {
  std::vector<std::string> lines;  ///< the report
  bool warned = false;             ///< there are warnings among them, or a module is missing
};

/// Reads only: the image is attached read-only and detached again before this returns,
/// also with an error, which is the reason why it could not be booted.
[[nodiscard]] Result<BootPlan> plan_of_boot(const PlanRequest& request);

}  // namespace vhdboot::stage
