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
#include "init/sys/process.h"

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

// A step, and the host volume's device that must be free afterwards.
struct Undo {
  core::TeardownStep step;
  std::string device;
};

// Asked while the guest's root is still mounted: systemd has told its loop device to detach itself with the last user,
// and afterwards nobody knows what it lay on.
Result<std::vector<Undo>> plan_teardown() {
  const auto record = TRY(sys::read_text(std::string(core::kTeardownPath), core::kMaxTeardownBytes));
  std::vector<Undo> plan;
  for (core::TeardownStep& step : TRY(core::parse_teardown(record)).reversed()) {
    std::string device;
    if (step.action == core::TeardownStep::Action::DetachLoop)
      device = TRY(sys::loop_backing_device(concat("/dev/loop", step.target)));
    plan.push_back({std::move(step), std::move(device)});
  }
  return plan;
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
  return sys::detach_loop(concat("/dev/loop", step.target));
}

Result<void> tear_down(const sys::Reporter& report) {
  const auto plan = TRY(plan_teardown());
  sys::kill_all_others();
  TRY_IN("the guest's root", unmount_old_root());
  for (const Undo& each : plan) TRY(undo(each.step));
  report.checkpoint("detached");
  for (const Undo& each : plan)
    if (!each.device.empty()) TRY(sys::wait_until_released(each.device));
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
  for (;;) (void)report.wait_for_key("", sys::Deadline::in(std::chrono::hours(24)));
}

}  // namespace vhdboot::stage
