// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/uki.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/text.h"

namespace vhdboot::entry {

namespace {

constexpr std::string_view kProfileSection = ".profile";

// What systemd-stub takes for a blank in a command line (util.c, shall_be_whitespace).
bool is_cmdline_blank(char c) {
  return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
}

Result<void> apply(const ByteSource& file, const Section& section, Uki& uki) {
  if (section.name == ".linux") uki.kernel = section.data;
  if (section.name == ".initrd") uki.initrd = section.data;
  if (section.name == ".ucode") uki.ucode = section.data;
  if (section.name == ".pcrsig") uki.pcrsig = section.data;
  if (section.name == ".pcrpkey") uki.pcrpkey = section.data;
  if (section.name == ".cmdline") uki.cmdline = clean_cmdline(TRY(read_text(file, section)));
  if (section.name == ".osrel") {
    uki.osrel = TRY(read_text(file, section));
    uki.osrel_section = section.data;
  }
  if (section.name == ".uname") {
    std::string text = TRY(read_text(file, section));
    uki.uname = std::string(trim(text));
    uki.uname_section = section.data.empty() ? std::nullopt : std::optional(std::move(text));
  }
  if (section.name == kProfileSection) uki.profile = section.data;
  if (section.name == ".dtb" || section.name == ".dtbauto") uki.devicetree = true;
  return {};
}

// The sections of one group (the base, or a profile); of two with the same name the first one counts.
Result<void> apply_group(const ByteSource& file, std::span<const Section> group, Uki& uki) {
  for (std::size_t i = 0; i < group.size(); ++i) {
    const auto before = group.first(i);
    if (std::ranges::find(before, group[i].name, &Section::name) == before.end()) TRY(apply(file, group[i], uki));
  }
  return {};
}

// Where each group of sections ends: [0] is the base, [n + 1] profile n.
std::vector<std::span<const Section>> split_profiles(std::span<const Section> sections) {
  std::vector<std::span<const Section>> groups;
  std::size_t start = 0;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (sections[i].name != kProfileSection) continue;
    groups.push_back(sections.subspan(start, i - start));
    start = i;
  }
  groups.push_back(sections.subspan(start));
  return groups;
}

// The right-hand side of an assignment in os-release, unquoted as a shell does it.
std::string unquote(std::string_view text) {
  std::string out;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      out += text[++i];
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Result<std::string> read_text(const ByteSource& file, const Section& section) {
  if (section.data.length > kMaxTextSection)
    return fail(Code::Corrupt, concat("section ", section.name, " has ", human_size(section.data.length),
                                      " of text, at most ", human_size(kMaxTextSection), " are accepted"));
  const auto bytes = TRY(read_range(file, section.data, kMaxTextSection, concat("section ", section.name)));
  const std::string_view text = as_text(bytes);
  return std::string(text.substr(0, text.find('\0')));
}

Result<Uki> parse_uki(const ByteSource& file, unsigned profile) {
  const PeFile pe = TRY(parse_pe(file));
  const auto groups = split_profiles(pe.sections);
  Uki uki;
  for (std::size_t i = 1; i < groups.size(); ++i) {
    const std::string text = TRY(read_text(file, groups[i].front()));
    uki.profiles.push_back({osrel_value(text, "ID").value_or(""), osrel_value(text, "TITLE").value_or("")});
  }
  // An image without profiles is its own profile 0.
  if (profile >= std::max<std::size_t>(uki.profiles.size(), 1))
    return fail(Code::NotFound, concat("there is no profile @", profile, ": the image has ", uki.profiles.size()));

  TRY(apply_group(file, groups.front(), uki));
  if (!uki.profiles.empty()) TRY(apply_group(file, groups[profile + 1], uki));
  if (uki.kernel.empty())
    return fail(Code::NotFound,
                "not a unified kernel image: it has no .linux section (a boot loader or a PE addon, perhaps)");
  return uki;
}

std::string clean_cmdline(std::string_view section) {
  section = section.substr(0, section.find('\0'));
  while (!section.empty() && is_cmdline_blank(section.front())) section.remove_prefix(1);
  while (!section.empty() && is_cmdline_blank(section.back())) section.remove_suffix(1);
  std::string out(section);
  std::ranges::replace_if(out, is_cmdline_blank, ' ');
  return out;
}

std::optional<std::string> osrel_value(std::string_view osrel, std::string_view key) {
  std::optional<std::string> value;
  for (std::string_view line : split_lines(osrel)) {
    line = trim(line);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || line.substr(0, equals) != key) continue;
    value = unquote(line.substr(equals + 1));
  }
  return value;
}

}  // namespace vhdboot::entry
