// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/plan.h"

#include <algorithm>
#include <utility>

#include "base/cpio.h"
#include "base/text.h"
#include "base/units.h"
#include "kexec/cmdline.h"

namespace vhdboot::kexec {

namespace {

constexpr std::string_view kDefaultInit = "/init";

// kexec_file_load counts the NUL and keeps room for "elfcorehdr=0x... ", even where it adds none
// (arch/x86/kernel/kexec-bzimage64.c, MAX_ELFCOREHDR_STR_LEN).
constexpr std::uint32_t kReservedCmdline = 1 + 30;

}  // namespace

std::uint32_t longest_cmdline(const BzImage& header) {
  return header.cmdline_size > kReservedCmdline ? header.cmdline_size - kReservedCmdline : 0;
}

Result<void> check_cmdline_length(std::string_view cmdline, const BzImage& header) {
  if (cmdline.size() <= longest_cmdline(header)) return {};
  return fail(Code::Invalid,
              concat("the kernel's command line has ", cmdline.size(), " characters, this kernel takes at most ",
                     longest_cmdline(header), ": shorten the options"));
}

Result<KexecPlan> make_plan(const BootParts& parts, std::string_view extra_options, std::string_view init) {
  KexecPlan plan;
  plan.kernel = parts.kernel;
  plan.header = TRY_IN("the kernel in the image", parse_bzimage(*parts.kernel.file, parts.kernel.range));

  // The order of systemd-stub. The kernel looks for microcode at the very start of its initrd only.
  bool fits = plan.kernel.range.length <= kMaxBootBytes;
  const auto add = [&](const Piece& piece) {
    fits = fits && piece.range.length <= kMaxBootBytes - plan.archive_at;
    if (piece.range.empty() || !fits) return;
    plan.initrds.push_back({piece, plan.archive_at});
    plan.archive_at = align_up(plan.archive_at + piece.range.length, cpio::kAlignment);
  };
  std::ranges::for_each(parts.microcode, add);
  std::ranges::for_each(parts.initrds, add);
  std::ranges::for_each(parts.extras, add);
  std::ranges::for_each(parts.addons, add);
  const auto is_there = [](const Piece& piece) { return !piece.range.empty(); };
  if (!fits)
    return fail(Code::NoMemory, concat("its kernel and initrds have more than ", human_size(kMaxBootBytes),
                                       ": one of the files is damaged, or not what its name says"));
  plan.has_initrd = std::ranges::any_of(parts.initrds, is_there) || std::ranges::any_of(parts.addons, is_there);

  auto cmdline = CommandLine::parse(parts.cmdline);
  cmdline.append(extra_options);
  plan.guest_init = cmdline.find("rdinit").value_or("");
  if (plan.guest_init.empty()) plan.guest_init = kDefaultInit;
  // In front: rdinit= makes the kernel forget the arguments for init before it, which the guest's line must keep.
  TRY(cmdline.set_in_front("rdinit", init));
  plan.cmdline = cmdline.text();
  TRY(check_cmdline_length(plan.cmdline, plan.header));
  return plan;
}

}  // namespace vhdboot::kexec
