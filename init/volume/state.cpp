// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/state.h"

#include <string_view>

namespace vhdboot::volume {

std::string describe(const VolumeState& state) {
  std::string out;
  const auto add = [&](bool applies, std::string_view clause) {
    if (!applies) return;
    if (!out.empty()) out += "; ";
    out += clause;
  };
  add(state.hibernated,
      "Windows is hibernated on it, perhaps by Fast Startup: start Windows and shut it down with the Shift key held, "
      "or turn this off for good with \"powercfg /h off\"");
  add(state.journal_pending,
      "its journal is still open, Windows crashed, hibernated or used Fast Startup: start Windows, let it mount the "
      "volume and shut it down with the Shift key held");
  add(state.dirty,
      "it is marked dirty, it was not unmounted cleanly: let Windows check it with \"chkdsk /f\", then shut Windows "
      "down or eject the disk");
  add(state.chkdsk_scheduled,
      "Windows has a check or an upgrade of it pending: start Windows, let it finish (chkdsk), and shut it down");
  add(state.media_failure,
      "its medium has reported failures: copy the files to another disk, or let \"chkdsk /r\" find the bad places");
  return out.empty() ? "clean" : out;
}

Result<void> check_clean(const VolumeState& state) {
  if (state.clean()) return {};
  return fail(Code::Unsafe, "the volume must not be written: " + describe(state));
}

}  // namespace vhdboot::volume
