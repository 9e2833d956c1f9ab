// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/watch_space.h"

#include <fcntl.h>

#include <chrono>
#include <utility>

#include "base/text.h"
#include "init/sys/device_mapper.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"
#include "init/sys/pages.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

// Nothing tells of a store that fills up, only of one that is full.
constexpr auto kOften = 2s;

// False before the guest's process 1 has a /run that stays.
bool leave_for_people(const blocks::StoreUse& use) {
  const std::string run = concat(kProcessOneRoot, "/run");
  return sys::is_mount_point(run) && sys::make_directories(run + "/vhdboot") &&
         sys::write_file(concat(kProcessOneRoot, kSpaceFile), as_bytes(blocks::to_text(use)));
}

Result<void> watch(const std::string& snapshot, blocks::WriterKind kind, const sys::Reporter& report) {
  (void)sys::write_file("self/oom_score_adj", as_bytes("-1000"));
  const Fd devices = TRY(sys::mount_detached("devtmpfs", "devtmpfs"));
  const Fd control = TRY(sys::open_below(devices, "mapper/control", O_RDWR));
  unsigned peak = 0;
  std::optional<blocks::StoreUse> told;
  for (auto patience = 0s;; patience = kOften) {
    const auto status = sys::wait_for_status(control, snapshot, patience);
    if (!status) return {};  // it is gone
    const auto use = blocks::parse_store_use(*status);
    if (!use) return fail(Code::Corrupt, concat("the kernel tells nothing of the store but ", printable(*status)));
    // Before the warning: who reads that looks there.
    if (use != told && leave_for_people(*use)) told = use;
    const bool in_memory = kind == blocks::WriterKind::Memory;
    const auto available = in_memory ? sys::available_memory("meminfo") : std::nullopt;
    const unsigned now = blocks::percent(*use, available.value_or(UINT64_MAX));
    if (const auto warning = blocks::space_warning(peak, now, *use, kind)) report.warn(*warning);
    peak = std::max(peak, now);
  }
}

}  // namespace

std::string forgetting_notice(bool keeps_some) {
  return concat("vhdboot: what is changed on the disk of this system is forgotten when it is switched off",
                keeps_some ? ", but for the partitions that are kept" : "", ".\n");
}

Result<Keeper> watch_space(const std::string& snapshot, blocks::WriterKind kind) {
  return Keeper::start([&](const sys::Reporter& report) { return watch(snapshot, kind, report); });
}

}  // namespace vhdboot::stage
