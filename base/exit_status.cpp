// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/exit_status.h"

#include <algorithm>
#include <array>

namespace vhdboot {
namespace {

struct Row {
  Code code;
  ExitStatus judged;  ///< we found it out by looking at what is there
  ExitStatus system;  ///< a system call said so
};

constexpr std::array kTable{
    Row{Code::NotFound, ExitStatus::Refused, ExitStatus::Failed},
    Row{Code::Corrupt, ExitStatus::Refused, ExitStatus::Failed},
    Row{Code::Unsupported, ExitStatus::Refused, ExitStatus::Refused},
    Row{Code::Unsafe, ExitStatus::Refused, ExitStatus::Refused},
    Row{Code::Io, ExitStatus::Failed, ExitStatus::Failed},
    Row{Code::Busy, ExitStatus::Refused, ExitStatus::Refused},
    Row{Code::Timeout, ExitStatus::Failed, ExitStatus::Failed},
    Row{Code::Invalid, ExitStatus::Refused, ExitStatus::Failed},   // the system's: a permission
    Row{Code::NoMemory, ExitStatus::Refused, ExitStatus::Failed},  // ours: a cap
};

}  // namespace

ExitStatus exit_status(const Error& error) {
  const auto* const row = std::ranges::find(kTable, error.code, &Row::code);
  if (row == kTable.end()) return ExitStatus::Failed;
  return error.sys_errno == 0 ? row->judged : row->system;
}

ExitStatus together(ExitStatus first, ExitStatus next) {
  const bool well = first == ExitStatus::Done || first == ExitStatus::Warnings;
  return well && next != ExitStatus::Done ? next : first;
}

}  // namespace vhdboot
