// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool snapshots: the files that an image is made of, and whether they still belong together.
#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "tools/common/image_reader.h"
#include "tools/common/json.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/info_report.h"
#include "tools/vhdtool/merge_mark.h"
#include "tools/vhdtool/open_image.h"
#include "vhd/disk.h"
#include "vhd/footer.h"
#include "vhd/image.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool snapshots [--json] IMAGE

Lists the files that IMAGE is made of, a line for each: IMAGE itself, then its
parent, and so on: what the file is, how much of the disk it holds itself, when
it was changed last and, of a VHD, when it was made; a VHDX does not say. The
time of a change is the file system's, in UTC: a guest on the bare machine and a
copy of the file may have left another. What is wrong with a file, such as a
parent that is missing or another one than its child was made from, is said as a
warning. Nothing is changed.

      --json  one JSON object on one line
  -h, --help  this text

Example:
  vhdtool snapshots /media/data/debian.vhdx
)";

struct Layer {
  std::string file;
  std::optional<DiskInfo> disk;  // none: it cannot be read
  std::uint64_t own_data = 0;    // bytes of the disk that have a place in it
  std::optional<std::int64_t> changed;
  std::optional<std::int64_t> made;
  std::string problem;  // empty: none
};

std::uint64_t own_data(const DiskInfo& disk) {
  if (disk.block_size == 0) return disk.size;
  return std::min(disk.size, disk.allocated_blocks * disk.block_size);
}

Layer look_at(const std::string& path) {
  Layer layer;
  layer.file = path;
  auto image = open_image(path, Parents::Ignored);
  if (!image) {
    layer.problem = image.error().message();
    return layer;
  }
  layer.disk = image->disk->info();
  layer.own_data = own_data(*layer.disk);
  layer.changed = image->file->changed();
  const auto known = recognise(*image->file, path);
  if (known && known->footer && known->footer->timestamp != 0) layer.made = known->footer->timestamp + kVhdEpoch;
  return layer;
}

// Where its child says that it is; the way is that of open_disk().
Result<std::string> parent_of(const Layer& child) {
  for (const std::string& path : child.disk->parent->paths) {
    auto found = tools::open_parent_beside(child.file, path);
    if (found) return std::move(found->name);
    if (found.error().code != Code::NotFound) return std::unexpected(std::move(found).error());
  }
  return fail(Code::NotFound, "its parent was not found");
}

std::vector<Layer> chain_of(const std::string& path) {
  std::vector<Layer> chain{look_at(path)};
  while (chain.back().disk && chain.back().disk->parent && chain.size() < kMaxChain) {
    const auto parent = parent_of(chain.back());
    if (!parent) break;
    Layer next = look_at(*parent);
    const std::vector<Guid>& ids = chain.back().disk->parent->ids;
    if (next.disk && (!next.disk->link_id || std::ranges::find(ids, *next.disk->link_id) == ids.end()))
      next.problem = "it is another image than the one that its child was made from, or was changed since";
    const bool stop = !next.problem.empty();
    chain.push_back(std::move(next));
    if (stop) break;
  }
  const auto all = open_image(path);
  const bool said = std::ranges::any_of(chain, [](const Layer& one) { return !one.problem.empty(); });
  // The last one that was found is the one whose parent is the trouble.
  if (!all && !said) {
    const auto last = open_image(chain.back().file);
    chain.back().problem = last ? all.error().message() : last.error().message();
  }
  if (all) {
    if (const auto usable = check_no_merge(path, all->disk->info()); !usable)
      chain.front().problem = usable.error().message();
    for (const std::string& warning : all->disk->info().warnings)
      chain.front().problem += concat(chain.front().problem.empty() ? "" : "; ", warning);
  }
  return chain;
}

std::string time_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&time, &parts) == nullptr) return "?";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

std::string table(const std::vector<Layer>& chain) {
  using Row = std::array<std::string, 5>;
  std::vector<Row> rows{{"kind", "own data", "made (UTC)", "changed (UTC)", "file"}};
  for (const Layer& one : chain)
    rows.push_back({one.disk ? describe(*one.disk) : "not readable", one.disk ? human_size(one.own_data) : "-",
                    one.made ? time_text(*one.made) : "-", one.changed ? time_text(*one.changed) : "-",
                    printable(one.file)});
  std::array<std::size_t, 5> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      text += concat(row[i], std::string(widths[i] - row[i].size() + 2, ' '));
    text += concat(row.back(), '\n');
  }
  return text;
}

std::string json_of(const std::string& path, const std::vector<Layer>& chain) {
  tools::JsonWriter json;
  json.begin_object().member("schema", "vhdboot.snapshots/1").member("file", path).key("chain").begin_array();
  for (const Layer& one : chain) {
    json.begin_object().member("file", one.file);
    if (one.disk)
      json.member("format", format_word(*one.disk))
          .member("virtual_size", one.disk->size)
          .member("own_data", one.own_data)
          .member("reserve", one.disk->reserve);
    if (one.made) json.member("made", static_cast<std::uint64_t>(*one.made));
    if (one.changed && *one.changed >= 0) json.member("changed", static_cast<std::uint64_t>(*one.changed));
    if (!one.problem.empty()) json.member("problem", one.problem);
    json.end_object();
  }
  json.end_array().end_object();
  return json.text();
}

}  // namespace

ExitStatus run_snapshots(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {{.name = "json"}}, {"IMAGE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  if (const auto image = open_image(path, Parents::Ignored); !image) return tools::failed(argv[0], path, image.error());
  const std::vector<Layer> chain = chain_of(path);
  tools::print(line.has("json") ? json_of(path, chain) + '\n' : table(chain));
  ExitStatus status = ExitStatus::Done;
  for (const Layer& one : chain) {
    if (one.problem.empty()) continue;
    tools::warn(argv[0], one.file, one.problem);
    status = ExitStatus::Warnings;
  }
  return status;
}

}  // namespace vhdboot::vhdtool
