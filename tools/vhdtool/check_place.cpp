// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_place.h"

#include <utility>
#include <vector>

#include "base/text.h"

namespace vhdboot::vhdtool {
namespace {

using volume::FileLayout;
using volume::Kind;
using volume::VolumeState;

constexpr std::uint32_t kSparse = 0x200;
constexpr std::uint32_t kReparse = 0x400;
constexpr std::uint32_t kCompressed = 0x800;
constexpr std::uint32_t kEncrypted = 0x4000;

// More pieces than this take memory and time at every boot.
constexpr std::uint64_t kManyExtents = 10'000;

void check_count(std::uint64_t extents, Findings& findings) {
  if (extents > blocks::kMaxRows)
    findings.error("extents", concat("the file lies in ", extents, " pieces, more than ", blocks::kMaxRows,
                                     ": defragment it or copy it to a new file"));
  else if (extents > kManyExtents)
    findings.warning("extents",
                     concat("the file lies in ", extents, " pieces: defragment it or copy it to a new file"));
  else
    findings.ok("extents", concat("the file lies in ", extents, extents == 1 ? " piece" : " pieces"));
}

// A layout with nothing wrong, to which one fault after the other is given.
FileLayout faultless(const FileLayout& layout) {
  const std::uint64_t size = layout.size == 0 ? 1 : layout.size;
  FileLayout clean;
  clean.size = clean.valid_size = clean.allocated_size = size;
  clean.extents = {{.logical = 0, .physical = 0, .length = size}};
  return clean;
}

struct Fault {
  std::string_view check;
  FileLayout layout;
};

std::vector<Fault> faults_of(const FileLayout& layout) {
  std::vector<Fault> faults;
  const auto add = [&](std::string_view check, bool present) -> FileLayout* {
    if (!present) return nullptr;
    return &faults.emplace_back(Fault{check, faultless(layout)}).layout;
  };
  if (auto* one = add("reparse-point", layout.reparse_tag != 0)) one->reparse_tag = layout.reparse_tag;
  if (auto* one = add("encrypted", layout.encrypted)) one->encrypted = true;
  if (auto* one = add("compressed", layout.compressed)) one->compressed = true;
  if (auto* one = add("resident", layout.resident)) one->resident = true;
  if (auto* one = add("valid-data-length", layout.valid_size < layout.size)) one->valid_size = layout.valid_size;
  // Of a resident file there are no extents, of a compressed one the holes are no news.
  if (!layout.resident && !layout.compressed && layout.reparse_tag == 0)
    if (auto* one = add("sparse", layout.size > 0)) {
      one->sparse = layout.sparse;
      one->extents = layout.extents;
    }
  return faults;
}

}  // namespace

void check_layout(const FileLayout& layout, const volume::Path& path, Findings& findings) {
  if (layout.directory || layout.size == 0) {
    if (const auto mappable = check_mappable(layout, path); !mappable) findings.error("file", mappable.error());
    return;
  }
  bool fine = true;
  for (const Fault& fault : faults_of(layout)) {
    const auto mappable = check_mappable(fault.layout, path);
    if (mappable) continue;
    fine = false;
    findings.error(fault.check, mappable.error());
  }
  if (fine) findings.ok("file", "its bytes lie on the volume as they are: no holes, not compressed, not encrypted");
}

void check_volume(Kind kind, const Result<VolumeState>& state, Findings& findings) {
  const auto clean = state ? check_clean(*state) : Result<void>(std::unexpected(state.error()));
  if (clean)
    findings.ok("volume", concat(name(kind), ", clean"));
  else
    findings.error("volume", clean.error());
}

void check_attachment(Result<blocks::View> view, std::uint32_t guest_block, Findings& findings) {
  const auto plan = view ? blocks::plan_attachment(*std::move(view), true, guest_block, "")
                         : Result<blocks::AttachPlan>(std::unexpected(view.error()));
  if (!plan) {
    findings.error("extents", plan.error());
    return;
  }
  for (const std::string& warning : plan->warnings) findings.warning("direct-io", warning);
  check_count(plan->view.files.front().extents.size(), findings);
}

void check_mounted(const MountedFile& file, Findings& findings) {
  if (!file.kind && file.file_system.starts_with("fuse")) {
    findings.warning("file-system",
                     "its driver does not tell whether this is NTFS or exFAT, from which vhdboot boots: run this as "
                     "root, or unmount it and use --volume");
    return;
  }
  if (!file.kind) {
    findings.warning("file-system",
                     concat("this file system", file.file_system.empty() ? "" : concat(" (", file.file_system, ')'),
                            " is not one that vhdboot boots from: copy the image to NTFS or exFAT",
                            file.hole ? " (on Linux with cp --sparse=never: it has holes)" : ""));
    return;
  }
  if (!file.state) {
    findings.warning("volume", concat("the state of the ", name(*file.kind),
                                      " volume was not checked: run this as root, or unmount it and use --volume"));
  } else {
    // Marks that every mounted volume carries.
    VolumeState state = *file.state;
    state.dirty = state.journal_pending = false;
    check_volume(*file.kind, state, findings);
  }
  FileLayout layout = faultless({.size = file.size, .extents = {}});
  layout.size = file.size;
  layout.valid_size = file.unwritten.value_or(file.size);
  const std::uint32_t attributes = file.attributes.value_or(0);
  layout.sparse = (attributes & kSparse) != 0;
  layout.compressed = (attributes & kCompressed) != 0;
  layout.encrypted = (attributes & kEncrypted) != 0;
  if (file.hole)
    layout.extents = {{.logical = 0, .physical = 0, .length = *file.hole}};
  else if (file.allocated && *file.allocated < file.size)  // there are holes, and the driver does not tell where
    layout.extents = {{.logical = 0, .physical = 0, .length = *file.allocated}};
  const auto path = volume::parse_path(file.name);
  check_layout(layout, path.value_or(volume::Path()), findings);
  if (*file.kind == Kind::Ntfs && !file.attributes)
    findings.warning("attributes",
                     "this NTFS driver does not tell whether the file is compressed or encrypted: unmount the volume "
                     "and use --volume");
  if ((attributes & kReparse) != 0)
    findings.error(
        "reparse-point",
        concat(printable(file.name), " is a reparse point, other software keeps its data: copy it to a new file"));
  if (file.extents)
    check_count(*file.extents, findings);
  else
    findings.warning("extents",
                     "this driver does not tell where the file lies and whether all of it was written: unmount the "
                     "volume and use --volume");
}

}  // namespace vhdboot::vhdtool
