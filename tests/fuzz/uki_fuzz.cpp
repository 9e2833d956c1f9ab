// SPDX-License-Identifier: GPL-2.0-or-later
// Unified kernel images in every profile, up to the plan: whatever the file, all ranges lie within it, and the pieces
// of the new initrd follow one another, aligned.

#include "entry/thin_uki.h"
#include "entry/uki_parts.h"
#include "kexec/cmdline.h"
#include "kexec/plan.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const MemorySource file(bytes);
  for (unsigned profile = 0; profile < 4; ++profile) {
    const auto uki = entry::parse_uki(file, profile);
    if (!uki) continue;
    for (const auto& range : {std::optional(uki->kernel), uki->initrd, uki->ucode, uki->pcrsig, uki->pcrpkey})
      check(!range || slice(bytes, range->offset, range->length).has_value());
    for (const char c : uki->cmdline.value_or("")) check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    const auto thin = entry::parse_thin_uki(file, *uki);
    check(thin || thin.error().code == Code::Corrupt);
    if (thin && *thin) check((*thin)->kernel.path.starts_with('/') && !(*thin)->kernel.path.contains("/../"));
    const auto plan = kexec::make_plan(entry::parts_of(file, *uki), "quiet");
    if (!plan) continue;
    std::uint64_t end = 0;
    for (const auto& part : plan->initrds) {
      check(part.destination >= end && part.destination % 4 == 0 && !part.source.range.empty());
      end = part.destination + part.source.range.length;
    }
    check(plan->archive_at >= end && plan->archive_at < end + 8 && plan->archive_at % 4 == 0);
    check(kexec::CommandLine::parse(plan->cmdline).find("rdinit") == kexec::kStage2Init);
    check(!plan->guest_init.empty());
  }
  return 0;
}
