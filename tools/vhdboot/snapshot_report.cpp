// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/snapshot_report.h"

#include <utility>

#include "base/ascii.h"
#include "base/text.h"
#include "tools/common/json.h"
#include "vhd/image.h"

namespace vhdboot::command {
namespace {

// Quoted, as it is seen where the volume is mounted elsewhere; who has such a name sees that it stands for a place.
std::string elsewhere(const std::string& image) {
  return concat("\"VOLUME", image.starts_with('/') ? "" : "/", printable(image), '"');
}

bool forgets(Written written) {
  return written == Written::Memory || written == Written::Scratch;
}

std::string reason(const DiskFacts& disk) {
  if (forgets(disk.written))
    return "This system forgets what it writes: its image is as it was before the start, and stays so.";
  if (disk.written == Written::Nowhere) return "The disk of this system is read-only: its image does not change.";
  return "This system runs from its image. A snapshot renames the image and goes on in a new file, and no file of the "
         "volume may be renamed or made while the disk of a running system lies in one: so it takes another system.";
}

std::vector<Way> ways_now(const DiskFacts& disk, std::string_view root) {
  std::vector<Way> ways;
  if (root == "btrfs")
    ways.push_back({"Its root is btrfs, which has snapshots of its own; they lie in the image.",
                    "btrfs subvolume snapshot -r / /before"});
  if (root == "bcachefs")
    ways.push_back({"Its root is bcachefs, which has snapshots of its own; they lie in the image.",
                    "bcachefs subvolume snapshot -r / /before"});
  if (!forgets(disk.written) && disk.written != Written::Nowhere)
    ways.push_back(
        {"To try something and throw it away, start it once so that all is forgotten: press `x` at its line in "
         "the menu of vhdboot.",
         "vhdboot next menu --reboot"});
  return ways;
}

std::vector<Way> ways_offline(const std::string& image, const Status& status) {
  if (image.empty()) return {};
  const std::string file = elsewhere(image);
  const std::string lower = to_lower_ascii(image);
  std::vector<Way> ways;
  const bool is_raw = status.image ? status.image->format == vhd::name(vhd::Format::Raw)
                                   : !lower.ends_with(".vhd") && !lower.ends_with(".vhdx");
  if (is_raw)
    ways.push_back({"It is a raw image, of which no snapshot can be made. To make a fixed VHD of it, in place:",
                    concat("raw2vhd ", file)});
  ways.push_back({"To make a snapshot, with room for so much change:", concat("vhdtool snapshot --reserve 8G ", file)});
  ways.push_back({"To see what there is:", concat("vhdtool snapshots ", file)});
  ways.push_back({"To go back to the last one:", concat("vhdtool rollback ", file)});
  return ways;
}

std::string lines(std::string_view head, const std::vector<Way>& ways) {
  std::string text;
  if (!ways.empty()) text = concat('\n', head, '\n');
  for (const Way& way : ways)
    text += concat("  ", way.text, '\n', way.command.empty() ? std::string() : concat("      ", way.command, '\n'));
  return text;
}

void write(tools::JsonWriter& json, std::string_view name, const std::vector<Way>& ways) {
  json.key(name).begin_array();
  for (const Way& way : ways) {
    json.begin_object().member("text", std::string_view(way.text));
    if (!way.command.empty()) json.member("command", std::string_view(way.command));
    json.end_object();
  }
  json.end_array();
}

}  // namespace

SnapshotAdvice snapshot_advice(const Status& status, std::string_view root) {
  SnapshotAdvice advice;
  if (!status.disk) {
    advice.reason =
        "This system does not run from an image that vhdboot has started: `vhdtool snapshot IMAGE` makes a snapshot of "
        "one "
        "that nothing uses.";
    return advice;
  }
  if (status.start) advice.image = status.start->image;
  advice.reason = reason(*status.disk);
  advice.now = ways_now(*status.disk, root);
  advice.offline = ways_offline(advice.image, status);
  return advice;
}

std::string to_text(const SnapshotAdvice& advice) {
  std::string text;
  if (!advice.image.empty()) text = concat(printable(advice.image), '\n');
  text += concat(advice.reason, '\n');
  text += lines("In this system:", advice.now);
  text += lines("In another Linux, or in WSL, where the volume is mounted at VOLUME:", advice.offline);
  return text;
}

std::string to_json(const SnapshotAdvice& advice) {
  tools::JsonWriter json;
  json.begin_object().member("schema", "vhdboot.snapshot/1");
  if (!advice.image.empty()) json.member("image", std::string_view(advice.image));
  json.member("possible_now", false).member("reason", std::string_view(advice.reason));
  write(json, "now", advice.now);
  write(json, "offline", advice.offline);
  json.end_object();
  return json.text();
}

}  // namespace vhdboot::command
