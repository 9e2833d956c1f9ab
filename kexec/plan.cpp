// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/plan.h"

#include <algorithm>
#include <utility>

#include "base/cpio.h"
#include "base/text.h"
#include "base/units.h"
#include "kexec/cmdline.h"
#include "kexec/early_archive.h"

namespace vhdboot::kexec {

namespace {

constexpr std::string_view kDefaultInit = "/init";

// kexec_file_load counts the NUL and keeps room for "elfcorehdr=0x... ", even where it adds none
// (arch/x86/kernel/kexec-bzimage64.c, MAX_ELFCOREHDR_STR_LEN).
constexpr std::uint32_t kReservedCmdline = 1 + 30;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kLarge = kMiB;  // a gap before it is no loss
// Zeros before our archive: what follows one that lz4 has compressed is taken for more of it unless a word is zero
// (lib/decompress_unlz4.c, since 5.14 and the stable kernels of July 2021). Elsewhere the guest's own boot loader
// leaves none either.
constexpr std::uint64_t kGap = 4;

// Where `piece` goes when what stands before it ends at `end`.
std::uint64_t place(const Piece& piece, const std::vector<InitrdPart>& before, std::uint64_t end) {
  if (before.empty() || piece.range.length < kLarge) return end;
  const std::uint64_t within_page = piece.range.offset - before.front().source.range.offset;
  const std::uint64_t aligned = end + (within_page - end) % kPage;
  return aligned % cpio::kAlignment == 0 ? aligned : end;
}

// What of them lies in the bytes from `offset` on of the new initrd, which are zero.
Result<void> read_parts(const KexecPlan& plan, std::uint64_t offset, MutableBytes out) {
  const std::uint64_t end = offset + out.size();
  for (const InitrdPart& part : plan.initrds) {
    const std::uint64_t from = std::max(offset, part.destination);
    const std::uint64_t to = std::min(end, part.destination + part.source.range.length);
    if (from >= to) continue;
    const MutableBytes place =
        out.subspan(static_cast<std::size_t>(from - offset), static_cast<std::size_t>(to - from));
    TRY(part.source.file->read(part.source.range.offset + (from - part.destination), place));
  }
  return {};
}

}  // namespace

Result<void> GuestInitrd::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size() || out.size() > size() - offset) return fail(Code::Corrupt, "read past the end");
  std::ranges::fill(out, std::byte{0});
  return read_parts(plan_, offset, out);
}

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
    if (piece.range.empty()) return;
    const std::uint64_t at = place(piece, plan.initrds, plan.archive_at);
    fits = fits && at <= kMaxBootBytes && piece.range.length <= kMaxBootBytes - at;
    if (!fits) return;
    plan.initrds.push_back({piece, at});
    plan.archive_at = align_up(at + piece.range.length, cpio::kAlignment);
  };
  std::ranges::for_each(parts.microcode, add);
  std::ranges::for_each(parts.initrds, add);
  std::ranges::for_each(parts.extras, add);
  std::ranges::for_each(parts.addons, add);
  if (plan.archive_at > 0) plan.archive_at += kGap;
  const auto may_have_init = [](const Piece& piece) {
    return !piece.range.empty() && !is_early_archive(*piece.file, piece.range);
  };
  if (!fits)
    return fail(Code::NoMemory, concat("its kernel and initrds have more than ", human_size(kMaxBootBytes),
                                       ": one of the files is damaged, or not what its name says"));
  plan.has_initrd =
      std::ranges::any_of(parts.initrds, may_have_init) || std::ranges::any_of(parts.addons, may_have_init);

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

std::uint64_t initrd_size(const KexecPlan& plan, Bytes archive) {
  return plan.archive_at + archive.size();
}

Result<void> read_kernel(const KexecPlan& plan, MutableBytes out) {
  if (out.size() != plan.kernel.range.length) return fail(Code::Invalid, "the memory has not the size of the kernel");
  TRY_IN("reading the guest's kernel", plan.kernel.file->read(plan.kernel.range.offset, out));
  return {};
}

Result<void> read_initrd(const KexecPlan& plan, Bytes archive, MutableBytes out) {
  if (out.size() != initrd_size(plan, archive)) return fail(Code::Invalid, "the memory has not the size of the initrd");
  TRY_IN("reading the guest's initrd", read_parts(plan, 0, out.first(static_cast<std::size_t>(plan.archive_at))));
  std::ranges::copy(archive, out.subspan(static_cast<std::size_t>(plan.archive_at)).begin());
  return {};
}

}  // namespace vhdboot::kexec
