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

Result<std::string> from_root_entry(const FstabEntry& root) {
  kexec::CommandLine line;
  TRY(add_root(root, line));
  // Alpine's initrd loads the driver of no other file system.
  if (!root.type.empty() && root.type != "auto") TRY_IN("the guest's /etc/fstab", line.set("rootfstype", root.type));
  line.append("ro");
  return line.text();
}

Result<std::string> from_menu_entry(const OptionFiles& files, const MenuEntry& entry) {
  if (entry.in_doubt.empty()) return entry.arguments;
  // fstab tells the root, and no more.
  const auto is_other = [](const std::string& name) { return !name.starts_with("root"); };
  const auto other = std::ranges::find_if(entry.in_doubt, is_other);
  if (other != entry.in_doubt.end() || !files.root)
    return fail(Code::NotFound, concat("grub.cfg of the guest has GRUB find out the ",
                                       other != entry.in_doubt.end() ? *other : entry.in_doubt.front(), " of ",
                                       printable(menu_file_name(entry.kernel)), " when it runs",
                                       other != entry.in_doubt.end() ? "" : concat(", and ", files.no_root),
                                       ": write the kernel's options to /etc/kernel/cmdline in the guest"));
  auto line = kexec::CommandLine::parse(entry.arguments);
  TRY(add_root(*files.root, line));
  return line.text();
}

std::optional<std::string> from_found_root(const OptionFiles& files) {
  if (files.found_root.empty()) return std::nullopt;
  kexec::CommandLine line;
  if (!line.set("root", files.found_root)) return std::nullopt;
  if (!files.found_root_flags.empty() && !line.set("rootflags", files.found_root_flags)) return std::nullopt;
  line.append("ro");
  return line.text();
}

// What may be said, in the order in which it counts.
class Candidates {
 public:
  explicit Candidates(const FitsDisk& fits) : fits_(fits) {}

  void add(std::string source, Result<std::string> text, std::vector<std::string> warnings = {}) {
    if (chosen_) return;
    if (!text) {
      if (!error_) error_ = std::move(text).error();
      return;
    }
    KernelOptions options{.text = *std::move(text), .source = std::move(source), .warnings = std::move(warnings)};
    if (fits_(options.text)) {
      if (first_)
        options.warnings.push_back(concat("what ", first_->source,
                                          " of the guest says of the root is nothing on its disk: ", options.source,
                                          " is taken instead"));
      chosen_ = std::move(options);
    } else if (!first_) {
      first_ = std::move(options);
    }
  }

  // When there is none, why.
  Result<KernelOptions> choose(std::string_view nothing) && {
    if (chosen_) return *std::move(chosen_);
    if (first_) return *std::move(first_);
    return std::unexpected(error_ ? *std::move(error_) : Error{Code::NotFound, 0, std::string(nothing)});
  }

 private:
  const FitsDisk& fits_;
  std::optional<KernelOptions> chosen_;
  std::optional<KernelOptions> first_;
  std::optional<Error> error_;
};

std::vector<std::string> warnings_of(const MenuEntry& entry, std::string_view file) {
  std::vector<std::string> warnings;
  for (const std::string& word : entry.left_out)
    warnings.push_back(concat(file, " of the guest has GRUB find out a part of the option ", quoted(word),
                              " when it runs: it is left out"));
  return warnings;
}

void add_roots(const OptionFiles& files, Candidates& candidates) {
  if (files.root) candidates.add("/etc/fstab", from_root_entry(*files.root));
  if (auto found = from_found_root(files)) candidates.add("the file system with its /etc", *std::move(found));
}

}  // namespace

OptionFiles read_option_files(const OptionTexts& texts) {
  OptionFiles files{.kernel_cmdline = from_kernel_cmdline(texts),
                    .menu = texts.menu,
                    .root = {},
                    .no_root = {},
                    .found_root = texts.found_root,
                    .found_root_flags = texts.found_root_flags};
  const auto entries = parse_fstab(texts.fstab.value_or(""));
  if (const FstabEntry* root = entries ? find_mount(*entries, "/") : nullptr)
    files.root = *root;
  else
    files.no_root = !texts.fstab ? "there is no /etc/fstab"
                    : !entries   ? "its /etc/fstab is no fstab"
                                 : "its /etc/fstab has no \"/\"";
  return files;
}

Result<KernelOptions> kernel_options(const OptionFiles& files, std::string_view kernel_file_name,
                                     const FitsDisk& fits) {
  Candidates candidates(fits);
  const MenuEntry* entry = files.menu ? entry_for(kernel_file_name, *files.menu) : nullptr;
  const bool is_its_own = entry != nullptr && menu_file_name(entry->kernel) == kernel_file_name;
  if (is_its_own && entry->in_doubt.empty())
    candidates.add(files.menu->file, entry->arguments, warnings_of(*entry, files.menu->file));
  if (files.kernel_cmdline) candidates.add("/etc/kernel/cmdline", *files.kernel_cmdline);
  if (entry != nullptr) {
    candidates.add(files.menu->file, from_menu_entry(files, *entry), warnings_of(*entry, files.menu->file));
  } else if (files.menu && files.menu->bls_place) {
    // Fedora's menu is in /loader/entries, and its options may be here.
    const auto options = files.menu->variables.find("kernelopts");
    if (options != files.menu->variables.end() && !options->second.empty())
      candidates.add(files.menu->file, options->second);
  }
  add_roots(files, candidates);
  return std::move(candidates)
      .choose(concat("neither /etc/kernel/cmdline nor the menu of a boot loader in the guest says with which options ",
                     printable(kernel_file_name), " starts, and ", files.no_root,
                     ": write them to /etc/kernel/cmdline in the guest"));
}

Result<KernelOptions> entry_options(const OptionFiles& files, const MenuEntry& entry, const FitsDisk& fits) {
  Candidates candidates(fits);
  candidates.add(files.menu->file, from_menu_entry(files, entry), warnings_of(entry, files.menu->file));
  add_roots(files, candidates);
  return std::move(candidates).choose("");
}

}  // namespace vhdboot::entry
