// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/fstab_units.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/quoted.h"
#include "base/text.h"
#include "init/record/host_mount.h"

namespace vhdboot::guest {
namespace {

constexpr std::size_t kMaxUnitName = 255;
constexpr std::array<std::string_view, 4> kOverNetwork{"nfs", "nfs4", "cifs", "smb3"};
constexpr std::array<std::string_view, 3> kOfWindows{"drvfs", "9p", "virtiofs"};

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& of) {
  return std::ranges::find(of, text) != of.end();
}

bool has_option(const entry::FstabEntry& line, std::string_view option) {
  const auto options = split(line.options, ',');
  return std::ranges::find(options, option) != options.end();
}

// Where udev has a link to it: it writes what is no plain character as \x20 (libblkid, blkid_encode_string()).
std::string device_path(const disk::Selector& selector) {
  using By = disk::Selector::By;
  constexpr std::string_view kPlain = "#+-.:=@_/";
  const std::string_view kind = selector.by == By::Uuid       ? "uuid"
                                : selector.by == By::PartUuid ? "partuuid"
                                : selector.by == By::Label    ? "label"
                                                              : "partlabel";
  std::string path = concat("/dev/disk/by-", kind, '/');
  for (const char c : selector.value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool stays = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || byte >= 0x80 ||
                       (kPlain.contains(c) && c != '/');
    path += stays ? std::string(1, c) : concat("\\x", to_hex(byte, 2));
  }
  return path;
}

// In a unit "%" begins a specifier.
std::string in_unit(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '%' ? std::string("%%") : std::string(1, c);
  return out;
}

// Whether it can be the value in a line of a unit, where a "\" at the end joins the next one.
bool fits_unit(std::string_view text) {
  return fits_line(text) && !text.ends_with('\\');
}

bool is_mount_point(std::string_view path) {
  if (!path.starts_with('/') || path.size() < 2) return false;
  const auto names = split(path.substr(1), '/');
  return std::ranges::none_of(names, [](auto name) { return name.empty() || name == "." || name == ".."; }) &&
         record::mount_unit_name(path).size() <= kMaxUnitName;
}

// A clause; empty: the line holds here. `device`: by its content, if that is how it is named.
std::string objection(const entry::FstabEntry& line, const std::optional<disk::Selector>& device,
                      const std::vector<disk::Identity>& present) {
  if (is_one_of(line.type, kOfWindows)) return "only Windows offers that";
  const bool fits = fits_unit(line.spec) && fits_unit(line.file) && fits_unit(line.type) &&
                    (line.options.empty() || fits_unit(line.options));
  if (!fits) return "it cannot be written into a unit";
  if (line.type != "swap" && !is_mount_point(line.file)) return "that is no place for a mount";
  if (device) {
    const bool is_there =
        std::ranges::any_of(present, [&](const disk::Identity& one) { return matches(*device, one); });
    return is_there ? "" : "there is no such device here";
  }
  if (line.spec.starts_with("/dev/") && !has_option(line, "bind") && !has_option(line, "rbind"))
    return "by that name this machine may have another disk";
  return "";
}

std::string unit_name(const entry::FstabEntry& line, const std::string& what) {
  std::string name = record::mount_unit_name(line.type == "swap" ? what : line.file);
  if (line.type == "swap") name.replace(name.rfind('.'), std::string::npos, ".swap");
  return name;
}

std::string unit(const entry::FstabEntry& line, const std::string& what, bool is_device, const std::string& comment) {
  std::string check = record::mount_unit_name(what);
  check.resize(check.rfind('.'));
  const std::string needs = is_device && line.is_checked && line.type != "swap"
                                ? concat("Requires=systemd-fsck@", in_unit(check), ".service\nAfter=systemd-fsck@",
                                         in_unit(check), ".service\n")
                                : "";
  const std::string head = concat(comment, "[Unit]\nConditionPathExists=!/etc/initrd-release\n", needs);
  const std::string options = concat("Options=", line.options.empty() ? "defaults" : in_unit(line.options), '\n');
  if (line.type == "swap") return concat(head, "\n[Swap]\nWhat=", in_unit(what), '\n', options);
  return concat(head, "\n[Mount]\nWhat=", in_unit(what), "\nWhere=", in_unit(line.file), "\nType=", in_unit(line.type),
                '\n', options);
}

// What is started with a target, and whether that fails with it.
struct Wanted {
  std::string_view target;
  std::string requires_;
  std::string wants;
};

}  // namespace

FstabUnits fstab_units(const std::vector<entry::FstabEntry>& fstab, const std::vector<disk::Identity>& present,
                       const std::string& folder, const std::string& comment) {
  FstabUnits units;
  std::array<Wanted, 3> targets{
      Wanted{"local-fs.target", {}, {}}, {"remote-fs.target", {}, {}}, {"swap.target", {}, {}}};
  for (const entry::FstabEntry& line : fstab) {
    if (line.file == "/") continue;
    const auto device = disk::device_selector(line.spec);
    const std::string why = objection(line, device, present);
    const std::string what = device ? device_path(*device) : line.spec;
    const std::string name = why.empty() ? concat(folder, unit_name(line, what)) : "";
    // Of two lines for one place systemd takes the first, too.
    const bool is_second = std::ranges::find(units.files, name, &GuestFile::name) != units.files.end();
    if (!why.empty() || is_second) {
      units.dropped.push_back(concat("line ", line.line, " of the guest's /etc/fstab, ", quoted(line.spec), " at ",
                                     quoted(line.file),
                                     ", is left out: ", is_second ? "another line has that place" : why));
      continue;
    }
    units.kept.push_back(line);
    units.files.push_back({.name = name, .text = unit(line, what, device.has_value(), comment)});
    if (has_option(line, "noauto")) continue;
    const bool over_network = is_one_of(line.type, kOverNetwork) || has_option(line, "_netdev");
    Wanted& target = targets.at(line.type == "swap" ? 2 : over_network ? 1 : 0);
    std::string& list = has_option(line, "nofail") ? target.wants : target.requires_;
    list += concat(' ', in_unit(unit_name(line, what)));
  }
  for (const Wanted& target : targets)
    if (!target.requires_.empty() || !target.wants.empty())
      units.files.push_back({.name = concat(folder, target.target, ".d/vhdboot-fstab.conf"),
                             .text = concat(comment, "[Unit]\nRequires=", target.requires_,
                                            "\nAfter=", target.requires_, "\nWants=", target.wants, '\n')});
  return units;
}

}  // namespace vhdboot::guest
