// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/plan_report.h"

#include <string_view>
#include <utility>

#include "base/text.h"
#include "kexec/plan.h"

namespace vhdboot::stage {
namespace {

constexpr std::size_t kIndent = 14;  // of what stands behind a heading

// A heading and what it says; a list has the heading on its first line only.
class Lines {
 public:
  void add(std::string_view heading, std::string_view text) { lines_.push_back(padded(heading) + printable(text)); }
  void more(std::string_view text) { add("", text); }
  [[nodiscard]] std::vector<std::string> finish() && { return std::move(lines_); }

 private:
  static std::string padded(std::string_view heading) {
    std::string out(heading);
    out.resize(kIndent, ' ');
    return out;
  }
  std::vector<std::string> lines_;
};

std::string pieces(std::size_t count) {
  return count == 1 ? "1 piece" : concat(count, " pieces");
}

void add_image(const PlanReport& report, Lines& lines) {
  const PlanReport::Image& image = report.image;
  lines.add("image", image.path);
  lines.more(concat(image.format, " of ", human_size(image.file_size), ", a disk of ", human_size(image.payload_size),
                    ", in ", pieces(image.extents)));
  for (const std::string& parent : image.parents) lines.more(concat("on ", parent));
  lines.add("volume", concat(image.volume, ", serial ", image.serial));
  lines.more(image.state);
  lines.add("guest disk", report.guest_disk);
  for (const std::string& disk : report.further) lines.add("further disk", disk);
}

void add_entry(const PlanReport& report, Lines& lines) {
  const PlanReport::Entry& entry = report.entry;
  lines.add("entry", concat(entry.kind, " ", entry.id));
  if (entry.title != entry.id) lines.more(entry.title);
  lines.more(concat(entry.path, entry.where.empty() ? "" : concat(" on ", entry.where)));
  if (entry.tries_left)
    lines.more(concat("tries left: ", *entry.tries_left,
                      entry.counted_as.empty() ? "" : concat("; a boot makes it ", entry.counted_as)));
  if (!entry.profile.empty()) lines.more(concat("profile ", entry.profile));
  if (!entry.chosen_by.empty()) lines.more(concat("chosen by ", entry.chosen_by));
  lines.add("kernel", concat(report.release.empty() ? "of an unknown release" : report.release, ", ",
                             human_size(report.kernel_size)));
}

void add_command_line(const PlanReport& report, Lines& lines) {
  lines.add("command line", concat("from ", report.cmdline_from));
  lines.more(report.cmdline);
  for (const guest::LineChange& change : report.line_changes) lines.more(concat("* ", change.what, ": ", change.why));
  lines.more(
      concat("* rdinit=", kexec::kStage2Init, ": stage 2 attaches the image and then executes ", report.next_init));
}

void add_initrds(const PlanReport& report, Lines& lines) {
  std::string_view heading = "initrd";
  for (const PlanReport::Piece& piece : report.initrds)
    lines.add(std::exchange(heading, ""), concat(piece.what, ", ", human_size(piece.size)));
  std::uint64_t size = 0;
  for (const PlanReport::Module& module : report.modules) size += module.size;
  lines.add(heading, concat("vhdboot: stage 2", report.modules.empty() ? ""
                                                                       : concat(" and ", report.modules.size(),
                                                                                " modules, ", human_size(size))));
}

void add_modules(const PlanReport& report, Lines& lines) {
  std::string_view heading = "modules";
  const auto add = [&](std::string_view text) { lines.add(std::exchange(heading, ""), text); };
  if (!report.modules_not_read.empty()) add(concat("none are taken: ", report.modules_not_read));
  for (const PlanReport::Module& module : report.modules)
    add(concat(module.name, ", ", human_size(module.size), ": ", module.why));
  for (const PlanReport::Named& builtin : report.builtin) add(concat(builtin.name, ", built in: ", builtin.why));
  for (const std::string& missing : report.missing) add(concat("missing: ", missing));
  if (report.asked_of_guest.empty()) return;
  add(report.mounted ? "must be built into the kernel, as there is no initrd:"
                     : "stage 2 asks the guest's initrd for:");
  for (const PlanReport::Named& asked : report.asked_of_guest) add(concat("  ", asked.name, ": ", asked.why));
}

void add_root(const record::GuestRoot& root, Lines& lines) {
  lines.add("root", concat("no initrd: stage 2 mounts ",
                           root.partition == 0 ? "the guest disk" : concat("partition ", root.partition), " as ",
                           root.type, root.read_only ? ", read-only" : ", for writing"));
  if (!root.flags.empty()) lines.more(concat("with the options ", root.flags));
}

}  // namespace

std::vector<std::string> plan_lines(const PlanReport& report) {
  Lines lines;
  add_image(report, lines);
  add_entry(report, lines);
  add_command_line(report, lines);
  add_initrds(report, lines);
  add_modules(report, lines);
  if (report.mounted) add_root(*report.mounted, lines);
  for (const std::string& warning : report.warnings) lines.add("warning", warning);
  return std::move(lines).finish();
}

}  // namespace vhdboot::stage
