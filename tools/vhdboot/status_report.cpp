// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/status_report.h"

#include <array>

#include "base/text.h"
#include "tools/common/json.h"

namespace vhdboot::command {
namespace {

std::string line(std::string_view name, std::string_view text) {
  constexpr std::size_t kWidth = 10;
  return concat(name, std::string(kWidth - name.size(), ' '), text, '\n');
}

std::string image_line(const Status& status) {
  std::string text = status.start ? printable(status.start->image) : "not known by name";
  if (status.image)
    text += concat(", ", status.image->format.empty() ? "" : concat(status.image->format, ", "),
                   human_size(status.image->size), " in ", status.image->pieces,
                   status.image->pieces == 1 ? " piece" : " pieces");
  return text;
}

std::string volume_line(const Status& status) {
  const DiskFacts& disk = *status.disk;
  const std::string kind = status.image ? status.image->volume_kind : "";
  const std::string label = status.image ? status.image->volume_label : "";
  return concat(kind.empty() ? "" : concat(kind, ' '), label.empty() ? "" : concat('"', printable(label), "\" "),
                disk.partition.empty() ? "on a partition that is not known" : concat("on ", printable(disk.partition)),
                disk.volume_uuid.empty() ? "" : concat(", UUID ", printable(disk.volume_uuid)));
}

std::string host_line(const HostFacts& host) {
  const std::string device = concat(printable(host.device), ", all of the volume but the image");
  if (host.place.empty())
    return concat(device, ", not mounted, ", host.read_only ? "may only be read" : "may be written to");
  return concat(device, ", mounted at ", printable(host.place), host.mounted_read_only ? ", read-only" : ", writable");
}

std::string disk_line(const DiskFacts& disk) {
  return concat(disk.device.empty() ? "not attached" : printable(disk.device), ", ", human_size(disk.size), " over ",
                printable(disk.map), disk.direct_io ? ", direct I/O" : ", through the page cache (no direct I/O)");
}

std::string further_line(const FurtherDisk& disk) {
  return concat(disk.device.empty() ? "not attached" : concat(printable(disk.device), ", ", human_size(disk.size)),
                " over ", printable(disk.map),
                disk.read_only ? ", read-only" : ", what is written to it goes into its image, in its own place");
}

std::string kept_line(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += concat(printable(path), ", ");
  return text + "in the image of `persist`";
}

std::string started_line(const Status& status) {
  std::string text = status.firmware_entry;
  const auto add = [&](std::string_view step) { text += concat(text.empty() ? "" : ", then ", step); };
  if (!status.loader.empty()) add(printable(status.loader));
  if (status.start && !status.start->efi_file.empty()) add(printable(status.start->efi_file));
  if (status.start && !status.start->version.empty())
    text += concat(" (vhdboot ", printable(status.start->version), ')');
  return text.empty() ? "not known" : text;
}

struct WrittenRow {
  std::string_view word;
  std::string_view sentence;
};
constexpr std::array<WrittenRow, 6> kWritten{{
    {"nothing", "nothing, the disk is read-only"},
    {"image", "what this system writes goes into the image, in its own place"},
    {"memory", "what this system writes stays in memory, and is forgotten when it is switched off"},
    {"memory and image", "what this system writes is forgotten when it is switched off, but for what `keep` names"},
    {"scratch file", "what this system writes goes into a scratch file, and is forgotten when it is switched off"},
    {"scratch file and image",
     "what this system writes goes into a scratch file, and is forgotten, but for what `keep` names"},
}};

}  // namespace

std::string_view word(NextBy by) {
  switch (by) {
    case NextBy::BootNext:
      break;
    case NextBy::Setup:
      return "setup";
    case NextBy::LoaderEntry:
      return "loader-entry";
    case NextBy::LoaderMenu:
      return "loader-menu";
    case NextBy::Ventoy:
      return "ventoy";
    case NextBy::Grub:
      return "grub";
  }
  return "bootnext";
}

std::string status_text(const Status& status) {
  std::string text;
  if (!status.in_guest()) text += "This system was not started by vhdboot.\n";
  std::string system = status.system.empty() ? "Linux" : printable(status.system);
  if (!status.kernel.empty()) system += concat(", kernel ", printable(status.kernel));
  if (status.start && !status.start->entry.empty()) system += concat(", entry ", printable(status.start->entry));
  text += line("system", system);
  if (status.in_guest()) text += line("image", image_line(status));
  if (status.disk) {
    text += line("volume", volume_line(status));
    text += line("disk", disk_line(*status.disk));
    text += line("written", kWritten.at(static_cast<std::size_t>(status.disk->written)).sentence);
  }
  for (const FurtherDisk& disk : status.further) text += line(disk.name, further_line(disk));
  if (!status.kept.empty()) text += line("kept", kept_line(status.kept));
  if (status.host) text += line("host", host_line(*status.host));
  if (status.in_guest() || !status.firmware_entry.empty()) text += line("started", started_line(status));
  if (status.next.empty()) text += line("next", "nothing is set: the usual start");
  for (const NextBoot& next : status.next) text += line("next", next.text);
  return text;
}

std::string status_json(const Status& status) {
  tools::JsonWriter json;
  const auto text = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) json.member(name, value);
  };
  json.begin_object().member("schema", "vhdboot.status/1").member("in_guest", status.in_guest());
  text("system", status.system);
  text("kernel", status.kernel);
  if (status.start) {
    text("version", status.start->version);
    text("efi_file", status.start->efi_file);
    text("entry", status.start->entry);
  }
  if (status.start || status.image) {
    json.key("image").begin_object();
    if (status.start) text("path", status.start->image);
    if (status.image) {
      text("format", status.image->format);
      json.member("size", status.image->size).member("pieces", status.image->pieces);
    }
    json.end_object();
  }
  if (const auto& disk = status.disk) {
    json.key("volume").begin_object();
    if (status.image) {
      text("kind", status.image->volume_kind);
      text("label", status.image->volume_label);
    }
    text("uuid", disk->volume_uuid);
    text("device", disk->partition);
    json.end_object();
    json.key("disk").begin_object();
    text("device", disk->device);
    json.member("size", disk->size)
        .member("map", std::string_view(disk->map))
        .member("direct_io", disk->direct_io)
        .member("read_only", disk->written == Written::Nowhere)
        .member("writes", kWritten.at(static_cast<std::size_t>(disk->written)).word)
        .end_object();
  }
  if (!status.further.empty()) {
    json.key("further_disks").begin_array();
    for (const FurtherDisk& disk : status.further) {
      json.begin_object().member("name", std::string_view(disk.name));
      text("device", disk.device);
      json.member("size", disk.size)
          .member("map", std::string_view(disk.map))
          .member("read_only", disk.read_only)
          .end_object();
    }
    json.end_array();
  }
  if (!status.kept.empty()) {
    json.key("kept").begin_array();
    for (const std::string& path : status.kept) json.value(std::string_view(path));
    json.end_array();
  }
  if (const auto& host = status.host) {
    json.key("host")
        .begin_object()
        .member("device", std::string_view(host->device))
        .member("read_only", host->read_only);
    if (!host->place.empty())
      json.member("mounted_at", std::string_view(host->place)).member("mounted_read_only", host->mounted_read_only);
    json.end_object();
  }
  text("firmware_entry", status.firmware_entry);
  text("loader", status.loader);
  json.key("next").begin_array();
  for (const NextBoot& next : status.next)
    json.begin_object().member("by", word(next.by)).member("text", std::string_view(next.text)).end_object();
  json.end_array().end_object();
  return json.text();
}

}  // namespace vhdboot::command
