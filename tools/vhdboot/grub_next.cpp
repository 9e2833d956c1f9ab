// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/grub_next.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/fd.h"
#include "base/quoted.h"
#include "base/text.h"
#include "entry/grub_cfg.h"
#include "entry/grub_env.h"
#include "init/sys/file.h"

namespace vhdboot::command {
namespace {

constexpr std::array<std::string_view, 2> kFolders{"/boot/grub", "/boot/grub2"};
constexpr std::string_view kCustom = "custom.cfg";
constexpr std::string_view kInstalled = "vhdboot-";  // begins the ids of the entries that `vhdboot install` makes
constexpr std::string_view kSignature = "# GRUB Environment Block\n";
// GRUB writes sectors that it has found through its file system driver. Not where it has to decompress, where blocks
// have checksums, or where several disks hold them.
constexpr std::array<std::string_view, 6> kWritable{"ext2", "ext3", "ext4", "vfat", "xfs", "msdos"};

void add_entries(const std::string& config, const std::string& environment, std::vector<GrubMenuEntry>& entries) {
  const auto variables = entry::parse_grub_environment(environment);
  const auto menu = entry::parse_grub_cfg(config, variables.value_or(entry::GrubVariables()));
  if (!menu) return;
  std::vector<std::string> names;  // of all, submenus too: a parent comes before what is in it
  for (const entry::MenuEntry& one : menu->entries) {
    const std::string& own = one.id.empty() ? one.title : one.id;
    const bool has_parent = one.parent && *one.parent < names.size();
    names.push_back(has_parent ? concat(names[*one.parent], '>', own) : own);
    if (!one.submenu) entries.push_back({.name = names.back(), .title = one.title, .id = one.id});
  }
}

// "LVM-..." of a device-mapper device.
std::string device_uuid(const RunningSystem& system, std::string_view numbers) {
  return sys::read_attribute(system.at(concat("/sys/dev/block/", numbers, "/dm/uuid")));
}

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '\n') out += '\\';
    out += c;
  }
  return out;
}

// The end of the variable that begins at `at`, behind its line feed, which a '\' in front makes a part of the value.
std::size_t end_of(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != '\n') at += text[at] == '\\' ? 2 : 1;
  return std::min(text.size(), at + 1);
}

}  // namespace

std::optional<GrubFacts> read_grub_facts(const RunningSystem& system) {
  for (const std::string_view folder : kFolders) {
    auto config = read_text(system.at(concat(folder, "/grub.cfg")), entry::kMaxGrubConfig);
    if (!config) continue;
    GrubFacts facts;
    facts.environment_path = concat(folder, "/grubenv");
    facts.config = *std::move(config);
    facts.environment =
        read_text(system.at(facts.environment_path), entry::kMaxGrubEnvironment).value_or(std::string());
    const auto mounts = system.mounts();
    if (const tools::MountedVolume* mount = tools::mount_of(mounts, facts.environment_path)) {
      facts.file_system = mount->type;
      facts.device = mount->source;
      facts.device_uuid = device_uuid(system, mount->numbers);
    }
    add_entries(facts.config, facts.environment, facts.entries);
    // Where `vhdboot install` puts its entries.
    if (facts.config.find(kCustom) != std::string::npos)
      if (const auto custom = read_text(system.at(concat(folder, '/', kCustom)), entry::kMaxGrubConfig))
        add_entries(*custom, facts.environment, facts.entries);
    return facts;
  }
  return std::nullopt;
}

Result<void> check_next_entry(const GrubFacts& grub) {
  const auto refuse = [](std::string text) { return fail(Code::Unsupported, std::move(text)); };
  const auto config_has = [&](std::string_view words) { return grub.config.find(words) != std::string::npos; };
  if (!config_has("load_env") || !config_has("${next_entry}") || !config_has("save_env next_entry"))
    return refuse("this grub.cfg does not ask for next_entry: it was not made by grub-mkconfig");
  if (grub.environment.empty())
    return refuse(concat("there is no ", grub.environment_path, ": make it by `grub-editenv ", grub.environment_path,
                         " create`"));
  if (std::ranges::find(kWritable, grub.file_system) == kWritable.end())
    return refuse(concat(grub.environment_path, " is on ",
                         grub.file_system.empty() ? "a file system that is not known" : printable(grub.file_system),
                         ", where GRUB cannot write: it would start the same entry for ever"));
  if (!grub.device_uuid.empty() || grub.device.starts_with("/dev/md") || grub.device.starts_with("/dev/mapper/"))
    return refuse(concat(grub.environment_path, " is on ", printable(grub.device),
                         " (LVM, RAID or encrypted), where GRUB cannot write: it would start the same entry for ever"));
  return {};
}

Result<const GrubMenuEntry*> find_entry(const GrubFacts& grub, std::string_view name) {
  const auto is_called = [&](const GrubMenuEntry& entry) {
    return entry.name == name || entry.id == name || equals_ignoring_ascii_case(entry.title, name);
  };
  const auto is_installed_as = [&](const GrubMenuEntry& entry) {
    return equals_ignoring_ascii_case(entry.id, concat(kInstalled, name));
  };
  const bool by_name = std::ranges::any_of(grub.entries, is_called);
  const GrubMenuEntry* found = nullptr;
  for (const GrubMenuEntry& entry : grub.entries) {
    if (by_name ? !is_called(entry) : !is_installed_as(entry)) continue;
    if (found != nullptr && found->name != entry.name)
      return fail(Code::Invalid,
                  concat("GRUB's menu has ", quoted(found->name), " and ", quoted(entry.name), ": say which one"));
    found = &entry;
  }
  return found;
}

std::optional<std::string> next_entry(const GrubFacts& grub) {
  const auto variables = entry::parse_grub_environment(grub.environment);
  if (!variables) return std::nullopt;
  const auto found = variables->find(kNextEntry);
  if (found == variables->end() || found->second.empty()) return std::nullopt;
  return found->second;
}

Result<std::string> with_variable(std::string_view text, std::string_view name,
                                  const std::optional<std::string>& value) {
  auto meant = TRY(entry::parse_grub_environment(text));
  if (text.size() < kSignature.size()) return fail(Code::Corrupt, "it is no GRUB environment block");
  std::string kept(kSignature);
  const std::string own = concat(name, '=');
  for (std::size_t at = kSignature.size(); at < text.size() && text[at] != '#';) {
    const std::size_t end = end_of(text, at);
    const std::string_view line = text.substr(at, end - at);
    if (!line.starts_with(own)) kept += line;
    at = end;
  }
  if (!kept.ends_with('\n')) kept += '\n';
  if (value) kept += concat(own, escaped(*value), '\n');
  if (kept.size() > text.size())
    return fail(Code::NoMemory, concat("GRUB's environment block is full, it has ", text.size(), " bytes"));
  kept.append(text.size() - kept.size(), '#');
  meant.erase(std::string(name));
  if (value) meant.insert_or_assign(std::string(name), *value);
  if (TRY(entry::parse_grub_environment(kept)) != meant)
    return fail(Code::Corrupt, "GRUB's environment block is damaged: make it anew with grub-editenv");
  return kept;
}

Result<void> write_environment(const RunningSystem& system, const GrubFacts& grub, std::string_view environment) {
  const std::string path = system.at(grub.environment_path);
  const Fd file = TRY(open_file(path, O_RDWR | O_NOFOLLOW));
  struct stat status{};
  if (::fstat(file.get(), &status) < 0) return fail_errno(path);
  if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) != environment.size())
    return fail(Code::Busy, concat(path, " has changed meanwhile"));
  TRY_IN(path, write_at(file, 0, as_bytes(environment)));
  if (::fsync(file.get()) < 0) return fail_errno(concat("writing ", path));
  if (TRY(read_text(path, entry::kMaxGrubEnvironment)) != environment)
    return fail(Code::Io, concat(path, " was written, but reads otherwise"));
  return {};
}

}  // namespace vhdboot::command
