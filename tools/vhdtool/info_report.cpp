// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/info_report.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/guid.h"
#include "base/text.h"
#include "tools/common/json.h"

namespace vhdboot::vhdtool {
namespace {

using disk::Partition;
using disk::Scheme;
using tools::JsonWriter;
using vhd::DiskInfo;
using vhd::Format;

std::string text_of(const Guid& guid) {
  const GuidText text = to_text(guid);
  return {text.data(), text.size()};
}

struct TypeName {
  Guid type;
  std::string_view name;
};

constexpr std::array kTypeNames{
    TypeName{disk::kEspType, "ESP"},
    TypeName{disk::kXbootldrType, "XBOOTLDR"},
    TypeName{disk::kRootX8664Type, "Linux root (x86-64)"},
    TypeName{disk::kUsrX8664Type, "Linux /usr (x86-64)"},
    TypeName{"0fc63daf-8483-4772-8e79-3d69d8477de4"_guid, "Linux file system"},
    TypeName{"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"_guid, "Linux swap"},
    TypeName{"933ac7e1-2eb4-4f13-b844-0e14e2aef915"_guid, "Linux /home"},
    TypeName{"e6d6d379-f507-44c2-a23c-238f2a3df928"_guid, "Linux LVM"},
    TypeName{"ca7d7ccb-63ed-4c53-861c-1742536059cc"_guid, "Linux LUKS"},
    TypeName{"21686148-6449-6e6f-744e-656564454649"_guid, "BIOS boot"},
    TypeName{"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"_guid, "Microsoft basic data"},
    TypeName{"e3c9e316-0b5c-4db8-817d-f92df00215ae"_guid, "Microsoft reserved"},
    TypeName{"de94bba4-06d1-4d40-a16a-bfd50179d6ac"_guid, "Windows recovery"},
};

std::string type_of(const Partition& partition, Scheme scheme) {
  if (scheme == Scheme::Mbr) return concat("0x", to_hex(partition.mbr_type, 2));
  return text_of(partition.type);
}

std::string type_name(const Partition& partition, Scheme scheme) {
  if (scheme == Scheme::Gpt)
    for (const TypeName& known : kTypeNames)
      if (known.type == partition.type) return std::string(known.name);
  return type_of(partition, scheme);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += concat(out.empty() ? "" : ", ", printable(part));
  return out;
}

class Lines {
 public:
  void add(std::string_view label, std::string_view value) {
    constexpr std::size_t kWidth = 13;
    const std::size_t pad = label.size() + 1 < kWidth ? kWidth - label.size() - 1 : 1;
    text_ += concat("  ", label, ':', std::string(pad, ' '), value, '\n');
  }
  void raw(std::string_view line) { text_ += concat(line, '\n'); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add_disk(Lines& lines, const Inspection& inspection) {
  const DiskInfo& disk = inspection.disk;
  lines.add("disk size", concat(human_size(disk.size), " (", disk.size, " bytes)"));
  if (disk.block_size != 0)
    lines.add("blocks", concat(disk.blocks, " of ", human_size(disk.block_size), ", ", disk.allocated_blocks,
                               " of them allocated"));
  if (disk.reserve > 0) lines.add("reserve", concat(human_size(disk.reserve), " of the file, for new blocks"));
  if (disk.allocated_blocks < disk.blocks)
    lines.add("all blocks", "`vhdtool provision --full` gives each a place that can be written to");
  if (disk.format == Format::Vhdx)
    lines.add("sectors", concat(disk.logical_sector, " bytes, physically ", disk.physical_sector));
  if (disk.uuid) lines.add("UUID", text_of(*disk.uuid));
  if (!disk.creator.empty()) lines.add("made by", printable(disk.creator));
  if (disk.parent) {
    const bool open = !disk.parent_name.empty();
    lines.add("parent", open ? printable(disk.parent_name) : joined(disk.parent->paths));
    lines.add("parent id", text_of(disk.parent->ids.front()));
    if (inspection.chain.size() > 1) lines.add("on top of", joined(inspection.chain));
  }
  if (disk.format == Format::Vhdx)
    lines.add("log", disk.log_dirty
                         ? concat("must be replayed (entries: ", disk.log_entries, "); shown here as it is after that")
                         : "empty");
}

void add_partitions(Lines& lines, const disk::PartitionTable& table) {
  if (table.scheme == Scheme::None) {
    lines.add("partitions", "none");
    return;
  }
  lines.add("partitions", concat(table.scheme == Scheme::Gpt ? "GPT " : "MBR ", table.disk_id));
  for (const Partition& partition : table.partitions)
    lines.raw(concat("    ", partition.number, ": ", type_name(partition, table.scheme), ", ",
                     human_size(partition.length), " from byte ", partition.start,
                     partition.name.empty() ? "" : concat(", \"", printable(partition.name), '"')));
}

void add_boot(Lines& lines, const Inspection& inspection) {
  if (!inspection.partitions) return;
  lines.add("guest writes",
            inspection.takes_writes ? "into the image" : "are forgotten: it boots with `ephemeral yes`");
  if (!inspection.boot.empty() || inspection.unread.empty())
    lines.add("to boot", inspection.boot.empty() ? "nothing"
                                                 : concat(inspection.boot.size(), ", the default first, by ",
                                                          rule_of_default(inspection.boot.front().entry)));
  for (const BootableEntry& found : inspection.boot) {
    lines.raw(concat("    ", found.partition == 0 ? "" : concat(found.partition, ": "), printable(found.path), ": ",
                     printable(found.entry.title), ", kernel ",
                     found.kernel.empty() ? "unknown" : printable(found.kernel)));
    for (std::size_t i = 0; i < found.profiles.size(); ++i)
      lines.raw(concat("      @", i, ' ', printable(found.profiles[i].id),
                       found.profiles[i].title.empty() ? "" : concat(", ", printable(found.profiles[i].title))));
  }
  for (const std::string& unread : inspection.unread) lines.add("not looked at", unread);
}

std::string_view kind_word(entry::EntryKind kind) {
  switch (kind) {
    case entry::EntryKind::Uki:
      break;
    case entry::EntryKind::Type1:
      return "type1";
    case entry::EntryKind::Kernel:
      return "kernel";
  }
  return "uki";
}

void write_disk(JsonWriter& json, const Inspection& inspection) {
  const DiskInfo& disk = inspection.disk;
  json.member("format", format_word(disk)).member("virtual_size", disk.size);
  if (disk.block_size != 0)
    json.member("block_size", disk.block_size)
        .member("blocks", disk.blocks)
        .member("allocated_blocks", disk.allocated_blocks)
        .member("reserve", disk.reserve);
  json.member("logical_sector", disk.logical_sector).member("physical_sector", disk.physical_sector);
  if (disk.uuid) json.member("uuid", text_of(*disk.uuid));
  if (!disk.creator.empty()) json.member("creator", disk.creator);
  if (disk.parent) {
    json.key("parent").begin_object().key("ids").begin_array();
    for (const Guid& id : disk.parent->ids) json.value(text_of(id));
    json.end_array().key("paths").begin_array();
    for (const std::string& path : disk.parent->paths) json.value(path);
    json.end_array();
    if (!disk.parent_name.empty()) json.member("file", disk.parent_name);
    json.key("chain").begin_array();
    for (const std::string& name : inspection.chain) json.value(name);
    json.end_array();
    if (inspection.parent_problem) json.member("problem", *inspection.parent_problem);
    json.end_object();
  }
  if (disk.format == Format::Vhdx)
    json.key("log").begin_object().member("dirty", disk.log_dirty).member("entries", disk.log_entries).end_object();
}

void write_partitions(JsonWriter& json, const disk::PartitionTable& table) {
  const std::string_view scheme = table.scheme == Scheme::Gpt ? "gpt" : table.scheme == Scheme::Mbr ? "mbr" : "none";
  json.key("partition_table").begin_object().member("scheme", scheme);
  if (!table.disk_id.empty()) json.member("disk_id", table.disk_id);
  json.key("partitions").begin_array();
  for (const Partition& partition : table.partitions) {
    json.begin_object()
        .member("number", partition.number)
        .member("type", type_of(partition, table.scheme))
        .member("type_name", type_name(partition, table.scheme))
        .member("start", partition.start)
        .member("size", partition.length)
        .member("partuuid", partition.partuuid);
    if (!partition.name.empty()) json.member("name", partition.name);
    json.end_object();
  }
  json.end_array().end_object();
}

void write_profiles(JsonWriter& json, const std::vector<entry::Profile>& profiles) {
  json.key("profiles").begin_array();
  for (const entry::Profile& profile : profiles)
    json.begin_object().member("id", profile.id).member("title", profile.title).end_object();
  json.end_array();
}

void write_boot(JsonWriter& json, const Inspection& inspection) {
  json.key("boot").begin_array();
  for (const BootableEntry& found : inspection.boot) {
    json.begin_object().member("kind", kind_word(found.entry.kind));
    if (&found == &inspection.boot.front()) json.member("default_by", rule_of_default(found.entry));
    if (found.partition != 0) json.member("partition", found.partition);
    json.member("path", found.path)
        .member("id", found.entry.id)
        .member("title", found.entry.title)
        .member("version", found.entry.version)
        .member("kernel", found.kernel)
        .member("options", found.options);
    if (found.entry.count) json.member("tries_left", found.entry.count->left);
    if (!found.profiles.empty()) write_profiles(json, found.profiles);
    json.end_object();
  }
  json.end_array().key("unread").begin_array();
  for (const std::string& unread : inspection.unread) json.value(unread);
  json.end_array();
}

}  // namespace

std::string format_word(const DiskInfo& disk) {
  switch (disk.format) {
    case Format::Raw:
      return "raw";
    case Format::FixedVhd:
      return "fixed-vhd";
    case Format::DynamicVhd:
      return "dynamic-vhd";
    case Format::DifferencingVhd:
      return "differencing-vhd";
    case Format::Vhdx:
      return disk.differencing ? "differencing-vhdx" : disk.preallocated ? "fixed-vhdx" : "dynamic-vhdx";
    default:
      return "unknown";
  }
}

std::string text_report(std::string_view file_name, const Inspection& inspection) {
  Lines lines;
  lines.raw(concat(printable(file_name), ": ", vhd::describe(inspection.disk)));
  add_disk(lines, inspection);
  if (inspection.partitions) add_partitions(lines, *inspection.partitions);
  add_boot(lines, inspection);
  return lines.take();
}

std::string json_report(std::string_view file_name, const Inspection& inspection) {
  JsonWriter json;
  json.begin_object().member("schema", "vhdboot.info/1").member("file", file_name);
  write_disk(json, inspection);
  if (inspection.partitions) write_partitions(json, *inspection.partitions);
  write_boot(json, inspection);
  json.key("warnings").begin_array();
  for (const std::string& warning : inspection.warnings) json.value(warning);
  json.end_array().end_object();
  return json.text();
}

}  // namespace vhdboot::vhdtool
