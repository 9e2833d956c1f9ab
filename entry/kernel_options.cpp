// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/kernel_options.h"

#include <algorithm>
#include <array>

#include "base/quoted.h"
#include "base/text.h"
#include "kexec/cmdline.h"

namespace vhdboot::entry {

namespace {

// What mount(8) and systemd take for themselves, and what a remount can still set.
constexpr std::array<std::string_view, 46> kGeneric{
    "defaults",   "auto",      "noauto",     "user",        "nouser",        "users",      "owner",      "group",
    "nofail",     "_netdev",   "ro",         "rw",          "exec",          "noexec",     "suid",       "nosuid",
    "dev",        "nodev",     "sync",       "async",       "dirsync",       "atime",      "noatime",    "diratime",
    "nodiratime", "relatime",  "norelatime", "strictatime", "nostrictatime", "lazytime",   "nolazytime", "iversion",
    "noiversion", "mand",      "nomand",     "silent",      "loud",          "remount",    "errors",     "comment",
    "context",    "fscontext", "defcontext", "rootcontext", "symfollow",     "nosymfollow"};
// XFS turns quotas on when it is mounted and at no other time.
constexpr std::array<std::string_view, 10> kQuota{"quota",     "noquota",   "usrquota", "grpquota", "prjquota",
                                                  "usrjquota", "grpjquota", "jqfmt",    "uquota",   "gquota"};
constexpr std::array<std::string_view, 4> kTags{"UUID=", "PARTUUID=", "LABEL=", "PARTLABEL="};

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& of) {
  return std::ranges::find(of, text) != of.end();
}

std::string without_comments(std::string_view text) {
  std::string out;
  for (const std::string_view line : split_lines(text)) {
    const auto words = trim(line);
    if (words.empty() || words.starts_with('#')) continue;
    if (!out.empty()) out += ' ';
    out += words;
  }
  return out;
}

std::optional<std::string> from_kernel_cmdline(const OptionTexts& texts) {
  if (!texts.kernel_cmdline || texts.kernel_cmdline->size() > kMaxKernelCmdlineBytes) return std::nullopt;
  auto line = without_comments(*texts.kernel_cmdline);
  if (line.empty()) return std::nullopt;
  return line;
}

std::optional<GrubConfig> read_grub(const OptionTexts& texts) {
  if (!texts.grub_cfg) return std::nullopt;
  const auto environment = parse_grub_environment(texts.grub_environment.value_or(""));
  auto config = parse_grub_cfg(*texts.grub_cfg, environment.value_or(GrubVariables()));
  return config ? std::optional(*std::move(config)) : std::nullopt;
}

// "UUID=x" of UUID="x": libblkid takes both.
std::string without_quotes(std::string_view spec) {
  for (const auto tag : kTags) {
    if (!spec.starts_with(tag)) continue;
    auto value = spec.substr(tag.size());
    const bool quoted =
        value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'');
    if (quoted) value = value.substr(1, value.size() - 2);
    return concat(tag, value);
  }
  return std::string(spec);
}

bool names_a_device(std::string_view spec) {
  return spec.starts_with("/dev/") || std::ranges::any_of(kTags, [&](auto tag) { return spec.starts_with(tag); });
}

std::string root_flags(const FstabEntry& root) {
  std::string out;
  for (const std::string_view option : split(root.options, ',')) {
    const auto key = option.substr(0, option.find('='));
    const bool for_others = option.empty() || is_one_of(key, kGeneric) || key.starts_with("x-") ||
                            key.starts_with("X-") || (root.type != "xfs" && is_one_of(key, kQuota));
    if (for_others) continue;
    if (!out.empty()) out += ',';
    out += option;
  }
  return out;
}

// Adds root= and rootflags= as fstab has them, where `line` does not say them.
Result<void> add_root(const FstabEntry& root, kexec::CommandLine& line) {
  const std::string spec = without_quotes(root.spec);
  if (!names_a_device(spec))
    return fail(
        Code::Unsupported,
        concat("line ", root.line, " of the guest's /etc/fstab has ", quoted(root.spec),
               " at \"/\", which no root= can name: write the kernel's options to /etc/kernel/cmdline in the guest"));
  if (!line.has("root")) TRY_IN("the guest's /etc/fstab", line.set("root", spec));
  if (const auto flags = root_flags(root); !flags.empty() && !line.has("rootflags"))
    TRY_IN("the guest's /etc/fstab", line.set("rootflags", flags));
  return {};
}

Result<std::string> from_root_entry(const FstabEntry& root, bool has_initrd) {
  kexec::CommandLine line;
  TRY(add_root(root, line));
  if (!has_initrd && !root.type.empty() && root.type != "auto")
    TRY_IN("the guest's /etc/fstab", line.set("rootfstype", root.type));
  line.append("ro");
  return line.text();
}

// Nothing when grub.cfg boots no Linux.
Result<std::optional<std::string>> from_grub(const OptionFiles& files, std::string_view kernel_file_name) {
  if (!files.grub) return std::nullopt;
  if (const GrubEntry* entry = entry_for(kernel_file_name, *files.grub)) {
    if (!entry->root_in_doubt) return entry->arguments;
    if (!files.root)
      return fail(Code::NotFound, concat("grub.cfg of the guest has GRUB find out the root= of ",
                                         printable(kernel_file_name), " when it runs, and ", files.no_root,
                                         ": write the kernel's options to /etc/kernel/cmdline in the guest"));
    auto line = kexec::CommandLine::parse(entry->arguments);
    TRY(add_root(*files.root, line));
    return line.text();
  }
  // Fedora's menu is in /loader/entries, and its options may be here.
  const auto options = files.grub->variables.find("kernelopts");
  if (!files.grub->uses_bls || options == files.grub->variables.end() || options->second.empty()) return std::nullopt;
  return options->second;
}

}  // namespace

std::string_view name(OptionSource source) {
  switch (source) {
    case OptionSource::KernelCmdline:
      return "/etc/kernel/cmdline";
    case OptionSource::GrubCfg:
      return "grub.cfg";
    case OptionSource::Fstab:
      break;
  }
  return "/etc/fstab";
}

OptionFiles read_option_files(const OptionTexts& texts) {
  OptionFiles files{.kernel_cmdline = from_kernel_cmdline(texts), .grub = read_grub(texts), .root = {}, .no_root = {}};
  const auto entries = parse_fstab(texts.fstab.value_or(""));
  if (const FstabEntry* root = entries ? find_mount(*entries, "/") : nullptr)
    files.root = *root;
  else
    files.no_root = !texts.fstab ? "there is no /etc/fstab"
                    : !entries   ? "its /etc/fstab is no fstab"
                                 : "its /etc/fstab has no \"/\"";
  return files;
}

Result<KernelOptions> kernel_options(const OptionFiles& files, std::string_view kernel_file_name, bool has_initrd) {
  if (files.kernel_cmdline) return KernelOptions{.text = *files.kernel_cmdline, .source = OptionSource::KernelCmdline};
  if (auto line = TRY(from_grub(files, kernel_file_name)))
    return KernelOptions{.text = *std::move(line), .source = OptionSource::GrubCfg};
  if (!files.root)
    return fail(Code::NotFound, concat("neither /etc/kernel/cmdline nor grub.cfg of the guest says with which options ",
                                       printable(kernel_file_name), " starts, and ", files.no_root,
                                       ": write them to /etc/kernel/cmdline in the guest"));
  return KernelOptions{.text = TRY(from_root_entry(*files.root, has_initrd)), .source = OptionSource::Fstab};
}

}  // namespace vhdboot::entry
