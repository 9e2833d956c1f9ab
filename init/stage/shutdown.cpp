// SPDX-License-Identifier: GPL-2.0-or-later
// The exitrd of the loop engine: the guest's processes are gone, its root lies at /oldroot. Takes down what stage 2 put
// up, so that the host volume ends clean.
#include "base/text.h"
#include "init/core/teardown.h"
#include "init/stage/stage.h"
#include "init/sys/block.h"
#include "init/sys/console.h"
#include "init/sys/device_mapper.h"
#include "init/sys/file.h"
#include "init/sys/loop.h"
#include "init/sys/mount.h"
#include "init/sys/power.h"

namespace vhdboot::stage {
namespace {

constexpr char kOldRoot[] = "/oldroot";

// The last mounted first; again, as long as that frees others.
Result<void> unmount_old_root() {
  for (std::size_t before = 0;;) {
    const auto points = sys::mounts_below(kOldRoot);
    if (points.empty()) return {};
    if (points.size() == before) return sys::unmount(points.back());
    before = points.size();
    for (auto point = points.rbegin(); point != points.rend(); ++point) (void)sys::unmount(*point);
  }
}

Result<void> undo(const core::TeardownStep& step) {
  switch (step.action) {
    case core::TeardownStep::Action::Unmount:
      return sys::unmount(step.target);
    case core::TeardownStep::Action::RemoveDm:
      return sys::remove_mapped_device(step.target);
    case core::TeardownStep::Action::DetachLoop:
      break;
  }
  const std::string path = concat("/dev/loop", step.target);
  const auto backing = sys::loop_backing_device(path);
  TRY(sys::detach_loop(path));
  if (backing) TRY(sys::wait_until_released(*backing));
  return {};
}

Result<void> tear_down(const sys::Reporter& report) {
  TRY_IN("the guest's root", unmount_old_root());
  const auto record = TRY(sys::read_text(std::string(core::kTeardownPath), core::kMaxTeardownBytes));
  for (const core::TeardownStep& step : TRY(core::parse_teardown(record)).reversed()) TRY(undo(step));
  report.checkpoint("detached");
  return {};
}

Error finish(std::string_view verb) {
  if (verb == "poweroff") return sys::power_off();
  if (verb == "halt") return sys::halt();
  if (verb == "kexec" && sys::kernel_is_loaded()) return sys::execute_loaded_kernel();
  return sys::reboot();
}

}  // namespace

void shutdown(const Arguments& arguments) {
  [[maybe_unused]] const auto file_systems = sys::ApiFileSystems::mount();
  const sys::Reporter report("shutdown", sys::Reporter::Audience::KernelLog);
  report.checkpoint("start");
  const auto down = tear_down(report);
  if (down)
    report.checkpoint("unmounted");
  else
    report.error(down.error().within("the host volume may need a check").message());
  const Error refused = finish(arguments.size() > 1 ? arguments[1] : "reboot");
  report.error(refused.message());
  for (;;) (void)report.wait_for_key(sys::Deadline::in(std::chrono::hours(24)));
}

}  // namespace vhdboot::stage
