// SPDX-License-Identifier: GPL-2.0-or-later
// What raw2vhd tells about one file, for people and for programs.
#pragma once

#include <string>
#include <string_view>

#include "base/exit_status.h"
#include "tools/common/json.h"
#include "vhd/conversion.h"
#include "vhd/refusal.h"

namespace vhdboot::raw2vhd {

struct ReportOptions {
  bool dry_run = false;    ///< nothing was written: say what would be
  bool uuid_known = true;  ///< false: the UUID is made up anew when it is really done
};

/// Lines that each begin with the file's name and end with a line feed.
[[nodiscard]] std::string text_report(std::string_view file_name, const vhd::Conversion& conversion,
                                      const ReportOptions& options);

/// One JSON object on one line, about all files of a run.
class JsonReport {
 public:
  JsonReport();
  void add(std::string_view file_name, const vhd::Conversion& conversion, const ReportOptions& options);
  void add(std::string_view file_name, const vhd::Refusal& refusal);
  /// Completes it; without the line feed. `status` is that of the run.
  [[nodiscard]] std::string finish(ExitStatus status);

 private:
  tools::JsonWriter json_;
};

}  // namespace vhdboot::raw2vhd
